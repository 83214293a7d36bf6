//! Compiling untrusted wasm, in a child process that can be cut off.
//!
//! wasmtime can't cancel a compile and a compile bomb takes all the memory
//! there is; a child is niced, limited by the kernel and killed at its limit.
//! The child is this same program: `millstream compile-plugin`, wasm on its
//! standard input, machine code on its standard output.

use super::engine::compile_config;
use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Wall time that one compile may take: componentised JavaScript needs 20 s.
const PATIENCE: Duration = Duration::from_secs(120);
/// CPU seconds that the child may use.
const CPU_SECONDS: u64 = 90;
/// Address space of the child: componentised JavaScript needs 300 MB.
const MEMORY: u64 = 4 << 30;
/// The most machine code that is taken back.
const OUTPUT: u64 = 512 << 20;

/// Compiles a component, or a core module with component metadata, to machine
/// code for `Component::deserialize`.
///
/// # Errors
/// Why it is no plugin.
pub fn compile(wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    if wasm.is_empty() {
        bail!("the file is empty");
    }
    if !wasm.starts_with(b"\0asm") {
        bail!("it is not WebAssembly: it does not begin with \\0asm");
    }
    let engine = wasmtime::Engine::new(&compile_config())?;
    if wasm.starts_with(COMPONENT) {
        return Ok(engine.precompile_component(wasm)?);
    }
    // What is no module at all makes the encoder panic.
    wasmtime::Module::validate(&engine, wasm)?;
    let mut encoder = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(wasm)?;
    let component = encoder.encode().context("it can't be made a component")?;
    Ok(engine.precompile_component(&component)?)
}

/// The child's side: limits itself, then compiles standard input to standard
/// output.
///
/// # Errors
/// What the parent then reports.
pub fn child() -> anyhow::Result<()> {
    limit(Resource::As, MEMORY).context("limiting the compiler's memory")?;
    limit(Resource::Cpu, CPU_SECONDS).context("limiting the compiler's CPU time")?;
    limit(Resource::Core, 0).context("forbidding the compiler core dumps")?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Being impolite is no reason not to compile.
    let _ = rustix::process::nice(10);
    let mut wasm = Vec::new();
    std::io::stdin().read_to_end(&mut wasm)?;
    let code = compile(&wasm)?;
    std::io::stdout().write_all(&code)?;
    Ok(())
}

/// Limits this process, also where it is limited to less already.
fn limit(resource: Resource, most: u64) -> rustix::io::Result<()> {
    let most = getrlimit(resource)
        .maximum
        .map_or(most, |hard| hard.min(most));
    let most = Some(most);
    setrlimit(
        resource,
        Rlimit {
            current: most,
            maximum: most,
        },
    )
}

/// Compiles in a child of `program` (this program's own file).
///
/// # Errors
/// Why it is no plugin, or that the child was cut off.
pub(super) fn in_child(program: &PathBuf, wasm: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let mut child = Command::new(program)
        .arg("compile-plugin")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("can't start the compiler's process")?;
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        bail!("the compiler's process has no pipes");
    };
    // A child that died early breaks the pipe; its words say why.
    let feeding = std::thread::spawn(move || drop(input.write_all(&wasm)));
    let words = read_aside(errors, 64 << 10);
    let code = read_aside(output, OUTPUT);
    let code = code.recv_timeout(PATIENCE);
    if code.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().context("waiting for the compiler")?;
    let _ = feeding.join();
    let Ok(code) = code else {
        bail!(
            "compiling took over {} s and was cut off",
            PATIENCE.as_secs()
        );
    };
    if !status.success() {
        let words = words
            .recv_timeout(Duration::from_secs(1))
            .unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        // One line for the log, also of a panic's words; without Rust's advice.
        let advice = |line: &&str| line.starts_with("note: ");
        let words = words.lines().map(str::trim).filter(|line| !advice(line));
        let words: Vec<&str> = words.collect();
        match words.join(" ").trim() {
            "" => bail!("the compiler was cut off ({status}): too much memory or CPU time"),
            words if status.code().is_none() => {
                bail!("the compiler was cut off ({status}): {words}")
            }
            words => bail!("{}", words.trim_start_matches("millstream: ")),
        }
    }
    Ok(code)
}

/// Reads all of a pipe in a thread of its own, at most `limit` bytes.
fn read_aside(pipe: impl Read + Send + 'static, limit: u64) -> mpsc::Receiver<Vec<u8>> {
    let (done, read) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is.
        let _ = pipe.take(limit).read_to_end(&mut bytes);
        let _ = done.send(bytes);
    });
    read
}
