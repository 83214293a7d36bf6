//! Decides where the events of a batch go.

use super::grants::hop;
use super::prepared::Destinations;
use crate::pipeline::headers::SOURCE;
use crate::pipeline::settings::Deliver;
use crate::plugin::{self, Made, Routed, ToTopic};
use crate::record::{Batch, Event, Outgoing, copied};

/// The destinations of the events of records before `end`, and the records for Kafka.
pub(in crate::pipeline) fn destinations(
    batch: &Batch,
    end: usize,
    made: &Made,
    routed: &Routed,
    connected: &[bool],
    deliver: Deliver,
) -> (Destinations, Vec<(u32, Outgoing)>) {
    let mut gone = Destinations::default();
    let mut outgoing = Vec::new();
    gone.streamed.reserve(made.events.list.len());
    for (index, decision) in routed.decisions.iter().enumerate() {
        let event = &made.events.list[index];
        let Some(decision) = decision.as_ref().filter(|_| (event.record as usize) < end) else {
            continue;
        };
        let connected = connected.get(index) == Some(&true);
        let index = index as u32;
        match wanted(decision.stream, deliver) {
            Wanted::Never => {}
            Wanted::WhileConnected if !connected => gone.suppressed.push(index),
            Wanted::Always | Wanted::WhileConnected => gone.streamed.push(index),
        }
        if event.task.is_some() && gone.streamed.last() != Some(&index) {
            gone.reported.push(index);
        }
        if let Some(to) = &decision.topic {
            outgoing.push((index, to_topic(to, batch, made, event)));
        }
    }
    (gone, outgoing)
}

/// Whether an event goes to its stream.
enum Wanted {
    Never,
    Always,
    WhileConnected,
}

fn wanted(decided: plugin::StreamDelivery, configured: Deliver) -> Wanted {
    match (decided, configured) {
        (plugin::StreamDelivery::No, _) => Wanted::Never,
        (plugin::StreamDelivery::Always, _)
        | (plugin::StreamDelivery::AsConfigured, Deliver::Always) => Wanted::Always,
        (plugin::StreamDelivery::WhileConnected, _)
        | (plugin::StreamDelivery::AsConfigured, Deliver::WhileConnected) => Wanted::WhileConnected,
    }
}

/// The record for an event that goes to a Kafka topic. Delivered at least once; the
/// source header identifies copies.
fn to_topic(to: &ToTopic, batch: &Batch, made: &Made, event: &Event) -> Outgoing {
    let offset = batch.records[event.record as usize].offset;
    let source = format!("{}/{offset}/{}", batch.origin, event.n);
    let mut headers = copied(&to.headers);
    headers.push((SOURCE.into(), Some(source.into_bytes())));
    headers.push(hop(&batch.view(event.record as usize)));
    Outgoing {
        topic: to.topic.clone(),
        key: to.key.as_ref().map(|key| key.to_vec()),
        value: Some(match &to.encoded {
            Some(encoded) => encoded.clone(),
            None => made.events.bytes(event.payload).to_vec(),
        }),
        headers,
    }
}
