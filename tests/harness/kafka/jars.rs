use crate::janitor::target_dir;
use std::path::PathBuf;

/// The folder with Kafka's jars; panics with the command that installs them.
pub(super) fn find() -> PathBuf {
    if let Some(dir) = std::env::var_os("MILLSTREAM_KAFKA_JARS") {
        return PathBuf::from(dir);
    }
    let dir = target_dir().join(format!("kafka-and-tools-{}", version()));
    let complete = dir.join(".complete").exists();
    assert!(
        complete,
        "no Kafka in {}. Run `tests/run --setup`: it fetches it. Or set MILLSTREAM_KAFKA_JARS \
         to a folder with the jars of Kafka {}",
        dir.display(),
        version()
    );
    dir
}

/// The version in the pom, which is the only place that defines it.
fn version() -> &'static str {
    let pom = include_str!("../../kafka/pom.xml");
    let (_, rest) = pom.split_once("<kafka.version>").unwrap();
    rest.split_once('<').unwrap().0
}
