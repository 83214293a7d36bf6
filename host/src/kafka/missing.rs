//! Messages about topics that don't exist.

/// The error for a missing topic, with the command that creates it.
pub fn no_topic(topic: &str) -> String {
    format!("Kafka has no topic {topic}; {}", making(topic))
}

/// The advice with the command that creates a topic.
pub fn making(topic: &str) -> String {
    format!("create it with `millstream topic create {topic}`")
}
