//! A dead letter: its headers, and the record that failed.

use crate::pipeline::commit::oversize as omitted;
use crate::pipeline::headers::{ERROR, HOPS, OWN_VALUE, REPLAYS, SOURCE};
use crate::pipeline::transform::replays::source_in;
use crate::record::{Headers, OwnedRecord, TopicPartition};

/// A header's name and value.
type Header = (Vec<u8>, Option<Vec<u8>>);

/// A dead letter that was read from its topic.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The letter as a record of its topic.
    pub record: OwnedRecord,
    /// The failure's class.
    pub class: String,
    /// The failure's message.
    pub message: String,
    /// The failure's stage.
    pub stage: String,
    /// The plugin that failed; empty if none did.
    pub plugin: String,
    /// The digest of that plugin; empty if none failed.
    pub digest: String,
    /// How often the record was tried.
    pub attempts: u32,
    /// The consumer group that it failed in; `None` in letters that were written before
    /// groups were recorded.
    pub group: Option<String>,
    /// How many events the record made before it failed, if known.
    pub events: Option<u32>,
    /// The topic and partition of the record.
    pub source: TopicPartition,
    /// The offset of the record.
    pub source_offset: i64,
    /// The time of the record, in milliseconds since 1970-01-01 UTC; -1 if it had none.
    pub source_timestamp: i64,
    /// How often the record was sent to its topic again.
    pub replays: u32,
    /// The policy wrote the value: it is not the record's.
    pub own_value: bool,
    /// What it omits of its record, if it was too large for its topic.
    pub omitted: Option<Omitted>,
    /// How many of its headers come from the record.
    own: usize,
}

/// What a letter omits of its record.
#[derive(Clone, Debug)]
pub struct Omitted {
    /// `value`, `headers`, `key`, separated by commas.
    pub parts: String,
    /// The size of its record in bytes.
    pub size: u64,
    /// The record's digest.
    digest: String,
    /// Why the record's bytes are missing; `None` once they were
    /// fetched.
    pub absent: Option<String>,
}

impl Letter {
    /// Parses a record as a letter. Returns the record if its headers don't describe a
    /// failure.
    ///
    /// # Errors
    /// The record.
    pub fn of(record: OwnedRecord) -> Result<Letter, Box<OwnedRecord>> {
        let text = |name: &str| last(&record.headers, name);
        let number = |name: &str| text(name)?.parse::<i64>().ok();
        let topic = text("topic").filter(|topic| !topic.is_empty());
        let (Some(topic), Some(partition), Some(offset)) =
            (topic, number("partition"), number("offset"))
        else {
            return Err(Box::new(record));
        };
        // The first header that the host wrote about this failure. An earlier one of
        // that name belongs to the record, from an earlier failure.
        let first = error(ERROR[0]);
        let Some(own) = record.headers.iter().rposition(|(name, _)| *name == first) else {
            return Err(Box::new(record));
        };
        let or_empty = |name: &str| text(name).unwrap_or_default();
        Ok(Letter {
            class: or_empty("class"),
            message: or_empty("message"),
            stage: or_empty("stage"),
            plugin: or_empty("plugin"),
            digest: or_empty("digest"),
            attempts: or_empty("attempts").parse().unwrap_or(1),
            // Earlier headers belong to the record, from another letter.
            group: last(&record.headers[own..], "group"),
            events: last(&record.headers[own..], "events").and_then(|text| text.parse().ok()),
            source: TopicPartition {
                topic: topic.into(),
                partition: i32::try_from(partition).unwrap_or(-1),
            },
            source_offset: offset,
            source_timestamp: number("timestamp").unwrap_or(-1),
            replays: replays(&record.headers),
            own_value: { record.headers[own..].iter() }
                .any(|(name, _)| name == OWN_VALUE.as_bytes()),
            omitted: Omitted::in_headers(&record.headers[own..]),
            own,
            record,
        })
    }

    /// Restores what the letter omits from the record at its source, unless that is
    /// another record.
    pub fn restored(mut self, source: OwnedRecord) -> Letter {
        let Some(omitted) = &mut self.omitted else {
            return self;
        };
        let headers = source.headers.iter();
        let headers = headers.map(|(name, value)| (&name[..], value.as_deref()));
        let digest = omitted::digest(source.key.as_deref(), source.value.as_deref(), headers);
        if digest != omitted.digest {
            omitted.absent = Some("another record is there now: its digest differs".into());
            return self;
        }
        omitted.absent = None;
        (self.record.key, self.record.value) = (source.key, source.value);
        let told = self.record.headers.split_off(self.own);
        self.own = source.headers.len();
        self.record.headers = source.headers;
        self.record.headers.extend(told);
        self.replays = replays(&self.record.headers);
        self.own_value = false;
        self
    }

    /// Notes why the letter's record can't be fetched.
    pub fn without_record(mut self, why: String) -> Letter {
        if let Some(omitted) = &mut self.omitted {
            omitted.absent = Some(why);
        }
        self
    }

    /// Why its record's bytes are missing, if they are.
    pub fn absent(&self) -> Option<&str> {
        self.omitted.as_ref()?.absent.as_deref()
    }

    /// Whether it may belong to this group. A letter without a group matches any.
    pub fn may_be_of(&self, group: &str) -> bool {
        self.group.as_deref().is_none_or(|of| of == group)
    }

    /// The stable name of its record: with `replays = true` where the record was first,
    /// otherwise where this one was, since other programs may copy `millstream.source`
    /// to records that they create.
    pub fn identity(&self, replays: bool) -> String {
        let headers = self.record.headers.iter();
        let headers = headers.map(|(name, value)| (&name[..], value.as_deref()));
        match source_in(headers).filter(|_| replays) {
            Some(first) => first.to_string(),
            None => format!("{}/{}", self.source, self.source_offset),
        }
    }

    /// The record that failed, as its pipeline read it. The value is the policy's,
    /// if that wrote one.
    pub fn source_record(&self) -> OwnedRecord {
        OwnedRecord {
            origin: self.source.clone(),
            offset: self.source_offset,
            timestamp: self.source_timestamp,
            key: self.record.key.clone(),
            value: self.record.value.clone(),
            headers: self.own_headers().to_vec(),
        }
    }

    /// The record's headers. The host's headers about the failure follow them, then
    /// those that the policy added.
    pub fn own_headers(&self) -> &[Header] {
        &self.record.headers[..self.own]
    }

    /// The headers that the policy added.
    pub fn added_headers(&self) -> impl Iterator<Item = &Header> {
        let counted = [SOURCE, HOPS].map(str::as_bytes);
        let told =
            move |name: &[u8]| counted.contains(&name) || name.starts_with(b"millstream.error.");
        let behind = self.record.headers[self.own..].iter();
        behind.filter(move |(name, _)| !told(name))
    }

    /// The size of key, value and headers in bytes.
    pub fn size(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.record.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.len() + length(value))
            .sum();
        length(&self.record.key) + length(&self.record.value) + headers
    }
}

impl Omitted {
    fn in_headers(told: &[Header]) -> Option<Omitted> {
        Some(Omitted {
            parts: last(told, "omitted")?,
            size: last(told, "record-size")?.parse().ok()?,
            digest: last(told, "record-digest")?,
            absent: Some("the record was not fetched".into()),
        })
    }
}

fn error(name: &str) -> Vec<u8> {
    format!("millstream.error.{name}").into_bytes()
}

/// The last `millstream.error.` header of this name, as text.
fn last(headers: &[Header], name: &str) -> Option<String> {
    let name = error(name);
    let (_, value) = headers.iter().rev().find(|(found, _)| *found == name)?;
    Some(String::from_utf8_lossy(value.as_deref()?).into_owned())
}

/// How often it was sent again. An invalid number exceeds every limit.
fn replays(headers: &Headers) -> u32 {
    let found = headers.iter().find(|(name, _)| name == REPLAYS.as_bytes());
    found.map_or(0, |(_, value)| {
        let text = std::str::from_utf8(value.as_deref().unwrap_or_default());
        text.ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(u32::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    fn letter(pairs: Pairs) -> Result<Letter, Box<OwnedRecord>> {
        let header = |(name, value): &(&str, &str)| {
            (name.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))
        };
        Letter::of(OwnedRecord {
            origin: TopicPartition {
                topic: "t-dlq".into(),
                partition: 0,
            },
            offset: 5,
            timestamp: 7,
            key: None,
            value: None,
            headers: pairs.iter().map(header).collect(),
        })
    }

    const TOLD: [(&str, &str); 5] = [
        ("millstream.error.class", "rejected"),
        ("millstream.error.topic", "t"),
        ("millstream.error.partition", "1"),
        ("millstream.error.offset", "9"),
        ("millstream.source", "t/1/9"),
    ];

    #[test]
    fn a_record_without_a_source_position_is_not_a_letter() {
        assert!(letter(&[]).is_err());
        assert!(letter(&TOLD[..2]).is_err());
        assert!(
            letter(&[("millstream.source", "t/1/9")]).is_err(),
            "rerouted"
        );
        assert!(letter(&TOLD).is_ok());
    }

    #[test]
    fn a_records_headers_are_those_before_the_last_ones_of_the_host() {
        let own = [
            ("trace", "a"),
            ("millstream.error.class", "trap"),
            ("millstream.source", "t/0/1"),
            ("millstream.replays", "2"),
            ("trace", "b"),
        ];
        let added = [("content-type", "text/plain")];
        let letter = letter(&[&own[..], &TOLD, &added].concat()).unwrap();
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
        let pair = |(name, value): &Header| (text(name), text(value.as_ref().unwrap()));
        let found: Vec<_> = letter.own_headers().iter().map(pair).collect();
        let own = own.map(|(name, value)| (name.to_string(), value.to_string()));
        assert_eq!(found, own);
        let found: Vec<_> = letter.added_headers().map(pair).collect();
        assert_eq!(
            found,
            added.map(|(name, value)| (name.to_string(), value.to_string()))
        );
        assert_eq!(letter.replays, 2);
    }

    #[test]
    fn a_letter_that_came_back_has_the_identity_of_its_first_record() {
        let back = [&[("millstream.source", "t/0/1")], &TOLD[..]].concat();
        let letter = letter(&back).unwrap();
        assert_eq!(letter.identity(true), "t/0/1");
        assert_eq!(letter.identity(false), "t/1/9");
    }

    #[test]
    fn a_letter_belongs_to_the_group_that_wrote_it_and_not_to_an_earlier_one() {
        let of = |group| ("millstream.error.group", group);
        let before = [of("before")];
        let silent = letter(&[&before[..], &TOLD].concat()).unwrap();
        assert!(silent.may_be_of("a") && silent.may_be_of("before"));
        let said = letter(&[&before[..], &TOLD, &[of("a")]].concat()).unwrap();
        assert!(said.may_be_of("a") && !said.may_be_of("before"));
    }

    #[test]
    fn an_invalid_count_is_over_every_limit() {
        for (text, count) in [("3", 3), ("", u32::MAX), ("-1", u32::MAX), ("x", u32::MAX)] {
            let counted = [&[("millstream.replays", text)], &TOLD[..]].concat();
            assert_eq!(letter(&counted).unwrap().replays, count, "{text:?}");
        }
    }
}
