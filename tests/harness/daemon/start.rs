use super::Daemon;
use crate::clock::Clock;
use crate::janitor::scratch_dir;
use crate::log::Log;
use crate::process::Process;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

/// What a daemon is started with; see [`Daemon::builder`].
pub struct DaemonBuilder {
    dir: PathBuf,
    env: Vec<(String, String)>,
    program: Option<PathBuf>,
    arguments: Vec<String>,
    last_line: Option<String>,
}

impl DaemonBuilder {
    /// Another program than [`Daemon::program`].
    pub fn program(mut self, program: Option<&Path>) -> Self {
        self.program = program.map(Path::to_path_buf);
        self
    }

    /// Has it run with this role.
    pub fn role(mut self, role: &str) -> Self {
        self.arguments = vec!["--role".into(), role.into()];
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has it live by this clock.
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.env.extend(clock.env());
        self
    }

    /// Writes a file below the folder of the configuration, such as a plugin.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Closes the reader of its log behind a line with this text.
    pub fn log_until(mut self, text: &str) -> Self {
        self.last_line = Some(text.to_owned());
        self
    }

    /// Where the configuration is, and what relative paths in it are relative to.
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
    /// For a daemon with this `millstream.toml` in a folder of its own.
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

    /// The built program: the one beside the tests, `target/<profile>/millstream`.
    pub fn program() -> PathBuf {
        let test = std::env::current_exe().unwrap(); // target/<profile>/deps/<test>
        let program = test.ancestors().nth(2).unwrap().join("millstream");
        let (is_there, path) = (program.is_file(), program.display());
        assert!(
            is_there,
            "no {path}. Run `tests/run`, or `cargo build -p millstream` in this profile"
        );
        program
    }
}

/// Says so if the program is older than a file it was made of: cargo does not build it for a test
/// of another package. Only a failing test shows it, since a file may well change during a run.
fn warn_if_old(program: &Path) {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let mut sources = sources.split_whitespace().skip(1).map(Path::new);
    if let Some(newer) = sources.find(|source| changed(source) > changed(program)) {
        eprintln!(
            "the daemon is older than {}: run `cargo build`",
            newer.display()
        );
    }
}

/// Starts the daemon of this folder.
pub(super) fn run(
    program: &Path,
    arguments: &[String],
    dir: &Path,
    env: &[(String, String)],
    last_line: Option<String>,
) -> (Process, Arc<Log>) {
    warn_if_old(program);
    let mut command = Process::command(program);
    command.arg("run").args(arguments);
    command.arg("-c").arg(dir.join("millstream.toml"));
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.env("NO_COLOR", "1");
    command.stdout(File::create(dir.join("stdout")).unwrap());
    command.stderr(Stdio::piped());
    let process = Process::start(command);
    let log = Log::until(process.take_stderr().unwrap(), last_line);
    (process, log)
}
