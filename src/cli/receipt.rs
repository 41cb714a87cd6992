//! `kelisim receipt`: whether a receipt is what the operator gave out.
//!
//! It needs no network and no gateway: the receipt names the key that signed it, and `--key` is the file that
//! the operator publishes at `/.well-known/consent-key`. Without it nobody knows whose key it is, and that is
//! said.
//!
//! What does not hold is said exactly, and is a failure.
//!
//! How receipts are signed and checked is in [`crate::subject::receipt::proof`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::subject::receipt::proof::{Holds, check};

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether a receipt is as it was given out, and by whom
    Verify {
        /// The receipt
        file: PathBuf,
        /// The operator's keys, as published at /.well-known/consent-key
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

/// Checks a receipt.
pub(super) fn run(options: &Options) -> ExitCode {
    let Command::Verify { file, key } = &options.command;
    match verify(file, key.as_deref()) {
        Ok(told) => super::print(&told),
        Err(wrong) => {
            eprintln!("kelisim: {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn verify(file: &Path, key: Option<&Path>) -> Result<String, String> {
    let read = |path: &Path| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let receipt = read(file)?;
    let keys = key.map(read).transpose()?;
    let holds = check(&receipt, keys.as_deref());
    let holds = holds.map_err(|broken| format!("{}: {broken}", file.display()))?;
    // What was signed is what a gateway wrote; others sign other things.
    let said: Value = serde_json::from_slice(&receipt).unwrap_or_default();
    Ok(told(&holds, &said))
}

fn told(holds: &Holds, receipt: &Value) -> String {
    let record = &receipt["dct:source"];
    let text = |value: &Value| value.as_str().unwrap_or("not said").to_owned();
    let mut told = format!(
        "the receipt holds: nothing in it was changed since {}\nsigned by {}\n{}\n",
        holds.created,
        holds.key,
        match holds.published {
            true => "which is one of the keys given",
            false => {
                "whose key that is, is not known: give the operator's by --key (/.well-known/consent-key)"
            }
        },
    );
    told += &format!("record     {}\n", text(&record["dct:identifier"]));
    told += &format!("operator   {}\n", text(&record["dpv:hasDataController"]["dpv:hasName"]));
    told += &format!("date       {}\n", text(&record["dct:date"]));
    told += &format!("policy     {}\n", text(&record["dpv:hasNotice"]["dct:hasVersion"]));
    told += &format!("attested   {}\n", text(&record["kelisim:attestation"]));
    for process in record["dpv:hasProcess"].as_array().into_iter().flatten() {
        let (purpose, status) = (&process["dpv:hasPurpose"], &process["dpv:hasConsentStatus"]);
        let status_name = text(&status["@type"]);
        told += &format!(
            "choice     {} {}: {}, until {}\n",
            text(&purpose["dct:isPartOf"]),
            text(&purpose["dct:title"]),
            status_name.trim_start_matches("dpv:"),
            text(&status["dct:valid"]),
        );
    }
    told
}
