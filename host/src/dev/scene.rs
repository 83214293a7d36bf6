//! The configuration of the daemon in this process.

use crate::authoring::{Outcome, Project, fixtures};
use crate::config::{self, Role, Settings};
use crate::plugin::{Capabilities, Capability, PluginKind, Source};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

/// The name of the pipeline and of its topic.
pub(super) const PIPELINE: &str = "dev";

/// The settings for a project's plugin.
///
/// # Errors
/// If a name is invalid.
pub(super) fn settings(
    project: &Project,
    kafka: &str,
    listen: SocketAddr,
) -> anyhow::Result<Settings> {
    let toml = format!(
        r#"
[kafka]
bootstrap-servers = "{kafka}"
group-id = "millstream-dev"
membership = "dynamic"
[kafka.properties]
"fetch.wait.max.ms" = "5"
[store]
url = "memory:"
retention = {{ max-events = 1000, max-age = "1h" }}
[http]
listen = "{listen}"
[auth]
anonymous = true
[admin]
listen = "127.0.0.1:0"
[[pipeline]]
name = "{PIPELINE}"
topics = ["{PIPELINE}"]
transform = {{ plugin = "bundled:notifications", config = {{ version = "v1" }} }}
route = {{ plugin = "bundled:per-client" }}
dead-letter = {{ plugin = "bundled:retry-then-topic", config = {{ topic = "{PIPELINE}-dlq" }} }}
# Fixtures fail on purpose, and an author wants to see the newest plugin.
breaker = {{ action = "off" }}
"#
    );
    let mut settings = config::parse(Path::new("dev.toml"), &toml, Role::All)?;
    let pipeline = &mut settings.pipelines[0];
    pipeline.output_topics = topics(project);
    use_project(&mut pipeline.plugins, project);
    Ok(settings)
}

/// Puts the project's plugin, with its configuration, into its place.
pub(super) fn use_project(plugins: &mut crate::pipeline::PluginSettings, project: &Project) {
    let spec = match project.kind {
        PluginKind::Transform => &mut plugins.transform,
        PluginKind::Route => &mut plugins.route,
        PluginKind::DeadLetter => &mut plugins.dead_letter,
    };
    spec.source = Source::File(project.artefact());
    spec.config = project.config.clone();
    spec.granted = match project.kind {
        PluginKind::Transform => Capabilities::all(),
        _ => [Capability::Log, Capability::Clock].into_iter().collect(),
    };
}

/// The topics that the fixtures expect records in.
pub(super) fn topics(project: &Project) -> Vec<String> {
    let read = fixtures::read(&project.fixtures(), project.kind);
    let expected = read.into_iter().flatten().filter_map(|one| one.expected);
    let topics = expected
        .flatten()
        .filter_map(|outcome: Outcome| outcome.topic().cloned());
    topics.collect::<BTreeSet<_>>().into_iter().collect()
}
