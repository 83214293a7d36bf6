//! What a verified token says.

use super::refused::Refused;
use super::settings::TokenSettings;
use crate::record::ClientId;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// The most groups a token may list.
const GROUPS_MAX: usize = 64;
/// "Every client", "every group".
const ALL: &str = "*";

/// What a verified token allows, and from when until when.
#[derive(Debug)]
pub struct Claims {
    /// Whose events.
    pub client: Access,
    /// Which groups' events.
    pub groups: GroupAccess,
    /// When it was issued (`iat`), in seconds since 1970.
    pub issued_at: Option<u64>,
    /// Until when it is good (`exp` and the leeway), in seconds since 1970.
    pub expires: Option<u64>,
}

/// Which clients' events may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// One's own.
    One(ClientId),
    /// Those of the clients that a service's token lists; perhaps of none.
    Some(Vec<ClientId>),
    /// Everyone's.
    Any,
}

/// Which groups' events may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupAccess {
    /// Every group's.
    All,
    /// Those of these groups; perhaps of none.
    Some(HashSet<String>),
}

impl GroupAccess {
    /// Whether this group's events may be read.
    pub fn allows(&self, group: &str) -> bool {
        match self {
            GroupAccess::All => true,
            GroupAccess::Some(groups) => groups.contains(group),
        }
    }
}

/// A token's claims by name. A name that is there twice is an error: whoever
/// else reads this token may take the other one.
pub(super) struct ClaimMap(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for ClaimMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ClaimMap, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = ClaimMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("claims")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ClaimMap, M::Error> {
                let mut claims = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if claims.insert(name, value).is_some() {
                        return Err(M::Error::custom("a claim is there twice"));
                    }
                }
                Ok(ClaimMap(claims))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

impl ClaimMap {
    /// What these claims allow at this time, in seconds since 1970. Whether
    /// they are in force (`exp`, `nbf`, `iss`, `aud`) was checked before.
    pub fn read(&self, settings: &TokenSettings, now: u64) -> Result<Claims, Refused> {
        let leeway = settings.leeway.as_secs();
        let issued_at = self.seconds("iat")?;
        // Revocation goes by it, so one from the future would outlive that.
        if issued_at.is_some_and(|at| at > now.saturating_add(leeway)) {
            return Err(Refused::token("the token was issued in the future"));
        }
        if let Some(most) = settings.max_life {
            self.lives_at_most(most.as_secs(), issued_at)?;
        }
        Ok(Claims {
            client: self.clients(settings)?,
            groups: self.groups(&settings.groups_claim)?,
            issued_at,
            expires: self.seconds("exp")?.map(|at| at.saturating_add(leeway)),
        })
    }

    /// A revocation is kept for as long as the tokens that it is about may live.
    fn lives_at_most(&self, most: u64, issued_at: Option<u64>) -> Result<(), Refused> {
        let Some(issued_at) = issued_at else {
            return Err(wrong("iat", "not there: max-token-life needs it"));
        };
        let expires = self.seconds("exp")?;
        match expires.is_some_and(|at| at <= issued_at.saturating_add(most)) {
            true => Ok(()),
            false => Err(Refused::token(format!(
                "the token lives longer than {most} s (max-token-life)"
            ))),
        }
    }

    /// A NumericDate (RFC 7519, section 2), which may have a fraction.
    fn seconds(&self, name: &'static str) -> Result<Option<u64>, Refused> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let fraction = || value.as_f64().filter(|n| (0.0..1e18).contains(n));
        let seconds = value.as_u64().or_else(|| fraction().map(|n| n as u64));
        match seconds {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(wrong(name, "no time in seconds since 1970")),
        }
    }

    fn clients(&self, settings: &TokenSettings) -> Result<Access, Refused> {
        let name = &settings.services_claim;
        match self.0.get(name) {
            None => self.client(&settings.client_claim).map(Access::One),
            Some(Value::String(all)) if all == ALL => Ok(Access::Any),
            Some(Value::Array(list)) => {
                let clients = list.iter().map(|id| client(name, id));
                clients.collect::<Result<_, _>>().map(Access::Some)
            }
            Some(_) => Err(wrong(name, "neither a list of client ids nor *")),
        }
    }

    fn client(&self, name: &str) -> Result<ClientId, Refused> {
        match self.0.get(name) {
            Some(id) => client(name, id),
            None => Err(wrong(name, "not there: it says which client this is")),
        }
    }

    fn groups(&self, name: &str) -> Result<GroupAccess, Refused> {
        let list = match self.0.get(name) {
            None => return Ok(GroupAccess::Some(HashSet::new())),
            Some(Value::String(all)) if all == ALL => return Ok(GroupAccess::All),
            Some(Value::Array(list)) if list.len() > GROUPS_MAX => {
                let why = format!("a list of over {GROUPS_MAX} groups");
                return Err(wrong(name, &why));
            }
            Some(Value::Array(list)) => list,
            Some(_) => return Err(wrong(name, "no list of groups")),
        };
        let text = |group: &Value| group.as_str().map(String::from);
        let groups: Option<HashSet<_>> = list.iter().map(text).collect();
        match groups {
            // In a list it is a group's name, which whoever names groups chose.
            Some(groups) => Ok(GroupAccess::Some(groups)),
            None => Err(wrong(name, "a list with something that is no text")),
        }
    }
}

fn client(name: &str, id: &Value) -> Result<ClientId, Refused> {
    let Value::String(id) = id else {
        return Err(wrong(name, "something that is no text"));
    };
    // These errors tell lengths and places, not the id.
    ClientId::new(id.as_bytes()).map_err(|why| wrong(name, &format!("no client id: it {why}")))
}

fn wrong(claim: &str, what: &str) -> Refused {
    Refused::token(format!("the token's claim `{claim}` is {what}"))
}
