//! `kelisim run`: the gateway in front of a site.
//!
//! It runs until SIGTERM or SIGINT, then finishes what is under way and exits 0.

use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::app;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Settings};

/// Starts the gateway and waits for the signal to stop.
pub(super) fn run(settings: Settings, file: Option<&Path>) -> ExitCode {
    let config = match config(settings, file) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("kelisim: {error}");
            return ExitCode::from(2);
        }
    };
    super::log_to_stderr();
    let running = match app::start(&config, &Clock::System) {
        Ok(running) => running,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = until_told_to_stop();
    info!("stopping");
    running.stop();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kelisim: signals cannot be awaited: {error}");
            ExitCode::FAILURE
        }
    }
}

fn config(settings: Settings, file: Option<&Path>) -> Result<Config, ConfigError> {
    let file = file.map(Settings::read).transpose()?.unwrap_or_default();
    settings.or(file).config()
}

/// Waits for SIGTERM or SIGINT.
pub(super) fn until_told_to_stop() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
