//! The `kelisim` program: the library's command line.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// Threads allocate without asking each other, and what they free is soon given back to the system.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    kelisim::cli::Cli::parse().run()
}
