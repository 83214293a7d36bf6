//! `millstream demo`: most people's first contact with Millstream.

use millstream_tests::{Browser, Daemon, Log, Process, Sse, get, request, scratch_dir, wait_until};
use rustix::process::Signal;
use std::fs::{self, File};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// A running demo.
struct Demo {
    process: Process,
    errors: Arc<Log>,
    /// The address of its page, `127.0.0.1:port`.
    address: String,
}

/// Starts the demo; returns it, its standard error and the file that gets its standard output.
fn start(listen: &str) -> (Process, Arc<Log>, std::path::PathBuf) {
    let stdout = scratch_dir("demo").join("stdout");
    let mut command = Process::command(&Daemon::program());
    command.args(["demo", "--rate", "100", "--listen", listen]);
    command.stdout(File::create(&stdout).unwrap());
    command.stderr(Stdio::piped());
    let process = Process::start(command);
    let errors = Log::of(process.take_stderr().unwrap());
    (process, errors, stdout)
}

impl Demo {
    fn start() -> Self {
        let (process, errors, stdout) = start("127.0.0.1:0");
        let address = wait_until("the demo prints its address", SOON, || {
            let errors = errors.tail(20);
            assert!(process.exit_status().is_none(), "the demo ended: {errors}");
            let said = fs::read_to_string(&stdout).unwrap();
            let said = said.ends_with("Press Ctrl-C to stop.\n").then_some(said)?;
            let (_, rest) = said.split_once("http://")?;
            Some(rest.lines().next()?.to_owned())
        });
        Demo {
            process,
            errors,
            address,
        }
    }

    fn swap(&self, headers: &[(&str, &str)]) -> u16 {
        let answer = request("POST", &self.address, "/demo/swap", headers, b"");
        answer.unwrap().status
    }

    /// Waits for an event of a client that this version of the transform made.
    fn wait_for_version(&self, version: &str) {
        let mut ada = Sse::open(&self.address, "/v1/events?client=ada", &[]);
        let made = format!(r#""version":"{version}""#);
        wait_until(&format!("an event of {version}"), SOON, || {
            let event = ada.next_event(SOON)?;
            event.data?.contains(&made).then_some(())
        });
    }

    fn ends_well(self) {
        self.process.signal(Signal::TERM);
        let status = self.process.wait_exit("the demo", SOON);
        assert_eq!(status.code(), Some(0));
        let complaints = self.errors.lines();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

#[test]
fn events_arrive_in_the_page_and_its_button_swaps_the_transform() {
    let demo = Demo::start();
    let mut page = Browser::open(&format!("http://{}/", demo.address));
    let cards_whose_newest_is = |version: &str| {
        format!(
            "[...document.querySelectorAll('.card')].filter((card) =>
                card.querySelector('.event')?.matches('.{version}')).length"
        )
    };
    page.wait_for(&format!("{} >= 3", cards_whose_newest_is("v1")), SOON);
    assert_eq!(page.eval(&cards_whose_newest_is("v2")), 0);
    page.wait_for("document.querySelector('#dead').textContent > 0", SOON);

    page.eval("document.querySelector('#swap').click()");
    page.wait_for(&format!("{} == 4", cards_whose_newest_is("v2")), SOON);
    page.wait_for(
        "document.querySelector('#swapped').textContent.includes('v1 → v2 swapped in')",
        SOON,
    );
    let wrong = page.eval("document.querySelector('#wrong').textContent");
    assert_eq!(wrong, "0", "no event lost or duplicated");
    assert_eq!(page.exceptions(), Vec::<String>::new());
    demo.ends_well();
}

#[test]
fn the_demo_can_be_tried_with_curl_but_not_by_another_site() {
    let demo = Demo::start();
    demo.wait_for_version("v1");
    assert_eq!(demo.swap(&[("sec-fetch-site", "cross-site")]), 403);
    let allowed = |method: &str, path: &str| {
        let answer = request(method, &demo.address, path, &[], b"").unwrap();
        (answer.status, answer.header("allow").map(str::to_owned))
    };
    assert_eq!(allowed("GET", "/demo/swap"), (405, Some("POST".into())));
    assert_eq!(allowed("POST", "/"), (405, Some("GET, HEAD".into())));
    assert_eq!(allowed("HEAD", "/"), (200, None));
    assert!(
        get(&demo.address, "/demo/state")
            .text()
            .contains(r#""generation":1"#)
    );
    assert_eq!(demo.swap(&[]), 200);
    demo.wait_for_version("v2");
    assert_eq!(demo.swap(&[("sec-fetch-site", "same-origin")]), 200);
    demo.wait_for_version("v1");
    assert!(
        get(&demo.address, "/demo/config")
            .text()
            .contains("[[pipeline]]")
    );
    demo.ends_well();
}

#[test]
fn an_error_about_a_port_in_use_suggests_another_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (process, errors, stdout) = start(&taken.local_addr().unwrap().to_string());
    let status = process.wait_exit("the demo", SOON);
    assert_eq!(status.code(), Some(1));
    let error = wait_until("an error", SOON, || errors.find("can't listen on"));
    assert!(error.contains("`--listen 127.0.0.1:0`"), "{error}");
    assert_eq!(fs::read_to_string(stdout).unwrap(), "");
}
