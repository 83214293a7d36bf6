use super::run::message;
use super::{LONG, Run};
use millstream_tests::{Daemon, Message, metrics, servers, streams, wait_until};

const PARTITIONS: i32 = 3;

/// Some records for every partition; those of an aborted transaction are for the client `ghost`.
fn some(from: usize, aborted: bool) -> Vec<Message> {
    let messages = (from..from + 60).map(|number| {
        let message = message(number, i32::try_from(number).unwrap() % PARTITIONS);
        if !aborted {
            return message;
        }
        let value = String::from_utf8(message.value.unwrap()).unwrap();
        let value = value.replace("client-", "ghost-");
        Message::new(value)
            .key("ghost")
            .partition(message.partition.unwrap())
    });
    messages.collect()
}

#[test]
fn aborted_transactions_are_never_delivered_and_the_ledger_moves_past_them() {
    let kafka = &servers().kafka;
    let run = Run::new(kafka, "aborted", PARTITIONS);
    let topic = &run.topic;
    let mut daemon = Daemon::ready(&run.config(&[]));
    let (one, other) = (kafka.transactions(), kafka.transactions());
    let mut committed = 0;
    for round in 0..20 {
        let from = round * 240;
        one.begin();
        other.begin();
        one.produce(topic, some(from, false));
        other.produce(topic, some(from + 60, true)); // between the records of the other transaction
        one.produce(topic, some(from + 120, false));
        if round % 2 == 0 {
            other.abort();
            one.commit();
        } else {
            one.commit();
            other.abort(); // the last marker belongs to an aborted transaction
        }
        kafka.produce(topic, some(from + 180, false)); // without a transaction
        committed += 180;
    }
    one.begin();
    one.produce(topic, some(5000, true));
    one.abort(); // the topic ends with aborted records only
    run.wait_all();
    wait_until("the lag is zero", LONG, || {
        (kafka.lag(&run.prefix, topic) == 0).then_some(())
    });
    daemon.restart(); // with SIGKILL
    daemon.wait_ready(LONG);
    kafka.produce(topic, some(6000, false));
    committed += 60;
    run.wait_all();
    let counted = metrics(&daemon.admin()).sum("millstream_records_total", &[]);
    assert_eq!(counted, 60.0, "no record is processed again");
    run.end(&[daemon]);
    let streams = streams(&run.prefix);
    assert!(streams.keys().all(|client| client.starts_with("client-")));
    let stored: usize = streams.values().map(Vec::len).sum();
    assert_eq!(stored, committed);
    run.check();
}

/// Retention removes a marker right after the ledger's offset; no record is lost by that.
#[test]
fn a_topic_that_ends_with_a_marker_can_be_emptied_while_the_daemon_is_stopped() {
    let kafka = &servers().kafka;
    let run = Run::new(kafka, "emptied", PARTITIONS);
    let topic = &run.topic;
    let mut daemon = Daemon::ready(&run.config(&[]));
    let transactions = kafka.transactions();
    transactions.begin();
    transactions.produce(topic, some(0, false));
    transactions.commit();
    run.wait_all();
    wait_until("the ledger has moved past the marker", LONG, || {
        (kafka.lag(&run.prefix, topic) == 0).then_some(())
    });
    daemon.kill();
    kafka.delete_all_records(topic);
    kafka.produce(topic, some(60, false));
    daemon.restart();
    daemon.wait_ready(LONG);
    run.end(&[daemon]);
    let stored: usize = streams(&run.prefix).values().map(Vec::len).sum();
    assert_eq!(stored, 120);
}

#[test]
fn records_behind_an_open_transaction_arrive_once_and_in_order_when_it_ends() {
    let kafka = &servers().kafka;
    let run = Run::new(kafka, "open", PARTITIONS);
    let topic = &run.topic;
    let daemon = Daemon::ready(&run.config(&[]));
    kafka.produce(topic, some(0, false));
    run.wait_all();
    let open = kafka.transactions();
    open.begin();
    open.produce(topic, some(60, false));
    kafka.produce(topic, some(120, false));
    assert_eq!(
        run.passed(),
        [20, 20, 20],
        "an open transaction holds back the records behind it"
    );
    open.commit();
    run.wait_all();
    run.end(&[daemon]);
    run.check();
}
