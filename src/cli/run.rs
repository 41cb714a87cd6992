//! `kelisim run`: the gateway in front of a site.
//!
//! It runs until SIGTERM or SIGINT, or until another process has taken over, then finishes what is under
//! way and exits 0. On SIGHUP it reads settings, rules and certificates anew.

use std::process::ExitCode;

use sd_notify::NotifyState;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::config::Given;
use crate::app::{self, Running, StartError};
use crate::clock::Clock;
use crate::config::{Config, Settings};

/// Starts the gateway and waits for the signal to stop.
pub(super) fn run(given: &Given, take_over: bool) -> ExitCode {
    let config = match given.settings().and_then(Settings::config) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("kelisim: {error}");
            return ExitCode::from(2);
        }
    };
    super::log_to_stderr();
    match serve(given, &config, take_over) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(given: &Given, config: &Config, take_over: bool) -> Result<(), StartError> {
    // A signal may come while the gateway starts.
    let signals = Signals::listen()?;
    let hangup = signals.hangup()?;
    let running = match take_over {
        true => app::take_over(config, &Clock::System)?,
        false => app::start(config, &Clock::System)?,
    };
    // Of a service it is the main process from now on, also if another was before.
    tell(&[NotifyState::MainPid(std::process::id()), NotifyState::Ready]);
    signals.wait_with(hangup, &running, || reload(given, &running));
    info!("stopping");
    if !running.is_taken_over() {
        tell(&[NotifyState::Stopping]);
    }
    running.stop();
    Ok(())
}

/// Puts new settings, rules and certificates into force, or says what is wrong with them.
fn reload(given: &Given, running: &Running) {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "systemd cannot be told of the reload"),
    }
    match running.reload.reload(given.settings().and_then(Settings::config)) {
        Ok(()) => info!("reloaded the rules, the settings and the certificates"),
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

/// The signals that a program obeys. From when there is one, none is lost.
pub(super) struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens for SIGTERM and SIGINT.
    pub(super) fn listen() -> std::io::Result<Signals> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let terminate = await_signal(SignalKind::terminate())?;
        let interrupt = await_signal(SignalKind::interrupt())?;
        drop(inside);
        Ok(Signals { runtime, terminate, interrupt })
    }

    /// Listens for SIGHUP too, which without this ends the program, as the end of a terminal does.
    fn hangup(&self) -> std::io::Result<Signal> {
        let _inside = self.runtime.enter();
        await_signal(SignalKind::hangup())
    }

    /// Waits for SIGTERM or SIGINT.
    pub(super) fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        });
    }

    /// Waits for SIGTERM or SIGINT, or until another process has taken over; on SIGHUP it reloads.
    fn wait_with(mut self, mut hangup: Signal, running: &Running, reload: impl Fn()) {
        self.runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = self.terminate.recv() => return,
                    _ = self.interrupt.recv() => return,
                    () = running.taken_over() => return,
                    _ = hangup.recv() => reload(),
                }
            }
        });
    }
}

fn await_signal(kind: SignalKind) -> std::io::Result<Signal> {
    let named = |error: std::io::Error| {
        std::io::Error::new(error.kind(), format!("signals cannot be awaited: {error}"))
    };
    signal(kind).map_err(named)
}
