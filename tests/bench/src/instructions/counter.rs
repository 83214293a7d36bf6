//! Runs the cases in Valgrind, and reads what it counted.

use super::counted::RUNS;
use anyhow::{Context, Result, bail, ensure};
use millstream_tests::{Redis, find_program, guest};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A case and what it needs.
pub struct Count {
    pub name: String,
    pub records: u64,
    /// Instructions of one run.
    pub instructions: u64,
}

/// The counted program's name below the working folder: names of folders must not matter.
pub const PROGRAM: &str = "./program";

/// Counts all cases.
pub fn count() -> Result<Vec<Count>> {
    let folder = folder()?;
    fs::write(folder.join("nothing.wasm"), guest("test-nothing"))?;
    let counts = folder.join("counts");
    let _ = fs::remove_dir_all(&counts);
    fs::create_dir(&counts)?;
    let redis = Redis::new(&[]);
    let valgrind = |tool: &str| {
        let mut valgrind = Command::new(find_program("valgrind"));
        valgrind
            .current_dir(&folder)
            .env_clear()
            // Valgrind counts each byte that `rep movsb` copies as an instruction.
            .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS")
            .arg("-q")
            .arg(format!("--tool={tool}"));
        valgrind
    };
    let cases = |valgrind: &mut Command| {
        valgrind.args([PROGRAM, "count-cases", "--redis", &redis.url()]);
    };
    // Compiles for the processor that Valgrind shows.
    let mut prepare = valgrind("none");
    prepare.arg("--trace-children=yes");
    cases(&mut prepare);
    output(prepare.arg("--prepare"))?;
    let mut count = valgrind("callgrind");
    count.args([
        "--toggle-collect=millstream_counted",
        "--dump-after=millstream_counted",
        "--callgrind-out-file=counts/out",
    ]);
    cases(&mut count);
    let printed = output(&mut count)?;
    let each = printed.lines().enumerate();
    each.map(|(at, line)| read(&counts, at, line)).collect()
}

/// The working folder, with this program in it.
fn folder() -> Result<PathBuf> {
    let this = env::current_exe()?;
    let target = this.ancestors().nth(2).unwrap_or(Path::new("target"));
    let folder = target.join("instructions");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    let program = folder.join(PROGRAM);
    let _ = fs::remove_file(&program);
    fs::hard_link(&this, &program).with_context(|| format!("can't link {}", program.display()))?;
    Ok(folder)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("can't run valgrind: `tests/run --setup` installs it")?;
    ensure!(output.status.success(), "valgrind: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The least count of a case: Valgrind writes a file after each run.
fn read(counts: &Path, case: usize, line: &str) -> Result<Count> {
    let Some((name, records)) = line.split_once(' ') else {
        bail!("not a case: {line}");
    };
    let files = (0..RUNS).map(|run| counts.join(format!("out.{}", case * RUNS + run + 1)));
    let all: Result<Vec<u64>> = files.map(|file| total(&file)).collect();
    Ok(Count {
        name: name.into(),
        records: records.parse()?,
        instructions: all?.into_iter().min().unwrap_or(0),
    })
}

fn total(file: &Path) -> Result<u64> {
    let text =
        fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let mut lines = text.lines();
    let total = lines.find_map(|line| line.strip_prefix("summary: "));
    let total = total.with_context(|| format!("{} has no total", file.display()))?;
    Ok(total.trim().parse()?)
}
