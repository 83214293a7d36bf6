//! `[registry]`.

use super::checker::{Checked, Checker};
use super::store::Certificates;
use super::values::Text;
use crate::fetch::{BaseUrl, ServerLogin, ServerTls};
use crate::schema::RegistrySettings;
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Registry {
    pub url: Spanned<Text>,
    pub username: Option<Spanned<Text>>,
    pub password: Option<Spanned<Text>>,
    pub token: Option<Spanned<Text>>,
    pub tls: Option<Spanned<Certificates>>,
}

impl Checker<'_> {
    pub(super) fn registry(&self, registry: Registry) -> Checked<RegistrySettings> {
        let url = match BaseUrl::parse(&registry.url.get_ref().0) {
            Ok(url) => url,
            Err(message) => return self.error(registry.url.span(), message),
        };
        let span = { [&registry.token, &registry.password, &registry.username] }
            .into_iter()
            .find_map(|given| given.as_ref().map(Spanned::span));
        let username = self.of_login("username", registry.username)?;
        let password = self.of_login("password", registry.password)?;
        let token = self.of_login("token", registry.token)?;
        let login = match (username, password, token) {
            (None, None, None) => Ok(ServerLogin::None),
            (Some(user), Some(password), None) => Ok(ServerLogin::Basic(user, password)),
            (None, None, Some(token)) => Ok(ServerLogin::Bearer(token)),
            (_, _, Some(_)) => Err("`token` and a password exclude each other"),
            (Some(_), None, None) => Err("`username` needs its `password`"),
            (None, Some(_), None) => Err("`password` needs its `username`"),
        };
        let place = span.unwrap_or_else(|| registry.url.span());
        let login = match login {
            Ok(login) => login,
            Err(message) => return self.error(place, message),
        };
        let tls = match registry.tls {
            Some(tls) if !url.is_https() => {
                return self.error(tls.span(), "TLS needs a url that begins with https://");
            }
            Some(tls) => {
                let (ca, client) = self.certificates(tls)?;
                ServerTls { ca, client }
            }
            None => ServerTls::default(),
        };
        Ok(RegistrySettings { url, login, tls })
    }
}

#[cfg(test)]
mod tests;
