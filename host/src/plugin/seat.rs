//! A worker's place in a plugin: its instance, made when it is needed.

use super::guest::{CallError, Program};
use super::limits::Guard;
use wasmtime::Store;

/// What the kinds of plugins have in common: how an instance of one begins.
pub(super) trait Kind {
    /// The bindings of an instance.
    type Bindings;
    /// What it says to its configuration.
    type Told;

    fn program(&self) -> &Program;

    fn instantiate(&self, store: &mut Store<Guard>) -> wasmtime::Result<Self::Bindings>;

    fn configure(
        plugin: &Self::Bindings,
        store: &mut Store<Guard>,
        config: &str,
    ) -> wasmtime::Result<Result<Self::Told, String>>;
}

/// An instance that is made when it is needed, and again after it trapped: a
/// store must never be used after a trap (CVE-2026-104855).
pub(super) struct Seat<K: Kind> {
    kind: K,
    guest: Option<Guest<K>>,
}

/// A store with the bindings of one instance in it.
struct Guest<K: Kind> {
    store: Store<Guard>,
    bindings: K::Bindings,
}

impl<K: Kind> Seat<K> {
    /// A seat whose instance is configured; and what it said to that.
    pub fn new(kind: K) -> Result<(Seat<K>, K::Told), CallError> {
        let (guest, told) = start(&kind)?;
        let guest = Some(guest);
        Ok((Seat { kind, guest }, told))
    }

    pub fn program(&self) -> &Program {
        self.kind.program()
    }

    /// Calls into the instance with a budget for `records` records.
    pub fn call<R>(
        &mut self,
        records: usize,
        call: impl FnOnce(&K::Bindings, &mut Store<Guard>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        let mut guest = match self.guest.take() {
            Some(guest) => guest,
            None => start(&self.kind)?.0,
        };
        let program = self.kind.program();
        program.calls.increment(1);
        guest.store.data_mut().start(program.limits.budget(records));
        guest.store.set_epoch_deadline(1);
        match call(&guest.bindings, &mut guest.store) {
            Ok(answer) => {
                self.guest = Some(guest);
                Ok(answer)
            }
            Err(error) => Err(CallError::of(&error, guest.store.data())),
        }
    }
}

/// Makes an instance and hands it its configuration.
fn start<K: Kind>(kind: &K) -> Result<(Guest<K>, K::Told), CallError> {
    let program = kind.program();
    let mut store = program.store();
    store.data_mut().start(program.limits.budget(0));
    store.set_epoch_deadline(1);
    let bindings = kind.instantiate(&mut store);
    let bindings = bindings.map_err(|e| CallError::of(&e, store.data()))?;
    let configured = K::configure(&bindings, &mut store, &program.config);
    match configured.map_err(|e| CallError::of(&e, store.data()))? {
        Ok(told) => Ok((Guest { store, bindings }, told)),
        Err(message) => Err(CallError::refused(message)),
    }
}
