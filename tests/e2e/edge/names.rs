//! Names in queries: spellings of the resume parameter, misspelt names, unrelated names.

use super::rig::{Edge, next};
use millstream_tests::request;
use serde_json::Value;

#[test]
fn the_resume_parameter_is_accepted_in_its_common_spellings() {
    let edge = Edge::start();
    let first = edge.write("client:ada", "t", "1");
    edge.write("client:ada", "t", "2");
    for name in [
        "last-event-id",
        "lastEventId",
        "lastEventID",
        "Last-Event-ID",
        "last_event_id",
        "last%2Devent%2Did",
    ] {
        let (mut sse, begins) = edge.open(&format!("client=ada&{name}={first}"), &[]);
        assert_eq!(
            (begins, next(&mut sse)),
            (first.clone(), "2".into()),
            "{name}"
        );
    }
    // Two spellings count as a repeated parameter.
    let twice = format!("client=ada&lastEventId={first}&last-event-id={first}");
    assert_eq!(edge.ask(&twice, &[]).status, 400);
}

#[test]
fn a_misspelt_name_is_refused_with_the_correct_one() {
    let edge = Edge::start();
    for (query, right) in [
        ("client=ada&form=earliest", "from"),
        ("client=ada&From=earliest", "from"),
        ("client=ada&group=news", "groups"),
        ("client=ada&grups=news", "groups"),
        ("client=ada&type=t", "types"),
        ("client=ada&lastEventIdd=1-0", "last-event-id"),
        ("client=ada&last-event=1-0", "last-event-id"),
        ("clientId=ada", "client"),
        ("Client=ada", "client"),
    ] {
        let detail = refused(&edge, query);
        assert!(detail.contains(&format!("`{right}`")), "{query}: {detail}");
    }
}

#[test]
fn other_names_are_ignored() {
    let edge = Edge::start();
    edge.write("client:ada", "t", "1");
    for foreign in [
        "_=1700000000",
        "v",
        "t=1",
        "ts=17",
        "cb=x",
        "utm_source=mail",
        "=",
        "%ff=1",
        "",
    ] {
        let (mut sse, _) = edge.open(&format!("client=ada&from=earliest&{foreign}"), &[]);
        assert_eq!(next(&mut sse), "1", "{foreign}");
    }
}

#[test]
fn client_calls_refuse_misspelt_names_before_they_act() {
    let edge = Edge::start();
    for (method, path, right) in [
        ("POST", "/v1/clients/ada/revoke?befor=1", "before"),
        ("POST", "/v1/clients/ada/revoke?Before=1", "before"),
        ("GET", "/v1/clients?limits=1", "limit"),
        ("GET", "/v1/clients/ada?limt=1", "limit"),
    ] {
        let (status, problem) = edge.call(method, path, &[]);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{path}: {problem}");
        assert!(detail.contains(&format!("`{right}`")), "{path}: {detail}");
    }
    assert_eq!(
        edge.call("POST", "/v1/clients/ada/revoke?before=1&before=2", &[])
            .0,
        400
    );
    assert_eq!(edge.call("GET", "/v1/clients?_=1", &[]).0, 200);
    let revoked: usize = edge.redis(&["EXISTS", &edge.key("revoked")]);
    assert_eq!(revoked, 0);
}

fn refused(edge: &Edge, query: &str) -> String {
    assert_eq!(edge.ask(query, &[]).status, 400, "{query}");
    let path = format!("/v1/events?{query}");
    let answer = request("GET", &edge.daemon.sse(), &path, &[], b"").unwrap();
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    problem["detail"].as_str().unwrap().to_owned()
}
