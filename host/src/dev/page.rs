//! The playground: a page that runs records through the plugin as they are typed.

use super::cycle::{Shown, Status, lock};
use super::records::Recent;
use crate::authoring::bench::{self, Ran};
use crate::authoring::{Bench, Project};
use crate::http::{
    Handler, Incoming, Method, Peer, Reply, Request, StatusCode, html, is_cross_site, json,
    not_allowed, problem, read_body,
};
use crate::plugin::fixture::{self, Line};
use crate::plugin::{AnyPlugin, Source};
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

const PAGE: &str = include_str!("page.html");
/// The most bytes of a request: several large records.
const BODY: usize = 16 << 20;
/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How long a request for a newer state waits.
const NEWS: Duration = Duration::from_secs(20);

/// The page and what it asks for.
#[derive(Clone)]
pub(super) struct Page {
    project: Arc<Project>,
    bench: Arc<Bench>,
    shown: Shown,
    status: watch::Receiver<Status>,
    recent: Arc<Recent>,
}

/// Records to run, and perhaps another configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    text: String,
    config: Option<Value>,
}

/// Records to keep as a fixture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keep {
    text: String,
    /// The fixture's name, without `.jsonl`.
    name: String,
}

impl Handler for Page {
    async fn handle(&self, request: Request<Incoming>, _: Peer) -> Reply {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/" if is_read => html(PAGE),
            "/state" if is_read => self.state(request.uri().query().unwrap_or_default()).await,
            "/" | "/state" => not_allowed("GET, HEAD"),
            "/run" | "/keep" if request.method() != Method::POST => not_allowed("POST"),
            // Another page may not write into the author's project.
            "/run" | "/keep" if is_cross_site(&request) => {
                problem(StatusCode::FORBIDDEN, "only the playground may do this")
            }
            "/run" => self.answer(request, Page::run).await,
            "/keep" => self.answer(request, Page::keep).await,
            _ => problem(StatusCode::NOT_FOUND, "no such page"),
        }
    }
}

impl Page {
    pub fn new(
        project: &Arc<Project>,
        bench: Arc<Bench>,
        shown: Shown,
        status: watch::Receiver<Status>,
        recent: Arc<Recent>,
    ) -> Page {
        Page {
            project: project.clone(),
            bench,
            shown,
            status,
            recent,
        }
    }

    /// The state, as soon as a cycle after `after` has ended.
    async fn state(&self, query: &str) -> Reply {
        let after = query.strip_prefix("after=").unwrap_or_default();
        let after = after.parse().unwrap_or(0);
        let mut status = self.status.clone();
        let newer = status.wait_for(|status| status.cycle > after);
        let _ = timeout(NEWS, newer).await;
        let status = self.status.borrow().clone();
        let project = &self.project;
        let files = fixture::files(&project.fixtures()).unwrap_or_default();
        let text = |file: &std::path::PathBuf| {
            let name = file.file_stem()?.to_string_lossy().into_owned();
            Some(json!({ "name": name, "text": fs::read_to_string(file).ok()? }))
        };
        json(
            StatusCode::OK,
            &json!({
                "name": project.name,
                "kind": project.kind.name(),
                "config": project.config,
                "cycle": status.cycle,
                "line": status.line,
                "report": status.report,
                "live": status.is_live,
                "fixtures": files.iter().filter_map(text).collect::<Vec<_>>(),
                "records": self.recent.live(),
            }),
        )
    }

    /// Reads a request's body and answers it aside: plugins compute.
    async fn answer<T: for<'de> Deserialize<'de> + Send + 'static>(
        &self,
        request: Request<Incoming>,
        answer: fn(&Page, T) -> anyhow::Result<Value>,
    ) -> Reply {
        let Ok(body) = read_body(request.into_body(), BODY, ARRIVAL).await else {
            return problem(
                StatusCode::BAD_REQUEST,
                "the request is incomplete or too large",
            );
        };
        let asked = match serde_json::from_slice(&body) {
            Ok(asked) => asked,
            Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let page = self.clone();
        let answered = tokio::task::spawn_blocking(move || answer(&page, asked));
        match answered.await {
            Ok(Ok(value)) => json(StatusCode::OK, &value),
            Ok(Err(error)) => json(StatusCode::OK, &json!({ "error": format!("{error:#}") })),
            Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the run was cut off"),
        }
    }

    fn plugin(&self) -> anyhow::Result<AnyPlugin> {
        let plugin = lock(&self.shown).clone();
        plugin.context("the plugin is not built yet; see the terminal")
    }

    fn run(&self, asked: Run) -> anyhow::Result<Value> {
        let plugin = match asked.config {
            None => self.plugin()?,
            Some(config) => {
                let built = self.plugin()?;
                let source = Source::File(built.program().name.as_ref().into());
                self.bench.load(&source, config)?
            }
        };
        let lines = self.lines(&asked.text)?;
        let Ran {
            outcomes,
            logged,
            usage,
        } = bench::run(&plugin, &lines)?;
        let outcomes: Vec<Value> = outcomes
            .iter()
            .map(|outcome| json!({ "cells": outcome.cells(), "line": outcome.to_line() }))
            .collect();
        let each = usage.cpu.as_secs_f64() * 1e6 / lines.len().max(1) as f64;
        Ok(json!({
            "outcomes": outcomes,
            "logged": logged,
            "records": lines.len(),
            "microseconds": (each * 10.0).round() / 10.0,
            "memory": usage.memory,
        }))
    }

    fn lines(&self, text: &str) -> anyhow::Result<Vec<Line>> {
        fixture::lines(text.as_bytes(), self.project.kind).map_err(anyhow::Error::msg)
    }

    /// Adds the records to a fixture, and what the plugin makes of them to what
    /// is expected.
    fn keep(&self, asked: Keep) -> anyhow::Result<Value> {
        let Keep { text, name } = asked;
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
            bail!("invalid name: use letters, digits, `-` and `_`");
        }
        let folder = self.project.fixtures();
        fs::create_dir_all(&folder)?;
        let records = folder.join(format!("{name}.jsonl"));
        let expected = folder.join(format!("{name}.expected.jsonl"));
        let mut before = match fs::read_to_string(&records) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context(format!("can't read {}", records.display())),
        };
        if !before.is_empty() && !before.ends_with('\n') {
            before.push('\n');
        }
        let had = before.lines().count();
        let text = text.trim_end();
        let lines = self.lines(&format!("{before}{text}\n"))?;
        let added = lines.iter().filter(|line| line.number > had).count();
        if added == 0 {
            bail!("there is no record to keep");
        }
        // All of the file: a transform with state remembers the records before.
        let outcomes = bench::run(&self.plugin()?, &lines)?.outcomes;
        let new = outcomes.into_iter().filter(|one| one.record > had);
        let outcomes = new.map(|outcome| outcome.without_source().to_line());
        let outcomes: String = outcomes.map(|line| line + "\n").collect();
        // What is expected first: records without it would fail the test.
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&expected)?;
        file.write_all(outcomes.as_bytes())?;
        fs::write(&records, format!("{before}{text}\n"))?;
        Ok(json!({ "kept": added, "file": records.display().to_string() }))
    }
}
