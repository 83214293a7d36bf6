//! The page, used in a browser through its form.

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

    /// Waits for a task whose line has this status and contains these texts.
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
fn a_page_submits_tasks_shows_progress_and_resumes_after_a_reload() {
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
    assert_eq!(ada.count(), 4, "the page still lists its tasks");
    ada.wait_for("running", &["Slow, with progress: 6 s"]);
    // Events that arrive while no page is open are in the stream.
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

    // Another user of the same browser sees none of these tasks.
    ada.0.goto(&format!("{url}&client=grace"));
    ada.wait_connected();
    assert_eq!(ada.count(), 0);
    assert_eq!(ada.0.exceptions(), Vec::<String>::new());
    worker.stop();
}

#[test]
fn a_page_retries_a_submission_and_creates_one_task() {
    let rig = Rig::start(1);
    let worker = rig.topics.worker(&[]);
    let (_server, url) = rig.serve_page();
    let link = Link::to(&rig.daemon.sse());
    let url = url.replace(&rig.daemon.sse(), &link.addr());
    let mut ada = Page::open(&format!("{url}&client=ada"));
    ada.submit("sum", "1 2"); // the browser sends the CORS preflight and caches its answer
    ada.wait_for("completed", &["Sum: 1 + 2"]);

    // The server accepts the task, and the page gets no answer.
    link.lose_answers();
    ada.submit("sum", "20 22");
    wait_until("the task is done", SOON, || {
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
fn a_page_over_the_rate_limit_waits_and_retries() {
    let rig = Rig::with_rate(1, "{ per-second = 1, burst = 1 }");
    let worker = rig.topics.worker(&[]);
    let (_server, url) = rig.serve_page();
    let mut ada = Page::open(&format!("{url}&client=ada"));
    // Submits all of them before the first answer.
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
        "the answers have Retry-After"
    );
    assert_eq!(ada.0.exceptions(), Vec::<String>::new());
    worker.stop();
}

#[test]
fn a_page_with_a_gap_requests_the_status_of_its_tasks() {
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
    wait_until("the result is stored", SOON, || {
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
