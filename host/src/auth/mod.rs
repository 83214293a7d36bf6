//! Authentication: which client's events a request may read.
//!
//! Promises: headers and cookies in; out a client whose events may be read, or a
//! refusal with its status and a reason that is safe to show. Tokens are JWTs
//! (RFC 7519), verified with keys that may be replaced while the daemon runs: from
//! files, or from the URL where their issuer publishes them. While an issuer's
//! keys are not available, no token is refused permanently. No answer and no log
//! contains a token, a key or a claim's value. This folder knows nothing of HTTP,
//! streams, or the issuers of tokens. It alone names jsonwebtoken.

mod check;
mod claims;
mod credentials;
mod crypto;
mod jwks;
mod key;
mod keyring;
mod keys;
mod refused;
mod secret;
mod settings;
mod spki;
mod token;

pub use check::{Auth, Verified};
pub use claims::{Access, Claims, GroupAccess};
pub use credentials::Credentials;
pub use refused::Refused;
pub use secret::Secret;
pub use settings::{
    Algorithm, AuthSettings, Jwks, KeyFile, SecretEncoding, SecretSettings, TokenSettings,
};

#[cfg(test)]
mod tests;
