//! A Redis user whose permissions change: before a transaction, inside it, and before its `EXEC`.

use super::{SOON, Subject, append, append_then, at, batch, events, key, next_of, stored};
use millstream::store::{Appended, StreamEvent, TaskReport};
use millstream_tests::{Link, Redis, servers, wait_until};

const USER: &str = "mill";

/// A separate Redis with a user that has all permissions, and a store that uses it over a link.
pub(super) struct Permitted {
    redis: Redis,
    link: Link,
    pub(super) subject: Subject,
}

impl Permitted {
    pub(super) fn new() -> Permitted {
        let redis = servers().own_redis(&["--user", USER, "on", ">word", "~*", "&*", "+@all"]);
        let link = Link::to(&redis.addr());
        let subject = Subject::redis(&format!("redis://{USER}:word@{}", link.addr()));
        Permitted {
            redis,
            link,
            subject,
        }
    }

    pub(super) fn permit(&self, rule: &str) {
        self.redis.order(&["ACL", "SETUSER", USER, rule]);
    }

    /// A client's events, read by another user.
    pub(super) fn data(&self, client: &str) -> Vec<String> {
        let streams = self.redis.streams(&self.subject.prefix);
        let entries = streams.get(client).into_iter().flatten();
        entries.map(|entry| entry.data.clone()).collect()
    }

    /// Changes a transaction's permissions between its commands, which are this many, and EXEC.
    pub(super) fn change_before_exec<T: Send>(
        &self,
        rule: &str,
        send: impl FnOnce() -> T + Send,
    ) -> T {
        self.link.hold_before("\r\n$4\r\nEXEC\r\n");
        std::thread::scope(|scope| {
            let sent = scope.spawn(send);
            self.link.wait_held();
            wait_until("Redis has queued the rest", SOON, || self.queued());
            self.permit(rule);
            self.link.let_go();
            sent.join().unwrap()
        })
    }

    /// Whether a client is inside MULTI with all commands sent so far: the rest is the start of
    /// EXEC's line, `*1`.
    fn queued(&self) -> Option<()> {
        let mut list = redis::cmd("CLIENT");
        let list: String = list.arg("LIST").query(&mut self.redis.connect()).unwrap();
        let field = |line: &str, name: &str| -> i64 {
            let mut fields = line.split(' ');
            let value = fields.find_map(|field| field.strip_prefix(name));
            value.and_then(|value| value.parse().ok()).unwrap_or(-1)
        };
        let all = |line: &str| field(line, "multi=") >= 4 && field(line, "qbuf=") <= 2;
        let mut lines = list.lines().filter(|line| line.contains("user=mill"));
        lines.any(all).then_some(())
    }
}

#[track_caller]
fn unavailable(appended: Appended, says: &str) {
    match appended {
        Appended::Unavailable(error) => {
            let said = error.to_string().to_lowercase();
            assert!(said.contains("noperm"), "{says}: {said}");
        }
        other => panic!("{says}: {other:?}"),
    }
}

#[test]
fn refusing_any_command_writes_nothing_outside_a_transaction() {
    let permitted = Permitted::new();
    let mut writer = permitted.subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let mut next = 0;
    let mut expected = Vec::new();
    for command in ["watch", "hmget", "multi", "xadd", "hset", "exec"] {
        for ahead in [false, true] {
            let following = key(0);
            let following = ahead.then_some(&following);
            let good = format!("{command} {next}");
            stored(append_then(
                &mut *writer,
                &key(0),
                next,
                &[("a", &good)],
                following,
            ));
            next += 1;
            expected.push(good);
            permitted.permit(&format!("-{command}"));
            let said = format!("{command} {next}");
            let (ledger, events) = (key(0), events(next, &[("a", &said), ("b", &said)]));
            let mut refused = batch(&ledger, next, next + 2, &events);
            // The look-ahead was allowed when it was sent: MULTI succeeded, and the transaction is
            // executed.
            let begun = ahead && ["watch", "hmget", "multi"].contains(&command);
            for _ in 0..if begun { 0 } else { 2 } {
                unavailable(writer.append(&mut refused, following), command);
                assert_eq!(permitted.data("a"), expected, "{command}");
            }
            if begun {
                assert_eq!(stored(writer.append(&mut refused, following)), []);
                permitted.permit(&format!("+{command}"));
                next += 2;
                expected.push(said);
                continue;
            }
            permitted.permit(&format!("+{command}"));
            assert_eq!(next_of(&mut *writer, &key(0)), Some(next), "{command}");
            assert_eq!(
                stored(writer.append(&mut refused, following)),
                [],
                "{command}"
            );
            next += 2;
            expected.push(said);
        }
    }
    assert_eq!(permitted.data("a"), expected);
}

#[test]
fn two_owners_store_each_event_once_when_one_may_not_start_a_transaction() {
    let permitted = Permitted::new();
    let (mut one, mut two) = (permitted.subject.writer(), permitted.subject.writer());
    one.begin(&key(0), None, &at(0), false).unwrap();
    permitted.permit("-multi");
    unavailable(append(&mut *one, &key(0), 0, &[("a", "1")]), "multi");
    permitted.permit("+multi");
    stored(append(&mut *two, &key(0), 0, &[("a", "1")]));
    let moved = append(&mut *one, &key(0), 0, &[("a", "1")]);
    assert!(matches!(moved, Appended::Moved(Some(_))), "{moved:?}");
    assert_eq!(permitted.data("a"), ["1"]);
}

/// For a transaction whose permissions change before its EXEC: the next append stores the missing
/// events and no others, and no event is reported as refused.
#[test]
fn the_next_try_stores_what_permissions_prevented_inside_exec() {
    for (rule, undo) in [
        ("-xadd", "+xadd"),
        ("-hset", "+hset"),
        ("-publish", "+publish"),
        ("-zadd", "+zadd"),
        ("-exec", "+exec"),
        ("-multi", "+multi"),
        ("resetkeys", "~*"),
    ] {
        let permitted = Permitted::new();
        let mut writer = permitted.subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let (ledger, events) = (key(0), events(0, &[("a", "1"), ("b", "2"), ("a", "3")]));
        let mut held = batch(&ledger, 0, 3, &events);
        held.suppressed = &[b"away"];
        let appended = permitted.change_before_exec(rule, || writer.append(&mut held, None));
        match rule {
            // The ledger exists already; edges are notified in another way.
            "-multi" | "-publish" => assert_eq!(stored(appended), [], "{rule}"),
            _ => {
                unavailable(appended, rule);
                permitted.permit(undo);
                assert_eq!(stored(writer.append(&mut held, None)), [], "{rule}");
            }
        }
        permitted.permit("+@all");
        assert_eq!(stored(append(&mut *writer, &key(0), 3, &[("a", "4")])), []);
        assert_eq!(permitted.data("a"), ["1", "3", "4"], "{rule}");
        assert_eq!(permitted.data("b"), ["2"], "{rule}");
        permitted.subject.keep_interest(&["away"], SOON);
        assert_eq!(permitted.data("away").len(), 1, "{rule}: reported");
    }
}

#[test]
fn events_missing_in_some_streams_are_not_stored_again_in_others() {
    let permitted = Permitted::new();
    let mut writer = permitted.subject.writer();
    let prefix = &permitted.subject.prefix;
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let (ledger, events) = (key(0), events(0, &[("a", "1"), ("b", "2"), ("a", "3")]));
    let mut held = batch(&ledger, 0, 3, &events);
    let rule = format!("resetkeys ~{prefix}:{{0}}:client:a ~{prefix}:{{0}}:ledger:*");
    // One rule per command: the second rule would not be in effect at EXEC.
    permitted.link.hold_before("\r\n$4\r\nEXEC\r\n");
    let appended = std::thread::scope(|scope| {
        let sent = scope.spawn(|| writer.append(&mut held, None));
        permitted.link.wait_held();
        wait_until("Redis has queued the rest", SOON, || permitted.queued());
        let mut words = vec!["ACL", "SETUSER", USER];
        words.extend(rule.split(' '));
        permitted.redis.order(&words);
        permitted.link.let_go();
        sent.join().unwrap()
    });
    unavailable(appended, "b");
    assert_eq!(permitted.data("a"), ["1", "3"]);
    permitted.permit("~*");
    assert_eq!(stored(writer.append(&mut held, None)), []);
    assert_eq!(permitted.data("a"), ["1", "3"]);
    assert_eq!(permitted.data("b"), ["2"]);
    assert_eq!(next_of(&mut *writer, &key(0)), Some(3));
}

#[test]
fn a_task_event_that_a_script_may_not_store_is_never_skipped() {
    let permitted = Permitted::new();
    let (mut writer, mut other) = (permitted.subject.writer(), permitted.subject.writer());
    writer.begin(&key(0), None, &at(0), false).unwrap();
    permitted.permit("-xadd");
    let task = TaskReport {
        id: b"task",
        status: b"done",
        ends: true,
    };
    let [event] = events(0, &[("a", "1")]).try_into().unwrap();
    let events = [StreamEvent {
        task: Some(task),
        ..event
    }];
    let ledger = key(0);
    let mut result = batch(&ledger, 0, 1, &events);
    for _ in 0..3 {
        match writer.append(&mut result, None) {
            Appended::Unavailable(error) => println!("{error}"),
            stored => panic!("{stored:?}"),
        }
        assert_eq!(
            next_of(&mut *other, &key(0)),
            Some(0),
            "the transaction was discarded"
        );
    }
    permitted.permit("+xadd");
    // A daemon that continues from the ledger.
    let mut again = batch(&ledger, 0, 1, &events);
    assert_eq!(stored(other.append(&mut again, None)), []);
    assert_eq!(permitted.data("a"), ["1"]);
}

#[test]
fn a_lost_answer_to_a_torn_transaction_duplicates_and_loses_nothing() {
    for rule in ["-xadd", "-hset"] {
        let permitted = Permitted::new();
        let mut writer = permitted.subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let (ledger, events) = (key(0), events(0, &[("a", "1"), ("b", "2"), ("a", "3")]));
        let mut held = batch(&ledger, 0, 3, &events);
        permitted.link.hold_before("\r\n$4\r\nEXEC\r\n");
        let appended = std::thread::scope(|scope| {
            let sent = scope.spawn(|| writer.append(&mut held, None));
            permitted.link.wait_held();
            wait_until("Redis has queued the rest", SOON, || permitted.queued());
            permitted.permit(rule);
            permitted.link.lose_answers();
            permitted.link.let_go();
            wait_until("the answer is lost", SOON, || {
                (permitted.link.lost() > 0).then_some(())
            });
            permitted.link.cut();
            sent.join().unwrap()
        });
        assert!(matches!(appended, Appended::Unknown(_)), "{appended:?}");
        permitted.permit("+@all");
        permitted.link.open();
        assert_eq!(stored(writer.append(&mut held, None)), [], "{rule}");
        assert_eq!(stored(append(&mut *writer, &key(0), 3, &[("a", "4")])), []);
        assert_eq!(permitted.data("a"), ["1", "3", "4"], "{rule}");
        assert_eq!(permitted.data("b"), ["2"], "{rule}");
    }
}

#[test]
fn any_other_request_ends_a_waiting_look_ahead_first() {
    let permitted = Permitted::new();
    let mut writer = permitted.subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    writer.begin(&key(1), None, &at(0), false).unwrap();
    let mut next = 0;
    for other in 0..7 {
        stored(append_then(
            &mut *writer,
            &key(0),
            next,
            &[("a", "x")],
            Some(&key(0)),
        ));
        next += 1;
        match other {
            0 => writer.rest(),
            1 => assert_eq!(next_of(&mut *writer, &key(0)), Some(next)),
            2 => assert_eq!(writer.connected(&["a"]).unwrap(), [false]),
            3 => assert_eq!(
                writer.begin(&key(0), None, &at(7), false).unwrap().next,
                next
            ),
            4 | 6 => permitted.permit("-discard"),
            _ => stored(append(&mut *writer, &key(1), 0, &[("a", "x")])).clear(),
        }
        if other == 4 {
            // Without DISCARD the connection is closed.
            assert_eq!(next_of(&mut *writer, &key(0)), Some(next));
        }
        if other == 6 {
            // A look goes along with the DISCARD, and none of it is executed.
            stored(append(&mut *writer, &key(1), 1, &[("a", "x")])).clear();
        }
        permitted.permit("+discard");
        stored(append(&mut *writer, &key(0), next, &[("a", "x")]));
        next += 1;
    }
    assert_eq!(permitted.data("a").len() as i64, next + 2);
}
