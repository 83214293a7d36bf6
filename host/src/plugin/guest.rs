//! A linked plugin, and why calls into it fail.

use super::abi::{clock, diagnostics, log};
use super::capabilities::{Capabilities, Capability};
use super::limits::{Guard, Limits};
use super::meter::Meter;
use crate::record::{Class, Failure};
use metrics::{Counter, counter};
use std::sync::Arc;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Store, Trap};

/// A compiled and linked plugin, from which instances are made. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    /// Its name in the configuration: a path, or `bundled:<name>`.
    pub name: Arc<str>,
    /// The SHA-256 of its file, in hexadecimal.
    pub digest: Arc<str>,
    /// Its table of the configuration, as JSON.
    pub config: Arc<str>,
    /// The limits of each call.
    pub limits: Limits,
    /// What it may use beside its records.
    pub granted: Capabilities,
    /// What of that it needs.
    pub needed: Capabilities,
    pub(super) pre: InstancePre<Guard>,
    /// Counts its calls: more than one per batch if it breaks.
    pub(super) calls: Counter,
    pub(super) meter: Meter,
}

impl Program {
    /// Links `component` to what every plugin is granted, and to `granted`.
    pub(super) fn link(
        engine: &Engine,
        component: &Component,
        about: (Arc<str>, Arc<str>, Arc<str>, Limits),
        (granted, needed): (Capabilities, Capabilities),
        meter: Meter,
    ) -> wasmtime::Result<Program> {
        let mut linker = Linker::new(engine);
        diagnostics::add_to_linker::<Guard, HasSelf<Guard>>(&mut linker, |guard| guard)?;
        if granted.has(Capability::Log) {
            log::add_to_linker::<Guard, HasSelf<Guard>>(&mut linker, |guard| guard)?;
        }
        if granted.has(Capability::Clock) {
            clock::add_to_linker::<Guard, HasSelf<Guard>>(&mut linker, |guard| guard)?;
        }
        let pre = linker.instantiate_pre(component)?;
        let (name, digest, config, limits) = about;
        let calls = counter!("millstream_plugin_calls_total", "plugin" => name.to_string());
        Ok(Program {
            calls,
            name,
            digest,
            config,
            limits,
            granted,
            needed,
            pre,
            meter,
        })
    }

    /// The first digits of the digest, for messages.
    pub fn short_digest(&self) -> &str {
        self.digest.get(..12).unwrap_or(&self.digest)
    }

    pub(super) fn store(&self) -> Store<Guard> {
        let mut store = Store::new(self.pre.engine(), Guard::new(&self.limits));
        store.limiter(|guard| guard);
        store.epoch_deadline_callback(Guard::on_tick);
        if self.meter == Meter::Instructions {
            // For the start; each call gets its own.
            let _ = store.set_fuel(u64::MAX);
        }
        store.set_hostcall_fuel(self.limits.output.saturating_mul(2));
        store
    }

    /// Names this plugin in a failure.
    pub fn blame(&self, mut failure: Failure) -> Failure {
        failure.plugin = Some((self.name.clone(), self.digest.clone()));
        failure
    }
}

/// Why a call gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The failure class.
    pub class: Class,
    /// The message for people.
    pub message: String,
    /// The index of the record that it happened on, as the plugin reports it.
    pub culprit: Option<u32>,
}

impl CallError {
    pub(super) fn bad_output(message: impl Into<String>) -> CallError {
        CallError {
            class: Class::BadOutput,
            message: message.into(),
            culprit: None,
        }
    }

    /// The plugin refused its configuration.
    pub(super) fn refused(message: String) -> CallError {
        CallError {
            class: Class::Rejected,
            message: Failure::words(message),
            culprit: None,
        }
    }

    /// Why an instance could not be made.
    pub(super) fn of_start(error: &wasmtime::Error, guard: &Guard) -> CallError {
        match guard.refused_memory {
            true => CallError::out_of_memory(guard),
            false => CallError::of(error, guard),
        }
    }

    fn out_of_memory(guard: &Guard) -> CallError {
        CallError {
            class: Class::OutOfMemory,
            message: guard.told_of_memory(),
            culprit: None,
        }
    }

    /// Why a call failed. The store must not be used again.
    pub(super) fn of(error: &wasmtime::Error, guard: &Guard) -> CallError {
        let trap = error.downcast_ref::<Trap>();
        if trap.is_some() && guard.refused_memory && !guard.timed_out {
            return CallError::out_of_memory(guard);
        }
        let panicked = guard.panicked.as_ref().filter(|_| trap.is_some());
        let culprit = panicked.map(|(record, _)| *record);
        // wasmtime's type of this error is private.
        let too_much = error
            .root_cause()
            .to_string()
            .contains("hostcalls has been exhausted");
        let (class, message) = match (panicked, trap) {
            _ if guard.timed_out => (Class::Timeout, guard.told_of_time()),
            (Some((_, message)), _) => (Class::Trap, message.clone()),
            (None, Some(trap)) => (Class::Trap, format!("the plugin trapped: {trap}")),
            (None, None) if too_much => (
                Class::TooLarge,
                "the answer of the plugin is too large".into(),
            ),
            // Not a trap: the answer could not be read.
            (None, None) => (Class::BadOutput, format!("{:#}", error.root_cause())),
        };
        CallError {
            class,
            message,
            culprit,
        }
    }
}
