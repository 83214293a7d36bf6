//! The sources of keys, and changes of keys.

use super::makers::{Ed, Es, Hs, Maker, Rs, b64, pem};
use super::{Rig, claims};
use crate::auth::{Algorithm, Auth, AuthSettings, Jwks, KeyFile, SecretEncoding, TokenSettings};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// An `Auth` with only a JWK set.
fn of_set(keys: &Value) -> anyhow::Result<Rig> {
    of_text(json!({ "keys": keys }).to_string())
}

fn of_text(text: String) -> anyhow::Result<Rig> {
    let mut rig = Rig::new();
    let file = rig.folder.path().join("jwks.json");
    std::fs::write(&file, text)?;
    let settings = TokenSettings::of_keys(Vec::new(), Some(Jwks::File(file)));
    rig.auth = Auth::from_settings(AuthSettings::Tokens(Box::new(settings)))?;
    Ok(rig)
}

#[tokio::test]
async fn each_algorithm_is_verified_with_keys_of_a_set() {
    let (hs, rs, es, ed) = (Hs::new(3), Rs::new(), Es::new(), Ed::new());
    let rig = of_set(&json!([hs.jwk(), rs.jwk(), es.jwk(), ed.jwk()])).unwrap();
    let good = claims(&json!({}));
    for token in [
        hs.sign(&good),
        rs.sign(&good),
        es.sign(&good),
        ed.sign(&good),
    ] {
        assert!(rig.ask(&token).is_ok(), "{token}");
    }
    for token in [
        Hs::new(4).sign(&good),
        Es::new().sign(&good),
        Ed::new().sign(&good),
    ] {
        assert!(rig.ask(&token).is_err(), "{token}");
    }
}

#[tokio::test]
async fn each_algorithm_is_verified_with_a_key_of_a_file() {
    let (rs, es, ed) = (Rs::new(), Es::new(), Ed::new());
    let mut rig = Rig::new();
    let folder = rig.folder.path();
    let keys = vec![
        rs.file(folder, None),
        es.file(folder, None),
        ed.file(folder, None),
    ];
    let settings = TokenSettings::of_keys(keys, None);
    rig.auth = Auth::from_settings(AuthSettings::Tokens(Box::new(settings))).unwrap();
    let good = claims(&json!({}));
    for token in [rs.sign(&good), es.sign(&good), ed.sign(&good)] {
        assert!(rig.ask(&token).is_ok(), "{token}");
    }
}

#[tokio::test]
async fn unsupported_keys_of_a_set_are_skipped() {
    let es = Es::new();
    let with = |jwk: Value, name: &str, value: Value| {
        let mut jwk = jwk;
        jwk[name] = value;
        jwk
    };
    let others = json!([
        { "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA" },
        { "kty": "EC", "crv": "secp256k1", "x": "AAAA", "y": "AAAA" },
        { "kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA" },
        { "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" },
        { "kty": "RSA", "n": b64([0xff; 128]), "e": "AQAB" },
        { "kty": "RSA", "n": "!", "e": "AQAB" },
        { "kty": "oct", "k": b64("short") },
        { "kty": 7 },
        {},
        "key",
        with(Es::new().jwk(), "alg", json!("RS256")),
        with(Es::new().jwk(), "alg", json!("ES999")),
        with(Es::new().jwk(), "use", json!("enc")),
        with(Es::new().jwk(), "key_ops", json!(["sign"])),
        with(Rs::new().jwk(), "alg", json!("PS256")),
    ]);
    assert!(of_set(&others).is_err(), "no key is usable");
    let mut all = others;
    all.as_array_mut()
        .unwrap()
        .push(with(es.jwk(), "kid", json!("1")));
    let rig = of_set(&all).unwrap();
    assert!(rig.ask(&es.sign_as("1", &claims(&json!({})))).is_ok());
    assert!(rig.ask(&Rs::new().sign(&claims(&json!({})))).is_err());
}

#[tokio::test]
async fn two_keys_with_the_same_id_differ_by_algorithm() {
    let (es, ed) = (Es::new(), Ed::new());
    let (mut first, mut second) = (es.jwk(), ed.jwk());
    first["kid"] = json!("1");
    second["kid"] = json!("1");
    let rig = of_set(&json!([first, second])).unwrap();
    let good = claims(&json!({}));
    assert!(rig.ask(&es.sign_as("1", &good)).is_ok());
    assert!(rig.ask(&ed.sign_as("1", &good)).is_ok());
    assert!(rig.ask(&ed.sign_as("2", &good)).is_err());
}

fn key(algorithm: Algorithm, file: PathBuf) -> KeyFile {
    KeyFile {
        algorithm,
        file,
        id: None,
        encoding: SecretEncoding::Raw,
    }
}

#[tokio::test]
async fn an_invalid_key_file_is_named_without_its_content() {
    let rig = Rig::new();
    let file = rig.folder.path().join("the-key");
    let secret = "hunter2-hunter2";
    let private = include_str!("rsa-private.pem");
    let twice = format!("{0}{0}", Ed::new().public());
    let damaged = pem("PUBLIC KEY", b"hunter2-hunter2");
    for (algorithm, content, says) in [
        (Algorithm::Hs256, secret, "at least 32 bytes"),
        (Algorithm::Rs256, secret, "no PUBLIC KEY in PEM"),
        (Algorithm::Rs256, private, "openssl pkey -pubout"),
        (
            Algorithm::Rs256,
            &Ed::new().public(),
            "the key is not for RS256",
        ),
        (
            Algorithm::EdDsa,
            &Es::new().public(),
            "the key is not for EdDSA",
        ),
        (
            Algorithm::Es256,
            &Rs::new().public(),
            "the key is not for ES256",
        ),
        (Algorithm::EdDsa, &twice, "more than one"),
        (Algorithm::EdDsa, &damaged, "damaged"),
        (Algorithm::EdDsa, &pem("CERTIFICATE", b"x"), "openssl x509"),
        (Algorithm::EdDsa, "-----BEGIN PUBLIC KEY-----\n!", "PEM"),
    ] {
        std::fs::write(&file, content).unwrap();
        let settings = TokenSettings::of_keys(vec![key(algorithm, file.clone())], None);
        let error = Auth::from_settings(AuthSettings::Tokens(Box::new(settings)))
            .err()
            .unwrap();
        let told = format!("{error:#} {error:?}");
        assert!(told.contains("the-key") && told.contains(says), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
        for line in private.lines().filter(|line| !line.starts_with('-')) {
            assert!(!told.contains(line), "{told}");
        }
    }
    for text in [
        "",
        "{}",
        "[]",
        r#"{"keys": {}}"#,
        r#"{"keys": []}"#,
        "hunter2",
    ] {
        let error = of_text(text.into()).err().unwrap();
        let told = format!("{error:#} {error:?}");
        assert!(
            told.contains("jwks.json") && !told.contains("hunter2"),
            "{told}"
        );
    }
    let many = (0..33).map(|n| json!({ "kty": "oct", "kid": n.to_string(), "k": b64([n; 32]) }));
    let error = of_set(&many.collect()).err().unwrap();
    assert!(
        format!("{error:#}").contains("33 keys are configured, but at most 32"),
        "{error:#}"
    );
}

#[tokio::test]
async fn a_secret_may_be_base64() {
    use base64::Engine;
    let mut rig = Rig::new();
    let file = rig.folder.path().join("secret");
    let text = base64::engine::general_purpose::STANDARD.encode(&rig.hs.0);
    let mut with = |text: String| {
        std::fs::write(&file, text).unwrap();
        let mut key = key(Algorithm::Hs256, file.clone());
        key.encoding = SecretEncoding::Base64;
        let settings = TokenSettings::of_keys(vec![key], None);
        rig.auth = Auth::from_settings(AuthSettings::Tokens(Box::new(settings)))?;
        Ok::<_, anyhow::Error>(rig.ask(&rig.hs.sign(&claims(&json!({})))).is_ok())
    };
    assert!(with(format!("{text}\n")).unwrap());
    let error = with(text.replace('=', "") + "hunter2!").unwrap_err();
    assert!(!format!("{error:#}").contains("hunter2"));
}

#[tokio::test]
async fn a_key_is_replaced_at_runtime() {
    let rig = Rig::new();
    let (old, new) = (&rig.es, Es::new());
    let good = claims(&json!({}));
    let (before, after) = (old.sign_as("ec", &good), new.sign_as("ec", &good));
    let file = rig.folder.path().join("ES256-ec.pem");
    let replace = |text: &str| {
        let beside = rig.folder.path().join("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &file).unwrap();
    };
    replace(&new.public());
    while rig.ask(&after).is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(rig.ask(&before).is_err(), "the old key is gone");
}
