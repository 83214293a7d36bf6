//! Tokens that must not be accepted.

use super::makers::{Hs, Maker, RSA_PUBLIC, b64, now};
use super::{AUDIENCE, ISSUER, Rig, claims, refused};
use serde_json::{Value, json};

/// Changes to a valid token's claims, and the refusal that each one causes.
fn broken_claims() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "iss": "https://evil.example" }), "issuer"),
        (json!({ "iss": null }), "no issuer"),
        (json!({ "iss": 7 }), "no issuer"),
        (json!({ "iss": "" }), "issuer"),
        (json!({ "aud": "another" }), "another audience"),
        (json!({ "aud": ["another", "third"] }), "another audience"),
        (json!({ "aud": [] }), "another audience"),
        (json!({ "aud": null }), "no audience"),
        (json!({ "aud": { "millstream": true } }), "no audience"),
        (json!({ "exp": null }), "no expiry time"),
        (json!({ "exp": "tomorrow" }), "`exp` is not a time"),
        (json!({ "exp": -1 }), "`exp` is not a time"),
        (json!({ "exp": 0 }), "has expired"),
        (json!({ "exp": 1e300 }), "`exp` is not a time"),
        (json!({ "exp": now() - 40 }), "has expired"),
        (json!({ "nbf": now() + 60 }), "not valid yet"),
        (json!({ "nbf": "now" }), "`nbf` is not a time"),
        (json!({ "iat": now() + 60 }), "in the future"),
        (json!({ "iat": u64::MAX }), "in the future"),
        (json!({ "iat": -5 }), "`iat` is not a time"),
        (json!({ "iat": "now" }), "`iat` is not a time"),
        (json!({ "sub": null }), "`sub` is missing"),
        (json!({ "sub": 7 }), "a number: RFC 7519"),
        (json!({ "sub": ["ada"] }), "malformed"),
        (json!({ "sub": { "id": "ada" } }), "malformed"),
        (json!({ "sub": "" }), "empty"),
        (json!({ "sub": "a\nb" }), "control character"),
        (json!({ "sub": "a\u{0}" }), "control character"),
        (json!({ "sub": "a".repeat(257) }), "257 bytes"),
        (json!({ "millstream_clients": "ada" }), "neither"),
        (json!({ "millstream_clients": true }), "neither"),
    ]
}

#[tokio::test]
async fn invalid_claims_are_refused_and_named() {
    let rig = Rig::new();
    assert_eq!(rig.ask_with(&json!({})).unwrap().client.as_str(), "ada");
    for (changes, says) in broken_claims() {
        let token = rig.hs.sign(&claims(&changes));
        let refused = refused(rig.ask(&token), &token);
        assert_eq!(refused.status, 401, "{changes}");
        assert!(
            refused.detail.contains(says),
            "{changes}: {}",
            refused.detail
        );
        let challenge = refused.challenge.unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
}

#[tokio::test]
async fn a_key_is_used_with_one_algorithm_only() {
    let rig = Rig::new();
    let good = claims(&json!({}));
    let text = |alg: &str| format!("{}.{}", b64(format!(r#"{{"alg":"{alg}"}}"#)), b64(&good));
    // The RSA key's public file, which is known to everyone, as an HMAC secret.
    let public = [RSA_PUBLIC, RSA_PUBLIC.trim_end()].map(|pem| Hs(pem.into()));
    let [with_newline, without] = public.map(|hs| hs.sign_as("rsa", &good));
    let rsa_says_hs = rig.rs.sign_with(r#"{"alg":"HS256","kid":"rsa"}"#, &good);
    let hs_says_rsa = rig.hs.sign_with(r#"{"alg":"RS256","kid":"rsa"}"#, &good);
    let ec_says_ed = rig.es.sign_with(r#"{"alg":"EdDSA","kid":"ec"}"#, &good);
    for token in [
        format!("{}.", text("none")),
        format!("{}.", text("None")),
        format!("{}.", text("HS256")),
        format!("{}.", text("")),
        rig.hs.sign_with(r#"{"alg":"none"}"#, &good),
        rig.hs.sign_with(r#"{"alg":"hs256"}"#, &good),
        rig.hs.sign_with(r#"{"alg":"HS384"}"#, &good),
        rig.hs.sign_with(r#"{"alg":["HS256"]}"#, &good),
        rig.hs.sign_with(r#"{"typ":"JWT"}"#, &good),
        rig.hs.sign_with(r#"{"alg":"HS256","alg":"none"}"#, &good),
        rig.hs.sign_with(r#"{"alg":"HS256","crit":["exp"]}"#, &good),
        rig.hs
            .sign_with(r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#, &good),
        rig.rs.sign_with(r#"{"alg":"PS256","kid":"rsa"}"#, &good),
        with_newline,
        without,
        rsa_says_hs,
        hs_says_rsa,
        ec_says_ed,
        // A key inside the token.
        Hs::new(9).sign_with(
            &json!({ "alg": "HS256", "jwk": Hs::new(9).jwk() }).to_string(),
            &good,
        ),
        Hs::new(9).sign(&good),
    ] {
        assert_eq!(refused(rig.ask(&token), &token).status, 401, "{token}");
    }
}

#[tokio::test]
async fn malformed_tokens_are_refused() {
    let rig = Rig::new();
    let good = rig.hs.sign(&claims(&json!({})));
    let (text, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = text.split_once('.').unwrap();
    let signed = |claims: &str| rig.hs.sign(claims);
    let twice = format!(r#"{{"sub":"grace",{}"#, &claims(&json!({}))[1..]);
    let twice_exp = format!(r#"{{"exp":99999999999,{}"#, &claims(&json!({}))[1..]);
    let large = claims(&json!({ "padding": "x".repeat(8 << 10) }));
    for token in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        "a.b.c".into(),
        text.into(),
        format!("{text}."),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{good} "),
        format!("{good} {good}"),
        good.replace('.', "%2e"),
        format!("{header}.{payload}.!!!"),
        format!("{header}.{payload}.{}", b64("x")),
        format!(
            "{header}.{}.{signature}",
            b64(claims(&json!({ "sub": "grace" })))
        ),
        format!("é.{payload}.{signature}"),
        signed(""),
        signed("null"),
        signed("[]"),
        signed("7"),
        signed(&twice),
        signed(&twice_exp),
        signed(&large),
        signed(&format!("{} x", claims(&json!({})))),
        signed(&"[".repeat(5000)),
    ] {
        // HTTP trims the spaces around a header's value.
        if token.trim() != token {
            continue;
        }
        assert_eq!(refused(rig.ask(&token), &token).status, 401, "{token}");
    }
}

#[tokio::test]
async fn a_key_id_selects_only_its_key() {
    let rig = Rig::new();
    let good = claims(&json!({}));
    assert!(rig.ask(&rig.rs.sign_as("rsa", &good)).is_ok());
    assert!(rig.ask(&rig.es.sign_as("ec", &good)).is_ok());
    assert!(rig.ask(&rig.rs.sign(&good)).is_ok(), "no id: each is tried");
    for token in [
        rig.rs.sign_as("ec", &good),
        rig.rs.sign_as("unknown", &good),
        rig.rs.sign_as("", &good),
        rig.rs.sign_as("../rsa", &good),
        rig.rs.sign_with(r#"{"alg":"RS256","kid":7}"#, &good),
    ] {
        assert_eq!(refused(rig.ask(&token), &token).status, 401, "{token}");
    }
    // A key without an id is tried for any unknown id.
    assert!(rig.ask(&rig.hs.sign_as("whatever", &good)).is_ok());
}

#[tokio::test]
async fn a_token_expires_after_its_leeway_to_the_second() {
    let rig = Rig::new();
    let answer = |name: &str, at: u64| {
        // Repeat until both happen within the same second.
        loop {
            let began = now();
            let answer = rig.ask_with(&json!({ (name): began.wrapping_add(at) }));
            if now() == began {
                return answer;
            }
        }
    };
    let ago = |seconds: u64| 0u64.wrapping_sub(seconds);
    assert!(answer("exp", ago(29)).is_ok());
    assert!(answer("exp", ago(30)).is_ok());
    assert!(answer("exp", ago(31)).is_err());
    assert!(answer("nbf", 29).is_ok());
    assert!(answer("nbf", 30).is_ok());
    assert!(answer("nbf", 31).is_err());
    assert!(answer("iat", 30).is_ok());
    assert!(answer("iat", 31).is_err());
    let expires = now() + 77;
    let verified = rig.ask_with(&json!({ "exp": expires })).unwrap();
    assert_eq!(verified.expires, Some(expires + 30));
}

#[tokio::test]
async fn unconfigured_claims_are_not_required() {
    let rig = Rig::with(|settings| {
        settings.issuers.clear();
        settings.audiences.clear();
        settings.require_expiry = false;
    });
    let bare = json!({ "iss": null, "aud": null, "exp": null, "iat": null });
    let verified = rig.ask_with(&bare).unwrap();
    assert_eq!((verified.issued_at, verified.expires), (None, None));
    assert!(
        rig.ask_with(&json!({ "aud": "another", "iss": "x" }))
            .is_ok()
    );
    assert!(rig.ask_with(&json!({ "exp": now() - 31 })).is_err());
    assert!(rig.ask_with(&json!({ "exp": "never" })).is_err());
    let several = Rig::with(|settings| settings.issuers.push("second".into()));
    assert!(several.ask_with(&json!({ "iss": "second" })).is_ok());
    let lists = json!({ "aud": ["other", AUDIENCE], "iss": ISSUER });
    assert!(several.ask_with(&lists).is_ok());
}
