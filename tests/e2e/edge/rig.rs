//! An edge with its own key prefix, and a program that writes events.

use super::SOON;
use millstream_tests::{
    Certificate, Daemon, DaemonBuilder, Frame, Redis, Sse, request, servers, unique,
};
use serde_json::Value;

pub struct Edge<'a> {
    pub daemon: Daemon,
    pub prefix: String,
    redis: &'a Redis,
}

/// The configuration of an edge. `http` are further lines of `[http]`, `rest` further tables.
pub fn config(redis: &Redis, prefix: &str, http: &str, rest: &str) -> String {
    let url = redis.url();
    format!(
        r#"
[store]
url = "{url}"
key-prefix = "{prefix}"
[http]
listen = "127.0.0.1:0"
{http}
[admin]
listen = "127.0.0.1:0"
{rest}
"#
    )
}

pub const ANONYMOUS: &str = "[auth]\nanonymous = true";

impl Edge<'static> {
    /// An edge without authentication.
    pub fn start() -> Self {
        Edge::with("", ANONYMOUS)
    }

    pub fn with(http: &str, rest: &str) -> Self {
        Edge::made(http, rest, |builder| builder)
    }

    /// An edge with TLS, as `localhost`; its certificate is in `cert.pem`.
    pub fn over_tls(
        http: &str,
        rest: &str,
        also: impl FnOnce(DaemonBuilder) -> DaemonBuilder,
    ) -> Self {
        let http = format!("tls = {{ certificate = \"cert.pem\", key = \"key.pem\" }}\n{http}");
        let made = Certificate::new();
        Edge::made(&http, rest, |builder| {
            let builder = builder.file("cert.pem", made.certificate);
            also(builder.file("key.pem", made.key))
        })
    }

    /// An edge whose builder is changed first, for example to add files.
    pub fn made(http: &str, rest: &str, also: impl FnOnce(DaemonBuilder) -> DaemonBuilder) -> Self {
        Edge::on(&servers().redis, http, rest, also)
    }
}

impl Edge<'_> {
    /// As [`Edge::made`], with another Redis.
    pub fn on<'a>(
        redis: &'a Redis,
        http: &str,
        rest: &str,
        also: impl FnOnce(DaemonBuilder) -> DaemonBuilder,
    ) -> Edge<'a> {
        let prefix = unique("edge");
        let builder = Daemon::builder(&config(redis, &prefix, http, rest)).role("edge");
        let daemon = also(builder).start();
        daemon.wait_ready(SOON);
        Edge {
            daemon,
            prefix,
            redis,
        }
    }

    /// Another edge with the same streams.
    pub fn beside(&self) -> Edge<'_> {
        let config = config(self.redis, &self.prefix, "", ANONYMOUS);
        let daemon = Daemon::builder(&config).role("edge").start();
        daemon.wait_ready(SOON);
        let prefix = self.prefix.clone();
        Edge {
            daemon,
            prefix,
            redis: self.redis,
        }
    }

    /// Another edge with the same streams and another configuration.
    pub fn sharing(
        with: &Edge,
        rest: &str,
        also: impl FnOnce(DaemonBuilder) -> DaemonBuilder,
    ) -> Edge<'static> {
        let redis = &servers().redis;
        let builder = Daemon::builder(&config(redis, &with.prefix, "", rest)).role("edge");
        let daemon = also(builder).start();
        daemon.wait_ready(SOON);
        let prefix = with.prefix.clone();
        Edge {
            daemon,
            prefix,
            redis,
        }
    }

    /// Writes an event into `client:<id>` or `group:<name>` and notifies the edges; returns the
    /// event's id.
    pub fn write(&self, stream: &str, kind: &str, data: &str) -> String {
        let (base, rung) = (
            format!("{}:{{0}}", self.prefix),
            match stream.split_once(':') {
                Some(("group", name)) => format!("\u{1}{name}"),
                Some((_, id)) => id.to_owned(),
                None => panic!("neither a client nor a group"),
            },
        );
        let mut pipe = redis::pipe();
        pipe.atomic();
        let add = pipe.cmd("XADD").arg(format!("{base}:{stream}")).arg("*");
        add.arg("type").arg(kind).arg("data").arg(data);
        pipe.cmd("PUBLISH")
            .arg(format!("{base}:bell"))
            .arg(rung)
            .ignore();
        let (id,): (String,) = pipe.query(&mut self.redis.connect()).unwrap();
        id
    }

    pub fn redis<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let mut cmd = redis::cmd(command[0]);
        cmd.arg(&command[1..])
            .query(&mut self.redis.connect())
            .unwrap()
    }

    /// A Redis key below the edge's prefix.
    pub fn key(&self, rest: &str) -> String {
        format!("{}:{{0}}:{rest}", self.prefix)
    }

    /// Opens a stream, whatever the answer.
    pub fn ask(&self, query: &str, headers: &[(&str, &str)]) -> Sse {
        Sse::open(&self.daemon.sse(), &format!("/v1/events?{query}"), headers)
    }

    /// Opens a stream and reads its first frame; returns the stream and its first cursor.
    pub fn open(&self, query: &str, headers: &[(&str, &str)]) -> (Sse, String) {
        let mut sse = self.ask(query, headers);
        assert_eq!(sse.status, 200);
        let frame = sse.next(SOON).expect("an opening frame");
        assert!(frame.retry.is_some() && frame.data.is_none(), "{frame:?}");
        (sse, frame.id.expect("the first frame has an id"))
    }

    /// Calls the admin listener; returns the status and the JSON of the answer.
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let answer = request(method, &self.daemon.admin(), path, headers, b"").unwrap();
        let json = serde_json::from_slice(&answer.body);
        (
            answer.status,
            json.unwrap_or_else(|e| panic!("{e}: {}", answer.text())),
        )
    }
}

/// The next event's data.
#[track_caller]
pub fn next(sse: &mut Sse) -> String {
    sse.events(1, SOON).remove(0).data.unwrap()
}

/// The content of a `gap` event.
#[track_caller]
pub fn gap(frame: &Frame) -> Value {
    assert_eq!(frame.event.as_deref(), Some("gap"), "{frame:?}");
    serde_json::from_str(frame.data.as_deref().unwrap()).unwrap()
}
