//! Keys that an issuer publishes at a URL: they rotate and arrive late, and survive an issuer that
//! is slow, down or broken.

use super::SOON;
use super::rig::Edge;
use super::tokens::now;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millstream_tests::{Answer, Issuer, Sse, metrics, servers, unique, wait_until};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A key of an issuer, and its id.
struct Key(Ed25519KeyPair, String);

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    fn new(id: &str) -> Key {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Key(Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap(), id.into())
    }

    /// A key without an id.
    fn nameless() -> Key {
        Key::new("")
    }

    fn jwk(&self) -> Value {
        let mut jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(self.0.public_key()) });
        if !self.1.is_empty() {
            jwk["kid"] = json!(self.1);
        }
        jwk
    }

    /// A token of the client `ada`.
    fn token(&self) -> String {
        let mut header = json!({ "alg": "EdDSA" });
        if !self.1.is_empty() {
            header["kid"] = json!(self.1);
        }
        let claims = json!({ "sub": "ada", "exp": now() + 3600 });
        let text = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = b64(self.0.sign(text.as_bytes()));
        format!("{text}.{signature}")
    }
}

fn set(keys: &[&Key]) -> Answer {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    Answer::document(&json!({ "keys": keys }).to_string())
}

/// An edge that fetches its keys from this issuer, with further lines of `[auth]`.
fn edge(issuer: &Issuer, auth: &str) -> Edge<'static> {
    let url = issuer.url();
    let ca = match issuer.certificate.is_empty() {
        true => "",
        false => "jwks-ca = \"issuer.pem\"",
    };
    let rest = format!("[auth]\njwks = \"{url}?key=hunter2\"\n{ca}\n{auth}\n");
    Edge::made("", &rest, |builder| {
        builder.file("issuer.pem", &issuer.certificate)
    })
}

const QUICK: &str = "jwks-cooldown = \"100ms\"";

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// The stream is open.
    Open,
    /// 200, a `retry:` and the end of the stream.
    ComeBack,
    /// This status, after which an EventSource does not reconnect.
    Refused(u16),
}

fn told(edge: &Edge, token: &str) -> Told {
    let mut sse: Sse = edge.ask("", &[("authorization", &format!("Bearer {token}"))]);
    if sse.status != 200 {
        return Told::Refused(sse.status);
    }
    let first = sse.next(SOON).expect("a frame");
    assert!(first.retry.is_some(), "{first:?}");
    if first.id.is_some() {
        return Told::Open;
    }
    assert!(sse.next(SOON).is_none());
    assert_eq!(sse.end(), Some("complete"));
    Told::ComeBack
}

/// Connects until this is the answer; returns all answers up to then.
fn until(edge: &Edge, token: &str, last: &Told) -> BTreeSet<Told> {
    let mut all = BTreeSet::new();
    wait_until(&format!("{last:?}"), SOON, || {
        let told = told(edge, token);
        let done = told == *last;
        all.insert(told);
        done.then_some(())
    });
    all
}

fn failures(edge: &Edge) -> f64 {
    let all = metrics(&edge.daemon.admin());
    all.sum(
        "millstream_fetches_total",
        &["what=\"jwks\"", "result=\"failed\""],
    )
}

#[test]
fn keys_are_fetched_from_their_issuer_and_rotate_at_run_time() {
    let (old, new, foreign) = (Key::new("1"), Key::new("2"), Key::new("3"));
    let issuer = Issuer::start(set(&[&old]));
    let edge = edge(&issuer, QUICK);
    assert!(!until(&edge, &old.token(), &Told::Open).contains(&Told::Refused(401)));
    issuer.answer(set(&[&new]));
    // The first token with the new key makes the edge fetch it and is accepted.
    assert!(!until(&edge, &new.token(), &Told::Open).contains(&Told::Refused(401)));
    // A token whose key certainly does not exist is refused.
    let last = Told::Refused(401);
    for key in [&old, &foreign] {
        assert!(!until(&edge, &key.token(), &last).contains(&Told::Open));
        assert_eq!(told(&edge, &key.token()), last, "again");
    }
    assert_eq!(told(&edge, &new.token()), Told::Open);
    let forged = Key(Key::new("2").0, "2".into());
    assert_eq!(told(&edge, &forged.token()), last, "the id of another key");
    assert!(!edge.daemon.log_contains("hunter2"));
}

#[test]
fn keys_without_ids_rotate_over_plain_http_on_loopback() {
    let (old, new) = (Key::nameless(), Key::nameless());
    let issuer = Issuer::plain(set(&[&old]));
    let edge = edge(&issuer, QUICK);
    until(&edge, &old.token(), &Told::Open);
    issuer.answer(set(&[&new]));
    assert!(!until(&edge, &new.token(), &Told::Open).contains(&Told::Refused(401)));
    until(&edge, &old.token(), &Told::Refused(401));
}

#[test]
fn keys_are_refreshed_without_a_request_for_a_new_key() {
    let (old, new) = (Key::new("1"), Key::new("2"));
    let issuer = Issuer::start(set(&[&old]));
    let edge = edge(
        &issuer,
        "jwks-cooldown = \"100ms\"\njwks-max-age = \"200ms\"",
    );
    until(&edge, &old.token(), &Told::Open);
    issuer.answer(set(&[&new]));
    let asked = issuer.asked();
    wait_until("the issuer is asked again", SOON, || {
        (issuer.asked() > asked + 1).then_some(())
    });
    // The removed key is refused, and the new one is known before the first token that uses it.
    assert_eq!(told(&edge, &new.token()), Told::Open);
    until(&edge, &old.token(), &Told::Refused(401));
}

#[test]
fn clients_are_told_to_retry_until_keys_are_fetched() {
    let key = Key::new("1");
    let issuer = Issuer::start(Answer::Gone);
    let kafka = servers().kafka.bootstrap();
    let tasks = format!(
        "{QUICK}\n[kafka]\nbootstrap-servers = \"{kafka}\"\n[tasks]\nrequest-topic = \"{}\"",
        unique("requests")
    );
    let edge = edge(&issuer, &tasks);
    edge.daemon.wait_log("can't fetch jwks", SOON);
    let bearer = format!("Bearer {}", key.token());
    for answer in [Answer::Gone, Answer::Silence] {
        issuer.answer(answer);
        assert_eq!(told(&edge, &key.token()), Told::ComeBack);
        for (method, path) in [("GET", "/v1/tasks/x"), ("POST", "/v1/tasks")] {
            let headers = [
                ("authorization", &*bearer),
                ("content-type", "application/json"),
            ];
            let address = edge.daemon.sse();
            let answer =
                millstream_tests::request(method, &address, path, &headers, b"{}").unwrap();
            assert_eq!(answer.status, 503, "{method}: {}", answer.text());
            assert!(answer.header("retry-after").is_some());
        }
        // Requests without a token, or with a token that no key can verify, are still refused.
        assert_eq!(edge.ask("", &[]).status, 401);
        assert_eq!(told(&edge, "x.y.z"), Told::Refused(401));
    }
    let shed = metrics(&edge.daemon.admin()).sum("millstream_sse_shed_total", &["why=\"keys\""]);
    assert!(shed >= 2.0);
    issuer.answer(set(&[&key]));
    assert!(!until(&edge, &key.token(), &Told::Open).contains(&Told::Refused(401)));
}

#[test]
fn an_issuer_with_an_untrusted_certificate_is_rejected() {
    let key = Key::new("1");
    let issuer = Issuer::start(set(&[&key]));
    let other = Issuer::start(Answer::Gone);
    let rest = format!(
        "[auth]\njwks = \"{}\"\njwks-ca = \"ca.pem\"\n{QUICK}",
        issuer.url()
    );
    let edge = Edge::made("", &rest, |builder| {
        builder.file("ca.pem", &other.certificate)
    });
    let log = edge.daemon.wait_log("can't fetch jwks", SOON);
    assert!(log.contains("certificate"), "{log}");
    assert_eq!(told(&edge, &key.token()), Told::ComeBack);
}

#[test]
fn bad_answers_of_an_issuer_keep_the_last_good_keys() {
    let (key, next) = (Key::new("1"), Key::new("2"));
    let issuer = Issuer::start(set(&[&key]));
    let edge = edge(&issuer, QUICK);
    until(&edge, &key.token(), &Told::Open);
    let secret = json!({ "keys": [{ "kty": "oct", "k": b64([7; 40]), "kid": "2" }] }).to_string();
    let huge = format!("{{\"keys\":[{}]}}", " ".repeat(300 << 10));
    let endless = [&b"HTTP/1.1 200 OK\r\nx: "[..], &vec![b'x'; 1 << 20]].concat();
    for (what, answer) in [
        ("gone", Answer::Gone),
        ("an error", Answer::http("500 Oops", "", "hunter2")),
        (
            "a redirect",
            Answer::http("302 Found", "location: http://localhost/\r\n", ""),
        ),
        ("a page", Answer::document("<html>hunter2</html>")),
        ("no set", Answer::document("[]")),
        ("an empty set", Answer::document("{\"keys\":[]}")),
        ("a published secret", Answer::document(&secret)),
        ("a huge document", Answer::document(&huge)),
        ("a head without end", Answer::Bytes(endless)),
        (
            "another protocol",
            Answer::Bytes(b"220 smtp.example ESMTP\r\n".to_vec()),
        ),
        (
            "half a document",
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec()),
        ),
        ("nothing at all", Answer::Bytes(Vec::new())),
    ] {
        issuer.answer(answer);
        let before = failures(&edge);
        wait_until(what, SOON, || {
            // A token is not refused while its key can't be looked up.
            assert_eq!(told(&edge, &next.token()), Told::ComeBack, "{what}");
            (failures(&edge) > before + 1.0).then_some(())
        });
        assert_eq!(told(&edge, &key.token()), Told::Open, "{what}");
    }
    issuer.answer(Answer::Silence);
    assert_eq!(told(&edge, &next.token()), Told::ComeBack);
    assert_eq!(told(&edge, &key.token()), Told::Open);
    issuer.answer(set(&[&key, &next]));
    assert!(!until(&edge, &next.token(), &Told::Open).contains(&Told::Refused(401)));
    assert!(!edge.daemon.log_contains("hunter2"));
}

#[test]
fn unknown_key_ids_do_not_flood_the_issuer() {
    let key = Key::new("1");
    let issuer = Issuer::start(set(&[&key]));
    let edge = edge(&issuer, "jwks-cooldown = \"10m\"");
    until(&edge, &key.token(), &Told::Open);
    for n in 0..200 {
        let made_up = Key(Key::new("").0, format!("made-up-{n}"));
        assert_eq!(told(&edge, &made_up.token()), Told::ComeBack);
    }
    assert_eq!(told(&edge, &key.token()), Told::Open);
    assert_eq!(issuer.asked(), 1);
}
