use crate::plan::Kind;
use clap::Parser;
use std::fmt::Write;
use std::path::PathBuf;

/// Random faults under load: daemons, Redis and Kafka are killed, frozen and cut off. At the end
/// every record's event must be in its client's stream once and in order, or its dead letter in the
/// topic.
#[derive(Parser)]
#[command(name = "campaign", disable_version_flag = true)]
pub struct Options {
    /// Determines the faults, their times, targets and durations, and the records; random by
    /// default
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many faults
    #[arg(long, default_value_t = 16)]
    pub faults: usize,
    /// How many records, spread over the faults
    #[arg(long, default_value_t = 60_000)]
    pub records: u32,
    /// How many daemons run at first; one more may join
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub instances: u8,
    /// The daemon to test instead of the one built beside this test
    #[arg(long)]
    pub daemon: Option<PathBuf>,
    /// A transform that keeps state: each event has the number of its client's records so far
    #[arg(long)]
    pub stateful: bool,
    /// Use only these kinds of faults
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Kind>,
    #[command(flatten)]
    libtest: Libtest,
}

/// Arguments that `cargo test` passes to every test target, this one included.
#[derive(clap::Args)]
struct Libtest {
    #[arg(hide = true)]
    filters: Vec<String>,
    #[arg(long, hide = true)]
    list: bool,
    #[arg(long, hide = true)]
    exact: bool,
    #[arg(long, hide = true)]
    skip: Vec<String>,
    #[arg(long, hide = true)]
    ignored: bool,
    #[arg(long, hide = true)]
    include_ignored: bool,
    #[arg(long, hide = true, alias = "no-capture")]
    nocapture: bool,
    #[arg(long, hide = true)]
    show_output: bool,
    #[arg(long, short, hide = true)]
    quiet: bool,
    #[arg(long, hide = true)]
    test_threads: Option<String>,
    #[arg(long, hide = true)]
    format: Option<String>,
    #[arg(long, hide = true)]
    color: Option<String>,
    #[arg(long, hide = true)]
    logfile: Option<String>,
    #[arg(short = 'Z', hide = true)]
    unstable: Vec<String>,
}

impl Options {
    /// Whether `cargo test` asks for a list of tests instead of a run.
    pub fn lists(&self) -> bool {
        self.libtest.list
    }

    /// Whether its filters match this test.
    pub fn wanted(&self) -> bool {
        let Libtest {
            filters,
            skip,
            exact,
            ignored,
            ..
        } = &self.libtest;
        let named = |filter: &String| match exact {
            true => filter == "campaign",
            false => "campaign".contains(filter.as_str()),
        };
        !ignored && !skip.iter().any(named) && (filters.is_empty() || filters.iter().any(named))
    }

    /// The command that repeats this campaign.
    pub fn command(&self, seed: u64) -> String {
        let Options {
            faults,
            records,
            instances,
            ..
        } = self;
        let mut command = format!(
            "cargo test --workspace --test campaign -- --seed {seed} --faults {faults} \
             --records {records} --instances {instances}"
        );
        if self.stateful {
            command.push_str(" --stateful");
        }
        let only: Vec<String> = self.only.iter().map(Kind::to_string).collect();
        if !only.is_empty() {
            let _ = write!(command, " --only {}", only.join(","));
        }
        if let Some(daemon) = &self.daemon {
            let _ = write!(command, " --daemon {}", daemon.display());
        }
        command
    }
}
