//! The recorder's memory while nobody requests metrics.

use super::keep_up;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::process::Command;
use std::time::Duration;

/// Runs the test in its own process, so that only its memory is measured.
const ALONE: &str = "MILLSTREAM_TEST_ALONE";
const SAMPLES: usize = 8 << 20;
const AT_ONCE: usize = 64 << 10;

#[test]
fn samples_without_a_scrape_do_not_pile_up() {
    if std::env::var_os(ALONE).is_some() {
        return record();
    }
    let mut test = Command::new(std::env::current_exe().unwrap());
    let name = "admin::tests::samples_without_a_scrape_do_not_pile_up";
    let done = test
        .args(["--exact", name])
        .env(ALONE, "1")
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
}

fn record() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let every = Duration::from_millis(1);
        tokio::spawn(keep_up(recorder.handle(), every));
        for _ in 0..SAMPLES / AT_ONCE {
            metrics::with_local_recorder(&recorder, || {
                let histogram = metrics::histogram!("samples");
                (0..AT_ONCE).for_each(|sample| histogram.record(sample as f64));
            });
            tokio::time::sleep(2 * every).await;
        }
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().trim_end_matches(" kB");
    let peak: usize = peak.parse::<usize>().unwrap() << 10;
    let all = SAMPLES * size_of::<f64>();
    assert!(peak < all, "{peak} bytes, for {all} bytes of samples");
}
