//! Who asks goes before it is answered.

use super::SOON;
use super::rig::Gateway;
use millstream_tests::{Daemon, servers, wait_until};
use std::io::Write;
use std::net::TcpStream;

/// Sends a whole request and hangs up.
fn ask_and_go(gateway: &Gateway, n: usize) {
    let mut socket = TcpStream::connect(gateway.daemon.sse()).unwrap();
    let head = "POST /v1/tasks?client=ada HTTP/1.1\r\nhost: x\r\ncontent-type: application/json";
    write!(socket, "{head}\r\ncontent-length: 4\r\n\r\n{n:04}").unwrap();
}

#[test]
fn what_was_asked_by_who_hung_up_is_a_whole_task_or_none() {
    let kafka = servers().own_kafka(&[]);
    let patience = "acknowledge-within = \"2s\"";
    let gateway = Gateway::on(&kafka, &servers().redis, patience, "", |config| {
        Daemon::builder(&config)
    });
    // `0004` is no JSON: what is asked is 1004 to 1023.
    for n in 1004..1024 {
        ask_and_go(&gateway, n);
    }
    let sent = wait_until("all of them are sent", SOON, || {
        let sent = kafka.read_all(&gateway.requests);
        (sent.len() == 20).then_some(sent)
    });
    wait_until("their time begins", SOON, || {
        let noted = |key: &String| {
            let mut redis = servers().redis.connect();
            let sent = redis::cmd("HEXISTS").arg(key).arg("sent").query(&mut redis);
            sent.unwrap()
        };
        gateway.keys("task:").iter().all(noted).then_some(())
    });
    assert_eq!(gateway.keys("task:").len(), 20);
    for request in sent {
        let id = String::from_utf8(request.key.unwrap()).unwrap();
        assert_eq!(gateway.status("ada", &id), "received");
    }
    // And where Kafka does not take it, it is forgotten.
    kafka.kill();
    wait_until("it is known that Kafka is dead", SOON, || {
        let answer = gateway.post("ada", &[], "0");
        answer.text().contains("there is none").then_some(())
    });
    let before = gateway.keys("task:").len();
    ask_and_go(&gateway, 1024);
    wait_until("it was taken", SOON, || {
        (gateway.keys("task:").len() > before).then_some(())
    });
    wait_until("it is forgotten", SOON, || {
        (gateway.keys("task:").len() == before).then_some(())
    });
}

#[test]
fn what_was_answered_before_a_stop_is_sent() {
    let gateway = Gateway::start();
    for n in 1004..1064 {
        ask_and_go(&gateway, n);
    }
    assert_eq!(gateway.daemon.terminate(), Some(0));
    // Each that was taken was sent: none is left half done.
    let sent = gateway.requests().len();
    assert_eq!(gateway.keys("task:").len(), sent);
    println!("{sent} of 60 were taken");
}
