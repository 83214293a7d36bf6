//! Tokens that are revoked, and connections that are to be ended.

use super::{both, client};
use millstream::record::ClientId;
use millstream::store::Bell;
use std::collections::BTreeMap;

#[test]
fn of_two_revocations_the_later_time_wins_and_each_is_rung() {
    both(|subject| {
        let revoked = || -> BTreeMap<ClientId, u64> {
            let all = subject.runtime.block_on(subject.store.revoked()).unwrap();
            let count = all.len();
            let all: BTreeMap<_, _> = all.into_iter().collect();
            assert_eq!(all.len(), count, "each client once");
            all
        };
        let mut rung = subject.listen();
        assert_eq!(subject.next(&mut rung), Bell::Missed);
        assert_eq!(revoked(), BTreeMap::new());
        let times = [
            ("a", 1_700_000_000, 1_700_000_000),
            ("a", 1_600_000_000, 1_700_000_000),
            ("a", 1_700_000_001, 1_700_000_001),
            ("b {}*é", 5, 5),
        ];
        for (name, before, stands) in times {
            subject.revoke(name, before);
            assert_eq!(subject.next(&mut rung), Bell::Revoked);
            assert_eq!(revoked()[&client(name)], stands);
        }
        assert_eq!(revoked().len(), 2);
    });
}

#[test]
fn every_listener_is_told_whose_connections_to_end() {
    both(|subject| {
        let (mut one, mut two) = (subject.listen(), subject.listen());
        for rung in [&mut one, &mut two] {
            assert_eq!(subject.next(rung), Bell::Missed);
        }
        subject.disconnect("a {}*é");
        subject.disconnect("b");
        for rung in [&mut one, &mut two] {
            assert_eq!(subject.next(rung), Bell::Disconnect(client("a {}*é")));
            assert_eq!(subject.next(rung), Bell::Disconnect(client("b")));
        }
    });
}
