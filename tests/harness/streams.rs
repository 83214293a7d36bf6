use crate::redis_server::Redis;
use redis::{Connection, FromRedisValue, Value};
use std::collections::{BTreeMap, HashMap};

/// How many entries one answer may hold.
const PAGE: usize = 2000;

/// How many streams are read in one round trip.
const STREAMS: usize = 25;

/// One entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry's ID, which is the SSE event id.
    pub id: String,
    /// The field `type`.
    pub event_type: String,
    pub data: String,
    /// `topic/partition/offset/n`; empty for events of Millstream itself.
    pub source: String,
}

impl Redis {
    /// Every client's stream under this key prefix, from its beginning.
    pub fn streams(&self, prefix: &str) -> BTreeMap<String, Vec<Entry>> {
        let mut streams: BTreeMap<_, Vec<_>> = BTreeMap::new();
        self.each_page(prefix, |client, page| {
            streams.entry(client.to_owned()).or_default().extend(page);
        });
        streams
    }

    /// Every group's stream under this key prefix, from its beginning.
    pub fn groups(&self, prefix: &str) -> BTreeMap<String, Vec<Entry>> {
        let mut streams: BTreeMap<_, Vec<_>> = BTreeMap::new();
        self.each_page_of("group", prefix, |group, page| {
            streams.entry(group.to_owned()).or_default().extend(page);
        });
        streams
    }

    /// Like [`Redis::streams`], but page by page, for more data than fits into memory. The pages of
    /// a stream are in order; the streams are mixed.
    pub fn each_page(&self, prefix: &str, take: impl FnMut(&str, Vec<Entry>)) {
        self.each_page_of("client", prefix, take);
    }

    fn each_page_of(&self, whose: &str, prefix: &str, mut take: impl FnMut(&str, Vec<Entry>)) {
        let key_prefix = format!("{prefix}:{{0}}:{whose}:");
        let mut connection = self.connect();
        let keys = scan(&mut connection, &format!("{key_prefix}*"));
        for keys in keys.chunks(STREAMS) {
            read(&mut connection, keys, |key, page| {
                take(&key[key_prefix.len()..], page);
            });
        }
    }
}

fn scan(connection: &mut Connection, pattern: &str) -> Vec<String> {
    let mut scan = redis::cmd("SCAN");
    scan.cursor_arg(0).arg("MATCH").arg(pattern);
    let keys = scan.arg("COUNT").arg(1000).clone().iter(connection);
    let mut keys: Vec<String> = keys.unwrap().map(Result::unwrap).collect();
    keys.sort();
    keys.dedup(); // SCAN may return a key twice
    keys
}

/// Reads these streams page by page, one page of each in a round trip.
fn read(connection: &mut Connection, keys: &[String], mut take: impl FnMut(&String, Vec<Entry>)) {
    let mut open: Vec<(&String, String)> = keys.iter().map(|key| (key, "-".to_owned())).collect();
    while !open.is_empty() {
        let mut pipe = redis::pipe();
        for (key, from) in &open {
            let range = pipe.cmd("XRANGE").arg(key).arg(from).arg("+");
            range.arg("COUNT").arg(PAGE);
        }
        let pages: Vec<Vec<Value>> = pipe.query(connection).unwrap();
        let answers = open.into_iter().zip(pages);
        let further = answers.filter_map(|((key, _), page)| {
            let page: Vec<Entry> = page.into_iter().map(entry).collect();
            let more = (page.len() == PAGE).then(|| format!("({}", page[PAGE - 1].id));
            take(key, page);
            Some((key, more?))
        });
        open = further.collect();
    }
}

fn entry(value: Value) -> Entry {
    let (id, mut fields): (String, HashMap<String, String>) =
        FromRedisValue::from_redis_value(value).unwrap();
    let source = fields.remove("source");
    let mut field = |name| {
        fields
            .remove(name)
            .unwrap_or_else(|| panic!("{id}: no field {name}"))
    };
    let (event_type, data) = (field("type"), field("data"));
    let own = event_type.starts_with("millstream.");
    let source = source.unwrap_or_else(|| {
        assert!(own, "{id}: no field source");
        String::new()
    });
    Entry {
        id,
        event_type,
        data,
        source,
    }
}
