//! Checks the checker at each start: it must find each kind of flaw, and nothing else.

use crate::check::Checker;
use crate::findings::{Findings, Flaw};
use crate::input::Input;
use crate::record::{PARTITIONS, Record};
use crate::versions::Versions;
use millstream_tests::{Consumed, Entry};

const SEED: u64 = 1;
const TOPIC: &str = "made-up";
const RECORDS: u32 = 2000;

/// The correct output: an event of each well-formed record, a letter of each other.
struct Output {
    events: Vec<(String, Entry)>,
    letters: Vec<Consumed>,
}

/// Panics if the checker is wrong.
pub fn self_check() {
    let (input, versions) = (input(), versions());
    expect(&[], &input, &versions, |_| {});
    expect(&[Flaw::Lost], &input, &versions, |out| {
        _ = out.events.remove(7);
    });
    expect(&[Flaw::Doubled], &input, &versions, |out| {
        out.events.push(out.events[7].clone());
    });
    expect(&[Flaw::OutOfOrder], &input, &versions, |out| {
        let (one, next) = neighbours(&out.events);
        out.events.swap(one, next);
    });
    expect(&[Flaw::WrongClient], &input, &versions, |out| {
        out.events[7].0 = "another".into();
    });
    expect(&[Flaw::WrongPayload], &input, &versions, |out| {
        out.events[7].1.data.push(' ');
    });
    expect(&[Flaw::WrongPayload], &input, &versions, |out| {
        // One record too many was counted.
        let data = &mut out.events[7].1.data;
        *data = data.replacen(r#""count":"#, r#""count":1"#, 1);
    });
    expect(&[Flaw::WrongVersion], &input, &versions, |out| {
        let data = &mut out.events[7].1.data;
        *data = data.replacen(r#""version":"one""#, r#""version":"two""#, 1);
    });
    expect(&[Flaw::StrayEvent], &input, &versions, |out| {
        let (client, mut event) = out.events[7].clone();
        event.source.replace_range(event.source.len() - 1.., "1"); // a second event of its record
        out.events.push((client, event));
    });
    expect(&[Flaw::LetterMissing], &input, &versions, |out| {
        _ = out.letters.remove(7);
    });
    expect(&[], &input, &versions, |out| {
        out.letters.push(out.letters[7].clone());
    });
    expect(&[Flaw::LetterDamaged], &input, &versions, |out| {
        out.letters[7].value.as_mut().unwrap().pop();
    });
    expect(&[Flaw::StrayLetter], &input, &versions, |out| {
        let mut letter = out.letters[7].clone();
        let source = letter
            .headers
            .iter_mut()
            .find(|(name, _)| name == "millstream.source");
        source.unwrap().1 = Some(out.events[7].1.source.clone().into_bytes());
        out.letters.push(letter);
    });
}

fn expect(flaws: &[Flaw], input: &Input, versions: &Versions, spoil: impl FnOnce(&mut Output)) {
    let mut output = output(input);
    spoil(&mut output);
    let findings = check(&output, input, versions);
    let found: u64 = flaws.iter().map(|flaw| findings.count(*flaw)).sum();
    let (told, right) = (findings.to_string(), findings.flaws() == flaws.len() as u64);
    assert!(
        right && found == findings.flaws(),
        "the checker should find {flaws:?}, but found: {told}"
    );
}

fn check(output: &Output, input: &Input, versions: &Versions) -> Findings {
    let mut checker = Checker::new(input, versions);
    output
        .events
        .iter()
        .for_each(|(client, entry)| checker.event(client, entry));
    output
        .letters
        .iter()
        .for_each(|letter| checker.letter(letter));
    checker.finish()
}

fn input() -> Input {
    let mut input = Input::new(TOPIC, SEED);
    let mut ends = [0; PARTITIONS as usize];
    for number in 0..RECORDS {
        let partition = Record::new(SEED, number).partition;
        let end = &mut ends[usize::from(partition)];
        input.add(partition.into(), *end, number);
        *end += 1;
    }
    input.number_by_client();
    input
}

fn versions() -> Versions {
    let mut versions = Versions::new(&["one", "two"]);
    for partition in 0..usize::from(PARTITIONS) {
        versions.add(partition, 0, "one");
        versions.add(partition, 100, "two");
    }
    versions
}

fn output(input: &Input) -> Output {
    let mut output = Output {
        events: Vec::new(),
        letters: Vec::new(),
    };
    for (partition, length) in input.lengths().enumerate() {
        for offset in 0..length {
            let record = input.record(partition, offset).unwrap();
            let source = format!("{TOPIC}/{partition}/{offset}");
            match record.good {
                true => output
                    .events
                    .push((record.client(), event(input, &record, (partition, offset)))),
                false => output.letters.push(letter(&record, source)),
            }
        }
    }
    output
}

fn event(input: &Input, record: &Record, place: (usize, usize)) -> Entry {
    let (partition, offset) = place;
    let version = if offset < 100 { "one" } else { "two" };
    Entry {
        id: format!("{offset}-0"),
        event_type: "versioned".into(),
        data: input.payload(record, place, version),
        source: format!("{TOPIC}/{partition}/{offset}/0"),
    }
}

fn letter(record: &Record, source: String) -> Consumed {
    let sent = record.message();
    let mut headers = sent.headers;
    headers.push(("millstream.source".into(), Some(source.into_bytes())));
    headers.push(("millstream.error.class".into(), Some(b"malformed".into())));
    let (key, value) = (sent.key, sent.value);
    Consumed {
        partition: 0,
        offset: 0,
        timestamp: 0,
        key,
        value,
        headers,
    }
}

/// Two adjacent events of one client and one partition.
fn neighbours(events: &[(String, Entry)]) -> (usize, usize) {
    let lane = |at: usize| {
        let (client, entry) = &events[at];
        (client, entry.source.split('/').nth(1))
    };
    let next = |one| (one + 1..events.len()).find(|at| lane(*at) == lane(one));
    let mut pairs = (0..events.len()).filter_map(|one| Some((one, next(one)?)));
    pairs.next().expect("two such events")
}
