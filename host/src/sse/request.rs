//! The parameters of a request for a stream.

use super::cursor::{Cursor, encoded};
use crate::http::{check_names, decoded, parameter, parameter_of};
use crate::record::GroupName;
use std::borrow::Cow;

/// The most bytes of all group names as encoded in an id: a browser sends the
/// id in a header, whose size is limited.
const GROUPS_BYTES: usize = 2 << 10;
/// The most types that one connection may ask for.
const TYPES: usize = 64;

/// The known parameters. The last is the resume parameter, under the names that
/// other servers and polyfills use.
const NAMES: [&str; 9] = [
    "client",
    "groups",
    "types",
    "from",
    "last-event-id",
    "lastEventId",
    "lastEventID",
    "Last-Event-ID",
    "last_event_id",
];
const RESUME: &[&str] = NAMES.split_at(4).1;

/// Types of events.
pub type Types = Box<[Box<[u8]>]>;

/// Where a connection asks to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At the next event.
    Now,
    /// At the oldest entry.
    Earliest,
    /// After this place.
    After(Cursor),
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// The client that it names, if any; not checked.
    pub client: Option<Vec<u8>>,
    /// Groups to follow, each once.
    pub groups: Vec<GroupName>,
    /// Only events of these types.
    pub types: Option<Types>,
    /// Where to start.
    pub begin: Begin,
}

impl StreamRequest {
    /// Parses a query string and the `Last-Event-ID` header, which wins over
    /// `last-event-id` in the query, which wins over `from`.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub fn parse(
        query: &str,
        last_event_id: Option<&[u8]>,
        most_groups: usize,
    ) -> Result<StreamRequest, String> {
        check_names(query, &NAMES)?;
        let client = parameter(query, "client")?.map(decoded);
        let from = parameter(query, "from")?;
        let in_query = parameter_of(query, RESUME)?.map(decoded);
        let ids = [last_event_id, in_query.as_deref()];
        let id = ids.into_iter().flatten().find(|id| !id.is_empty());
        let begin = match (id, from) {
            (Some(id), _) => {
                let cursor = std::str::from_utf8(id).map_err(|_| "not UTF-8".to_string());
                let cursor = cursor.and_then(|id| Cursor::parse(id).map_err(|e| e.to_string()));
                Begin::After(cursor.map_err(|e| format!("Last-Event-ID: {e}"))?)
            }
            (None, None | Some("now")) => Begin::Now,
            (None, Some("earliest")) => Begin::Earliest,
            (None, Some(_)) => return Err("from: must be earliest or now".into()),
        };
        Ok(StreamRequest {
            client: client.map(Cow::into_owned),
            groups: groups(parameter(query, "groups")?, most_groups)?,
            types: types(parameter(query, "types")?)?,
            begin,
        })
    }
}

/// Names separated by commas; a comma in a name is `%2C`.
fn groups(value: Option<&str>, most: usize) -> Result<Vec<GroupName>, String> {
    let names = value.into_iter().flat_map(|value| value.split(','));
    let mut groups: Vec<GroupName> = Vec::new();
    for name in names {
        let name = GroupName::new(&decoded(name)).map_err(|e| format!("groups: a name {e}"))?;
        if !groups.contains(&name) {
            groups.push(name);
        }
        if groups.len() > most {
            return Err(format!("groups: at most {most} groups per connection"));
        }
    }
    let bytes: usize = groups.iter().map(|name| encoded(name).len()).sum();
    if bytes > GROUPS_BYTES {
        return Err(format!(
            "groups: the encoded names have {bytes} bytes, at most {GROUPS_BYTES} are allowed"
        ));
    }
    Ok(groups)
}

fn types(value: Option<&str>) -> Result<Option<Types>, String> {
    let Some(value) = value else {
        return Ok(None);
    };
    let types = value.split(',').map(|kind| decoded(kind).into());
    let types: Types = types.collect();
    if types.len() > TYPES {
        return Err(format!("types: at most {TYPES} types"));
    }
    if types.iter().any(|kind| kind.is_empty()) {
        return Err("types: a type is empty; events without a type have the type `message`".into());
    }
    Ok(Some(types))
}
