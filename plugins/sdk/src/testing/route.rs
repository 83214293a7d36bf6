use super::check;
use super::input::{Flat, TestRecord, owned};
use crate::abi::Span;
use crate::abi::route::exports::millstream::plugin::route as wire;
use crate::{Address, Config, Deliver, Route};

/// An event to route in a test.
#[derive(Clone, Debug, Default)]
pub struct TestEvent {
    address_kind: u32,
    address: String,
    kind: String,
    payload: String,
    connected: bool,
    record: TestRecord,
}

impl TestEvent {
    /// An event for a client that is away.
    pub fn new(client: &str, kind: &str, payload: &str) -> TestEvent {
        TestEvent::to(Address::Client(client), kind, payload)
    }

    /// An event for a group.
    pub fn group(name: &str, kind: &str, payload: &str) -> TestEvent {
        TestEvent::to(Address::Group(name), kind, payload).connected()
    }

    fn to(address: Address, kind: &str, payload: &str) -> TestEvent {
        TestEvent {
            address_kind: address.kind(),
            address: address.name().into(),
            kind: kind.into(),
            payload: payload.into(),
            ..TestEvent::default()
        }
    }

    /// Marks its client as connected.
    pub fn connected(mut self) -> TestEvent {
        self.connected = true;
        self
    }

    /// Sets the record that it was made of.
    pub fn record(mut self, record: TestRecord) -> TestEvent {
        self.record = record;
        self
    }
}

/// Where an event was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestDestination {
    /// The client's stream.
    pub stream: Deliver,
    /// The topic and the key there, if any.
    pub topic: Option<(String, Option<Vec<u8>>)>,
    /// The headers there.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A route plugin under test.
pub struct RouteTest<T>(T);

impl<T: Route> RouteTest<T> {
    /// Configures it with `config`, a JSON object.
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn new(config: &str) -> Result<Self, String> {
        T::new(Config(config)).map(RouteTest)
    }

    /// Routes each event. Returns its destination, or why it can't be routed.
    /// As in the host, what [`Route::needs`] does not ask for is absent, and an
    /// invalid topic or header is refused.
    pub fn run(&self, events: &[TestEvent]) -> Vec<Result<TestDestination, String>> {
        let needs = self.0.needs();
        let bare = TestRecord::default();
        let mut flat = Flat::new(
            events
                .iter()
                .map(|e| if needs.record { &e.record } else { &bare }),
        );
        let lowered: Vec<_> = events
            .iter()
            .enumerate()
            .map(|(index, event)| wire::Event {
                record: index as u32,
                connected: u32::from(needs.connected && event.connected),
                address_kind: event.address_kind,
                address: Span::push(&mut flat.arena, event.address.as_bytes()),
                event_type: Span::push(&mut flat.arena, event.kind.as_bytes()),
                payload: Span::push_option(
                    &mut flat.arena,
                    needs.payload.then_some(event.payload.as_bytes()),
                ),
            })
            .collect();
        let Flat {
            arena,
            origin,
            records,
            headers,
        } = &flat;
        let answer = crate::run_route(&self.0, arena, *origin, records, headers, &lowered);
        answer
            .decisions
            .iter()
            .map(|decision| read(&answer, decision))
            .collect()
    }
}

fn read(answer: &wire::Answer, decision: &wire::Decision) -> Result<TestDestination, String> {
    let arena = &answer.arena;
    if decision.refused.of(arena).is_some() {
        return Err(owned(decision.refused, arena));
    }
    let deliver = [
        Deliver::No,
        Deliver::AsConfigured,
        Deliver::Always,
        Deliver::WhileConnected,
    ];
    let bytes = |span: Span| span.of(arena).map(<[u8]>::to_vec);
    let topic = decision
        .topic
        .of(arena)
        .map(|_| (owned(decision.topic, arena), bytes(decision.key)));
    let first = decision.first_header as usize;
    let headers = answer.headers[first..first + decision.header_count as usize].iter();
    let headers: Vec<_> = headers
        .map(|h| (owned(h.name, arena), bytes(h.value)))
        .collect();
    if let Some((topic, _)) = &topic {
        check::topic(topic.as_bytes())?;
        check::headers(headers.iter().map(|(name, _)| &**name))?;
    }
    Ok(TestDestination {
        stream: deliver[decision.stream as usize],
        topic,
        headers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Destination, Needs, RoutedEvent};

    /// Reports in its refusal what it received.
    struct Telling;

    impl Route for Telling {
        fn new(config: Config) -> Result<Self, String> {
            config.none().map(|()| Telling)
        }

        fn needs(&self) -> Needs {
            Needs {
                connected: true,
                ..Needs::default()
            }
        }

        fn route<'a>(&'a self, event: RoutedEvent<'a>) -> Result<Destination<'a>, String> {
            let (client, group) = (event.client(), event.group());
            let (address, connected) = (event.address(), event.connected());
            Err(format!("{address:?} {client:?} {group:?} {connected}"))
        }
    }

    #[test]
    fn a_route_receives_the_addressee() {
        let route = RouteTest::<Telling>::new("{}").unwrap();
        let events = [TestEvent::new("a", "", ""), TestEvent::group("a", "", "")];
        let told = route.run(&events).into_iter().map(|r| r.err().unwrap());
        let expected = [
            r#"Client("a") Some("a") None false"#,
            r#"Group("a") None Some("a") true"#,
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
