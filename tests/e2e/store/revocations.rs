//! Token revocation, and requests to end connections.

use super::{both, client};
use millstream::record::{ClientId, News};
use millstream::store::Store;
use millstream_tests::servers;
use std::collections::BTreeMap;

#[test]
fn the_later_of_two_revocations_wins_and_each_rings() {
    both(|subject| {
        let revoked = || -> BTreeMap<ClientId, u64> {
            let all = subject.runtime.block_on(subject.store.revoked()).unwrap();
            let count = all.len();
            let all: BTreeMap<_, _> = all.into_iter().collect();
            assert_eq!(all.len(), count, "each client once");
            all
        };
        let mut rung = subject.listen();
        assert_eq!(subject.next(&mut rung), News::Missed);
        assert_eq!(revoked(), BTreeMap::new());
        let times = [
            ("a", 1_700_000_000, 1_700_000_000),
            ("a", 1_600_000_000, 1_700_000_000),
            ("a", 1_700_000_001, 1_700_000_001),
            ("b {}*é", 5, 5),
        ];
        for (name, before, stands) in times {
            subject.revoke(name, before);
            let expected = News::Revoked(Some((client(name), before)));
            assert_eq!(subject.next(&mut rung), expected);
            assert_eq!(revoked()[&client(name)], stands);
        }
        assert_eq!(revoked().len(), 2);
    });
}

#[test]
fn every_listener_learns_which_connections_to_end() {
    both(|subject| {
        let (mut one, mut two) = (subject.listen(), subject.listen());
        for rung in [&mut one, &mut two] {
            assert_eq!(subject.next(rung), News::Missed);
        }
        subject.disconnect("a {}*é");
        subject.disconnect("b");
        for rung in [&mut one, &mut two] {
            assert_eq!(subject.next(rung), News::Disconnect(client("a {}*é")));
            assert_eq!(subject.next(rung), News::Disconnect(client("b")));
        }
    });
}

#[test]
fn revocations_of_expired_tokens_are_forgotten_and_others_are_kept() {
    both(|subject| {
        let many = 12_000;
        let revoked = || -> BTreeMap<ClientId, u64> {
            let all = subject.runtime.block_on(subject.store.revoked()).unwrap();
            all.into_iter().collect()
        };
        subject.revoke("old", 100);
        subject.revoke("at the limit", 200);
        match &*subject.store {
            Store::Memory(_) => (0..many).for_each(|n| subject.revoke(&format!("c{n}"), 300)),
            Store::Redis(_) => {
                let mut add = redis::cmd("ZADD");
                add.arg(format!("{}:{{0}}:revoked", subject.prefix));
                (0..many).for_each(|n| _ = add.arg(300).arg(format!("c{n}")));
                add.exec(&mut servers().redis.connect()).unwrap();
            }
        }
        assert_eq!(revoked().len(), many + 2);
        subject.revoke_and_forget("new", 400, Some(200));
        let left = revoked();
        assert_eq!(left.len(), many + 1);
        assert_eq!(
            (left.get(&client("old")), left[&client("new")]),
            (None, 400)
        );
        assert!((0..many).all(|n| left[&client(&format!("c{n}"))] == 300));
    });
}
