use super::Daemon;
use crate::clock::Clock;
use crate::janitor::scratch_dir;
use crate::log::Log;
use crate::process::Process;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, LazyLock};

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

    /// The program: for a test the one that cargo has built for it, of the same sources, in the
    /// same profile and with the same features. A benchmark, or a test that is started without
    /// cargo, takes the one beside it, unless that is older than its sources.
    pub fn program() -> PathBuf {
        static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
            let built = std::env::var_os("CARGO_BIN_EXE_millstream").map(PathBuf::from);
            built.unwrap_or_else(beside_the_test)
        });
        PROGRAM.clone()
    }
}

/// `target/<profile>/millstream` beside `target/<profile>/deps/<test>`.
fn beside_the_test() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("millstream");
    let path = program.display();
    let release = if test.iter().any(|part| part == "release") {
        " --release"
    } else {
        ""
    };
    let again = format!("run `cargo build{release} -p millstream`");
    assert!(program.is_file(), "there is no {path}: {again}");
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
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.env("NO_COLOR", "1");
    command.stdout(File::create(dir.join("stdout")).unwrap());
    command.stderr(Stdio::piped());
    let process = Process::start(command);
    let log = Log::until(process.take_stderr().unwrap(), last_line);
    (process, log)
}
