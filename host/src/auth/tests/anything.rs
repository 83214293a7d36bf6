//! No input panics, and no invalid input is accepted.

use super::makers::{Hs, Maker, pem};
use super::{Rig, claims};
use crate::auth::{Algorithm, Credentials};
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;
use std::sync::LazyLock;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
});
static RIG: LazyLock<Rig> = LazyLock::new(|| {
    let _inside = RUNTIME.enter();
    Rig::new()
});

/// The request is refused, with a text that fits into a header.
fn refused(authorization: &[u8], cookie: &[u8], query: &str) {
    let asked = Credentials {
        authorization: vec![authorization],
        cookies: vec![cookie],
        query,
    };
    for client in [None, Some(&b"ada"[..])] {
        let refused = RIG.auth.check(&asked, client).expect_err("accepted");
        assert!(refused.detail.is_ascii(), "{refused}");
    }
}

fn after(prefix: &str, bytes: &[u8]) -> Vec<u8> {
    [prefix.as_bytes(), bytes].concat()
}

proptest! {
    #[test]
    fn any_bytes(bytes: Vec<u8>, cookie: Vec<u8>, query: String) {
        refused(&bytes, &cookie, &query);
        refused(&after("Bearer ", &bytes), &cookie, &query);
        refused(b"", &after("__Secure-millstream=", &cookie), &query);
    }

    #[test]
    fn anything_shaped_like_a_token(text in "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,80}){0,4}") {
        refused(format!("Bearer {text}").as_bytes(), b"", "");
    }

    #[test]
    fn any_claims_of_another_key(header: String, claims: String) {
        let token = Hs::new(9).sign_with(&header, &claims);
        refused(format!("Bearer {token}").as_bytes(), b"", "");
        let token = Hs::new(9).sign(&claims);
        refused(format!("Bearer {token}").as_bytes(), b"", "");
    }

    /// The signature is valid, so only the content is checked: no panic.
    #[test]
    fn any_claims_of_a_known_key(claims: String, value: String, number: f64) {
        for claims in [
            claims,
            json!({ "sub": value, "exp": number, "iat": number }).to_string(),
        ] {
            let _ = RIG.ask(&RIG.hs.sign(&claims));
        }
    }

    #[test]
    fn a_good_token_with_one_byte_changed(at: prop::sample::Index, to: u8) {
        let good = RIG.hs.sign(&claims(&json!({})));
        let mut bytes = good.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to && !to.is_ascii_whitespace());
        bytes[at] = to;
        refused(&after("Bearer ", &bytes), b"", "");
    }

    #[test]
    fn any_key_file(bytes: Vec<u8>, body: Vec<u8>) {
        let files = [bytes, pem("PUBLIC KEY", &body).into_bytes()];
        for file in files {
            for algorithm in [Algorithm::Rs256, Algorithm::EdDsa] {
                prop_assert!(crate::auth::spki::read(algorithm, &file).is_err());
            }
            let path = Path::new("keys");
            prop_assert!(crate::auth::jwks::read(path, &file).is_err());
        }
    }
}
