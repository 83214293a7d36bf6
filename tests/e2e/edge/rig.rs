//! An edge with a key prefix of its own, and a program that writes events.

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

/// The configuration of an edge: `http` are further lines of `[http]`, `rest`
/// further tables.
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
    /// Open to everyone.
    pub fn start() -> Self {
        Edge::with("", ANONYMOUS)
    }

    pub fn with(http: &str, rest: &str) -> Self {
        Edge::made(http, rest, |builder| builder)
    }

    /// Over TLS, as `localhost`; what vouches for it is in `cert.pem`.
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

    /// With files beside its configuration, or the like.
    pub fn made(http: &str, rest: &str, also: impl FnOnce(DaemonBuilder) -> DaemonBuilder) -> Self {
        Edge::on(&servers().redis, http, rest, also)
    }
}

impl Edge<'_> {
    /// As [`Edge::made`], on a Redis of one's own.
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

    /// Another edge on the same streams.
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

    /// Another edge on the same streams, configured in another way.
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

    /// Writes an event into `client:<id>` or `group:<name>` and rings; answers
    /// its id.
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

    /// A key of its own.
    pub fn key(&self, rest: &str) -> String {
        format!("{}:{{0}}:{rest}", self.prefix)
    }

    /// Opens a stream, whatever is answered.
    pub fn ask(&self, query: &str, headers: &[(&str, &str)]) -> Sse {
        Sse::open(&self.daemon.sse(), &format!("/v1/events?{query}"), headers)
    }

    /// Opens a stream and takes its first frame; answers where it begins.
    pub fn open(&self, query: &str, headers: &[(&str, &str)]) -> (Sse, String) {
        let mut sse = self.ask(query, headers);
        assert_eq!(sse.status, 200);
        let frame = sse.next(SOON).expect("an opening frame");
        assert!(frame.retry.is_some() && frame.data.is_none(), "{frame:?}");
        (sse, frame.id.expect("it says where it begins"))
    }

    /// A call of the admin listener: its status and JSON.
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

/// What a `gap` event tells.
#[track_caller]
pub fn gap(frame: &Frame) -> Value {
    assert_eq!(frame.event.as_deref(), Some("gap"), "{frame:?}");
    serde_json::from_str(frame.data.as_deref().unwrap()).unwrap()
}
