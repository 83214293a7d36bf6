//! Operations that Kafka's access control denies.

use super::{LONG, run_at};
use millstream_tests::{Kafka, Message, servers, wait_until};

fn deny(kafka: &Kafka, operation: &str, of: &[&str]) {
    let who = ["--add", "--deny-principal", "User:*"];
    let what = ["--operation", operation];
    kafka.acl(&[&who[..], &what[..], of].concat());
}

#[test]
fn a_denied_operation_names_the_permission_and_its_purpose() {
    let kafka = servers().own_kafka_with_rules();
    let denied = [
        ("Describe", "unseen"),
        ("Write", "unwritten"),
        ("Read", "unread"),
        ("Delete", "undeleted"),
        ("AlterConfigs", "unaltered"),
        ("DescribeConfigs", "unknown"),
    ];
    // Once a rule exists, everything that it does not allow is denied. Rights to delete and create
    // on the cluster would apply to every topic, so the test leaves them out.
    let everyone = ["--add", "--allow-principal", "User:*"];
    let all = ["--operation", "All", "--topic", "*", "--group", "*"];
    kafka.acl(&[&everyone[..], &all].concat());
    let cluster = ["Alter", "ClusterAction", "Describe", "IdempotentWrite"];
    let cluster = cluster.map(|operation| ["--operation", operation]).concat();
    kafka.acl(&[&everyone[..], &cluster, &["--cluster"]].concat());
    for (operation, topic) in denied {
        kafka.create_topic_named(topic, 1, &[]);
        kafka.produce(topic, [Message::new("hidden")]);
        deny(&kafka, operation, &["--topic", topic]);
    }
    deny(&kafka, "Create", &["--topic", "new"]);
    deny(&kafka, "Read", &["--group", "strangers"]);
    deny(&kafka, "Describe", &["--group", "hidden"]);
    let at = kafka.bootstrap();
    wait_until("the last rule is in effect", LONG, || {
        let said = run_at(&at, &["group", "describe", "hidden"], b"");
        said.err.contains("not allowed").then_some(())
    });
    let reset = [
        "group",
        "reset",
        "strangers",
        "--to",
        "latest",
        "--topic",
        "unknown",
    ];
    for (arguments, permission) in [
        (
            &["topic", "describe", "unseen"][..],
            "Describe on the topic unseen",
        ),
        (&["produce", "unseen"], "Describe on the topic unseen"),
        (&["consume", "unseen"], "Describe on the topic unseen"),
        (&["produce", "unwritten"], "Write on the topic"),
        (
            &["consume", "unread", "--from-beginning"],
            "Read on the topic unread",
        ),
        (
            &["consume", "unread", "-g", "readers"],
            "Read on the topic unread",
        ),
        (
            &["topic", "delete", "undeleted", "--yes"],
            "Delete on the topic undeleted",
        ),
        (
            &["topic", "alter", "unaltered", "--set", "retention.ms=1"],
            "AlterConfigs on the topic unaltered",
        ),
        (&["topic", "create", "new"], "Create on the topic new"),
        (
            &["consume", "unknown", "-g", "strangers"],
            "Read on the group strangers",
        ),
        (&reset, "Read on the group strangers"),
        (
            &["group", "describe", "hidden"],
            "Describe on the group hidden",
        ),
    ] {
        let error = run_at(&at, arguments, b"a line\n").failed(1);
        assert!(error.contains("not allowed"), "{arguments:?}: {error}");
        let wants = format!("Kafka requires the permission {permission}");
        assert!(error.contains(&wants), "{arguments:?}: {error}");
    }
    // What is permitted is shown.
    let described = run_at(&at, &["topic", "describe", "unknown"], b"");
    assert!(
        described
            .err
            .contains("DescribeConfigs on the topic unknown"),
        "{described:?}"
    );
    assert!(described.done().contains("LATEST"));
    // Reading without a group needs no permission for groups.
    let read = run_at(&at, &["consume", "unknown", "--from-beginning", "-e"], b"");
    assert_eq!(read.done(), "hidden\n");
}
