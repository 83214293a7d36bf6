//! Presence events: clients that connect and disconnect, sent to a Kafka topic.

use super::missing::look_for;
use crate::clock;
use crate::kafka::producer::Producer;
use crate::record::Outgoing;
use crate::sse::{Presence, PresenceSender, presence_channel, presence_lost};
use serde_json::json;
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// Sends presence events to a Kafka topic. Events that Kafka does not accept are
/// lost and counted.
pub(super) fn tell_presence(producer: Producer, topic: String, edge: SocketAddr) -> PresenceSender {
    let (sender, receiver) = presence_channel();
    let asked = producer.clone();
    let has = move |topic: &str| asked.has_topic(topic);
    tokio::spawn(look_for("[http] presence-topic", topic.clone(), has));
    let edge = edge.to_string();
    tokio::task::spawn_blocking(move || pass_on(receiver, &producer, &topic, &edge));
    sender
}

fn pass_on(mut notices: mpsc::Receiver<Presence>, producer: &Producer, topic: &str, edge: &str) {
    let lost = presence_lost();
    while let Some(Presence { client, connected }) = notices.blocking_recv() {
        let at = clock::unix().as_millis() as u64;
        let kind = match connected {
            true => "millstream.connected",
            false => "millstream.disconnected",
        };
        let value = json!({ "type": kind, "client": client.as_str(), "edge": edge, "at": at });
        let outgoing = Outgoing {
            topic: topic.to_owned(),
            key: Some(client.as_str().into()),
            value: Some(value.to_string().into_bytes()),
            headers: Vec::new(),
        };
        producer.tell(&outgoing, &lost);
    }
}
