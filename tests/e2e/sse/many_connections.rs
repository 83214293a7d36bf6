use super::SOON;
use super::rig::{Options, Rig, assert_same, numbered};
use millstream_tests::{Frame, Message, metrics, produce, servers, wait_until};
use std::thread;

#[test]
fn every_connection_of_a_client_gets_all_events() {
    let rig = Rig::start();
    let mut open: Vec<_> = (0..5).map(|_| rig.open("client=ada").0).collect();
    let entries = rig.store("ada", numbered(0..20), 20);
    let (mut late, _) = rig.open("client=ada&from=earliest");
    open.push(rig.resume("ada", "0-0"));
    drop(open.remove(2)); // the others are not affected
    assert_same(&late.events(20, SOON), &entries);
    for sse in &mut open {
        assert_same(&sse.events(20, SOON), &entries);
    }
}

#[test]
fn many_clients_need_no_more_redis_connections_than_one() {
    const CLIENTS: usize = 300;
    let redis = servers().own_redis(&[]);
    let rig = Rig::on(&redis);
    let connections = || {
        let list: String = rig.redis(&["CLIENT", "LIST"]);
        list.lines().count() - 1 // minus the connection of this command
    };
    // Every worker has written, and a reader has read.
    let (mut first, _) = rig.open("client=before-0");
    (0..20).for_each(|n| rig.send(&format!("before-{n}"), ["x"]));
    (0..20).for_each(|n| drop(rig.stored(&format!("before-{n}"), 1)));
    assert_eq!(first.events(1, SOON).len(), 1);
    drop(first);
    let before = connections();

    let mut open: Vec<_> = (0..CLIENTS)
        .map(|n| rig.open(&format!("client=client-{n}")).0)
        .collect();
    let gauge = || metrics(&rig.daemon.admin()).sum("millstream_sse_connections", &[]);
    wait_until("all connections are counted", SOON, || {
        (gauge() == CLIENTS as f64).then_some(())
    });
    let message = |n: usize| {
        let client = format!("client-{}", n % CLIENTS);
        Message::new(format!("event {n}"))
            .key(client)
            .header("type", "t")
    };
    produce(&rig.topic, (0..3 * CLIENTS).map(message));
    for (n, sse) in open.iter_mut().enumerate() {
        let texts: Vec<_> = sse
            .events(3, SOON)
            .into_iter()
            .map(|e| e.data.unwrap())
            .collect();
        let expected = [0, 1, 2].map(|round| format!("event {}", n + round * CLIENTS));
        assert_eq!(texts, expected);
    }
    println!("{before} connections to Redis");
    assert_eq!(connections(), before);

    drop(open);
    wait_until("all are gone", SOON, || (gauge() == 0.0).then_some(()));
}

#[test]
fn closed_connections_leave_no_resources_behind() {
    let rig = Rig::start();
    let (mut stays, _) = rig.open("client=client-0");
    for round in 0..30 {
        let opened: Vec<_> = (0..10)
            .map(|n| rig.ask(&format!("client=client-{}", n % 3), &[]))
            .collect();
        rig.send("client-0", numbered(round..round + 1));
        drop(opened);
    }
    assert_same(&stays.events(30, SOON), &rig.stored("client-0", 30));
    wait_until("one connection remains", SOON, || {
        let open = metrics(&rig.daemon.admin()).sum("millstream_sse_connections", &[]);
        (open == 1.0).then_some(())
    });
    let files = std::fs::read_dir(format!("/proc/{}/fd", rig.daemon.pid()));
    assert!(files.unwrap().count() < 200);
}

#[test]
fn readers_that_reconnect_under_load_get_each_event_once() {
    const EVENTS: usize = 1500;
    let rig = Rig::with(Options {
        store: "retention = { max-events = 100000 }",
        ..Options::default()
    });
    // Some readers stay; some reconnect after every few events, some after many.
    let patience = [EVENTS, EVENTS, 1, 7, 50, 400];
    thread::scope(|scope| {
        let readers: Vec<_> = (0..12)
            .map(|n| {
                let (rig, patience) = (&rig, patience[n % patience.len()]);
                let client = format!("client-{}", n % 2);
                scope.spawn(move || read_on(rig, &client, patience, EVENTS))
            })
            .collect();
        for round in 0..EVENTS / 50 {
            for client in ["client-0", "client-1"] {
                rig.send(client, numbered(round * 50..(round + 1) * 50));
            }
        }
        let stored = ["client-0", "client-1"].map(|client| rig.stored(client, EVENTS));
        for (n, reader) in readers.into_iter().enumerate() {
            assert_same(&reader.join().unwrap(), &stored[n % 2]);
        }
    });
}

/// Reads this many events, over connections that each last for `patience`.
fn read_on(rig: &Rig, client: &str, patience: usize, events: usize) -> Vec<Frame> {
    let mut got: Vec<Frame> = Vec::new();
    while got.len() < events {
        let last = got.last().and_then(|frame| frame.id.as_deref());
        let mut sse = rig.resume(client, last.unwrap_or("0-0"));
        got.extend(sse.events(patience.min(events - got.len()), SOON));
    }
    got
}
