use super::SOON;
use millstream_tests::{Log, Process, find_program, scratch_dir, wait_until};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_dropped_process_kills_its_children() {
    let mut command = Process::command(&find_program("sh"));
    command.args(["-c", "sleep 1000 & echo started >&2; wait"]);
    let process = Process::start({
        command.stderr(Stdio::piped());
        command
    });
    let mut stderr = process.take_stderr().unwrap();
    stderr.read_exact(&mut [0; 8]).unwrap();
    drop(process);
    let mut rest = Vec::new(); // ends when the last process that holds the pipe is gone
    stderr.read_to_end(&mut rest).unwrap();
}

/// The process that the test below kills. It does nothing unless that test starts it.
#[test]
fn victim() {
    if std::env::var_os("MILLSTREAM_TEST_VICTIM").is_some() {
        let mut command = Process::command(&find_program("sleep"));
        command.arg("1000"); // holds our standard output open until both are gone
        let _process = Process::start(command);
        println!("victim in {}", scratch_dir("victim").display());
        loop {
            std::thread::park();
        }
    }
}

#[test]
fn a_killed_test_process_leaves_nothing() {
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim.args(["--exact", "harness::processes::victim", "--nocapture"]);
    victim
        .env("MILLSTREAM_TEST_VICTIM", "1")
        .stdout(Stdio::piped());
    let mut victim = victim.spawn().unwrap();
    let log = Log::of(victim.stdout.take().unwrap());
    let line = wait_until("the victim has started", SOON, || log.find("victim in "));
    let dir = line.split("victim in ").nth(1).unwrap().to_owned();
    assert!(Path::new(&dir).exists() && !log.has_ended());

    victim.kill().unwrap();
    victim.wait().unwrap();
    wait_until("the victim's child is gone", SOON, || {
        log.has_ended().then_some(())
    });
    wait_until("the victim's files are gone", SOON, || {
        (!Path::new(&dir).exists()).then_some(())
    });
}
