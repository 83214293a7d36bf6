use super::Run;
use millstream_tests::{Daemon, servers};

#[test]
fn a_partition_continues_in_order_after_its_leader_is_killed() {
    let cluster = servers().own_cluster();
    let run = Run::new(&cluster.nodes[0], "leader", 3);
    let daemon = Daemon::builder(&run.config(&[])).start();
    run.under_load(|| {
        for round in 1..=3 {
            run.advance(300);
            let leader = cluster.leader(&run.topic, 0, None);
            leader.kill();
            let began = std::time::Instant::now();
            cluster.leader(&run.topic, 0, Some(leader));
            let elected = began.elapsed();
            run.produce(300); // to the new leader
            run.wait_all();
            println!(
                "{round}: elected in {elected:?}, continued by {:?}",
                began.elapsed()
            );
            leader.start();
        }
    });
    run.end(&[daemon]);
    run.check();
}
