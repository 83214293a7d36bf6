//! The page, in two browsers.

use super::SOON;
use super::rig::Rig;
use crate::examples::shots;
use millstream_tests::{Browser, request};

struct Page(Browser);

impl Page {
    fn of(rig: &Rig<'_>, client: &str) -> Self {
        let mut page = Browser::open(&format!("http://{}/?client={client}", rig.app.address));
        page.wait_for("document.querySelector('#state.connected') !== null", SOON);
        Page(page)
    }

    fn messages(&mut self, count: usize) -> Vec<String> {
        let shown = "[...document.querySelectorAll('#list li:not(.note) p')]";
        self.0.wait_for(&format!("{shown}.length >= {count}"), SOON);
        let texts = self.0.eval(&format!("{shown}.map((p) => p.textContent)"));
        serde_json::from_value(texts).unwrap()
    }

    fn reload(&mut self) {
        let here = self.0.eval("location.href");
        self.0.goto(here.as_str().unwrap());
    }

    fn send(&mut self, clients: &str, count: usize, kind: &str, message: &str) {
        self.0.eval(&format!(
            "form = document.querySelector('#send'); form.clients.value = '{clients}';
             form.count.value = {count}; form.type.value = '{kind}'; form.message.value = '{message}';
             form.requestSubmit()"
        ));
    }

    fn wait_answer(&mut self, text: &str) {
        let answer = "document.querySelector('#answer').textContent";
        self.0
            .wait_for(&format!("{answer}.includes('{text}')"), SOON);
    }
}

#[test]
fn each_page_shows_the_notifications_of_its_client() {
    let rig = Rig::start();
    let shots = shots();
    let (mut ada, mut grace) = (Page::of(&rig, "ada"), Page::of(&rig, "grace"));
    assert_eq!(
        ada.0.eval("document.querySelector('#me').textContent"),
        "ada"
    );

    ada.send("grace", 1, "mail", "for grace <b>alone</b>");
    ada.wait_answer("Kafka has 1 for grace.");
    assert_eq!(grace.messages(1), ["for grace <b>alone</b>"]);
    grace.send("ada, grace", 2, "alert", "for both");
    grace.wait_answer("Kafka has 2 for ada, 2 for grace.");
    assert_eq!(
        grace.messages(3),
        ["for both", "for both", "for grace <b>alone</b>"]
    );
    assert_eq!(ada.messages(2), ["for both", "for both"]);
    ada.0.screenshot(shots.join("notifications-ada.png"));
    grace.0.screenshot(shots.join("notifications-grace.png"));

    // A reloaded page shows the stored events.
    grace.reload();
    assert_eq!(grace.messages(3).len(), 3);
    for page in [&mut ada, &mut grace] {
        assert_eq!(page.0.exceptions(), Vec::<String>::new());
    }
}

#[test]
fn the_empty_button_deletes_the_stream_and_the_page_continues() {
    let rig = Rig::start();
    let (mut ada, mut grace) = (Page::of(&rig, "ada"), Page::of(&rig, "grace"));
    rig.app.notify(&["ada", "grace"], 3, "old");
    assert_eq!((ada.messages(3).len(), grace.messages(3).len()), (3, 3));
    ada.0.eval("document.querySelector('#empty').click()");
    ada.wait_answer("Your stream is empty: 3 removed.");
    assert_eq!(ada.messages(0), [""; 0]);
    assert_eq!(rig.stored("ada"), []);
    rig.app.notify(&["ada"], 1, "new");
    assert_eq!(ada.messages(1), ["new"]);
    ada.reload();
    assert_eq!(ada.messages(1), ["new"]);
    assert_eq!(grace.messages(3).len(), 3);

    // A client without a stream, and an id that needs escaping.
    for client in ["nobody", "a%2Fb%20%C3%A9"] {
        let path = format!("/streams/{client}");
        let answer = request("DELETE", &rig.app.address, &path, &[], b"").unwrap();
        assert_eq!((answer.status, &*answer.text()), (200, r#"{"removed": 0}"#));
    }
    assert_eq!(ada.0.exceptions(), Vec::<String>::new());
}
