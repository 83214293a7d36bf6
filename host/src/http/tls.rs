//! TLS for the listeners, with a certificate that is reloaded while the daemon
//! runs.

use crate::files::{Content, Watched, read_once};
use anyhow::{Context, bail, ensure};
use rustls::ServerConfig;
use rustls::crypto::ring as cryptography;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certificate and its key, as their files have them now.
pub struct Tls {
    config: Arc<Watched<ServerConfig>>,
}

const READING: &str = "can't load the certificate of [http.tls]";

/// A certificate and its key, both in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Tls {
    /// Reads a certificate with its chain and its key, both in PEM. A task
    /// reloads them when the files change, so this must be called within a
    /// tokio runtime. A new pair that is broken or does not match is logged and
    /// ignored.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(files: &TlsFiles) -> anyhow::Result<Arc<Tls>> {
        let files = vec![files.certificate.clone(), files.key.clone()];
        let config =
            Watched::start("the certificate of [http.tls]", files, config).context(READING)?;
        Ok(Arc::new(Tls { config }))
    }

    /// Whether [`load`](Tls::load) would take the pair now.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn check(files: &TlsFiles) -> anyhow::Result<()> {
        let files = [files.certificate.clone(), files.key.clone()];
        let read = read_once(&files, config);
        read.map(drop).context(READING)
    }

    /// Performs the handshake with the current certificate. Offers HTTP/2 and
    /// HTTP/1.1 by ALPN; the choice is `get_ref().1.alpn_protocol()`. Has no
    /// deadline: the caller sets one.
    ///
    /// # Errors
    /// If the client is gone or does not speak TLS.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.config.current())
            .accept(stream)
            .await
    }
}

fn config(files: &[Content<'_>]) -> anyhow::Result<ServerConfig> {
    let [certificate, key] = files else {
        bail!("expected two files: a certificate and a key");
    };
    let chain = chain(certificate).with_context(|| format!("{:?}", certificate.path))?;
    let private = private(key).with_context(|| format!("{:?}", key.path))?;
    let provider = Arc::new(cryptography::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        // This refuses a key that does not match the certificate.
        .with_single_cert(chain, private)
        .with_context(|| format!("{:?} and {:?}", certificate.path, key.path))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Session tickets make reconnects after a proxy restart cheaper.
    config.ticketer = cryptography::Ticketer::new()?;
    Ok(config)
}

// The parser's errors quote lines of the file, which may be a key's, so they
// are not passed on.

fn chain(file: &Content<'_>) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.bytes).collect();
    let chain = chain.ok().context("the file is not PEM")?;
    ensure!(
        !chain.is_empty(),
        "the file has no certificate in PEM (-----BEGIN CERTIFICATE-----)"
    );
    Ok(chain)
}

fn private(file: &Content<'_>) -> anyhow::Result<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(&file.bytes).ok();
    key.context("the file has no private key in PEM (-----BEGIN PRIVATE KEY-----)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
    use std::path::PathBuf;
    use std::time::{Duration, Instant};
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsConnector;

    /// A certificate for localhost, its key, and both as PEM.
    struct Pair {
        der: CertificateDer<'static>,
        certificate: String,
        key: String,
    }

    impl Pair {
        fn new() -> Pair {
            let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
            let pem = |label: &str, der: &[u8]| {
                let text = STANDARD.encode(der);
                format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
            };
            Pair {
                certificate: pem("CERTIFICATE", made.cert.der()),
                key: pem("PRIVATE KEY", &made.signing_key.serialize_der()),
                der: made.cert.der().clone(),
            }
        }
    }

    /// A server whose files can be replaced.
    struct Rig {
        folder: TempDir,
        tls: Arc<Tls>,
    }

    impl Rig {
        fn new(pair: &Pair) -> Rig {
            let folder = tempfile::tempdir().unwrap();
            write(&folder, &pair.certificate, &pair.key);
            let tls = load(&folder).unwrap();
            Rig { folder, tls }
        }

        /// The protocol that a client gets that trusts this certificate.
        async fn connect(&self, trusted: &Pair, client: Client) -> io::Result<Option<Vec<u8>>> {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let stream = TcpStream::connect(listener.local_addr()?).await?;
            let served = async {
                let (stream, _) = listener.accept().await?;
                let mut stream = self.tls.accept(stream).await?;
                stream.write_all(b"hello").await?;
                stream.shutdown().await
            };
            let (served, read) = tokio::join!(served, client.read(stream, trusted));
            served.and(read)
        }

        async fn serves(&self, pair: &Pair) -> bool {
            self.connect(pair, Client::default()).await.is_ok()
        }
    }

    struct Client {
        version: &'static SupportedProtocolVersion,
        alpn: Vec<Vec<u8>>,
    }

    impl Default for Client {
        fn default() -> Client {
            Client {
                version: &TLS13,
                alpn: Vec::new(),
            }
        }
    }

    impl Client {
        async fn read(self, stream: TcpStream, trusted: &Pair) -> io::Result<Option<Vec<u8>>> {
            let mut roots = RootCertStore::empty();
            roots.add(trusted.der.clone()).unwrap();
            let provider = Arc::new(cryptography::default_provider());
            let mut config = ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[self.version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = self.alpn;
            let name = ServerName::try_from("localhost").unwrap();
            let connector = TlsConnector::from(Arc::new(config));
            let mut stream = connector.connect(name, stream).await?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await?;
            assert_eq!(text, "hello");
            let (_, session) = stream.get_ref();
            assert_eq!(session.protocol_version(), Some(self.version.version));
            Ok(session.alpn_protocol().map(<[u8]>::to_vec))
        }
    }

    fn write(folder: &TempDir, certificate: &str, key: &str) {
        let write = |path: PathBuf, text: &str| std::fs::write(path, text).unwrap();
        write(folder.path().join("cert.pem"), certificate);
        write(folder.path().join("key.pem"), key);
    }

    fn load(folder: &TempDir) -> anyhow::Result<Arc<Tls>> {
        let at = |name| folder.path().join(name);
        Tls::load(&TlsFiles {
            certificate: at("cert.pem"),
            key: at("key.pem"),
        })
    }

    #[tokio::test]
    async fn both_tls_versions_and_both_http_protocols_work() {
        let pair = Pair::new();
        let rig = Rig::new(&pair);
        assert_eq!(TLS12.version, ProtocolVersion::TLSv1_2);
        for version in [&TLS12, &TLS13] {
            for (alpn, chosen) in [
                (&["h2", "http/1.1"][..], Some("h2")),
                (&["http/1.1", "h2"], Some("h2")),
                (&["http/1.1"], Some("http/1.1")),
                (&[], None),
            ] {
                let alpn = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
                let answer = rig.connect(&pair, Client { version, alpn }).await;
                let chosen = chosen.map(|name| name.as_bytes().to_vec());
                assert_eq!(answer.unwrap(), chosen, "{version:?}");
            }
        }
        let unknown = Client {
            alpn: vec![b"gopher".to_vec()],
            ..Client::default()
        };
        assert!(rig.connect(&pair, unknown).await.is_err());
        assert!(!rig.serves(&Pair::new()).await, "it trusts another");
    }

    #[tokio::test]
    async fn a_new_pair_is_loaded_while_running_and_a_mismatched_one_is_ignored() {
        let (old, new) = (Pair::new(), Pair::new());
        let rig = Rig::new(&old);
        write(&rig.folder, &new.certificate, &old.key);
        // Longer than the interval of the check.
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            assert!(rig.serves(&old).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        write(&rig.folder, &new.certificate, &new.key);
        while !rig.serves(&new).await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!rig.serves(&old).await);
    }

    #[tokio::test]
    async fn a_client_without_tls_is_an_error() {
        let rig = Rig::new(&Pair::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], b""] {
            let address = listener.local_addr().unwrap();
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(said).await.unwrap();
            client.shutdown().await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            assert!(rig.tls.accept(stream).await.is_err());
        }
    }

    #[tokio::test]
    async fn errors_name_a_bad_file_and_never_quote_it() {
        let (pair, other) = (Pair::new(), Pair::new());
        let folder = tempfile::tempdir().unwrap();
        let damaged = "-----BEGIN hunter2";
        for (certificate, key, file, says) in [
            ("", &*pair.key, "cert.pem", "no certificate"),
            (&*pair.key, &*pair.key, "cert.pem", "no certificate"),
            (damaged, &*pair.key, "cert.pem", "not PEM"),
            (&*pair.certificate, "hunter2", "key.pem", "no private key"),
            (&*pair.certificate, damaged, "key.pem", "no private key"),
            (
                &*pair.certificate,
                &*pair.certificate,
                "key.pem",
                "no private key",
            ),
            (&*pair.certificate, &*other.key, "key.pem", "cert.pem"),
        ] {
            write(&folder, certificate, key);
            let error = load(&folder).err().unwrap();
            let told = format!("{error:#} {error:?}");
            assert!(told.contains(file) && told.contains(says), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
