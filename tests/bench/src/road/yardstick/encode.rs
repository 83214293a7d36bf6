//! From a record to its XADD. The types are copied from `plugins/notifications`: the yardstick is
//! what somebody writes by hand, and must not change with the plugin.

use super::fetch::Record;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::Write;

#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
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
}

pub struct Encoder {
    key_prefix: String,
    topic: String,
    payload: Vec<u8>,
    source: Vec<u8>,
}

impl Encoder {
    pub fn new(prefix: &str, topic: &str) -> Encoder {
        Encoder {
            key_prefix: format!("{prefix}:{{0}}:client:"),
            topic: topic.to_owned(),
            payload: Vec::new(),
            source: Vec::new(),
        }
    }

    /// Adds the record's XADD, as Millstream's are.
    pub fn add(&mut self, out: &mut Vec<u8>, record: &Record) {
        let notification: Notification =
            serde_json::from_slice(record.value).expect("a notification");
        let payload = Payload {
            id: notification.event_id,
            notification_id: notification.notification_id,
            message: notification.message,
            correlation_id: notification.correlation_id,
            requested_at: notification.requested_date_time,
        };
        self.payload.clear();
        serde_json::to_writer(&mut self.payload, &payload).expect("memory takes everything");
        self.source.clear();
        let (partition, offset) = (record.partition, record.offset);
        write!(self.source, "{}/{partition}/{offset}/0", self.topic).expect("so does this");
        let client = notification.client_id.0.as_bytes();
        out.extend(b"*12\r\n$4\r\nXADD\r\n");
        length(out, self.key_prefix.len() + client.len());
        out.extend(self.key_prefix.as_bytes());
        out.extend(client);
        out.extend(b"\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$4\r\n1000\r\n$1\r\n*\r\n$4\r\ntype\r\n");
        bulk(out, notification.event_type.0.as_bytes());
        out.extend(b"$4\r\ndata\r\n");
        bulk(out, &self.payload);
        out.extend(b"$6\r\nsource\r\n");
        bulk(out, &self.source);
    }
}

fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len());
    out.extend(bytes);
    out.extend(b"\r\n");
}

fn length(out: &mut Vec<u8>, length: usize) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), length);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.push(b'$');
    out.extend(&digits[at..]);
    out.extend(b"\r\n");
}
