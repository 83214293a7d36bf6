//! Generates the demo's records.

use crate::clock;
use serde_json::json;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Four, since a browser opens at most six connections to one address, and
/// the page needs two for itself.
pub(in super::super) const CLIENTS: [&str; 4] = ["ada", "grace", "linus", "margaret"];

/// Types of events, and messages with `#` for a number.
const LINES: [(&str, &str); 14] = [
    ("order.placed", "We have your order 10#."),
    ("order.shipped", "Order 10# has left our warehouse."),
    ("order.shipped", "Order 10# is out for delivery today."),
    ("order.delivered", "Order 10# was left at your door."),
    ("order.delayed", "Order 10# will be a day late."),
    ("payment.received", "We received €#.90, thank you."),
    ("payment.received", "Invoice 20# is paid."),
    ("payment.failed", "Your card was declined for €#.00."),
    ("refund.issued", "€#.50 is on its way back to you."),
    ("message.new", "Support answered ticket 7#."),
    ("message.new", "You have # unread messages."),
    ("stock.back", "Item # on your list is available."),
    ("login.new", "New sign-in from Berlin, device #."),
    ("report.ready", "Report # is ready to download."),
];
/// The types with high priority.
const HIGH: [&str; 3] = ["order.delayed", "payment.failed", "login.new"];

/// All types, since a page must name the types that it listens to.
pub(in super::super) fn types() -> Vec<&'static str> {
    let mut types: Vec<_> = LINES.iter().map(|(kind, _)| *kind).collect();
    types.dedup();
    types
}

/// What is wrong with a malformed record.
#[derive(Clone, Copy)]
pub(super) enum Malformed {
    /// The JSON text is cut off.
    CutOff,
    /// The client is null.
    Nobodys,
}

impl Malformed {
    /// Alternates between the kinds.
    pub fn of(number: u64) -> Malformed {
        match number % 2 {
            0 => Malformed::CutOff,
            _ => Malformed::Nobodys,
        }
    }
}

/// Generates records.
pub(super) struct Story {
    random: RandomState,
    steps: u64,
    /// The number of good records per client. The page checks these numbers and
    /// shows lost and duplicated events.
    told: [u64; CLIENTS.len()],
}

impl Story {
    pub fn new() -> Story {
        Story {
            random: RandomState::new(),
            steps: 0,
            told: [0; CLIENTS.len()],
        }
    }

    /// The next record: its key and its value.
    pub fn next(&mut self, malformed: Option<Malformed>) -> (&'static str, String) {
        let which = self.below(CLIENTS.len());
        let client = CLIENTS[which];
        let number = self.told[which] + 1;
        let (kind, message) = LINES[self.below(LINES.len())];
        let message = message.replace('#', &(10 + self.below(90)).to_string());
        let mut value = json!({
            "eventId": format!("{client}-{number}"),
            "eventType": kind,
            "clientId": client,
            "notificationId": format!("n-{}", self.steps),
            "message": message,
            "priority": if HIGH.contains(&kind) { "high" } else { "normal" },
            "correlationId": format!("c-{}", 1000 + self.below(9000)),
            "requestedDateTime": rfc3339(clock::now()),
        });
        match malformed {
            None => self.told[which] = number,
            Some(Malformed::Nobodys) => value["clientId"] = json!(null),
            Some(Malformed::CutOff) => {
                let whole = value.to_string();
                return (client, whole.chars().take(60).collect());
            }
        }
        (client, value.to_string())
    }

    /// A random number below `end`, different in each run of the demo.
    fn below(&mut self, end: usize) -> usize {
        self.steps += 1;
        let random = self.random.hash_one(self.steps);
        usize::try_from(random % end as u64).unwrap_or(0)
    }
}

/// Formats a time as RFC 3339, in UTC with milliseconds. The date is computed as in
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Years begin in March here, so that the leap day is the last one.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + next;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn times_are_formatted_as_rfc_3339() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_001, "2025-12-31T23:59:59.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(
                rfc3339(UNIX_EPOCH + Duration::from_millis(millis)),
                expected
            );
        }
    }

    #[test]
    fn each_clients_events_are_numbered_without_gaps() {
        let mut story = Story::new();
        let mut next = std::collections::HashMap::new();
        for step in 0..500_u64 {
            let malformed = step.is_multiple_of(7).then(|| Malformed::of(step));
            let (client, value) = story.next(malformed);
            if malformed.is_some() {
                continue;
            }
            let value: Value = serde_json::from_str(&value).unwrap();
            let number = next.entry(client).or_insert(1);
            assert_eq!(value["eventId"], format!("{client}-{number}"));
            assert!(types().contains(&value["eventType"].as_str().unwrap()));
            *number += 1;
        }
    }

    #[test]
    fn a_malformed_record_is_not_json_or_has_no_client() {
        let mut story = Story::new();
        let (_, cut) = story.next(Some(Malformed::CutOff));
        assert!(serde_json::from_str::<Value>(&cut).is_err());
        let (_, nobodys) = story.next(Some(Malformed::Nobodys));
        assert!(serde_json::from_str::<Value>(&nobodys).unwrap()["clientId"].is_null());
    }
}
