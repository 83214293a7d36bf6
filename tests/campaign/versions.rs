use crate::record::PARTITIONS;
use millstream_tests::{Redis, counting, versioned};
use std::collections::{BTreeMap, HashMap};

/// The plugin's versions, and the swap log, which says which version processed each offset.
pub struct Versions {
    names: Vec<String>,
    log: Vec<BTreeMap<usize, String>>,
}

/// A version of the plugin: its name, which it writes into each payload, and its file.
pub type Version = (&'static str, Vec<u8>);

/// The version that leaks a MiB for each record.
pub const LEAKS: &str = "leaks";

/// Builds the versions, the leaking one last. Slow.
pub fn build(stateful: bool) -> Vec<Version> {
    let build = if stateful { counting } else { versioned };
    ["one", "two", "three", LEAKS]
        .map(|name| (name, build(name)))
        .into()
}

impl Versions {
    pub fn new(names: &[&str]) -> Versions {
        Versions {
            names: names.iter().map(ToString::to_string).collect(),
            log: vec![BTreeMap::new(); PARTITIONS.into()],
        }
    }

    /// Notes that this version processes the partition from `offset` on.
    pub fn add(&mut self, partition: usize, offset: usize, name: &str) {
        self.log[partition].insert(offset, name.to_owned());
    }

    /// Reads the swap log; `key` is a partition's key without the partition number.
    pub fn read(redis: &Redis, key: &str, versions: &[Version]) -> Versions {
        let names: Vec<&str> = versions.iter().map(|(name, _)| *name).collect();
        let digest = |(name, wasm): &Version| (millstream::plugin::digest_of(wasm), *name);
        let by_digest: HashMap<String, &str> = versions.iter().map(digest).collect();
        let mut read = Versions::new(&names);
        let mut connection = redis.connect();
        for partition in 0..usize::from(PARTITIONS) {
            let mut range = redis::cmd("XRANGE");
            range.arg(format!("{key}{partition}")).arg("-").arg("+");
            let lines: Vec<(String, HashMap<String, String>)> =
                range.query(&mut connection).unwrap();
            for (_, fields) in lines {
                let digest = transform_digest(&fields["plugins"]);
                let name = by_digest.get(digest).copied();
                read.add(
                    partition,
                    fields["from"].parse().unwrap(),
                    name.unwrap_or(digest),
                );
            }
        }
        read
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The version for this record according to the log.
    pub fn at(&self, partition: usize, offset: usize) -> Option<&str> {
        let (_, name) = self.log[partition].range(..=offset).next_back()?;
        Some(name)
    }
}

/// Of `transform=<digest>/<configuration> route=... dead-letter=...`
fn transform_digest(plugins: &str) -> &str {
    let transform = plugins.split(' ').next().unwrap_or_default();
    let digest = transform.strip_prefix("transform=").unwrap_or_default();
    digest.split('/').next().unwrap_or_default()
}
