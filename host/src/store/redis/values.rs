//! Values of a stateful transform. They are fields of the ledger's hash, written by
//! the command that moves the ledger: nothing can separate the two.

use super::keys::Keys;
use super::writer::RedisWriter;
use crate::record::StateValue;
use crate::store::{Append, LedgerKey, ReadValues, Refusal, StreamEvent, Unavailable};
use bytes::Bytes;
use redis::{FromRedisValue, Pipeline, Value};

/// Before a key, so that no key is another field of the ledger.
const FIELD: &[u8] = b"v:";
/// How many fields of a ledger are not values.
const OTHERS: usize = super::commands::LEDGER_FIELDS.len();
/// Removes at least up to this many expired values at a time: more than are added.
const AT_ONCE: usize = 1000;

/// Removes the values that have expired at ARGV[1]: KEYS are the ledger and its
/// expiries. A value that was written since then has another time.
const EXPIRE: &str = r"
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(due) do
  local field = 'v:' .. key
  local value = redis.call('HGET', KEYS[1], field)
  if value and #value >= 8 and struct.unpack('>i8', value) <= tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], field)
  end
  redis.call('ZREM', KEYS[2], key)
end
return #due";

fn field(key: &[u8]) -> Vec<u8> {
    [FIELD, key].concat()
}

/// Adds values to the HSET of a ledger. A value that is removed is empty there, until
/// [`upkeep`] removes its field: one command does all, or nothing.
pub(super) fn set<'a>(
    set: &mut Pipeline,
    values: impl Iterator<Item = (&'a Bytes, &'a Option<StateValue>)>,
) {
    for (key, value) in values {
        set.arg(field(key));
        match value {
            None => set.arg(&b""[..]),
            Some(StateValue { bytes, expires }) => {
                set.arg([&expires.to_be_bytes()[..], &bytes[..]].concat())
            }
        };
    }
}

/// Adds the commands that remove fields without a value and expired values.
pub(super) fn upkeep(pipe: &mut Pipeline, keys: &Keys, append: &Append) {
    let (ledger, expiry) = (keys.ledger(append.ledger), keys.expiry(append.ledger));
    let removed = append.values.iter().filter(|new| new.value.is_none());
    let removed: Vec<_> = removed.map(|new| field(&new.key)).collect();
    if !removed.is_empty() {
        pipe.cmd("HDEL").arg(&ledger).arg(removed);
    }
    let expiring = append.values.iter().filter_map(|new| {
        let expires = new.value.as_ref()?.expires;
        (expires < i64::MAX).then_some((expires, &new.key[..]))
    });
    let expiring: Vec<_> = expiring.collect();
    let at_once = AT_ONCE.max(2 * expiring.len());
    if !expiring.is_empty() {
        let add = pipe.cmd("ZADD").arg(&expiry);
        for (expires, key) in expiring {
            add.arg(expires).arg(key);
        }
    }
    pipe.cmd("EVAL").arg(EXPIRE).arg(2).arg(ledger).arg(expiry);
    pipe.arg(append.clock).arg(at_once);
}

/// The keys of an append's streams, event by event.
pub(super) fn streams(append: &Append, keys: &Keys) -> Vec<Vec<u8>> {
    let stream = |event: &StreamEvent| keys.stream(event.to, event.name);
    append.events.iter().map(stream).collect()
}

/// The events whose keys are not streams, by the types of [`streams`].
pub(super) fn refusals(append: &Append, types: &[String]) -> Vec<Refusal> {
    let is_other = |kind: &&String| !matches!(kind.as_str(), "stream" | "none");
    let found = append.events.iter().zip(types).enumerate();
    let found = found.filter(|(_, (_, kind))| is_other(kind));
    let refusal = |(event, (of, kind)): (usize, (&StreamEvent, &String))| Refusal {
        event,
        message: format!(
            "WRONGTYPE the key of {} {} is a {kind}, not a stream",
            of.to.word(),
            String::from_utf8_lossy(of.name)
        ),
    };
    found.map(refusal).collect()
}

impl RedisWriter {
    pub(super) fn read_values(
        &mut self,
        key: &LedgerKey,
        keys: &[Bytes],
    ) -> Result<ReadValues, Unavailable> {
        let ledger = self.keys.ledger(key);
        let mut pipe = redis::pipe();
        pipe.cmd("HLEN").arg(&ledger);
        if !keys.is_empty() {
            let get = pipe.cmd("HMGET").arg(&ledger);
            keys.iter().for_each(|key| {
                get.arg(field(key));
            });
        }
        let answers = self.send(&pipe)?;
        let error = |e| Unavailable(format!("can't read values in Redis: {e}"));
        let count = usize::from_redis_value_ref(&answers[0]).map_err(error)?;
        let values = match answers.get(1) {
            None => Vec::new(),
            Some(values) => Vec::<Value>::from_redis_value_ref(values).map_err(error)?,
        };
        Ok(ReadValues {
            values: values.into_iter().map(value_of).collect(),
            count: count.saturating_sub(OTHERS),
        })
    }
}

fn value_of(value: Value) -> Option<StateValue> {
    let Value::BulkString(bytes) = value else {
        return None;
    };
    let bytes = Bytes::from(bytes);
    let expires = bytes.first_chunk::<8>()?;
    Some(StateValue {
        expires: i64::from_be_bytes(*expires),
        bytes: bytes.slice(8..),
    })
}
