//! The time of the hot paths whose instructions `millstream-bench instructions` counts:
//! `cargo bench -p millstream-bench --bench cases`
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that can't go on fails, and says where"
)]

#[path = "../src/cases/mod.rs"]
mod cases;

use criterion::{Criterion, Throughput};

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing.wasm");
    std::fs::write(&nothing, millstream_tests::guest("test-nothing")).unwrap();
    let redis = millstream_tests::Redis::new(&[]);
    let setup = cases::Setup {
        nothing,
        compiler: env!("CARGO_BIN_EXE_millstream-bench").into(),
        cache: folder.path().join("cache"),
        redis: redis.url(),
    };
    let mut criterion = Criterion::default().configure_from_args();
    for mut case in cases::all(&setup).unwrap() {
        let (group, name) = case.name.split_once('/').unwrap();
        let mut group = criterion.benchmark_group(group);
        group.throughput(Throughput::Elements(case.records as u64));
        group.bench_function(name, |bencher| bencher.iter(&mut case.run));
    }
    criterion.final_summary();
}
