//! Reads many streams in few round trips.

mod answers;

pub(super) use answers::entries;

use super::store::RedisStore;
use crate::record::{Gap, Page, StreamId, StreamName, Want};
use crate::store::Unavailable;
use crate::store::gap::{Cursor, gap_of};
use answers::{bytes, cannot_say, info, number};
use redis::{Pipeline, Value};

/// The maximum number of streams in the first round trip, and in a later one: the
/// size of their entries is unknown until they arrive.
const FIRST: usize = 4;
const MOST: usize = 64;
/// The number of streams per round trip grows while an answer is smaller than
/// this.
const LITTLE: usize = 256 << 10;

/// How to query one stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Only its state.
    End,
    /// Its entries and its length: cheap, and sufficient if an entry at or before
    /// the cursor remains.
    Entries,
    /// Its entries and its state.
    Whole,
}

impl How {
    fn first(want: &Want) -> How {
        match (want.after, want.check_gap) {
            (None, _) => How::End,
            (Some(_), true) => How::Whole,
            (Some(_), false) => How::Entries,
        }
    }
}

impl RedisStore {
    /// Pages of these streams, in the given order, until they have about `most`
    /// bytes: so there may be fewer, but at least one.
    pub(in crate::store) async fn read(
        &self,
        wants: &[Want],
        most: usize,
    ) -> Result<Vec<Page>, Unavailable> {
        let mut pages = Vec::with_capacity(wants.len());
        let (mut some, mut brought) = (FIRST, 0);
        while pages.len() < wants.len() && brought < most {
            let rest = &wants[pages.len()..];
            let (read, size) = self.read_some(&rest[..some.min(rest.len())]).await?;
            pages.extend(read);
            brought += size;
            some = match size {
                0..LITTLE => (some * 2).min(MOST),
                _ => FIRST,
            };
        }
        Ok(pages)
    }

    /// Pages of all these streams, and their size in bytes.
    async fn read_some(&self, wants: &[Want]) -> Result<(Vec<Page>, usize), Unavailable> {
        let asked: Vec<_> = wants.iter().map(|want| (want, How::first(want))).collect();
        let (mut pages, mut size) = self.ask(&asked).await?;
        let both = wants.iter().zip(&mut pages);
        let unsure: Vec<_> = both.filter(|(want, page)| is_unsure(want, page)).collect();
        if !unsure.is_empty() {
            let asked: Vec<_> = unsure.iter().map(|(want, _)| (*want, How::Whole)).collect();
            let (again, more) = self.ask(&asked).await?;
            unsure
                .into_iter()
                .zip(again)
                .for_each(|((_, page), again)| *page = again);
            size += more;
        }
        size += self.begin_anew(wants, &mut pages).await?;
        Ok((pages, size))
    }

    /// A cursor from the future has nothing after it: such a reader gets the
    /// stream from the start.
    async fn begin_anew(&self, wants: &[Want], pages: &mut [Page]) -> Result<usize, Unavailable> {
        let both = wants.iter().zip(pages);
        let rewound: Vec<_> = both
            .filter(|(_, page)| page.gap == Some(Gap::Rewound))
            .collect();
        if rewound.is_empty() {
            return Ok(0);
        }
        let start = Some(StreamId::default());
        let wants: Vec<Want> = rewound
            .iter()
            .map(|(want, _)| Want {
                after: start,
                ..(*want).clone()
            })
            .collect();
        let asked: Vec<_> = wants.iter().map(|want| (want, How::Whole)).collect();
        let (anew, size) = self.ask(&asked).await?;
        for ((_, page), anew) in rewound.into_iter().zip(anew) {
            *page = Page {
                gap: page.gap,
                ..anew
            };
        }
        Ok(size)
    }

    /// Reads all of it at one moment: an entry added in between would be neither
    /// returned nor counted. A key that is missing or not a stream is an answer;
    /// a server that can't answer (LOADING, NOPERM, MASTERDOWN, ...) must not
    /// look like one.
    async fn ask(&self, asked: &[(&Want, How)]) -> Result<(Vec<Page>, usize), Unavailable> {
        let mut pipe = redis::pipe();
        pipe.cmd("MULTI");
        for (want, how) in asked {
            self.ask_one(&mut pipe, want, *how);
        }
        pipe.cmd("EXEC");
        // One client's wrong key type must not fail the others.
        pipe.ignore_errors();
        let mut answers: Vec<Value> = self.query(&pipe).await?;
        let executed = match answers.pop() {
            Some(Value::Array(executed)) => executed,
            other => {
                let first = answers.iter().find_map(cannot_say);
                let why = first.or_else(|| other.as_ref().and_then(cannot_say));
                return Err(why.unwrap_or_else(|| Unavailable("Redis: no answer to EXEC".into())));
            }
        };
        if let Some(why) = executed.iter().find_map(cannot_say) {
            return Err(why);
        }
        let size = executed.iter().map(bytes).sum();
        let mut executed = executed.into_iter();
        let pages = asked
            .iter()
            .map(|(want, how)| page(want, *how, &mut executed));
        Ok((pages.collect(), size))
    }

    pub(super) fn stream_key(&self, stream: &StreamName) -> Vec<u8> {
        self.keys.stream(stream.kind(), stream.as_str().as_bytes())
    }

    fn ask_one(&self, pipe: &mut Pipeline, want: &Want, how: How) {
        let key = self.stream_key(&want.stream);
        if let Some(after) = want.after {
            pipe.cmd("XRANGE")
                .arg(&key)
                .arg(format!("({after}"))
                .arg("+");
            pipe.arg("COUNT").arg(want.limit);
        }
        match how {
            How::End | How::Whole => pipe.cmd("XINFO").arg("STREAM").arg(&key),
            How::Entries => pipe.cmd("XLEN").arg(&key),
        };
    }
}

/// Whether entries after the cursor may be gone: by these answers, no entry at or
/// before the cursor remains.
fn is_unsure(want: &Want, page: &Page) -> bool {
    let cheap = How::first(want) == How::Entries;
    cheap && want.counted.is_some() && page.counted.is_none()
}

fn page(want: &Want, how: How, answers: &mut impl Iterator<Item = Value>) -> Page {
    let mut next = || answers.next().unwrap_or_default();
    let Some(after) = want.after else {
        let seen = info(next());
        return Page {
            last: seen.last,
            counted: seen.added,
            ..Page::default()
        };
    };
    let entries = entries(next());
    let count = entries.len() as u64;
    let full = entries.len() >= want.limit;
    let and_these = want.counted.map(|counted| counted + count);
    if how == How::Entries {
        let length = number(&next());
        let sure = count == 0 || (!full && length > count);
        return Page {
            counted: and_these.filter(|_| sure),
            entries,
            ..Page::default()
        };
    }
    let seen = info(next());
    let cursor = Cursor {
        after,
        counted: want.counted,
        arrives: want.check_gap,
    };
    let gap = gap_of(&seen, &cursor);
    // The stream's other entries come after these.
    let rest = (seen.length).saturating_sub(count);
    let before_all = seen.first.is_none_or(|first| first > after);
    Page {
        entries,
        last: seen.last,
        gap,
        counted: match full {
            false => seen.added,
            true if before_all => seen.added.and_then(|added| added.checked_sub(rest)),
            true => and_these,
        },
    }
}
