//! The transform kind: records in, events out.

use crate::abi::transform::exports::millstream::plugin::transform as wire;
use crate::abi::{Header, KafkaRecord, Origin, Span};
use crate::{Address, Class, Config, Failure, Record, json};
use serde::Serialize;

/// A plugin that makes events of records.
///
/// Each worker has one instance, configured once. It must answer the same for
/// the same record, whatever came before: batches are cut differently after a
/// crash, so state kept between records would change the result.
///
/// ```
/// use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};
///
/// #[derive(serde::Deserialize)]
/// struct Order<'a> {
///     customer: &'a str,
///     total: f64,
/// }
///
/// struct Orders;
///
/// impl Transform for Orders {
///     fn new(config: Config) -> Result<Self, String> {
///         config.none().map(|()| Orders)
///     }
///
///     fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
///         let order: Order = record.json()?;
///         events.client(order.customer).kind("order").json(&order.total)
///     }
/// }
///
/// transform!(Orders);
///
/// use millstream_plugin::testing::{TestRecord, TransformTest};
/// let orders = TransformTest::<Orders>::new("{}").unwrap();
/// let out = orders.run(&[TestRecord::value(r#"{"customer": "ada", "total": 9.5}"#)]);
/// let event = &out[0].as_ref().unwrap()[0];
/// assert_eq!((&*event.client, &*event.kind, &*event.payload), ("ada", "order", "9.5"));
/// ```
pub trait Transform: Sized + 'static {
    /// Makes an instance from the plugin's configuration table.
    ///
    /// # Errors
    /// A message for people: the plugin does not go live.
    fn new(config: Config) -> Result<Self, String>;

    /// Adds the events of one record to `events`. Adding none filters the
    /// record out.
    ///
    /// # Errors
    /// The record fails, and none of its events is stored.
    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure>;
}

/// Collects the events of the current record.
pub struct Events<'a> {
    record: u32,
    answer: &'a mut wire::Answer,
}

impl Events<'_> {
    pub(crate) fn new(record: u32, answer: &mut wire::Answer) -> Events<'_> {
        Events { record, answer }
    }

    /// Starts an event for one client: 1 to 256 bytes, no control characters.
    /// (An invalid id fails the record as `bad-output`.)
    #[inline]
    pub fn client(&mut self, id: &str) -> NewEvent<'_> {
        self.to(Address::Client(id))
    }

    /// Starts an event for a group. It is stored once, and every client that
    /// follows the group receives it. A name has the same rules as an id.
    #[inline]
    pub fn group(&mut self, name: &str) -> NewEvent<'_> {
        self.to(Address::Group(name))
    }

    /// Starts an event for the client that owns a task. The host looks it up;
    /// without an owner the record fails as `unaddressable`. If the payload is
    /// JSON with a `status`, it becomes the task's status.
    pub fn task(&mut self, id: &str) -> NewEvent<'_> {
        self.begin(Address::TASK, id)
    }

    /// Starts an event for a client or a group.
    #[inline]
    pub fn to(&mut self, address: Address) -> NewEvent<'_> {
        self.begin(address.kind(), address.name())
    }

    #[inline]
    fn begin(&mut self, address_kind: u32, name: &str) -> NewEvent<'_> {
        let name = Span::push(&mut self.answer.arena, name.as_bytes());
        let empty = Span {
            start: 0,
            length: 0,
        };
        NewEvent {
            record: self.record,
            address_kind,
            address: name,
            kind: empty,
            answer: self.answer,
        }
    }
}

/// An event that still needs its payload. Without one it does not exist.
#[must_use = "an event without a payload does not exist: call json, text or bytes"]
pub struct NewEvent<'a> {
    record: u32,
    address_kind: u32,
    address: Span,
    kind: Span,
    answer: &'a mut wire::Answer,
}

impl NewEvent<'_> {
    /// Sets the event's type, which the browser listens for. Without one it
    /// receives `message`.
    #[inline]
    pub fn kind(mut self, kind: &str) -> Self {
        self.kind = Span::push(&mut self.answer.arena, kind.as_bytes());
        self
    }

    /// Finishes the event with `payload` as JSON.
    ///
    /// # Errors
    /// `rejected`, if it can't be serialized (a map with keys that aren't
    /// text).
    pub fn json(self, payload: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
        let start = self.answer.arena.len();
        json::write(&mut self.answer.arena, payload)
            .map_err(|e| Failure::rejected(format!("the payload can't be written as JSON: {e}")))?;
        let length = (self.answer.arena.len() - start) as u32;
        self.end(Span {
            start: start as u32,
            length,
        });
        Ok(())
    }

    /// Finishes the event with a text payload.
    #[inline]
    pub fn text(self, payload: &str) {
        let span = Span::push(&mut self.answer.arena, payload.as_bytes());
        self.end(span);
    }

    /// Finishes the event with bytes that must be UTF-8, such as the record's
    /// value. The host checks them, so that it isn't done twice.
    #[inline]
    pub fn bytes(self, payload: &[u8]) {
        let span = Span::push(&mut self.answer.arena, payload);
        self.end(span);
    }

    #[inline]
    fn end(self, payload: Span) {
        self.answer.events.push(wire::Event {
            record: self.record,
            address_kind: self.address_kind,
            address: self.address,
            event_type: self.kind,
            payload,
        });
    }
}

/// Runs a plugin over a batch in the boundary's format. For the macro and for
/// tests.
#[doc(hidden)]
pub fn run<T: Transform>(
    plugin: &T,
    arena: &[u8],
    origin: Origin,
    records: &[KafkaRecord],
    headers: &[Header],
) -> wire::Answer {
    let mut answer = wire::Answer {
        arena: Vec::with_capacity(arena.len()),
        events: Vec::with_capacity(records.len()),
        failures: Vec::new(),
    };
    for (index, record) in records.iter().enumerate() {
        let index = index as u32;
        crate::panic::set_record(index);
        let before = (answer.arena.len(), answer.events.len());
        let mut events = Events::new(index, &mut answer);
        let view = Record {
            arena,
            origin,
            record,
            headers,
        };
        if let Err(failure) = plugin.transform(view, &mut events) {
            answer.arena.truncate(before.0);
            answer.events.truncate(before.1);
            fail(&mut answer, index, &failure);
        }
    }
    answer
}

pub(crate) fn fail(answer: &mut wire::Answer, record: u32, failure: &Failure) {
    let message = Span::push(&mut answer.arena, failure.message.as_bytes());
    let class = match failure.class {
        Class::Rejected => 0,
        Class::Malformed => 1,
        Class::Unaddressable => 2,
        Class::Transient => 3,
        // The host takes a number that it does not know as this.
        Class::BadOutput | Class::TooLarge => 4,
    };
    answer.failures.push(wire::Failure {
        record,
        class,
        message,
    });
}

/// Exports a type that implements [`Transform`] as the crate's plugin. Use it
/// once per crate.
#[macro_export]
macro_rules! transform {
    ($plugin:ty) => {
        const _: () = {
            use $crate::abi::transform::exports::millstream::plugin::transform as wire;
            #[allow(dead_code, reason = "exported where it is built for wasm only")]
            struct Exported;
            ::std::thread_local! {
                static PLUGIN: $crate::Slot<$plugin> = const { $crate::Slot::new() };
            }
            impl wire::Guest for Exported {
                fn configure(config: String) -> Result<(), String> {
                    #[cfg(target_arch = "wasm32")]
                    $crate::panic::install(|record, message| {
                        $crate::abi::transform::millstream::plugin::diagnostics::panicked(record, message)
                    });
                    let plugin = <$plugin as $crate::Transform>::new($crate::Slot::<$plugin>::config(&config))?;
                    PLUGIN.with(|slot| slot.set(plugin));
                    Ok(())
                }
                fn run(
                    arena: Vec<u8>,
                    origin: $crate::abi::Origin,
                    records: Vec<$crate::abi::KafkaRecord>,
                    headers: Vec<$crate::abi::Header>,
                ) -> wire::Answer {
                    PLUGIN.with(|slot| {
                        $crate::run_transform(slot.get(), &arena, origin, &records, &headers)
                    })
                }
            }
            // Natively nothing is exported; these avoid warnings about unused
            // code.
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(String) -> Result<(), String> = <Exported as wire::Guest>::configure;
            #[cfg(target_arch = "wasm32")]
            $crate::abi::transform::export_transform!(Exported with_types_in $crate::abi::transform);
        };
        // For `millstream plugin debug`, whose tests are outside of the crate.
        #[cfg(not(target_arch = "wasm32"))]
        #[doc(hidden)]
        pub fn __millstream_transform(
            config: &str,
        ) -> ::std::result::Result<$crate::testing::NativeTransform, ::std::string::String> {
            $crate::testing::NativeTransform::new::<$plugin>(config)
        }
    };
}
