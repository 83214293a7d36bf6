//! The functions that transforms export.

use crate::plugin::abi::stateful::{Answer as StatefulAnswer, NamedKeys, State};
use crate::plugin::abi::transform::Answer;
use crate::plugin::abi::{self, Call, Export, Functions, Origin, Slice};
use crate::plugin::contract::{STATEFUL, interface};
use crate::plugin::limits::Guard;
use crate::record::{Header, KafkaRecord};
use wasmtime::Store;
use wasmtime::component::{InstancePre, TypedFunc};

/// The arguments of `run` with state.
type CallWithState<'a> = (
    Slice<'a, u8>,
    Origin,
    Slice<'a, KafkaRecord>,
    Slice<'a, Header>,
    State<'a>,
);

/// The functions of a plugin.
#[derive(Clone, Copy)]
pub(super) enum Exports {
    Plain(abi::Exports<(), Call<'static>, Answer>),
    Stateful {
        exports: abi::Exports<(), CallWithState<'static>, StatefulAnswer>,
        keys: Export<Call<'static>, (NamedKeys,)>,
    },
}

/// The functions of an instance.
pub(in crate::plugin) enum Bindings {
    Plain(Functions<(), Call<'static>, Answer>),
    Stateful {
        functions: Functions<(), CallWithState<'static>, StatefulAnswer>,
        keys: TypedFunc<Call<'static>, (NamedKeys,)>,
    },
}

impl Exports {
    /// Those of a plugin; `stateful`: it exports the interface of one that keeps state.
    pub fn find(plugin: &InstancePre<Guard>, stateful: bool) -> wasmtime::Result<Exports> {
        if !stateful {
            let exports = abi::Exports::find(plugin, &interface("transform"))?;
            return Ok(Exports::Plain(exports));
        }
        let interface = interface(STATEFUL);
        Ok(Exports::Stateful {
            exports: abi::Exports::find(plugin, &interface)?,
            keys: Export::find(plugin, &interface, "keys")?,
        })
    }

    /// Those of a new instance.
    pub fn instantiate(
        &self,
        plugin: &InstancePre<Guard>,
        store: &mut Store<Guard>,
    ) -> wasmtime::Result<Bindings> {
        let instance = &plugin.instantiate(&mut *store)?;
        Ok(match self {
            Exports::Plain(exports) => Bindings::Plain(exports.of(store, instance)?),
            Exports::Stateful { exports, keys } => Bindings::Stateful {
                functions: exports.of(store, instance)?,
                keys: keys.of(store, instance)?,
            },
        })
    }
}
