//! Generations: loading one, and telling one from another.

use crate::config::PluginSettings;
use crate::plugin::{Generation, Limits, Loader, Program, Source, Spec, digest_of};
use metrics::{counter, gauge};
use std::path::Path;

pub(super) fn specs(plugins: &PluginSettings) -> [(&'static str, &Spec); 3] {
    let PluginSettings {
        transform,
        route,
        dead_letter,
    } = plugins;
    [
        ("transform", transform),
        ("route", route),
        ("dead-letter", dead_letter),
    ]
}

pub(super) fn file_of(spec: &Spec) -> Option<&Path> {
    match &spec.source {
        Source::File(path) => Some(path),
        Source::Bundled(_) => None,
    }
}

/// What tells one set of plugins from another: code, configuration and limits.
pub(super) fn fingerprint(plugins: &PluginSettings) -> String {
    let of = |(kind, spec): (&str, &Spec)| {
        let digest = match spec.source.read() {
            Ok(wasm) => digest_of(&wasm),
            Err(error) => format!("{error:#}"),
        };
        line(
            kind,
            &digest,
            &spec.source.name(),
            &spec.config.to_string(),
            &spec.limits,
        )
    };
    specs(plugins).map(of).join("\n")
}

pub(super) fn live_fingerprint(generation: &Generation) -> String {
    let of = |(kind, program): (&str, &Program)| {
        line(
            kind,
            &program.digest,
            &program.name,
            &program.config,
            &program.limits,
        )
    };
    programs(generation).map(of).join("\n")
}

fn line(kind: &str, digest: &str, name: &str, config: &str, limits: &Limits) -> String {
    format!("{kind} {digest} {name} {config} {limits:?}")
}

pub(super) fn programs(generation: &Generation) -> [(&'static str, &Program); 3] {
    [
        ("transform", &generation.transform.program),
        ("route", &generation.route.program),
        ("dead-letter", &generation.dead_letter.program),
    ]
}

/// Loads a generation; what is the same as in `old` is taken from it.
pub(super) fn load(
    loader: &Loader,
    plugins: &PluginSettings,
    number: u64,
    old: Option<&Generation>,
) -> Result<Generation, String> {
    let PluginSettings {
        transform,
        route,
        dead_letter,
    } = plugins;
    let transform = one(
        "transform",
        transform,
        old.map(|o| &o.transform),
        |k| &k.program,
        |wasm| loader.transform(transform, wasm),
    )?;
    let route = one(
        "route",
        route,
        old.map(|o| &o.route),
        |k| &k.program,
        |wasm| loader.route(route, wasm),
    )?;
    let dead_letter = one(
        "dead-letter",
        dead_letter,
        old.map(|o| &o.dead_letter),
        |k| &k.program,
        |wasm| loader.dead_letter(dead_letter, wasm),
    )?;
    Ok(Generation::new(number, transform, route, dead_letter))
}

fn one<K: Clone>(
    kind: &str,
    spec: &Spec,
    old: Option<&K>,
    program: impl Fn(&K) -> &Program,
    load: impl FnOnce(Vec<u8>) -> anyhow::Result<K>,
) -> Result<K, String> {
    let name = spec.source.name();
    // It may hold names of any length out of the plugin's file.
    let error = |e: anyhow::Error| {
        let why = format!("{e:#}");
        format!("the {kind} plugin {name}: {}", crate::log::cut(&why))
    };
    let wasm = spec.source.read().map_err(error)?;
    let describe = |digest: &str| line(kind, digest, &name, &spec.config.to_string(), &spec.limits);
    let digest = digest_of(&wasm);
    if let Some(old) = old {
        let live = program(old);
        let live = line(kind, &live.digest, &live.name, &live.config, &live.limits);
        if live == describe(&digest) {
            return Ok(old.clone());
        }
    }
    load(wasm).map_err(error)
}

/// Says in the log and the metrics which plugins are live.
pub(super) fn announce(pipeline: &str, generation: &Generation) {
    for (kind, program) in programs(generation) {
        let (plugin, digest) = (&*program.name, program.short_digest());
        tracing::info!(
            pipeline,
            generation = generation.number,
            kind,
            plugin,
            digest,
            "live"
        );
        gauge!("millstream_plugin_generation", "pipeline" => pipeline.to_string(), "kind" => kind)
            .set(generation.number as f64);
    }
}

/// Counts what became of a swap.
pub(super) fn count_swap(pipeline: &str, result: &'static str) {
    counter!("millstream_swaps_total", "pipeline" => pipeline.to_string(), "result" => result)
        .increment(1);
}
