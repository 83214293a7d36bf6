//! `[admin]`.

use super::checker::{Checked, Checker};
use super::values::Text;
use crate::auth::{Secret, SecretSettings};
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Admin {
    pub listen: Option<Spanned<Text>>,
    pub token: Option<Spanned<Text>>,
    pub token_file: Option<Spanned<Text>>,
}

impl Checker<'_> {
    /// The token that the admin listener requires.
    pub(super) fn admin_token(&self, admin: Admin) -> Checked<Option<SecretSettings>> {
        match (admin.token, admin.token_file) {
            (None, None) => Ok(None),
            (None, Some(file)) => {
                let path = self.resolve(&file.get_ref().0);
                Ok(Some(SecretSettings::File(path)))
            }
            (Some(_), Some(file)) => {
                self.error(file.span(), "set either token or token-file, not both")
            }
            (Some(token), None) => match Secret::check_text(&token.get_ref().0) {
                Ok(()) => Ok(Some(SecretSettings::Given(token.into_inner().0))),
                Err(expected) => self.error(token.span(), expected),
            },
        }
    }
}

#[cfg(test)]
mod tests;
