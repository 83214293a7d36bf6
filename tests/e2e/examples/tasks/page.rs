//! The page, in a browser, by its own form.

use super::SOON;
use super::rig::Rig;
use crate::examples::shots;
use millstream_tests::{Browser, Link, read_all, request, wait_until};

struct Page(Browser);

impl Page {
    fn open(url: &str) -> Self {
        let mut page = Page(Browser::open(url));
        page.wait_connected();
        page
    }

    fn wait_connected(&mut self) {
        self.0
            .wait_for("document.querySelector('#state.connected') !== null", SOON);
    }

    fn submit(&mut self, kind: &str, value: &str) {
        self.0.eval(&format!(
            "form.kind.value = '{kind}'; form.kind.onchange(); form.value.value = '{value}';
             document.querySelector('#new button').click()"
        ));
    }

    /// Waits for a task whose line is of this status and holds these texts.
    fn wait_for(&mut self, status: &str, texts: &[&str]) {
        self.0.wait_for(
            &format!(
                "[...document.querySelectorAll('li.{status}')].some((li) =>
                    {texts:?}.every((text) => li.textContent.includes(text)))"
            ),
            SOON,
        );
    }

    fn count(&mut self) -> u64 {
        self.0
            .eval("document.querySelectorAll('li').length")
            .as_u64()
            .unwrap()
    }

    fn reload(&mut self) {
        let here = self.0.eval("location.href");
        self.0.goto(here.as_str().unwrap());
    }
}

#[test]
fn a_page_submits_shows_progress_and_goes_on_where_it_was_when_it_is_loaded_again() {
    let rig = Rig::start(1);
    let worker = rig.topics.worker(&[]);
    let (_server, url) = rig.serve_page();
    let shots = shots();
    let mut ada = Page::open(&format!("{url}&client=ada"));
    assert_eq!(
        ada.0.eval("document.querySelector('#me').textContent"),
        "ada"
    );

    ada.submit("sum", "3 4 5");
    ada.wait_for("completed", &["Sum: 3 + 4 + 5", r#"{"sum":12}"#]);
    ada.submit("poison", "<b>x</b>");
    ada.wait_for(
        "failed",
        &["<b>x</b>", "RuntimeError: this task can't be done"],
    );
    ada.submit("flaky", "1");
    ada.wait_for("completed", &["Flaky", r#"{"lucky":true}"#]);
    ada.submit("slow", "6");
    ada.wait_for("running", &["Slow, with progress: 6 s", "step 25 of 60"]);
    ada.0.screenshot(shots.join("tasks-running.png"));

    ada.reload();
    ada.wait_connected();
    assert_eq!(ada.count(), 4, "what it knew before");
    ada.wait_for("running", &["Slow, with progress: 6 s"]);
    // What happens while no page is open is in the stream.
    ada.0.goto("data:text/html,elsewhere");
    let ended = || {
        let events = rig.stored("ada");
        events
            .iter()
            .any(|event| event.data.contains("slept"))
            .then_some(())
    };
    wait_until("the slow task ends", SOON, ended);
    ada.0.goto(&format!("{url}&client=ada"));
    ada.wait_for("completed", &["Slow, with progress: 6 s", r#"{"slept":6}"#]);
    assert_eq!(ada.count(), 4);
    ada.0.prefer_dark();
    ada.0.screenshot(shots.join("tasks-ended-dark.png"));

    // Another user of the same browser sees nothing of it.
    ada.0.goto(&format!("{url}&client=grace"));
    ada.wait_connected();
    assert_eq!(ada.count(), 0);
    assert_eq!(ada.0.exceptions(), Vec::<String>::new());
    worker.stop();
}

#[test]
fn a_page_sends_a_task_until_the_server_has_it_and_then_it_is_one() {
    let rig = Rig::start(1);
    let worker = rig.topics.worker(&[]);
    let (_server, url) = rig.serve_page();
    let link = Link::to(&rig.daemon.sse());
    let url = url.replace(&rig.daemon.sse(), &link.addr());
    let mut ada = Page::open(&format!("{url}&client=ada"));
    ada.submit("sum", "1 2"); // the browser asks whether it may, and remembers
    ada.wait_for("completed", &["Sum: 1 + 2"]);

    // The task is taken, and the page is not told.
    link.lose_answers();
    ada.submit("sum", "20 22");
    wait_until("the task is taken", SOON, || {
        (rig.stored("ada").len() == 2).then_some(())
    });
    ada.wait_for("sending", &["Sum: 20 + 22"]);
    link.cut();
    ada.wait_for("sending", &["The server does not answer"]);
    ada.reload();
    ada.wait_for("sending", &["Sum: 20 + 22"]);
    link.open();
    ada.wait_connected();
    ada.wait_for("completed", &["Sum: 20 + 22", r#"{"sum":42}"#]);
    assert_eq!(ada.count(), 2);
    assert_eq!(read_all(&rig.topics.requests).len(), 2);
    assert_eq!(ada.0.exceptions(), Vec::<String>::new());
    worker.stop();
}

#[test]
fn a_page_that_asks_too_often_waits_and_asks_again() {
    let rig = Rig::with_rate(1, "{ per-second = 1, burst = 1 }");
    let worker = rig.topics.worker(&[]);
    let (_server, url) = rig.serve_page();
    let mut ada = Page::open(&format!("{url}&client=ada"));
    // All of them before the first is answered.
    ada.0.eval(
        "window.limited = []; const real = fetch;
         window.fetch = async (...all) => { const answer = await real(...all);
             if (answer.status === 429) limited.push(answer.headers.get('retry-after'));
             return answer; }; true",
    );
    for value in ["1", "2", "3"] {
        ada.submit("sum", value);
    }
    for value in ["1", "2", "3"] {
        ada.wait_for("completed", &[&format!("Sum: {value}")]);
    }
    assert_eq!(ada.count(), 3);
    assert_eq!(read_all(&rig.topics.requests).len(), 3);
    assert_eq!(
        ada.0
            .eval("limited.length > 0 && limited.every((s) => s >= '1')"),
        true,
        "it was told how long to wait"
    );
    assert_eq!(ada.0.exceptions(), Vec::<String>::new());
    worker.stop();
}

#[test]
fn a_page_that_missed_something_asks_how_its_tasks_stand() {
    let rig = Rig::start(1);
    let worker = rig.topics.worker(&[]);
    let (_server, url) = rig.serve_page();
    let link = Link::to(&rig.daemon.sse());
    let url = url.replace(&rig.daemon.sse(), &link.addr());
    let mut ada = Page::open(&format!("{url}&client=ada"));
    ada.submit("slow", "3");
    ada.wait_for("running", &["step"]);
    link.cut();
    rig.topics.wait_committed();
    wait_until("its result is stored", SOON, || {
        let events = rig.stored("ada");
        let is_end = |data: &str| data.contains("slept");
        events.iter().any(|event| is_end(&event.data)).then_some(())
    });
    let path = "/v1/clients/ada/stream";
    let emptied = request("DELETE", &rig.daemon.admin(), path, &[], b"").unwrap();
    assert_eq!(emptied.status, 200);
    ada.wait_for("running", &["step"]);
    link.open();
    ada.wait_for("completed", &[r#"{"slept":3}"#]);
    assert_eq!(ada.0.exceptions(), Vec::<String>::new());
    worker.stop();
}
