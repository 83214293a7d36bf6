//! Which clients and groups a valid token is for.

use super::makers::Maker;
use super::{Rig, claims, refused};
use crate::auth::{Auth, AuthSettings, Credentials};
use serde_json::{Value, json};

/// The client whose events may be read, or the status of the refusal.
fn read(rig: &Rig, changes: &Value, client: Option<&str>) -> Result<String, u16> {
    let token = rig.hs.sign(&claims(changes));
    let answer = rig.ask_for(&token, client);
    let client = answer.map(|verified| verified.client.to_string());
    client.map_err(|refused| refused.status)
}

#[tokio::test]
async fn a_clients_token_reads_that_client() {
    let rig = Rig::new();
    let own = || json!({});
    assert_eq!(read(&rig, &own(), None), Ok("ada".into()));
    assert_eq!(read(&rig, &own(), Some("ada")), Ok("ada".into()));
    for other in ["grace", "Ada", "ada ", "", "*", "a\nb"] {
        assert_eq!(read(&rig, &own(), Some(other)), Err(403), "{other}");
    }
    let star = json!({ "sub": "*" });
    assert_eq!(read(&rig, &star, None), Ok("*".into()), "a name like any");
    assert_eq!(read(&rig, &star, Some("ada")), Err(403));
}

#[tokio::test]
async fn a_services_token_reads_the_clients_that_it_lists() {
    let rig = Rig::new();
    let any = || json!({ "sub": null, "millstream_clients": "*" });
    assert_eq!(read(&rig, &any(), Some("grace")), Ok("grace".into()));
    assert_eq!(read(&rig, &any(), None), Err(400));
    assert_eq!(read(&rig, &any(), Some("")), Err(400));
    assert_eq!(read(&rig, &any(), Some("a\nb")), Err(400));
    let some = || json!({ "millstream_clients": ["grace", "joan"] });
    assert_eq!(read(&rig, &some(), Some("joan")), Ok("joan".into()));
    assert_eq!(
        read(&rig, &some(), Some("ada")),
        Err(403),
        "not even its own"
    );
    assert_eq!(read(&rig, &some(), None), Err(400));
    let one = || json!({ "millstream_clients": ["grace"] });
    assert_eq!(read(&rig, &one(), None), Ok("grace".into()));
    let none = || json!({ "millstream_clients": [] });
    assert_eq!(read(&rig, &none(), None), Err(403));
    assert_eq!(read(&rig, &none(), Some("ada")), Err(403));
    let listed = || json!({ "millstream_clients": ["*"] });
    assert_eq!(
        read(&rig, &listed(), Some("ada")),
        Err(403),
        "a client called *"
    );
}

#[tokio::test]
async fn the_names_of_claims_are_configurable() {
    let rig = Rig::with(|settings| {
        settings.client_claim = "https://x.example/\"client\"".into();
        settings.groups_claim = "roles".into();
        settings.services_claim = "reads".into();
    });
    let named = json!({ "https://x.example/\"client\"": "grace", "roles": ["ops"] });
    let verified = rig.ask_with(&named).unwrap();
    assert_eq!(verified.client.as_str(), "grace");
    assert!(verified.groups.allows("ops"));
    let token = rig.hs.sign(&claims(&json!({})));
    // The quotes in the claim's name do not end the challenge's quotes.
    assert_eq!(refused(rig.ask(&token), &token).status, 401);
    let token = rig.hs.sign(&claims(&json!({ "reads": "*" })));
    assert!(rig.ask_for(&token, Some("anyone")).is_ok());
}

#[tokio::test]
async fn a_token_allows_the_groups_of_its_claim() {
    let rig = Rig::new();
    let allows = |groups: Value, asked: &str| {
        let verified = rig.ask_with(&json!({ "groups": groups })).unwrap();
        verified.groups.allows(asked)
    };
    assert!(allows(json!(["eu", "ops"]), "ops"));
    assert!(!allows(json!(["eu", "ops"]), "op"));
    assert!(!allows(json!([]), "ops"));
    assert!(!allows(json!(null), "ops"), "no claim, no group");
    assert!(allows(json!("*"), "ops"));
    assert!(!allows(json!(["*"]), "ops"), "in a list it is a name");
    let hundreds: Vec<_> = (0..500).map(|n| format!("g{n}")).collect();
    assert!(allows(json!(hundreds), "g499"));
}

#[tokio::test]
async fn malformed_entries_of_a_list_are_ignored() {
    let rig = Rig::new();
    for groups in [
        json!("admins"),
        json!({ "ops": true }),
        json!(7),
        json!([["ops"], { "ops": 1 }, null, true]),
    ] {
        let verified = rig.ask_with(&json!({ "groups": groups })).unwrap();
        assert!(!verified.groups.allows("ops"), "{groups}");
    }
    let mixed = json!({ "groups": [null, 7, ["x"], "ops"] });
    let verified = rig.ask_with(&mixed).unwrap();
    assert!(verified.groups.allows("ops") && verified.groups.allows("7"));
    let listed = || json!({ "millstream_clients": [null, "a\r", "", ["ada"], "grace", 7] });
    for (asked, answer) in [("grace", Ok("grace".into())), ("7", Ok("7".into()))] {
        assert_eq!(read(&rig, &listed(), Some(asked)), answer);
    }
    for other in ["ada", "", "a\r", "null"] {
        assert_eq!(read(&rig, &listed(), Some(other)), Err(403), "{other:?}");
    }
}

/// Like [`read`], with these claims as written, including nulls.
fn read_raw(rig: &Rig, extra: &str) -> Result<String, u16> {
    let good = claims(&json!({ "sub": null, "exp": null }));
    let token = rig.hs.sign(&good.replacen('{', &format!("{{{extra},"), 1));
    let answer = rig.ask(&token);
    let client = answer.map(|verified| verified.client.to_string());
    client.map_err(|refused| refused.status)
}

#[tokio::test]
async fn a_null_claim_counts_as_absent() {
    let rig = Rig::with(|settings| settings.require_expiry = false);
    for name in [
        "exp",
        "nbf",
        "iat",
        "jti",
        "groups",
        "millstream_clients",
        "name",
    ] {
        let claims = match name {
            // The valid claims already contain it.
            "iat" => claims(&json!({ "iat": null })).replacen('{', "{\"iat\":null,", 1),
            "exp" => claims(&json!({ "exp": null })).replacen('{', "{\"exp\":null,", 1),
            other => claims(&json!({})).replacen('{', &format!("{{\"{other}\":null,"), 1),
        };
        let verified = rig.ask(&rig.hs.sign(&claims));
        assert!(verified.is_ok(), "{name}: {verified:?}");
    }
    // A required claim must not be null.
    assert_eq!(read_raw(&rig, r#""sub":null"#), Err(401));
    let strict = Rig::new();
    assert_eq!(read_raw(&strict, r#""sub":"ada","exp":null"#), Err(401));
    let any = Rig::with(|settings| {
        settings.issuers.clear();
        settings.audiences.clear();
    });
    let nobody = claims(&json!({ "iss": null, "aud": null }));
    let nulls = nobody.replacen('{', r#"{"iss":null,"aud":null,"#, 1);
    assert!(any.ask(&any.hs.sign(&nulls)).is_ok());
}

#[tokio::test]
async fn a_number_is_an_id_as_in_by_field() {
    let rig = Rig::with(|settings| settings.client_claim = "uid".into());
    // Each as it was written: a rounded number could be another client's id.
    for (uid, id) in [
        ("7", "7"),
        ("\"7\"", "7"),
        (" -1.50 ", "-1.50"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
    ] {
        let good = claims(&json!({})).replacen('{', &format!("{{\"uid\":{uid},"), 1);
        let verified = rig.ask(&rig.hs.sign(&good)).unwrap();
        assert_eq!(verified.client.as_str(), id);
    }
    for uid in [json!(true), json!([7]), json!({ "id": 7 })] {
        assert_eq!(read(&rig, &json!({ "uid": uid }), None), Err(401), "{uid}");
    }
    // RFC 7519, section 4.1.2: it is a string.
    let sub = Rig::new();
    assert_eq!(read(&sub, &json!({ "sub": 7 }), None), Err(401));
}

#[tokio::test]
async fn without_authentication_the_query_names_the_client() {
    let auth = Auth::from_settings(AuthSettings::Anonymous).unwrap();
    assert!(auth.is_anonymous());
    let asked = Credentials::default();
    let verified = auth.check(&asked, Some(b"ada")).unwrap();
    assert_eq!(verified.client.as_str(), "ada");
    assert!(verified.groups.allows("any") && verified.expires.is_none());
    for (client, says) in [
        (None, "client=<id>"),
        (Some(&b""[..]), "client: the client id is empty"),
        (Some(b"\xff"), "not UTF-8"),
    ] {
        let refused = auth.check(&asked, client).unwrap_err();
        assert_eq!((refused.status, &refused.challenge), (400, &None));
        assert!(refused.detail.contains(says), "{refused}");
    }
}
