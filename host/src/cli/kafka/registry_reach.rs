//! How to reach the schema registry: the options that commands share.

use super::exit::Usage;
use crate::config;
use crate::fetch::{BaseUrl, ServerLogin, ServerTls};
use crate::schema::RegistrySettings;
use clap::Args;
use std::path::{Path, PathBuf};

const FILE: &str = "millstream.toml";

#[derive(Args)]
#[command(next_help_heading = "Schema registry")]
pub(in crate::cli) struct RegistryReach {
    /// The registry's address, without a login: for a login, use a configuration.
    #[arg(long, value_name = "URL", value_parser = BaseUrl::parse)]
    registry: Option<BaseUrl>,
    /// A configuration file, of which only [registry] is read [default: millstream.toml, if it
    /// exists and no address is given].
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
}

impl RegistryReach {
    /// The settings of [registry] that the options name. `also` is the file of a command that has
    /// one anyway.
    pub fn settings(&self, also: Option<&Path>) -> anyhow::Result<RegistrySettings> {
        if let Some(url) = &self.registry {
            return Ok(RegistrySettings {
                url: url.clone(),
                login: ServerLogin::None,
                tls: ServerTls::default(),
            });
        }
        let file = self.registry_config.as_deref().or(also);
        match file {
            Some(file) => Ok(config::load_registry(file)?),
            None if Path::new(FILE).exists() => Ok(config::load_registry(Path::new(FILE))?),
            None => Err(Usage(format!(
                "no schema registry given: use --registry http://host:port, or a configuration \
                 that has [registry] (this folder has no {FILE})"
            ))
            .into()),
        }
    }
}
