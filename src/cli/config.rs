//! `kelisim config`: the settings in effect, or the defaults.
//!
//! Either is a complete `kelisim.toml` with the documentation of each setting. What it shows without
//! `--default` a gateway can start with: what `kelisim run` would refuse is refused here as well.
//!
//! Exit code 0; 2 where a setting cannot be used.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::flags::Flags;
use crate::config::{ConfigError, Settings};

/// Where settings come from.
#[derive(Args, Debug)]
pub(super) struct Given {
    #[command(flatten)]
    flags: Flags,
    /// File of settings, TOML; flags and KELISIM_* variables win over it
    #[arg(long, env = "KELISIM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Given {
    /// The defaults, then the file, then variables and flags.
    pub(super) fn settings(&self) -> Result<Settings, ConfigError> {
        let file = self.config.as_deref().map(Settings::read);
        let mut settings = file.transpose()?.unwrap_or_default();
        self.flags.apply(&mut settings)?;
        Ok(settings)
    }
}

/// Prints the settings.
pub(super) fn run(given: &Given, default: bool) -> ExitCode {
    let text = if default { Settings::default().to_toml() } else { in_effect(given) };
    match text {
        Ok(text) => super::print(&text),
        Err(error) => {
            eprintln!("kelisim: {error}");
            ExitCode::from(2)
        }
    }
}

fn in_effect(given: &Given) -> Result<String, ConfigError> {
    let settings = given.settings()?.filled();
    let text = settings.to_toml()?;
    settings.config()?;
    Ok(text)
}
