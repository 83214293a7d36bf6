//! Which letters to select: by pipeline, topic, kind and time.

use super::Configured;
use super::filter::Filter;
use super::time;
use crate::cli::exit::Usage;
use crate::config::{self, Role, Settings};
use crate::kafka::scan::Range;
use crate::pipeline::PipelineSettings;
use crate::record::Class;
use clap::Args;

#[derive(Args)]
pub(in crate::cli) struct Choice {
    #[command(flatten)]
    pub configured: Configured,
    /// Only letters of this pipeline.
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,
    /// Topics to read letters from, separated by commas [default: where the
    /// pipeline's dead-letter policy sends them].
    #[arg(long, value_name = "TOPIC", value_delimiter = ',')]
    pub topic: Vec<String>,
    /// Only these failure classes, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = class)]
    class: Vec<Class>,
    /// Only letters that failed in this plugin: its name in the configuration,
    /// or the part of it after a `/` or `:`.
    #[arg(long)]
    plugin: Option<String>,
    /// Only letters whose record is from this topic.
    #[arg(long, value_name = "TOPIC")]
    source_topic: Option<String>,
    /// Only letters whose record has this key.
    #[arg(long)]
    key: Option<String>,
    /// Only letters written since then: a time such as 2026-11-21T08:30:00Z,
    /// or an age such as 10m or 2d.
    #[arg(long, value_name = "TIME", value_parser = time::since)]
    since: Option<i64>,
    /// Only letters written before then: a time or an age, as for `--since`.
    #[arg(long, value_name = "TIME", value_parser = time::since)]
    until: Option<i64>,
    /// Only this partition of the letters' topic.
    #[arg(long, value_name = "NUMBER")]
    partition: Option<i32>,
    /// Only this offset of the partition.
    #[arg(long, requires = "partition")]
    offset: Option<i64>,
    /// At most this many letters.
    #[arg(long, value_name = "LETTERS")]
    pub limit: Option<u64>,
}

impl Choice {
    /// The settings, and the selected pipelines.
    pub fn read(&self) -> anyhow::Result<(Settings, Vec<PipelineSettings>)> {
        let settings = config::load(&self.configured.config, Role::Ingest)?;
        let pipelines = settings.pipelines.iter();
        let wanted = |name: &str| self.pipeline.as_deref().is_none_or(|one| one == name);
        let chosen: Vec<_> = pipelines.filter(|p| wanted(&p.name)).cloned().collect();
        if chosen.is_empty() {
            let names: Vec<_> = settings.pipelines.iter().map(|p| &*p.name).collect();
            let (wanted, names) = (self.pipeline.as_deref().unwrap_or(""), names.join(", "));
            return Err(Usage::error(format!(
                "unknown pipeline `{wanted}`; the configuration has: {names}"
            )));
        }
        Ok((settings, chosen))
    }

    pub fn range(&self) -> Range {
        Range {
            partition: self.partition,
            offset: self.offset,
            since: self.since,
        }
    }

    pub(super) fn filter(&self) -> Filter {
        Filter {
            class: self.class.iter().map(|class| class.name()).collect(),
            plugin: self.plugin.clone(),
            source_topic: self.source_topic.clone(),
            key: self.key.clone(),
            group: None,
            since: self.since,
            until: self.until,
        }
    }
}

/// A known class: an unknown one would silently select no letters.
fn class(name: &str) -> Result<Class, String> {
    let named = Class::ALL.into_iter().find(|class| class.name() == name);
    named.ok_or_else(|| {
        let names = Class::ALL.map(Class::name);
        match config::nearest(name, names.into_iter()) {
            Some(nearest) => format!("unknown class `{name}`; did you mean `{nearest}`?"),
            None => format!(
                "unknown class `{name}`; expected one of: {}",
                names.join(", ")
            ),
        }
    })
}
