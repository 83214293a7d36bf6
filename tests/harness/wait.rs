use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks until there is an answer, at least once; after `timeout` panics with `what` was waited for.
///
/// It polls: the things waited for live in other processes, which can't ring us. The pauses grow
/// from 2 to 50 ms, so that short waits stay short and long ones leave the machine alone.
pub fn wait_until<T>(what: &str, timeout: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + timeout;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "waited {timeout:?} in vain: {what}");
        sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(50));
    }
}
