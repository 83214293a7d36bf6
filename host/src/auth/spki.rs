//! Public keys in PEM: `SubjectPublicKeyInfo` (RFC 5280, section 4.1).

use super::settings::Algorithm;
use anyhow::{Context, bail, ensure};
use jsonwebtoken::DecodingKey;
use rustls::pki_types::pem::{self, SectionKind};
use rustls::pki_types::{AlgorithmIdentifier, alg_id};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// The key in a PEM file, which must be for this algorithm.
///
/// # Errors
/// Says what is wrong with the file, without its content.
pub(super) fn read(algorithm: Algorithm, file: &[u8]) -> anyhow::Result<DecodingKey> {
    let der = only_section(file)?;
    let (identifier, key) = split(&der).context("the PUBLIC KEY is damaged")?;
    let expected = identifier_of(algorithm)?;
    ensure!(
        identifier == expected.as_ref(),
        "the key is not for {algorithm}"
    );
    match algorithm {
        Algorithm::Rs256 => {
            let (n, e) = rsa(key).context("the RSA key is damaged")?;
            Ok(DecodingKey::from_rsa_raw_components(n, e))
        }
        Algorithm::Es256 => Ok(DecodingKey::from_ec_der(key)),
        Algorithm::EdDsa => Ok(DecodingKey::from_ed_der(key)),
        Algorithm::Hs256 => bail!("HS256 uses a secret, not a public key"),
    }
}

fn only_section(mut file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut next = || pem::from_buf(&mut file).ok().context("the file is not PEM");
    let Some((kind, der)) = next()? else {
        bail!("the file has no PUBLIC KEY in PEM (-----BEGIN PUBLIC KEY-----)");
    };
    match kind {
        SectionKind::PublicKey => {}
        SectionKind::Certificate => bail!(
            "the file has a certificate; extract its public key: openssl x509 -pubkey -noout -in <file>"
        ),
        _ => bail!(
            "the file has no public key; extract it from a private key: openssl pkey -pubout -in <file>"
        ),
    }
    ensure!(next()?.is_none(), "the file has more than one key");
    Ok(der)
}

fn identifier_of(algorithm: Algorithm) -> anyhow::Result<AlgorithmIdentifier> {
    match algorithm {
        Algorithm::Rs256 => Ok(alg_id::RSA_ENCRYPTION),
        Algorithm::Es256 => Ok(alg_id::ECDSA_P256),
        Algorithm::EdDsa => Ok(alg_id::ED25519),
        Algorithm::Hs256 => bail!("HS256 uses a secret, not a public key"),
    }
}

/// The algorithm's identifier and the key's bits.
fn split(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, rest) = value(SEQUENCE, spki)?;
    let (identifier, bits) = value(SEQUENCE, inside)?;
    let (bits, after) = value(BIT_STRING, bits)?;
    // The first byte is the number of unused bits in the last byte.
    let key = bits.strip_prefix(&[0])?;
    (rest.is_empty() && after.is_empty()).then_some((identifier, key))
}

/// Modulus and exponent (RFC 8017, appendix A.1.1), without the zero that keeps
/// an integer positive.
fn rsa(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, _) = value(SEQUENCE, key)?;
    let (n, rest) = value(INTEGER, inside)?;
    let (e, _) = value(INTEGER, rest)?;
    Some((
        n.strip_prefix(&[0]).unwrap_or(n),
        e.strip_prefix(&[0]).unwrap_or(e),
    ))
}

/// Splits off one value with this tag; returns its content and the rest.
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, length, rest @ ..] => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}
