//! A Redis that answers with errors.

use super::{Subject, append, append_then, at, client_stream, key, next_of, stored};
use millstream::record::{StreamId, Want};
use millstream::store::Appended;
use millstream_tests::servers;

#[test]
fn a_refused_event_is_named_and_the_rest_is_stored() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let mut redis = servers().redis.connect();
    let bad = format!("{}:{{0}}:client:bad", subject.prefix);
    redis::cmd("SET")
        .arg(&bad)
        .arg("no stream")
        .exec(&mut redis)
        .unwrap();
    let of = [
        ("good", "1"),
        ("bad", "2"),
        ("good", "3"),
        ("bad", "4"),
        ("other", "5"),
    ];
    let refusals = stored(append_then(&mut *writer, &key(0), 0, &of, Some(&key(0))));
    let refused: Vec<usize> = refusals.iter().map(|refusal| refusal.event).collect();
    assert_eq!(refused, [1, 3]);
    assert!(
        refusals.iter().all(|r| r.message.contains("WRONGTYPE")),
        "{refusals:?}"
    );
    assert_eq!(subject.data("good"), ["1", "3"]);
    assert_eq!(subject.data("other"), ["5"]);
    assert_eq!(next_of(&mut *writer, &key(0)), Some(5));
    // The look-ahead that was sent along is still valid.
    assert_eq!(
        stored(append(&mut *writer, &key(0), 5, &[("good", "6")])),
        []
    );
    // A reader of such a key sees nothing, and other readers are not affected.
    let want = |name| Want {
        stream: client_stream(name),
        after: Some(StreamId::default()),
        limit: 9,
        check_gap: true,
        counted: None,
    };
    let pages = subject.read(&[want("bad"), want("good")]);
    assert_eq!(
        pages
            .iter()
            .map(|page| page.entries.len())
            .collect::<Vec<_>>(),
        [0, 3]
    );
}

#[test]
fn a_redis_that_refuses_writes_is_unavailable_and_nothing_changes() {
    let redis = servers().own_redis(&[]);
    let subject = Subject::redis(&redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let trouble: [(&str, &[&str], &[&str]); 2] = [
        (
            "OOM",
            &["CONFIG", "SET", "maxmemory", "1"],
            &["CONFIG", "SET", "maxmemory", "0"],
        ),
        (
            "read only replica",
            &["REPLICAOF", "127.0.0.1", "1"],
            &["REPLICAOF", "NO", "ONE"],
        ),
    ];
    let mut expected = 0;
    for (says, begin, end) in trouble {
        for ahead in [false, true] {
            let following = key(0);
            let following = ahead.then_some(&following);
            let of = [("a", "good")];
            stored(append_then(&mut *writer, &key(0), expected, &of, following));
            expected += 1;
            redis.order(begin);
            for _ in 0..3 {
                match append(&mut *writer, &key(0), expected, &[("a", says), ("b", says)]) {
                    Appended::Unavailable(error) => {
                        assert!(error.to_string().contains(says), "{error} is not {says}");
                    }
                    other => panic!("{says}: {other:?}"),
                }
            }
            assert!(
                writer.begin(&key(7), None, &at(0), false).is_err(),
                "{says}"
            );
            redis.order(end);
            assert_eq!(next_of(&mut *writer, &key(0)), Some(expected), "{says}");
        }
    }
    assert_eq!(
        stored(append(&mut *writer, &key(0), expected, &[("a", "last")])),
        []
    );
    assert_eq!(subject.data("a"), ["good", "good", "good", "good", "last"]);
    assert_eq!(subject.data("b"), [""; 0]);
}
