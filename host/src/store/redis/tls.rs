//! TLS to Redis with configured certificate files.

use crate::store::StoreTls;
use anyhow::{Context, bail, ensure};
use rustls::crypto::ring as cryptography;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fs;
use std::path::Path;

/// The same client, with the CA and client certificates from these files.
///
/// # Errors
/// When a file can't be read, or has the wrong content.
pub(in crate::store) fn over_tls(
    client: &redis::Client,
    tls: &StoreTls,
) -> anyhow::Result<redis::Client> {
    let root_cert = tls.ca.as_deref().map(certificates).transpose()?;
    let client_tls = match &tls.client {
        Some((certificate, key)) => Some(pair(certificate, key)?),
        None => None,
    };
    let certificates = redis::TlsCertificates {
        client_tls,
        root_cert,
    };
    redis::Client::build_with_tls(client.get_connection_info().clone(), certificates)
        .context("[store] tls: can't use the files")
}

/// Our certificate and its key. The library would notice a mismatch only when it connects, on every
/// try.
fn pair(certificate: &Path, key: &Path) -> anyhow::Result<redis::ClientTlsConfig> {
    let client_cert = certificates(certificate)?;
    let client_key = pem(key, "PRIVATE KEY-----")?;
    let chain = CertificateDer::pem_slice_iter(&client_cert).collect::<Result<Vec<_>, _>>();
    let private = PrivateKeyDer::from_pem_slice(&client_key);
    // The parser's errors contain lines of the file, which may be a key.
    let (Ok(chain), Ok(private)) = (chain, private) else {
        bail!("[store] tls: can't parse {certificate:?} or {key:?}");
    };
    CertifiedKey::from_der(chain, private, &cryptography::default_provider())
        .with_context(|| format!("[store] tls: can't use {certificate:?} with {key:?}"))?;
    Ok(redis::ClientTlsConfig {
        client_cert,
        client_key,
    })
}

fn certificates(path: &Path) -> anyhow::Result<Vec<u8>> {
    pem(path, "-----BEGIN CERTIFICATE-----")
}

/// Reads a file and checks that it contains `label`. The library treats a file
/// without it as an empty list, and then trusts nothing.
fn pem(path: &Path, label: &str) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let pem = fs::read(path).with_context(|| format!("[store] tls: can't read {name}"))?;
    let found = pem
        .windows(label.len())
        .any(|part| part == label.as_bytes());
    let what = label.trim_matches('-').trim_start_matches("BEGIN ");
    ensure!(found, "[store] tls: {name} contains no PEM {what}");
    Ok(pem)
}
