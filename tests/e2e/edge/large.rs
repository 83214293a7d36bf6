//! Large events, and readers that read none of them.

use super::SOON;
use super::rig::{ANONYMOUS, config};
use millstream_tests::{Daemon, Redis, Sse, metrics, servers, unique, wait_until};

const MIB: usize = 1 << 20;
/// How much the daemon may grow: `max-queued`, entries that were read and are being handed over,
/// and memory that the allocator keeps. Far less than there is to read.
const GROWTH: usize = 64 * MIB;

struct Rig {
    redis: Redis,
    prefix: String,
    daemon: Daemon,
}

impl Rig {
    /// The write timeout is longer than the test.
    fn start() -> Rig {
        let (redis, prefix) = (servers().own_redis(&[]), unique("large"));
        let http = "max-queued = \"1MiB\"\nwrite-timeout = \"5m\"";
        let config = config(&redis, &prefix, http, ANONYMOUS);
        let daemon = Daemon::builder(&config).role("edge").start();
        daemon.wait_ready(SOON);
        Rig {
            redis,
            prefix,
            daemon,
        }
    }

    /// Writes this many events of this size into the client's stream, and notifies the edge.
    fn write(&self, client: &str, count: usize, size: usize) {
        let (base, data) = (format!("{}:{{0}}", self.prefix), "x".repeat(size));
        let mut pipe = redis::pipe();
        for _ in 0..count {
            let add = pipe.cmd("XADD").arg(format!("{base}:client:{client}"));
            add.arg("*").arg("type").arg("t").arg("data").arg(&data);
        }
        pipe.cmd("PUBLISH").arg(format!("{base}:bell")).arg(client);
        pipe.exec(&mut self.redis.connect()).unwrap();
    }

    fn open(&self, query: &str) -> Sse {
        let mut sse = Sse::open(&self.daemon.sse(), &format!("/v1/events?{query}"), &[]);
        assert!(sse.next(SOON).expect("an opening frame").id.is_some());
        sse
    }

    /// Waits until this many events were handed to connections, including those that were then cut.
    fn wait_handed_over(&self, count: usize) {
        let sent = || metrics(&self.daemon.admin()).sum("millstream_sse_events_total", &[]);
        let all = || (sent() >= count as f64).then_some(());
        wait_until("the events are handed over", SOON, all);
    }

    #[track_caller]
    fn assert_bounded(&self, before: u64) {
        let grown = self.daemon.memory().peak.saturating_sub(before) as usize;
        println!("the daemon grew by {} MiB", grown / MIB);
        assert!(grown < GROWTH, "the daemon grew by {} MiB", grown / MIB);
    }

    /// Checks that a client that reconnects gets every event.
    fn assert_gets(&self, client: &str, count: usize, size: usize) {
        let mut sse = self.open(&format!("client={client}&from=earliest"));
        for event in sse.events(count, SOON) {
            assert_eq!(event.data.map(|data| data.len()), Some(size));
        }
    }
}

#[test]
fn stalled_readers_of_large_events_stay_within_the_configured_memory() {
    const CLIENTS: usize = 80;
    /// One for each stalled client, and as many for the quick one.
    const READ: usize = 2 * CLIENTS;
    let rig = Rig::start();
    let open: Vec<_> = (0..CLIENTS)
        .map(|n| rig.open(&format!("client=c{n}")))
        .collect();
    let mut quick = rig.open("client=quick");
    let before = rig.daemon.memory().now;
    for n in 0..CLIENTS {
        rig.write(&format!("c{n}"), 1, 4 * MIB);
        rig.write("quick", 1, 10);
        assert_eq!(quick.events(1, SOON)[0].data.as_deref(), Some("xxxxxxxxxx"));
    }
    rig.wait_handed_over(READ);
    rig.assert_bounded(before);
    drop(open);
    rig.assert_gets("c0", 1, 4 * MIB);
}

#[test]
fn hundreds_of_streams_with_large_entries_are_read_in_turns() {
    const CLIENTS: usize = 200;
    /// At least one for each client.
    const READ: usize = CLIENTS;
    let rig = Rig::start();
    (0..CLIENTS).for_each(|n| rig.write(&format!("c{n}"), 4, MIB / 2));
    let before = rig.daemon.memory().now;
    let path = |n| format!("/v1/events?client=c{n}&from=earliest");
    let address = rig.daemon.sse();
    let open: Vec<_> = (0..CLIENTS)
        .map(|n| Sse::open(&address, &path(n), &[]))
        .collect();
    rig.wait_handed_over(READ);
    rig.assert_bounded(before);
    drop(open);
    rig.assert_gets("c7", 4, MIB / 2);
}
