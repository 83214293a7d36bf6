//! Topics that are not there, in words.

/// What is wrong, and the command that mends it.
pub fn no_topic(topic: &str) -> String {
    format!("Kafka has no topic {topic}; {}", making(topic))
}

/// The command that makes a topic.
pub fn making(topic: &str) -> String {
    format!("create it with `millstream topic create {topic}`")
}
