//! Reading many streams in one round trip.

use super::RedisStore;
use crate::record::{Entry, Gap, Page, StreamId, Want};
use crate::store::Unavailable;
use bytes::Bytes;
use redis::{Pipeline, Value};

impl RedisStore {
    pub(in crate::store) async fn read(&self, wants: &[Want]) -> Result<Vec<Page>, Unavailable> {
        if wants.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for want in wants {
            self.ask(&mut pipe, want);
        }
        // One client's wrong key type must not blind the others.
        pipe.ignore_errors();
        let answers: Vec<Value> = self.query(&pipe).await?;
        let mut answers = answers.into_iter();
        Ok(wants.iter().map(|want| page(want, &mut answers)).collect())
    }

    fn ask(&self, pipe: &mut Pipeline, want: &Want) {
        let key = self.keys.stream(want.client.as_str().as_bytes());
        let Some(after) = want.after else {
            pipe.cmd("XINFO").arg("STREAM").arg(&key);
            return;
        };
        if want.check_gap {
            let cursor = after.to_string();
            pipe.cmd("XINFO").arg("STREAM").arg(&key);
            pipe.cmd("XRANGE").arg(&key).arg(&cursor).arg(&cursor);
            // From the start: a cursor from the future has nothing after it.
            pipe.cmd("XRANGE")
                .arg(&key)
                .arg("-")
                .arg("+")
                .arg("COUNT")
                .arg(want.limit);
        }
        let from = format!("({after}");
        pipe.cmd("XRANGE")
            .arg(&key)
            .arg(from)
            .arg("+")
            .arg("COUNT")
            .arg(want.limit);
    }
}

fn page(want: &Want, answers: &mut impl Iterator<Item = Value>) -> Page {
    let mut next = || answers.next().unwrap_or_default();
    let Some(after) = want.after else {
        return Page {
            last: info(next()).last,
            ..Page::default()
        };
    };
    if !want.check_gap {
        return Page {
            entries: entries(next()),
            ..Page::default()
        };
    }
    let info = info(next());
    let cursor_there = !entries(next()).is_empty();
    let (from_start, from_cursor) = (entries(next()), entries(next()));
    let (exists, last, all_there) = (info.exists, info.last, info.all_there);
    let gap = gap_of(&Seen {
        exists,
        last,
        all_there,
        cursor_there,
        after,
    });
    let entries = if gap == Some(Gap::Rewound) {
        from_start
    } else {
        from_cursor
    };
    Page { entries, last, gap }
}

/// What was found of a stream when a reader came back to it.
pub(in crate::store) struct Seen {
    /// There is such a stream.
    pub exists: bool,
    /// The last id that it ever had.
    pub last: StreamId,
    /// No entry was ever removed from it.
    pub all_there: bool,
    /// The cursor's own entry is there.
    pub cursor_there: bool,
    /// The reader's cursor.
    pub after: StreamId,
}

/// What a reader may have missed. A stream tells no more than whether the
/// cursor's entry is still there; where it isn't, the honest answer is that
/// there may be a gap.
pub(in crate::store) fn gap_of(seen: &Seen) -> Option<Gap> {
    let from_start = seen.after == StreamId::default();
    if !seen.exists {
        return (!from_start).then_some(Gap::Reset);
    }
    if seen.after > seen.last {
        return Some(Gap::Rewound);
    }
    let nothing_between = seen.cursor_there || seen.after == seen.last;
    let complete = nothing_between || (from_start && seen.all_there);
    (!complete).then_some(Gap::Trimmed)
}

struct Info {
    exists: bool,
    last: StreamId,
    all_there: bool,
}

/// Reads XINFO STREAM; an error is "no such key".
fn info(value: Value) -> Info {
    let mut info = Info {
        exists: false,
        last: StreamId::default(),
        all_there: true,
    };
    let (mut length, mut added) = (0, None);
    let Some(fields) = value.into_map_iter().ok() else {
        return info;
    };
    info.exists = true;
    for (name, value) in fields {
        match (text(&name).as_str(), &value) {
            ("last-generated-id", id) => info.last = text(id).parse().unwrap_or_default(),
            ("length", Value::Int(n)) => length = *n,
            // Redis 7 and later.
            ("entries-added", Value::Int(n)) => added = Some(*n),
            _ => {}
        }
    }
    info.all_there = added.is_some_and(|added| added == length);
    info
}

fn text(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        _ => String::new(),
    }
}

/// Reads XRANGE's answer; an error (no stream) is no entries.
fn entries(value: Value) -> Vec<Entry> {
    let Value::Array(list) = value else {
        return Vec::new();
    };
    list.into_iter().filter_map(entry).collect()
}

fn entry(value: Value) -> Option<Entry> {
    let Value::Array(parts) = value else {
        return None;
    };
    let mut parts = parts.into_iter();
    let id = text(&parts.next()?).parse().ok()?;
    let Value::Array(fields) = parts.next()? else {
        return None;
    };
    let mut entry = Entry {
        id,
        kind: Bytes::new(),
        data: Bytes::new(),
    };
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) =
        (fields.next(), fields.next())
    {
        match &name[..] {
            b"type" => entry.kind = value.into(),
            b"data" => entry.data = value.into(),
            _ => {}
        }
    }
    Some(entry)
}
