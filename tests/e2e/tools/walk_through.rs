//! The last part of the book, `docs/src/kafka`: its commands are run, and must print what it says.
//!
//! In a block of `console`, a line `$ command` is run and the lines below it
//! are its output, errors included. `...` matches anything within a line;
//! alone on a line, any lines. A command that ends in `&` runs in the background
//! of the others, and `kill %1` ends the first such. Commands that only look at topics and
//! groups are repeated for a while, since Kafka needs a moment to show changes.

use super::LONG;
use millstream_tests::{Daemon, Process, find_program, scratch_dir, servers, workspace};
use rustix::process::Signal;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A command of the walk-through, and its place in the book.
struct Step {
    place: String,
    command: String,
    expected: Vec<String>,
}

/// The folder of the walk-through within the book.
const PART: &str = "kafka/";

/// In the order of the book.
fn steps() -> Vec<Step> {
    let source = workspace().join("docs/src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).unwrap();
    let chapters = summary
        .split('(')
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .filter(|(chapter, _)| chapter.starts_with(PART));
    chapters
        .flat_map(|(chapter, _)| {
            let text = fs::read_to_string(source.join(chapter)).unwrap();
            steps_of(chapter, &text)
        })
        .collect()
}

fn steps_of(chapter: &str, text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            steps.push(Step {
                place: format!("docs/src/{chapter}:{number}"),
                command: command.to_owned(),
                expected: Vec::new(),
            });
        } else if inside {
            steps
                .last_mut()
                .expect("a command before its output")
                .expected
                .push(line.to_owned());
        }
    }
    steps
}

/// Whether the output matches; `...` matches anything.
fn matches(expected: &[String], said: &[&str]) -> bool {
    match (expected.split_first(), said.split_first()) {
        (None, None) => true,
        (Some((line, rest)), _) if line == "..." => {
            (0..=said.len()).any(|skipped| matches(rest, &said[skipped..]))
        }
        (Some((line, rest)), Some((first, others))) => {
            line_matches(line, first) && matches(rest, others)
        }
        _ => false,
    }
}

fn line_matches(expected: &str, said: &str) -> bool {
    let Some((before, after)) = expected.split_once("...") else {
        return expected == said;
    };
    let Some(rest) = said.strip_prefix(before) else {
        return false;
    };
    let mut ends = (0..=rest.len()).filter(|at| rest.is_char_boundary(*at));
    ends.any(|at| line_matches(after, &rest[at..]))
}

/// A folder to run in, and its background commands.
struct Shell {
    dir: PathBuf,
    servers: String,
    jobs: Vec<Process>,
}

impl Shell {
    fn run(&mut self, line: &str) -> String {
        if let Some(job) = line.strip_prefix("kill %") {
            let job = &self.jobs[job.parse::<usize>().unwrap() - 1];
            job.signal(Signal::TERM);
            assert!(job.wait_exit(line, LONG).success(), "{line}");
            return String::new();
        }
        if let Some(line) = line.strip_suffix(" &") {
            let command = self.prepared(
                Process::command(&find_program("bash")),
                &format!("exec {line}"),
            );
            self.jobs.push(Process::start(command));
            return String::new();
        }
        let mut command = self.prepared(Command::new("bash"), &format!("{{ {line}\n}} 2>&1"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn prepared(&self, mut command: Command, line: &str) -> Command {
        let program = Daemon::program();
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", program.parent().unwrap().display());
        command
            .args(["-c", line])
            .current_dir(&self.dir)
            .env("PATH", path);
        command.env("MILLSTREAM_BOOTSTRAP_SERVERS", &self.servers);
        command
    }
}

fn may_be_asked_again(command: &str) -> bool {
    let looks = ["list", "describe"]
        .map(|verb| ["topic", "group"].map(|of| format!("millstream {of} {verb}")));
    looks
        .concat()
        .iter()
        .any(|look| command.starts_with(look.as_str()))
}

#[test]
fn every_command_of_the_walk_through_prints_what_the_book_says() {
    let kafka = servers().own_kafka(&[]);
    let mut shell = Shell {
        dir: scratch_dir("walk-through"),
        servers: kafka.bootstrap(),
        jobs: Vec::new(),
    };
    let steps = steps();
    assert!(steps.len() > 30, "can't find the book");
    for Step {
        place,
        command,
        expected,
    } in steps
    {
        let until = Instant::now() + LONG;
        loop {
            let said = shell.run(&command);
            if matches(&expected, &said.lines().collect::<Vec<_>>()) {
                break;
            }
            assert!(
                may_be_asked_again(&command) && Instant::now() < until,
                "{place}: $ {command}\nthe book says:\n{}\nbut the output is:\n{said}",
                expected.join("\n")
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn dots_match_anything() {
    let check = |expected: &str, said: &str| {
        let expected: Vec<_> = expected.lines().map(str::to_owned).collect();
        matches(&expected, &said.lines().collect::<Vec<_>>())
    };
    assert!(check("a\nb", "a\nb"));
    assert!(!check("a", "a\nb") && !check("a\nb", "a") && !check("", "a"));
    assert!(check("a ... c ...", "a b c d") && check("a...c", "ac"));
    assert!(!check("a ... c", "a b d"));
    assert!(check("a\n...\nc", "a\nb\nb\nc") && check("...", ""));
    assert!(!check("a\n...\nc", "a\nb"));
}
