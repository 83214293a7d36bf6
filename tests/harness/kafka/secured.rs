use super::Kafka;
use super::settings::Ports;
use crate::certificate::Certificate;
use crate::janitor::scratch_dir;
use crate::ports::free_port;
use std::fs;
use std::path::PathBuf;

/// The access to a Kafka that requires TLS, and a login by SCRAM-SHA-512 or PLAIN.
pub struct Secured {
    /// The value of `bootstrap.servers`.
    pub bootstrap: String,
    /// The node's self-signed certificate.
    pub ca: PathBuf,
    pub user: &'static str,
    pub password: &'static str,
}

const USER: &str = "millstream";
const PASSWORD: &str = "correct-horse";

impl Kafka {
    /// Starts a new node with a second listener, of SASL_SSL. [`Kafka::bootstrap`] is the address
    /// without TLS and login.
    pub fn secured(heap: &'static str) -> (Self, Secured) {
        let (port, ports, dir) = (free_port(), Ports::free(), scratch_dir("kafka-tls"));
        let made = Certificate::new();
        let (ca, keystore) = (dir.join("ca.pem"), dir.join("node.pem"));
        fs::write(&ca, &made.certificate).unwrap();
        fs::write(&keystore, made.key + &made.certificate).unwrap();
        let keystore = format!("ssl.keystore.location={}", keystore.display());
        let login = "org.apache.kafka.common.security";
        let scram = format!("sasl.jaas.config={login}.scram.ScramLoginModule required;");
        let plain = format!(
            "sasl.jaas.config={login}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";"
        );
        let of_listener = [
            "sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN",
            "ssl.keystore.type=PEM",
            &keystore,
            &format!("scram-sha-512.{scram}"),
            &format!("plain.{plain}"),
        ]
        .map(|line| format!("listener.name.secured.{line}"));
        let lines = ports.and("SECURED", port, &format!("127.0.0.1:{port}"));
        let extra: Vec<&str> = lines
            .iter()
            .chain(&of_listener)
            .map(String::as_str)
            .collect();
        let kafka = Kafka::node(heap, 1, &[ports], &extra);
        kafka.start();
        let password = format!("SCRAM-SHA-512=[password={PASSWORD}]");
        kafka.tool(
            "kafka.admin.ConfigCommand",
            &[
                "--alter",
                "--add-config",
                &password,
                "--entity-type",
                "users",
                "--entity-name",
                USER,
            ],
        );
        let secured = Secured {
            bootstrap: format!("127.0.0.1:{port}"),
            ca,
            user: USER,
            password: PASSWORD,
        };
        (kafka, secured)
    }
}
