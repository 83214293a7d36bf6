//! Compiles untrusted wasm in a child process that can be stopped.
//!
//! wasmtime can't cancel a compile, and a compile bomb takes all memory. The
//! child is niced, limited by the kernel and killed at its limit. It is this
//! program, run as `millstream compile-plugin`, with wasm on standard input and
//! machine code on standard output.

use super::engine::compile_config;
use super::machine::MachinesTrouble;
use super::meter::Meter;
use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;

/// Wall time of one compile: componentised JavaScript needs 20 s.
const PATIENCE: Duration = Duration::from_secs(120);
/// CPU seconds of the child.
const CPU_SECONDS: u64 = 90;
/// Address space of the child in bytes: componentised JavaScript needs 300 MB.
const MEMORY: u64 = 4 << 30;
/// The most bytes of machine code that are accepted.
const OUTPUT: u64 = 512 << 20;

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
    // Invalid components may make the compiler panic.
    crate::process::exit_on_panic();
    limit(Resource::As, MEMORY).context("can't limit the compiler's memory")?;
    // The soft limit sends SIGXCPU before SIGKILL, which others may send as
    // well.
    let cpu_time = limit_softly(Resource::Cpu, CPU_SECONDS, CPU_SECONDS + 5);
    cpu_time.context("can't limit the compiler's CPU time")?;
    limit(Resource::Core, 0).context("can't disable the compiler's core dumps")?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // A failed nice does not matter.
    let _ = rustix::process::nice(10);
    let mut wasm = Vec::new();
    std::io::stdin().read_to_end(&mut wasm)?;
    let code = compile(&wasm, meter)?;
    std::io::stdout().write_all(&code)?;
    Ok(())
}

/// Limits this process; keeps a lower limit that is set already.
fn limit(resource: Resource, most: u64) -> rustix::io::Result<()> {
    limit_softly(resource, most, most)
}

fn limit_softly(resource: Resource, soft: u64, hard: u64) -> rustix::io::Result<()> {
    let now = getrlimit(resource).maximum;
    let least = |most: u64| Some(now.map_or(most, |now| now.min(most)));
    let (current, maximum) = (least(soft), least(hard));
    setrlimit(resource, Rlimit { current, maximum })
}

/// Compiles in a child of `program` (this program's own file).
///
/// # Errors
/// Why it is not a plugin, or that the child was stopped.
pub(super) fn in_child(program: &PathBuf, wasm: Vec<u8>, meter: Meter) -> anyhow::Result<Vec<u8>> {
    let metered = (meter == Meter::Instructions).then_some("--metered");
    let mut child = Command::new(program)
        .arg("compile-plugin")
        .args(metered)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(MachinesTrouble("can't start the compiler's process"))?;
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        bail!("the compiler's process has no pipes");
    };
    // A child that ends early breaks the pipe; its error output says why.
    let feed = move || drop(input.write_all(&wasm));
    let aside = Builder::new().spawn(feed).and_then(|feeding| {
        let words = read_aside(errors, 64 << 10)?;
        Ok((feeding, words, read_aside(output, OUTPUT)?))
    });
    let (feeding, words, code) = match aside {
        Ok(aside) => aside,
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error).context(MachinesTrouble("can't start a thread for the compiler"));
        }
    };
    let code = code.recv_timeout(PATIENCE);
    if code.is_err() {
        let _ = child.kill();
    }
    let status = child.wait();
    let status = status.context(MachinesTrouble("can't wait for the compiler"))?;
    let _ = feeding.join();
    let Ok(code) = code else {
        // The wall clock ended it; the CPU limit would have done so earlier.
        bail!(MachinesTrouble("compiling was stopped after two minutes"));
    };
    if status.signal() == Some(Signal::KILL.as_raw()) {
        bail!(MachinesTrouble(
            "the compiler was killed: the machine may be out of memory"
        ));
    }
    if !status.success() {
        let words = words
            .recv_timeout(Duration::from_secs(1))
            .unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        // One line for the log, also for a panic; without Rust's notes.
        let advice = |line: &&str| line.starts_with("note: ");
        let words = words.lines().map(str::trim).filter(|line| !advice(line));
        let words: Vec<&str> = words.collect();
        match words.join(" ").trim() {
            "" => bail!("the compiler was stopped ({status}): it used too much memory or CPU time"),
            words if status.code().is_none() => {
                bail!("the compiler was stopped ({status}): {words}")
            }
            words => bail!("{}", words.trim_start_matches("millstream: ")),
        }
    }
    Ok(code)
}

/// Reads a pipe on its own thread, at most `limit` bytes.
fn read_aside(pipe: impl Read + Send + 'static, limit: u64) -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (done, read) = mpsc::sync_channel(1);
    Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        // After an error, the bytes read so far are used.
        let _ = pipe.take(limit).read_to_end(&mut bytes);
        let _ = done.send(bytes);
    })?;
    Ok(read)
}
