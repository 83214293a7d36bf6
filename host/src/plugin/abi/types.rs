//! The types of `wit/plugin.wit`, which documents them, as the host passes and reads them.
//! wasmtime compares them with those of each plugin.

use super::flat::{Flat, List, Slice};
use crate::record;
use std::mem::offset_of;
use wasmtime::component::{ComponentType, Lift, Lower};

/// Declares records of integers, whose lists are copied as a whole.
macro_rules! flat {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)+ })+) => {$(
        #[derive(Clone, Copy, Debug, ComponentType, Lift, Lower)]
        #[component(record)]
        #[repr(C)]
        pub struct $name {
            $($(#[$attribute])* pub $field: $type,)+
        }

        const _: () = assert!(size_of::<$name>() == 0 $(+ size_of::<$type>())+);

        // SAFETY: it is `repr(C)`; its fields are those of the contract, all of them integers
        // or such records. Together they are as large as it, so it has no padding.
        unsafe impl Flat for $name {
            type Wire = $name;
        }
    )+};
}

flat! {
    Span {
        start: u32,
        length: u32,
    }
    Header {
        name: Span,
        value: Span,
    }
    KafkaRecord {
        offset: i64,
        timestamp: i64,
        key: Span,
        value: Span,
        #[component(name = "first-header")]
        first_header: u32,
        #[component(name = "header-count")]
        header_count: u32,
    }
    Origin {
        topic: Span,
        partition: i32,
    }
    Event {
        record: u32,
        #[component(name = "address-kind")]
        address_kind: u32,
        address: Span,
        #[component(name = "event-type")]
        event_type: Span,
        payload: Span,
    }
    Failure {
        record: u32,
        class: u32,
        message: Span,
    }
}

/// Asserts that a type of the host has the layout of one of the contract.
macro_rules! same_layout {
    ($type:ty, $wire:ty: $($field:ident)+) => {
        const _: () = assert!(size_of::<$type>() == size_of::<$wire>()
            $(&& offset_of!($type, $field) == offset_of!($wire, $field))+);

        // SAFETY: it is `repr(C)`, and its fields are the same as those of the contract.
        unsafe impl Flat for $type {
            type Wire = $wire;
        }
    };
}

same_layout!(record::Header, Header: name value);
same_layout!(record::KafkaRecord, KafkaRecord:
    offset timestamp key value first_header header_count);

/// Of a transform.
pub mod transform {
    use super::{ComponentType, Lift, List};
    pub use super::{Event, Failure};

    /// The answer to `run`.
    #[derive(Debug, ComponentType, Lift)]
    #[component(record)]
    pub struct Answer {
        pub arena: List<u8>,
        pub events: List<Event>,
        pub failures: List<Failure>,
    }
}

/// Of a transform with state.
pub mod stateful {
    use super::{ComponentType, Event, Failure, Flat, Lift, List, Lower, Slice, Span};

    flat! {
        Key {
            record: u32,
            key: Span,
        }
        Entry {
            key: Span,
            value: Span,
            expires: i64,
        }
        Write {
            record: u32,
            entry: u32,
            value: Span,
            expires: i64,
        }
    }

    /// The answer to `keys`.
    #[derive(Debug, ComponentType, Lift)]
    #[component(record)]
    pub struct NamedKeys {
        pub arena: List<u8>,
        pub keys: List<Key>,
    }

    /// What `run` gets of the state.
    #[derive(Clone, Copy, ComponentType, Lower)]
    #[component(record)]
    pub struct State<'a> {
        pub arena: Slice<'a, u8>,
        pub entries: Slice<'a, Entry>,
        pub named: Slice<'a, u32>,
        pub counts: Slice<'a, u32>,
        pub clocks: Slice<'a, i64>,
    }

    /// The answer to `run`.
    #[derive(Debug, ComponentType, Lift)]
    #[component(record)]
    pub struct Answer {
        pub arena: List<u8>,
        pub events: List<Event>,
        pub failures: List<Failure>,
        pub writes: List<Write>,
    }
}

/// Of a route.
pub mod route {
    use super::{ComponentType, Flat, Header, Lift, List, Lower, Span};

    wasmtime::component::flags! {
        Needs {
            #[component(name = "connected")]
            const CONNECTED;
            #[component(name = "payload")]
            const PAYLOAD;
            #[component(name = "record")]
            const RECORD;
        }
    }

    flat! {
        Event {
            record: u32,
            connected: u32,
            #[component(name = "address-kind")]
            address_kind: u32,
            address: Span,
            #[component(name = "event-type")]
            event_type: Span,
            payload: Span,
        }
        Decision {
            stream: u32,
            topic: Span,
            key: Span,
            #[component(name = "first-header")]
            first_header: u32,
            #[component(name = "header-count")]
            header_count: u32,
            refused: Span,
        }
    }

    /// The answer to `run`.
    #[derive(Debug, ComponentType, Lift)]
    #[component(record)]
    pub struct Answer {
        pub arena: List<u8>,
        pub headers: List<Header>,
        pub decisions: List<Decision>,
    }
}

/// Of a dead-letter policy.
pub mod dead_letter {
    use super::{ComponentType, Flat, Header, Lift, List, Lower, Span};

    flat! {
        Failure {
            record: u32,
            attempts: u32,
            stage: Span,
            class: Span,
            message: Span,
            plugin: Span,
            digest: Span,
        }
        Decision {
            action: u32,
            #[component(name = "delay-ms")]
            delay_ms: u32,
            topic: Span,
            #[component(name = "value-from")]
            value_from: u32,
            value: Span,
            #[component(name = "first-header")]
            first_header: u32,
            #[component(name = "header-count")]
            header_count: u32,
        }
    }

    /// The answer to `run`.
    #[derive(Debug, ComponentType, Lift)]
    #[component(record)]
    pub struct Answer {
        pub arena: List<u8>,
        pub headers: List<Header>,
        pub decisions: List<Decision>,
    }
}
