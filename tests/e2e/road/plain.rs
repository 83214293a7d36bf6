use super::input::Input;
use super::{check_dead, check_streams, toml, wait_for_all};
use millstream_tests::{Daemon, metrics};

#[test]
fn every_record_is_delivered_once_or_is_a_complete_dead_letter() {
    let mut input = Input::new("plain");
    input.produce_all();
    let began = std::time::Instant::now();
    let daemon = Daemon::ready(&toml(&input, "bundled:notifications"));
    let output = wait_for_all(&input);
    println!(
        "{} records in {:?}, start included",
        input.originals.len(),
        began.elapsed()
    );
    check_streams(&input, &output);
    check_dead(&input, &output, true);
    let counted = metrics(&daemon.admin());
    let pipeline = &["pipeline=\"road\""];
    let records = input.originals.len() as f64;
    assert_eq!(counted.sum("millstream_records_total", pipeline), records);
    let malformed = input.originals.iter().filter(|o| !o.good).count() as f64;
    let class = &["class=\"malformed\""];
    assert_eq!(counted.sum("millstream_failures_total", class), malformed);
    assert_eq!(daemon.terminate(), Some(0));
}
