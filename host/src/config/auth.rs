//! `[auth]`. Access without tokens must be configured explicitly.

use super::checker::{Checked, Checker};
use super::http::Http;
use super::values::{self, Names, Text, Time};
use crate::auth::{self, AuthSettings, Jwks, KeyFile, SecretEncoding, TokenSettings};
use crate::fetch::{Address, Source};
use serde::{Deserialize, Deserializer};
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;

/// The advice where no authentication is configured.
const WAYS: &str = "configure keys for tokens ([[auth.key]] or [auth] jwks), or set [auth] \
                    anonymous = true to let anyone who can connect read any client's events";

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Auth {
    pub anonymous: Option<Spanned<bool>>,
    #[serde(default, deserialize_with = "keys")]
    pub key: Vec<AuthKey>,
    pub jwks: Option<Spanned<Text>>,
    pub jwks_ca: Option<Spanned<Text>>,
    pub jwks_cooldown: Option<Spanned<Time>>,
    pub jwks_max_age: Option<Spanned<Time>>,
    pub issuer: Option<Spanned<Names>>,
    pub audience: Option<Spanned<Names>>,
    pub leeway: Option<Spanned<Time>>,
    pub require_expiry: Option<Spanned<bool>>,
    pub max_token_life: Option<Spanned<Time>>,
    pub client_claim: Option<Spanned<Text>>,
    pub groups_claim: Option<Spanned<Text>>,
    pub services_claim: Option<Spanned<Text>>,
    pub cookie: Option<Spanned<Text>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AuthKey {
    pub algorithm: Spanned<Algorithm>,
    pub file: Text,
    pub id: Option<Spanned<Text>>,
    pub encoding: Option<Spanned<Encoding>>,
}

#[derive(Deserialize, Clone, Copy)]
pub(super) enum Algorithm {
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Encoding {
    Raw,
    Base64,
}

/// Every `[[auth.key]]`.
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AuthKey>, D::Error> {
    values::list(deserializer, "[[auth.key]], once for each key")
}

impl Checker<'_> {
    pub(super) fn auth(&self, auth: Option<Auth>, http: &Http) -> Checked<AuthSettings> {
        let Some(auth) = auth else {
            return match self.role.serves() {
                true => self.without_auth(http),
                false => Ok(AuthSettings::Anonymous),
            };
        };
        let given = auth.first_of_tokens();
        match &auth.anonymous {
            Some(anonymous) if *anonymous.get_ref() => match given {
                Some((key, span)) => self.error(
                    span,
                    format!(
                        "anonymous = true means that no tokens are checked, so `{key}` has no \
                         effect: remove one of them"
                    ),
                ),
                None => self.anonymous(http, anonymous.span()),
            },
            _ if http.allow_unauthenticated => match given {
                Some((key, span)) => self.error(
                    span,
                    format!(
                        "[http] allow-unauthenticated = true means that no tokens are checked, so \
                         `{key}` has no effect: remove one of them"
                    ),
                ),
                None => Ok(AuthSettings::Anonymous),
            },
            anonymous => {
                let anonymous = anonymous.as_ref().map(Spanned::span);
                let span = anonymous.or(given.map(|(_, span)| span));
                self.tokens(auth, span.unwrap_or_else(|| self.place_of("[auth]")))
            }
        }
    }

    fn without_auth(&self, http: &Http) -> Checked<AuthSettings> {
        if http.allow_unauthenticated {
            return Ok(AuthSettings::Anonymous);
        }
        let listen = http.listen.as_ref().map(Spanned::span);
        let span = listen.unwrap_or_else(|| self.place_of("[http]"));
        self.error(
            span,
            format!("missing [auth] table, which says how clients authenticate: {WAYS}"),
        )
    }

    fn anonymous(&self, http: &Http, span: Range<usize>) -> Checked<AuthSettings> {
        if http.allow_unauthenticated || self.is_local(http)? {
            return Ok(AuthSettings::Anonymous);
        }
        let listen = http.listen.as_ref().map(Spanned::span);
        self.error(
            listen.unwrap_or(span),
            "[auth] anonymous = true works on loopback only: anyone who can connect to this \
             address could read any client's events. Configure keys for tokens, listen on \
             127.0.0.1 behind a gateway that authenticates requests, or set [http] \
             allow-unauthenticated = true",
        )
    }

    fn tokens(&self, auth: Auth, span: Range<usize>) -> Checked<AuthSettings> {
        if auth.key.is_empty() && auth.jwks.is_none() {
            return self.error(span, format!("[auth] has no key: {WAYS}"));
        }
        let keys = auth.key.into_iter().map(|key| self.key(key));
        let jwks = self.jwks(
            auth.jwks,
            auth.jwks_ca,
            auth.jwks_cooldown,
            auth.jwks_max_age,
        )?;
        let default = TokenSettings::of_keys(keys.collect::<Checked<_>>()?, jwks);
        let claim = |given, default| self.printable(given, default, "claim");
        Ok(AuthSettings::Tokens(Box::new(TokenSettings {
            issuers: self.names(auth.issuer)?,
            audiences: self.names(auth.audience)?,
            leeway: self.leeway(auth.leeway, default.leeway)?,
            require_expiry: auth.require_expiry.is_none_or(Spanned::into_inner),
            max_life: self.max_token_life(auth.max_token_life)?,
            client_claim: claim(auth.client_claim, default.client_claim)?,
            groups_claim: claim(auth.groups_claim, default.groups_claim)?,
            services_claim: claim(auth.services_claim, default.services_claim)?,
            cookie: self.cookie(auth.cookie, default.cookie)?,
            keys: default.keys,
            jwks: default.jwks,
        })))
    }

    /// A URL or a file. The options for fetching are valid for a URL only.
    fn jwks(
        &self,
        jwks: Option<Spanned<Text>>,
        ca: Option<Spanned<Text>>,
        cooldown: Option<Spanned<Time>>,
        max_age: Option<Spanned<Time>>,
    ) -> Checked<Option<Jwks>> {
        let address = match &jwks {
            Some(jwks) if jwks.get_ref().0.contains("://") => self.issuer_address(jwks)?,
            _ => {
                let ca = ca.as_ref().map(|ca| ("jwks-ca", ca.span()));
                let cooldown = cooldown.map(|given| ("jwks-cooldown", given.span()));
                let max_age = max_age.map(|given| ("jwks-max-age", given.span()));
                if let Some((key, span)) = ca.or(cooldown).or(max_age) {
                    return self.error(span, format!("{key} needs jwks = \"https://...\""));
                }
                let file = jwks.map(|jwks| self.resolve(&jwks.get_ref().0));
                return Ok(file.map(Jwks::File));
            }
        };
        if let Some(ca) = ca.as_ref().filter(|_| !address.is_https()) {
            return self.error(ca.span(), "jwks-ca needs jwks = \"https://...\"");
        }
        let (s, hour) = (Duration::from_secs, Duration::from_secs(3600));
        let cooldown = self.time(cooldown, s(10), Duration::from_millis(100)..=s(600))?;
        Ok(Some(Jwks::Url(Source {
            address,
            ca: ca.map(|ca| self.resolve(&ca.get_ref().0)),
            cooldown,
            max_age: self.time(max_age, hour.max(cooldown), cooldown..=24 * hour)?,
        })))
    }

    fn issuer_address(&self, jwks: &Spanned<Text>) -> Checked<Address> {
        match Address::parse(&jwks.get_ref().0) {
            Ok(address) => Ok(address),
            Err(why) => self.error(jwks.span(), why),
        }
    }

    fn key(&self, key: AuthKey) -> Checked<KeyFile> {
        let algorithm = match key.algorithm.get_ref() {
            Algorithm::Hs256 => auth::Algorithm::Hs256,
            Algorithm::Rs256 => auth::Algorithm::Rs256,
            Algorithm::Es256 => auth::Algorithm::Es256,
            Algorithm::EdDsa => auth::Algorithm::EdDsa,
        };
        let encoding = match key.encoding {
            Some(given) if algorithm != auth::Algorithm::Hs256 => {
                let message = "encoding is for an HS256 secret: a public key is PEM";
                return self.error(given.span(), message);
            }
            Some(given) => match given.into_inner() {
                Encoding::Raw => SecretEncoding::Raw,
                Encoding::Base64 => SecretEncoding::Base64,
            },
            None => SecretEncoding::Raw,
        };
        let id = key
            .id
            .map(|id| self.printable(Some(id), String::new(), "key id"));
        Ok(KeyFile {
            algorithm,
            file: self.resolve(&key.file.0),
            id: id.transpose()?,
            encoding,
        })
    }

    fn names(&self, given: Option<Spanned<Names>>) -> Checked<Vec<String>> {
        let Some(given) = given else {
            return Ok(Vec::new());
        };
        let span = given.span();
        let names = given.into_inner().0;
        // An empty list would mean "any".
        if names.is_empty() || names.iter().any(String::is_empty) {
            return self.error(span, "expected at least one value, none of them empty");
        }
        Ok(names)
    }

    /// Whole seconds, since the times in tokens are seconds.
    fn leeway(&self, given: Option<Spanned<Time>>, default: Duration) -> Checked<Duration> {
        let span = given.as_ref().map(Spanned::span).unwrap_or_default();
        let leeway = self.time(given, default, Duration::ZERO..=Duration::from_secs(600))?;
        if leeway.subsec_nanos() > 0 {
            return self.error(span, "expected whole seconds");
        }
        Ok(leeway)
    }

    fn max_token_life(&self, given: Option<Spanned<Time>>) -> Checked<Option<Duration>> {
        let Some(given) = given else {
            return Ok(None);
        };
        let (least, most) = (Duration::from_secs(60), Duration::from_hours(366 * 24));
        let span = given.span();
        let life = self.time(Some(given), least, least..=most)?;
        match life.subsec_nanos() {
            0 => Ok(Some(life)),
            _ => self.error(span, "expected whole seconds"),
        }
    }

    fn printable(
        &self,
        given: Option<Spanned<Text>>,
        default: String,
        what: &str,
    ) -> Checked<String> {
        let Some(given) = given else {
            return Ok(default);
        };
        let text = &given.get_ref().0;
        if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
            let message = format!("expected a {what} of 1 to 256 bytes without control characters");
            return self.error(given.span(), message);
        }
        Ok(given.into_inner().0)
    }

    /// The prefix makes browsers send the cookie over HTTPS only (RFC 6265bis,
    /// section 4.1.3); the rest is a token of RFC 9110.
    fn cookie(&self, given: Option<Spanned<Text>>, default: String) -> Checked<String> {
        let Some(given) = given else {
            return Ok(default);
        };
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let name = &given.get_ref().0;
        let prefixes = ["__Secure-", "__Host-"];
        let rest = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix));
        if rest.is_none_or(str::is_empty) || !name.bytes().all(legal) {
            let message = format!(
                "invalid cookie name `{}`: it must begin with __Secure- or __Host-, so that \
                 browsers send it over HTTPS only, and continue with letters, digits or \
                 !#$%&'*+-.^_`|~",
                name.escape_debug()
            );
            return self.error(given.span(), message);
        }
        Ok(given.into_inner().0)
    }

    /// Where a table begins, or the end of the file if it is missing.
    fn place_of(&self, table: &str) -> Range<usize> {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            if line.trim_start().starts_with(table) {
                return at..at;
            }
            at += line.len();
        }
        at..at
    }
}

impl Auth {
    /// The first key that concerns tokens, and its place.
    fn first_of_tokens(&self) -> Option<(&'static str, Range<usize>)> {
        fn place<T>(
            key: &'static str,
            given: &Option<Spanned<T>>,
        ) -> Option<(&'static str, Range<usize>)> {
            given.as_ref().map(|given| (key, given.span()))
        }
        let key = self.key.first().map(|key| ("key", key.algorithm.span()));
        key.or(place("jwks", &self.jwks))
            .or(place("jwks-ca", &self.jwks_ca))
            .or(place("jwks-cooldown", &self.jwks_cooldown))
            .or(place("jwks-max-age", &self.jwks_max_age))
            .or(place("issuer", &self.issuer))
            .or(place("audience", &self.audience))
            .or(place("leeway", &self.leeway))
            .or(place("require-expiry", &self.require_expiry))
            .or(place("max-token-life", &self.max_token_life))
            .or(place("client-claim", &self.client_claim))
            .or(place("groups-claim", &self.groups_claim))
            .or(place("services-claim", &self.services_claim))
            .or(place("cookie", &self.cookie))
    }
}

#[cfg(test)]
mod tests;
