use super::LONG;
use super::load::{Lines, Load, client};
use millstream_tests::{Daemon, Sse, servers};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

/// Opens this many readers, accepted or not.
fn readers(daemon: &Daemon, count: usize) -> Vec<TcpStream> {
    let reader = |number: usize| {
        let mut stream = TcpStream::connect(daemon.sse()).unwrap();
        let path = format!("/v1/events?client={}", client(number));
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    (0..count).map(reader).collect()
}

/// Uses up the daemon's descriptors with readers: the limit is 20 more than it has now.
fn use_up(daemon: &Daemon) -> Vec<TcpStream> {
    daemon.limit_descriptors(daemon.descriptors() + 20);
    let readers = readers(daemon, 60);
    println!("{}", daemon.wait_log("can't accept a connection", LONG));
    readers
}

fn reader_is_served(daemon: &Daemon) {
    let path = format!("/v1/events?client={}", client(0));
    let mut sse = Sse::open(&daemon.sse(), &path, &[]);
    let opening = sse.next(Duration::from_secs(20));
    assert!(sse.status == 200 && opening.is_some());
}

#[test]
fn records_flow_while_readers_have_used_up_all_descriptors() {
    let (load, redis) = (Load::new("readers"), &servers().redis);
    let daemon = Daemon::ready(&load.config(&redis.addr(), Lines::default()));
    load.wait_done(redis, load.produce(2000));
    let readers = use_up(&daemon);
    load.wait_done(redis, load.produce(5000));
    drop(readers);
    reader_is_served(&daemon);
    load.assert_complete_and_healthy(redis, &daemon);
}

#[test]
fn the_store_reconnects_when_descriptors_are_free_again() {
    let (load, redis) = (Load::new("want"), servers().own_redis(&[]));
    let daemon = Daemon::ready(&load.config(&redis.addr(), Lines::default()));
    load.wait_done(&redis, load.produce(2000));
    let usual = daemon.descriptors();
    let readers = use_up(&daemon);
    // The descriptors of the store's closed connections must not go to the waiting readers.
    daemon.limit_descriptors(usual + 8);
    redis.order(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    redis.order(&["CLIENT", "KILL", "TYPE", "normal"]);
    let produced = load.produce(2000);
    println!("{}", daemon.wait_log(": Too many open files", LONG));
    drop(readers);
    load.wait_done(&redis, produced);
    reader_is_served(&daemon);
    load.assert_complete_and_healthy(&redis, &daemon);
}
