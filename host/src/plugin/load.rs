//! From a plugin's file to a plugin that may go live.

use super::any::{AnyPlugin, PluginKind};
use super::cache::Cache;
use super::capabilities::{Capabilities, Capability};
use super::fixture;
use super::guest::{CallError, Program};
use super::meter::Meter;
use super::source::{Source, Wasm, digest_of};
use super::{DeadLetter, Route, Transform};
use super::{Limits, compile, conformance, engine};
use crate::process::THIS_PROGRAM;
use anyhow::{Context, anyhow, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmtime::component::Component;

/// The configuration of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The source of its wasm.
    pub source: Source,
    /// Its table of the configuration.
    pub config: serde_json::Value,
    /// Its limits.
    pub limits: Limits,
    /// What it may use beside its records.
    pub granted: Capabilities,
    /// A folder of records that it is tested with before it goes live, beside the
    /// standard ones.
    pub fixtures: Option<PathBuf>,
}

/// Loads plugins. The daemon has one.
pub struct Loader {
    engine: wasmtime::Engine,
    pub(super) cache: Cache,
    /// The program that compiles.
    compiler: PathBuf,
    meter: Meter,
}

impl Loader {
    /// A loader whose engine has room for `instances` at a time, each with at
    /// most `memory` bytes. Compiled code is kept in `cache`.
    ///
    /// # Errors
    /// If the engine can't be created.
    pub fn new(instances: u32, memory: usize, cache: &Path) -> anyhow::Result<Loader> {
        Loader::measuring(Meter::Off, instances, memory, cache)
    }

    /// Such a loader that measures the calls into its plugins.
    ///
    /// # Errors
    /// If the engine can't be created.
    pub fn measuring(
        meter: Meter,
        instances: u32,
        memory: usize,
        cache: &Path,
    ) -> anyhow::Result<Loader> {
        let engine = engine::running(instances, memory, meter)
            .context("can't create the WebAssembly engine")?;
        let cache = Cache::open(cache, &engine);
        // This program, even if an upgrade has replaced its file.
        let compiler = PathBuf::from(THIS_PROGRAM);
        Ok(Loader {
            engine,
            cache,
            compiler,
            meter,
        })
    }

    /// Compiles with another program: for a process that embeds the engine and
    /// has no `compile-plugin` command.
    pub fn compiled_by(mut self, program: PathBuf) -> Loader {
        self.compiler = program;
        self
    }

    /// Loads a transform: compiles, links, configures and tests it.
    ///
    /// # Errors
    /// Why it may not go live.
    pub fn transform(&self, spec: &Spec, wasm: Wasm) -> anyhow::Result<Transform> {
        match self.tested(spec, wasm, PluginKind::Transform)? {
            AnyPlugin::Transform(transform) => Ok(transform),
            other => bail!("it is a {} plugin", other.kind().name()),
        }
    }

    /// Loads a route in the same way.
    ///
    /// # Errors
    /// Why it may not go live.
    pub fn route(&self, spec: &Spec, wasm: Wasm) -> anyhow::Result<Route> {
        match self.tested(spec, wasm, PluginKind::Route)? {
            AnyPlugin::Route(route) => Ok(route),
            other => bail!("it is a {} plugin", other.kind().name()),
        }
    }

    /// Loads a dead-letter policy in the same way.
    ///
    /// # Errors
    /// Why it may not go live.
    pub fn dead_letter(&self, spec: &Spec, wasm: Wasm) -> anyhow::Result<DeadLetter> {
        match self.tested(spec, wasm, PluginKind::DeadLetter)? {
            AnyPlugin::DeadLetter(dead_letter) => Ok(dead_letter),
            other => bail!("it is a {} plugin", other.kind().name()),
        }
    }

    fn tested(&self, spec: &Spec, wasm: Wasm, kind: PluginKind) -> anyhow::Result<AnyPlugin> {
        let plugin = self.load(spec, wasm, Some(kind))?;
        conformance::check(&plugin, &conformance::standard())?;
        if let Some(folder) = &spec.fixtures {
            conformance::check_own(&plugin, &fixture::folder(folder, kind)?)?;
        }
        Ok(plugin)
    }

    /// Loads a plugin without testing it: compiles, links and configures it.
    /// Without a `kind`, its exports tell which kind it is.
    ///
    /// # Errors
    /// Why it is not a plugin, or refuses its configuration.
    pub fn load(
        &self,
        spec: &Spec,
        wasm: Wasm,
        kind: Option<PluginKind>,
    ) -> anyhow::Result<AnyPlugin> {
        let digest = wasm.digest.clone();
        let component = self.compiled(wasm)?;
        self.link(spec, digest, &component, kind)
    }

    /// Links and configures a component.
    pub(super) fn link(
        &self,
        spec: &Spec,
        digest: String,
        component: &Component,
        kind: Option<PluginKind>,
    ) -> anyhow::Result<AnyPlugin> {
        let kind = self.kind_of(component, kind)?;
        let needed = self.needed(component);
        spec.granted.suffice(needed).map_err(|why| anyhow!(why))?;
        let program = self.program(spec, digest, component, needed)?;
        Ok(match kind {
            PluginKind::Transform => {
                let stateful = needed.has(Capability::Keyvalue);
                let plugin = Transform::new(program, stateful)?;
                started(plugin.instance())?;
                AnyPlugin::Transform(plugin)
            }
            PluginKind::Route => {
                let plugin = Route::new(program)?;
                started(plugin.instance())?;
                AnyPlugin::Route(plugin)
            }
            PluginKind::DeadLetter => {
                let plugin = DeadLetter::new(program)?;
                started(plugin.instance())?;
                AnyPlugin::DeadLetter(plugin)
            }
        })
    }

    fn program(
        &self,
        spec: &Spec,
        digest: String,
        component: &Component,
        needed: Capabilities,
    ) -> anyhow::Result<Program> {
        let digest = digest.into();
        self.cache.hold(&digest);
        let about = (
            spec.source.name().into(),
            digest,
            spec.config.to_string().into(),
            spec.limits,
        );
        let granted = (spec.granted, needed);
        let linked = Program::link(&self.engine, component, about, granted, self.meter);
        linked.map_err(|e| {
            anyhow!(
                "{e:#}: a plugin may import millstream:plugin/diagnostics, log and clock, and nothing \
                 else (no WASI): build it for wasm32-unknown-unknown"
            )
        })
    }

    /// The capabilities that a component needs.
    pub(super) fn needed(&self, component: &Component) -> Capabilities {
        let (imports, exports) = self.names(component);
        Capabilities::needed(&[imports, exports].concat())
    }

    /// Compiles a plugin, or takes its code from the cache.
    pub(super) fn compiled(&self, wasm: Wasm) -> anyhow::Result<Component> {
        let Wasm { digest, bytes } = wasm;
        self.component(&digest, bytes)
    }

    /// Whether a plugin's compiled code is in the cache.
    pub(super) fn is_cached(&self, digest: &str) -> bool {
        self.cache.get(digest).is_some()
    }

    /// The names of a component's imports and exports.
    pub(super) fn names(&self, component: &Component) -> (Vec<String>, Vec<String>) {
        let ty = component.component_type();
        let imports = ty.imports(&self.engine).map(|(name, _)| name.to_string());
        let exports = ty.exports(&self.engine).map(|(name, _)| name.to_string());
        (imports.collect(), exports.collect())
    }

    fn component(&self, digest: &str, wasm: Option<Vec<u8>>) -> anyhow::Result<Component> {
        if let Some(code) = self.cache.get(digest) {
            match self.deserialize(&code) {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(digest, %error, "compiled code in the cache is unusable; removing it");
                    self.cache.remove(digest);
                }
            }
        }
        let wasm = wasm.context("its compiled code is no longer in the cache")?;
        let code = compile::in_child(&self.compiler, wasm, self.meter)?;
        let component = self.deserialize(&code)?;
        self.cache.put(digest, &code);
        Ok(component)
    }

    fn deserialize(&self, code: &[u8]) -> anyhow::Result<Component> {
        // SAFETY: the code was written by wasmtime's compiler in our child
        // process, and came through a pipe or a folder that only we can write
        // to (`cache.rs` checks that). wasmtime checks its version and
        // settings.
        Ok(unsafe { Component::deserialize(&self.engine, code) }?)
    }

    /// The kind of a component, which must be `wanted` if that is given. Names
    /// what it exports instead.
    fn kind_of(
        &self,
        component: &Component,
        wanted: Option<PluginKind>,
    ) -> anyhow::Result<PluginKind> {
        let (_, exports) = self.names(component);
        let found = |kind: &PluginKind| kind.exports().iter().any(|name| exports.contains(name));
        let kinds = wanted.map_or(PluginKind::ALL.to_vec(), |kind| vec![kind]);
        if let Some(kind) = kinds.iter().copied().find(found) {
            return Ok(kind);
        }
        let must = match wanted {
            Some(kind) => {
                let names = kind.exports().join(" or ");
                format!("a {} plugin must export {names}", kind.name())
            }
            None => {
                let names: Vec<_> = { PluginKind::ALL.into_iter() }
                    .flat_map(PluginKind::exports)
                    .collect();
                format!("a plugin must export one of {}", names.join(", "))
            }
        };
        match &exports[..] {
            [] => bail!(
                "it exports nothing; {must} (in Rust by `transform!(...)`, `route!(...)` or \
                 `dead_letter!(...)`)"
            ),
            _ => bail!("it exports {}; {must}", exports.join(", ")),
        }
    }
}

fn started<T>(instance: Result<T, CallError>) -> anyhow::Result<T> {
    use crate::record::Class;
    instance.map_err(|error| match error.class {
        Class::Rejected => anyhow!("it refused its configuration: {}", error.message),
        class => anyhow!("it can't start ({}): {}", class.name(), error.message),
    })
}

/// A pipeline's three plugins that are live together.
pub struct Generation {
    /// Counts up from 1.
    pub number: u64,
    /// The digests of code and configurations: a line of the swap log.
    pub digests: Arc<str>,
    /// The transform.
    pub transform: Transform,
    /// The route.
    pub route: Route,
    /// The dead-letter policy.
    pub dead_letter: DeadLetter,
}

impl Generation {
    /// The same plugins under another number.
    pub fn renumbered(&self, number: u64) -> Generation {
        Generation {
            number,
            digests: self.digests.clone(),
            transform: self.transform.clone(),
            route: self.route.clone(),
            dead_letter: self.dead_letter.clone(),
        }
    }

    /// Combines three plugins.
    pub fn new(
        number: u64,
        transform: Transform,
        route: Route,
        dead_letter: DeadLetter,
    ) -> Generation {
        let of = |kind: &str, program: &Program| {
            let config = digest_of(program.config.as_bytes());
            format!("{kind}={}/{}", program.digest, &config[..16])
        };
        let digests = [
            of("transform", &transform.program),
            of("route", &route.program),
            of("dead-letter", &dead_letter.program),
        ];
        Generation {
            number,
            digests: digests.join(" ").into(),
            transform,
            route,
            dead_letter,
        }
    }
}
