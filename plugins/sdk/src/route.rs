//! The route kind: where each event goes.

use crate::abi::route::exports::millstream::plugin::route as wire;
use crate::abi::{Header, KafkaRecord, Origin, Span};
use crate::record::text;
use crate::{Address, Config, Record};
use std::borrow::Cow;

/// What a route plugin needs to know of each event beside its address and type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whether the client is connected (a group always counts as connected).
    /// Costs one look-up per batch in the store.
    pub connected: bool,
    /// The payload.
    pub payload: bool,
    /// The record's key and headers.
    pub record: bool,
}

impl From<Needs> for wire::Needs {
    fn from(needs: Needs) -> wire::Needs {
        let flag = |set: bool, flag| if set { flag } else { wire::Needs::empty() };
        flag(needs.connected, wire::Needs::CONNECTED)
            | flag(needs.payload, wire::Needs::PAYLOAD)
            | flag(needs.record, wire::Needs::RECORD)
    }
}

/// Whether an event goes to the stream of its client or group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deliver {
    /// Not to the stream.
    No,
    /// As the pipeline's `deliver` says.
    #[default]
    AsConfigured,
    /// Always, even while the client is away.
    Always,
    /// Only while the client is connected; a group's event always.
    WhileConnected,
}

/// A header's name and its value, which may be absent.
pub type TopicHeader<'a> = (Cow<'a, str>, Option<Cow<'a, [u8]>>);

/// A Kafka topic that receives the event's payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToTopic<'a> {
    /// The topic's name.
    pub topic: Cow<'a, str>,
    /// The key of the record, or absent.
    pub key: Option<Cow<'a, [u8]>>,
    /// Headers of the record, beside the host's `millstream.*`.
    pub headers: Vec<TopicHeader<'a>>,
}

/// Where an event goes: to the stream of its client or group, to a topic, to
/// both, or (with [`Deliver::No`] and no topic) nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The delivery to the stream.
    pub stream: Deliver,
    /// The Kafka topic, if any.
    pub topic: Option<ToTopic<'a>>,
}

impl Destination<'_> {
    /// To the stream only.
    pub fn stream(deliver: Deliver) -> Self {
        Destination {
            stream: deliver,
            topic: None,
        }
    }
}

/// An event to route.
#[derive(Clone, Copy)]
pub struct RoutedEvent<'a> {
    arena: &'a [u8],
    event: &'a wire::Event,
    record: Record<'a>,
}

impl<'a> RoutedEvent<'a> {
    /// The addressee.
    pub fn address(&self) -> Address<'a> {
        let name = text(self.event.address.of(self.arena));
        Address::of(self.event.address_kind, name)
    }

    /// The client's id; `None` for a group's event.
    pub fn client(&self) -> Option<&'a str> {
        match self.address() {
            Address::Client(id) => Some(id),
            Address::Group(_) => None,
        }
    }

    /// The group's name; `None` for a client's event.
    pub fn group(&self) -> Option<&'a str> {
        match self.address() {
            Address::Group(name) => Some(name),
            Address::Client(_) => None,
        }
    }

    /// The event's type; may be empty.
    pub fn kind(&self) -> &'a str {
        text(self.event.event_type.of(self.arena))
    }

    /// Whether the client is connected now; always true for a group's event;
    /// false without [`Needs::connected`].
    pub fn connected(&self) -> bool {
        self.event.connected != 0
    }

    /// The payload; empty without [`Needs::payload`].
    pub fn payload(&self) -> &'a [u8] {
        self.event.payload.of(self.arena).unwrap_or_default()
    }

    /// The record that it was made of: topic, partition, offset and timestamp;
    /// key and headers only with [`Needs::record`], never the value.
    pub fn record(&self) -> Record<'a> {
        self.record
    }
}

/// A plugin that decides where events go. As for [`crate::Transform`], the same
/// event must give the same answer.
///
/// ```
/// use millstream_plugin::{Config, Deliver, Destination, Route, RoutedEvent, route};
///
/// struct LiveOnly;
///
/// impl Route for LiveOnly {
///     fn new(config: Config) -> Result<Self, String> {
///         config.none().map(|()| LiveOnly)
///     }
///
///     fn route<'a>(&'a self, event: RoutedEvent<'a>) -> Result<Destination<'a>, String> {
///         Ok(Destination::stream(match event.kind() {
///             "typing" => Deliver::WhileConnected,
///             _ => Deliver::Always,
///         }))
///     }
/// }
///
/// route!(LiveOnly);
///
/// use millstream_plugin::testing::{RouteTest, TestEvent};
/// let route = RouteTest::<LiveOnly>::new("{}").unwrap();
/// let out = route.run(&[TestEvent::new("ada", "typing", "{}")]);
/// assert_eq!(out[0].as_ref().unwrap().stream, Deliver::WhileConnected);
/// ```
pub trait Route: Sized + 'static {
    /// Makes an instance from the plugin's configuration table.
    ///
    /// # Errors
    /// A message for people: the plugin does not go live.
    fn new(config: Config) -> Result<Self, String>;

    /// What it needs to know beside address and type. Called once.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Decides where one event goes.
    ///
    /// # Errors
    /// A message for people: the event's whole record fails as `unroutable`.
    fn route<'a>(&'a self, event: RoutedEvent<'a>) -> Result<Destination<'a>, String>;
}

/// Runs a plugin over a batch's events. For the macro and for tests.
#[doc(hidden)]
pub fn run<T: Route>(
    plugin: &T,
    arena: &[u8],
    origin: Origin,
    records: &[KafkaRecord],
    headers: &[Header],
    events: &[wire::Event],
) -> wire::Answer {
    let mut answer = wire::Answer {
        arena: Vec::new(),
        headers: Vec::new(),
        decisions: Vec::with_capacity(events.len()),
    };
    for event in events {
        crate::panic::set_record(event.record);
        let record = &records[event.record as usize];
        let record = Record {
            arena,
            origin,
            record,
            headers,
        };
        let decided = plugin.route(RoutedEvent {
            arena,
            event,
            record,
        });
        let decision = write(&mut answer, decided);
        answer.decisions.push(decision);
    }
    answer
}

fn write(answer: &mut wire::Answer, decided: Result<Destination, String>) -> wire::Decision {
    let mut decision = wire::Decision {
        stream: 0,
        topic: Span::ABSENT,
        key: Span::ABSENT,
        first_header: answer.headers.len() as u32,
        header_count: 0,
        refused: Span::ABSENT,
    };
    let destination = match decided {
        Ok(destination) => destination,
        Err(message) => {
            decision.refused = Span::push(&mut answer.arena, message.as_bytes());
            return decision;
        }
    };
    decision.stream = match destination.stream {
        Deliver::No => 0,
        Deliver::AsConfigured => 1,
        Deliver::Always => 2,
        Deliver::WhileConnected => 3,
    };
    if let Some(to) = destination.topic {
        decision.topic = Span::push(&mut answer.arena, to.topic.as_bytes());
        decision.key = Span::push_option(&mut answer.arena, to.key.as_deref());
        decision.header_count = to.headers.len() as u32;
        for (name, value) in to.headers {
            let name = Span::push(&mut answer.arena, name.as_bytes());
            let value = Span::push_option(&mut answer.arena, value.as_deref());
            answer.headers.push(Header { name, value });
        }
    }
    decision
}

/// Exports a type that implements [`Route`] as the crate's plugin. Use it once
/// per crate.
#[macro_export]
macro_rules! route {
    ($plugin:ty) => {
        const _: () = {
            use $crate::abi::route::exports::millstream::plugin::route as wire;
            #[allow(dead_code, reason = "exported where it is built for wasm only")]
            struct Exported;
            ::std::thread_local! {
                static PLUGIN: $crate::Slot<$plugin> = const { $crate::Slot::new() };
            }
            impl wire::Guest for Exported {
                fn configure(config: String) -> Result<wire::Needs, String> {
                    #[cfg(target_arch = "wasm32")]
                    $crate::panic::install(|record, message| {
                        $crate::abi::route::millstream::plugin::diagnostics::panicked(
                            record, message,
                        )
                    });
                    let plugin =
                        <$plugin as $crate::Route>::new($crate::Slot::<$plugin>::config(&config))?;
                    let needs = $crate::Route::needs(&plugin);
                    PLUGIN.with(|slot| slot.set(plugin));
                    Ok(needs.into())
                }
                fn run(
                    arena: Vec<u8>,
                    origin: $crate::abi::Origin,
                    records: Vec<$crate::abi::KafkaRecord>,
                    headers: Vec<$crate::abi::Header>,
                    events: Vec<wire::Event>,
                ) -> wire::Answer {
                    PLUGIN.with(|slot| {
                        $crate::run_route(slot.get(), &arena, origin, &records, &headers, &events)
                    })
                }
            }
            // Natively nothing is exported; these avoid warnings about unused
            // code.
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(String) -> Result<wire::Needs, String> =
                <Exported as wire::Guest>::configure;
            #[cfg(target_arch = "wasm32")]
    $crate::abi::route::export_route!(Exported with_types_in $crate::abi::route);
        };
    };
}
