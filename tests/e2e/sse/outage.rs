use super::SOON;
use super::rig::{Rig, assert_same, numbered};
use millstream_tests::{get, servers, wait_until};
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// Redis keeps everything that it has acknowledged, also after a crash.
const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

#[test]
fn connected_clients_miss_nothing_when_redis_restarts() {
    let redis = servers().own_redis(DURABLE);
    let rig = Rig::on(&redis);
    let clients: Vec<String> = (0..5).map(|n| format!("client-{n}")).collect();
    let mut open: Vec<_> = clients
        .iter()
        .map(|client| rig.open(&format!("client={client}")).0)
        .collect();
    for round in 0..3 {
        let send = |from| {
            for client in &clients {
                rig.send(client, numbered(from..from + 5));
            }
        };
        send(round * 10);
        redis.kill();
        send(round * 10 + 5);
        redis.start();
    }
    for (client, sse) in clients.iter().zip(&mut open) {
        assert_same(&sse.events(30, SOON), &rig.stored(client, 30));
    }
}

#[test]
fn a_loading_redis_is_waited_for_and_causes_no_gaps() {
    // It needs 2 s to load, and answers LOADING meanwhile.
    let redis = servers().own_redis(&[DURABLE, &["--key-load-delay", "100"]].concat());
    let rig = Rig::on(&redis);
    let entries = rig.store("ada", numbered(0..3), 3);
    let (mut connected, _) = rig.open("client=ada");
    let mut pipe = redis::pipe();
    for n in 0..20_000 {
        pipe.cmd("SET").arg(format!("key-{n}")).arg(n).ignore();
    }
    pipe.exec(&mut redis.connect()).unwrap();
    // Stored without the doorbell, as if Redis had died before its message was received.
    let unheard: String = rig.redis(&["XADD", &rig.key("ada"), "*", "type", "t", "data", "x"]);
    redis.kill();
    // A new client waits or is told to retry: no stream starts at an unknown position.
    let ((_live, begins), (mut earliest, _), mut resumed) = thread::scope(|scope| {
        let live = scope.spawn(|| rig.open("client=ada"));
        let earliest = scope.spawn(|| rig.open("client=ada&from=earliest"));
        let resumed = scope.spawn(|| rig.resume("ada", &entries[1].id));
        rig.daemon.wait_log("can't read streams from Redis", SOON);
        redis.start();
        let joined = (live.join(), earliest.join(), resumed.join());
        (joined.0.unwrap(), joined.1.unwrap(), joined.2.unwrap())
    });

    let id = |events: &[millstream_tests::Frame]| events.last().unwrap().id.clone().unwrap();
    assert_eq!(id(&connected.events(1, SOON)), unheard);
    assert_eq!(id(&resumed.events(2, SOON)), unheard);
    assert_eq!(id(&earliest.events(4, SOON)), unheard);
    assert_eq!(begins, unheard);
}

#[test]
fn a_killed_subscription_is_renewed_and_catches_up() {
    let redis = servers().own_redis(&[]);
    let rig = Rig::on(&redis);
    let (mut sse, _) = rig.open("client=ada");
    for round in 0..5 {
        // The first of the two is stored without the doorbell.
        let key = rig.key("ada");
        let unheard: String = rig.redis(&["XADD", &key, "*", "type", "t", "data", "unheard"]);
        let killed: u64 = rig.redis(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        assert_eq!(killed, 1, "round {round}");
        assert_eq!(sse.events(1, SOON)[0].id.as_deref(), Some(&*unheard));
        rig.send("ada", numbered(round..round + 1));
        assert_eq!(
            sse.events(1, SOON)[0].data,
            numbered(round..round + 1).next()
        );
    }
}

#[test]
fn killing_every_redis_connection_loses_nothing() {
    let redis = servers().own_redis(&[]);
    let rig = Rig::on(&redis);
    let (mut sse, _) = rig.open("client=ada");
    for round in 0..10 {
        let _: u64 = rig.redis(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        rig.send("ada", numbered(round..round + 1));
        let _: u64 = rig.redis(&["CLIENT", "KILL", "TYPE", "normal"]);
    }
    assert_same(&sse.events(10, SOON), &rig.stored("ada", 10));
}

#[test]
fn the_edge_waits_for_a_frozen_redis() {
    let redis = servers().own_redis(&[]);
    let rig = Rig::on(&redis);
    let (mut sse, _) = rig.open("client=ada");
    rig.store("ada", numbered(0..3), 3);
    redis.pause();
    rig.send("ada", numbered(3..6));
    let ready = || get(&rig.daemon.admin(), "/readyz");
    let status = |status| {
        wait_until("the daemon notices", SOON, || {
            (ready().status == status).then_some(())
        });
    };
    status(503);
    redis.resume();
    assert_same(&sse.events(6, SOON), &rig.stored("ada", 6));
    status(200);
}

#[test]
fn a_daemon_becomes_ready_again_although_all_readers_left_during_an_outage() {
    let redis = servers().own_redis(DURABLE);
    let rig = Rig::on(&redis);
    redis.kill();
    let asks = rig.ask("client=ada", &[]);
    rig.daemon.wait_log("can't read streams from Redis", SOON);
    drop(asks);
    redis.start();
    rig.daemon.wait_ready(SOON);
}

#[test]
fn comments_continue_while_redis_is_frozen() {
    let redis = servers().own_redis(&[]);
    let rig = Rig::on(&redis);
    let (mut sse, _) = rig.open("client=ada");
    redis.pause();
    wait_until("the daemon notices", SOON, || {
        (get(&rig.daemon.admin(), "/readyz").status == 503).then_some(())
    });
    // Each of these waits for a Redis connection, and nothing else may wait behind them.
    let addr = rig.daemon.sse();
    let waiting: Vec<TcpStream> = (0..40)
        .map(|n| {
            let mut stream = TcpStream::connect(&addr).unwrap();
            let head =
                format!("GET /v1/events?client=client-{n} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..3 {
        let frame = sse.next(Duration::from_secs(40)).expect("a comment");
        assert_eq!(frame.comment.as_deref(), Some(""));
    }
    redis.resume();
    rig.send("ada", ["after"]);
    assert_eq!(sse.events(1, SOON)[0].data.as_deref(), Some("after"));
    drop(waiting);
}
