//! One GET request to an untrusted server.

use super::address::Address;
use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CACHE_CONTROL, HeaderMap, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::client::WantsClientCert;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;

/// The time limit for the whole request: connecting, TLS, head and body.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The maximum size of a document; a larger one is refused after this many bytes.
const BODY_MAX: usize = 256 << 10;
/// The maximum size of a response head.
pub(super) const HEAD_MAX: usize = 64 << 10;

/// Fetches documents.
pub(super) struct Client(legacy::Client<HttpsConnector<HttpConnector>, String>);

/// The bytes of the document at an address.
///
/// # Errors
/// Why it can't be read.
pub async fn read(address: &Address) -> anyhow::Result<Vec<u8>> {
    Ok(Client::new(None)?.get(address).await?.bytes)
}

/// A document as it was received.
pub(super) struct Document {
    pub bytes: Vec<u8>,
    /// How long it is fresh (RFC 9111, section 5.2.2.1), if the response says so.
    pub max_age: Option<Duration>,
}

impl Client {
    /// A client that trusts the certificates in this file, or the system's
    /// certificates.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn new(ca: Option<&Path>) -> anyhow::Result<Client> {
        let tls = trusting(ca)?.with_no_client_auth();
        // The address was checked: plain HTTP never leaves this machine.
        let client = legacy::Client::builder(TokioExecutor::new())
            // Documents are fetched minutes apart.
            .pool_max_idle_per_host(0)
            .http1_max_buf_size(HEAD_MAX)
            .build(connector(tls));
        Ok(Client(client))
    }

    /// Fetches the document at an address. Redirects are not followed: an issuer
    /// that is compromised for a moment could redirect us elsewhere.
    ///
    /// # Errors
    /// Why it failed. Of the response it contains only the status.
    pub async fn get(&self, address: &Address) -> anyhow::Result<Document> {
        let seconds = PATIENCE.as_secs();
        match timeout(PATIENCE, self.get_slowly(address)).await {
            Ok(document) => document,
            Err(_) => bail!("no complete response within {seconds} s"),
        }
    }

    async fn get_slowly(&self, address: &Address) -> anyhow::Result<Document> {
        let request = Request::get(address.uri())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "millstream")
            .body(String::new())?;
        let answer = self.0.request(request).await.map_err(in_words)?;
        match answer.status() {
            StatusCode::OK => {}
            status if status.is_redirection() => bail!(
                "the response is a redirect ({}), and redirects are not followed: configure the final \
                 address",
                status.as_u16()
            ),
            status => bail!("the response has status {}", status.as_u16()),
        }
        Ok(Document {
            max_age: max_age(answer.headers()),
            bytes: body(answer, BODY_MAX).await?,
        })
    }
}

/// TLS that trusts the certificates in this file, or the system's certificates.
pub(super) fn trusting(
    ca: Option<&Path>,
) -> anyhow::Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots(ca)?))
}

pub(super) fn connector(tls: ClientConfig) -> HttpsConnector<HttpConnector> {
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .build()
}

/// The library says only "client error", so the cause is taken from the source
/// chain.
pub(super) fn in_words(error: legacy::Error) -> anyhow::Error {
    let connecting = error.is_connect();
    let error = anyhow::Error::new(error);
    let cause = error.root_cause();
    match connecting {
        true => anyhow::anyhow!("can't connect: {cause}"),
        false => anyhow::anyhow!("can't read the response: {cause}"),
    }
}

/// A response is too long.
#[derive(Debug, Error)]
#[error("the response is larger than {0} KiB")]
pub struct TooLong(usize);

/// The body of a response, of at most this many bytes.
pub(super) async fn body(answer: Response<Incoming>, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut body = pin!(answer.into_body());
    let mut all = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.ok().context("the response was cut off")?;
        let data: Bytes = frame.into_data().unwrap_or_default();
        if all.len() + data.len() > most {
            return Err(TooLong(most >> 10).into());
        }
        all.extend_from_slice(&data);
    }
    Ok(all)
}

/// The shortest `max-age` of the response; `None` if there is none or it is 0, as
/// if the header were absent.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|directive| directive.trim().split_once('='));
    let seconds = directives
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"))
        .filter_map(|(_, value)| value.trim().trim_matches('"').parse().ok());
    seconds.min().filter(|n| *n > 0).map(Duration::from_secs)
}

fn roots(ca: Option<&Path>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let certificates = match ca {
        Some(ca) => of_file(ca).with_context(|| format!("{ca:?}"))?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    // The system may have old certificates that can't be parsed.
    let (good, _) = roots.add_parsable_certificates(certificates);
    match ca {
        Some(ca) => ensure!(good > 0, "{ca:?} contains no usable certificate"),
        None => ensure!(
            good > 0,
            "the system has no CA certificates: install them, or configure a certificate file"
        ),
    }
    Ok(roots)
}

pub(super) fn of_file(ca: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(ca).context("can't read the file")?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.ok().context("it is not a PEM file")?;
    ensure!(
        !certificates.is_empty(),
        "it contains no certificate in PEM format (-----BEGIN CERTIFICATE-----)"
    );
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_from_cache_control() {
        for (value, seconds) in [
            ("max-age=60", Some(60)),
            ("public, MAX-AGE = 60 , must-revalidate", Some(60)),
            ("max-age=\"60\"", Some(60)),
            ("max-age=60, max-age=30", Some(30)),
            ("max-age=0", None),
            ("no-cache", None),
            ("max-age=-1", None),
            ("max-age=1e9", None),
            ("max-age", None),
            ("s-maxage=9", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, value.parse().unwrap());
            assert_eq!(
                max_age(&headers).map(|age| age.as_secs()),
                seconds,
                "{value}"
            );
        }
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
