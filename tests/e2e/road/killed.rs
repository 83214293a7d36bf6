use super::input::Input;
use super::{LONG, check_dead, check_streams, records, toml, wait_for_all};
use millstream_tests::{Daemon, streams, wait_until};

#[test]
fn a_daemon_killed_three_times_loses_and_duplicates_nothing() {
    let mut input = Input::new("killed");
    input.produce_all();
    let mut daemon = Daemon::builder(&toml(&input, "bundled:notifications")).start();
    for quarter in 1..=3 {
        let enough = records() * quarter / 4;
        wait_until("a quarter more is stored", LONG, || {
            let stored: usize = streams(&input.prefix).values().map(Vec::len).sum();
            (stored >= enough).then_some(())
        });
        daemon.kill();
        daemon.restart();
    }
    let output = wait_for_all(&input);
    check_streams(&input, &output);
    check_dead(&input, &output, false);
}
