//! A key, checked to be usable.

use super::settings::Algorithm;
use anyhow::{bail, ensure};
use jsonwebtoken::{DecodingKey, DecodingKeyKind};

/// As long as the hash (RFC 7518, section 3.2): a shorter secret can be guessed
/// offline from one token.
const SECRET_MIN: usize = 32;

/// A key, for one algorithm.
pub(super) struct Key {
    pub id: Option<String>,
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
}

impl Key {
    /// A key that is usable with this algorithm.
    ///
    /// # Errors
    /// Says what is wrong with the key, without its content.
    pub fn new(
        id: Option<String>,
        algorithm: Algorithm,
        decoding: DecodingKey,
    ) -> anyhow::Result<Key> {
        check(algorithm, &decoding)?;
        Ok(Key {
            id,
            algorithm,
            decoding,
        })
    }
}

/// Checks that ring accepts the shape of a key: otherwise the error would appear
/// only with the first token.
fn check(algorithm: Algorithm, key: &DecodingKey) -> anyhow::Result<()> {
    match (algorithm, key.kind()) {
        (Algorithm::Hs256, DecodingKeyKind::SecretOrDer(secret)) => ensure!(
            secret.len() >= SECRET_MIN,
            "an HS256 secret must have at least {SECRET_MIN} bytes, for example from openssl rand -base64 48"
        ),
        (Algorithm::Rs256, DecodingKeyKind::RsaModulusExponent { n, .. }) => {
            let high = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
            let bits = n.len() * 8 - high;
            ensure!(
                (2048..=8192).contains(&bits),
                "an RSA key must have 2048 to 8192 bits, but this one has {bits}"
            );
        }
        (Algorithm::Es256, DecodingKeyKind::SecretOrDer(point)) => ensure!(
            point.len() == 65 && point[0] == 4,
            "an ES256 key must be an uncompressed point of P-256"
        ),
        (Algorithm::EdDsa, DecodingKeyKind::SecretOrDer(point)) => {
            ensure!(point.len() == 32, "an Ed25519 key must have 32 bytes");
        }
        _ => bail!("the key is not for {algorithm}"),
    }
    Ok(())
}
