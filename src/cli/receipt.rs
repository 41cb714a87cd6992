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
    let whose = match holds.published {
        true => "which is one of the keys given",
        false => {
            "whose key that is, is not known: give the operator's by --key (/.well-known/consent-key)"
        }
    };
    let mut lines = vec![
        format!("the receipt holds: nothing in it was changed since {}", holds.created),
        format!("signed by {}", holds.key),
        whose.to_owned(),
        format!("record     {}", text(&record["dct:identifier"])),
        format!("operator   {}", text(&record["dpv:hasDataController"]["dpv:hasName"])),
        format!("date       {}", text(&record["dct:date"])),
        format!("policy     {}", text(&record["dpv:hasNotice"]["dct:hasVersion"])),
        format!("attested   {}", text(&record["kelisim:attestation"])),
    ];
    for process in record["dpv:hasProcess"].as_array().into_iter().flatten() {
        let (purpose, status) = (&process["dpv:hasPurpose"], &process["dpv:hasConsentStatus"]);
        lines.push(format!(
            "choice     {} {}: {}, until {}",
            text(&purpose["dct:isPartOf"]),
            text(&purpose["dct:title"]),
            text(&status["@type"]).trim_start_matches("dpv:"),
            text(&status["dct:valid"]),
        ));
    }
    lines.join("\n") + "\n"
}
