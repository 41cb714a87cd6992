//! `kelisim demo`: the gateway in front of a built-in site, in one command.
//!
//! Everything it needs is in the binary: the site, the shipped rules, a certificate made at
//! start. What it writes lies in a folder that goes when it ends.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::run::Signals;
use crate::app::{self, Running, StartError};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Settings};
use crate::demo;
use crate::proxy::Origin;
use crate::rules::Csp;

/// Where the demonstration listens.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Address for TLS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    listen_tls: SocketAddr,
    /// Address for plain HTTP
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address for health and counters; any free port, as it may run beside a gateway
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    admin: SocketAddr,
    /// Whether pages come behind a policy that names the hosts they may reach
    #[arg(long, value_enum, default_value = "learn")]
    csp: Policy,
}

/// [`Csp`] as it is written in rules and flags.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    /// None is sent
    Off,
    /// Browsers report what it would stop
    Learn,
    /// Browsers stop what is not approved, or not agreed to
    Enforce,
}

impl From<Policy> for Csp {
    fn from(policy: Policy) -> Csp {
        match policy {
            Policy::Off => Csp::Off,
            Policy::Learn => Csp::Learn,
            Policy::Enforce => Csp::Enforce,
        }
    }
}

/// Why there is no demonstration.
#[derive(Debug)]
enum DemoError {
    Start(StartError),
    Config(ConfigError),
    Io(std::io::Error),
    Certificate(rcgen::Error),
}

impl std::fmt::Display for DemoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DemoError::Start(error) => write!(f, "{error}"),
            DemoError::Config(error) => write!(f, "{error}"),
            DemoError::Io(error) => write!(f, "{error}"),
            DemoError::Certificate(error) => write!(f, "no certificate could be made: {error}"),
        }
    }
}

impl From<std::io::Error> for DemoError {
    fn from(error: std::io::Error) -> DemoError {
        DemoError::Io(error)
    }
}

/// Runs until told to stop.
pub(super) fn run(options: &Options) -> ExitCode {
    super::log_to_stderr();
    match show(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kelisim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show(options: &Options) -> Result<(), DemoError> {
    let signals = Signals::listen()?;
    let folder = tempfile::Builder::new().prefix("kelisim-demo-").tempdir()?;
    let site = demo::start_site()?;
    let certs = folder.path().join("certs");
    std::fs::create_dir(&certs)?;
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
        .map_err(DemoError::Certificate)?;
    std::fs::write(certs.join("localhost.crt"), made.cert.pem())?;
    std::fs::write(certs.join("localhost.key"), made.signing_key.serialize_pem())?;

    let config = Settings {
        upstream: Some(Origin::http(site)),
        listen: Some(vec![options.listen]),
        listen_tls: vec![options.listen_tls],
        certs,
        data: folder.path().join("data"),
        admin: options.admin,
        ..Settings::default()
    };
    let config: Config = config.config().map_err(DemoError::Config)?;
    let files = demo::rule_files_with(options.csp.into());
    let running = app::start_with(&config, &files, &Clock::System).map_err(DemoError::Start)?;
    announce(&running, site);
    signals.wait();
    running.stop();
    Ok(())
}

fn announce(running: &Running, site: SocketAddr) {
    for address in &running.tls {
        eprintln!("open https://{address}/   (self-signed: the browser will warn)");
    }
    for address in &running.plain {
        eprintln!("open http://{address}/");
    }
    eprintln!(
        "what it knows http://{}/ (health, counters; `--admin` of `kelisim discover`)",
        running.admin
    );
    eprintln!("site http://{site}/ (without the gateway)");
}
