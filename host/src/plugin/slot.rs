//! A worker's slot for an instance of a plugin, made when needed.

use super::calling::{Calling, Lines, LogLine};
use super::guest::{CallError, Program};
use super::limits::Guard;
use super::meter::Usage;
use crate::record::Class;
use std::time::Duration;
use wasmtime::Store;

/// What all kinds of plugins share: how an instance starts.
pub(super) trait Kind {
    /// The bindings of an instance.
    type Bindings;
    /// Its answer to the configuration.
    type Told;

    fn program(&self) -> &Program;

    fn instantiate(&self, store: &mut Store<Guard>) -> wasmtime::Result<Self::Bindings>;

    fn configure(
        plugin: &Self::Bindings,
        store: &mut Store<Guard>,
        config: &str,
    ) -> wasmtime::Result<Result<Self::Told, String>>;
}

/// Holds an instance, made when needed and again after a failed call: a store
/// must never be used after a trap (CVE-2026-104855), and what broke one call
/// may break the next.
pub(super) struct InstanceSlot<K: Kind> {
    kind: K,
    guest: Option<Guest<K>>,
    usage: Usage,
    lines: Lines,
}

/// A store with one instance and its bindings.
struct Guest<K: Kind> {
    store: Store<Guard>,
    bindings: K::Bindings,
    /// Calls that it has answered.
    served: u64,
}

/// Why a call failed, and in what kind of instance.
pub(super) struct Broken {
    pub error: CallError,
    pub by: By,
}

/// The instance that a call failed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// None: the call was given up.
    Dropped,
    /// None: no instance can be made.
    Nothing,
    /// A new instance that has answered no call.
    Fresh,
    /// An instance that has answered calls and may keep state.
    Used,
}

impl Broken {
    /// What a call needed could not be read, and that was given up.
    pub fn dropped() -> Broken {
        let message = "given up".into();
        Broken {
            error: CallError {
                class: Class::Transient,
                message,
                culprit: None,
            },
            by: By::Dropped,
        }
    }

    /// The same, in an instance that was new when the first of several calls began.
    pub fn in_fresh(mut self, fresh: bool) -> Broken {
        if fresh && self.by == By::Used {
            self.by = By::Fresh;
        }
        self
    }
}

impl By {
    /// An instance that had answered `before` calls.
    fn served(before: u64) -> By {
        match before {
            0 => By::Fresh,
            _ => By::Used,
        }
    }
}

impl<K: Kind> InstanceSlot<K> {
    /// A slot with a configured instance, and its answer to the configuration.
    pub fn new(kind: K) -> Result<(InstanceSlot<K>, K::Told), CallError> {
        let (mut guest, told) = start(&kind)?;
        let mut lines = Lines::Kept(Vec::new());
        lines.take(&kind.program().name, &mut guest.store.data_mut().calling);
        let slot = InstanceSlot {
            kind,
            usage: Usage {
                memory: guest.store.data().memory,
                ..Usage::default()
            },
            guest: Some(guest),
            lines,
        };
        Ok((slot, told))
    }

    /// Writes what the plugin logs to the daemon's log.
    pub fn log_lines(&mut self) {
        self.lines.log(&self.kind.program().name);
    }

    /// Keeps what the plugin logs, and returns what was kept.
    pub fn keep_lines(&mut self) -> Vec<LogLine> {
        match std::mem::replace(&mut self.lines, Lines::Kept(Vec::new())) {
            Lines::Kept(kept) => kept,
            Lines::Logged => Vec::new(),
        }
    }

    pub fn program(&self) -> &Program {
        self.kind.program()
    }

    pub fn kind(&self) -> &K {
        &self.kind
    }

    /// Whether the next call is the first one of its instance.
    pub fn is_fresh(&self) -> bool {
        self.guest.as_ref().is_none_or(|guest| guest.served == 0)
    }

    /// What the calls so far have used; measured only if the loader measures.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Calls into the instance about the records of `calling`, with at most `cpu`
    /// of this thread's CPU time.
    pub fn call<R>(
        &mut self,
        calling: Calling,
        cpu: Duration,
        call: impl FnOnce(&K::Bindings, &mut Store<Guard>) -> wasmtime::Result<R>,
    ) -> Result<R, Broken> {
        let mut guest = match self.guest.take() {
            Some(guest) => guest,
            None => {
                let mut guest = self.start()?;
                let calling = &mut guest.store.data_mut().calling;
                self.lines.take(&self.kind.program().name, calling);
                guest
            }
        };
        self.kind.program().calls.increment(1);
        guest.store.data_mut().start(cpu);
        guest.store.data_mut().calling = calling;
        guest.store.set_epoch_deadline(1);
        let meter = self.kind.program().meter;
        let begun = meter.begin(&mut guest.store);
        let answered = call(&guest.bindings, &mut guest.store);
        meter.end(begun, &guest.store, &mut self.usage);
        let calling = &mut guest.store.data_mut().calling;
        self.lines.take(&self.kind.program().name, calling);
        match answered {
            Ok(answer) => {
                guest.served += 1;
                self.guest = Some(guest);
                Ok(answer)
            }
            Err(error) => Err(Broken {
                error: CallError::of(&error, guest.store.data()),
                by: By::served(guest.served),
            }),
        }
    }

    /// Rejects the answer to the last call and drops its instance.
    pub fn reject(&mut self, error: CallError) -> Broken {
        let served = self.guest.take().map_or(0, |guest| guest.served);
        Broken {
            error,
            by: By::served(served.saturating_sub(1)),
        }
    }

    fn start(&self) -> Result<Guest<K>, Broken> {
        let name = &self.kind.program().name;
        let broken = |error: CallError| Broken {
            error: CallError {
                message: format!("can't start {name}: {}", error.message),
                ..error
            },
            by: By::Nothing,
        };
        start(&self.kind).map(|(guest, _)| guest).map_err(broken)
    }
}

/// Makes an instance and configures it.
fn start<K: Kind>(kind: &K) -> Result<(Guest<K>, K::Told), CallError> {
    let program = kind.program();
    let mut store = program.store();
    store.data_mut().start(program.limits.budget(0));
    store.set_epoch_deadline(1);
    let bindings = kind.instantiate(&mut store);
    let bindings = bindings.map_err(|e| CallError::of_start(&e, store.data()))?;
    let configured = K::configure(&bindings, &mut store, &program.config);
    match configured.map_err(|e| CallError::of(&e, store.data()))? {
        Ok(told) => {
            let served = 0;
            let guest = Guest {
                store,
                bindings,
                served,
            };
            Ok((guest, told))
        }
        Err(message) => Err(CallError::refused(message)),
    }
}
