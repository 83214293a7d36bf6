use super::SOON;
use super::rig::Gateway;
use millstream_tests::{Daemon, request, wait_until};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// However often the gateway is killed: every accepted task exists, and every task that workers get
/// has an owner.
#[test]
fn a_killed_gateway_loses_no_acknowledged_task_and_sends_none_without_an_owner() {
    let mut gateway = Gateway::with("timeout = \"1h\"\nkeep = \"2h\"", "");
    let answered = Mutex::new(Vec::new());
    for _ in 0..3 {
        let stop = AtomicBool::new(false);
        let addr = gateway.daemon.sse();
        let before = answered.lock().unwrap().len();
        std::thread::scope(|scope| {
            for client in 0..8 {
                let (addr, answered, stop) = (&addr, &answered, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let path = format!("/v1/tasks?client=c{client}");
                        let kind = [("content-type", "application/json")];
                        let Ok(answer) = request("POST", addr, &path, &kind, b"{}") else {
                            continue; // killed
                        };
                        assert_eq!(answer.status, 202);
                        let id = super::rig::id_of(&answer);
                        answered.lock().unwrap().push((client, id));
                    }
                });
            }
            wait_until("some requests are answered", SOON, || {
                (answered.lock().unwrap().len() > before + 100).then_some(())
            });
            gateway.daemon.kill();
            stop.store(true, Ordering::Relaxed);
        });
        gateway.daemon = Daemon::ready(&gateway.config);
    }
    let requests = gateway.requests();
    let sent: BTreeSet<_> = requests.iter().map(|r| r.key.clone().unwrap()).collect();
    assert_eq!(sent.len(), requests.len(), "one record for each task");
    let answered = answered.into_inner().unwrap();
    println!("{} answered, {} sent", answered.len(), sent.len());
    for (client, id) in &answered {
        assert!(sent.contains(id.as_bytes()), "{id}");
        assert_eq!(gateway.status(&format!("c{client}"), id), "received");
    }
    for request in &requests {
        let id = String::from_utf8(request.key.clone().unwrap()).unwrap();
        let owner = request.header("millstream.client").unwrap();
        assert_eq!(gateway.get(owner, &id).status, 200, "{id}");
    }
}
