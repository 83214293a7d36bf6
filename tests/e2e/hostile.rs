//! A plugin that does harm on some records: each of those fails alone, and
//! nobody else notices. The plugin is `tests/plugins/hostile`, which does what
//! a record's value says.

use millstream::plugin::digest_of;
use millstream_tests::{
    Consumed, Daemon, Message, create_topic, get, guest, metrics, produce, read_all, servers,
    streams, unique, wait_until,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Not an expectation of speed: what is not there by then never comes.
const LONG: Duration = Duration::from_secs(120);

/// The most memory that the daemon may hold after all that, in KiB.
const RSS_MAX: u64 = 400 << 10;

/// What the plugin is told, the class of the failure, and a part of its message.
const CULPRITS: [(&str, &str, &str); 16] = [
    ("trap", "trap", "unreachable"),
    ("trap quietly", "trap", "unreachable"),
    ("loop", "timeout", "CPU time"),
    ("grow", "out-of-memory", "more memory"),
    ("recurse", "trap", "it trapped"),
    ("span outside", "bad-output", "payload lies outside"),
    ("absent payload", "bad-output", "payload lies outside"),
    ("wrong record", "bad-output", "record 1000000 of a call with 1"),
    ("empty client", "bad-output", "client id is empty"),
    ("control client", "bad-output", "control character at byte 1"),
    ("long client", "bad-output", "257 bytes"),
    ("task", "unaddressable", "address kind 1"),
    ("reserved type", "bad-output", "`gap` is Millstream's own"),
    ("bad payload", "bad-output", "not UTF-8 at byte 0"),
    ("many", "too-large", ""),
    ("huge", "too-large", "bytes of events"),
];

/// A topic, its dead letters' topic, and a daemon that reads it with the
/// hostile plugin.
struct Scene {
    topic: String,
    dead: String,
    prefix: String,
    wasm: Vec<u8>,
    daemon: Daemon,
}

impl Scene {
    fn new(partitions: i32, batch: &str) -> Scene {
        let topic = create_topic("hostile", partitions);
        let dead = format!("{topic}-dlq");
        servers().kafka.create_topic_named(&dead, 1, &[]);
        let (prefix, wasm) = (unique("hostile"), guest("test-hostile"));
        let daemon = Daemon::builder(&config(&topic, &prefix, batch))
            .file("plugins/hostile.wasm", &wasm)
            .start();
        daemon.wait_ready(LONG);
        Scene { topic, dead, prefix, wasm, daemon }
    }

    /// The payloads in the one client's stream, and their sources.
    fn stored(&self) -> Vec<(String, String)> {
        let mut streams = streams(&self.prefix);
        let entries = streams.remove("victim").unwrap_or_default();
        assert!(streams.is_empty(), "streams of clients that nobody named: {streams:?}");
        entries.into_iter().map(|entry| (entry.data, entry.source)).collect()
    }

    /// Waits until this many events and dead letters came out, or more.
    fn wait_for(&self, events: usize, letters: usize) -> (Vec<(String, String)>, Vec<Consumed>) {
        wait_until("every record comes out", LONG, || {
            let (stored, dead) = (self.stored(), read_all(&self.dead));
            (stored.len() >= events && dead.len() >= letters).then_some((stored, dead))
        })
    }

    /// Checks one dead letter against the record that it was.
    fn check_letter(&self, original: &Consumed, letter: &Consumed, class: &str, says: &str) {
        let what = String::from_utf8_lossy(original.value.as_deref().unwrap_or(b"absent"));
        let what: String = what.chars().take(40).collect();
        assert_eq!(letter.key, original.key, "{what}: the key");
        assert!(letter.value == original.value, "{what}: the value");
        let (own, added) = letter.headers.split_at(original.headers.len());
        assert_eq!(own, original.headers, "{what}: its own headers");
        assert!(added.iter().all(|(name, _)| name.starts_with("millstream.")), "{added:?}");
        let (partition, offset) = (original.partition, original.offset);
        let ingest = class == "too-large" && says.contains("the most is 65536");
        let plugin = self.daemon.dir().join("plugins/hostile.wasm").display().to_string();
        let digest = digest_of(&self.wasm);
        let expected = [
            ("class", class.to_owned()),
            ("stage", if ingest { "ingest" } else { "transform" }.to_owned()),
            ("plugin", if ingest { String::new() } else { plugin }),
            ("digest", if ingest { String::new() } else { digest }),
            ("attempts", "1".to_owned()),
            ("topic", self.topic.clone()),
            ("partition", partition.to_string()),
            ("offset", offset.to_string()),
            ("timestamp", original.timestamp.to_string()),
        ];
        let message = letter.header("millstream.error.message").expect("it says why");
        for (name, value) in expected {
            let found = letter.header(&format!("millstream.error.{name}"));
            assert_eq!(found, Some(value.as_str()), "{what}: {name} ({message})");
        }
        assert!(message.contains(says), "{what}: {message:?} does not say {says:?}");
        let source = format!("{}/{partition}/{offset}", self.topic);
        assert_eq!(letter.header("millstream.source"), Some(source.as_str()));
    }

    /// The daemon's memory now and at its peak, in KiB.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.daemon.pid()));
        let status = status.expect("the daemon runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.expect("/proc has it").parse().expect("a number")
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

fn config(topic: &str, prefix: &str, batch: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    format!(
        r#"
[kafka]
bootstrap-servers = "{kafka}"
group-id = "{prefix}"
[store]
url = "{redis}"
key-prefix = "{prefix}"
retention = {{ max-events = 100000 }}
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[plugins]
cache = "cache"
[[pipeline]]
name = "hostile"
topics = ["{topic}"]
workers = 2
batch = {{ {batch} }}
transform = {{ plugin = "plugins/hostile.wasm" }}
"#
    )
}

/// A record with all that a dead letter must keep: a binary key, a repeated
/// header, an empty and an absent header value, bytes that are no UTF-8.
fn dressed(value: impl Into<Vec<u8>>) -> Message {
    let mut message = Message::new(value)
        .key([0, 255, 10, 13])
        .header("trace", [0xff, 0x00, 0x10])
        .header("trace", "second")
        .header("empty", "")
        .partition(0);
    message.headers.push(("absent".into(), None));
    message
}

/// A record without a key and without headers.
fn bare(value: impl Into<Vec<u8>>) -> Message {
    Message::new(value).partition(0)
}

#[test]
fn each_culprit_fails_alone_with_its_class_and_all_its_bytes() {
    let scene = Scene::new(1, "");
    let mut messages = Vec::new();
    let mut good = Vec::new();
    for (index, (culprit, ..)) in CULPRITS.iter().enumerate() {
        for place in ["before", "right before"] {
            good.push(format!("{place} {culprit}"));
            messages.push(bare(good[good.len() - 1].as_bytes()));
        }
        messages.push(if index % 2 == 0 { dressed(*culprit) } else { bare(*culprit) });
    }
    good.push("after all".to_owned());
    messages.push(dressed("after all"));
    let began = Instant::now();
    produce(&scene.topic, messages);
    let originals = read_all(&scene.topic);
    let (stored, dead) = scene.wait_for(good.len(), CULPRITS.len());
    println!("{} culprits among {} good ones: {:?}", dead.len(), stored.len(), began.elapsed());

    let of = |payload: &String| {
        let found = originals.iter().find(|o| o.text() == payload).expect("produced");
        format!("{}/0/{}/0", scene.topic, found.offset)
    };
    let expected: Vec<_> = good.iter().map(|payload| (payload.clone(), of(payload))).collect();
    assert_eq!(stored, expected, "the neighbours, once and in order");
    let letters: BTreeMap<_, _> = dead.iter().map(|letter| (letter.text(), letter)).collect();
    assert_eq!((dead.len(), letters.len()), (CULPRITS.len(), CULPRITS.len()), "one letter each");
    for (culprit, class, says) in CULPRITS {
        let original = originals.iter().find(|o| o.text() == culprit).expect("produced");
        let letter = letters.get(culprit).expect("it has a dead letter");
        println!("{culprit}: {:?}", letter.header("millstream.error.message"));
        scene.check_letter(original, letter, class, says);
    }
    let order: Vec<_> = dead.iter().map(Consumed::text).collect();
    assert_eq!(order, CULPRITS.map(|(culprit, ..)| culprit), "dead letters in order, too");
    let counted = metrics(&scene.daemon.admin());
    assert_eq!(counted.sum("millstream_failures_total", &[]), CULPRITS.len() as f64);
    assert_eq!(counted.sum("millstream_failures_total", &["class=\"timeout\""]), 1.0);
    assert_eq!(counted.sum("millstream_dead_letters_total", &["action=\"topic\""]), 16.0);
    // A plugin's address never becomes another key.
    let mut keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{}*", scene.prefix))
        .query(&mut servers().redis.connect())
        .unwrap();
    keys.sort();
    let Scene { prefix, topic, .. } = &scene;
    let key = |rest: &str| format!("{prefix}:{{0}}:{rest}");
    let of_partition = |what: &str| key(&format!("{what}:{prefix}:{topic}:0"));
    assert_eq!(keys, [key("client:victim"), of_partition("ledger"), of_partition("swaps")]);
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn bombs_leave_the_daemon_small_and_ready() {
    const BOMBS: [&str; 5] = ["grow", "many", "huge", "recurse", "trap"];
    const ROUNDS: usize = 8;
    let scene = Scene::new(2, "");
    let (before, _) = scene.memory();
    for round in 0..ROUNDS {
        let bombs = BOMBS.iter().flat_map(|bomb| {
            let good = bare(format!("good {round} {bomb}"));
            let bomb = bare(*bomb);
            [good.clone().partition(0), bomb.clone(), good.partition(1), bomb.partition(1)]
        });
        produce(&scene.topic, bombs);
    }
    let each = 2 * ROUNDS * BOMBS.len();
    let mut now = 0;
    wait_until("every record comes out", LONG, || {
        assert_eq!(get(&scene.daemon.admin(), "/readyz").status, 200, "it stays ready");
        now = now.max(scene.memory().0);
        let letters = metrics(&scene.daemon.admin()).sum("millstream_failures_total", &[]);
        (letters as usize >= each).then_some(())
    });
    let (stored, dead) = scene.wait_for(each, each);
    assert_eq!((stored.len(), dead.len()), (each, each));
    let (after, peak) = scene.memory();
    println!("{each} bombs: {before} KiB before, {now} seen, {after} after, peak {peak}");
    assert!(after < RSS_MAX && now < RSS_MAX, "{after} KiB after, {now} KiB meanwhile");
    assert!(peak < 2 * RSS_MAX, "at its peak it had {peak} KiB");
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn a_loop_does_not_hold_up_another_partition() {
    const LOOPS: usize = 50;
    let scene = Scene::new(2, "");
    produce(&scene.topic, (0..LOOPS).map(|_| bare("loop")));
    let admin = scene.daemon.admin();
    wait_until("the worker is at it", LONG, || {
        let batches = metrics(&admin).sum("millstream_records_total", &[]);
        assert!(batches < LOOPS as f64, "it was done before the test began");
        (threads_busy(scene.daemon.pid()) > 0).then_some(())
    });
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let began = Instant::now();
        let payload = format!("other {number}");
        produce(&scene.topic, [bare(payload.as_bytes()).partition(1)]);
        wait_until("the other partition goes on", Duration::from_secs(5), || {
            scene.stored().iter().any(|(data, _)| *data == payload).then_some(())
        });
        slowest = slowest.max(began.elapsed());
    }
    let meanwhile = read_all(&scene.dead).len();
    println!("another partition waited {slowest:?} at most; {meanwhile} of {LOOPS} loops were cut");
    assert!(meanwhile < LOOPS, "the loops were over before the test was");
    let (stored, dead) = scene.wait_for(20, LOOPS);
    assert_eq!((stored.len(), dead.len()), (20, LOOPS));
    assert!(dead.iter().all(|letter| letter.header("millstream.error.class") == Some("timeout")));
    assert_eq!(scene.daemon.terminate(), Some(0));
}

/// How many of the daemon's workers' first threads are running plugins now.
fn threads_busy(pid: u32) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the daemon runs");
    let stat = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat"));
    let stats = tasks.flatten().filter_map(|task| stat(task).ok());
    stats.filter(|stat| stat.contains("(front-") && stat.contains(") R ")).count()
}

#[test]
fn bytes_of_all_kinds_reach_the_plugin_and_a_tombstone_is_absent() {
    let scene = Scene::new(1, "max-record-bytes = \"64KiB\"");
    let noise: Vec<u8> = (0..70_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    let messages = [
        Message::tombstone("k").partition(0),
        bare(""),
        bare([0xff, b'a', 0x00]),
        dressed(noise.clone()),
        bare(vec![b'x'; 60_000]),
        bare(noise),
        dressed("last"),
    ];
    produce(&scene.topic, messages);
    let originals = read_all(&scene.topic);
    let (stored, dead) = scene.wait_for(5, 2);
    let data: Vec<_> = stored.iter().map(|(data, _)| data.as_str()).collect();
    // The plugin shows bytes that are no UTF-8 as U+FFFD, and an absent value as `absent`.
    let large = "x".repeat(60_000);
    assert_eq!(data, ["absent", "", "\u{fffd}a\0", &large, "last"]);
    assert_eq!(dead.len(), 2);
    let too_large = originals.iter().filter(|o| o.value.as_ref().is_some_and(|v| v.len() == 70_000));
    for (original, letter) in too_large.zip(&dead) {
        scene.check_letter(original, letter, "too-large", "the most is 65536");
    }
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn a_batch_is_cut_as_the_pipeline_says_and_culprits_still_fail_alone() {
    let scene = Scene::new(1, "max-records = 7");
    let value = |n: usize| match n % 10 {
        3 => "trap".to_owned(),
        8 => "wrong record".to_owned(),
        _ => format!("good {n}"),
    };
    produce(&scene.topic, (0..500).map(|n| bare(value(n))));
    let (stored, dead) = scene.wait_for(400, 100);
    let good: Vec<String> = (0..500).map(value).filter(|v| v.starts_with("good")).collect();
    let data: Vec<_> = stored.into_iter().map(|(data, _)| data).collect();
    assert_eq!(data, good);
    let offsets = dead.iter().map(|l| l.header("millstream.error.offset").unwrap().parse().unwrap());
    let offsets: Vec<usize> = offsets.collect();
    let culprits: Vec<usize> = (0..500).filter(|n| matches!(n % 10, 3 | 8)).collect();
    assert_eq!(offsets, culprits);
    assert_eq!(scene.daemon.terminate(), Some(0));
}
