//! Makes components of core modules that carry no metadata: those that the tools
//! of languages without Millstream's bindings write.

use super::any::PluginKind;
use super::contract::STATEFUL;
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract, and the world of an adapter that logs.
const WIT: &str = concat!(
    include_str!("../../../wit/plugin.wit"),
    "world log-adapter { import log; }"
);

/// The component of a core module with the exports of this kind. `adapters` are
/// modules that stand in for what it imports beside the contract, with the names
/// of these imports.
///
/// # Errors
/// Which export is missing, or what it imports beside.
pub fn componentize(
    core: &[u8],
    kind: PluginKind,
    adapters: &[(&str, &[u8])],
) -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("plugin.wit", WIT)?;
    let name = match keeps_state(core) {
        true => STATEFUL,
        false => kind.name(),
    };
    let world = resolve.select_world(&[package], Some(&format!("{name}-plugin")))?;
    let mut core = core.to_vec();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8)?;
    let mut encoder = ComponentEncoder::default().validate(true).module(&core)?;
    let world = resolve.select_world(&[package], Some("log-adapter"))?;
    for (name, adapter) in adapters {
        let mut adapter = adapter.to_vec();
        if imports_log(&adapter) {
            embed_component_metadata(&mut adapter, &resolve, world, StringEncoding::UTF8)?;
        }
        encoder = encoder.adapter(name, &adapter)?;
    }
    encoder.encode()
}

/// Whether a core module imports the contract's `log`.
pub fn imports_log(core: &[u8]) -> bool {
    let mut sections = Parser::new(0).parse_all(core).map_while(Result::ok);
    sections.any(|section| match section {
        Payload::ImportSection(imports) => {
            let mut imports = imports.into_imports().map_while(Result::ok);
            imports.any(|import| import.module.starts_with("millstream:plugin/log@"))
        }
        _ => false,
    })
}

/// Whether a core module exports a transform that keeps state.
fn keeps_state(core: &[u8]) -> bool {
    let prefix = format!("millstream:plugin/{STATEFUL}@");
    let mut sections = Parser::new(0).parse_all(core).map_while(Result::ok);
    sections.any(|section| match section {
        Payload::ExportSection(exports) => {
            let mut exports = exports.into_iter().map_while(Result::ok);
            exports.any(|export| export.name.starts_with(&prefix))
        }
        _ => false,
    })
}
