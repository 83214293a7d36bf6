//! `millstream plugin`: the tools of plugin authors.

mod build;
mod check;
mod debug;
mod dev;
mod fetched;
mod input;
mod inspect;
mod new;
mod replay;
mod run;
mod test;
mod types;
mod types_check;

use clap::Subcommand;

#[derive(Subcommand)]
pub(in crate::cli) enum PluginCommand {
    /// Writes a new plugin's project: source, a test, records to test it with, and the SDK.
    New(new::NewArguments),
    /// Builds the plugin of a project to dist/NAME.wasm, with the tools of its language.
    Build(build::BuildArguments),
    /// Runs records through a plugin and prints what it makes of them. Needs no Kafka and no Redis.
    Run(run::RunArguments),
    /// Checks a plugin as the daemon does before it goes live, and shows its cost.
    Check(check::CheckArguments),
    /// Compares what a plugin makes of the records in a folder with what is expected there.
    Test(test::TestArguments),
    /// Builds a project each time a file of it is saved, tests it, and makes it live in a daemon.
    Dev(dev::DevArguments),
    /// Writes a dead letter into a Rust project as a native test with that very record, and runs it.
    Debug(debug::DebugArguments),
    /// Runs records through two versions of a plugin: what differs, and what it costs.
    Replay(replay::ReplayArguments),
    /// Writes types for a plugin's code, from the schema of its records.
    Types(types::TypesArguments),
    /// Shows what a plugin's file says about itself.
    Inspect(inspect::InspectArguments),
}

pub(super) fn run(command: PluginCommand) -> anyhow::Result<()> {
    match command {
        PluginCommand::New(arguments) => new::run(&arguments),
        PluginCommand::Build(arguments) => build::run(&arguments),
        PluginCommand::Run(arguments) => run::run(&arguments),
        PluginCommand::Check(arguments) => check::run(&arguments),
        PluginCommand::Test(arguments) => test::run(&arguments),
        PluginCommand::Dev(arguments) => dev::run(&arguments),
        PluginCommand::Debug(arguments) => debug::run(&arguments),
        PluginCommand::Replay(arguments) => replay::run(&arguments),
        PluginCommand::Types(arguments) => types::run(&arguments),
        PluginCommand::Inspect(arguments) => inspect::run(&arguments),
    }
}
