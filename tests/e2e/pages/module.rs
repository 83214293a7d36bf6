use super::SOON;
use super::page::Page;
use crate::edge::rig::Edge;
use millstream_tests::{Link, metrics, scratch_dir, wait_until};
use serde_json::{Value, json};

/// The edges listen on loopback and so allow pages of any loopback origin.
fn origin(addr: &str) -> String {
    format!("http://{addr}")
}

#[test]
fn the_module_reads_resumes_after_a_disconnect_and_reports_gaps() {
    let edge = Edge::start();
    let link = Link::to(&edge.daemon.sse());
    let origin = origin(&link.addr());
    let mut page = Page::of(&origin);
    let shots = scratch_dir("shots");
    let shot = |page: &mut Page, name: &str| {
        page.0.screenshot(shots.join(format!("{name}.png")));
    };
    link.stall();
    // The module itself is loaded through the link.
    page.0.eval(&format!(
        "window.module = import('{origin}/v1/millstream.js'); true"
    ));
    link.open();
    page.0.eval("module.then(() => true)");
    link.stall();
    page.watch(&format!(
        "new (await module).MillstreamSource('{origin}/v1/events?client=ada')"
    ));
    assert_eq!(page.0.eval("source.readyState"), 0);
    shot(&mut page, "connecting");
    link.open();
    page.wait_opened(1);

    let mut events: Vec<(String, String)> = Vec::new();
    let mut write = |text: &str| {
        let id = edge.write("client:ada", "t", text);
        events.push((id, text.to_owned()));
        events.clone()
    };
    let same = |page: &mut Page, events: &[(String, String)]| {
        let events: Vec<_> = events.iter().map(|(id, text)| (&**id, &**text)).collect();
        page.assert_got(&events);
    };
    // Disconnected before its first event, and after one.
    for round in 0..3 {
        link.cut();
        page.0.wait_for("source.readyState === 0", SOON);
        write(&format!("{round}: while it was cut"));
        link.open();
        page.wait_opened(round + 2);
        let events = write(&format!("{round}: live, \u{1f600}"));
        same(&mut page, &events);
    }
    shot(&mut page, "open");

    link.cut();
    page.0.wait_for("source.readyState === 0", SOON);
    let seen = events_before(&mut page);
    let _: String = edge.write("client:ada", "t", "trimmed");
    let left = edge.write("client:ada", "t", "left");
    let _: u64 = edge.redis(&["XTRIM", &edge.key("client:ada"), "MAXLEN", "1"]);
    link.open();
    let all = page.events(8);
    let told: Value = serde_json::from_str(all[6][2].as_str().unwrap()).unwrap();
    let gap = json!({ "after": seen, "resumes-at": left, "reason": "trimmed" });
    assert_eq!(
        (&all[6][0], &all[6][1], told),
        (&json!(seen), &json!("gap"), gap)
    );
    assert_eq!(all[7], json!([left, "t", "left"]));
    shot(&mut page, "gap");

    page.0.eval("source.close(); state()");
    shot(&mut page, "closed");
    wait_until("the daemon has no SSE connections", SOON, || {
        let open = metrics(&edge.daemon.admin()).sum("millstream_sse_connections", &[]);
        (open == 0.0).then_some(())
    });
    edge.write("client:ada", "t", "for nobody");
    assert_eq!(
        page.0.eval("[got.length, source.readyState]"),
        json!([8, 2])
    );
    assert_eq!(page.0.exceptions(), Vec::<String>::new());
}

/// The head of a response arrives, but its first frame does not.
#[test]
fn the_module_opens_only_after_it_knows_where_to_resume() {
    let edge = Edge::start();
    let origin = origin(&edge.daemon.sse());
    let mut page = Page::of(&origin);
    page.0.eval(
        "window.asked = 0; const real = fetch; window.fetch = async (...args) => {
             const answer = await real(...args);
             if (++asked > 2) return answer;
             const cut = new ReadableStream({ start: (body) => body.error(new Error('cut')) });
             return new Response(cut, answer);
         }; true",
    );
    page.watch_module(&origin, "client=ada", "{}");
    page.wait_opened(1);
    let id = edge.write("client:ada", "t", "seen");
    page.assert_got(&[(&id, "seen")]);
    assert_eq!(page.0.eval("[asked, opened]"), json!([3, 1]));
}

/// The last id that the page received.
fn events_before(page: &mut Page) -> String {
    page.0.eval("got.at(-1)[0]").as_str().unwrap().to_owned()
}

#[test]
fn the_module_reads_every_payload_back_with_any_chunking() {
    use crate::sse::payload::{payloads, read_back};
    let edge = Edge::start();
    let origin = origin(&edge.daemon.sse());
    let mut page = Page::of(&origin);
    page.watch_module(&origin, "client=ada", "{}");
    page.wait_opened(1);
    let payloads = payloads();
    let write = |payload: &String| (edge.write("client:ada", "t", payload), read_back(payload));
    let written: Vec<(String, String)> = payloads.iter().map(write).collect();
    let events: Vec<_> = written.iter().map(|(id, text)| (&**id, &**text)).collect();
    page.events(events.len());
    let expected: Value = events
        .iter()
        .map(|(id, text)| json!([id, "t", text]))
        .collect();
    assert!(
        page.0.eval("got") == expected,
        "an event differs from what was written"
    );
}

#[test]
fn the_module_gives_up_on_permanent_refusals() {
    let edge = Edge::start();
    let origin = origin(&edge.daemon.sse());
    let mut page = Page::of(&origin);
    page.watch_module(&origin, "client=", "{}");
    page.wait_closed();
    let errors = page.errors();
    assert!(
        errors.len() == 1 && errors[0].starts_with("400 "),
        "{errors:?}"
    );
}

#[test]
fn assigned_handlers_are_called_as_on_an_event_source() {
    let edge = Edge::start();
    let origin = origin(&edge.daemon.sse());
    let mut page = Page::of(&origin);
    page.watch_module(&origin, "client=ada&from=earliest", "{}");
    page.0.eval(
        "window.heard = [];
         source.onmessage = () => heard.push('replaced');
         source.onmessage = (e) => heard.push(e.data);
         source.onopen = () => heard.push('open');
         source.onerror = () => heard.push('error');
         source.onerror = null;
         true",
    );
    edge.write("client:ada", "", "one");
    edge.write("client:ada", "t", "of another type");
    edge.write("client:ada", "", "two");
    page.0.wait_for("heard.at(-1) === 'two'", SOON);
    // It may have opened before the handler was set.
    let heard = page.0.eval("heard.filter((what) => what !== 'open')");
    assert_eq!(heard, json!(["one", "two"]));
    assert_eq!(
        page.0.eval("[typeof source.onmessage, source.onerror]"),
        json!(["function", null])
    );
}
