//! Reading a stream after a cursor.

use super::{append, at, both, both_with, client_stream, key, stored};
use millstream::record::{Entry, Gap, Page, StreamId, Want};
use millstream::store::Retention;

#[test]
fn pages_follow_a_cursor() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let of = [("a", "0"), ("a", "1"), ("a", "2"), ("a", "3"), ("b", "x")];
        stored(append(&mut *writer, &key(0), 0, &of));
        let ids: Vec<StreamId> = subject.stream("a").iter().map(|entry| entry.id).collect();
        let data = |page: &Page| -> Vec<String> {
            page.entries
                .iter()
                .map(|e| String::from_utf8_lossy(&e.data).into_owned())
                .collect()
        };

        let end = subject.page("a", None, 10, false);
        assert_eq!((end.last, end.gap, end.entries.len()), (ids[3], None, 0));
        let nobody = subject.page("nobody", None, 10, true);
        assert_eq!((nobody.last, nobody.gap), (StreamId::default(), None));

        assert_eq!(data(&subject.page("a", Some(ids[0]), 2, false)), ["1", "2"]);
        assert_eq!(data(&subject.page("a", Some(ids[2]), 2, false)), ["3"]);
        assert_eq!(data(&subject.page("a", Some(ids[3]), 2, false)), [""; 0]);
        assert_eq!(
            data(&subject.page("a", Some(StreamId::default()), 1, false)),
            ["0"]
        );
        for (cursor, rest) in [(ids[0], &["1", "2", "3"][..]), (ids[3], &[])] {
            let page = subject.page("a", Some(cursor), 10, true);
            assert_eq!(
                (data(&page), page.gap, page.last),
                (strings(rest), None, ids[3])
            );
        }
        let all = subject.page("a", Some(StreamId::default()), 10, true);
        assert_eq!((data(&all).len(), all.gap, all.last), (4, None, ids[3]));
        let limited = subject.page("a", Some(ids[0]), 1, true);
        assert_eq!((data(&limited), limited.gap), (strings(&["1"]), None));

        // Many at once: results in request order, each with its stream's entries.
        let want = |name: &str, after| Want {
            stream: client_stream(name),
            after,
            limit: 9,
            check_gap: false,
            counted: None,
        };
        let (start, none) = (Some(StreamId::default()), None);
        let wants = [
            want("b", start),
            want("a", Some(ids[2])),
            want("nobody", start),
            want("a", none),
        ];
        let pages = subject.read(&wants);
        let shown: Vec<_> = pages.iter().map(data).collect();
        assert_eq!(shown, [strings(&["x"]), strings(&["3"]), vec![], vec![]]);
        assert_eq!(pages[3].last, ids[3]);
        assert_eq!(subject.read(&[]).len(), 0);
    });
}

fn strings(of: &[&str]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

#[test]
fn a_cursor_that_may_have_missed_events_reports_a_gap() {
    both_with(
        Retention {
            max_events: 10,
            ..Retention::default()
        },
        |subject| {
            let mut writer = subject.writer();
            writer.begin(&key(0), None, &at(0), false).unwrap();
            let numbers: Vec<String> = (0..500).map(|n| n.to_string()).collect();
            stored(append(&mut *writer, &key(0), 0, &[("a", "first")]));
            let first = subject.stream("a")[0].id;
            for (round, numbers) in numbers.chunks(100).enumerate() {
                let of: Vec<_> = numbers.iter().map(|n| ("a", n.as_str())).collect();
                stored(append(&mut *writer, &key(0), 1 + round as i64 * 100, &of));
            }
            let kept = subject.stream("a");
            let (oldest, last) = (kept[0].id, kept[kept.len() - 1].id);
            let look = |cursor: StreamId| {
                let page = subject.page("a", Some(cursor), 1000, true);
                assert_eq!(page.last, last);
                (page.gap, page.entries.len())
            };
            let all = kept.len();
            assert_eq!(look(first), (Some(Gap::Trimmed), all));
            assert_eq!(
                look(StreamId::default()),
                (Some(Gap::Trimmed), all),
                "from the start"
            );
            assert_eq!(look(oldest), (None, all - 1));
            assert_eq!(look(last), (None, 0));
            // A client from before the store lost its last writes: it gets everything that exists.
            let future = StreamId {
                millis: last.millis + 1_000_000,
                number: 0,
            };
            assert_eq!(look(future), (Some(Gap::Rewound), all));
            let limited = subject.page("a", Some(future), 3, true);
            assert_eq!(
                limited.entries.iter().map(|e| e.id).collect::<Vec<_>>(),
                ids(&kept[..3])
            );
            // The stream was removed or never existed: the cursor tells which.
            let reset = subject.page("gone", Some(last), 10, true);
            assert_eq!((reset.gap, reset.entries.len()), (Some(Gap::Reset), 0));
            assert_eq!(
                subject
                    .page("gone", Some(StreamId::default()), 10, true)
                    .gap,
                None
            );
            // A stream that is not in the request is not reported.
            assert_eq!(subject.page("a", Some(first), 10, false).gap, None);
        },
    );
}

fn ids(entries: &[Entry]) -> Vec<StreamId> {
    entries.iter().map(|entry| entry.id).collect()
}
