//! Sends records to their topic again, where the running pipeline reads them.

use super::triage::Chosen;
use super::{Delivered, Replayer};
use crate::kafka::producer::{Producer, Receipts, Sending};
use crate::pipeline::headers::{HOPS, REPLAYS, SOURCE};
use crate::record::Outgoing;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long Kafka may take: longer than librdkafka retries.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a wait checks whether the replay is to stop.
const LOOK: Duration = Duration::from_millis(200);

impl Replayer {
    /// Sends the records, and marks those that Kafka has. If the command is killed in
    /// between, the next one sends them again, and the pipeline (`replays = true`) drops
    /// the copies.
    pub(super) fn send_again(
        &mut self,
        letters: &[Chosen],
        to: Option<&str>,
    ) -> anyhow::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let outgoing: Vec<_> = letters.iter().map(|one| record_of(one, to)).collect();
        let topics: Vec<_> = outgoing
            .iter()
            .map(|outgoing| outgoing.topic.clone())
            .collect();
        if self.rules.write {
            // Otherwise the pipeline would drop them as copies.
            self.unmark_forced(letters.iter())?;
        }
        let delivered = match self.rules.write {
            true => self.deliver(&outgoing),
            false => Delivered {
                has: vec![true; letters.len()],
                error: None,
            },
        };
        let has = |(_, has): &(&Chosen, &bool)| **has;
        let arrived = letters.iter().zip(&delivered.has).filter(has);
        let arrived: Vec<&Chosen> = arrived.map(|(one, _)| one).collect();
        if self.rules.write {
            let names: Vec<String> = arrived.iter().map(|one| one.sent_mark(to)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let group = self.settings.group.clone();
            self.ask(|writer| writer.mark_sent(&group, &names))?;
        }
        for (topic, _) in topics
            .into_iter()
            .zip(delivered.has)
            .filter(|(_, has)| *has)
        {
            *self.report.sent.entry(topic).or_default() += 1;
        }
        delivered.error.map_or(Ok(()), Err)
    }
}

/// The record unchanged, with headers for where it was first and how often it was
/// sent. Its key chooses the partition, as before.
fn record_of(one: &Chosen, to: Option<&str>) -> Outgoing {
    let Chosen { letter, source, .. } = one;
    let mut headers = letter.own_headers().to_vec();
    // An operator decided to replay it, so the hop count starts again.
    let counted = [SOURCE, REPLAYS, HOPS].map(str::as_bytes);
    headers.retain(|(name, _)| !counted.contains(&&**name));
    let count = letter.replays.saturating_add(1).to_string();
    headers.push((SOURCE.into(), Some(source.clone().into_bytes())));
    headers.push((REPLAYS.into(), Some(count.into_bytes())));
    Outgoing {
        topic: to.unwrap_or(&letter.source.topic).to_string(),
        key: letter.record.key.clone(),
        value: letter.record.value.clone(),
        headers,
    }
}

/// Sends records and waits for every receipt.
pub(super) fn deliver(producer: &Producer, outgoing: &[Outgoing], stop: &AtomicBool) -> Delivered {
    let receipts: Arc<Receipts> = Arc::default();
    for (index, outgoing) in outgoing.iter().enumerate() {
        producer.send(outgoing, index, &receipts, Sending::Together);
    }
    let deadline = Instant::now() + PATIENCE;
    let failed = loop {
        if let Some(answers) = receipts.wait(Instant::now() + LOOK) {
            break answers.failed;
        }
        // The receipts must be known before anything is marked, so a stop waits for
        // them as well, but for less time.
        let last = stop.load(Ordering::Relaxed) && Instant::now() + PATIENCE / 2 > deadline;
        if Instant::now() > deadline || last {
            let error = anyhow::anyhow!("Kafka did not acknowledge the sent records in time");
            return Delivered::none(outgoing.len(), error);
        }
    };
    let lost: HashSet<usize> = failed.iter().map(|(index, _)| *index).collect();
    let error = failed.first().map(|(index, why)| {
        let (topic, why) = (&outgoing[*index].topic, &why.why);
        anyhow::anyhow!("Kafka does not accept a record for topic {topic}: {why}")
    });
    Delivered {
        has: (0..outgoing.len())
            .map(|index| !lost.contains(&index))
            .collect(),
        error,
    }
}
