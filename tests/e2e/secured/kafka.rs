//! SASL_SSL: the daemon and each of the tools.

use super::{LONG, wait_told};
use crate::tools::{Said, command, said};
use millstream_tests::{Daemon, Kafka, Message, Secured, config, request, servers, unique};
use millstream_tests::{streams, wait_until};
use std::path::Path;
use std::sync::LazyLock;

static SERVER: LazyLock<(Kafka, Secured)> = LazyLock::new(|| servers().own_kafka_secured());

fn kafka() -> &'static Kafka {
    &SERVER.0
}

fn secured() -> &'static Secured {
    &SERVER.1
}

/// The login, as a table of a configuration.
fn properties(mechanism: &str, password: &str, ca: &Path) -> String {
    let (user, ca) = (secured().user, ca.display());
    format!(
        r#"
[kafka.properties]
"security.protocol" = "SASL_SSL"
"sasl.mechanisms" = "{mechanism}"
"sasl.username" = "{user}"
"sasl.password" = "{password}"
"ssl.ca.location" = "{ca}"
"#
    )
}

fn allowed(mechanism: &str) -> String {
    properties(mechanism, secured().password, &secured().ca)
}

/// A configuration of a topic that logs in with these properties.
fn pipeline(topic: &str, prefix: &str, properties: &str) -> String {
    let rest =
        format!("name = \"notes\"\n[tasks]\nrequest-topic = \"{topic}-tasks\"\n{properties}");
    config(
        &secured().bootstrap,
        &servers().redis.url(),
        topic,
        prefix,
        &rest,
    )
}

#[test]
fn records_letters_and_tasks_work_over_sasl_ssl() {
    for mechanism in ["SCRAM-SHA-512", "PLAIN"] {
        let topic = kafka().create_topic("secured", 2);
        kafka().create_topic_named(&format!("{topic}-tasks"), 1, &[]);
        let prefix = unique("secured");
        kafka().produce(
            &topic,
            [Message::new("1").key("ada"), Message::new("no client")],
        );
        let daemon = Daemon::ready(&pipeline(&topic, &prefix, &allowed(mechanism)));
        wait_until("ada has the event", LONG, || {
            (streams(&prefix).get("ada")?.len() == 1).then_some(())
        });
        // The daemon also created the dead-letter topic.
        wait_until("the other record is a letter", LONG, || {
            let dead = format!("{topic}-dlq");
            (kafka().has_topic(&dead) && kafka().read_all(&dead).len() == 1).then_some(())
        });
        let (path, json) = (
            "/v1/tasks?client=ada",
            [("content-type", "application/json")],
        );
        let answer = request("POST", &daemon.sse(), path, &json, b"{}").unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(kafka().read_all(&format!("{topic}-tasks")).len(), 1);
        let listed = daemon.command(&["dlq", "list", "--json"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert_eq!(listed.lines().count(), 1, "{listed}");
        assert_eq!(daemon.terminate(), Some(0));
        for log in daemon.logs() {
            let told = log.lines().join("\n");
            assert!(!told.contains(secured().password), "{told}");
        }
    }
}

/// `millstream <arguments>` in a folder with a configuration of these properties.
fn tool(properties: &str, arguments: &[&str], input: &[u8]) -> Said {
    let mut command = command("", arguments);
    command.env_remove("MILLSTREAM_BOOTSTRAP_SERVERS");
    command.env("KAFKA_PASSWORD", secured().password);
    let servers = format!("[kafka]\nbootstrap-servers = \"{}\"", secured().bootstrap);
    let path = command.get_current_dir().unwrap().join("millstream.toml");
    std::fs::write(path, format!("{servers}\n{properties}")).unwrap();
    said(command, input)
}

#[test]
fn every_tool_logs_in_with_a_password_from_the_environment() {
    let (topic, group) = (unique("orders"), unique("billing"));
    let (topic, group) = (topic.as_str(), group.as_str());
    for mechanism in ["SCRAM-SHA-512", "PLAIN"] {
        let properties = properties(mechanism, "${KAFKA_PASSWORD}", &secured().ca);
        let run = |arguments: &[&str], input: &str| tool(&properties, arguments, input.as_bytes());
        run(&["topic", "create", topic, "--partitions", "2"], "").done();
        let listed = run(&["topic", "list"], "").done();
        assert!(listed.contains(topic), "{listed}");
        run(
            &["topic", "alter", topic, "--set", "retention.ms=86400000"],
            "",
        )
        .done();
        let described = run(&["topic", "describe", topic], "").done();
        assert!(described.contains("86400000"), "{described}");
        run(&["produce", topic, "-K", ":"], "ada:1\n").done();
        let read = ["consume", topic, "-g", group, "--from-beginning", "--exit"];
        assert_eq!(run(&read, "").done(), "1\n");
        let listed = run(&["group", "list"], "").done();
        assert!(listed.contains(group), "{listed}");
        let described = run(&["group", "describe", group], "").done();
        assert!(described.contains("lag 0"), "{described}");
        run(&["group", "reset", group, "--to", "earliest"], "").done();
        assert_eq!(run(&read, "").done(), "1\n");
        run(&["topic", "delete", topic, "--yes"], "").done();
        wait_until("the topic is deleted", LONG, || {
            (!kafka().has_topic(topic)).then_some(())
        });
    }
}

#[test]
fn a_wrong_password_or_unknown_certificate_is_reported_without_the_password() {
    let other = millstream_tests::scratch_dir("ca").join("ca.pem");
    std::fs::write(&other, millstream_tests::Certificate::new().certificate).unwrap();
    let wrong = [
        (
            properties("SCRAM-SHA-512", "hunter2", &secured().ca),
            "uthentication failed",
        ),
        (
            properties("PLAIN", "hunter2", &secured().ca),
            "uthentication failed",
        ),
        (
            properties("PLAIN", secured().password, &other),
            "certificate verify failed",
        ),
        // Without TLS, and without a login.
        (String::new(), "if it requires TLS or a login"),
    ];
    for (properties, reason) in &wrong {
        let error = tool(properties, &["topic", "list"], b"").failed(1);
        println!("{error}");
        assert!(
            error.starts_with("millstream: can't reach Kafka at "),
            "{error}"
        );
        assert!(error.contains(reason), "{error}");
        assert!(error.contains("security.protocol"), "{error}");
        for secret in ["hunter2", secured().password] {
            assert!(!error.contains(secret), "{error}");
        }
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let (topic, prefix) = (kafka().create_topic("secured", 1), unique("secured"));
    for (properties, reason) in &wrong[..3] {
        let daemon = Daemon::builder(&pipeline(&topic, &prefix, properties)).start();
        let told = wait_told(&daemon, &["not in the consumer group yet", reason]);
        for secret in ["hunter2", secured().password] {
            assert!(!told.contains(secret), "{told}");
        }
        assert_eq!(daemon.terminate(), Some(0));
    }
}
