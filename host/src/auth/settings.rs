//! Settings of authentication.

use crate::fetch::Source;
use std::path::PathBuf;
use std::time::Duration;

/// How clients authenticate.
#[derive(Clone, Debug)]
pub enum AuthSettings {
    /// Not at all: anyone who can connect may read any client's events.
    Anonymous,
    /// By a token.
    Tokens(Box<TokenSettings>),
}

impl AuthSettings {
    /// How long after its issue a token may still be valid, by any clock; `None`
    /// if that is not limited.
    pub fn longest_life(&self) -> Option<Duration> {
        match self {
            AuthSettings::Anonymous => None,
            AuthSettings::Tokens(tokens) => Some(tokens.max_life? + 2 * tokens.leeway),
        }
    }
}

/// The place of a secret.
#[derive(Clone)]
pub enum SecretSettings {
    /// In the configuration.
    Given(String),
    /// In a file; surrounding white space is ignored.
    File(PathBuf),
}

/// Which tokens are accepted, and what their claims mean.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// Files with one key each.
    pub keys: Vec<KeyFile>,
    /// A JWK set (RFC 7517).
    pub jwks: Option<Jwks>,
    /// The accepted `iss` claims; if empty, any.
    pub issuers: Vec<String>,
    /// The accepted `aud` claims; if empty, any.
    pub audiences: Vec<String>,
    /// How far clocks may differ. Whole seconds.
    pub leeway: Duration,
    /// Whether a token must have an `exp` claim.
    pub require_expiry: bool,
    /// The longest lifetime of a token, from `iat` to `exp`, if it is limited.
    /// Whole seconds.
    pub max_life: Option<Duration>,
    /// The claim with the client's id.
    pub client_claim: String,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// The claim that lists clients, for services that read for several clients.
    pub services_claim: String,
    /// The cookie that may hold the token.
    pub cookie: String,
}

/// The place of a JWK set.
#[derive(Clone, Debug)]
pub enum Jwks {
    /// In a file.
    File(PathBuf),
    /// At the URL where its issuer publishes it.
    Url(Source),
}

/// A file with one key.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// The one algorithm that this key is for.
    pub algorithm: Algorithm,
    /// A secret for HS256, else a public key in PEM.
    pub file: PathBuf,
    /// Its `kid`. A key without one is tried if no key has the token's `kid`.
    pub id: Option<String>,
    /// How a secret is written.
    pub encoding: SecretEncoding,
}

/// The supported signature algorithms (RFC 7518, section 3.1; RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: the key that verifies tokens can also sign them.
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
    /// As it is, without a final newline.
    #[default]
    Raw,
    /// Base64, with padding (RFC 4648, section 4).
    Base64,
}

impl TokenSettings {
    /// The defaults, with these keys.
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
