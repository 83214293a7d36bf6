//! `examples/geofence`: each vehicle's owner is told of every crossing once, whatever happens to
//! the daemons meanwhile.

use super::{LONG, Scene};
use millstream_tests::{Daemon, Message, guest_at, streams, wait_until, workspace};
use std::collections::HashMap;

const VEHICLES: u64 = 40;
const POSITIONS: u64 = 500;

/// Where a vehicle is at its step: it stays inside or outside for a few steps.
fn is_inside(vehicle: u64, step: u64) -> bool {
    (step / (1 + vehicle % 5)) % 2 == 1
}

/// The types of the events that its owner gets.
fn expected(vehicle: u64) -> Vec<&'static str> {
    let mut was = false;
    let crossing = |step| {
        let is = is_inside(vehicle, step);
        let crossed = is != was;
        was = is;
        crossed.then_some(if is { "enter" } else { "leave" })
    };
    (0..POSITIONS).filter_map(crossing).collect()
}

fn position(vehicle: u64, step: u64) -> Message {
    let lat = if is_inside(vehicle, step) { 52.5 } else { 53.0 };
    let value = format!(r#"{{"owner":"owner-{vehicle}","lat":{lat},"lon":13.4}}"#);
    let mut message = Message::new(value).key(format!("vehicle-{vehicle}"));
    message.partition = Some((vehicle % 4) as i32);
    message
}

/// The same code in another file.
fn marked(wasm: &[u8], mark: u8) -> Vec<u8> {
    // A custom section without content, whose name is one letter.
    [wasm, &[0, 2, 1, mark]].concat()
}

#[test]
fn every_enter_and_leave_is_told_once_through_kills_rebalances_and_swaps() {
    let scene = Scene::with(4);
    let wasm = guest_at(&workspace().join("examples/geofence"), "geofence");
    let granted = r#"capabilities = ["keyvalue"]"#;
    let config = scene.config("batch = { max-records = 100 }");
    let config = config.replacen(granted, &format!("{granted}, {FENCES}"), 1);
    let start = || Daemon::builder(&config).file("p.wasm", &wasm).start();
    let mut daemons = [start(), start()];
    let told = || -> HashMap<String, Vec<String>> {
        let streams = streams(&scene.prefix).into_iter();
        let types = |(owner, entries): (String, Vec<millstream_tests::Entry>)| {
            let types = entries.into_iter().map(|entry| entry.event_type);
            (owner, types.collect())
        };
        streams.map(types).collect()
    };
    let count = || told().values().map(Vec::len).sum::<usize>();
    let mut done = 0;
    for (round, from) in (0..POSITIONS).step_by(100).enumerate() {
        let steps = from..from + 100;
        scene.produce(steps.flat_map(|step| (0..VEHICLES).map(move |one| position(one, step))));
        wait_until("it has told more", LONG, || {
            let now = count();
            (now > done).then(|| done = now)
        });
        let daemon = &mut daemons[round % 2];
        match round {
            0 | 3 => {
                daemon.kill();
                daemon.restart();
            }
            // It leaves the group: the other one gets its partitions.
            1 => {
                assert_eq!(daemon.terminate(), Some(0));
                daemon.restart();
            }
            _ => {
                for daemon in &daemons {
                    let file = daemon.dir().join("p.wasm");
                    std::fs::write(file, marked(&wasm, b'a' + round as u8)).unwrap();
                }
            }
        }
    }
    let wanted: usize = (0..VEHICLES).map(|vehicle| expected(vehicle).len()).sum();
    wait_until("every crossing is told", LONG, || {
        (count() >= wanted).then_some(())
    });
    for daemon in &daemons {
        assert_eq!(daemon.terminate(), Some(0));
    }
    let told = told();
    for vehicle in 0..VEHICLES {
        assert_eq!(
            told[&format!("owner-{vehicle}")],
            expected(vehicle),
            "vehicle {vehicle}"
        );
    }
}

const FENCES: &str =
    r#"config = { fences = [{ name = "depot", lat = 52.5, lon = 13.4, radius = 200 }] }"#;
