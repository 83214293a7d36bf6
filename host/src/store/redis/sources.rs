//! Which records the entries of a stream were made of.

use super::store::RedisStore;
use crate::record::{StreamKind, StreamName};
use crate::store::Unavailable;
use redis::Value;
use std::collections::BTreeMap;

/// How many entries are read at a time: they may be large.
const PAGE: usize = 500;

/// An entry's id, and its fields.
type Entry = (String, BTreeMap<String, Value>);

impl RedisStore {
    pub(in crate::store) async fn sources(
        &self,
        stream: &StreamName,
    ) -> Result<Vec<String>, Unavailable> {
        let key = match stream {
            StreamName::Client(id) => self.keys.stream(StreamKind::Client, id.as_str().as_bytes()),
            StreamName::Group(name) => self
                .keys
                .stream(StreamKind::Group, name.as_str().as_bytes()),
        };
        let (mut sources, mut start) = (Vec::new(), "-".to_owned());
        loop {
            let mut pipe = redis::pipe();
            pipe.cmd("XRANGE").arg(&key).arg(&start).arg("+");
            pipe.arg("COUNT").arg(PAGE);
            let (entries,): (Vec<Entry>,) = self.query(&pipe).await?;
            for (_, fields) in &entries {
                if let Some(Value::BulkString(source)) = fields.get("source") {
                    sources.push(String::from_utf8_lossy(source).into_owned());
                }
            }
            match entries.last() {
                Some((last, _)) if entries.len() == PAGE => start = format!("({last}"),
                _ => return Ok(sources),
            }
        }
    }
}
