//! Runs the cases in Valgrind, and reads what it counted.

use super::counted::RUNS;
use anyhow::{Context, Result, bail, ensure};
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

/// Counts all cases.
pub fn count() -> Result<Vec<Count>> {
    let folder = folder()?;
    let nothing = folder.join("nothing.wasm");
    fs::write(&nothing, millstream_tests::guest("test-nothing"))?;
    let counts = folder.join("counts");
    let _ = fs::remove_dir_all(&counts);
    fs::create_dir(&counts)?;
    let redis = millstream_tests::Redis::new(&[]);
    let cases = |mut valgrind: Command| -> Command {
        valgrind.arg(program()).arg("count-cases");
        valgrind.arg("--nothing").arg(&nothing);
        valgrind.arg("--cache").arg(folder.join("cache"));
        valgrind.arg("--redis").arg(redis.url());
        valgrind
    };
    // Compiles for the processor that Valgrind shows.
    let mut prepare = valgrind("none");
    prepare.arg("--trace-children=yes");
    output(cases(prepare).arg("--prepare"))?;
    let mut count = valgrind("callgrind");
    count
        .arg("--toggle-collect=millstream_counted")
        .arg("--dump-after=millstream_counted")
        .arg("--compress-strings=no");
    let mut file = std::ffi::OsString::from("--callgrind-out-file=");
    file.push(counts.join("out"));
    count.arg(file);
    let printed = output(&mut cases(count))?;
    let each = printed.lines().enumerate();
    each.map(|(at, line)| read(&counts, at, line)).collect()
}

fn program() -> PathBuf {
    // A relative name would depend on the folder.
    env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into())
}

fn folder() -> Result<PathBuf> {
    let program = program();
    let target = program.ancestors().nth(2);
    let folder = target.unwrap_or(Path::new("target")).join("instructions");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    Ok(folder)
}

/// Valgrind with this tool, in an environment that is the same everywhere.
fn valgrind(tool: &str) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("-q").arg(format!("--tool={tool}"));
    valgrind.env_clear();
    // Valgrind counts each byte that `rep movsb` copies as an instruction.
    valgrind.env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS");
    if let Some(path) = env::var_os("PATH") {
        valgrind.env("PATH", path);
    }
    valgrind
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
