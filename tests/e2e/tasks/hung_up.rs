//! Clients that disconnect before the response.

use super::SOON;
use super::rig::Gateway;
use millstream_tests::{Daemon, servers, wait_until};
use std::io::Write;
use std::net::TcpStream;

/// Sends a complete request and does not wait for a response.
fn ask(gateway: &Gateway, n: usize) -> TcpStream {
    let mut socket = TcpStream::connect(gateway.daemon.sse()).unwrap();
    let head =
        "POST /v1/tasks?client=ada HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
    write!(socket, "{head}\r\ncontent-length: 4\r\n\r\n{n}").unwrap();
    socket
}

#[test]
fn a_request_whose_client_hung_up_is_a_complete_task_or_none() {
    let kafka = servers().own_kafka(&[]);
    let patience = "acknowledge-within = \"5s\"";
    let gateway = Gateway::on(&kafka, &servers().redis, patience, "", |config| {
        Daemon::builder(&config)
    });
    gateway.task("ada", "0");
    let tasks = || gateway.keys("task:");
    // Kafka answers after they have disconnected.
    kafka.pause();
    let asked: Vec<TcpStream> = (1004..1009).map(|n| ask(&gateway, n)).collect();
    wait_until("the tasks are accepted", SOON, || {
        (tasks().len() == 6).then_some(())
    });
    drop(asked);
    kafka.resume();
    wait_until("their time-outs start", SOON, || {
        let mut redis = servers().redis.connect();
        let mut noted = |key: &String| -> bool {
            let sent = redis::cmd("HEXISTS").arg(key).arg("sent").query(&mut redis);
            sent.unwrap()
        };
        tasks().iter().all(&mut noted).then_some(())
    });
    let sent = kafka.read_all(&gateway.requests);
    assert_eq!((sent.len(), tasks().len()), (6, 6));
    for request in sent {
        let id = String::from_utf8(request.key.unwrap()).unwrap();
        assert_eq!(gateway.status("ada", &id), "received");
    }
    // If Kafka does not accept it, it is forgotten.
    kafka.kill();
    wait_until("the gateway knows that Kafka is dead", SOON, || {
        let answer = gateway.post("ada", &[], "0");
        answer.text().contains("there is no task").then_some(())
    });
    let before = tasks().len();
    let asked = ask(&gateway, 1009);
    wait_until("the task is accepted", SOON, || {
        (tasks().len() > before).then_some(())
    });
    drop(asked);
    wait_until("the task is forgotten", SOON, || {
        (tasks().len() == before).then_some(())
    });
}

#[test]
fn tasks_answered_before_a_stop_are_sent() {
    let gateway = Gateway::start();
    for n in 1004..1064 {
        ask(&gateway, n);
    }
    assert_eq!(gateway.daemon.terminate(), Some(0));
    // Each accepted task was sent: none is half done.
    let sent = gateway.requests().len();
    assert_eq!(gateway.keys("task:").len(), sent);
    println!("{sent} of 60 were accepted");
}
