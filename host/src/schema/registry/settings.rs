//! How to reach a registry.

use crate::fetch::{BaseUrl, ServerLogin, ServerTls};

/// How to reach a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Where its API is.
    pub url: BaseUrl,
    /// How to log in.
    pub login: ServerLogin,
    /// Certificates for TLS.
    pub tls: ServerTls,
}
