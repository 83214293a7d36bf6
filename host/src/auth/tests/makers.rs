//! Signs tokens, valid and invalid ones.

use crate::auth::{Algorithm, KeyFile, SecretEncoding};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use ring::{hmac, rsa::PublicKeyComponents};
use rustls::pki_types::{PrivatePkcs8KeyDer, alg_id, pem::PemObject};
use serde_json::{Value, json};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// A 2048-bit key for these tests only: ring can't generate RSA keys.
const RSA: &[u8] = include_bytes!("rsa-private.pem");
pub const RSA_PUBLIC: &str = include_str!("rsa-public.pem");

pub fn now() -> u64 {
    crate::clock::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// Has a key and signs with it.
pub trait Maker {
    const ALGORITHM: Algorithm;
    /// A signature of this text.
    fn signature(&self, text: &[u8]) -> Vec<u8>;
    /// The content of its key's file.
    fn public(&self) -> String;

    /// A token with this header and these claims, valid or not.
    fn sign_with(&self, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", b64(header), b64(claims));
        let signature = b64(self.signature(text.as_bytes()));
        format!("{text}.{signature}")
    }

    /// A token with these claims, and no key id.
    fn sign(&self, claims: &str) -> String {
        let header = json!({ "alg": Self::ALGORITHM.to_string(), "typ": "JWT" });
        self.sign_with(&header.to_string(), claims)
    }

    /// A token with these claims and this key id.
    fn sign_as(&self, kid: &str, claims: &str) -> String {
        let header = json!({ "alg": Self::ALGORITHM.to_string(), "kid": kid });
        self.sign_with(&header.to_string(), claims)
    }

    /// Writes its key into a file of this folder.
    fn file(&self, folder: &Path, id: Option<&str>) -> KeyFile {
        let name = format!("{}-{}.pem", Self::ALGORITHM, id.unwrap_or("none"));
        let file = folder.join(name);
        std::fs::write(&file, self.public()).unwrap();
        KeyFile {
            algorithm: Self::ALGORITHM,
            file,
            id: id.map(String::from),
            encoding: SecretEncoding::Raw,
        }
    }
}

/// HS256.
pub struct Hs(pub String);

impl Hs {
    pub fn new(n: u8) -> Hs {
        Hs(format!("secret {n} that is long enough for HS256"))
    }

    pub fn jwk(&self) -> Value {
        json!({ "kty": "oct", "k": b64(&self.0) })
    }
}

impl Maker for Hs {
    const ALGORITHM: Algorithm = Algorithm::Hs256;

    fn signature(&self, text: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        hmac::sign(&key, text).as_ref().to_vec()
    }

    fn public(&self) -> String {
        format!("{}\n", self.0)
    }
}

/// RS256. Every instance has the same key.
pub struct Rs(RsaKeyPair);

impl Rs {
    pub fn new() -> Rs {
        let der = PrivatePkcs8KeyDer::from_pem_slice(RSA).unwrap();
        Rs(RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap())
    }

    pub fn jwk(&self) -> Value {
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(self.0.public());
        // With a leading zero, as some issuers write it.
        let n = [&[0], &*n].concat();
        json!({ "kty": "RSA", "use": "sig", "n": b64(n), "e": b64(e) })
    }
}

impl Maker for Rs {
    const ALGORITHM: Algorithm = Algorithm::Rs256;

    fn signature(&self, text: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
            .unwrap();
        signature
    }

    fn public(&self) -> String {
        RSA_PUBLIC.into()
    }
}

/// ES256.
pub struct Es(EcdsaKeyPair);

impl Es {
    pub fn new() -> Es {
        let (random, curve) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let der = EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap();
        Es(EcdsaKeyPair::from_pkcs8(curve, der.as_ref(), &random).unwrap())
    }

    pub fn jwk(&self) -> Value {
        let point = &self.0.public_key().as_ref()[1..];
        let (x, y) = (b64(&point[..32]), b64(&point[32..]));
        json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y })
    }
}

impl Maker for Es {
    const ALGORITHM: Algorithm = Algorithm::Es256;

    fn signature(&self, text: &[u8]) -> Vec<u8> {
        self.0
            .sign(&SystemRandom::new(), text)
            .unwrap()
            .as_ref()
            .to_vec()
    }

    fn public(&self) -> String {
        pem(
            "PUBLIC KEY",
            &spki(alg_id::ECDSA_P256.as_ref(), self.0.public_key().as_ref()),
        )
    }
}

/// EdDSA.
pub struct Ed(Ed25519KeyPair);

impl Ed {
    pub fn new() -> Ed {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Ed(Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap())
    }

    pub fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(self.0.public_key().as_ref()) })
    }
}

impl Maker for Ed {
    const ALGORITHM: Algorithm = Algorithm::EdDsa;

    fn signature(&self, text: &[u8]) -> Vec<u8> {
        self.0.sign(text).as_ref().to_vec()
    }

    fn public(&self) -> String {
        pem(
            "PUBLIC KEY",
            &spki(alg_id::ED25519.as_ref(), self.0.public_key().as_ref()),
        )
    }
}

/// Short enough for lengths of one byte.
fn spki(identifier: &[u8], key: &[u8]) -> Vec<u8> {
    let value =
        |tag, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let key = value(3, &[&[0], key].concat());
    value(0x30, &[value(0x30, identifier), key].concat())
}
