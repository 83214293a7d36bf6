use super::bystander::{Bystander, assert_refused, connect, read_to_end};
use super::impatient;
use std::io::Write;
use std::net::TcpStream;
use std::thread;

const LINE: &str = "GET /v1/events?client=x HTTP/1.1\r\nhost: localhost\r\n";

/// Sends a piece repeatedly until it has sent this much or the connection breaks.
fn pour(mut socket: &TcpStream, piece: &[u8], bytes: usize) {
    for _ in 0..bytes.div_ceil(piece.len()) {
        if socket.write_all(piece).is_err() {
            return;
        }
    }
}

/// Fifty at once: their memory in the daemon adds up.
fn all_are_refused(begin: &str, piece: &str, bytes: usize) {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    thread::scope(|scope| {
        let one = || {
            let mut socket = connect(&rig);
            socket.write_all(begin.as_bytes()).unwrap();
            pour(&socket, piece.as_bytes(), bytes);
            assert_refused(&read_to_end(socket));
        };
        let all: Vec<_> = (0..50).map(|_| scope.spawn(one)).collect();
        bystander.reads_on();
        all.into_iter().for_each(|one| one.join().unwrap());
    });
    bystander.noticed_nothing();
}

#[test]
fn a_header_of_a_mebibyte_is_refused() {
    let begin = format!("{LINE}x-bomb: ");
    all_are_refused(&begin, &"a".repeat(16 << 10), 1 << 20);
}

#[test]
fn a_mebibyte_of_headers_is_refused() {
    let piece = format!("x-bomb: {}\r\n", "a".repeat(1000));
    all_are_refused(LINE, &piece, 1 << 20);
}

#[test]
fn ten_thousand_lines_of_headers_are_refused() {
    all_are_refused(LINE, "a: b\r\n", 60_000);
}

#[test]
fn an_endless_request_line_is_refused() {
    let piece = "client=x&".repeat(1000);
    all_are_refused("GET /v1/events?", &piece, 8 << 20);
}

#[test]
fn too_many_complete_headers_are_refused_with_a_message() {
    let rig = impatient();
    let mut socket = connect(&rig);
    let headers = "a: b\r\n".repeat(500);
    socket
        .write_all(format!("{LINE}{headers}\r\n").as_bytes())
        .unwrap();
    let answer = read_to_end(socket);
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}
