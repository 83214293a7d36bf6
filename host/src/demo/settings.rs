//! The demo's configuration, parsed from TOML like any other.

use crate::config;
use crate::config::{Role, Settings};
use crate::kafka::Membership;
use crate::pipeline::PluginSettings;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

const TOML: &str = include_str!("demo.toml");
/// The two transforms, in the order of swaps.
const TRANSFORMS: [(&str, &str); 2] = [
    ("v1", include_str!("v1.toml")),
    ("v2", include_str!("v2.toml")),
];

/// The settings of the daemon, and the transforms that it can swap to.
pub(super) struct Scene {
    /// For the daemon, with the first transform.
    pub settings: Settings,
    /// The TOML text of the settings, for `/demo/config`.
    pub toml: String,
    /// The first transform is live at the start.
    pub transforms: [Transform; 2],
}

/// One of the transforms.
pub(super) struct Transform {
    /// The `version` in every payload that it makes.
    pub version: &'static str,
    /// The pipeline's plugins with this transform.
    pub plugins: PluginSettings,
    digest: String,
}

impl Scene {
    /// The configuration for this Kafka and this address.
    ///
    /// # Errors
    /// If the configuration isn't valid.
    pub fn new(kafka: &str, listen: SocketAddr) -> anyhow::Result<Scene> {
        let [v1, v2] = TRANSFORMS.map(|(version, transform)| {
            let toml = text(kafka, listen, transform);
            let mut settings = config::parse(Path::new("demo.toml"), &toml, Role::All)?;
            if let Some(kafka) = &mut settings.kafka {
                // Its consumer group ends with this process.
                kafka.membership = Membership::Dynamic;
            }
            let transform = Transform::of(version, &settings)?;
            anyhow::Ok((settings, toml, transform))
        });
        let ((settings, mut toml, v1), (_, _, v2)) = (v1?, v2?);
        toml.push_str(&other());
        Ok(Scene {
            settings,
            toml,
            transforms: [v1, v2],
        })
    }
}

fn text(kafka: &str, listen: SocketAddr, transform: &str) -> String {
    let toml = TOML.replace("<kafka>", kafka);
    let mut http = format!("\"{listen}\"");
    if !listen.ip().is_loopback() {
        // The user chose that address, and the events are not real.
        http.push_str("\nallow-unauthenticated = true");
    }
    toml.replace("\"<listen>\"", &http) + transform
}

/// The transform that isn't live at the start, as a TOML comment.
fn other() -> String {
    let [_, (_, toml)] = TRANSFORMS;
    let lines = toml.lines().map(|line| format!("# {line}\n"));
    let why = "\n# The button on the page swaps the transform for this one, and back:\n";
    std::iter::once(why.into()).chain(lines).collect()
}

impl Transform {
    fn of(version: &'static str, settings: &Settings) -> anyhow::Result<Transform> {
        let plugins = settings.pipelines[0].plugins.clone();
        let digest = plugins.transform.source.read()?.digest;
        Ok(Transform {
            version,
            plugins,
            digest,
        })
    }

    /// The description for the page.
    pub fn describe(&self) -> Value {
        json!({
            "version": self.version,
            "transform": self.plugins.transform.source.name(),
            "digest": self.digest.get(..12),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_valid_and_the_transforms_differ() {
        for listen in ["127.0.0.1:8080", "0.0.0.0:0", "[::1]:0"] {
            let scene = Scene::new("127.0.0.1:9092", listen.parse().unwrap()).unwrap();
            assert_eq!(scene.settings.http.listen.to_string(), listen);
            let [v1, v2] = scene.transforms;
            assert_ne!(v1.digest, v2.digest);
            assert_eq!(v1.plugins.route, v2.plugins.route);
        }
    }
}
