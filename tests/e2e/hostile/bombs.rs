//! Records that would use up all memory or CPU time.

use super::{LONG, Scene, bare};
use millstream_tests::{get, metrics, produce, read_all, wait_until};
use std::time::{Duration, Instant};

/// The most memory that the daemon may use during and after these records, in KiB.
const RSS_MAX: u64 = 400 << 10;

#[test]
fn harmful_records_leave_the_daemon_small_and_ready() {
    const BOMBS: [&str; 5] = ["grow", "many", "huge", "recurse", "trap"];
    const ROUNDS: usize = 8;
    let scene = Scene::new(2, "");
    let (before, _) = scene.memory();
    for round in 0..ROUNDS {
        let bombs = BOMBS.iter().flat_map(|bomb| {
            let good = bare(format!("good {round} {bomb}"));
            let bomb = bare(*bomb);
            [
                good.clone().partition(0),
                bomb.clone(),
                good.partition(1),
                bomb.partition(1),
            ]
        });
        produce(&scene.topic, bombs);
    }
    let each = 2 * ROUNDS * BOMBS.len();
    let mut now = 0;
    wait_until("every harmful record fails", LONG, || {
        assert_eq!(
            get(&scene.daemon.admin(), "/readyz").status,
            200,
            "the daemon stays ready"
        );
        now = now.max(scene.memory().0);
        let letters = metrics(&scene.daemon.admin()).sum("millstream_failures_total", &[]);
        (letters as usize >= each).then_some(())
    });
    let (stored, dead) = scene.wait_for(each, each);
    assert_eq!((stored.len(), dead.len()), (each, each));
    let (after, peak) = scene.memory();
    println!("{each} bombs: {before} KiB before, {now} seen, {after} after, peak {peak}");
    assert!(
        after < RSS_MAX && now < RSS_MAX,
        "{after} KiB afterwards, {now} KiB meanwhile"
    );
    assert!(peak < 2 * RSS_MAX, "{peak} KiB at the peak");
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn an_endless_loop_does_not_block_another_partition() {
    const LOOPS: usize = 50;
    let scene = Scene::new(2, "");
    produce(&scene.topic, (0..LOOPS).map(|_| bare("loop")));
    let admin = scene.daemon.admin();
    wait_until("the worker runs the loop", LONG, || {
        let batches = metrics(&admin).sum("millstream_records_total", &[]);
        assert!(
            batches < LOOPS as f64,
            "the loops ended before the test began"
        );
        (threads_busy(scene.daemon.pid()) > 0).then_some(())
    });
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let began = Instant::now();
        let payload = format!("other {number}");
        produce(&scene.topic, [bare(payload.as_bytes()).partition(1)]);
        wait_until(
            "the other partition continues",
            Duration::from_secs(5),
            || {
                scene
                    .stored()
                    .iter()
                    .any(|(data, _)| *data == payload)
                    .then_some(())
            },
        );
        slowest = slowest.max(began.elapsed());
    }
    let meanwhile = read_all(&scene.dead).len();
    println!("another partition waited {slowest:?} at most; {meanwhile} of {LOOPS} loops were cut");
    assert!(meanwhile < LOOPS, "the loops ended before the test");
    let (stored, dead) = scene.wait_for(20, LOOPS);
    assert_eq!((stored.len(), dead.len()), (20, LOOPS));
    assert!(
        dead.iter()
            .all(|letter| letter.header("millstream.error.class") == Some("timeout"))
    );
    assert_eq!(scene.daemon.terminate(), Some(0));
}

/// The number of the daemon's transform threads that are running a plugin now.
fn threads_busy(pid: u32) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the daemon runs");
    let stat = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat"));
    let stats = tasks.flatten().filter_map(|task| stat(task).ok());
    stats
        .filter(|stat| stat.contains("(transform-") && stat.contains(") R "))
        .count()
}
