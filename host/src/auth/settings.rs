//! What is configured.

use crate::fetch::Source;
use std::path::PathBuf;
use std::time::Duration;

/// How it is known who asks.
#[derive(Clone, Debug)]
pub enum AuthSettings {
    /// Not at all: whoever asks may read any client's events.
    Anonymous,
    /// By a token.
    Tokens(Box<TokenSettings>),
}

impl AuthSettings {
    /// How long after its issue a token may still be good, by any clock; `None`
    /// where that is not limited.
    pub fn longest_life(&self) -> Option<Duration> {
        match self {
            AuthSettings::Anonymous => None,
            AuthSettings::Tokens(tokens) => Some(tokens.max_life? + 2 * tokens.leeway),
        }
    }
}

/// Where a secret is.
#[derive(Clone)]
pub enum SecretSettings {
    /// Here.
    Given(String),
    /// In a file, without the white space around it.
    File(PathBuf),
}

/// Which tokens are good, and what their claims mean.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// Files with one key each.
    pub keys: Vec<KeyFile>,
    /// A JWK set (RFC 7517).
    pub jwks: Option<Jwks>,
    /// The `iss` claims that are good; none: any.
    pub issuers: Vec<String>,
    /// The `aud` claims that are good; none: any.
    pub audiences: Vec<String>,
    /// How far clocks may be apart. Whole seconds.
    pub leeway: Duration,
    /// Whether a token must have an `exp` claim.
    pub require_expiry: bool,
    /// How long a token may live from its `iat` to its `exp`, where that is
    /// limited. Whole seconds.
    pub max_life: Option<Duration>,
    /// The claim that is the client's id.
    pub client_claim: String,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// The claim that lists clients, for services that read for several.
    pub services_claim: String,
    /// The cookie that may hold the token.
    pub cookie: String,
}

/// Where a JWK set is.
#[derive(Clone, Debug)]
pub enum Jwks {
    /// In a file.
    File(PathBuf),
    /// Where its issuer publishes it.
    Url(Source),
}

/// A file with one key.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// The one algorithm that this key is for.
    pub algorithm: Algorithm,
    /// A secret for HS256, else a public key in PEM.
    pub file: PathBuf,
    /// Its `kid`. Without one it is tried where no key has the token's.
    pub id: Option<String>,
    /// How a secret is written.
    pub encoding: SecretEncoding,
}

/// The signatures that are understood (RFC 7518, section 3.1; RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: who can check a token can make one.
    Hs256,
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// How the secret of an HS256 key is written in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretEncoding {
    /// As it is; a newline at the end is no part of it.
    #[default]
    Raw,
    /// Base64, with padding (RFC 4648, section 4).
    Base64,
}

impl TokenSettings {
    /// What is configured when nothing but keys is.
    pub fn of_keys(keys: Vec<KeyFile>, jwks: Option<Jwks>) -> TokenSettings {
        TokenSettings {
            keys,
            jwks,
            issuers: Vec::new(),
            audiences: Vec::new(),
            leeway: Duration::from_secs(30),
            require_expiry: true,
            max_life: None,
            client_claim: "sub".into(),
            groups_claim: "groups".into(),
            services_claim: "millstream_clients".into(),
            cookie: "__Secure-millstream".into(),
        }
    }
}
