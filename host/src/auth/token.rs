//! From a token to its claims.

use super::claims::{ClaimMap, Claims};
use super::keyring::Held;
use super::refused::Refused;
use super::settings::{Algorithm, TokenSettings};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{DecodingKey, Header, Validation, decode, decode_header};
use std::fmt;

/// The longest token: most servers limit headers to twice that.
const MAX: usize = 8 << 10;

/// Which tokens are accepted, and what they mean.
pub(super) struct Rules {
    /// One for each algorithm, in the order of [`Algorithm::ALL`], so that a key is
    /// never tried with another algorithm than its own.
    validations: [Validation; 4],
    settings: TokenSettings,
}

impl Rules {
    pub fn new(settings: TokenSettings) -> Rules {
        Rules {
            validations: Algorithm::ALL.map(|algorithm| validation(algorithm, &settings)),
            settings,
        }
    }

    /// The claims of a token, if it is valid at the time `now` (in seconds since
    /// 1970).
    ///
    /// # Errors
    /// Says why it is not valid, or that its key is not available yet.
    pub fn verify(&self, keys: &Held<'_>, token: &[u8], now: u64) -> Result<Claims, Refused> {
        if token.len() > MAX {
            return Err(Refused::token(format!(
                "the token is longer than {} KiB",
                MAX >> 10
            )));
        }
        let header = decode_header(token)
            .map_err(|_| Refused::token("the token is not a JWT with a known algorithm"))?;
        let algorithm = algorithm(&header)?;
        let validation = &self.validations[algorithm as usize];
        let id = header.kid.as_deref();
        let why = Refused::token("no configured key has the token's algorithm and key id");
        let mut why = why.reason("key");
        let mut signed_here = id.is_some_and(|id| keys.has(id));
        for key in keys.candidates(algorithm, id) {
            match claims(token, &key.decoding, validation) {
                Ok(claims) => return claims.read(&self.settings, now),
                Err(error) => {
                    signed_here |= !matches!(error.kind(), ErrorKind::InvalidSignature);
                    why = refused(error.kind());
                }
            }
        }
        // A token without a key id is remembered as a whole: its issuer may have
        // a new key without an id.
        if !signed_here && keys.may_come(id.map_or(token, str::as_bytes)) {
            return Err(Refused::later());
        }
        Err(why)
    }
}

fn claims(token: &[u8], key: &DecodingKey, validation: &Validation) -> Result<ClaimMap, Error> {
    decode::<ClaimMap>(token, key, validation).map(|token| token.claims)
}

/// The header's algorithm, if the header requires nothing unsupported.
fn algorithm(header: &Header) -> Result<Algorithm, Refused> {
    // RFC 7515, section 4.1.11: refuse critical headers that are not supported.
    // The library parses `crit` but does not check it.
    if header.crit.is_some() {
        return Err(Refused::token(
            "the token has critical headers (crit), and none are supported",
        ));
    }
    Algorithm::of(header.alg).ok_or_else(|| {
        Refused::token(
            "the token's algorithm is not supported: expected HS256, RS256, ES256 or EdDSA",
        )
    })
}

fn validation(algorithm: Algorithm, settings: &TokenSettings) -> Validation {
    let mut rules = Validation::new(algorithm.library());
    // The library takes null for a malformed time, so `ClaimMap` checks times.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.required_spec_claims.clear();
    if !settings.issuers.is_empty() {
        rules.required_spec_claims.insert("iss".into());
        rules.set_issuer(&settings.issuers);
    }
    if settings.audiences.is_empty() {
        rules.validate_aud = false;
    } else {
        rules.required_spec_claims.insert("aud".into());
        rules.set_audience(&settings.audiences);
    }
    rules
}

/// The refusal for an error of the library, without its text, which may contain
/// parts of the token.
fn refused(error: &ErrorKind) -> Refused {
    let (reason, detail) = match error {
        ErrorKind::InvalidSignature => {
            let detail = "the token's signature does not match a configured key";
            ("signature", detail)
        }
        ErrorKind::InvalidIssuer => {
            let detail = "the token's issuer (iss) is not trusted";
            ("issuer", detail)
        }
        ErrorKind::InvalidAudience => ("audience", "the token is for another audience (aud)"),
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "iss" => ("issuer", "the token has no issuer (iss)"),
            "aud" => ("audience", "the token has no audience (aud)"),
            _ => ("claims", "the token lacks a required claim"),
        },
        _ => ("bad-token", "the token is malformed"),
    };
    Refused::token(detail).reason(reason)
}

impl Algorithm {
    const ALL: [Algorithm; 4] = [
        Algorithm::Hs256,
        Algorithm::Rs256,
        Algorithm::Es256,
        Algorithm::EdDsa,
    ];

    pub(super) fn library(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    fn of(given: jsonwebtoken::Algorithm) -> Option<Algorithm> {
        Algorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.library() == given)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.library())
    }
}
