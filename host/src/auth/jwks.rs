//! JWK sets (RFC 7517).

use super::key::Key;
use super::settings::Algorithm;
use crate::fetch::Address;
use crate::record::byte_order_mark;
use anyhow::{Context, bail, ensure};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{DecodingKey, DecodingKeyKind};
use serde_json::Value;
use std::fmt::Display;
use std::path::Path;

/// The most entries of a set: each unusable one is logged.
const MAX: usize = 256;

/// The keys of a set. A key for another purpose or of an unsupported kind is
/// skipped with a warning (RFC 7517, section 5).
///
/// # Errors
/// When it is not a set, or has no supported key.
pub(super) fn read(path: &Path, file: &[u8]) -> anyhow::Result<Vec<Key>> {
    read_if(&path.display(), file, |_| Ok(()))
}

/// The public keys of a published set.
///
/// # Errors
/// As [`read`].
pub(super) fn read_published(from: &Address, set: &[u8]) -> anyhow::Result<Vec<Key>> {
    read_if(from, set, |key| {
        let secret = key.algorithm == Algorithm::Hs256;
        ensure!(!secret, "a published set must not contain a secret (HS256)");
        Ok(())
    })
}

fn read_if(
    from: &dyn Display,
    set: &[u8],
    may: impl Fn(&Key) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Key>> {
    let why = byte_order_mark(set).unwrap_or("not valid JSON");
    let set: Value = serde_json::from_slice(set).ok().context(why)?;
    let list = set.get("keys").and_then(Value::as_array);
    let list = list.context("not a JWK set: expected {\"keys\": [...]}")?;
    let n = list.len();
    ensure!(
        n <= MAX,
        "the set has {n} entries, but at most {MAX} are allowed"
    );
    let mut keys = Vec::new();
    for (n, jwk) in list.iter().enumerate() {
        match key(jwk).and_then(|key| may(&key).map(|()| key)) {
            Ok(key) => keys.push(key),
            Err(why) => tracing::warn!("{from}: skipping key {} of the JWK set: {why}", n + 1),
        }
    }
    ensure!(
        !keys.is_empty(),
        "the set has no key that can verify a token"
    );
    Ok(keys)
}

fn key(jwk: &Value) -> anyhow::Result<Key> {
    // The library's error could contain a member's value.
    let jwk = serde_json::from_value::<Jwk>(jwk.clone()).ok();
    let jwk = jwk.context("a member does not conform to RFC 7517")?;
    let other_use = |purpose| purpose != &PublicKeyUse::Signature;
    if jwk.common.public_key_use.as_ref().is_some_and(other_use) {
        bail!("`use` is not `sig`");
    }
    if let Some(operations) = &jwk.common.key_operations {
        let verify = operations.contains(&KeyOperations::Verify);
        ensure!(verify, "`key_ops` does not contain `verify`");
    }
    let algorithm = algorithm(&jwk)?;
    let decoding = DecodingKey::from_jwk(&jwk).ok();
    let decoding = without_zeros(decoding.context("a member is not base64url")?);
    Key::new(jwk.common.key_id, algorithm, decoding)
}

/// The algorithm of a key. Each supported key type has exactly one, and `alg` must
/// not name another.
fn algorithm(jwk: &Jwk) -> anyhow::Result<Algorithm> {
    let by_type = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::Rs256,
        AlgorithmParameters::OctetKey(_) => Algorithm::Hs256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::Es256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDsa
        }
        _ => bail!("unsupported `kty` or `crv`"),
    };
    match jwk.common.key_algorithm {
        Some(given) if given != by_type.library().into() => bail!("`alg` is not {by_type}"),
        _ => Ok(by_type),
    }
}

/// ring refuses leading zeros in the numbers of an RSA key; some issuers write one.
fn without_zeros(key: DecodingKey) -> DecodingKey {
    let significant = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number[zeros..].to_vec()
    };
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            DecodingKey::from_rsa_raw_components(&significant(n), &significant(e))
        }
        DecodingKeyKind::SecretOrDer(_) => key,
    }
}
