//! The `kelisim` program: the library's command line.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    kelisim::cli::Cli::parse().run()
}
