use crate::config::settings::Role;
use crate::config::{fixture::GOOD, parse};
use crate::store::Rate;
use std::path::Path;
use std::time::Duration;

fn read(tasks: &str, role: Role) -> Result<Option<crate::tasks::TaskSettings>, String> {
    let text = format!("{GOOD}\n[tasks]\n{tasks}\n");
    let settings = parse(Path::new("m.toml"), &text, role);
    settings.map(|s| s.tasks).map_err(|e| e.to_string())
}

#[test]
fn the_gateway_needs_a_topic_and_has_defaults() {
    let settings = read("request-topic = \"t\"", Role::All)
        .expect("good")
        .expect("tasks");
    assert_eq!(settings.request_topic, "t");
    assert_eq!(settings.timeout, Duration::from_secs(300));
    assert_eq!(settings.keep, Duration::from_secs(86_400));
    assert_eq!(settings.max_body, 256 << 10);
    assert_eq!((settings.rate, &*settings.event_kind), (None, "task"));
    assert_eq!(&settings.ends[..], ["completed", "failed"]);
    let rate = "request-topic = \"t\"\nrate = { per-second = 2.5 }";
    let rate = read(rate, Role::All).expect("good").expect("tasks").rate;
    let expected = Rate {
        per_second: 2.5,
        burst: 3,
    };
    assert_eq!(rate, Some(expected));
    let long = "request-topic = \"t\"\ntimeout = \"2d\"";
    let settings = read(long, Role::All).expect("good").expect("tasks");
    assert_eq!(settings.keep, Duration::from_secs(4 * 86_400));
}

#[test]
fn invalid_values_are_refused_with_their_line() {
    for (tasks, why) in [
        ("timeout = \"5m\"", "missing field `request-topic`"),
        ("request-topic = \"a b\"", "invalid topic `a b`"),
        (
            "request-topic = \"t\"\ntimeout = \"10m\"\nkeep = \"10m\"",
            "at least twice timeout",
        ),
        (
            "request-topic = \"t\"\nrate = { per-second = 0.0 }",
            "a number from 0.001",
        ),
        (
            "request-topic = \"t\"\nrate = { per-second = 1.0, burst = 0 }",
            "a number from 1",
        ),
        ("request-topic = \"t\"\nfinal = []", "at least one status"),
        (
            "request-topic = \"t\"\nevent-type = \"gap\"",
            "the event type `gap` is reserved",
        ),
        (
            "request-topic = \"t\"\nmax-size = 1",
            "unknown field `max-size`",
        ),
    ] {
        let error = read(tasks, Role::All).expect_err(tasks);
        assert!(error.contains(why) && error.contains("m.toml:"), "{error}");
    }
}

#[test]
fn an_edge_with_tasks_needs_kafka() {
    let text = GOOD.replace("[kafka]\nbootstrap-servers = \"127.0.0.1:9092\"\n", "");
    let text = format!("{text}\n[tasks]\nrequest-topic = \"t\"\n");
    let error = parse(Path::new("m.toml"), &text, Role::Edge)
        .err()
        .expect("it takes tasks");
    assert!(error.to_string().contains("add a [kafka] table"), "{error}");
}
