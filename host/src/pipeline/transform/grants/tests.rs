use super::*;
use crate::record::TopicPartition;

fn record(hops: &[&str]) -> Batch {
    let mut batch = Batch::new(TopicPartition {
        topic: "t".into(),
        partition: 0,
    });
    let headers = hops
        .iter()
        .map(|text| (HOPS.as_bytes(), Some(text.as_bytes())));
    batch.push(0, 0, None, Some(b"v"), headers);
    batch
}

fn grants() -> Grants {
    Grants {
        pipeline: "p".into(),
        topics: ["t-dlq", "granted"].map(String::from).into(),
    }
}

fn reroute(topic: &str) -> Ruling {
    Ruling::Reroute {
        topic: topic.into(),
        headers: Vec::new(),
    }
}

fn letter(topic: Option<&str>) -> Ruling {
    Ruling::ToTopic {
        topic: topic.map(String::from),
        value: LetterValue::Same,
        headers: Vec::new(),
    }
}

#[test]
fn the_last_hops_header_counts_and_an_invalid_number_is_over_the_limit() {
    for (headers, next) in [
        (&[][..], "1"),
        (&["0"], "1"),
        (&["7"], "8"),
        (&["9", "2"], "3"),
        (&["2", ""], "4294967295"),
        (&["-1"], "4294967295"),
        (&["4294967295"], "4294967295"),
    ] {
        let (name, value) = hop(&record(headers).view(0));
        assert_eq!(name, HOPS.as_bytes());
        assert_eq!(value.as_deref(), Some(next.as_bytes()), "{headers:?}");
    }
}

#[test]
fn a_ruling_for_a_topic_that_is_not_granted_goes_to_the_default_topic() {
    let (grants, batch) = (grants(), record(&[]));
    let hold = |ruling| grants.hold(ruling, &batch.view(0));
    for granted in [
        reroute("granted"),
        letter(Some("granted")),
        letter(Some("t-dlq")),
        letter(None),
        Ruling::Drop,
        Ruling::Halt,
    ] {
        assert_eq!(hold(granted.clone()), granted);
    }
    for elsewhere in ["t", "requests", "granted2"] {
        assert_eq!(hold(reroute(elsewhere)), letter(None), "{elsewhere}");
        assert_eq!(hold(letter(Some(elsewhere))), letter(None), "{elsewhere}");
    }
}

#[test]
fn a_record_in_a_loop_goes_to_the_default_topic() {
    let grants = grants();
    for (hops, goes_on) in [("15", true), ("16", false), ("x", false)] {
        let batch = record(&[hops]);
        let held = grants.hold(reroute("granted"), &batch.view(0));
        let expected = match goes_on {
            true => reroute("granted"),
            false => letter(None),
        };
        assert_eq!(held, expected, "{hops}");
    }
}
