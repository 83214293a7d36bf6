//! Go: `go build` for `wasip1`, and a module of constant answers in the place of
//! WASI, so that the plugin imports nothing but Millstream's own interface.

use super::tool::{self, Tool};
use crate::authoring::project::Project;
use crate::plugin::{PluginKind, componentize};
use anyhow::{Context, bail};
use std::fs;
use std::path::PathBuf;

/// `adapter.wat`, assembled: it stands in for WASI.
const ADAPTER: &[u8] = include_bytes!("adapter.wasm");

const GO: Tool = Tool {
    program: "go",
    install: "go is not installed: install Go 1.24 or later, for example with \"brew install go\" or, \
              on Debian 13, \"apt-get install golang\"",
};
/// The first version whose functions can be exported to WebAssembly.
const OLDEST: (u32, u32) = (1, 24);

/// Builds with Go. Its messages go to standard error.
pub(super) fn build(project: &Project) -> anyhow::Result<PathBuf> {
    let mut go = GO.command(project);
    let go = go.args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local");
    let version = tool::text(go, &GO)?;
    let version = version.strip_prefix("go").unwrap_or(&version);
    if tool::version(version).is_none_or(|found| found < OLDEST) {
        bail!("Go {version} is too old: install Go 1.24 or later");
    }
    let name = &project.name;
    let own = tool::own_folder(project)?;
    let cold = match own.join(format!("{name}.wasm")).exists() {
        true => "",
        false => " (the first build compiles Go's standard library too: up to a minute)",
    };
    tool::say(&format!("building {name} with Go {version}{cold}"));
    let core = own.join(format!("{name}.core.wasm"));
    let mut go = GO.command(project);
    go.args([
        "build",
        "-buildmode=c-shared",
        "-trimpath",
        "-buildvcs=false",
    ])
    .args(["-ldflags=-s -w", "-o"])
    .arg(&core)
    .arg(".")
    .envs([("GOOS", "wasip1"), ("GOARCH", "wasm")])
    // Not another Go, and no settings from outside of the project.
    .envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off"), ("GOFLAGS", "")])
    .env_remove("GOEXPERIMENT");
    tool::run(
        &mut go,
        &GO,
        "go could not build it; see its messages above",
    )?;
    let core = fs::read(&core).with_context(|| format!("can't read {}", core.display()))?;
    let adapters = [("wasi_snapshot_preview1", ADAPTER)];
    let package = match project.kind {
        PluginKind::DeadLetter => "deadletter",
        kind => kind.name(),
    };
    let component = componentize(&core, project.kind, &adapters).with_context(|| {
        format!(
            "the module that Go built is no {} plugin: main must import `millstream/{package}`, call \
             its Main, and import no other functions of the host",
            project.kind.name()
        )
    })?;
    tool::write(&own.join(format!("{name}.wasm")), &component)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Parser, Payload};

    /// A module like Go's that exports a transform and imports `import`.
    fn module(import: &str) -> Vec<u8> {
        let text = format!(
            r#"(module
                (import {import} (func (param i32 i32 i32 i32) (result i32)))
                (memory (export "memory") 1)
                (func (export "_initialize"))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "millstream:plugin/transform@0.1.0#configure")
                    (param i32 i32) (result i32) unreachable)
                (func (export "millstream:plugin/transform@0.1.0#run")
                    (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable))"#
        );
        wat::parse_str(text).unwrap()
    }

    fn wrapped(core: &[u8]) -> anyhow::Result<Vec<u8>> {
        let adapters = [("wasi_snapshot_preview1", ADAPTER)];
        componentize(core, PluginKind::Transform, &adapters)
    }

    #[test]
    fn the_embedded_adapter_is_assembled_from_its_source() {
        let source = wat::parse_str(include_str!("adapter.wat")).unwrap();
        assert!(
            source == ADAPTER,
            "assemble adapter.wat to adapter.wasm again"
        );
    }

    #[test]
    fn a_component_imports_nothing_of_wasi() {
        let core = module(r#""wasi_snapshot_preview1" "fd_write""#);
        let component = wrapped(&core).unwrap();
        let mut imports = Vec::new();
        for payload in Parser::new(0).parse_all(&component) {
            if let Payload::ComponentImportSection(section) = payload.unwrap() {
                let names = section.into_iter().map(|import| import.unwrap().name);
                imports.extend(names.map(|name| name.name.to_string()));
            }
        }
        let of_wasi = imports.iter().any(|name| name.contains("wasi"));
        assert!(!imports.is_empty() && !of_wasi, "{imports:?}");
    }

    #[test]
    fn other_imports_are_refused_by_name() {
        let why = format!("{:#}", wrapped(&module(r#""env" "own""#)).unwrap_err());
        assert!(why.contains("env"), "{why}");
    }
}
