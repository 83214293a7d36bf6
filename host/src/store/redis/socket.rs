//! A blocking connection to Redis: TCP or TLS, and the login. The library makes
//! all other connections. It keeps its sockets to itself, and its parser makes an
//! allocation for each answer, so the writers have sockets of their own.

use super::errors::PATIENCE;
use super::tokens::Tokens;
use crate::store::StoreTls;
use redis::{Client, Cmd, ConnectionAddr, ErrorKind, RedisError, RedisResult, Value};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Where Redis is, and how to log in.
#[derive(Clone)]
pub(super) struct Address {
    pub client: Client,
    tls: Option<StoreTls>,
    /// The certificates, read once: the library's connections keep theirs, too.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// A connection that is logged in.
pub(super) struct Socket {
    stream: Stream,
    answers: Tokens,
}

enum Stream {
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Address {
    pub fn new(client: Client, tls: Option<StoreTls>) -> Address {
        Address {
            client,
            tls,
            config: Arc::default(),
        }
    }

    /// Connects and logs in; each step within [`PATIENCE`].
    pub fn connect(&self) -> RedisResult<Socket> {
        let info = self.client.get_connection_info();
        let stream = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Stream::Tcp(tcp(host, *port)?),
            ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                ..
            } => Stream::Tls(Box::new(self.encrypted(host, *port)?)),
            _ => {
                let what = "expected redis://host:port or rediss://host:port";
                return Err((ErrorKind::InvalidClientConfig, what).into());
            }
        };
        let mut socket = Socket {
            stream,
            answers: Tokens::default(),
        };
        let login = info.redis_settings();
        let failed = (
            ErrorKind::AuthenticationFailed,
            "Password authentication failed",
        );
        if let Some(password) = login.password() {
            let mut auth = redis::cmd("AUTH");
            socket.must(auth.arg(login.username()).arg(password), failed)?;
        }
        let failed = (
            ErrorKind::InvalidClientConfig,
            "Redis refuses the database number",
        );
        if login.db() != 0 {
            socket.must(redis::cmd("SELECT").arg(login.db()), failed)?;
        }
        Ok(socket)
    }

    fn encrypted(
        &self,
        host: &str,
        port: u16,
    ) -> RedisResult<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let config = match self.config.get() {
            Some(config) => config.clone(),
            None => {
                let made = Arc::new(config(self.tls.as_ref())?);
                self.config.get_or_init(|| made).clone()
            }
        };
        let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, tcp(host, port)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

impl Socket {
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Sends a command that must succeed.
    fn must(&mut self, command: &Cmd, failed: (ErrorKind, &'static str)) -> RedisResult<()> {
        self.write(&command.get_packed_command())?;
        match self.value()? {
            Value::ServerError(error) => Err((failed.0, failed.1, error.to_string()).into()),
            _ => Ok(()),
        }
    }

    /// Reads one answer.
    pub fn value(&mut self) -> io::Result<Value> {
        self.answers.value(&mut self.stream)
    }

    /// The unread answers, and where more come from.
    pub fn answers(&mut self) -> (&mut Tokens, &mut dyn Read) {
        (&mut self.answers, &mut self.stream)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failed = io::Error::other("the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// The files were checked when the store was opened; they may have changed since.
fn config(tls: Option<&StoreTls>) -> RedisResult<ClientConfig> {
    let failed = |error: &dyn std::fmt::Display| {
        let what = "can't use the TLS certificates";
        RedisError::from((ErrorKind::InvalidClientConfig, what, error.to_string()))
    };
    let mut roots = RootCertStore::empty();
    match tls.and_then(|tls| tls.ca.as_deref()) {
        Some(ca) => {
            for certificate in certificates(ca).map_err(|e| failed(&e))? {
                roots.add(certificate).map_err(|e| failed(&e))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    match tls.and_then(|tls| tls.client.as_ref()) {
        None => Ok(config.with_no_client_auth()),
        Some((certificate, key)) => {
            let chain = certificates(certificate).map_err(|e| failed(&e))?;
            // The parser's errors contain lines of the file.
            let key = PrivateKeyDer::from_pem_file(key).map_err(|_| failed(&"no private key"))?;
            config
                .with_client_auth_cert(chain, key)
                .map_err(|e| failed(&e))
        }
    }
}

fn certificates(
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_file_iter(file)?.collect()
}
