//! `millstream registry`.

use super::registry_reach::RegistryReach;
use super::{exit, output};
use crate::schema::{Catalog, SchemaId};
use clap::{Args, Subcommand};
use serde_json::json;

#[derive(Subcommand)]
pub(in crate::cli) enum RegistryCommand {
    /// Lists the subjects.
    List(List),
    /// Prints a schema.
    Show(Show),
    /// Checks that pipelines can decode by a schema.
    Check(Check),
}

#[derive(Args)]
pub(in crate::cli) struct List {
    /// Prints one line of JSON per subject.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: RegistryReach,
}

#[derive(Args)]
pub(in crate::cli) struct Show {
    /// A subject or a schema ID.
    schema: String,
    /// The version of the subject, instead of the latest one.
    #[arg(long)]
    version: Option<i32>,
    #[command(flatten)]
    reach: RegistryReach,
}

#[derive(Args)]
pub(in crate::cli) struct Check {
    /// A subject or a schema ID.
    schema: String,
    /// The version of the subject, instead of the latest one.
    #[arg(long)]
    version: Option<i32>,
    #[command(flatten)]
    reach: RegistryReach,
}

pub(in crate::cli) fn run(command: &RegistryCommand) -> anyhow::Result<()> {
    match command {
        RegistryCommand::List(arguments) => list(arguments),
        RegistryCommand::Show(arguments) => show(arguments),
        RegistryCommand::Check(arguments) => check(arguments),
    }
}

fn list(arguments: &List) -> anyhow::Result<()> {
    let catalog = Catalog::open(&arguments.reach.settings(None)?)?;
    let subjects = catalog.subjects()?;
    match arguments.json {
        true => output::lines(subjects.iter().map(|subject| json!({"subject": subject})))?,
        false => output::lines(subjects)?,
    }
    Ok(())
}

fn show(arguments: &Show) -> anyhow::Result<()> {
    let catalog = Catalog::open(&arguments.reach.settings(None)?)?;
    let (about, text) = match id(&arguments.schema, arguments.version)? {
        Some(id) => {
            let (kind, text) = catalog.text(id)?;
            (format!("schema {id}, {kind}"), text)
        }
        None => {
            let entry = catalog.version(&arguments.schema, arguments.version)?;
            let kind = entry.schema_type.unwrap_or_else(|| "AVRO".into());
            let (subject, version, id) = (entry.subject, entry.version, entry.id);
            let about = format!("subject {subject}, version {version}, schema {id}, {kind}");
            (about, entry.schema)
        }
    };
    // To standard error, so that the text alone can be piped on.
    output::say(about);
    let pretty = serde_json::from_str(&text).map(|json: serde_json::Value| format!("{json:#}"));
    Ok(output::line(pretty.unwrap_or(text))?)
}

fn check(arguments: &Check) -> anyhow::Result<()> {
    let catalog = Catalog::open(&arguments.reach.settings(None)?)?;
    let id = match id(&arguments.schema, arguments.version)? {
        Some(id) => id,
        None => {
            let entry = catalog.version(&arguments.schema, arguments.version)?;
            SchemaId::Number(entry.id)
        }
    };
    let known = catalog.known(id)?;
    let (format, names) = (known.schema.format(), known.schema.names().join(", "));
    let names = if names.is_empty() {
        "without a name"
    } else {
        &names
    };
    Ok(output::line(format!(
        "schema {id} can be used: {format}, {names}"
    ))?)
}

/// The ID, if it is one and not a subject.
fn id(text: &str, version: Option<i32>) -> anyhow::Result<Option<SchemaId>> {
    match (text.parse(), version) {
        (Ok(number), None) => Ok(Some(SchemaId::Number(number))),
        (Ok(_), Some(_)) => Err(exit::Usage::error(
            "--version is for subjects: a schema ID has one schema".into(),
        )),
        (Err(_), _) => Ok(None),
    }
}
