//! Tests of the whole: tokens as a client would send them.

mod access;
mod anything;
mod files;
mod hostile;
mod makers;
mod places;

use super::{Auth, AuthSettings, Credentials, Refused, TokenSettings, Verified};
use makers::{Es, Hs, Maker, Rs, now};
use serde_json::{Value, json};
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "millstream";

/// An `Auth` with three keys: HS256 without an id, RS256 "rsa", ES256 "ec".
struct Rig {
    auth: Auth,
    hs: Hs,
    rs: Rs,
    es: Es,
    folder: TempDir,
}

impl Rig {
    fn new() -> Rig {
        Rig::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut TokenSettings)) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let (hs, rs, es) = (Hs::new(1), Rs::new(), Es::new());
        let keys = vec![
            hs.file(folder.path(), None),
            rs.file(folder.path(), Some("rsa")),
            es.file(folder.path(), Some("ec")),
        ];
        let mut settings = TokenSettings::of_keys(keys, None);
        settings.issuers = vec![ISSUER.into()];
        settings.audiences = vec![AUDIENCE.into()];
        change(&mut settings);
        Rig {
            auth: Auth::from_settings(AuthSettings::Tokens(Box::new(settings))).unwrap(),
            hs,
            rs,
            es,
            folder,
        }
    }

    /// A request with only this token.
    fn ask(&self, token: &str) -> Result<Verified, Refused> {
        self.ask_for(token, None)
    }

    fn ask_for(&self, token: &str, client: Option<&str>) -> Result<Verified, Refused> {
        let header = format!("Bearer {token}");
        let asked = Credentials {
            authorization: vec![header.as_bytes()],
            ..Credentials::default()
        };
        self.auth.check(&asked, client.map(str::as_bytes))
    }

    /// A request with a valid token's claims, changed by these; null removes one.
    fn ask_with(&self, changes: &Value) -> Result<Verified, Refused> {
        self.ask(&self.hs.sign(&claims(changes)))
    }
}

/// The claims of a valid token for `ada`, changed by these; null removes one.
fn claims(changes: &Value) -> String {
    let mut claims = json!({
        "sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "iat": now(), "exp": now() + 600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let object = claims.as_object_mut().unwrap();
    object.retain(|_, value| !value.is_null());
    claims.to_string()
}

/// The refusal. Its texts must fit into a header and contain nothing of the token.
#[track_caller]
fn refused(answer: Result<Verified, Refused>, token: &str) -> Refused {
    let refused = answer.expect_err(token);
    let told = format!("{refused:?} {refused}");
    assert!(told.is_ascii() && !told.contains(['\r', '\n']), "{told}");
    let parts = token.split('.').filter(|part| part.len() > 8);
    for secret in parts {
        assert!(
            !told.contains(secret),
            "{told} contains a part of the token"
        );
    }
    if let Some(challenge) = &refused.challenge {
        assert!(challenge.starts_with("Bearer realm=\"millstream\""));
        let quotes = challenge.matches('"').count();
        assert!(quotes == 2 || quotes == 6, "{challenge}");
    }
    refused
}
