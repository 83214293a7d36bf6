//! What a plugin's file says about itself.

use super::any::{AnyPlugin, PluginKind};
use super::capabilities::Capabilities;
use super::load::{Loader, Spec};
use super::source::Wasm;
use anyhow::Context;
use std::time::{Duration, Instant};
use wasmparser::{KnownCustom, Parser, Payload};
use wasmtime::component::Component;

/// What is known of a plugin before it runs.
pub struct Inspection {
    /// The SHA-256 of its file, in hexadecimal.
    pub digest: String,
    /// The size of the file, in bytes.
    pub size: usize,
    /// How long it took to compile, or to read its code from the cache.
    pub compiled_in: Duration,
    /// Whether its code was in the cache.
    pub was_cached: bool,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// The interfaces that it exports.
    pub exports: Vec<String>,
    /// The capabilities that it needs.
    pub needed: Capabilities,
    /// Languages and tools that made it, each with its version, as far as the
    /// file names them.
    pub made_by: Vec<(String, String)>,
    component: Component,
}

impl Loader {
    /// Compiles a plugin's file and reads what it says about itself.
    ///
    /// # Errors
    /// Why it is not a component.
    pub fn inspect(&self, wasm: Wasm) -> anyhow::Result<Inspection> {
        let bytes = wasm.bytes.as_ref().context("its file is not at hand")?;
        let (digest, size, made_by) = (wasm.digest.clone(), bytes.len(), made_by(bytes));
        let was_cached = self.is_cached(&digest);
        let begun = Instant::now();
        let component = self.compiled(wasm)?;
        let compiled_in = begun.elapsed();
        let (imports, exports) = self.names(&component);
        let needed = self.needed(&component);
        Ok(Inspection {
            needed,
            digest,
            size,
            compiled_in,
            was_cached,
            imports,
            exports,
            made_by,
            component,
        })
    }

    /// Links and configures an inspected plugin.
    ///
    /// # Errors
    /// Why it is not a plugin, or refuses its configuration.
    pub fn start(&self, spec: &Spec, inspected: &Inspection) -> anyhow::Result<AnyPlugin> {
        self.link(spec, inspected.digest.clone(), &inspected.component, None)
    }
}

impl Inspection {
    /// The kind that it exports, if any.
    pub fn kind(&self) -> Option<PluginKind> {
        let exported = |kind: &PluginKind| {
            let mut names = kind.exports().into_iter();
            names.any(|name| self.exports.contains(&name))
        };
        PluginKind::ALL.into_iter().find(exported)
    }
}

/// The `producers` sections of a file and of what it contains; nothing where
/// they can't be read.
fn made_by(wasm: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        if let Payload::CustomSection(section) = payload
            && let KnownCustom::Producers(fields) = section.as_known()
        {
            let values = fields.into_iter().flatten();
            let values = values.flat_map(|field| field.values.into_iter().flatten());
            found.extend(values.map(|tool| (tool.name.into(), tool.version.into())));
        }
    }
    found.sort();
    found.dedup();
    found
}
