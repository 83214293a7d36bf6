//! Go: `go build` for `wasip1`, and a module of constant answers in the place of
//! WASI, so that the plugin imports nothing but Millstream's own interface.

use super::tool::{self, Tool};
use crate::authoring::project::Project;
use crate::plugin::{PluginKind, componentize, imports_log};
use anyhow::{Context, bail};
use std::fs;
use std::path::PathBuf;

/// What stands in for WASI, assembled: `adapter-discard.wat` with `adapter.wat`.
const DISCARD: &[u8] = include_bytes!("adapter-discard.wasm");
/// The same where prints are logged: `adapter-log.wat` with `adapter.wat`.
const LOG: &[u8] = include_bytes!("adapter-log.wasm");

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
    let package = match project.kind {
        PluginKind::Transform => "transform` or `millstream/stateful",
        PluginKind::DeadLetter => "deadletter",
        PluginKind::Route => "route",
    };
    let component = wrap(&core, project.kind).with_context(|| {
        format!(
            "the module that Go built is no {} plugin: main must import `millstream/{package}`, call \
             its Main, and import no other functions of the host",
            project.kind.name()
        )
    })?;
    tool::write(&own.join(format!("{name}.wasm")), &component)
}

/// The component of a module that Go built.
fn wrap(core: &[u8], kind: PluginKind) -> anyhow::Result<Vec<u8>> {
    // Whoever imports the SDK's package `log` has prints logged too.
    let adapter = if imports_log(core) { LOG } else { DISCARD };
    componentize(core, kind, &[("wasi_snapshot_preview1", adapter)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Parser, Payload};

    const FD_WRITE: &str = r#""wasi_snapshot_preview1" "fd_write""#;
    const LOG_WRITE: &str = r#"(import "millstream:plugin/log@0.1.0" "write"
        (func (param i32 i32 i32 i32)))"#;
    const KEEP_LINES: &str = r#"(import "wasi_snapshot_preview1" "millstream_keep_lines"
        (func (param i32 i32)))"#;

    /// A module like Go's that exports a transform and imports `import` and `more`.
    fn module(import: &str, more: &[&str]) -> Vec<u8> {
        let more = more.concat();
        let text = format!(
            r#"(module
                (import {import} (func (param i32 i32 i32 i32) (result i32)))
                {more}
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

    /// The interfaces that the component of a module imports.
    fn imports(core: &[u8]) -> Vec<String> {
        let component = wrap(core, PluginKind::Transform).unwrap();
        let mut imports = Vec::new();
        for payload in Parser::new(0).parse_all(&component) {
            if let Payload::ComponentImportSection(section) = payload.unwrap() {
                let names = section.into_iter().map(|import| import.unwrap().name);
                imports.extend(names.map(|name| name.name.to_string()));
            }
        }
        imports
    }

    #[test]
    fn the_embedded_adapters_are_assembled_from_their_sources() {
        let rest = include_str!("adapter.wat");
        for (prints, embedded) in [
            (include_str!("adapter-discard.wat"), DISCARD),
            (include_str!("adapter-log.wat"), LOG),
        ] {
            let source = wat::parse_str(format!("{prints}{rest}")).unwrap();
            assert!(
                source == embedded,
                "assemble adapter-discard.wasm and adapter-log.wasm again: each is its .wat, followed \
                 by adapter.wat"
            );
        }
    }

    #[test]
    fn a_component_imports_nothing_of_wasi() {
        let imports = imports(&module(FD_WRITE, &[]));
        let of_wasi = imports.iter().any(|name| name.contains("wasi"));
        assert!(!imports.is_empty() && !of_wasi, "{imports:?}");
    }

    #[test]
    fn prints_are_logged_only_if_the_module_imports_log() {
        let needs_log = |more: &[&str]| {
            let imports = imports(&module(FD_WRITE, more));
            imports.iter().any(|name| name.contains("/log@"))
        };
        assert!(!needs_log(&[]));
        assert!(needs_log(&[LOG_WRITE, KEEP_LINES]));
    }

    #[test]
    fn other_imports_are_refused_by_name() {
        let core = module(r#""env" "own""#, &[]);
        let why = format!("{:#}", wrap(&core, PluginKind::Transform).unwrap_err());
        assert!(why.contains("env"), "{why}");
    }
}
