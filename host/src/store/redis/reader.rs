//! Reading many streams in one round trip.

use super::RedisStore;
use crate::record::{Entry, Gap, Page, StreamId, StreamName, Want};
use crate::store::Unavailable;
use bytes::Bytes;
use redis::{Pipeline, Value};

/// The answers before that of a transaction of three commands.
const QUEUED: usize = 4;

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
        let answers = self.answers(&pipe).await?;
        let mut answers = answers.into_iter();
        let mut pages: Vec<Page> = wants.iter().map(|want| page(want, &mut answers)).collect();
        self.begin_anew(wants, &mut pages).await?;
        Ok(pages)
    }

    /// Whose cursor is from the future has nothing after it: it gets what there
    /// is from the start.
    async fn begin_anew(&self, wants: &[Want], pages: &mut [Page]) -> Result<(), Unavailable> {
        let both = wants.iter().zip(pages);
        let rewound: Vec<_> = both
            .filter(|(_, page)| page.gap == Some(Gap::Rewound))
            .collect();
        if rewound.is_empty() {
            return Ok(());
        }
        let mut pipe = redis::pipe();
        for (want, _) in &rewound {
            self.ask_after(&mut pipe, want, "-");
        }
        pipe.ignore_errors();
        let answers = self.answers(&pipe).await?;
        for ((_, page), answer) in rewound.into_iter().zip(answers) {
            page.entries = entries(answer);
        }
        Ok(())
    }

    /// One answer to each command. That a key is missing, or is no stream, is
    /// an answer; a server that can't say (LOADING, NOPERM, MASTERDOWN, ...)
    /// must not look like it.
    async fn answers(&self, pipe: &Pipeline) -> Result<Vec<Value>, Unavailable> {
        let answers: Vec<Value> = self.query(pipe).await?;
        let within = |answer: &Value| match answer {
            Value::Array(answers) => answers.iter().find_map(cannot_say),
            _ => None,
        };
        let mut all = answers.iter();
        let cannot_say = all.find_map(|answer| cannot_say(answer).or_else(|| within(answer)));
        cannot_say.map_or(Ok(answers), Err)
    }

    pub(super) fn stream_key(&self, stream: &StreamName) -> Vec<u8> {
        self.keys.stream(stream.kind(), stream.as_str().as_bytes())
    }

    fn ask(&self, pipe: &mut Pipeline, want: &Want) {
        let key = self.stream_key(&want.stream);
        let Some(after) = want.after else {
            pipe.cmd("XINFO").arg("STREAM").arg(&key);
            return;
        };
        let from = format!("({after}");
        if !want.check_gap {
            return self.ask_after(pipe, want, &from);
        }
        // As they were at one moment: what comes between them would be neither
        // among the entries nor after the end.
        let cursor = after.to_string();
        pipe.cmd("MULTI");
        self.ask_after(pipe, want, &from);
        pipe.cmd("XINFO").arg("STREAM").arg(&key);
        pipe.cmd("XRANGE").arg(&key).arg(&cursor).arg(&cursor);
        pipe.cmd("EXEC");
    }

    fn ask_after(&self, pipe: &mut Pipeline, want: &Want, from: &str) {
        let key = self.stream_key(&want.stream);
        pipe.cmd("XRANGE").arg(key).arg(from).arg("+");
        pipe.arg("COUNT").arg(want.limit);
    }
}

fn cannot_say(answer: &Value) -> Option<Unavailable> {
    match answer {
        Value::ServerError(error) if !matches!(error.code(), "ERR" | "WRONGTYPE") => {
            Some(Unavailable(format!("Redis: {error}")))
        }
        _ => None,
    }
}

fn page(want: &Want, answers: &mut impl Iterator<Item = Value>) -> Page {
    let Some(after) = want.after else {
        return Page {
            last: info(answers.next().unwrap_or_default()).last,
            ..Page::default()
        };
    };
    if !want.check_gap {
        return Page {
            entries: entries(answers.next().unwrap_or_default()),
            ..Page::default()
        };
    }
    // Behind MULTI's and those of the three that were queued.
    let executed = match answers.nth(QUEUED) {
        Some(Value::Array(answers)) => answers,
        _ => Vec::new(),
    };
    let mut executed = executed.into_iter();
    let mut next = || executed.next().unwrap_or_default();
    let entries = entries(next());
    let info = info(next());
    let cursor_there = matches!(next(), Value::Array(found) if !found.is_empty());
    let (exists, last, all_there) = (info.exists, info.last, info.all_there);
    let gap = gap_of(&Seen {
        exists,
        last,
        all_there,
        cursor_there,
        after,
    });
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
pub(super) fn entries(value: Value) -> Vec<Entry> {
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
