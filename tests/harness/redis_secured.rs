use crate::certificate::Certificate;
use crate::janitor::scratch_dir;
use crate::ports::free_port;
use crate::redis_server::Redis;
use std::fs;
use std::path::PathBuf;

/// A Redis that requires TLS with certificates of both sides, and a login. Tests inspect it through
/// its open port.
pub struct SecuredRedis {
    pub redis: Redis,
    port: u16,
    /// The server's self-signed certificate.
    pub ca: PathBuf,
    /// The client's certificate.
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub password: &'static str,
}

const USER: &str = "millstream";
const PASSWORD: &str = "correct-horse";

impl SecuredRedis {
    pub(crate) fn new() -> Self {
        let (port, dir) = (free_port(), scratch_dir("redis-tls"));
        let file = |name: &str, content: String| {
            let path = dir.join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let (server, client) = (Certificate::new(), Certificate::new());
        let ca = file("ca.pem", server.certificate);
        let server_key = file("server-key.pem", server.key);
        let certificate = file("client.pem", client.certificate);
        let key = file("client-key.pem", client.key);
        let redis = Redis::new(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &ca.display().to_string(),
            "--tls-key-file",
            &server_key.display().to_string(),
            "--tls-ca-cert-file",
            &certificate.display().to_string(),
            "--user",
            USER,
            "on",
            &format!(">{PASSWORD}"),
            "~*",
            "&*",
            "+@all",
        ]);
        SecuredRedis {
            redis,
            port,
            ca,
            certificate,
            key,
            password: PASSWORD,
        }
    }

    /// Its URL with this password.
    pub fn url(&self, password: &str) -> String {
        format!("rediss://{USER}:{password}@127.0.0.1:{}", self.port)
    }
}
