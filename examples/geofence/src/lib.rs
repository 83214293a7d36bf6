//! A transform with state: tells a vehicle's owner when it enters or leaves a
//! fence. Records are positions; their key is the vehicle.

// ANCHOR: plugin
use millstream_plugin::{
    Config, Events, Failure, Keys, Record, State, StatefulTransform, stateful_transform,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Deserialize)]
struct Fence {
    name: String,
    lat: f64,
    lon: f64,
    /// In metres.
    radius: f64,
}

#[derive(Deserialize)]
struct Position<'a> {
    #[serde(borrow)]
    owner: Cow<'a, str>,
    lat: f64,
    lon: f64,
}

#[derive(Serialize)]
struct Crossing<'a> {
    vehicle: &'a str,
    fence: &'a str,
    at: Option<i64>,
}

#[derive(Deserialize)]
struct Geofence {
    fences: Vec<Fence>,
}

impl StatefulTransform for Geofence {
    fn new(config: Config) -> Result<Self, String> {
        config.parse()
    }

    fn keys(&self, record: Record, keys: &mut Keys) {
        keys.extend(record.key());
    }

    fn transform(
        &self,
        record: Record,
        state: &mut State,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let vehicle = record.key().and_then(|key| std::str::from_utf8(key).ok());
        let vehicle = vehicle.ok_or_else(|| Failure::rejected("the key is not a vehicle"))?;
        let position: Position = record.json()?;
        // The names of the fences that the vehicle was in until now, a line each.
        let before = state.get(vehicle).unwrap_or_default().to_vec();
        let was_in = |fence: &Fence| before.split(|b| *b == b'\n').any(|n| n == fence.name.as_bytes());
        let mut inside = Vec::new();
        for fence in &self.fences {
            let is_in = fence.contains(&position);
            if is_in {
                inside.push(fence.name.as_str());
            }
            if is_in != was_in(fence) {
                let crossing = Crossing { vehicle, fence: &fence.name, at: state.now() };
                let kind = if is_in { "enter" } else { "leave" };
                events.client(&position.owner).kind(kind).json(&crossing)?;
            }
        }
        let inside = inside.join("\n");
        if inside.as_bytes() != before {
            state.set(vehicle, inside);
        }
        Ok(())
    }
}

stateful_transform!(Geofence);
// ANCHOR_END: plugin

impl Fence {
    /// On a plane that touches the earth at the fence: good for a few kilometres.
    fn contains(&self, position: &Position) -> bool {
        const METRES_PER_DEGREE: f64 = 111_195.0;
        let north = (position.lat - self.lat) * METRES_PER_DEGREE;
        let east = (position.lon - self.lon) * METRES_PER_DEGREE * self.lat.to_radians().cos();
        north * north + east * east <= self.radius * self.radius
    }
}

// ANCHOR: tests
#[cfg(test)]
mod tests {
    use super::Geofence;
    use millstream_plugin::testing::{StatefulTest, TestRecord};

    const FENCES: &str = r#"{"fences": [
        {"name": "depot", "lat": 52.5, "lon": 13.4, "radius": 200},
        {"name": "city", "lat": 52.5, "lon": 13.4, "radius": 5000}
    ]}"#;

    fn at(lat: f64) -> TestRecord {
        let value = format!(r#"{{"owner": "ada", "lat": {lat}, "lon": 13.4}}"#);
        TestRecord::value(value).key("van-1")
    }

    #[test]
    fn each_crossing_is_told_once() {
        let mut fences = StatefulTest::<Geofence>::new(FENCES).unwrap();
        let drive = [53.0, 52.52, 52.5, 52.5001, 52.52, 53.0].map(at);
        let told: Vec<Vec<String>> = { fences.run(&drive).into_iter() }
            .map(|made| made.unwrap().into_iter().map(|event| event.kind).collect())
            .collect();
        let expected: [&[&str]; 6] = [&[], &["enter"], &["enter"], &[], &["leave"], &["leave"]];
        assert_eq!(told, expected);
        assert_eq!(fences.value("van-1"), Some(&b""[..]));
    }
}
// ANCHOR_END: tests
