//! The claims of a verified token.

use super::refused::Refused;
use super::settings::TokenSettings;
use crate::record::ClientId;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// The claim's value for every client or every group.
const ALL: &str = "*";
/// The subject of a token, a string (RFC 7519, section 4.1.2).
const SUBJECT: &str = "sub";

/// What a verified token allows, and until when.
#[derive(Debug)]
pub struct Claims {
    /// The clients whose events may be read.
    pub client: Access,
    /// The groups whose events may be read.
    pub groups: GroupAccess,
    /// When it was issued (`iat`), in seconds since 1970.
    pub issued_at: Option<u64>,
    /// When it expires (`exp` plus the leeway), in seconds since 1970.
    pub expires: Option<u64>,
}

/// The clients whose events may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// The token's client.
    One(ClientId),
    /// The clients that a service's token lists; may be empty.
    Some(Vec<ClientId>),
    /// Every client.
    Any,
}

/// The groups whose events may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupAccess {
    /// Every group.
    All,
    /// These groups; may be empty.
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

/// A token's claims by name, parsed only when they are used. A duplicate name is
/// an error: another reader of this token may take the other value.
pub(super) struct ClaimMap(BTreeMap<String, Box<RawValue>>);

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
                        return Err(M::Error::custom("duplicate claim"));
                    }
                }
                Ok(ClaimMap(claims))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

impl ClaimMap {
    /// What these claims allow at the time `now`, in seconds since 1970. `iss` and
    /// `aud` were checked before.
    pub fn read(&self, settings: &TokenSettings, now: u64) -> Result<Claims, Refused> {
        let expires = self.in_force(settings, now)?;
        let issued_at = self.seconds("iat")?;
        // Revocation compares it, so a token from the future would survive a revocation.
        if issued_at.is_some_and(|at| at > now.saturating_add(settings.leeway.as_secs())) {
            return Err(
                Refused::token("the token was issued in the future (iat)").reason("not-yet")
            );
        }
        if let Some(most) = settings.max_life {
            self.lives_at_most(most.as_secs(), issued_at)?;
        }
        Ok(Claims {
            client: self.clients(settings)?,
            groups: self.groups(&settings.groups_claim),
            issued_at,
            expires,
        })
    }

    /// Limits the lifetime, since revocations are kept only that long.
    fn lives_at_most(&self, most: u64, issued_at: Option<u64>) -> Result<(), Refused> {
        let Some(issued_at) = issued_at else {
            return Err(wrong("iat", "missing: max-token-life requires it"));
        };
        let expires = self.seconds("exp")?;
        match expires.is_some_and(|at| at <= issued_at.saturating_add(most)) {
            true => Ok(()),
            false => Err(Refused::token(format!(
                "the token's lifetime is longer than {most} s (max-token-life)"
            ))
            .reason("claims")),
        }
    }

    /// Checks that the token is valid now (`exp`, `nbf`); returns when it expires.
    fn in_force(&self, settings: &TokenSettings, now: u64) -> Result<Option<u64>, Refused> {
        let leeway = settings.leeway.as_secs();
        let expires = self.seconds("exp")?.map(|at| at.saturating_add(leeway));
        if expires.is_none() && settings.require_expiry {
            return Err(Refused::token("the token has no expiry time (exp)").reason("claims"));
        }
        if expires.is_some_and(|at| at < now) {
            return Err(Refused::token("the token has expired").reason("expired"));
        }
        let from = self.seconds("nbf")?;
        if from.is_some_and(|at| at > now.saturating_add(leeway)) {
            return Err(Refused::token("the token is not valid yet (nbf)").reason("not-yet"));
        }
        Ok(expires)
    }

    /// The value of a claim. Null counts as absent: some issuers write every claim
    /// that they know.
    fn get(&self, name: &str) -> Option<&RawValue> {
        let value = self.0.get(name).map(|value| &**value);
        value.filter(|value| value.get() != "null")
    }

    /// A NumericDate (RFC 7519, section 2), which may have a fraction.
    fn seconds(&self, name: &'static str) -> Result<Option<u64>, Refused> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let fraction = || parse(value).filter(|n| (0.0..1e18).contains(n));
        let seconds = parse(value).or_else(|| fraction().map(|n: f64| n as u64));
        match seconds {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(wrong(name, "not a time in seconds since 1970")),
        }
    }

    fn clients(&self, settings: &TokenSettings) -> Result<Access, Refused> {
        let name = &settings.services_claim;
        let Some(value) = self.get(name) else {
            return self.client(&settings.client_claim).map(Access::One);
        };
        if is_all(value) {
            return Ok(Access::Any);
        }
        let Some(ids) = texts(value) else {
            return Err(wrong(name, "neither a list of client ids nor *"));
        };
        // An invalid id can't be requested either.
        let clients = ids.filter_map(|id| ClientId::new(id.as_bytes()).ok());
        Ok(Access::Some(clients.collect()))
    }

    fn client(&self, name: &str) -> Result<ClientId, Refused> {
        let id = match self.get(name) {
            None => return Err(wrong(name, "missing: it must contain the client id")),
            Some(value) if name == SUBJECT && is_number(value) => {
                return Err(wrong(name, "a number: RFC 7519 requires a string"));
            }
            Some(value) => text(value),
        };
        let id = id.ok_or_else(|| wrong(name, "neither a string nor a number"))?;
        // These errors contain lengths and positions, not the id.
        ClientId::new(id.as_bytes())
            .map_err(|why| wrong(name, &format!("not a valid client id: it {why}")))
    }

    /// The listed groups. Other values are ignored: the claim matters only for
    /// requests for a group.
    fn groups(&self, name: &str) -> GroupAccess {
        match self.get(name) {
            Some(value) if is_all(value) => GroupAccess::All,
            // In a list, * is the name of a group.
            Some(value) => GroupAccess::Some(texts(value).into_iter().flatten().collect()),
            None => GroupAccess::Some(HashSet::new()),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

fn is_all(value: &RawValue) -> bool {
    parse(value).is_some_and(|text: String| text == ALL)
}

fn is_number(value: &RawValue) -> bool {
    value
        .get()
        .starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// The text of a string, or of a number as it was written. `by-field` does the
/// same, so that both use the same client id.
fn text(value: &RawValue) -> Option<String> {
    match is_number(value) {
        true => Some(value.get().into()),
        false => parse(value),
    }
}

/// The texts in a list; other values are ignored.
fn texts(list: &RawValue) -> Option<impl Iterator<Item = String>> {
    let list: Vec<&RawValue> = parse(list)?;
    Some(list.into_iter().filter_map(text))
}

fn wrong(claim: &str, what: &str) -> Refused {
    Refused::token(format!("the token's claim `{claim}` is {what}")).reason("claims")
}
