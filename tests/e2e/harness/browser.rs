use super::SOON;
use millstream_tests::{Browser, scratch_dir};

#[test]
fn a_browser_shows_a_page_and_can_go_offline() {
    let mut browser = Browser::open("data:text/html,<title>hello</title>");
    assert_eq!(browser.eval("document.title"), "hello");
    assert_eq!(
        browser.eval("Promise.resolve({ a: [1] })"),
        serde_json::json!({ "a": [1] })
    );
    browser.set_offline(true);
    browser.wait_for("navigator.onLine == false", SOON);
    browser.set_offline(false);
    browser.wait_for("navigator.onLine", SOON);
    let shot = scratch_dir("shot").join("page.png");
    browser.screenshot(&shot);
    assert!(std::fs::read(&shot).unwrap().starts_with(b"\x89PNG"));
    assert!(browser.exceptions().is_empty());
}
