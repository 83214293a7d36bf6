//! Tests that every plugin must pass before it goes live.
//!
//! They use records of several shapes, and the author's own records where there
//! are some. No shape may trap the plugin or make it break the contract, and a
//! plugin must answer the same however records are cut into batches and
//! whatever came before. Otherwise a repetition after a crash would differ from
//! the first run.

use super::any::{AnyPlugin, PluginKind};
use super::capabilities::Capability;
use super::fixture::Line;
use super::probe::{Answer, BATCH, Case, CaseEvent, CaseFailure, Probe};
use crate::record::{Class, OwnedRecord, Stage, StreamKind, TopicPartition};
use anyhow::bail;

/// A case, and what it is called in a refusal.
pub struct Named {
    /// What the plugin is given.
    pub case: Case,
    /// Such as `a test record (a JSON object)`.
    pub name: String,
}

/// How many records are tried in an instance of their own.
const FRESH: usize = 64;

/// A description and the value of each test record.
fn shapes() -> Vec<(&'static str, Option<Vec<u8>>)> {
    let object = br#"{"id": 1, "clientId": "c", "nested": {"list": [1, 2.5, null, "x"]}}"#;
    let text = |text: &str| Some(text.as_bytes().to_vec());
    vec![
        ("a JSON object", Some(object.to_vec())),
        ("an absent value (a tombstone)", None),
        ("an empty value", text("")),
        ("JSON that is not an object", text("[1, \"two\", null]")),
        ("truncated JSON", text("{\"clientId\": \"c")),
        (
            "text that is not JSON",
            text("plain text\r\nwith two lines"),
        ),
        (
            "bytes that are not UTF-8",
            Some(vec![0xff, 0xfe, 0x00, 0x80]),
        ),
        ("a value of 64 KiB", Some(vec![b'x'; 64 << 10])),
        ("a repeated JSON object", Some(object.to_vec())),
    ]
}

/// The records that every plugin is tested with.
pub fn standard() -> Vec<Named> {
    let shapes = shapes().into_iter().enumerate();
    shapes
        .map(|(index, (what, value))| Named {
            case: case(index, value),
            name: format!("a test record ({what})"),
        })
        .collect()
}

fn case(index: usize, value: Option<Vec<u8>>) -> Case {
    let headers = [
        (b"h".to_vec(), Some(b"1".to_vec())),
        (b"h".to_vec(), Some(vec![0xff])),
        (b"absent".to_vec(), None),
    ];
    let classes = [
        Class::Malformed,
        Class::Transient,
        Class::Trap,
        Class::StoreRefused,
    ];
    Case {
        record: OwnedRecord {
            origin: TopicPartition {
                topic: "conformance".into(),
                partition: 0,
            },
            offset: index as i64,
            timestamp: 1_700_000_000_000 + index as i64,
            key: index.is_multiple_of(2).then(|| b"key".to_vec()),
            value,
            headers: headers.into_iter().take(index % 4).collect(),
        },
        event: CaseEvent {
            // Each kind of address with and without a type.
            to: match index % 4 {
                0 | 1 => StreamKind::Client,
                _ => StreamKind::Group,
            },
            name: "name".into(),
            kind: if index.is_multiple_of(2) {
                ""
            } else {
                "order.created"
            }
            .into(),
            payload: b"{}".to_vec(),
            connected: true,
        },
        failure: CaseFailure {
            class: classes[index % classes.len()],
            stage: Stage::Transform,
            message: "conformance".into(),
            attempts: index as u32 + 1,
        },
    }
}

/// Tests a plugin with these cases: as they come, each alone, in reverse, and
/// in fresh instances.
///
/// # Errors
/// Why it may not go live.
pub fn check(plugin: &AnyPlugin, named: &[Named]) -> anyhow::Result<()> {
    let cases: Vec<Case> = named.iter().map(|named| named.case.clone()).collect();
    let start = || Probe::new(plugin);
    let mut batches = start()?;
    let together = batches.run(&cases)?;
    for (named, answers) in named.iter().zip(&together) {
        bears(plugin.kind(), &named.name, answers)?;
    }
    let step = cases.len().div_ceil(FRESH).max(1);
    let mut used = start()?;
    for (index, case) in cases.iter().enumerate() {
        let case = std::slice::from_ref(case);
        let name = &named[index].name;
        // It has the values and times that the used one has.
        let fresh = (index % step == 0).then(|| used.fresh(plugin));
        let alone = used.run(case)?;
        let broke = used.broke();
        if let Some(fresh) = fresh {
            let mut instance = fresh?;
            let fresh = instance.run(case)?;
            if broke && bears(plugin.kind(), name, &fresh[0]).is_ok() {
                bail!(
                    "it keeps state in a variable: {name} fails after other records, but not in a fresh instance"
                );
            }
            if alone != fresh {
                bail!(
                    "it keeps state in a variable: {name} gives another result in a fresh instance"
                );
            }
            if !instance.remembers_as(&used) {
                bail!(
                    "it keeps state in a variable: {name} writes other values in a fresh instance"
                );
            }
        }
        if alone[0] != together[index] {
            bail!(
                "it keeps state in a variable: {name} gives another result alone than in a batch"
            );
        }
    }
    if !used.remembers_as(&batches) {
        bail!(
            "it keeps state in a variable: the records leave other values one by one than in a batch"
        );
    }
    match remembers(plugin) {
        // In another order it rightly gives another result.
        true => Ok(()),
        false => reversed(&mut used, named, &cases, &together),
    }
}

/// Whether a result may depend on the records before it.
fn remembers(plugin: &AnyPlugin) -> bool {
    let needed = plugin.program().needed;
    needed.has(Capability::Clock) || needed.has(Capability::Keyvalue)
}

/// Tests a plugin with the author's own records, file by file.
///
/// # Errors
/// Why it may not go live.
pub fn check_own(plugin: &AnyPlugin, own: &[(String, Vec<Line>)]) -> anyhow::Result<()> {
    for (file, lines) in own {
        let named = lines.iter().map(|line| Named {
            case: line.case.clone(),
            name: format!("record {} of {file}", line.number),
        });
        check(plugin, &named.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// In reverse, batch by batch, in an instance that has seen all of them: what is
/// kept from one record to the next is another thing then.
fn reversed(
    probe: &mut Probe,
    named: &[Named],
    cases: &[Case],
    expected: &[Vec<Answer>],
) -> anyhow::Result<()> {
    for start in (0..cases.len()).step_by(BATCH) {
        let end = cases.len().min(start + BATCH);
        let backwards: Vec<Case> = cases[start..end].iter().rev().cloned().collect();
        let answers = probe.run(&backwards)?;
        for (index, answers) in (start..end).rev().zip(answers) {
            if answers != expected[index] {
                let name = &named[index].name;
                bail!(
                    "it keeps state in a variable: {name} gives another result after other records"
                );
            }
        }
    }
    Ok(())
}

/// The plugin may refuse a record, but not break on it.
fn bears(kind: PluginKind, name: &str, answers: &[Answer]) -> anyhow::Result<()> {
    use Class::{BadOutput, OutOfMemory, Timeout, TooLarge, Trap};
    let broken = |class: Class| match kind {
        PluginKind::Transform => {
            matches!(class, BadOutput | OutOfMemory | Timeout | TooLarge | Trap)
        }
        PluginKind::Route => class != Class::Unroutable,
        PluginKind::DeadLetter => true,
    };
    for answer in answers {
        if let Answer::Failure { class, message } = answer
            && broken(*class)
        {
            bail!("it failed on {name}: {}: {message}", class.name());
        }
    }
    Ok(())
}
