//! Streams of groups, beside those of clients.

use super::{append, at, batch, both, client_stream, events, group_stream, key, next_of, stored};
use millstream::record::{News, StreamId, StreamKind, Want};
use millstream::store::StreamEvent;
use std::collections::BTreeSet;

fn to_groups<'a>(offset: i64, of: &[(&'a str, &'a str)]) -> Vec<StreamEvent<'a>> {
    let to_group = |event| StreamEvent {
        to: StreamKind::Group,
        ..event
    };
    events(offset, of).into_iter().map(to_group).collect()
}

#[test]
fn a_group_and_a_client_with_the_same_name_have_separate_streams() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let mut mixed = events(0, &[("x", "client 1"), ("y", "client 2")]);
        mixed.extend(to_groups(2, &[("x", "group 1"), ("z *{}é", "group 2")]));
        mixed.extend(to_groups(4, &[("x", "group 3")]));
        stored(writer.append(&mut batch(&key(0), 0, 5, &mixed), None));
        assert_eq!(next_of(&mut *writer, &key(0)), Some(5));
        assert_eq!(subject.data("x"), ["client 1"]);
        assert_eq!(subject.data("y"), ["client 2"]);
        assert_eq!(subject.group_data("x"), ["group 1", "group 3"]);
        assert_eq!(subject.group_data("z *{}é"), ["group 2"]);
        assert_eq!(subject.group_data("y"), [""; 0]);
        // Read together, each has only its events.
        let want = |stream| Want {
            stream,
            after: Some(StreamId::default()),
            limit: 9,
            check_gap: true,
            counted: None,
        };
        let pages = subject.read(&[want(group_stream("x")), want(client_stream("x"))]);
        assert_eq!((pages[0].entries.len(), pages[1].entries.len()), (2, 1));
        assert_eq!((pages[0].gap, pages[1].gap), (None, None));
        assert_eq!(pages[0].last, pages[0].entries[1].id);
    });
}

#[test]
fn the_bell_names_groups_and_clients_separately() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let mut rung = subject.listen();
        assert_eq!(subject.next(&mut rung), News::Missed);
        stored(append(&mut *writer, &key(0), 0, &[("x", "1")]));
        let group = to_groups(1, &[("x", "2"), ("x", "3")]);
        stored(writer.append(&mut batch(&key(0), 1, 3, &group), None));
        let mut mixed = to_groups(3, &[("x", "4"), ("b", "5")]);
        mixed.extend(events(5, &[("x", "6"), ("a", "7")]));
        stored(writer.append(&mut batch(&key(0), 3, 7, &mixed), None));
        let (client, group) = (client_stream, group_stream);
        assert_eq!(subject.next(&mut rung), News::Streams(vec![client("x")]));
        assert_eq!(subject.next(&mut rung), News::Streams(vec![group("x")]));
        let News::Streams(streams) = subject.next(&mut rung) else {
            panic!("no news")
        };
        let expected = [client("a"), client("x"), group("b"), group("x")];
        assert_eq!(streams.len(), expected.len(), "each once");
        let named: BTreeSet<_> = streams.into_iter().collect();
        assert_eq!(named, BTreeSet::from(expected));
    });
}
