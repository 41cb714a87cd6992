//! `kelisim run`: the gateway in front of a site.
//!
//! It runs until SIGTERM or SIGINT, then finishes what is under way and exits 0. On SIGHUP it reads
//! rules and certificates anew.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use super::config::Given;
use crate::app::{self, Running};
use crate::clock::Clock;
use crate::config::Settings;

/// Starts the gateway and waits for the signal to stop.
pub(super) fn run(given: Given) -> ExitCode {
    let config = match given.settings().and_then(Settings::config) {
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
    let ended = until_told_to_stop(Some(&|| reload(&running)));
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

/// Puts new rules and certificates into force, or says what is wrong with them.
fn reload(running: &Running) {
    match running.reload.reload() {
        Ok(()) => info!("reloaded the rules and the certificates"),
        Err(error) => {
            let lines = error.to_string();
            error!("nothing was reloaded, and everything goes on as it was:\n{lines}");
        }
    }
}

/// Waits for SIGTERM or SIGINT. Does on SIGHUP what is to be done then; if that is nothing, the end
/// of the terminal is the end of the program, as ever.
pub(super) fn until_told_to_stop(on_hangup: Option<&dyn Fn()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = on_hangup.map(|_| signal(SignalKind::hangup())).transpose()?;
        loop {
            let hung_up = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                _ = hung_up => on_hangup.iter().for_each(|reload| reload()),
            }
        }
    })
}
