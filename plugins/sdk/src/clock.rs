//! The time that records tell. It needs the capability `clock`:
//! `capabilities = ["clock"]` in the plugin's table of the configuration. Without it
//! a plugin that calls this does not go live. A stateful transform has the same time
//! from [`State::now`](crate::State::now), without the capability.

/// The time at the current record: the largest timestamp of the partition's records
/// up to and including this one, in milliseconds since 1970-01-01 UTC; `None` if none
/// of them had one.
///
/// It never goes back, and is the same when the record is processed again. Between
/// two records it stands still.
pub fn now() -> Option<i64> {
    #[cfg(target_arch = "wasm32")]
    let now = crate::abi::clock::at(crate::panic::record());
    #[cfg(not(target_arch = "wasm32"))]
    let now = native::now();
    (now >= 0).then_some(now)
}

/// The time in tests: that of the records of one run.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native {
    use crate::abi::KafkaRecord;
    use std::cell::RefCell;

    std::thread_local! {
        static TIMES: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
    }

    /// Begins a run of these records, after others that made it this late.
    pub fn begin(before: i64, records: &[KafkaRecord]) {
        let times = records.iter().scan(before, |now, record| {
            *now = record.timestamp.max(*now);
            Some(*now)
        });
        TIMES.replace(times.collect());
    }

    pub fn now() -> i64 {
        let at = crate::panic::record() as usize;
        TIMES.with_borrow(|times| times.get(at).copied().unwrap_or(-1))
    }
}
