//! The same attacks within TLS.

use super::SOON;
use super::bystander::read_to_end;
use crate::edge::rig::{ANONYMOUS, Edge};
use millstream_tests::{Log, Process, find_program, metrics, wait_until};
use std::io::Write;
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::Arc;

fn edge() -> Edge<'static> {
    Edge::over_tls("header-timeout = \"1s\"", ANONYMOUS, |builder| builder)
}

/// A client that completes the handshake, offers this protocol and then sends nothing.
fn silent(edge: &Edge, protocol: &str) -> (Process, Arc<Log>) {
    let mut command = Process::command(&find_program("openssl"));
    command.args(["s_client", "-brief", "-ign_eof", "-alpn", protocol]);
    command.args(["-connect", &edge.daemon.sse()]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let process = Process::start(command);
    let log = Log::of(process.take_stderr().unwrap());
    (process, log)
}

#[test]
fn a_partial_handshake_is_cut() {
    let edge = edge();
    // A ClientHello that announces its length and then stops.
    let halves: [&[u8]; 4] = [
        b"",
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET ",
    ];
    let open = halves.map(|half| {
        let mut socket = TcpStream::connect(edge.daemon.sse()).unwrap();
        socket.write_all(half).unwrap();
        socket
    });
    for socket in open {
        let said = read_to_end(socket);
        assert!(!said.contains("HTTP"), "{said}");
    }
}

#[test]
fn a_client_silent_after_its_handshake_is_cut() {
    let edge = edge();
    let silent = ["h2", "http/1.1"].map(|protocol| (protocol, silent(&edge, protocol)));
    for (protocol, (process, log)) in silent {
        process.wait_exit(&format!("a client of {protocol}"), SOON);
        wait_until("the handshake is complete", SOON, || {
            log.find("CONNECTION ESTABLISHED")
        });
    }
    let open = metrics(&edge.daemon.admin()).sum("millstream_sse_connections", &[]);
    assert_eq!(open.to_string(), "0");
}
