//! `kelisim run`: the gateway in front of a site.
//!
//! It runs until SIGTERM or SIGINT, or until another process has taken over, then finishes what is under
//! way and exits 0. On SIGHUP it reads
//! rules and certificates anew.

use std::process::ExitCode;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use super::config::Given;
use crate::app::{self, Running};
use crate::clock::Clock;
use crate::config::Settings;

/// Starts the gateway and waits for the signal to stop.
pub(super) fn run(given: Given, take_over: bool) -> ExitCode {
    let config = match given.settings().and_then(Settings::config) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("kelisim: {error}");
            return ExitCode::from(2);
        }
    };
    super::log_to_stderr();
    let started = match take_over {
        true => app::take_over(&config, &Clock::System),
        false => app::start(&config, &Clock::System),
    };
    let running = match started {
        Ok(running) => running,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // Of a service it is the main process from now on, also if another was before.
    tell(&[NotifyState::MainPid(std::process::id()), NotifyState::Ready]);
    let ended = until_told_to_stop(Some(&running));
    info!("stopping");
    if !running.is_taken_over() {
        tell(&[NotifyState::Stopping]);
    }
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
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "systemd cannot be told of the reload"),
    }
    match running.reload.reload() {
        Ok(()) => info!("reloaded the rules and the certificates"),
        Err(error) => {
            let lines = error.to_string();
            error!("nothing was reloaded, and everything goes on as it was:\n{lines}");
        }
    }
    tell(&[NotifyState::Ready]);
}

/// Tells systemd, if it asked to be told (sd_notify(3)).
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        warn!(%error, "systemd was not told");
    }
}

/// Waits for SIGTERM or SIGINT, or until another process has taken over. On SIGHUP the gateway reloads;
/// without one the end of the terminal is the end of the program, as ever.
pub(super) fn until_told_to_stop(running: Option<&Running>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let Some(running) = running else {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return Ok(());
        };
        let mut hangup = signal(SignalKind::hangup())?;
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                () = running.taken_over() => return Ok(()),
                _ = hangup.recv() => reload(running),
            }
        }
    })
}
