//! Compiles untrusted wasm in a child process that can be stopped.
//!
//! wasmtime can't cancel a compile, and a compile bomb takes all memory. The
//! child is niced, limited by the kernel and killed at its limit. It is this
//! program, run as `millstream compile-plugin`, with wasm on standard input and
//! machine code on standard output.

use super::engine::compile_config;
use super::machine::MachinesTrouble;
use super::meter::Meter;
use crate::process::child::{ChildError, Work};
use anyhow::{Context, bail};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

const COMPILER: Work = Work {
    who: "the compiler",
    what: "compiling",
    command: "compile-plugin",
    // Componentised JavaScript needs 20 s,
    patience: Duration::from_secs(120),
    cpu_seconds: 90,
    // and 300 MB.
    memory: 4 << 30,
    output: 512 << 20,
};

/// Compiles a component, or a core module with component metadata, to machine
/// code for `Component::deserialize`.
///
/// # Errors
/// Why it is not a plugin.
pub fn compile(wasm: &[u8], meter: Meter) -> anyhow::Result<Vec<u8>> {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    if wasm.is_empty() {
        bail!("the file is empty");
    }
    if !wasm.starts_with(b"\0asm") {
        bail!("the file is not WebAssembly: it does not begin with \\0asm");
    }
    let engine = wasmtime::Engine::new(&compile_config(meter))?;
    if wasm.starts_with(COMPONENT) {
        return Ok(engine.precompile_component(wasm)?);
    }
    // The encoder panics on bytes that are not a module.
    wasmtime::Module::validate(&engine, wasm)?;
    let mut encoder = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(wasm)?;
    let component = encoder
        .encode()
        .context("can't convert the module to a component")?;
    Ok(engine.precompile_component(&component)?)
}

/// The child's side: limits itself, then compiles standard input to standard
/// output.
///
/// # Errors
/// Why it failed; the parent reports it.
pub fn child(metered: bool) -> anyhow::Result<()> {
    let meter = if metered {
        Meter::Instructions
    } else {
        Meter::Off
    };
    COMPILER.limit_this_process()?;
    let mut wasm = Vec::new();
    std::io::stdin().read_to_end(&mut wasm)?;
    let code = compile(&wasm, meter)?;
    std::io::stdout().write_all(&code)?;
    Ok(())
}

/// Compiles in a child of `program` (this program's own file).
///
/// # Errors
/// Why it is not a plugin, or that the child was stopped.
pub(super) fn in_child(program: &Path, wasm: Vec<u8>, meter: Meter) -> anyhow::Result<Vec<u8>> {
    let metered: &[&str] = match meter {
        Meter::Instructions => &["--metered"],
        Meter::Off | Meter::Time => &[],
    };
    COMPILER
        .run(program, metered, wasm)
        .map_err(|error| match error {
            ChildError::Machine(words) => MachinesTrouble(words.into()).into(),
            ChildError::Refused(words) => anyhow::anyhow!(words),
        })
}
