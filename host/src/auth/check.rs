//! Finds the client whose events a request may read, from its credentials.

use super::claims::{Access, GroupAccess};
use super::credentials::Credentials;
use super::crypto;
use super::keyring::Keyring;
use super::refused::Refused;
use super::settings::{AuthSettings, TokenSettings};
use super::token::Rules;
use crate::clock;
use crate::record::ClientId;

/// Decides which client's events a request may read.
pub struct Auth {
    tokens: Option<Tokens>,
}

struct Tokens {
    keys: Keyring,
    rules: Rules,
    cookie: String,
}

/// A client whose events this request may read.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The client whose stream is requested.
    pub client: ClientId,
    /// The groups whose streams may be read too.
    pub groups: GroupAccess,
    /// When the token was issued, in seconds since 1970.
    pub issued_at: Option<u64>,
    /// When the stream must end, in seconds since 1970: the token's end and the
    /// leeway.
    pub expires: Option<u64>,
}

impl Auth {
    /// Reads the keys. Tasks reload them when their files change and fetch
    /// published keys, so this must be called inside a tokio runtime. Warns if
    /// any issuer or audience is accepted.
    ///
    /// # Errors
    /// Names the key file and what is wrong with it.
    pub fn from_settings(settings: AuthSettings) -> anyhow::Result<Auth> {
        let tokens = match settings {
            AuthSettings::Anonymous => None,
            AuthSettings::Tokens(settings) => Some(Tokens::start(*settings)?),
        };
        Ok(Auth { tokens })
    }

    /// Whether no tokens are checked.
    pub fn is_anonymous(&self) -> bool {
        self.tokens.is_none()
    }

    /// The client and groups whose events a request may read. `client` is the
    /// query's `client`, decoded; it may be absent if the token allows only one
    /// client.
    ///
    /// # Errors
    /// 400, 401, 403 or 503, with a reason that is safe to show.
    pub fn check(
        &self,
        asked: &Credentials<'_>,
        client: Option<&[u8]>,
    ) -> Result<Verified, Refused> {
        asked.none_in_query()?;
        let Some(tokens) = &self.tokens else {
            return anonymous(client);
        };
        let token = asked.token(&tokens.cookie)?;
        let claims = tokens.rules.verify(&tokens.keys.held(), token, now())?;
        Ok(Verified {
            client: chosen(claims.client, client)?,
            groups: claims.groups,
            issued_at: claims.issued_at,
            expires: claims.expires,
        })
    }
}

impl AuthSettings {
    /// Checks that [`Auth::from_settings`] would accept the key files as they are now. Opens no
    /// connections.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn check_files(&self) -> anyhow::Result<()> {
        match self {
            AuthSettings::Anonymous => Ok(()),
            AuthSettings::Tokens(settings) => Keyring::check(settings),
        }
    }
}

impl Tokens {
    fn start(settings: TokenSettings) -> anyhow::Result<Tokens> {
        crypto::install();
        if settings.issuers.is_empty() {
            tracing::warn!(
                "[auth] has no issuer: a token of any issuer is accepted if a configured key signed it"
            );
        }
        if settings.audiences.is_empty() {
            tracing::warn!(
                "[auth] has no audience: tokens that were issued for other services are accepted"
            );
        }
        Ok(Tokens {
            keys: Keyring::start(&settings)?,
            cookie: settings.cookie.clone(),
            rules: Rules::new(settings),
        })
    }
}

fn anonymous(client: Option<&[u8]>) -> Result<Verified, Refused> {
    Ok(Verified {
        client: id(client.ok_or_else(which)?)?,
        groups: GroupAccess::All,
        // There is no token to revoke.
        issued_at: Some(u64::MAX),
        expires: None,
    })
}

/// The requested client, if the token allows it.
fn chosen(access: Access, asked: Option<&[u8]>) -> Result<ClientId, Refused> {
    match (access, asked) {
        (Access::One(own), None) => Ok(own),
        (Access::One(own), Some(asked)) if own.as_str().as_bytes() == asked => Ok(own),
        (Access::One(_), Some(_)) => Err(Refused::forbidden(
            "the token is for another client: omit ?client= to read the token's client",
        )),
        (Access::Any, asked) => id(asked.ok_or_else(which)?),
        (Access::Some(mut several), None) => match several.pop() {
            None => Err(Refused::forbidden("the token lists no client")),
            Some(one) if several.is_empty() => Ok(one),
            Some(_) => Err(which()),
        },
        (Access::Some(several), Some(asked)) => several
            .into_iter()
            .find(|one| one.as_str().as_bytes() == asked)
            .ok_or_else(|| Refused::forbidden("the token does not list this client")),
    }
}

fn id(asked: &[u8]) -> Result<ClientId, Refused> {
    ClientId::new(asked).map_err(|why| Refused::request(format!("client: the client id {why}")))
}

fn which() -> Refused {
    Refused::request("missing client: add ?client=<id> to the URL")
}

fn now() -> u64 {
    // With a clock before 1970, every token seems to be issued in the future.
    clock::unix().as_secs()
}
