//! An API that answers with JSON, asked again and again.

use super::client::{HEAD_MAX, PATIENCE, body, connector, in_words, of_file, trusting};
use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use std::path::PathBuf;
use tokio::time::timeout;

/// Where an API is: `http://` or `https://`, without a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Parses the address. Makes no request.
    ///
    /// # Errors
    /// Why it is invalid, without repeating it.
    pub fn parse(text: &str) -> Result<BaseUrl, String> {
        const EXPECTED: &str =
            "expected http://host:port or https://host:port, and a path if there is one";
        let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
        let authority = uri.authority().ok_or(EXPECTED)?;
        if authority.as_str().contains('@') {
            return Err(
                "the address must not contain a login: set `username` and `password`".into(),
            );
        }
        if uri.query().is_some() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(EXPECTED.into());
        }
        Ok(BaseUrl(text.trim_end_matches('/').into()))
    }

    /// Whether TLS protects it.
    pub fn is_https(&self) -> bool {
        self.0.to_ascii_lowercase().starts_with("https:")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How to log in. Its text is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ServerLogin {
    /// Not at all.
    #[default]
    None,
    /// A user and a password.
    Basic(String, String),
    /// A token.
    Bearer(String),
}

impl fmt::Debug for ServerLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServerLogin::None => "None",
            ServerLogin::Basic(..) => "Basic(..)",
            ServerLogin::Bearer(_) => "Bearer(..)",
        })
    }
}

/// Certificates for TLS, in PEM files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerTls {
    /// The authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// An API that answers with JSON. Keeps connections open.
pub struct Server {
    client: legacy::Client<HttpsConnector<HttpConnector>, String>,
    base: BaseUrl,
    authorization: Option<HeaderValue>,
}

/// An answer, whatever its status.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Server {
    /// Makes no request.
    ///
    /// # Errors
    /// Names the file with certificates that is wrong, or the login that can't be sent.
    pub fn new(base: BaseUrl, login: &ServerLogin, tls: &ServerTls) -> anyhow::Result<Server> {
        let trusting = trusting(tls.ca.as_deref())?;
        let config = match &tls.client {
            None => trusting.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = of_file(certificate).with_context(|| format!("{certificate:?}"))?;
                let pem =
                    std::fs::read(key).with_context(|| format!("can't read the file {key:?}"))?;
                let found = PrivateKeyDer::from_pem_slice(&pem);
                let found = found
                    .ok()
                    .with_context(|| format!("{key:?} contains no private key"))?;
                trusting
                    .with_client_auth_cert(chain, found)
                    .with_context(|| format!("{certificate:?} and {key:?} do not fit"))?
            }
        };
        let authorization = match login {
            ServerLogin::None => None,
            ServerLogin::Basic(user, password) => {
                ensure!(!user.contains(':'), "a user name can't contain a colon");
                Some(format!(
                    "Basic {}",
                    STANDARD.encode(format!("{user}:{password}"))
                ))
            }
            ServerLogin::Bearer(token) => Some(format!("Bearer {token}")),
        };
        let authorization = authorization.map(|value| {
            let mut value = HeaderValue::from_str(&value).ok().context(
                "the token can't be sent in a header: it contains a character that is not allowed",
            )?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        Ok(Server {
            client: legacy::Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(8)
                .http1_max_buf_size(HEAD_MAX)
                .build(connector(config)),
            base,
            authorization: authorization.transpose()?,
        })
    }

    /// Gets what is at a path below the base: an answer of at most `most` bytes.
    ///
    /// # Errors
    /// When no complete answer comes in time, or it is too large.
    pub async fn get(&self, path: &str, most: usize) -> anyhow::Result<Answer> {
        self.ask(Method::GET, path, None, most).await
    }

    /// Posts JSON to a path below the base.
    ///
    /// # Errors
    /// When no complete answer comes in time, or it is too large.
    pub async fn post(&self, path: &str, json: String, most: usize) -> anyhow::Result<Answer> {
        self.ask(Method::POST, path, Some(json), most).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        json: Option<String>,
        most: usize,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "millstream");
        if json.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(json.unwrap_or_default())?;
        let asked = async {
            let answer = self.client.request(request).await.map_err(in_words)?;
            Ok(Answer {
                status: answer.status().as_u16(),
                body: body(answer, most).await?,
            })
        };
        match timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) => bail!("no complete response within {} s", PATIENCE.as_secs()),
        }
    }
}
