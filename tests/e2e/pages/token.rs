use super::SOON;
use super::page::Page;
use crate::edge::tokens::{edge, now, token};
use serde_json::json;

#[test]
fn the_module_continues_with_a_fresh_token_when_one_expires() {
    let edge = edge();
    let origin = format!("http://{}", edge.daemon.sse());
    let mut page = Page::of(&origin);
    let tokens = json!([
        token(json!({ "sub": "ada", "exp": now() + 4 })),
        token(json!({ "sub": "ada" })),
    ]);
    // The short-lived token while it is valid, as a session would give.
    page.0
        .eval(&format!("window.tokens = {tokens}; window.asked = 0; true"));
    let options = "{ token: async () => { asked += 1; return tokens[opened ? 1 : 0]; } }";
    page.watch_module(&origin, "", options);
    page.wait_opened(1);
    let first = edge.write("client:ada", "t", "before");
    page.events(1);
    page.wait_opened(2);
    let second = edge.write("client:ada", "t", "after");
    page.assert_got(&[(&first, "before"), (&second, "after")]);
    assert_eq!(page.0.eval("asked"), 2);
    assert_eq!(page.errors(), ["the connection ended"]);
}

#[test]
fn the_module_requests_another_token_after_a_refusal_and_gives_up_on_the_same_token() {
    let edge = edge();
    let origin = format!("http://{}", edge.daemon.sse());
    let mut page = Page::of(&origin);
    let expired = token(json!({ "sub": "ada", "exp": now() - 60 }));
    let good = token(json!({ "sub": "ada" }));
    page.0
        .eval(&format!("window.tokens = {}; true", json!([expired, good])));
    page.watch_module(
        &origin,
        "",
        "{ token: () => tokens[Math.min(errors.length, 1)] }",
    );
    page.wait_opened(1);
    let id = edge.write("client:ada", "t", "with the second");
    page.assert_got(&[(&id, "with the second")]);
    let errors = page.errors();
    assert!(
        errors.len() == 1 && errors[0].starts_with("401 "),
        "{errors:?}"
    );

    page.0
        .eval("source.close(); errors.length = 0; opened = 0; true");
    page.watch_module(&origin, "", "{ token: tokens[0] }");
    page.wait_closed();
    assert_eq!(page.errors().len(), 2);
    assert_eq!(page.0.eval("opened"), 0);

    // Without another token there is nothing to retry.
    page.0.eval("errors.length = 0; true");
    page.watch_module(&origin, "client=ada", "{}");
    page.wait_closed();
    assert_eq!(page.errors().len(), 1);
    page.0.wait_for(
        "document.querySelector('#state').textContent === 'closed'",
        SOON,
    );
}
