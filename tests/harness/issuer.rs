//! A token issuer like an identity provider: it publishes its keys at a URL and answers as the test
//! says.

use crate::Certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How it answers.
#[derive(Clone, PartialEq)]
pub enum Answer {
    /// These bytes, valid HTTP or not; then it closes the connection.
    Bytes(Vec<u8>),
    /// It accepts the request and sends nothing until the test sets another answer.
    Silence,
    /// It closes connections at once.
    Gone,
}

impl Answer {
    /// A JSON document.
    pub fn document(body: &str) -> Answer {
        Answer::http("200 OK", "content-type: application/json\r\n", body)
    }

    /// An answer with this status and these header lines.
    pub fn http(status: &str, headers: &str, body: &str) -> Answer {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
        Answer::Bytes([head.as_bytes(), body.as_bytes()].concat())
    }
}

/// A running issuer at `localhost`.
pub struct Issuer {
    pub certificate: String,
    port: u16,
    scheme: &'static str,
    state: Arc<State>,
}

struct State {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
    stopped: AtomicBool,
    tls: Option<Arc<ServerConfig>>,
}

impl Issuer {
    /// An issuer with HTTPS and the self-signed `certificate`.
    pub fn start(answer: Answer) -> Issuer {
        let made = Certificate::new();
        let chain = CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
        Issuer::with(answer, "https", made.certificate, Some(Arc::new(config)))
    }

    /// An issuer with plain HTTP.
    pub fn plain(answer: Answer) -> Issuer {
        Issuer::with(answer, "http", String::new(), None)
    }

    fn with(
        answer: Answer,
        scheme: &'static str,
        certificate: String,
        tls: Option<Arc<ServerConfig>>,
    ) -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            answer: Mutex::new(answer),
            asked: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            tls,
        });
        let serving = state.clone();
        thread::spawn(move || serving.serve(&listener));
        Issuer {
            certificate,
            port,
            scheme,
            state,
        }
    }

    /// The URL of its keys.
    pub fn url(&self) -> String {
        format!("{}://localhost:{}/keys", self.scheme, self.port)
    }

    /// Sets its answer from now on.
    pub fn answer(&self, answer: Answer) {
        *self.state.answer.lock().unwrap() = answer;
    }

    /// The number of connections so far.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        self.answer(Answer::Gone);
        let _ = TcpStream::connect(("127.0.0.1", self.port)); // makes `accept` return
    }
}

impl State {
    fn serve(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            self.asked.fetch_add(1, Ordering::SeqCst);
            let state = self.clone();
            if let (Ok(stream), false) = (stream, self.current() == Answer::Gone) {
                thread::spawn(move || state.talk(stream));
            }
        }
    }

    fn current(&self) -> Answer {
        self.answer.lock().unwrap().clone()
    }

    /// The client may close the connection at any time.
    fn talk(&self, stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(Duration::from_millis(50)))?;
        match &self.tls {
            None => self.speak(stream),
            Some(tls) => {
                let session = ServerConnection::new(tls.clone()).map_err(std::io::Error::other)?;
                self.speak(StreamOwned::new(session, stream))
            }
        }
    }

    fn speak(&self, mut stream: impl Read + Write) -> Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(0) => return Ok(()),
                Ok(_) => head.push(byte[0]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if self.current() == Answer::Gone {
                return Ok(());
            }
        }
        while self.current() == Answer::Silence {
            thread::sleep(Duration::from_millis(20));
        }
        if let Answer::Bytes(bytes) = self.current() {
            stream.write_all(&bytes)?;
            stream.flush()?;
        }
        Ok(())
    }
}
