//! A transform for notification events: takes client and type from the value,
//! and reshapes it for the browser.
//!
//! ```toml
//! [pipeline.transform]
//! plugin = "bundled:notifications"
//! [pipeline.transform.config]
//! version = "2"         # optional: added to each payload
//! tombstones = "skip"   # records without a value: "skip", "fail" or "event"; default: "fail"
//! ```
//!
//! A value such as
//!
//! ```json
//! {"eventId": "e1", "eventType": "mail", "clientId": "ada", "message": "You have mail",
//!  "notificationId": "n1", "correlationId": "c1", "requestedDateTime": "2026-01-31T12:00:00Z"}
//! ```
//!
//! becomes an event of type `mail` for the client `ada` with the payload
//!
//! ```json
//! {"id":"e1","notificationId":"n1","message":"You have mail","correlationId":"c1",
//!  "requestedAt":"2026-01-31T12:00:00Z"}
//! ```
//!
//! `eventId`, `eventType`, `clientId` and `message` are required. The other
//! fields are left out if they are missing or null. Unknown fields are ignored.
//!
//! A tombstone, a record without a value, fails as `malformed` by default. With
//! `"skip"` it makes no event. With `"event"` it makes one without a type, with
//! the payload `null`, for the client that the record's key names.

use millstream_plugin::{Config, Events, Failure, Record, Tombstones, Transform, transform};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    version: Option<String>,
    #[serde(default)]
    tombstones: Tombstones,
}

/// A string that borrows from the record, and is copied only if it has escapes.
/// (serde borrows a bare `Cow`, but not one inside an `Option`.)
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotificationEvent<'a> {
    #[serde(borrow)]
    event_id: Text<'a>,
    event_type: Text<'a>,
    client_id: Text<'a>,
    notification_id: Option<Text<'a>>,
    message: Text<'a>,
    correlation_id: Option<Text<'a>>,
    requested_date_time: Option<Text<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    id: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_id: Option<Text<'a>>,
    message: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_at: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

/// The plugin.
pub struct Notifications {
    version: Option<String>,
    tombstones: Tombstones,
}

impl Transform for Notifications {
    fn new(config: Config) -> Result<Self, String> {
        let Settings {
            version,
            tombstones,
        } = config.parse()?;
        Ok(Notifications {
            version,
            tombstones,
        })
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        if record.value().is_none() {
            let event = |key: &str| {
                events.client(key).text("null");
                Ok(())
            };
            return self.tombstones.of(record, event);
        }
        let event: NotificationEvent = record.json()?;
        if event.client_id.0.is_empty() {
            return Err(Failure::unaddressable("`clientId` is empty"));
        }
        let payload = Payload {
            id: event.event_id,
            notification_id: event.notification_id,
            message: event.message,
            correlation_id: event.correlation_id,
            requested_at: event.requested_date_time,
            version: self.version.as_deref(),
        };
        let client = events.client(&event.client_id.0);
        client.kind(&event.event_type.0).json(&payload)
    }
}

transform!(Notifications);

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_plugin::Class;
    use millstream_plugin::testing::{MadeEvent, TestRecord, TransformTest};

    const LEAST: &str = r#"{"eventId":"e1","eventType":"mail","clientId":"ada","message":"hi"}"#;

    fn run(config: &str, value: &str) -> Result<MadeEvent, Failure> {
        let plugin = TransformTest::<Notifications>::new(config).unwrap();
        let mut events = plugin.one(TestRecord::value(value))?;
        assert_eq!(events.len(), 1);
        Ok(events.remove(0))
    }

    fn failure(value: &str) -> (Class, String) {
        let failure = run("{}", value).unwrap_err();
        (failure.class, failure.message)
    }

    #[test]
    fn a_whole_notification_is_reshaped_for_its_client() {
        let value = r#"{"eventId":"e1","eventType":"mail","clientId":"ada","notificationId":"n1",
            "message":"hi","correlationId":"c1","requestedDateTime":"2026-01-31T12:00:00Z"}"#;
        let event = run("{}", value).unwrap();
        assert_eq!((&*event.client, &*event.kind), ("ada", "mail"));
        assert_eq!(
            event.payload,
            r#"{"id":"e1","notificationId":"n1","message":"hi","correlationId":"c1","requestedAt":"2026-01-31T12:00:00Z"}"#
        );
    }

    #[test]
    fn missing_null_and_unknown_fields_are_left_out() {
        let expected = r#"{"id":"e1","message":"hi"}"#;
        assert_eq!(run("{}", LEAST).unwrap().payload, expected);
        let more = LEAST.replace('}', r#","correlationId":null,"other":[{}]}"#);
        assert_eq!(run("{}", &more).unwrap().payload, expected);
    }

    #[test]
    fn escapes_survive_in_the_client_the_type_and_the_payload() {
        let value = r#"{"eventId":"\u00e91","eventType":"a\/b","clientId":"ad\u0061",
            "message":"\"two\"\nlines \ud83d\ude00","correlationId":"a\\b"}"#;
        let event = run("{}", value).unwrap();
        assert_eq!((&*event.client, &*event.kind), ("ada", "a/b"));
        let expected = r#"{"id":"é1","message":"\"two\"\nlines 😀","correlationId":"a\\b"}"#;
        assert_eq!(event.payload, expected);
    }

    #[test]
    fn the_configured_version_is_in_each_payload() {
        let payload = run(r#"{"version":"2"}"#, LEAST).unwrap().payload;
        assert_eq!(payload, r#"{"id":"e1","message":"hi","version":"2"}"#);
    }

    #[test]
    fn a_missing_field_is_malformed_and_named() {
        for field in ["eventId", "eventType", "clientId", "message"] {
            let (class, message) = failure(&LEAST.replace(field, "other"));
            assert_eq!(class, Class::Malformed);
            assert!(
                message.contains(&format!("missing field `{field}`")),
                "{message}"
            );
        }
    }

    #[test]
    fn an_unreadable_value_is_malformed_and_the_message_names_the_byte() {
        let (class, message) = failure(r#"{"eventId": 7}"#);
        assert_eq!(class, Class::Malformed);
        let expected = "invalid type: integer `7`, expected a string, at byte 12";
        assert!(message.ends_with(expected), "{message}");
        for bad in ["", "[]", "null", "{\"eventId\":\"e1", &format!("{LEAST}x")] {
            let (class, message) = failure(bad);
            assert!(
                class == Class::Malformed && message.contains("at byte"),
                "{bad}: {message}"
            );
        }
    }

    #[test]
    fn a_tombstone_is_malformed() {
        let plugin = TransformTest::<Notifications>::new("{}").unwrap();
        let failure = plugin.one(TestRecord::tombstone()).unwrap_err();
        assert_eq!(failure.class, Class::Malformed);
    }

    #[test]
    fn a_tombstone_is_handled_as_configured() {
        let run = |config, record| {
            let plugin = TransformTest::<Notifications>::new(config).unwrap();
            plugin.one(record)
        };
        let tombstone = || TestRecord::tombstone().key("ada");
        let skip = r#"{"tombstones":"skip"}"#;
        assert_eq!(run(skip, tombstone()), Ok(vec![]));
        let (event, fail) = (r#"{"tombstones":"event"}"#, r#"{"tombstones":"fail"}"#);
        assert_eq!(run(fail, tombstone()).unwrap_err().class, Class::Malformed);
        let made = run(event, tombstone()).unwrap();
        assert_eq!(made.len(), 1);
        let made = (&*made[0].client, &*made[0].kind, &*made[0].payload);
        assert_eq!(made, ("ada", "", "null"));
        for record in [
            TestRecord::tombstone(),
            TestRecord::tombstone().key(""),
            TestRecord::tombstone().key("a\n"),
        ] {
            let failure = run(event, record).unwrap_err();
            assert_eq!(failure.class, Class::Unaddressable);
        }
        let wrong = TransformTest::<Notifications>::new(r#"{"tombstones":"drop"}"#);
        assert!(
            wrong
                .err()
                .unwrap()
                .contains("expected one of `skip`, `fail`, `event`")
        );
    }

    #[test]
    fn a_notification_without_a_client_is_unaddressable() {
        let (class, message) = failure(&LEAST.replace("ada", ""));
        assert_eq!(class, Class::Unaddressable);
        assert_eq!(message, "`clientId` is empty");
    }

    #[test]
    fn a_bad_record_does_not_affect_other_records() {
        let plugin = TransformTest::<Notifications>::new("{}").unwrap();
        let out = plugin.run(&[LEAST, "{", LEAST].map(TestRecord::value));
        assert_eq!(out[0], out[2]);
        assert!(out[0].is_ok() && out[1].is_err());
    }

    #[test]
    fn a_wrong_configuration_is_refused() {
        let refusal = |config| TransformTest::<Notifications>::new(config).err().unwrap();
        assert!(
            refusal(r#"{"verison":"2"}"#).contains("unknown field `verison`, expected `version`")
        );
        assert!(refusal(r#"{"version":2}"#).contains("expected a string"));
    }
}
