//! A daemon whose ID Kafka refuses, since the group has another member with it.

use super::{LONG, all_partitions_work, id, wait_members};
use crate::kafka_faults::Run;
use millstream_tests::{Daemon, servers, wait_until};

/// Another daemon takes the ID that this one has from its state folder. librdkafka fences itself,
/// too, when it repeats a request from before it joined again.
#[test]
fn a_daemon_whose_id_of_the_state_folder_is_fenced_joins_with_another() {
    let run = Run::new(&servers().kafka, "taken", 4);
    let mut first = Daemon::ready(&run.config(&[]));
    let before = id(&first);
    run.produce(400);
    run.wait_all();
    // A configured ID is continued by the pipeline's name.
    let (prefix, name) = before.split_once('-').unwrap();
    let config = run.config(&[("group.instance.id", prefix)]);
    let config = config.replace("name = \"run\"", &format!("name = {name:?}"));
    let second = run.under_load(|| {
        let second = Daemon::builder(&config).start();
        first.wait_log("fenced", LONG);
        second.wait_ready(LONG);
        run.advance(50);
        second
    });
    let after = wait_until("the first daemon has another ID", LONG, || {
        let log = first.log();
        let line = log
            .lines()
            .into_iter()
            .rfind(|line| line.contains("id=\"millstream-"))?;
        let after = line.split("id=\"").nth(1)?.split('"').next()?.to_owned();
        (after != before).then_some(after)
    });
    wait_members(&second, &run, &[before, after.clone()].into());
    first.wait_ready(LONG);
    all_partitions_work(&run);
    first.kill();
    first.restart();
    assert_eq!(id(&first), after);
    all_partitions_work(&run);
    run.end(&[first, second]);
    run.check();
}
