use super::input::Input;
use super::{LONG, check_dead, check_streams, records, toml, wait_for_all};
use millstream_tests::{Daemon, streams, wait_until};

#[test]
fn instances_that_join_and_leave_under_load_lose_and_duplicate_nothing() {
    let mut input = Input::new("shared");
    let config = toml(&input, "bundled:notifications");
    let quarter = records() / 4;
    let stored = |enough: usize| {
        wait_until("enough records are stored", LONG, || {
            let stored: usize = streams(&input.prefix).values().map(Vec::len).sum();
            (stored >= enough).then_some(())
        });
    };
    input.produce(0..quarter * 2);
    let first = Daemon::builder(&config).start();
    stored(quarter / 2);
    let second = Daemon::builder(&config).start();
    second.wait_log("assigned", LONG);
    input.produce(quarter * 2..quarter * 3);
    stored(quarter * 2);
    assert_eq!(first.terminate(), Some(0));
    input.produce(quarter * 3..records());
    input.note();
    let output = wait_for_all(&input);
    check_streams(&input, &output);
    // A batch that runs when its partition is revoked may leave a letter twice.
    check_dead(&input, &output, false);
    assert!(
        first.log_contains("revoked"),
        "partitions were revoked while it ran"
    );
    assert_eq!(second.terminate(), Some(0));
}
