//! The `run` scripts: one command starts everything, and stopping it ends everything.

use crate::examples::example;
use millstream_tests::{
    Daemon, Log, Process, Sse, free_port, get, python_packages, request, scratch_dir, servers,
    unique, wait_until,
};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// Long enough to start Kafka on a busy machine.
const SOON: Duration = Duration::from_secs(120);

struct Run {
    process: Process,
    log: Arc<Log>,
    /// Its standard error.
    errors: Arc<Log>,
    /// A variable in the environment of every program that it starts.
    mark: String,
    /// The parent of its temporary folder.
    temporary: PathBuf,
    /// The ports of the daemon's streams, its admin listener, and the page.
    ports: [u16; 3],
}

impl Run {
    /// Starts a script, with the servers of the tests or its own, and waits until all of it runs.
    fn start(name: &str, page_port: &str, with_servers: bool) -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let run = Run::begin(name, page_port, with_servers, ports);
        wait_until(&format!("{name} runs"), SOON, || {
            assert_eq!(run.process.exit_status(), None, "{}", run.errors.tail(40));
            run.log.find("Press Ctrl-C to stop.")
        });
        run
    }

    /// Like [`Run::start`], on these ports, but returns at once.
    fn begin(name: &str, page_port: &str, with_servers: bool, ports: [u16; 3]) -> Self {
        let (mark, temporary) = (unique("run"), scratch_dir("run"));
        // A shell ignores Ctrl-C if the parent of the tests ignores it.
        let mut command = Process::command(Path::new("env"));
        command.arg("--default-signal=INT");
        command.arg(example(name).join("run"));
        let named = ["PORT", "ADMIN_PORT", page_port].into_iter().zip(ports);
        command.envs(named.map(|(name, port)| (name, port.to_string())));
        command.env("MILLSTREAM", Daemon::program());
        command.env("PYTHONPATH", python_packages());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("TMPDIR", &temporary);
        command.env("RUN_MARK", &mark);
        command.env_remove("KAFKA").env_remove("REDIS");
        if with_servers {
            command.env("KAFKA", servers().kafka.bootstrap());
            command.env("REDIS", servers().redis.url());
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = Process::start(command);
        let log = Log::of(process.take_stdout().unwrap());
        let errors = Log::of(process.take_stderr().unwrap());
        Run {
            process,
            log,
            errors,
            mark,
            temporary,
            ports,
        }
    }

    fn address(&self, which: usize) -> String {
        format!("127.0.0.1:{}", self.ports[which])
    }

    /// The running programs that it started, with their process ids.
    fn programs(&self) -> Vec<(i32, String)> {
        let mark = format!("RUN_MARK={}\0", self.mark);
        let is = |path: &PathBuf| {
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&mark)
        };
        let all = fs::read_dir("/proc").unwrap();
        let ours = all.map(|entry| entry.unwrap().path()).filter(is);
        let named = ours.filter_map(|path| {
            let id = path.file_name()?.to_str()?.parse().ok()?;
            let name = fs::read_to_string(path.join("comm")).ok()?;
            Some((id, name.trim().to_owned()))
        });
        named.collect()
    }

    /// The program of this name.
    fn program(&self, name: &str) -> Pid {
        let programs = self.programs();
        let found = programs.iter().find(|(_, is)| is == name);
        let (id, _) = found.unwrap_or_else(|| panic!("no {name}: {programs:?}"));
        Pid::from_raw(*id).unwrap()
    }

    fn wait_nothing_left(&self) {
        wait_until("all programs have ended", SOON, || {
            self.programs().is_empty().then_some(())
        });
        for which in 0..3 {
            assert!(TcpStream::connect(self.address(which)).is_err());
        }
        let left = fs::read_dir(&self.temporary).unwrap();
        assert_eq!(left.count(), 0, "its folder is removed");
    }

    fn post(&self, which: usize, path: &str, body: &str) {
        let headers = [("content-type", "application/json")];
        let address = self.address(which);
        let answer = request("POST", &address, path, &headers, body.as_bytes()).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
    }

    fn wait_event(&self, text: &str) {
        let path = "/v1/events?client=ada&from=earliest";
        let mut events = Sse::open(&self.address(0), path, &[]);
        wait_until(&format!("an event with {text}"), SOON, || {
            let data = events.next_event(SOON)?.data?;
            data.contains(text).then_some(())
        });
    }
}

#[test]
fn one_command_runs_the_tasks_example_and_ctrl_c_ends_all_of_it() {
    let run = Run::start("tasks", "PAGE_PORT", true);
    let page = run.log.find("http://").unwrap();
    let server = format!(
        "127.0.0.1:{}/?server=http://{}",
        run.ports[2],
        run.address(0)
    );
    assert!(page.contains(&server), "{page}");
    assert!(get(&run.address(2), "/").text().contains("<title>Tasks"));
    let sum = r#"{"kind": "sum", "numbers": [20, 22]}"#;
    run.post(0, "/v1/tasks?client=ada", sum);
    run.wait_event(r#""completed", "result": {"sum": 42}"#);
    run.process.signal(Signal::INT);
    assert!(run.process.wait_exit("the script", SOON).success());
    run.wait_nothing_left();
}

#[test]
fn one_command_runs_the_notifications_example_and_ctrl_c_ends_all_of_it() {
    let run = Run::start("notifications", "APP_PORT", true);
    assert!(
        get(&run.address(2), "/?client=ada")
            .text()
            .contains("<title>Notifications")
    );
    let events = Sse::open(&run.address(0), "/v1/events?client=ada", &[]);
    run.post(
        2,
        "/notifications",
        r#"{"clients": ["ada"], "message": "it works"}"#,
    );
    run.wait_event("it works");
    drop(events);
    run.process.signal(Signal::INT);
    assert!(run.process.wait_exit("the script", SOON).success());
    run.wait_nothing_left();
}

#[test]
fn the_script_starts_missing_servers_and_leaves_nothing_running_even_if_killed() {
    let run = Run::start("notifications", "APP_PORT", false);
    run.post(2, "/notifications", r#"{"clients": ["ada"]}"#);
    run.program("java");
    // Redis overwrites its environment, so `programs` does not find it.
    let said = run.log.find("Redis redis://").unwrap();
    let (_, redis) = said.split_once("Redis redis://").unwrap();
    let redis = redis.split(',').next().unwrap();
    TcpStream::connect(redis).unwrap();
    run.process.kill();
    run.wait_nothing_left();
    TcpStream::connect(redis).unwrap_err();
}

#[test]
fn the_script_fails_and_ends_all_programs_when_one_ends() {
    let run = Run::start("tasks", "PAGE_PORT", true);
    kill_process(run.program("millstream"), Signal::KILL).unwrap();
    assert_eq!(run.process.wait_exit("the script", SOON).code(), Some(1));
    run.wait_nothing_left();
}

#[test]
fn ports_used_by_another_example_are_reported() {
    let first = Run::start("tasks", "PAGE_PORT", true);
    let [port, admin, _] = first.ports;
    for (ports, taken, variable) in [
        ([port, free_port(), free_port()], port, "PORT"),
        ([free_port(), admin, free_port()], admin, "ADMIN_PORT"),
    ] {
        let second = Run::begin("notifications", "APP_PORT", true, ports);
        assert_eq!(second.process.wait_exit("the script", SOON).code(), Some(1));
        wait_until("it names the port and the variable", SOON, || {
            let says = second.errors.find(&format!("port {taken} "))?;
            says.contains(&format!("Set {variable} ")).then_some(())
        });
        assert_eq!(second.log.find("Press Ctrl-C to stop."), None);
        wait_until("its folder is removed", SOON, || {
            let left = fs::read_dir(&second.temporary).unwrap().count();
            (left == 0).then_some(())
        });
    }
    assert_eq!(get(&first.address(1), "/readyz").status, 200);
    first.process.signal(Signal::INT);
    assert!(first.process.wait_exit("the script", SOON).success());
    first.wait_nothing_left();
}
