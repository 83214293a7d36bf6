/// For `rest` of [`config`]: a killed daemon's partitions are given out again soon.
pub const SHORT_SESSIONS: &str = r#"
[kafka.properties]
"session.timeout.ms" = "2000"
"heartbeat.interval.ms" = "500"
"#;

/// A `millstream.toml` with one pipeline that reads this topic, in a group of the prefix's name.
/// `rest` goes on in the pipeline's table, and may then have tables of its own. Streams are kept
/// whole, and ports are free ones.
pub fn config(kafka: &str, redis: &str, topic: &str, prefix: &str, rest: &str) -> String {
    format!(
        r#"
[kafka]
bootstrap-servers = "{kafka}"
group-id = "{prefix}"
[store]
url = "{redis}"
key-prefix = "{prefix}"
retention = {{ max-events = 1000000 }}
[http]
listen = "127.0.0.1:0"
[auth]
anonymous = true
[admin]
listen = "127.0.0.1:0"
[[pipeline]]
topics = ["{topic}"]
{rest}
"#
    )
}
