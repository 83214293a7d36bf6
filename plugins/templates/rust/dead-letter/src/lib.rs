//! A dead-letter policy: rejected records are dropped, transient failures are
//! tried again, all else goes to the default topic.

use millstream_plugin::{Config, DeadLetter, Decision, FailedRecord, Letter, dead_letter};
use std::time::Duration;

struct Plugin;

impl DeadLetter for Plugin {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Plugin)
    }

    fn decide(&self, failed: FailedRecord) -> Decision {
        match failed.class() {
            "rejected" => Decision::Drop,
            "transient" if failed.attempts() < 3 => Decision::Retry(Duration::from_millis(200)),
            _ => Decision::ToTopic(Letter::default()),
        }
    }
}

dead_letter!(Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use millstream_plugin::Decision;
    use millstream_plugin::testing::{DeadLetterTest, TestFailure, TestRecord};

    #[test]
    fn a_rejected_record_is_dropped() {
        let plugin = DeadLetterTest::<Plugin>::new("{}").unwrap();
        let failed = TestFailure::new("rejected", "the total is negative", TestRecord::value("{}"));
        assert_eq!(plugin.run(&[failed]), [Decision::Drop]);
    }
}
