use super::rig::{Gateway, id_of, json_of};
use millstream_tests::Consumed;
use serde_json::{Value, json};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn header<'a>(of: &'a Consumed, name: &str) -> &'a str {
    of.header(name)
        .unwrap_or_else(|| panic!("no {name} in {of:?}"))
}

#[test]
fn an_accepted_task_is_in_kafka_with_its_owner() {
    let gateway = Gateway::start();
    let body = r#" {"z": 1.50, "a": "\u00e9", "big": 12345678901234567890} "#;
    let answer = gateway.post("ada", &[], body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = id_of(&answer);
    let expected = json!({ "taskId": id, "status": "received", "message": "Task received" });
    assert_eq!(json_of(&answer), expected);
    assert_eq!(
        answer.header("location"),
        Some(&*format!("/v1/tasks/{id}?client=ada"))
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // Version 7: ids sort by time.
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'));
    assert!(gateway.task("ada", "1") > id);

    // No wait: it was acknowledged before the response.
    let requests = gateway.requests();
    assert_eq!(requests.len(), 2);
    let first = requests.iter().find(|r| r.text().contains(&id)).unwrap();
    assert_eq!(first.key.as_deref(), Some(id.as_bytes()));
    // The caller's bytes, unchanged.
    let value = format!(r#"{{"taskId":"{id}","payload":{body}}}"#);
    assert_eq!(first.text(), value);
    assert_eq!(header(first, "millstream.client"), "ada");

    let shown = json_of(&gateway.get("ada", &id));
    for (name, value) in [
        ("taskId", json!(id)),
        ("status", json!("received")),
        ("final", json!(false)),
        ("updatedAt", Value::Null),
        ("result", Value::Null),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    let at = shown["receivedAt"].as_str().unwrap();
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
    let head = gateway.ask("HEAD", &format!("/v1/tasks/{id}?client=ada"), &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let get = gateway.get("ada", &id);
    let length = get.body.len().to_string();
    assert_eq!(head.header("content-length"), Some(&*length));
}

#[test]
fn a_trace_continues_to_the_worker_or_starts_at_the_gateway() {
    let gateway = Gateway::start();
    let given = [("traceparent", PARENT), ("tracestate", "vendor=1")];
    let with = id_of(&gateway.post("ada", &given, "{}"));
    let without = id_of(&gateway.post("ada", &[("traceparent", "nonsense")], "{}"));
    for request in gateway.requests() {
        let parent = header(&request, "traceparent");
        if request.text().contains(&with) {
            assert_eq!(
                (parent, header(&request, "tracestate")),
                (PARENT, "vendor=1")
            );
        } else {
            assert!(request.text().contains(&without));
            assert!(parent.starts_with("00-") && parent.len() == 55, "{parent}");
            assert_eq!(request.header("tracestate"), None);
        }
    }
}

#[test]
fn any_json_up_to_the_size_limit_is_a_valid_task() {
    let gateway = Gateway::with("max-body = \"1KiB\"", "");
    for body in ["null", "0", "\"text\"", "[]", "{}", "\t[1,\n2]\r\n"] {
        gateway.task("ada", body);
    }
    let fits = format!("\"{}\"", "x".repeat(1022));
    gateway.task("ada", &fits);
    let large = gateway.post("ada", &[], &format!("{fits} "));
    assert_eq!(large.status, 413, "{}", large.text());
    // More than any buffer on the way holds: it is still answered.
    let huge = gateway.post("ada", &[], &"x".repeat(12 << 20));
    assert_eq!(huge.status, 413, "{}", huge.text());
    let kind = [("content-type", "text/plain")];
    let unwanted = gateway.ask("POST", "/v1/tasks?client=ada", &kind, &[b'x'; 12 << 20]);
    assert_eq!(unwanted.status, 415, "{}", unwanted.text());
    assert_eq!(gateway.requests().len(), 7);
}
