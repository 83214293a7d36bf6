//! A daemon with a separate topic, consumer group and key prefix, and its readers.

use super::SOON;
use millstream_tests::{
    Daemon, Entry, Frame, Message, Redis, Sse, create_topic, produce, servers, unique, wait_until,
};

/// The record's key is the client, its header the type, its unchanged value the payload, so that a
/// test determines every byte.
const AS_IT_IS: &str =
    r#"plugin = "bundled:by-field", config = { client = "key", type = "header:type" }"#;

pub struct Rig<'a> {
    pub daemon: Daemon,
    pub topic: String,
    pub prefix: String,
    config: String,
    redis: &'a Redis,
}

/// Additional configuration of a daemon.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    pub redis: &'a Redis,
    pub transform: &'a str,
    /// Further lines of `[store]`.
    pub store: &'a str,
    /// Further lines of `[http]`.
    pub http: &'a str,
    /// Further lines of `[[pipeline]]`.
    pub pipeline: &'a str,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            redis: &servers().redis,
            transform: AS_IT_IS,
            store: "",
            http: "",
            pipeline: "",
        }
    }
}

impl Rig<'static> {
    /// On the servers that all tests share.
    pub fn start() -> Self {
        Rig::with(Options::default())
    }
}

impl<'a> Rig<'a> {
    /// On a separate Redis.
    pub fn on(redis: &'a Redis) -> Self {
        let options = Options::default();
        Rig::with(Options { redis, ..options })
    }

    pub fn with(options: Options<'a>) -> Self {
        let (topic, prefix) = (create_topic("sse", 2), unique("sse"));
        let config = config(&topic, &prefix, &options);
        let (daemon, redis) = (Daemon::ready(&config), options.redis);
        Rig {
            daemon,
            topic,
            prefix,
            config,
            redis,
        }
    }

    /// The next daemon listens on the same port.
    pub fn keep_address(&self) {
        let http = "[http]\nlisten = ";
        let kept = format!("{http}\"{}\"", self.daemon.sse());
        let config = self
            .config
            .replace(&format!("{http}\"127.0.0.1:0\""), &kept);
        self.daemon.set_config(&config);
    }

    /// The configuration of another edge for its streams, with the usual retention.
    pub fn edge_config(&self) -> String {
        let (redis, prefix) = (self.redis.url(), &self.prefix);
        format!(
            "[store]\nurl = \"{redis}\"\nkey-prefix = \"{prefix}\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\n[auth]\nanonymous = true\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n"
        )
    }

    /// Starts the daemon again, after it has ended or in place of the running one.
    pub fn restart(&mut self) {
        self.daemon.restart();
        self.daemon.wait_ready(SOON);
    }

    /// Produces an event of type `t` for this client for each payload.
    pub fn send<P: Into<Vec<u8>>>(&self, client: &str, payloads: impl IntoIterator<Item = P>) {
        let message = |payload: P| Message::new(payload).key(client).header("type", "t");
        produce(&self.topic, payloads.into_iter().map(message));
    }

    /// Stores these events as one batch of an ingest with this retention.
    pub fn store_at_once(&self, client: &str, numbers: std::ops::Range<usize>, kept: usize) {
        let mut pipe = redis::pipe();
        pipe.atomic();
        for payload in numbered(numbers) {
            let add = pipe
                .cmd("XADD")
                .arg(self.key(client))
                .arg("MAXLEN")
                .arg(kept);
            add.arg("*").arg("type").arg("t").arg("data").arg(payload);
        }
        let bell = format!("{}:{{0}}:bell", self.prefix);
        pipe.cmd("PUBLISH").arg(bell).arg(client);
        pipe.exec(&mut self.redis.connect()).unwrap();
    }

    /// Like [`Rig::send`]; returns the client's stream when it holds `count`.
    pub fn store<P: Into<Vec<u8>>>(
        &self,
        client: &str,
        payloads: impl IntoIterator<Item = P>,
        count: usize,
    ) -> Vec<Entry> {
        self.send(client, payloads);
        self.stored(client, count)
    }

    /// The client's stream, when it holds `count` entries.
    pub fn stored(&self, client: &str, count: usize) -> Vec<Entry> {
        let what = format!("{client}'s stream holds {count}");
        wait_until(&what, SOON, || {
            let entries = self.stream(client);
            (entries.len() == count).then_some(entries)
        })
    }

    /// What the client's stream holds now.
    pub fn stream(&self, client: &str) -> Vec<Entry> {
        let mut streams = self.redis.streams(&self.prefix);
        streams.remove(client).unwrap_or_default()
    }

    /// The key of the client's stream.
    pub fn key(&self, client: &str) -> String {
        format!("{}:{{0}}:client:{client}", self.prefix)
    }

    /// Runs a Redis command.
    pub fn redis<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let mut cmd = redis::cmd(command[0]);
        cmd.arg(&command[1..]);
        cmd.query(&mut self.redis.connect()).unwrap()
    }

    /// Opens a stream and accepts any response.
    pub fn ask(&self, query: &str, headers: &[(&str, &str)]) -> Sse {
        Sse::open(&self.daemon.sse(), &format!("/v1/events?{query}"), headers)
    }

    /// Opens a stream and reads its first frame; also returns its start.
    pub fn open(&self, query: &str) -> (Sse, String) {
        self.begin(query, &[])
    }

    /// Requests a stream until it starts: while Redis is away, clients are told to retry, as a
    /// browser does.
    fn begin(&self, query: &str, headers: &[(&str, &str)]) -> (Sse, String) {
        let opened = || opened(self.ask(query, headers));
        wait_until("a stream starts", 2 * SOON, opened)
    }

    /// Reconnects as a browser does.
    pub fn resume(&self, client: &str, id: &str) -> Sse {
        let headers = [("Last-Event-ID", id)];
        let (sse, begins) = self.begin(&format!("client={client}"), &headers);
        assert_eq!(begins, id, "the stream starts at the requested id");
        sse
    }
}

/// Reads the first frame, which moves the cursor and has no data; `None` if the client should retry
/// later.
pub fn opened(mut sse: Sse) -> Option<(Sse, String)> {
    assert_eq!(sse.status, 200);
    let mut frame = sse.next(SOON).expect("an opening frame");
    let retry = frame.retry.take().expect("a retry delay");
    let Some(id) = frame.id.take() else {
        assert!((3000..9000).contains(&retry), "{retry}");
        assert_eq!((sse.next(SOON), sse.end()), (None, Some("complete")));
        return None;
    };
    assert!((1000..3000).contains(&retry), "{retry}");
    assert_eq!(frame, Frame::default());
    Some((sse, id))
}

/// Checks that these frames are exactly these entries, in this order.
#[track_caller]
pub fn assert_same(frames: &[Frame], entries: &[Entry]) {
    let frame = |entry: &Entry| Frame {
        id: Some(entry.id.clone()),
        event: Some(entry.event_type.clone()).filter(|kind| !kind.is_empty()),
        data: Some(entry.data.clone()),
        ..Frame::default()
    };
    let expected: Vec<Frame> = entries.iter().map(frame).collect();
    let brief = |frames: &[Frame]| -> Vec<String> {
        let id = |frame: &Frame| format!("{:?} {:.20?}", frame.id, frame.data);
        frames.iter().map(id).collect()
    };
    assert!(
        frames == expected,
        "got {:#?}, expected {:#?}",
        brief(frames),
        brief(&expected)
    );
}

/// Short, distinct payloads.
pub fn numbered(numbers: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    numbers.map(|n| format!("payload {n}"))
}

fn config(topic: &str, prefix: &str, options: &Options) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), options.redis.url());
    let Options {
        transform,
        store,
        http,
        pipeline,
        ..
    } = options;
    format!(
        r#"
[kafka]
bootstrap-servers = "{kafka}"
group-id = "{prefix}"
[kafka.properties]
"session.timeout.ms" = "2000"
"heartbeat.interval.ms" = "500"
[store]
url = "{redis}"
key-prefix = "{prefix}"
{store}
[http]
listen = "127.0.0.1:0"
{http}
[auth]
anonymous = true
[admin]
listen = "127.0.0.1:0"
[[pipeline]]
name = "sse"
topics = ["{topic}"]
transform = {{ {transform} }}
{pipeline}
"#
    )
}
