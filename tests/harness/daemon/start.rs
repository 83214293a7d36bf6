use super::Daemon;
use crate::clock::Clock;
use crate::janitor::{profile_dir, scratch_dir};
use crate::log::Log;
use crate::process::Process;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, LazyLock};

/// The options of a daemon to start; see [`Daemon::builder`].
pub struct DaemonBuilder {
    dir: PathBuf,
    env: Vec<(String, String)>,
    program: Option<PathBuf>,
    arguments: Vec<String>,
    last_line: Option<String>,
}

impl DaemonBuilder {
    /// Runs another program than [`Daemon::program`].
    pub fn program(mut self, program: Option<&Path>) -> Self {
        self.program = program.map(Path::to_path_buf);
        self
    }

    /// Runs it with this role.
    pub fn role(mut self, role: &str) -> Self {
        self.arguments = vec!["--role".into(), role.into()];
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it with this clock.
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.env.extend(clock.env());
        self
    }

    /// Writes a file in the folder of the configuration, such as a plugin.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Closes the reader of its log after a line with this text.
    pub fn log_until(mut self, text: &str) -> Self {
        self.last_line = Some(text.to_owned());
        self
    }

    /// The folder of the configuration, to which relative paths refer.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts it; returns at once.
    pub fn start(self) -> Daemon {
        let program = self.program.unwrap_or_else(Daemon::program);
        let last = self.last_line;
        let (process, log) = run(&program, &self.arguments, &self.dir, &self.env, last);
        Daemon {
            program,
            arguments: self.arguments,
            dir: self.dir,
            env: self.env,
            process,
            logs: vec![log],
        }
    }
}

impl Daemon {
    /// A builder for a daemon with this `millstream.toml` in a new folder.
    pub fn builder(config: &str) -> DaemonBuilder {
        let dir = scratch_dir("daemon");
        let builder = DaemonBuilder {
            dir,
            env: vec![],
            program: None,
            arguments: vec![],
            last_line: None,
        };
        builder.file("millstream.toml", config)
    }

    /// The daemon's program. In a test, cargo has built it from the same sources, with the same
    /// profile and features. A benchmark, or a test that runs without cargo, takes the program
    /// beside it and panics if that is older than its sources.
    pub fn program() -> PathBuf {
        static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
            let built = std::env::var_os("CARGO_BIN_EXE_millstream").map(PathBuf::from);
            built.unwrap_or_else(beside_the_test)
        });
        PROGRAM.clone()
    }
}

/// `target/<profile>/millstream`, beside this program or above its folder `deps`.
fn beside_the_test() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = profile_dir().join("millstream");
    let path = program.display();
    let release = if test.iter().any(|part| part == "release") {
        " --release"
    } else {
        ""
    };
    let again = format!("run `cargo build{release} -p millstream`");
    assert!(program.is_file(), "no program {path}: {again}");
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let mut sources = sources.split_whitespace().skip(1).map(Path::new);
    if let Some(newer) = sources.find(|source| changed(source) > changed(&program)) {
        panic!("{path} is older than {}: {again}", newer.display());
    }
    program
}

/// Starts the daemon of this folder.
pub(super) fn run(
    program: &Path,
    arguments: &[String],
    dir: &Path,
    env: &[(String, String)],
    last_line: Option<String>,
) -> (Process, Arc<Log>) {
    let mut command = Process::command(program);
    command.arg("run").args(arguments);
    command.arg("-c").arg(dir.join("millstream.toml"));
    // Each has a state folder of its own, kept across restarts.
    command.env("XDG_STATE_HOME", dir.join("state"));
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.env("NO_COLOR", "1");
    command.stdout(File::create(dir.join("stdout")).unwrap());
    command.stderr(Stdio::piped());
    let process = Process::start(command);
    let log = Log::until(process.take_stderr().unwrap(), last_line);
    (process, log)
}
