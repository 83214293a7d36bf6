//! `cargo xtask <command>`: the commands that contributors run. It only knows which commands to run
//! and how; it has no dependencies, so that it builds in a second.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

const HELP: &str = "\
cargo xtask check                     format, lints, documentation
cargo xtask unit [NAME]               unit tests, architecture and documentation, by name
cargo xtask e2e [NAME] [--release]    end-to-end tests, by name
cargo xtask campaign [OPTION]...      random faults under load; --help has the options
cargo xtask bench NAME [OPTION]...    a measurement; --help lists them
cargo xtask ci                        all that must pass before a merge
";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if let Err(error) = env::set_current_dir(&root) {
        eprintln!("{}: {error}", root.display());
        return ExitCode::FAILURE;
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("check") => check(),
        Some("unit") => unit(&rest),
        Some("e2e") => e2e(&rest),
        Some("campaign") => campaign(&rest),
        Some("bench") => bench(&rest),
        Some("ci") => run(Command::new(".ci/run").args(&rest)),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            true
        }
        Some(other) => {
            eprint!("unknown command `{other}`\n\n{HELP}");
            false
        }
    };
    if done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn check() -> bool {
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    let docs = ["doc", "--workspace", "--no-deps", "--locked"];
    run(&mut cargo(&["fmt", "--all", "--check"]))
        && run(&mut cargo(&lints))
        && run(cargo(&docs).env("RUSTDOCFLAGS", "-D warnings"))
}

fn unit(names: &[&str]) -> bool {
    let targets = [
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--test",
        "architecture",
        "--test",
        "documented",
    ];
    run(cargo(&targets).arg("--").args(names))
}

fn e2e(arguments: &[&str]) -> bool {
    let (options, names): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .partition(|argument| argument.starts_with("--"));
    // Most tests wait for servers most of the time.
    let threads = std::thread::available_parallelism().map_or(1, usize::from) * 2;
    let threads = env::var("RUST_TEST_THREADS").unwrap_or_else(|_| threads.to_string());
    let mut tests = cargo(&["test", "--workspace", "--test", "e2e"]);
    run(Command::new("tests/run").arg("--setup"))
        && run(tests
            .args(options)
            .arg("--")
            .args(names)
            .env("RUST_TEST_THREADS", threads))
}

fn campaign(options: &[&str]) -> bool {
    let test = ["test", "--workspace", "--test", "campaign", "--"];
    let only_asks = options.contains(&"--help");
    (only_asks || run(Command::new("tests/run").arg("--setup"))) && run(cargo(&test).args(options))
}

fn bench(arguments: &[&str]) -> bool {
    let bench = ["run", "--release", "--package", "millstream-bench", "--"];
    let arguments: &[&str] = match arguments {
        [] => &["--help"],
        given => given,
    };
    let only_asks = arguments.contains(&"--help");
    (only_asks || run(Command::new("tests/run").arg("--setup")))
        && run(cargo(&bench).args(arguments))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    // Set by the cargo that runs this program. When they change, build scripts of dependencies run
    // again, and half of everything is compiled.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Prints and runs a command; returns whether it succeeded.
fn run(command: &mut Command) -> bool {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<String> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    eprintln!("$ {}", words.join(" "));
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("{}: {error}", words[0]);
            false
        }
    }
}
