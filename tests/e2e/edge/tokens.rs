//! Tokens: which streams they open, and when their validity ends.

use super::SOON;
use super::rig::{ANONYMOUS, Edge, next};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millstream_tests::{Sse, servers, wait_until};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub const SECRET: &[u8] = b"a secret of more than thirty-two bytes, for tests";
pub const AUTH: &str = r#"
[auth]
issuer = "https://login.example.com"
audience = "events"
leeway = "1s"
[[auth.key]]
algorithm = "HS256"
file = "secret"
"#;

/// An edge that requires tokens.
pub fn edge() -> Edge<'static> {
    Edge::made("", AUTH, |builder| builder.file("secret", SECRET))
}

/// In seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A token with these claims in addition to the usual ones; `null` removes a claim.
#[allow(
    clippy::needless_pass_by_value,
    reason = "they are written where they are used"
)]
pub fn token(claims: Value) -> String {
    signed(&json!({ "alg": "HS256", "typ": "JWT" }), &claims)
}

fn signed(header: &Value, claims: &Value) -> String {
    let mut all = json!({
        "iss": "https://login.example.com",
        "aud": "events",
        "iat": now() - 10,
        "exp": now() + 3600,
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    all.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let text = format!("{}.{}", part(header), part(&all));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
    let mac = ring::hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn status(edge: &Edge, query: &str, token: &str) -> u16 {
    edge.ask(query, &[("authorization", &bearer(token))]).status
}

#[test]
fn a_token_opens_only_the_stream_of_its_client() {
    let edge = edge();
    let ada = token(json!({ "sub": "ada" }));
    let (mut sse, _) = edge.open("", &[("authorization", &bearer(&ada))]);
    edge.write("client:bob", "t", "not hers");
    edge.write("client:ada", "t", "hers");
    assert_eq!(next(&mut sse), "hers");
    assert_eq!(status(&edge, "client=ada", &ada), 200);
    assert_eq!(status(&edge, "client=bob", &ada), 403);
    let cookie = format!("theme=dark; __Secure-millstream={ada}");
    let (mut sse, _) = edge.open("from=earliest", &[("cookie", &cookie)]);
    assert_eq!(next(&mut sse), "hers");
    let service = token(json!({ "sub": "mailer", "millstream_clients": "*" }));
    assert_eq!(status(&edge, "client=bob", &service), 200);
    assert_eq!(status(&edge, "", &service), 400);
}

#[test]
fn invalid_tokens_are_refused_with_a_challenge() {
    let edge = edge();
    let refused = edge.ask("client=ada", &[]);
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );
    let good = token(json!({ "sub": "ada" }));
    let cut = &good[..good.len() - 4];
    let none = json!({ "alg": "none" });
    for (what, bad) in [
        (
            "another issuer",
            token(json!({ "sub": "ada", "iss": "https://evil.example" })),
        ),
        ("no issuer", token(json!({ "sub": "ada", "iss": null }))),
        (
            "another audience",
            token(json!({ "sub": "ada", "aud": "mail" })),
        ),
        ("expired", token(json!({ "sub": "ada", "exp": now() - 60 }))),
        ("no end", token(json!({ "sub": "ada", "exp": null }))),
        ("not yet", token(json!({ "sub": "ada", "nbf": now() + 60 }))),
        ("nobody", token(json!({}))),
        ("no algorithm", signed(&none, &json!({ "sub": "ada" }))),
        (
            "another algorithm",
            signed(&json!({ "alg": "RS256" }), &json!({ "sub": "ada" })),
        ),
        ("cut", cut.to_owned()),
        ("nonsense", "x.y.z".to_owned()),
    ] {
        assert_eq!(status(&edge, "", &bad), 401, "{what}");
    }
    assert_eq!(status(&edge, "", &good), 200);
}

#[test]
fn a_token_lists_the_groups_its_client_may_follow() {
    let edge = edge();
    let of = |groups: Value| token(json!({ "sub": "ada", "groups": groups }));
    assert_eq!(
        status(&edge, "groups=news", &of(json!(["news", "sports"]))),
        200
    );
    assert_eq!(
        status(&edge, "groups=news,secret", &of(json!(["news"]))),
        403
    );
    assert_eq!(status(&edge, "groups=anything", &of(json!("*"))), 200);
    assert_eq!(status(&edge, "groups=news", &of(Value::Null)), 403);
    let hundreds: Vec<_> = (0..300).map(|n| format!("team-{n}")).collect();
    assert_eq!(status(&edge, "", &of(json!(hundreds))), 200);
    assert_eq!(status(&edge, "groups=team-299", &of(json!(hundreds))), 200);
    assert_eq!(status(&edge, "", &of(json!("admins"))), 200);
}

#[test]
fn a_stream_ends_when_its_token_expires() {
    let edge = edge();
    let short = token(json!({ "sub": "ada", "exp": now() + 3 }));
    let (mut sse, _) = edge.open("", &[("authorization", &bearer(&short))]);
    let last = ends(&mut sse);
    assert!(last.is_some_and(|retry| retry > 0));
    assert!(now() >= 3);
    wait_until("the token has expired", SOON, || {
        (status(&edge, "", &short) == 401).then_some(())
    });
}

/// Reads to the end, which must be clean; returns the last `retry`.
fn ends(sse: &mut Sse) -> Option<u64> {
    let mut retry = None;
    while let Some(frame) = sse.next(SOON) {
        retry = frame.retry.or(retry);
    }
    assert_eq!(sse.end(), Some("complete"));
    retry
}

#[test]
fn revoked_tokens_are_refused_on_every_edge_and_later_ones_are_accepted() {
    let edge = edge();
    let other = Edge::sharing(&edge, AUTH, |builder| builder.file("secret", SECRET));
    let old = token(json!({ "sub": "ada" }));
    let bob = token(json!({ "sub": "bob" }));
    let open = [&edge, &other].map(|edge| edge.open("", &[("authorization", &bearer(&old))]).0);
    let (mut stays, _) = edge.open("", &[("authorization", &bearer(&bob))]);
    let before = now() - 5;
    let path = format!("/v1/clients/ada/revoke?before={before}");
    assert_eq!(
        edge.call("POST", &path, &[]),
        (200, json!({ "before": before }))
    );
    for mut sse in open {
        ends(&mut sse);
    }
    for edge in [&edge, &other] {
        assert_eq!(status(edge, "", &old), 401);
        assert_eq!(
            status(edge, "", &token(json!({ "sub": "ada", "iat": now() }))),
            200
        );
        assert_eq!(
            status(edge, "", &token(json!({ "sub": "ada", "iat": null }))),
            401
        );
    }
    // The same on an edge that starts later.
    let late = Edge::sharing(&edge, AUTH, |builder| builder.file("secret", SECRET));
    wait_until("the new edge knows the revocation", SOON, || {
        (status(&late, "", &old) == 401).then_some(())
    });
    edge.write("client:bob", "t", "on");
    assert_eq!(next(&mut stays), "on");
    // An edge without tokens ignores revocations.
    let anonymous = Edge::sharing(&edge, ANONYMOUS, |builder| builder);
    let (mut ada, _) = anonymous.open("client=ada", &[]);
    assert_eq!(anonymous.call("POST", &path, &[]).0, 200);
    edge.write("client:ada", "t", "goes on");
    assert_eq!(next(&mut ada), "goes on");
}

#[test]
fn a_new_revocation_does_not_reread_all_others() {
    const MANY: usize = 20_000;
    let redis = servers().own_redis(&[]);
    let edge = Edge::on(&redis, "", AUTH, |builder| builder.file("secret", SECRET));
    let mut add = vec!["ZADD".to_owned(), edge.key("revoked")];
    (0..MANY).for_each(|n| add.extend([(now() - 5).to_string(), format!("c{n}")]));
    let add: Vec<&str> = add.iter().map(String::as_str).collect();
    let _: usize = edge.redis(&add);
    let sent = || -> u64 {
        let info: String = edge.redis(&["INFO", "stats"]);
        let mut lines = info.lines();
        let sent = lines.find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        sent.unwrap().parse().unwrap()
    };
    let before = sent();
    for n in 0..20 {
        let client = format!("d{n}");
        let ada = bearer(&token(json!({ "sub": client })));
        let (mut sse, _) = edge.open("", &[("authorization", &ada)]);
        let path = format!("/v1/clients/{client}/revoke?before={}", now() - 5);
        assert_eq!(edge.call("POST", &path, &[]).0, 200);
        ends(&mut sse);
        assert_eq!(edge.ask("", &[("authorization", &ada)]).status, 401);
    }
    let sent = sent() - before;
    // Reading all revocations even once would exceed this.
    assert!(sent < 10 * MANY as u64, "Redis sent {sent} bytes");
}

#[test]
fn with_a_token_lifetime_longer_tokens_are_refused_and_revocations_expire() {
    let auth = AUTH.replace("[[auth.key]]", "max-token-life = \"1h\"\n[[auth.key]]");
    let edge = Edge::made("", &auth, |builder| builder.file("secret", SECRET));
    let of = |iat: Value, exp: Value| token(json!({ "sub": "ada", "iat": iat, "exp": exp }));
    let (iat, hour) = (now() - 10, now() + 3590);
    assert_eq!(status(&edge, "", &of(json!(iat), json!(hour))), 200);
    for (what, bad) in [
        ("it lives longer", of(json!(iat), json!(hour + 1))),
        ("it was not issued", of(Value::Null, json!(hour))),
        ("it does not end", of(json!(iat), Value::Null)),
    ] {
        assert_eq!(status(&edge, "", &bad), 401, "{what}");
    }
    // A revocation of two hours ago only affects expired tokens.
    let old = (now() - 7200).to_string();
    let _: usize = edge.redis(&["ZADD", &edge.key("revoked"), &old, "bob"]);
    let kept = || -> Vec<String> { edge.redis(&["ZRANGE", &edge.key("revoked"), "0", "-1"]) };
    let path = format!("/v1/clients/ada/revoke?before={}", now() - 5);
    assert_eq!(edge.call("POST", &path, &[]).0, 200);
    assert_eq!(kept(), ["ada"]);
    assert_eq!(status(&edge, "", &of(json!(iat), json!(hour))), 401);
}

#[test]
fn a_page_of_another_origin_cannot_use_a_cookie() {
    let edge = edge();
    let cookie = format!("__Secure-millstream={}", token(json!({ "sub": "ada" })));
    let from = |origin| {
        edge.ask("", &[("cookie", &cookie), ("origin", origin)])
            .status
    };
    assert_eq!(from("https://evil.example"), 403);
    assert_eq!(from("null"), 403);
    let own = format!("http://{}", edge.daemon.sse());
    assert_eq!(
        edge.ask("", &[("cookie", &cookie), ("origin", &own)])
            .status,
        200
    );
}

#[test]
fn a_replaced_key_file_takes_effect_at_run_time() {
    let edge = edge();
    let old = token(json!({ "sub": "ada" }));
    assert_eq!(status(&edge, "", &old), 200);
    let file = edge.daemon.dir().join("secret");
    std::fs::write(&file, b"").unwrap();
    edge.daemon.wait_log("secret", SOON);
    assert_eq!(
        status(&edge, "", &old),
        200,
        "a broken file changes nothing"
    );
    std::fs::write(&file, b"another secret of more than thirty-two bytes").unwrap();
    wait_until("the old key is refused", SOON, || {
        (status(&edge, "", &old) == 401).then_some(())
    });
}
