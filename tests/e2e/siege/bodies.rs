//! Clients that send after their request.

use super::bystander::{Bystander, connect, read_to_end};
use super::{SOON, impatient};
use millstream_tests::{metrics, wait_until};
use std::io::{Read, Write};
use std::net::TcpStream;

const STREAM: &str = "GET /v1/events?client=talks HTTP/1.1\r\nhost: localhost\r\n";

/// Reads until this has come.
#[track_caller]
fn read_until(socket: &mut TcpStream, text: &str) -> String {
    socket.set_read_timeout(Some(SOON)).unwrap();
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let so_far = String::from_utf8_lossy(&all).into_owned();
        if so_far.contains(text) {
            return so_far;
        }
        match socket.read(&mut buffer) {
            Ok(read @ 1..) => all.extend_from_slice(&buffer[..read]),
            other => panic!("{other:?} instead of {text:?} after {so_far:?}"),
        }
    }
}

/// Sends until the connection breaks.
fn talks_on(mut socket: TcpStream) {
    let piece = [b'a'; 4096];
    // More than the kernel's buffers of two sockets.
    let cut = (0..(64 << 20) / piece.len()).any(|_| socket.write_all(&piece).is_err());
    assert!(cut, "the daemon read 64 MiB");
}

#[test]
fn an_endless_body_delays_nothing_and_is_cut_when_it_is_large() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    for head in [
        "content-length: 1000000000\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffffff\r\n",
    ] {
        let mut socket = connect(&rig);
        socket
            .write_all(format!("{STREAM}{head}begin").as_bytes())
            .unwrap();
        // It is an ordinary stream.
        read_until(&mut socket, "retry:");
        rig.send("talks", [format!("hears {head:?}")]);
        read_until(&mut socket, "data: hears");
        bystander.reads_on();
        talks_on(socket);
    }
    for path in ["/v1/nothing", "/v1/millstream.js", "/v1/events"] {
        let mut socket = connect(&rig);
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        let answer = read_to_end(socket);
        assert!(answer.starts_with("HTTP/1.1"), "{path}: {answer}");
    }
    bystander.noticed_nothing();
}

#[test]
fn garbage_after_a_stream_request_is_ignored() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let garbage = [
        "\r\n\r\n",
        "\0\0\0\0",
        "GET /v1/events?client=another HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &"x".repeat(6000),
    ];
    for garbage in garbage {
        let mut socket = connect(&rig);
        socket
            .write_all(format!("{STREAM}\r\n{garbage}").as_bytes())
            .unwrap();
        read_until(&mut socket, "retry:");
        rig.send("another", ["for another"]);
        rig.send("talks", ["for the one who talks"]);
        let heard = read_until(&mut socket, "data: for the one who talks");
        assert!(!heard.contains("for another"), "{heard}");
        assert_eq!(heard.matches("HTTP/1.1").count(), 0, "{heard}");
    }
    bystander.reads_on();
    bystander.noticed_nothing();
}

#[test]
fn a_client_that_sends_for_ever_during_a_stream_is_cut() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let talking: Vec<_> = (0..20)
        .map(|_| {
            let mut socket = connect(&rig);
            socket
                .write_all(format!("{STREAM}\r\n").as_bytes())
                .unwrap();
            read_until(&mut socket, "retry:");
            socket
        })
        .collect();
    talking.into_iter().for_each(talks_on);
    bystander.reads_on();
    wait_until("only the bystander is left", SOON, || {
        let open = metrics(&rig.daemon.admin()).sum("millstream_sse_connections", &[]);
        (open == 1.0).then_some(())
    });
    bystander.noticed_nothing();
}
