//! `kelisim health`: whether a gateway answers, for those who watch over it.
//!
//! It asks `/healthz`, and not `/readyz`: a gateway that cannot read its record still serves the site, and
//! one with withdrawals to write must not be started anew, which is what watchers do about bad health.
//!
//! An image with nothing but the gateway has no other program that could ask.
//!
//! Exit code 0 if it answers that it is healthy, 1 if not.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use http::StatusCode;

use super::operator;
use crate::config::ADMIN;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The admin address of a gateway that runs
    #[arg(long, env = "KELISIM_ADMIN", value_name = "ADDR", default_value_t = ADMIN)]
    admin: SocketAddr,
}

/// Says how it is.
pub(super) fn run(options: &Options) -> ExitCode {
    let said = match operator::ask(options.admin, "/healthz") {
        Ok((StatusCode::OK, text)) if text == "ok\n" => return super::print("ok\n"),
        Ok((status, _)) => format!("http://{}/healthz: is not healthy ({status})", options.admin),
        Err(text) => text,
    };
    eprintln!("{said}");
    ExitCode::FAILURE
}
