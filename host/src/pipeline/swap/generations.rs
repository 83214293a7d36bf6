//! Loads generations, and compares them.

use crate::pipeline::settings::{PipelineSettings, PluginSettings};
use crate::plugin::is_machines_trouble;
use crate::plugin::{Capabilities, Generation, Kept, Limits, Loader, Program, Source, Spec, Wasm};
use metrics::{counter, gauge};
use std::path::Path;

pub(in crate::pipeline) fn specs(plugins: &PluginSettings) -> [(&'static str, &Spec); 3] {
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

pub(in crate::pipeline) fn file_of(spec: &Spec) -> Option<&Path> {
    match &spec.source {
        Source::File(path) => Some(path),
        Source::Bundled(_) => None,
    }
}

/// A plugin that may not go live.
#[derive(Debug, thiserror::Error)]
#[error("pipeline `{pipeline}`: {why}")]
pub struct PluginRefused {
    pub(in crate::pipeline) pipeline: String,
    pub(in crate::pipeline) why: String,
}

/// Plugins that may go live. Their files are read once, so that the bytes that are
/// compared here are also those that are compiled and tested.
pub(in crate::pipeline) struct Candidate {
    plugins: PluginSettings,
    /// In the order of [`specs`].
    wasm: [Result<Wasm, String>; 3],
}

/// Why plugins did not go live.
#[derive(Clone, Debug)]
pub(in crate::pipeline) struct Refusal {
    /// Identifies the refused plugins.
    pub fingerprint: String,
    /// The reason, as text.
    pub why: String,
    /// The machine was the cause, not the plugins: worth another try.
    pub again: bool,
}

impl Candidate {
    pub fn read(plugins: &PluginSettings) -> Candidate {
        let read = |(_, spec): (&str, &Spec)| spec.source.read().map_err(|e| format!("{e:#}"));
        Candidate {
            wasm: specs(plugins).map(read),
            plugins: plugins.clone(),
        }
    }

    /// The last live plugins, if they have the names that are configured now;
    /// otherwise `None`.
    pub fn kept(kept: &[Kept; 3], mut plugins: PluginSettings) -> Option<Candidate> {
        let known = specs(&plugins).map(|(_, spec)| spec.source.name());
        if kept.each_ref().map(|kept| &kept.name) != known.each_ref() {
            return None;
        }
        let wasm = |spec: &Spec, digest: &str| match &spec.source {
            Source::File(_) => Ok(Wasm::kept(digest.into())),
            bundled @ Source::Bundled(_) => bundled.read().map_err(|e| format!("{e:#}")),
        };
        let [transform, route, dead_letter] = kept;
        let wasm = [
            wasm(&plugins.transform, &transform.digest),
            wasm(&plugins.route, &route.digest),
            wasm(&plugins.dead_letter, &dead_letter.digest),
        ];
        plugins.transform.config = serde_json::from_str(&transform.config).ok()?;
        plugins.route.config = serde_json::from_str(&route.config).ok()?;
        plugins.dead_letter.config = serde_json::from_str(&dead_letter.config).ok()?;
        Some(Candidate { plugins, wasm })
    }

    /// Identifies a set of plugins: code, configuration and limits.
    pub fn fingerprint(&self) -> String {
        let specs = specs(&self.plugins);
        let of = |((kind, spec), wasm): ((&str, &Spec), &Result<Wasm, String>)| {
            let read = match wasm {
                Ok(wasm) => &wasm.digest,
                Err(error) => error,
            };
            describe(kind, read, spec)
        };
        let each: Vec<String> = specs.into_iter().zip(&self.wasm).map(of).collect();
        each.join("\n")
    }

    /// Loads the plugins. Those that are unchanged are taken from `old`.
    pub fn load(
        self,
        loader: &Loader,
        number: u64,
        old: Option<&Generation>,
    ) -> Result<Generation, Refusal> {
        let fingerprint = self.fingerprint();
        let refusal = |(why, again): (String, bool)| Refusal {
            fingerprint: fingerprint.clone(),
            why,
            again,
        };
        let PluginSettings {
            transform,
            route,
            dead_letter,
        } = &self.plugins;
        let [for_transform, for_route, for_dead_letter] = self.wasm;
        let transform = one(
            ("transform", transform, for_transform),
            old.map(|o| &o.transform),
            |k| &k.program,
            |wasm| loader.transform(transform, wasm),
        );
        let transform = transform.map_err(refusal)?;
        let route = one(
            ("route", route, for_route),
            old.map(|o| &o.route),
            |k| &k.program,
            |wasm| loader.route(route, wasm),
        );
        let route = route.map_err(refusal)?;
        let dead_letter = one(
            ("dead-letter", dead_letter, for_dead_letter),
            old.map(|o| &o.dead_letter),
            |k| &k.program,
            |wasm| loader.dead_letter(dead_letter, wasm),
        );
        let dead_letter = dead_letter.map_err(refusal)?;
        Ok(Generation::new(number, transform, route, dead_letter))
    }
}

pub(in crate::pipeline) fn live_fingerprint(generation: &Generation) -> String {
    let of = |(kind, program): (&str, &Program)| {
        line(
            kind,
            &program.digest,
            &program.name,
            &program.config,
            (&program.limits, program.granted),
        )
    };
    programs(generation).map(of).join("\n")
}

fn line(
    kind: &str,
    digest: &str,
    name: &str,
    config: &str,
    (limits, granted): (&Limits, Capabilities),
) -> String {
    format!("{kind} {digest} {name} {config} {limits:?} {granted:?}")
}

pub(in crate::pipeline) fn programs(generation: &Generation) -> [(&'static str, &Program); 3] {
    [
        ("transform", &generation.transform.program),
        ("route", &generation.route.program),
        ("dead-letter", &generation.dead_letter.program),
    ]
}

/// Loads one plugin. The error is the reason, and whether the machine is the cause.
fn one<K: Clone>(
    (kind, spec, wasm): (&str, &Spec, Result<Wasm, String>),
    old: Option<&K>,
    program: impl Fn(&K) -> &Program,
    load: impl FnOnce(Wasm) -> anyhow::Result<K>,
) -> Result<K, (String, bool)> {
    let name = spec.source.name();
    // The reason may contain names of any length from the plugin's file.
    let named = |why: String| format!("the {kind} plugin {name}: {}", crate::log::cut(&why));
    let wasm = wasm.map_err(|why| (named(why), false))?;
    if let Some(old) = old {
        let live = program(old);
        let live = line(
            kind,
            &live.digest,
            &live.name,
            &live.config,
            (&live.limits, live.granted),
        );
        if live == describe(kind, &wasm.digest, spec) {
            return Ok(old.clone());
        }
    }
    load(wasm).map_err(|error| (named(format!("{error:#}")), is_machines_trouble(&error)))
}

fn describe(kind: &str, digest: &str, spec: &Spec) -> String {
    let (name, config) = (spec.source.name(), spec.config.to_string());
    line(kind, digest, &name, &config, (&spec.limits, spec.granted))
}

/// The plugins that a pipeline starts with.
pub(in crate::pipeline) struct First {
    pub generation: Generation,
    /// The refusal of the configured plugins, if others are used.
    pub refused: Option<Refusal>,
}

/// Loads the configured plugins. If they are refused and `fallback` is set, loads the
/// last live ones.
pub(in crate::pipeline) fn first(
    loader: &Loader,
    settings: &PipelineSettings,
) -> anyhow::Result<First> {
    let name = &settings.name;
    let refused = match Candidate::read(&settings.plugins).load(loader, 1, None) {
        Ok(generation) => {
            return Ok(First {
                generation,
                refused: None,
            });
        }
        Err(refused) => refused,
    };
    let error = anyhow::Error::new(PluginRefused {
        pipeline: name.clone(),
        why: refused.why.clone(),
    });
    let kept = { settings.fallback }.then(|| loader.kept(name)).flatten();
    let Some(kept) = kept.and_then(|kept| Candidate::kept(&kept, settings.plugins.clone())) else {
        return Err(error);
    };
    match kept.load(loader, 1, None) {
        Ok(generation) => {
            tracing::error!(
                pipeline = name,
                "{}; using the last live plugins",
                refused.why
            );
            let refused = Some(refused);
            Ok(First {
                generation,
                refused,
            })
        }
        Err(also) => Err(error.context(format!(
            "can't use the last live plugins either: {}",
            also.why
        ))),
    }
}

/// Reports the live plugins in the log and the metrics.
pub(in crate::pipeline) fn announce(pipeline: &str, generation: &Generation) {
    for (kind, program) in programs(generation) {
        let (plugin, digest) = (&*program.name, program.short_digest());
        tracing::info!(
            pipeline,
            generation = generation.number,
            kind,
            plugin,
            digest,
            "plugin live"
        );
        gauge!("millstream_plugin_generation", "pipeline" => pipeline.to_string(), "kind" => kind)
            .set(generation.number as f64);
    }
}

/// Counts the result of a swap.
pub(in crate::pipeline) fn count_swap(pipeline: &str, result: &'static str) {
    counter!("millstream_swaps_total", "pipeline" => pipeline.to_string(), "result" => result)
        .increment(1);
}
