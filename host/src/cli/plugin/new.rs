//! `plugin new`: a project that builds.

use crate::authoring::{Language, template};
use crate::cli::output;
use crate::plugin::PluginKind;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(in crate::cli) struct NewArguments {
    /// The plugin's name: lower-case letters, digits and hyphens.
    name: String,
    /// The kind of plugin.
    #[arg(long, value_enum, default_value_t = KindArgument::Transform)]
    kind: KindArgument,
    /// The language.
    #[arg(long, value_enum, default_value_t = LanguageArgument::Rust)]
    lang: LanguageArgument,
    /// The folder to write; without it, NAME.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum KindArgument {
    /// Makes events of records.
    Transform,
    /// Decides where events go.
    Route,
    /// Decides what happens to failed records.
    DeadLetter,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum LanguageArgument {
    /// Rust, built with cargo.
    Rust,
    /// JavaScript, built with Node.js.
    Js,
    /// Python, built with componentize-py.
    Python,
    /// Go, built with Go itself.
    Go,
}

impl From<KindArgument> for PluginKind {
    fn from(kind: KindArgument) -> PluginKind {
        match kind {
            KindArgument::Transform => PluginKind::Transform,
            KindArgument::Route => PluginKind::Route,
            KindArgument::DeadLetter => PluginKind::DeadLetter,
        }
    }
}

impl From<LanguageArgument> for Language {
    fn from(language: LanguageArgument) -> Language {
        match language {
            LanguageArgument::Rust => Language::Rust,
            LanguageArgument::Js => Language::Js,
            LanguageArgument::Python => Language::Python,
            LanguageArgument::Go => Language::Go,
        }
    }
}

pub(super) fn run(arguments: &NewArguments) -> anyhow::Result<()> {
    let (kind, language) = (arguments.kind.into(), arguments.lang.into());
    let name = &arguments.name;
    let folder = arguments.folder.as_deref().unwrap_or(Path::new(name));
    template::write(folder, name, kind, language)?;
    let (folder, kind, title) = (folder.display(), kind.name(), language.title());
    Ok(output::lines([
        format!("{folder}: a {kind} plugin in {title}. Next:"),
        format!("  cd {folder}"),
        format!("  millstream plugin build    # writes dist/{name}.wasm"),
        "  millstream plugin test     # runs it on the records in fixtures/".into(),
    ])?)
}
