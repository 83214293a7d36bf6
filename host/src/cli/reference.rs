//! The book's command-line reference, `docs/src/cli.md`, generated from the
//! definitions of the commands. `BLESS=1` writes it.

use super::Arguments;
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const INTRODUCTION: &str = "\
# Command-line reference

`millstream help <command>` prints the same. Results go to standard output, logs to standard error;
`RUST_LOG` selects the logs. Exit codes: 0 success, 1 failure, 64 invalid usage or configuration.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut root = Arguments::command();
    root.build();
    add(&root, &mut page);
    page
}

/// Adds the subcommands of a command, recursively.
fn add(command: &Command, page: &mut String) {
    let shown = command.get_subcommands();
    for command in shown.filter(|command| !command.is_hide_set() && command.get_name() != "help") {
        let name = command.get_bin_name().unwrap_or(command.get_name());
        let _ = write!(page, "\n## {name}\n\n{}\n", about(command));
        let has_own = command.get_subcommands().next().is_some();
        if !has_own {
            add_arguments(command, page);
        }
        add(command, page);
    }
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about());
    sentence(about.map(ToString::to_string).unwrap_or_default())
}

/// clap drops the full stop at the end of a text.
fn sentence(text: String) -> String {
    match text.is_empty() || text.ends_with(['.', '!', '?']) {
        true => text,
        false => format!("{text}."),
    }
}

fn add_arguments(command: &Command, page: &mut String) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(page, "\n```text\n{usage}\n```\n");
    let shown =
        |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let arguments: Vec<&Arg> = command.get_arguments().filter(shown).collect();
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| argument | meaning |\n|---|---|\n");
    for arg in arguments {
        let _ = writeln!(page, "| {} | {} |", name(arg), meaning(arg));
    }
}

fn name(arg: &Arg) -> String {
    let value = match arg.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count => String::new(),
        _ => {
            let names = arg.get_value_names().unwrap_or_default();
            names.iter().map(|name| format!(" <{name}>")).collect()
        }
    };
    let short = arg.get_short().map(|short| format!("`-{short}`"));
    let long = arg.get_long().map(|long| format!("`--{long}{value}`"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    match names.is_empty() {
        true => format!("`{}`", value.trim()),
        false => names.join(", "),
    }
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut meaning = sentence(help.replace('|', "\\|"));
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set() && arg.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(meaning, " One of {}.", values.join(", "));
    }
    let defaults: Vec<String> = { arg.get_default_values().iter() }
        .filter(|_| arg.get_action().takes_values())
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if !defaults.is_empty() {
        let _ = write!(meaning, " Default: {}.", defaults.join(", "));
    }
    meaning
}

#[test]
fn the_book_matches_the_commands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/cli.md");
    let page = page();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/src/cli.md is out of date; write it again with \
         BLESS=1 cargo test -p millstream --lib cli::reference"
    );
}
