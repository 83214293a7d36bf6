use std::thread::sleep;
use std::time::{Duration, Instant};

/// Calls `ask` until it has an answer, at least once; panics with `what` after `timeout`.
///
/// It polls: the processes waited for can't notify it. The pauses grow from 2 to 50 ms, so that
/// short waits stay short and long ones use little CPU time.
pub fn wait_until<T>(what: &str, timeout: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + timeout;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "not within {timeout:?}: {what}");
        sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(50));
    }
}
