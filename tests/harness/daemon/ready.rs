use super::{Daemon, PATIENCE};
use crate::http::{get, request};
use crate::wait::wait_until;
use std::time::Duration;

impl Daemon {
    /// A daemon with this `millstream.toml`, started and ready.
    pub fn ready(config: &str) -> Self {
        let daemon = Self::builder(config).start();
        daemon.wait_ready(PATIENCE);
        daemon
    }

    /// Waits until `/readyz` answers 200.
    pub fn wait_ready(&self, timeout: Duration) {
        let admin = self.admin();
        let mut last = String::new();
        let ready = || {
            last = match request("GET", &admin, "/readyz", &[], b"") {
                Ok(answer) if answer.status == 200 => return Some(()),
                Ok(answer) => format!("{} {}", answer.status, answer.text()),
                Err(error) => error.to_string(),
            };
            self.assert_running(&last);
            None
        };
        wait_until("the daemon is ready", timeout, ready);
    }

    /// Waits until `/readyz` is 503 for all of these reasons, while `/healthz` is 200; returns the
    /// text of `/readyz`.
    pub fn wait_not_ready(&self, reasons: &[&str], timeout: Duration) -> String {
        let admin = self.admin();
        wait_until(
            &format!("the daemon is not ready: {reasons:?}"),
            timeout,
            || {
                let answer = get(&admin, "/readyz");
                let text = answer.text();
                let all = reasons.iter().all(|reason| text.contains(reason));
                assert_eq!(get(&admin, "/healthz").status, 200, "the daemon is healthy");
                (answer.status == 503 && all).then_some(text)
            },
        )
    }
}
