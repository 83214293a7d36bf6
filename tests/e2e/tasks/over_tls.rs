//! Like real browsers: over TLS, with either protocol.

use super::rig::{Gateway, said};
use millstream_tests::{Certificate, Daemon, find_program, wait_until};
use serde_json::Value;
use std::process::Command;

/// The body that `curl` gets, and the status.
fn curl(gateway: &Gateway, version: &str, path: &str, more: &[&str]) -> (u16, Value) {
    let address = gateway.daemon.sse();
    let (_, port) = address.rsplit_once(':').unwrap();
    let mut command = Command::new(find_program("curl"));
    command.args(["-sS", version, "-w", "\n%{http_version} %{http_code}"]);
    command
        .arg("--cacert")
        .arg(gateway.daemon.dir().join("cert.pem"));
    command.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
    command
        .args(more)
        .arg(format!("https://localhost:{port}{path}"));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    let (spoken, status) = status.split_once(' ').unwrap();
    assert!(version.ends_with(spoken), "{spoken} instead of {version}");
    (status.parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[test]
fn a_task_is_created_and_queried_over_tls() {
    let made = Certificate::new();
    let gateway = Gateway::made("", "", |config| {
        let tls = "[http]\ntls = { certificate = \"cert.pem\", key = \"key.pem\" }";
        let builder = Daemon::builder(&config.replacen("[http]", tls, 1));
        let builder = builder.file("cert.pem", made.certificate);
        builder.file("key.pem", made.key)
    });
    // Longer than an HTTP/2 frame may be.
    let long = format!("\"{}\"", "x".repeat(100_000));
    std::fs::write(gateway.daemon.dir().join("body"), &long).unwrap();
    let body = format!("@{}", gateway.daemon.dir().join("body").display());
    let json = "content-type: application/json";
    for version in ["--http1.1", "--http2"] {
        let post = ["-H", json, "--data-binary", &body];
        let (status, answer) = curl(&gateway, version, "/v1/tasks?client=ada", &post);
        assert_eq!(status, 202, "{answer}");
        let id = answer["taskId"].as_str().unwrap();
        let requests = gateway.requests();
        let whole = format!(r#"{{"taskId":"{id}","payload":{long}}}"#);
        assert_eq!(requests.iter().filter(|r| r.text() == whole).count(), 1);
        gateway.say(&[said(id, "completed")]);
        let path = format!("/v1/tasks/{id}?client=ada");
        wait_until("the task is completed", super::SOON, || {
            let (status, shown) = curl(&gateway, version, &path, &[]);
            assert_eq!(status, 200, "{shown}");
            (shown["status"] == "completed").then_some(())
        });
        let (status, problem) = curl(&gateway, version, &path.replace("ada", "bob"), &[]);
        assert_eq!(status, 404, "{problem}");
        let (status, problem) = curl(&gateway, version, "/v1/tasks?client=ada", &["-d", "{}"]);
        assert_eq!(status, 415, "{problem}");
    }
}
