//! The transform kind: records in, events out.

use crate::abi::transform::exports::millstream::plugin::transform as wire;
use crate::abi::{Header, KafkaRecord, Origin, Span};
use crate::{Address, Class, Config, Failure, Record};
use serde::Serialize;

/// A plugin that makes events of records.
///
/// One instance is made for each worker and configured once. It must answer
/// the same for the same record, whatever came before: batches are cut
/// differently after a crash, so state kept between records would show.
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
    /// Makes an instance from the plugin's table of the configuration.
    ///
    /// # Errors
    /// A message for people: the plugin does not go live.
    fn new(config: Config) -> Result<Self, String>;

    /// Makes the events of one record: adds them to `events`. Adding none
    /// filters the record out.
    ///
    /// # Errors
    /// The record fails, and none of its events is stored.
    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure>;
}

/// Collects the events of the record in hand.
pub struct Events<'a> {
    record: u32,
    answer: &'a mut wire::Answer,
}

impl Events<'_> {
    /// Begins an event for one client: 1 to 256 bytes, no control characters.
    /// (An id that isn't so makes the record fail as `bad-output`.)
    pub fn client(&mut self, id: &str) -> NewEvent<'_> {
        self.to(Address::Client(id))
    }

    /// Begins an event for a group: it is stored once, and every client that
    /// follows the group gets it. The rules for a name are those for an id.
    pub fn group(&mut self, name: &str) -> NewEvent<'_> {
        self.to(Address::Group(name))
    }

    /// Begins an event for the client that owns a task: the host looks it up,
    /// and where nobody owns it the record fails as `unaddressable`. The
    /// payload's `status`, where it is JSON and has one, is the task's from
    /// then on.
    pub fn task(&mut self, id: &str) -> NewEvent<'_> {
        self.begin(Address::TASK, id)
    }

    /// Begins an event for a client or a group.
    pub fn to(&mut self, address: Address) -> NewEvent<'_> {
        self.begin(address.kind(), address.name())
    }

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

/// An event that still needs its payload; dropped without one, it is none.
#[must_use = "an event without a payload does not exist: call json, text or bytes"]
pub struct NewEvent<'a> {
    record: u32,
    address_kind: u32,
    address: Span,
    kind: Span,
    answer: &'a mut wire::Answer,
}

impl NewEvent<'_> {
    /// The event's type: what a browser listens to. Without one it is
    /// EventSource's `message`.
    pub fn kind(mut self, kind: &str) -> Self {
        self.kind = Span::push(&mut self.answer.arena, kind.as_bytes());
        self
    }

    /// Ends the event with `payload` written as JSON.
    ///
    /// # Errors
    /// `rejected`, if it can't be written (a map with keys that aren't text).
    pub fn json(self, payload: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
        let start = self.answer.arena.len();
        serde_json::to_writer(&mut self.answer.arena, payload)
            .map_err(|e| Failure::rejected(format!("the payload can't be written as JSON: {e}")))?;
        let length = (self.answer.arena.len() - start) as u32;
        self.end(Span {
            start: start as u32,
            length,
        });
        Ok(())
    }

    /// Ends the event with a payload as it is.
    pub fn text(self, payload: &str) {
        let span = Span::push(&mut self.answer.arena, payload.as_bytes());
        self.end(span);
    }

    /// Ends the event with bytes that must be UTF-8, such as the record's own
    /// value; the host checks, so that it isn't done twice.
    pub fn bytes(self, payload: &[u8]) {
        let span = Span::push(&mut self.answer.arena, payload);
        self.end(span);
    }

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

/// Runs a plugin over a batch as it crosses the boundary. For the macro and
/// for tests.
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
        let mut events = Events {
            record: index,
            answer: &mut answer,
        };
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

fn fail(answer: &mut wire::Answer, record: u32, failure: &Failure) {
    let message = Span::push(&mut answer.arena, failure.message.as_bytes());
    let class = match failure.class {
        Class::Rejected => 0,
        Class::Malformed => 1,
        Class::Unaddressable => 2,
        Class::Transient => 3,
    };
    answer.failures.push(wire::Failure {
        record,
        class,
        message,
    });
}

/// Exports a type that is [`Transform`] as the crate's plugin. Once a crate.
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
            // Natively nothing is exported, and these keep the plugin from being called unused.
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(String) -> Result<(), String> = <Exported as wire::Guest>::configure;
            #[cfg(target_arch = "wasm32")]
            $crate::abi::transform::export_transform!(Exported with_types_in $crate::abi::transform);
        };
    };
}
