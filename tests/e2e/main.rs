//! The end-to-end tests: real Kafka, real Redis, the built daemon. One binary, so that all of them
//! share one Kafka and one Redis.
#![allow(
    clippy::disallowed_methods,
    reason = "the clock of a test is the wall clock"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails, and says where"
)]

mod authoring;
mod bad_input;
mod delivery;
mod demo;
mod dlq;
mod edge;
mod ends;
mod examples;
mod harness;
mod hostile;
mod kafka_faults;
mod membership;
mod pages;
mod plugin_faults;
mod plugin_files;
mod readers;
mod readme;
mod redis_faults;
mod road;
mod schemas;
mod secured;
mod service;
mod siege;
mod sse;
mod stateful;
mod store;
mod tasks;
mod tools;
