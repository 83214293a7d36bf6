use millstream_tests::{Consumed, Message, create_topic, delete_topic, produce, read_all, servers};

#[test]
fn records_are_read_as_they_were_produced() {
    let topic = create_topic("roundtrip", 2);
    let tombstone = Message::tombstone("k").partition(1);
    let full = Message::new("v").key([0, 255]).partition(1);
    let mut full = full.header("a", "1").header("a", "2").header("b", "");
    full.headers.push(("absent".into(), None));
    full.timestamp = Some(1_700_000_000_000);
    produce(&topic, [tombstone, full.clone()]);

    let records = read_all(&topic);
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].partition, records[0].offset), (1, 0));
    assert_eq!(
        (&records[0].key, &records[0].value),
        (&Some(b"k".to_vec()), &None)
    );
    assert_eq!((records[1].partition, records[1].offset), (1, 1));
    assert_eq!(records[1].headers, full.headers);
    assert_eq!(
        (&records[1].key, &records[1].value),
        (&full.key, &full.value)
    );
    assert_eq!(records[1].timestamp, 1_700_000_000_000);
    delete_topic(&topic);
}

#[test]
fn many_records_keep_their_order() {
    let topic = create_topic("many", 1);
    let value = |n: u32| format!("{n:0300}");
    produce(&topic, (0..50_000).map(|n| Message::new(value(n))));
    let records = read_all(&topic);
    assert_eq!(records.len(), 50_000);
    let in_order = (0..)
        .zip(&records)
        .all(|(n, record)| record.text() == value(n));
    assert!(in_order);
}

#[test]
fn a_refused_record_is_an_error() {
    let topic = create_topic("refused", 1);
    let large = Message::new(vec![0; 2_000_000]); // over message.max.bytes
    let refused = servers().kafka.try_produce(&topic, [large]);
    assert!(format!("{:#}", refused.unwrap_err()).contains("MessageSizeTooLarge"));
}

#[test]
fn a_killed_kafka_keeps_its_port_and_its_records() {
    let kafka = servers().own_kafka(&[]);
    let topic = kafka.create_topic("kept", 1);
    kafka.produce(&topic, [Message::new("before")]);
    kafka.kill();
    kafka.start();
    kafka.produce(&topic, [Message::new("after")]);
    let records = kafka.read_all(&topic);
    let texts: Vec<&str> = records.iter().map(Consumed::text).collect();
    assert_eq!(texts, ["before", "after"]);
}
