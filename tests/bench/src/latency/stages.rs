//! What the moments of each record say about its way.

use anyhow::{Result, ensure};
use serde::Serialize;

/// An event at the client.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// When its record was sent.
    pub sent: u64,
    /// When the socket was read.
    pub at: u64,
}

/// All times come from one clock, in nanoseconds.
#[derive(Debug, Serialize)]
pub struct Stages {
    /// From the producer's send until Kafka's acknowledgement reaches it.
    pub send_to_acknowledgement: Quantiles,
    /// From there until the client has read the event.
    pub acknowledgement_to_socket: Quantiles,
    /// From the send until a plain consumer has the record, which Millstream can't change.
    pub send_to_consumer: Quantiles,
    /// From there until the client has read the event; 0 if that was earlier.
    pub consumer_to_socket: Quantiles,
    /// All together.
    pub send_to_socket: Quantiles,
    /// Events that the client had before the producer had their acknowledgement; they count as 0
    /// from the acknowledgement to the socket.
    pub before_acknowledgement: usize,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Quantiles {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

impl Stages {
    /// # Errors
    /// If the client did not get each record's event once, in order.
    pub fn of(
        sent: &[u64],
        acknowledged: &[u64],
        consumed: &[u64],
        received: &[Received],
    ) -> Result<Stages> {
        let of: Vec<u64> = received.iter().map(|event| event.sent).collect();
        ensure!(
            of == sent,
            "the client did not get each record's event once, in order"
        );
        let each = |from: &[u64]| -> Vec<u64> {
            let pairs = from.iter().zip(received);
            pairs
                .map(|(from, to)| to.at.saturating_sub(*from))
                .collect()
        };
        let since_sent = |to: &[u64]| {
            let pairs = sent.iter().zip(to);
            pairs.map(|(from, to)| to.saturating_sub(*from)).collect()
        };
        let events = received.iter().zip(acknowledged);
        Ok(Stages {
            send_to_acknowledgement: Quantiles::of(since_sent(acknowledged)),
            acknowledgement_to_socket: Quantiles::of(each(acknowledged)),
            send_to_consumer: Quantiles::of(since_sent(consumed)),
            consumer_to_socket: Quantiles::of(each(consumed)),
            send_to_socket: Quantiles::of(each(sent)),
            before_acknowledgement: events.filter(|(event, then)| event.at < **then).count(),
        })
    }
}

impl Quantiles {
    /// Of at least one time, in nanoseconds.
    fn of(mut times: Vec<u64>) -> Quantiles {
        times.sort_unstable();
        // The least time that this share of the times does not exceed.
        let at = |share: f64| {
            let rank = (share * times.len() as f64).ceil() as usize;
            times[rank.clamp(1, times.len()) - 1] as f64 / 1e6
        };
        Quantiles {
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_before_its_acknowledgement_counts_as_zero() {
        let ms = |ms: u64| ms * 1_000_000;
        let received = [(0, 5), (10, 12)].map(|(sent, at)| Received {
            sent: ms(sent),
            at: ms(at),
        });
        let (sent, acknowledged) = ([ms(0), ms(10)], [ms(2), ms(14)]);
        let consumed = [ms(3), ms(11)];
        let stages = Stages::of(&sent, &acknowledged, &consumed, &received).unwrap();
        assert_eq!(stages.send_to_consumer.max_ms, 3.0);
        assert_eq!(stages.consumer_to_socket.max_ms, 2.0);
        assert_eq!(stages.before_acknowledgement, 1);
        assert_eq!(stages.send_to_acknowledgement.max_ms, 4.0);
        assert_eq!(stages.acknowledgement_to_socket.p50_ms, 0.0);
        assert_eq!(stages.acknowledgement_to_socket.max_ms, 3.0);
        assert_eq!(stages.send_to_socket.max_ms, 5.0);
        let swapped = [received[1], received[0]];
        for wrong in [&swapped[..], &received[..1]] {
            Stages::of(&sent, &acknowledged, &consumed, wrong).unwrap_err();
        }
    }

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let times = (1..=1000).map(|ms| ms * 1_000_000).collect();
        let expected = Quantiles {
            p50_ms: 500.0,
            p99_ms: 990.0,
            p999_ms: 999.0,
            max_ms: 1000.0,
        };
        assert_eq!(Quantiles::of(times), expected);
    }
}
