//! The cost of a plugin per record, in the engine and native:
//! `cargo bench -p millstream-bench --bench boundary` (after `cargo build --release`).
//!
//! Batches of 256 records of about 327 bytes. `engine` is the whole call with
//! all checks of its answer; `native` the same plugin's code over the same flat
//! batch, without wasm.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that can't go on fails, and says where"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millstream::plugin::{Capabilities, Limits, Loader, NoState, Source, Spec, Turn};
use millstream::record::{Batch, Span, TopicPartition};
use millstream_plugin::abi;
use millstream_plugin::testing::TransformTest;
use millstream_tests::guest;
use notifications::Notifications;
use std::hint::black_box;

const RECORDS: usize = 256;

fn value(number: usize) -> String {
    let filler = "it is on its way to you and will be there on Monday ".repeat(2);
    format!(
        r#"{{"eventId":"event-{number:06}","eventType":"order.shipped","clientId":"client-{:04}","notificationId":"notification-{number:06}","message":"Your order {number}: {filler}","correlationId":"correlation-{number:06}","requestedDateTime":"2026-11-21T08:00:00Z"}}"#,
        number % 1000
    )
}

fn batch() -> Batch {
    let origin = TopicPartition {
        topic: "notifications".into(),
        partition: 0,
    };
    let mut batch = Batch::new(origin);
    for number in 0..RECORDS {
        let value = value(number);
        let key = format!("client-{:04}", number % 1000);
        let headers = std::iter::empty();
        batch.push(
            number as i64,
            0,
            Some(key.as_bytes()),
            Some(value.as_bytes()),
            headers,
        );
    }
    batch
}

fn engine(criterion: &mut Criterion) {
    let batch = batch();
    println!("bytes a record: {}", batch.arena.len() / RECORDS);
    let folder = tempfile::tempdir().unwrap();
    let program = millstream_tests::Daemon::program();
    let loader = Loader::new(16, 64 << 20, folder.path())
        .unwrap()
        .compiled_by(program);
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for package in ["test-nothing", "notifications"] {
        let spec = Spec {
            source: Source::File(package.into()),
            config: serde_json::json!({}),
            limits: Limits::default(),
            granted: Capabilities::default(),
            fixtures: None,
        };
        let transform = loader.transform(&spec, guest(package).into()).unwrap();
        let mut instance = transform.instance().unwrap();
        group.bench_function(package, |bencher| {
            bencher.iter(|| {
                black_box(instance.run(&batch, 0..RECORDS, &mut NoState, &Turn::default()))
            });
        });
    }
}

fn native(criterion: &mut Criterion) {
    let batch = batch();
    let span = |s: Span| abi::Span {
        start: s.start,
        length: s.length,
    };
    let origin = abi::Origin {
        topic: span(batch.topic),
        partition: 0,
    };
    let record = |r: &millstream::record::KafkaRecord| abi::KafkaRecord {
        offset: r.offset,
        timestamp: r.timestamp,
        key: span(r.key),
        value: span(r.value),
        first_header: 0,
        header_count: 0,
    };
    let records: Vec<_> = batch.records.iter().map(record).collect();
    let plugin = TransformTest::<Notifications>::new("{}").unwrap();
    let mut group = criterion.benchmark_group("native");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("notifications", |bencher| {
        let plugin = plugin.plugin();
        bencher.iter(|| {
            black_box(millstream_plugin::run_transform(
                plugin,
                &batch.arena,
                origin,
                &records,
                &[],
            ))
        });
    });
}

criterion_group!(benches, engine, native);
criterion_main!(benches);
