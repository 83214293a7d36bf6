//! Interprets the answers of Redis.

use super::places::{CommandPlaces, Rung};
use super::tokens::{Token, Tokens, error_value};
use crate::record::NO_TIME;
use crate::store::time::now_millis;
use crate::store::{Ledger, Refusal, Unavailable, Unstored};
use metrics::counter;
use redis::{FromRedisValue, ServerError, Value};
use std::io::{self, Read};

/// The result of a transaction.
pub(super) enum Outcome {
    /// It was executed.
    Done(Done),
    /// It was not executed: a watched key had changed.
    Conflict,
    /// It was not executed, for this reason.
    Refused(Unavailable),
}

/// What a transaction did. EXEC does not roll back.
#[derive(Default)]
pub(super) struct Done {
    /// The events that the store refuses, and those of tasks that have ended.
    pub unstored: Unstored,
    /// The events that Redis did not store now.
    pub missing: Vec<usize>,
    /// Whether the ledger was written.
    pub moved: bool,
    /// Redis's error for the first command that it did not execute now.
    pub trouble: Option<String>,
}

/// The answers to a transaction. Most of them say only that a command was queued
/// or done; those that say more are kept.
#[derive(Debug, PartialEq)]
pub(super) struct Answers {
    /// How many there are; EXEC's is the last.
    sent: usize,
    /// The commands that Redis did not queue, with its errors.
    queued: Vec<(usize, Value)>,
    /// EXEC's answer: how many commands were executed, if any, or its own answer.
    executed: Result<usize, Value>,
    /// The executed commands whose answers are errors or nil.
    notable: Vec<(usize, Value)>,
}

/// Reads the answers to a transaction of this many commands; EXEC's is the last.
pub(super) fn read_answers(
    (tokens, from): (&mut Tokens, &mut dyn Read),
    sent: usize,
) -> io::Result<Answers> {
    let mut answers = Answers {
        sent,
        queued: Vec::new(),
        executed: Err(Value::Nil),
        notable: Vec::new(),
    };
    for index in 0..sent.saturating_sub(1) {
        match tokens.next(from)? {
            Token::Error(error) => answers.queued.push((index, error_value(error))),
            Token::Array(elements) => tokens.skip(elements, from)?,
            _ => {}
        }
    }
    let executed = match tokens.next(from)? {
        Token::Array(executed) => executed,
        Token::Error(error) => {
            answers.executed = Err(error_value(error));
            return Ok(answers);
        }
        Token::Nil => return Ok(answers),
        _ => {
            answers.executed = Err(Value::Okay);
            return Ok(answers);
        }
    };
    answers.executed = Ok(executed);
    for index in 0..executed {
        match tokens.next(from)? {
            Token::Error(error) => answers.notable.push((index, error_value(error))),
            Token::Nil => answers.notable.push((index, Value::Nil)),
            Token::Array(elements) => tokens.skip(elements, from)?,
            _ => {}
        }
    }
    Ok(answers)
}

impl Answers {
    /// Of a transaction that the library has sent.
    pub fn of(mut values: Vec<Value>) -> Answers {
        let sent = values.len();
        let last = values.pop().unwrap_or(Value::Nil);
        let is_error = |(_, value): &(usize, Value)| error_of(value).is_some();
        let queued = values.into_iter().enumerate().filter(is_error);
        let (executed, done) = match last {
            Value::Array(done) => (Ok(done.len()), done),
            other => (Err(other), Vec::new()),
        };
        let notable = done.into_iter().enumerate();
        let notable =
            notable.filter(|(_, value)| *value == Value::Nil || error_of(value).is_some());
        Answers {
            sent,
            queued: queued.collect(),
            executed,
            notable: notable.collect(),
        }
    }

    /// The errors of a ring's commands: when they were executed, or else queued.
    /// The first is whether EXEC was done.
    pub fn of_ring(&self, rung: Rung) -> (bool, Vec<(usize, &ServerError)>) {
        let (among, places) = match self.executed {
            Ok(executed) => (&self.notable, rung.within(self.sent, executed)),
            Err(_) => (&self.queued, rung.queued()),
        };
        let errors = among.iter().filter(|(index, _)| places.contains(index));
        let errors =
            errors.filter_map(|(index, value)| Some((index - places.start, error_of(value)?)));
        (self.executed.is_ok(), errors.collect())
    }

    /// The first error, other than those of a ring that was executed.
    pub fn first_error(&self, rung: Rung) -> Option<&ServerError> {
        let except = match self.executed {
            Ok(executed) => rung.within(self.sent, executed),
            Err(_) => 0..0,
        };
        let notable = self
            .notable
            .iter()
            .filter(|(index, _)| !except.contains(index));
        let own = self.executed.as_ref().err();
        let all = self.queued.iter().chain(notable).map(|(_, value)| value);
        all.chain(own).find_map(error_of)
    }

    /// What the transaction did.
    pub fn outcome(&self, places: CommandPlaces) -> Outcome {
        match &self.executed {
            Err(Value::Nil) => Outcome::Conflict,
            Ok(executed) => {
                let done = self.done(*executed, places);
                // Events of a task that has ended are not stored.
                let dropped = done.unstored.dropped.len() as u64;
                counter!("millstream_task_results_dropped_total").increment(dropped);
                Outcome::Done(done)
            }
            // Not executed: report the first error, not EXECABORT.
            Err(_) => {
                let said = self.first_error(Rung::default()).map(ToString::to_string);
                let said = said.unwrap_or_else(|| "unexpected answer to EXEC".into());
                Outcome::Refused(Unavailable(format!("Redis: {said}")))
            }
        }
    }

    fn done(&self, executed: usize, places: CommandPlaces) -> Done {
        let rung = places.rung.within(self.sent, executed);
        let mut done = Done {
            moved: places.ledger < executed,
            ..Done::default()
        };
        for (index, answer) in &self.notable {
            let (index, is_event) = (*index, *index < places.events);
            match error_of(answer) {
                None if is_event => done.unstored.dropped.push(index),
                None => {}
                Some(_) if rung.contains(&index) => {}
                Some(_) if places.spare.is_some_and(|spare| index >= spare) => {}
                Some(error) => {
                    done.moved &= index != places.ledger;
                    if is_trouble(error) {
                        done.trouble.get_or_insert_with(|| error.to_string());
                        done.missing.extend(is_event.then_some(index));
                    } else if is_event {
                        done.unstored.refused.push(Refusal {
                            event: index,
                            message: error.to_string(),
                        });
                    }
                }
            }
        }
        done
    }
}

fn error_of(answer: &Value) -> Option<&ServerError> {
    match answer {
        Value::ServerError(error) => Some(error),
        _ => None,
    }
}

/// Whether the error is a problem of Redis itself; any other error is about the
/// command's key or value. Permissions may change between queueing and execution,
/// and those of a script are checked only at execution.
fn is_trouble(error: &ServerError) -> bool {
    const CODES: [&str; 11] = [
        "NOPERM",
        "NOAUTH",
        "OOM",
        "READONLY",
        "MISCONF",
        "LOADING",
        "MASTERDOWN",
        "NOREPLICAS",
        "CLUSTERDOWN",
        "TRYAGAIN",
        "BUSY",
    ];
    let of_script = |said: &str| CODES.iter().any(|code| said.starts_with(code));
    CODES.contains(&error.code())
        || error.details().is_some_and(|said| {
            said.starts_with("The user executing the script") || of_script(said)
        })
}

/// Parses TIME's answer, in milliseconds; our own time if TIME is not permitted.
pub(super) fn time_of(time: &Value) -> u64 {
    let read = FromRedisValue::from_redis_value_ref(time);
    read.map_or_else(
        |_| now_millis(),
        |(seconds, micros): (u64, u64)| seconds * 1000 + micros / 1000,
    )
}

/// Parses HMGET's answer; without `next` there is no ledger.
pub(super) fn ledger_of(fields: &Value) -> Result<Option<Ledger>, Unavailable> {
    type Fields = (
        Option<i64>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<u32>,
        Option<i64>,
    );
    if let Value::ServerError(error) = fields {
        return Err(Unavailable(format!("Redis: {error}")));
    }
    let (next, topic_id, cluster_id, digests, attempts, clock): Fields =
        FromRedisValue::from_redis_value_ref(fields)
            .map_err(|e| Unavailable(format!("can't parse a ledger in Redis: {e}")))?;
    Ok(next.map(|next| Ledger {
        next,
        topic_id: topic_id.unwrap_or_default(),
        cluster_id: cluster_id.unwrap_or_default(),
        digests: digests.unwrap_or_default(),
        attempts: attempts.unwrap_or_default(),
        clock: clock.unwrap_or(NO_TIME),
    }))
}

/// Parses ZMSCORE's answer: the scores, in the requested order.
pub(super) fn scores_of(scores: &Value) -> Result<Vec<Option<f64>>, Unavailable> {
    FromRedisValue::from_redis_value_ref(scores).map_err(|e| Unavailable(format!("Redis: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways to read answers see the same, and see what the words say.
    fn read(words: &[u8], sent: usize) -> Answers {
        let (mut library, mut rest) = (redis::Parser::new(), words);
        let values = (0..sent).map(|_| library.parse_value(&mut rest).unwrap());
        let of_library = Answers::of(values.collect());
        let mut from = words;
        let ours = read_answers((&mut Tokens::default(), &mut from), sent).unwrap();
        assert_eq!(ours, of_library);
        assert!(from.is_empty());
        ours
    }

    /// Two events, a ring of two commands, the ledger, and one command that may be refused.
    fn places() -> CommandPlaces {
        CommandPlaces {
            events: 2,
            ledger: 4,
            spare: Some(5),
            rung: Rung::new(2, true, 1),
        }
    }

    const QUEUED: &[u8] = b"+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n";

    fn done(executed: &[u8]) -> Done {
        match read(&[QUEUED, executed].concat(), 7).outcome(places()) {
            Outcome::Done(done) => done,
            Outcome::Conflict => panic!("a conflict"),
            Outcome::Refused(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_transaction_without_errors_is_done() {
        let done = done(b"*6\r\n$3\r\n1-0\r\n*2\r\n:1\r\n$-1\r\n:0\r\n$-1\r\n:1\r\n:0\r\n");
        assert!(done.moved && done.trouble.is_none() && done.missing.is_empty());
        assert_eq!(done.unstored.indices().count(), 0);
    }

    #[test]
    fn each_error_counts_by_its_place() {
        let done =
            done(b"*6\r\n-WRONGTYPE no\r\n$-1\r\n-NOPERM a\r\n-NOPERM b\r\n:1\r\n-NOPERM c\r\n");
        let refused = &done.unstored.refused;
        assert_eq!((refused.len(), refused[0].event), (1, 0));
        assert_eq!(done.unstored.dropped, [1]);
        assert!(
            done.moved && done.trouble.is_none(),
            "the ring and the spare may fail"
        );
    }

    #[test]
    fn what_redis_did_not_do_is_missing() {
        let done = done(b"*6\r\n$3\r\n1-0\r\n-OOM full\r\n:0\r\n:0\r\n-OOM full\r\n:0\r\n");
        assert_eq!((done.missing, done.moved), (vec![1], false));
        assert_eq!(done.trouble.as_deref(), Some(r#""OOM": full"#));
    }

    #[test]
    fn a_changed_key_is_a_conflict_and_an_error_before_is_the_reason() {
        let nil = read(&[QUEUED, b"*-1\r\n"].concat(), 7);
        assert!(matches!(nil.outcome(places()), Outcome::Conflict));
        let words = b"+QUEUED\r\n-NOPERM xadd\r\n-EXECABORT discarded\r\n";
        let Outcome::Refused(error) = read(words, 3).outcome(places()) else {
            panic!("it is refused");
        };
        assert!(error.to_string().contains("xadd"), "{error}");
    }

    #[test]
    fn a_ring_is_found_among_queued_and_executed_commands() {
        let words = b"+QUEUED\r\n+QUEUED\r\n-NOPERM publish\r\n-EXECABORT discarded\r\n";
        let aborted = read(words, 4);
        let (executed, errors) = aborted.of_ring(places().rung);
        assert_eq!((executed, errors.len(), errors[0].0), (false, 1, 0));
        let words = b"*6\r\n:0\r\n:0\r\n:0\r\n-NOPERM news\r\n:0\r\n:0\r\n";
        let refused = read(&[QUEUED, words].concat(), 7);
        let (executed, errors) = refused.of_ring(places().rung);
        assert_eq!((executed, errors.len(), errors[0].0), (true, 1, 1));
        assert!(refused.first_error(places().rung).is_none());
    }
}
