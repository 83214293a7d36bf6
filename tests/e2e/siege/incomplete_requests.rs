use super::bystander::{Bystander, assert_refused, connect, read_to_end};
use super::{SOON, impatient};
use millstream_tests::wait_until;
use std::io::{ErrorKind, Read, Write};

/// Each is a point at which a client stops sending.
const HALVES: &[&str] = &[
    "",
    "G",
    "GET",
    "GET /v1/events?client=x HTTP/1.1",
    "GET /v1/events?client=x HTTP/1.1\r\nhost: localhost\r\naccept: text/",
    "GET /v1/events?client=x HTTP/1.1\r\nhost: localhost\r\n\r",
    "\r\n\r\n\r\n",
    "POST /v1/events HTTP/1.1\r\ncontent-length: 5\r\n",
    "\u{16}\u{3}\u{1}",
];

#[test]
fn a_partial_request_is_cut() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let open: Vec<_> = HALVES
        .iter()
        .cycle()
        .take(20 * HALVES.len())
        .map(|half| {
            let mut socket = connect(&rig);
            socket.write_all(half.as_bytes()).unwrap();
            socket
        })
        .collect();
    bystander.reads_on();
    open.into_iter()
        .for_each(|half| assert_refused(&read_to_end(half)));
    bystander.noticed_nothing();
}

#[test]
fn a_client_silent_between_requests_is_cut() {
    let rig = impatient();
    let bystander = Bystander::of(&rig);
    let mut socket = connect(&rig);
    socket
        .write_all(b"GET /v1/nothing HTTP/1.1\r\nhost: localhost\r\n\r\nGET /v1")
        .unwrap();
    let answers = read_to_end(socket);
    assert!(answers.starts_with("HTTP/1.1 404"), "{answers}");
    assert_eq!(answers.matches("HTTP/1.1").count(), 1, "{answers}");
    bystander.noticed_nothing();
}

#[test]
fn a_request_sent_byte_by_byte_is_cut_long_before_it_is_complete() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let begin = b"GET /v1/events?client=".iter();
    // Longer than any test lasts.
    let mut bytes = begin.copied().chain(std::iter::repeat_n(b'a', 7_000));
    let mut slow = connect(&rig);
    slow.set_nonblocking(true).unwrap();
    wait_until("the connection is cut", SOON, || {
        let sent = slow.write_all(&[bytes.next().expect("an incomplete request")]);
        let heard = slow.read(&mut [0; 4096]);
        let is_quiet = matches!(&heard, Err(e) if e.kind() == ErrorKind::WouldBlock);
        (sent.is_err() || !is_quiet).then_some(())
    });
    bystander.reads_on();
    bystander.noticed_nothing();
}
