//! The places where a token is accepted.

use super::makers::Maker;
use super::{Refused, Rig, Verified, claims, refused};
use crate::auth::Credentials;
use serde_json::json;

const COOKIE: &str = "__Secure-millstream";

fn ask(rig: &Rig, authorization: &[&str], cookies: &[&str]) -> Result<Verified, Refused> {
    let asked = Credentials {
        authorization: authorization.iter().map(|v| v.as_bytes()).collect(),
        cookies: cookies.iter().map(|v| v.as_bytes()).collect(),
        query: "",
    };
    rig.auth.check(&asked, None)
}

/// A token for this client.
fn token(rig: &Rig, client: &str) -> String {
    rig.hs.sign(&claims(&json!({ "sub": client })))
}

#[tokio::test]
async fn the_header_wins_over_the_cookie() {
    let rig = Rig::new();
    let bearer = format!("Bearer {}", token(&rig, "ada"));
    let cookie = format!("{COOKIE}={}", token(&rig, "grace"));
    let client = |authorization: &[&str], cookies: &[&str]| {
        let answer = ask(&rig, authorization, cookies);
        answer
            .map(|verified| verified.client.to_string())
            .map_err(|refused| refused.status)
    };
    assert_eq!(client(&[&bearer], &[&cookie]), Ok("ada".into()));
    assert_eq!(client(&[], &[&cookie]), Ok("grace".into()));
    assert_eq!(client(&["Bearer rubbish"], &[&cookie]), Err(401));
    assert_eq!(client(&["Bearer"], &[&cookie]), Err(401));
    assert_eq!(
        client(&[&bearer.replace("Bearer", "bEARER")], &[]),
        Ok("ada".into())
    );
    assert_eq!(
        client(&[&bearer.replace("Bearer ", "Bearer   ")], &[]),
        Ok("ada".into())
    );
    assert_eq!(client(&["Basic YTpi"], &[&cookie]), Ok("grace".into()));
    assert_eq!(client(&["Bearers x"], &[&cookie]), Ok("grace".into()));
    assert_eq!(client(&["Basic YTpi"], &[]), Err(401));
    assert_eq!(client(&[&bearer, &bearer], &[]), Err(401), "two of them");
    assert_eq!(client(&["Basic YTpi", &bearer], &[]), Err(401));
}

#[tokio::test]
async fn the_cookie_is_found_among_others_and_must_be_unique() {
    let rig = Rig::new();
    let cookie = format!("{COOKIE}={}", token(&rig, "ada"));
    let good = |cookies: &[&str]| ask(&rig, &[], cookies).is_ok();
    assert!(good(&[&format!("a=b; {cookie}; c=d")]));
    assert!(good(&[&format!("a=b;{cookie};c")]));
    assert!(good(&["a=b", &cookie, "c=d"]), "HTTP/2 sends several");
    assert!(good(&[&format!("{COOKIE}2=x; x{COOKIE}=y; {cookie}")]));
    assert!(!good(&[&format!("{cookie}; {cookie}")]));
    assert!(!good(&[&cookie, &cookie]));
    assert!(!good(&[&format!("{COOKIE}=; {cookie}")]));
    assert!(!good(&[&cookie.replace("Secure", "secure")]));
    assert!(!good(&[&format!("a=\"x; y\"; {COOKIE}")]));
    assert!(!good(&[&format!("{COOKIE}=")]));
}

#[tokio::test]
async fn a_missing_token_is_refused_without_an_error_code() {
    let rig = Rig::new();
    let answer = ask(&rig, &[], &[]).unwrap_err();
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.challenge.as_deref(),
        Some("Bearer realm=\"millstream\"")
    );
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_even_beside_a_good_one() {
    let rig = Rig::new();
    let token = token(&rig, "ada");
    let bearer = format!("Bearer {token}");
    for query in [
        format!("access_token={token}"),
        format!("client=ada&token={token}"),
        format!("jwt={token}&client=ada"),
        format!("Access_Token={token}"),
        format!("%61ccess%5ftoken={token}"),
        "token".into(),
    ] {
        let asked = Credentials {
            authorization: vec![bearer.as_bytes()],
            query: &query,
            ..Credentials::default()
        };
        let refused = refused(rig.auth.check(&asked, None), &token);
        assert_eq!(refused.status, 400, "{query}");
        assert!(refused.detail.contains("URL"), "{refused}");
    }
    let asked = Credentials {
        authorization: vec![bearer.as_bytes()],
        query: "client=token&tokens=1&last-event-id=1-1",
        ..Credentials::default()
    };
    assert!(rig.auth.check(&asked, None).is_ok());
}
