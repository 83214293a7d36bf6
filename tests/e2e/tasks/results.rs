use super::SOON;
use super::rig::{Gateway, json_of, said, told};
use millstream_tests::{Message, metrics, produce, servers, wait_until};
use serde_json::json;

#[test]
fn a_result_reaches_only_the_task_owner() {
    let gateway = Gateway::start();
    let (mut ada, mut bob) = (gateway.stream("ada", "now"), gateway.stream("bob", "now"));
    let (adas, bobs) = (gateway.task("ada", "1"), gateway.task("bob", "2"));
    let half = json!({ "taskId": adas, "status": "running", "percent": 50 });
    let done = json!({ "taskId": adas, "status": "completed", "sum": 7 });
    let bobs_done = json!({ "taskId": bobs, "status": "failed", "why": "no" });
    gateway.say(std::slice::from_ref(&half));
    gateway.wait_status("ada", &adas, "running");
    assert_eq!(json_of(&gateway.get("ada", &adas))["result"], half);
    gateway.say(&[done.clone(), bobs_done.clone()]);
    assert_eq!(told(&mut ada, 2), [half, done.clone()]);
    assert_eq!(told(&mut bob, 1), std::slice::from_ref(&bobs_done));
    let shown = json_of(&gateway.get("ada", &adas));
    assert_eq!(
        (&shown["status"], &shown["final"]),
        (&json!("completed"), &json!(true))
    );
    assert_eq!(shown["result"], done);
    assert!(shown["updatedAt"].as_str() >= shown["receivedAt"].as_str());
    let shown = json_of(&gateway.get("bob", &bobs));
    assert_eq!(
        (&shown["status"], &shown["result"]),
        (&json!("failed"), &bobs_done)
    );
    // Nothing for other clients.
    let foreign = gateway.get("bob", &adas);
    let unknown = gateway.get("bob", "unknown");
    assert_eq!((foreign.status, unknown.status), (404, 404));
    assert_eq!(foreign.body, unknown.body);
}

/// A worker that was killed between its result and its commit sends the result again.
#[test]
fn a_repeated_result_is_delivered_once() {
    let gateway = Gateway::start();
    let tasks: Vec<String> = (0..20)
        .map(|n| gateway.task("ada", &n.to_string()))
        .collect();
    let mut ada = gateway.stream("ada", "now");
    for _ in 0..3 {
        let said: Vec<_> = tasks.iter().map(|id| said(id, "completed")).collect();
        gateway.say(&said);
        // In one batch as well.
        gateway.say(&[&said[..], &said[..]].concat());
    }
    let last = gateway.task("ada", "\"last\"");
    gateway.say(&[said(&last, "completed")]);
    gateway.wait_status("ada", &last, "completed");
    let mut got: Vec<String> = told(&mut ada, tasks.len() + 1)
        .iter()
        .map(|told| told["taskId"].as_str().unwrap().to_owned())
        .collect();
    got.sort();
    let mut all = [&tasks[..], &[last]].concat();
    all.sort();
    assert_eq!(got, all);
    wait_until("all results are processed", SOON, || {
        let done = metrics(&gateway.daemon.admin()).sum("millstream_records_total", &[]);
        (done == 181.0).then_some(())
    });
    assert_eq!(servers().redis.streams(&gateway.prefix)["ada"].len(), 21);
    let dropped =
        metrics(&gateway.daemon.admin()).sum("millstream_task_results_dropped_total", &[]);
    assert_eq!(dropped, 160.0);
}

#[test]
fn a_result_without_an_owner_is_a_dead_letter_and_its_neighbours_are_delivered() {
    let gateway = Gateway::start();
    let id = gateway.task("ada", "1");
    let mut ada = gateway.stream("ada", "now");
    let unknown = said("01936d1e-0000-7000-8000-000000000000", "completed");
    let results = [
        Message::new(unknown.to_string()).partition(0),
        Message::new("no JSON").partition(0),
        Message::new(said(&id, "completed").to_string()).partition(0),
    ];
    produce(&gateway.results, results);
    assert_eq!(told(&mut ada, 1), [said(&id, "completed")]);
    let letters = wait_until("the letters", SOON, || {
        let letters = servers()
            .kafka
            .read_all(&format!("{}-dlq", gateway.results));
        (letters.len() == 2).then_some(letters)
    });
    let error = |letter: usize, name: &str| {
        let name = format!("millstream.error.{name}");
        letters[letter].header(&name).unwrap_or_default().to_owned()
    };
    let first = ["class", "stage", "message"].map(|name| error(0, name));
    let id = unknown["taskId"].as_str().unwrap();
    let why = format!("task `{id}` has no owner: it is unknown, or older than [tasks] keep");
    assert_eq!(first, ["unaddressable", "address", &why]);
    assert_eq!(
        [error(1, "class"), error(1, "stage")],
        ["malformed", "transform"]
    );
}

#[test]
fn an_absent_client_can_query_its_task_result_although_no_event_was_kept() {
    let deliver = "deliver = \"while-connected\"";
    let gateway = Gateway::made("", "", |config| {
        let config = config.replace(
            "name = \"results\"",
            &format!("name = \"results\"\n{deliver}"),
        );
        millstream_tests::Daemon::builder(&config)
    });
    let id = gateway.task("ada", "1");
    gateway.say(&[said(&id, "running"), said(&id, "completed")]);
    gateway.wait_status("ada", &id, "completed");
    assert!(servers().redis.streams(&gateway.prefix).is_empty());
}

#[test]
fn the_configured_statuses_end_a_task() {
    let gateway = Gateway::with("final = [\"ok\", \"no\"]\nevent-type = \"job\"", "");
    let id = gateway.task("ada", "1");
    gateway.say(&[
        said(&id, "completed"),
        said(&id, "ok"),
        said(&id, "completed"),
    ]);
    gateway.wait_status("ada", &id, "ok");
    wait_until("all results are processed", SOON, || {
        let done = metrics(&gateway.daemon.admin()).sum("millstream_records_total", &[]);
        (done == 3.0).then_some(())
    });
    assert_eq!(servers().redis.streams(&gateway.prefix)["ada"].len(), 2);
}
