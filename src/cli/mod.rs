//! The command line.
//!
//! One definition feeds the parser and its help. Each command is one function; `main` maps
//! what it returns to an exit code.

mod check;
mod config;
mod demo;
mod diff;
mod discover;
mod draft;
mod explain;
mod health;
mod imagined;
mod import;
mod load;
mod needs;
mod operator;
mod receipt;
mod rewrite;
mod run;
mod wall;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use crate::config::RULES;
use crate::rules::FileKind;
use crate::time::Day;

/// A consent gateway: withholds analytics tags and cookies until the visitor agrees.
#[derive(Debug, Parser)]
#[command(name = "kelisim", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a site
    Run {
        #[command(flatten)]
        given: config::Given,
        /// Take the place of the gateway that runs on the same data folder, if one does: its sockets and
        /// its record are handed over, and nobody is turned away
        #[arg(long)]
        take_over: bool,
    },
    /// Show the settings in effect, as a `kelisim.toml` that says the same
    Config {
        #[command(flatten)]
        given: config::Given,
        /// The defaults instead, whatever is set
        #[arg(long)]
        default: bool,
    },
    /// Show the gateway in front of a built-in site
    Demo(demo::Options),
    /// Say everything that is wrong with the rules
    Check {
        /// Folder of rules
        #[arg(long, env = "KELISIM_RULES", value_name = "DIR", default_value = RULES)]
        rules: PathBuf,
        /// The day to imagine, as `2026-11-22`; today if not told
        #[arg(long, value_name = "DAY")]
        day: Option<Day>,
    },
    /// Show what becomes of a page
    Rewrite(rewrite::Options),
    /// Say which rule speaks of an address, a cookie or a page, what the verdict is, and why
    Explain(explain::Options),
    /// Say what changes between two folders of rules
    Diff(diff::Options),
    /// Write lists of others into the rules, filters or cookies, as files to read and edit
    Import(import::Options),
    /// Make rule files of what no rule knows: of what a gateway met, or of pages
    Discover(discover::Options),
    /// Say whether a gateway answers: exit code 0 if it does, 1 if not
    Health(health::Options),
    /// Check a receipt that the gateway has given out
    Receipt(receipt::Options),
    /// Ask a gateway as many visitors would, and say how long they waited
    Load(load::Options),
    /// Print the JSON Schema of a kind of rule file, for editors, or of a receipt
    Schema {
        /// Which kind
        #[arg(value_parser = PossibleValuesParser::new(schemas()))]
        kind: String,
    },
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Run { given, take_over } => run::run(&given, take_over),
            Command::Config { given, default } => config::run(&given, default),
            Command::Demo(options) => demo::run(&options),
            Command::Check { rules, day } => check::run(&rules, day),
            Command::Rewrite(options) => rewrite::run(&options),
            Command::Explain(options) => explain::run(&options),
            Command::Diff(options) => diff::run(&options),
            Command::Import(options) => import::run(&options),
            Command::Discover(options) => discover::run(&options),
            Command::Health(options) => health::run(&options),
            Command::Receipt(options) => receipt::run(&options),
            Command::Schema { kind } if kind == RECEIPT => {
                print(&crate::subject::receipt::schema())
            }
            Command::Load(options) => load::run(&options),
            Command::Schema { kind } => {
                let kind = FileKind::ALL.into_iter().find(|known| known.name() == kind);
                print(&kind.map(FileKind::schema).unwrap_or_default())
            }
        }
    }
}

/// The name of a receipt's schema.
const RECEIPT: &str = "receipt";

/// What there is a schema of.
fn schemas() -> Vec<&'static str> {
    FileKind::ALL.into_iter().map(FileKind::name).chain([RECEIPT]).collect()
}

/// Prints what was asked for. A reader that wants no more is no failure.
fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("kelisim: stdout: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Sends the gateway's own messages to stderr. `RUST_LOG` chooses how much is said.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).init();
}
