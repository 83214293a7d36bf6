//! The command line.
//!
//! Exit codes: 0 done, 1 failed, 64 usage or configuration (`EX_USAGE` of
//! sysexits.h). Logs go to standard error, results to standard output.

mod bytes;
mod capture;
mod dlq;
mod exit;
mod filter;
mod kafka;
mod offset_spec;
mod offsets;
mod output;
mod percent;
mod plugin;
mod record_id;
#[cfg(test)]
mod reference;
mod shell;
mod stop;
mod table;
mod time;
mod version;

use crate::config::{self, Role};
use crate::daemon;
use crate::demo;
use crate::log;
use crate::process::{self, log::Line};
use clap::{CommandFactory, Parser, Subcommand};
use std::path::{Path, PathBuf};

const USAGE: u8 = 64;

/// Streams each client's events from Kafka to its browser, through plugins that
/// can be replaced while it runs.
#[derive(Parser)]
#[command(version, long_version = version::long(), max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the daemon.
    Run {
        /// What the daemon does: run pipelines, serve browsers, or both.
        #[arg(long, value_enum, default_value_t = RoleArgument::All)]
        role: RoleArgument,
        /// The configuration file.
        #[arg(short, long, default_value = "millstream.toml")]
        config: PathBuf,
    },
    /// Runs a demo with nothing installed: Kafka and the store in this process,
    /// and a page that shows events as they arrive.
    Demo {
        /// The address of the page.
        #[arg(long, default_value = "127.0.0.1:8080", value_parser = listen_address)]
        listen: std::net::SocketAddr,
        /// Events per second.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        rate: u32,
    },
    /// Checks a configuration without running it.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Runs, tests and checks plugins, for their authors.
    Plugin {
        #[command(subcommand)]
        command: plugin::PluginCommand,
    },
    /// Writes real records to a file of fixtures, for `plugin test` and `plugin replay`.
    Capture {
        #[command(subcommand)]
        command: capture::CaptureCommand,
    },
    /// Shows and sets the offsets of pipelines.
    Offsets {
        #[command(subcommand)]
        command: offsets::OffsetsCommand,
    },
    /// Lists, shows and replays dead letters.
    Dlq {
        #[command(subcommand)]
        command: dlq::DlqCommand,
    },
    /// Creates, lists, describes, alters and deletes Kafka topics.
    Topic {
        #[command(subcommand)]
        command: kafka::topic::TopicCommand,
    },
    /// Writes records from standard input or files to a Kafka topic.
    Produce(kafka::produce::ProduceArguments),
    /// Reads records from a Kafka topic.
    Consume(kafka::consume::ConsumeArguments),
    /// Lists, describes and resets Kafka consumer groups.
    Group {
        #[command(subcommand)]
        command: kafka::group::GroupCommand,
    },
    /// Lists, shows and checks schemas of the schema registry.
    Registry {
        #[command(subcommand)]
        command: kafka::registry::RegistryCommand,
    },
    /// Prints a script that completes commands and options in a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, or writes the pages of all commands.
    Man {
        /// Writes the pages of all commands into this folder, which must exist.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Compiles a plugin from standard input to standard output; the daemon
    /// runs this as a child process.
    #[command(hide = true)]
    CompilePlugin {
        /// Counts instructions.
        #[arg(long)]
        metered: bool,
    },
    /// Parses a schema from standard input; the daemon runs this as a child process.
    #[command(hide = true)]
    ParseSchema,
}

fn listen_address(text: &str) -> Result<std::net::SocketAddr, String> {
    let address = config::listen_address(text);
    address.ok_or_else(|| "expected 127.0.0.1:8080, localhost:8080 or :8080".into())
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum RoleArgument {
    /// Runs pipelines, from Kafka to the store.
    Ingest,
    /// Serves browsers from the store; needs Kafka only for tasks and presence events.
    Edge,
    /// Both in one process.
    All,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Role {
        match role {
            RoleArgument::Ingest => Role::Ingest,
            RoleArgument::Edge => Role::Edge,
            RoleArgument::All => Role::All,
        }
    }
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Checks a configuration file, its plugins, and the key and certificate files that it names.
    /// Opens no connections.
    Check {
        /// The daemon's role.
        #[arg(long, value_enum, default_value_t = RoleArgument::All)]
        role: RoleArgument,
        /// The configuration file.
        #[arg(short, long, default_value = "millstream.toml")]
        config: PathBuf,
        /// Leaves the plugins out: they are neither read nor run.
        #[arg(long)]
        no_plugins: bool,
    },
}

/// Runs the program and ends the process.
pub fn main() -> ! {
    process::abort_on_panic();
    exit::end(run_program())
}

/// Runs the program; returns its exit code.
fn run_program() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are not errors.
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return code;
        }
    };
    match dispatch(arguments.command) {
        Ok(()) => 0,
        Err(error) => exit::report(&error),
    }
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { config, role } => {
            let role = role.into();
            let settings = config::load(&config, role)?;
            start_logging("info,librdkafka=warn")?;
            daemon::files(&settings, role, &config)?;
            let ended = daemon::run(settings, config.clone(), role);
            ended.map_err(|error| daemon::of_plugins(&config, error))
        }
        Command::Demo { listen, rate } => {
            start_logging(demo::LOGS)?;
            demo::demo(listen, rate)
        }
        Command::Config {
            command:
                ConfigCommand::Check {
                    config,
                    role,
                    no_plugins,
                },
        } => {
            start_logging("warn")?;
            check(&config, role.into(), !no_plugins)
        }
        Command::Plugin { command } => {
            start_logging(match &command {
                // The same daemon and the same expected failures as in the demo.
                plugin::PluginCommand::Dev(_) => demo::LOGS,
                _ => "warn",
            })?;
            plugin::run(command)
        }
        Command::Capture { command } => {
            start_logging("warn,librdkafka=error")?;
            capture::run(&command)
        }
        Command::Offsets { command } => {
            start_logging("warn,librdkafka=error")?;
            offsets::run(command)
        }
        Command::Dlq { command } => {
            start_logging("warn,librdkafka=error")?;
            dlq::run(command)
        }
        Command::Topic { command } => quietly(|| kafka::topic::run(command)),
        Command::Produce(arguments) => quietly(|| kafka::produce::run(&arguments)),
        Command::Consume(arguments) => quietly(|| kafka::consume::run(&arguments)),
        Command::Group { command } => quietly(|| kafka::group::run(command)),
        Command::Registry { command } => quietly(|| kafka::registry::run(&command)),
        Command::Completions { shell } => {
            quietly(|| shell::completions(&Arguments::command(), shell))
        }
        Command::Man { folder } => quietly(|| shell::man(Arguments::command(), folder.as_deref())),
        Command::CompilePlugin { metered } => crate::plugin::compile::child(metered),
        Command::ParseSchema => crate::schema::child(),
    }
}

/// Checks a configuration and the local files that it names.
fn check(config: &Path, role: Role, plugins: bool) -> anyhow::Result<()> {
    let settings = config::load(config, role)?;
    daemon::files(&settings, role, config)?;
    let (file, n) = (config.display(), settings.pipelines.len());
    let s = if n == 1 { "" } else { "s" };
    let scope = if role.ingests() && plugins {
        daemon::plugins(&settings, config)?;
        "also checked: files and plugins; not checked: connections"
    } else {
        "also checked: files; not checked: plugins, connections"
    };
    Ok(output::line(format_args!(
        "{file}: valid: {n} pipeline{s} ({scope})"
    ))?)
}

/// For commands whose errors are complete: librdkafka's logs appear only on
/// request (`RUST_LOG=librdkafka=debug`).
fn quietly(command: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    start_logging("error,librdkafka=off")?;
    command()
}

/// Logs to standard error; `RUST_LOG` chooses what.
fn start_logging(default: &str) -> anyhow::Result<()> {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    let filter = filter::of_env(default)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Line)
        // The library reports internal errors with `eprintln!`, which may panic.
        .log_internal_errors(false)
        .fmt_fields(log::fields())
        // The library's colour feature is off, and without this line it
        // complains on a terminal.
        .with_ansi(false)
        .with_target(false);
    let limited = tracing_subscriber::registry().with(filter);
    // Without its thread, lines are still limited, but the number of dropped lines is not logged.
    let limit = log::Limit::start().unwrap_or_default();
    limited.with(limit).with(lines).init();
    Ok(())
}
