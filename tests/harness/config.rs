/// For `rest` of [`config`]: makes Kafka reassign a killed daemon's partitions soon.
pub const SHORT_SESSIONS: &str = r#"
[kafka.properties]
"session.timeout.ms" = "2000"
"heartbeat.interval.ms" = "500"
"#;

/// A `millstream.toml` with one pipeline that reads this topic, with the prefix as consumer group.
/// `rest` continues the pipeline's table and may then add tables. Streams keep all events, and
/// ports are free ones.
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
