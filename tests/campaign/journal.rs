use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time of each action.
pub struct Journal {
    began: Instant,
    lines: Mutex<Vec<String>>,
}

impl Default for Journal {
    fn default() -> Self {
        Journal {
            began: Instant::now(),
            lines: Mutex::default(),
        }
    }
}

impl Journal {
    pub fn note(&self, what: &str) {
        let line = format!("{:9.3} s  {what}", self.elapsed().as_secs_f64());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    pub fn lines(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.clone()
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}
