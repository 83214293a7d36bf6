//! From a plugin's file to a plugin that may go live.

use super::cache::Cache;
use super::guest::{CallError, Program};
use super::source::{Source, Wasm, digest_of};
use super::{DeadLetter, Route, Transform};
use super::{Limits, compile, conformance, engine};
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
}

/// Loads plugins. The daemon has one.
pub struct Loader {
    engine: wasmtime::Engine,
    pub(super) cache: Cache,
    /// The program that compiles.
    compiler: PathBuf,
}

impl Loader {
    /// A loader whose engine has room for `instances` at a time, each with at
    /// most `memory` bytes. Compiled code is kept in `cache`.
    ///
    /// # Errors
    /// If the engine can't be created.
    pub fn new(instances: u32, memory: usize, cache: &Path) -> anyhow::Result<Loader> {
        let engine =
            engine::running(instances, memory).context("can't create the WebAssembly engine")?;
        let cache = Cache::open(cache, &engine);
        // This program, even if an upgrade has replaced its file.
        let compiler = PathBuf::from("/proc/self/exe");
        Ok(Loader {
            engine,
            cache,
            compiler,
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
        let program = self.program(spec, wasm, "transform")?;
        let transform = Transform::new(program)?;
        started(transform.instance())?;
        conformance::transform(&transform)?;
        Ok(transform)
    }

    /// Loads a route in the same way.
    ///
    /// # Errors
    /// Why it may not go live.
    pub fn route(&self, spec: &Spec, wasm: Wasm) -> anyhow::Result<Route> {
        let program = self.program(spec, wasm, "route")?;
        let route = Route::new(program)?;
        conformance::route(&mut started(route.instance())?)?;
        Ok(route)
    }

    /// Loads a dead-letter policy in the same way.
    ///
    /// # Errors
    /// Why it may not go live.
    pub fn dead_letter(&self, spec: &Spec, wasm: Wasm) -> anyhow::Result<DeadLetter> {
        let program = self.program(spec, wasm, "dead-letter")?;
        let dead_letter = DeadLetter::new(program)?;
        conformance::dead_letter(&mut started(dead_letter.instance())?)?;
        Ok(dead_letter)
    }

    fn program(&self, spec: &Spec, wasm: Wasm, kind: &str) -> anyhow::Result<Program> {
        let Wasm { digest, bytes } = wasm;
        let component = self.component(&digest, bytes)?;
        self.check_world(&component, kind)?;
        let digest = digest.into();
        self.cache.hold(&digest);
        let about = (
            spec.source.name().into(),
            digest,
            spec.config.to_string().into(),
            spec.limits,
        );
        Program::link(&self.engine, &component, about).map_err(|e| {
            anyhow!(
                "{e:#}: a plugin may import millstream:plugin/diagnostics and nothing else (no \
                 WASI): build it for wasm32-unknown-unknown"
            )
        })
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
        let code = compile::in_child(&self.compiler, wasm)?;
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

    /// Checks the kind of a component, and names what it exports instead.
    fn check_world(&self, component: &Component, kind: &str) -> anyhow::Result<()> {
        let wanted = format!("millstream:plugin/{kind}@0.1.0");
        let ty = component.component_type();
        let exports: Vec<_> = ty
            .exports(&self.engine)
            .map(|(name, _)| name.to_string())
            .collect();
        if exports.contains(&wanted) {
            return Ok(());
        }
        match &exports[..] {
            [] => bail!("it exports nothing; a {kind} plugin must export {wanted}"),
            _ => bail!(
                "it exports {}; a {kind} plugin must export {wanted}",
                exports.join(", ")
            ),
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
