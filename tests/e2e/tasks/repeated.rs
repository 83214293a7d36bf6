use super::rig::{Gateway, id_of, said};

fn key(key: &str) -> [(&str, &str); 1] {
    [("idempotency-key", key)]
}

#[test]
fn a_repeated_request_is_the_same_task_and_one_record() {
    let gateway = Gateway::start();
    let first = gateway.post("ada", &key("k 1"), r#"{"n":1}"#);
    let again = gateway.post("ada", &key("k 1"), r#"{"n":1}"#);
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("location"), again.header("location"));
    let other = gateway.post("ada", &key("k 1"), r#"{"n":2}"#);
    assert_eq!(other.status, 422, "{}", other.text());
    let ids = [("ada", "k 2"), ("bob", "k 1")]
        .map(|(client, k)| id_of(&gateway.post(client, &key(k), r#"{"n":1}"#)));
    assert!(!ids.contains(&id_of(&first)) && ids[0] != ids[1]);
    assert_eq!(gateway.requests().len(), 3);
    // Also after it has ended.
    let id = id_of(&first);
    gateway.say(&[said(&id, "completed")]);
    gateway.wait_status("ada", &id, "completed");
    assert_eq!(id_of(&gateway.post("ada", &key("k 1"), r#"{"n":1}"#)), id);
    assert_eq!(gateway.requests().len(), 3);
}

#[test]
fn concurrent_repeated_requests_get_the_same_task() {
    let gateway = Gateway::start();
    let ask = || id_of(&gateway.post("ada", &key("k"), "{}"));
    let ids: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    // One of them sent it, and the others waited.
    let requests = gateway.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].key.as_deref(), Some(ids[0].as_bytes()));
}

#[test]
fn a_repeated_request_does_not_count_against_the_rate() {
    let gateway = Gateway::with("rate = { per-second = 0.01, burst = 1 }", "");
    for _ in 0..3 {
        assert_eq!(gateway.post("ada", &key("k"), "{}").status, 202);
    }
    assert_eq!(gateway.post("ada", &key("l"), "{}").status, 429);
}
