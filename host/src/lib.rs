//! Millstream's daemon. ARCHITECTURE.md describes the folders and their order:
//! `main -> cli -> daemon -> pipeline -> {kafka, plugin, store} -> record`, and
//! `daemon -> {sse, tasks, admin} -> http`.

#![cfg_attr(
    not(test),
    deny(
        clippy::print_stderr,
        clippy::print_stdout,
        reason = "they panic when the stream is closed, and a panic ends the process"
    )
)]

pub mod access;
pub mod admin;
pub mod auth;
pub mod authoring;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod demo;
mod dev;
pub mod fetch;
pub mod files;
pub mod http;
pub mod kafka;
pub mod log;
pub mod pipeline;
pub mod plugin;
pub mod process;
pub mod record;
pub mod schema;
pub mod sse;
pub mod store;
pub mod tasks;
