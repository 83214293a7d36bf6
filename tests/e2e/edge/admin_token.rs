//! Access to the admin listener beyond health and metrics.

use super::SOON;
use super::rig::{ANONYMOUS, config};
use millstream_tests::{Daemon, Response, request, servers, unique, wait_until};

const TOKEN: &str = "7b5c1f0e-a-token-for-operators";
/// Calls that need more than access to the port.
const CALLS: [(&str, &str); 6] = [
    ("GET", "/v1/clients"),
    ("GET", "/v1/clients/ada"),
    ("POST", "/v1/clients/ada/revoke"),
    ("POST", "/v1/clients/ada/disconnect"),
    ("DELETE", "/v1/clients/ada/stream"),
    ("GET", "/v1/whatever-comes-later"),
];

struct Admin {
    daemon: Daemon,
    prefix: String,
}

impl Admin {
    /// Starts an edge with this admin address and these lines of `[admin]`.
    fn start(listen: &str, lines: &str, token_file: &str) -> Admin {
        let (redis, prefix) = (&servers().redis, unique("admin"));
        let text = config(redis, &prefix, "", &format!("{lines}\n{ANONYMOUS}"));
        let (before, after) = text
            .split_once("[admin]\nlisten = \"127.0.0.1:0\"")
            .unwrap();
        let text = format!("{before}[admin]\nlisten = \"{listen}\"{after}");
        let builder = Daemon::builder(&text)
            .role("edge")
            .file("token", token_file);
        let daemon = builder.start();
        daemon.wait_ready(SOON);
        Admin { daemon, prefix }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        request(method, &self.daemon.admin(), path, headers, b"").unwrap()
    }

    fn bearer(&self, method: &str, path: &str, token: &str) -> Response {
        self.ask(
            method,
            path,
            &[("authorization", &format!("Bearer {token}"))],
        )
    }

    /// Whether a call has revoked anything.
    fn has_revoked(&self) -> bool {
        let key = format!("{}:{{0}}:revoked", self.prefix);
        let mut redis = servers().redis.connect();
        redis::cmd("EXISTS").arg(key).query(&mut redis).unwrap()
    }

    #[track_caller]
    fn health_and_metrics_are_open(&self) {
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(self.ask("GET", path, &[]).status, 200, "{path}");
        }
    }
}

#[test]
fn without_a_token_only_health_and_metrics_are_served_beyond_loopback() {
    let admin = Admin::start("0.0.0.0:0", "", "");
    admin.daemon.wait_log("[admin] token", SOON);
    admin.health_and_metrics_are_open();
    for (method, path) in CALLS {
        for headers in [&[][..], &[("authorization", "Bearer ")]] {
            let answer = admin.ask(method, path, headers);
            assert_eq!(answer.status, 403, "{method} {path}");
            assert!(answer.text().contains("[admin] token"), "{}", answer.text());
        }
    }
    assert!(!admin.has_revoked());
}

#[test]
fn the_admin_token_permits_every_call() {
    for listen in ["0.0.0.0:0", "127.0.0.1:0"] {
        let admin = Admin::start(listen, &format!("token = \"{TOKEN}\""), "");
        admin.health_and_metrics_are_open();
        let refused = |answer: Response, what: &str| {
            assert_eq!(answer.status, 401, "{what}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer"), "{challenge}");
            assert!(!answer.text().contains(TOKEN));
        };
        for (method, path) in CALLS {
            refused(admin.ask(method, path, &[]), path);
            let nearly = [&TOKEN[1..], &TOKEN[..9], &format!("{TOKEN}x"), "x", ""];
            for wrong in nearly {
                refused(admin.bearer(method, path, wrong), wrong);
            }
        }
        refused(
            admin.ask("GET", &format!("/v1/clients?token={TOKEN}"), &[]),
            "in the URL",
        );
        assert!(!admin.has_revoked());
        assert_eq!(admin.bearer("GET", "/v1/clients", TOKEN).status, 200);
        let lower = [("authorization", &*format!("bearer {TOKEN}"))];
        assert_eq!(admin.ask("GET", "/v1/clients/ada", &lower).status, 200);
        assert_eq!(
            admin.bearer("POST", "/v1/clients/ada/revoke", TOKEN).status,
            200
        );
        assert!(admin.has_revoked());
        assert_eq!(
            admin
                .bearer("GET", "/v1/whatever-comes-later", TOKEN)
                .status,
            404
        );
    }
}

#[test]
fn a_token_file_is_reloaded_at_run_time() {
    let admin = Admin::start("0.0.0.0:0", "token-file = \"token\"", &format!("{TOKEN}\n"));
    let status = |token: &str| admin.bearer("GET", "/v1/clients", token).status;
    assert_eq!(status(TOKEN), 200);
    let next = "another-token-for-operators";
    std::fs::write(admin.daemon.dir().join("token"), next).unwrap();
    wait_until("the new token is accepted", SOON, || {
        (status(next) == 200).then_some(())
    });
    assert_eq!(status(TOKEN), 401);
}

/// A page whose host name resolves to 127.0.0.1 is refused by that name, even with the token.
#[test]
fn on_loopback_only_loopback_host_names_are_accepted() {
    let admin = Admin::start("127.0.0.1:0", &format!("token = \"{TOKEN}\""), "");
    for path in ["/v1/clients", "/metrics"] {
        let headers = [
            ("host", "evil.example"),
            ("authorization", &format!("Bearer {TOKEN}")),
        ];
        assert_eq!(admin.ask("GET", path, &headers).status, 421);
    }
}
