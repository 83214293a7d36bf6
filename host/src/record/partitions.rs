//! Partitions as text, for logs.

use super::TopicPartition;
use std::fmt::Write;

/// The maximum number of partitions that are named.
const NAMED: usize = 50;

/// Several partitions: `orders/0,1,2 letters/0`.
pub fn partitions(of: &[TopicPartition]) -> String {
    let mut sorted: Vec<_> = of.iter().collect();
    sorted.sort();
    let mut line = String::new();
    let mut last = None;
    for TopicPartition { topic, partition } in sorted.iter().take(NAMED) {
        // Writing to a string can't fail.
        let _ = match last == Some(topic) {
            true => write!(line, ",{partition}"),
            false => write!(line, " {topic}/{partition}"),
        };
        last = Some(topic);
    }
    match of.len().saturating_sub(NAMED) {
        0 => line.trim_start().into(),
        more => format!("{} and {more} more", line.trim_start()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(topic: &str, numbers: std::ops::Range<i32>) -> Vec<TopicPartition> {
        let one = |partition| TopicPartition {
            topic: topic.into(),
            partition,
        };
        numbers.map(one).collect()
    }

    #[test]
    fn each_topic_is_named_once() {
        let both = [of("orders", 0..3), of("letters", 7..8)].concat();
        assert_eq!(partitions(&both), "letters/7 orders/0,1,2");
        assert_eq!(partitions(&[]), "");
    }

    #[test]
    fn a_thousand_are_one_line() {
        let line = partitions(&of("t", 0..1000));
        assert!(line.starts_with("t/0,1,2,"), "{line}");
        assert!(line.ends_with(",49 and 950 more"), "{line}");
    }
}
