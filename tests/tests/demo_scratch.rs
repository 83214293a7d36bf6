#![allow(clippy::unwrap_used, reason = "scratch")]
#[path = "../e2e/demo.rs"]
mod demo;
