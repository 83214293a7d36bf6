//! TLS, HTTP/2 and replaced certificates.

use super::SOON;
use super::rig::{ANONYMOUS, Edge};
use millstream_tests::{Certificate, find_program, wait_until};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

fn edge() -> Edge<'static> {
    Edge::over_tls("", ANONYMOUS, |builder| builder)
}

/// A curl that reads a stream and trusts only the present certificate.
struct Curl {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Curl {
    fn start(edge: &Edge, version: &str) -> Curl {
        let address = edge.daemon.sse();
        let (_, port) = address.rsplit_once(':').unwrap();
        let mut command = Command::new(find_program("curl"));
        command.args(["-sS", "-N", "-i", version, "--resolve"]);
        command.arg(format!("localhost:{port}:127.0.0.1"));
        command
            .arg("--cacert")
            .arg(edge.daemon.dir().join("cert.pem"));
        command.arg(format!("https://localhost:{port}/v1/events?client=ada"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Curl { child, lines }
    }

    fn until(&mut self, text: &str) -> String {
        let found = self
            .lines
            .find(|line| line.as_ref().unwrap().contains(text));
        found.unwrap_or_else(|| panic!("no {text}")).unwrap()
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn streams_are_read_over_tls_in_either_protocol() {
    let edge = edge();
    for (version, status) in [("--http1.1", "HTTP/1.1 200"), ("--http2", "HTTP/2 200")] {
        let mut curl = Curl::start(&edge, version);
        curl.until(status);
        curl.until("retry:");
        let id = edge.write("client:ada", "t", "over tls");
        assert_eq!(curl.until("id:"), format!("id: {id}"));
        assert_eq!(curl.until("data:"), "data: over tls");
    }
}

#[test]
fn a_replaced_certificate_is_used_while_open_streams_continue() {
    let edge = edge();
    let mut before = Curl::start(&edge, "--http2");
    before.until("retry:");
    let made = Certificate::new();
    std::fs::write(edge.daemon.dir().join("key.pem"), made.key).unwrap();
    std::fs::write(edge.daemon.dir().join("cert.pem"), made.certificate).unwrap();
    // From here on curl trusts only the new certificate.
    wait_until("the new certificate is in use", SOON, || {
        let mut curl = Curl::start(&edge, "--http1.1");
        curl.lines.next().map(drop)
    });
    edge.write("client:ada", "t", "goes on");
    assert_eq!(before.until("data:"), "data: goes on");
}

#[test]
fn streams_over_tls_end_cleanly_when_the_daemon_stops() {
    let edge = edge();
    let mut open = ["--http1.1", "--http2"].map(|version| {
        let mut curl = Curl::start(&edge, version);
        curl.until("retry:");
        curl
    });
    assert_eq!(edge.daemon.terminate(), Some(0));
    for curl in &mut open {
        curl.until("retry:");
        assert!(curl.child.wait().unwrap().success(), "the body is complete");
    }
}
