//! `completions` and `man`: what a package puts beside the program.

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;
use std::io::Write;
use std::path::Path;

/// Prints the completions of a shell.
pub(super) fn completions(command: &Command, shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut visible(command), name, &mut script);
    print(&script)
}

/// Without the commands that are not for people: clap_complete completes them, too.
fn visible(command: &Command) -> Command {
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    let bare = Command::new(env!("CARGO_PKG_NAME")).version(env!("CARGO_PKG_VERSION"));
    bare.subcommands(shown.cloned())
}

/// Prints the manual page of the program, or writes those of all commands into a folder.
pub(super) fn man(command: Command, folder: Option<&Path>) -> anyhow::Result<()> {
    match folder {
        Some(folder) => {
            let written = clap_mangen::generate_to(command, folder);
            written.with_context(|| format!("can't write into {}", folder.display()))
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            print(&page)
        }
    }
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    Ok(out.write_all(text).and_then(|()| out.flush())?)
}
