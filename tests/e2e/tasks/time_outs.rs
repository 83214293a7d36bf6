use super::SOON;
use super::rig::{Gateway, json_of, said, told};
use millstream_tests::{Daemon, wait_until};

const SHORT: &str = "timeout = \"1s\"\nkeep = \"1h\"";

#[test]
fn a_task_without_a_timely_result_times_out_and_its_owner_is_notified() {
    let gateway = Gateway::with(SHORT, "");
    let mut ada = gateway.stream("ada", "now");
    let id = gateway.task("ada", "1");
    assert_eq!(told(&mut ada, 1), [said(&id, "timed-out")]);
    let shown = json_of(&gateway.get("ada", &id));
    assert_eq!(
        (&shown["status"], &shown["final"]),
        (&"timed-out".into(), &false.into())
    );
    // The result of a late worker is still accepted.
    gateway.say(&[said(&id, "completed")]);
    assert_eq!(told(&mut ada, 1), [said(&id, "completed")]);
    assert_eq!(gateway.status("ada", &id), "completed");
}

#[test]
fn another_gateway_times_out_the_tasks_of_a_dead_one_once() {
    let gateway = Gateway::with(SHORT, "");
    let id = gateway.task("ada", "1");
    gateway.daemon.kill();
    let start = |_| Daemon::builder(&gateway.config).start();
    let others: Vec<Daemon> = (0..3).map(start).collect();
    let wait = |what: &str, count: usize| {
        wait_until(what, SOON, || {
            let streams = millstream_tests::servers().redis.streams(&gateway.prefix);
            (streams.get("ada").map_or(0, Vec::len) == count).then_some(streams)
        })
    };
    let streams = wait("it times out", 1);
    let data: serde_json::Value = serde_json::from_str(&streams["ada"][0].data).unwrap();
    assert_eq!(data, said(&id, "timed-out"));
    assert_eq!(streams["ada"][0].source, format!("task/{id}"));
    others.iter().for_each(|daemon| daemon.wait_ready(SOON));
    // A later time-out is reported after both gateways have made another pass.
    let addr = others[0].sse();
    let kind = [("content-type", "application/json")];
    let path = "/v1/tasks?client=ada";
    let next = millstream_tests::request("POST", &addr, path, &kind, b"2").unwrap();
    assert_eq!(next.status, 202, "{}", next.text());
    wait("and once", 2);
}
