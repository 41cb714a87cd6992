//! `kelisim load`: a load test of a gateway, by a scenario.
//!
//! It asks this machine alone, unless somebody says by name that another host is theirs. The exit status
//! says whether every request was answered.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::load::{Pace, Progress, Scenario, Target, Test};

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(200);

/// What to do, and to whom.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// The scenario: who comes, how often, and what they ask for (benches/load/ has some)
    scenario: PathBuf,
    /// The origin that is asked
    #[arg(long, value_name = "URL", default_value = "https://127.0.0.1:8443")]
    target: String,
    /// The host that is asked for, if the target's address is not its name
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Says that the target's host is yours, if it is not this machine
    #[arg(long, value_name = "NAME")]
    i_own_this_host: Option<String>,
    /// Requests a second by timetable, instead of the scenario's pace
    #[arg(long, value_name = "N", conflicts_with = "connections")]
    rate: Option<u32>,
    /// Connections with one request at a time, instead of the scenario's pace
    #[arg(long, value_name = "N")]
    connections: Option<u32>,
    /// How long, instead of the scenario's `seconds`
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// Threads that ask
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// The gateway's process, for scenarios that reload it
    #[arg(long, value_name = "PID")]
    gateway_pid: Option<i32>,
    /// Writes what was found as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the waits by percentile as a picture
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Runs the test, and prints what it found.
pub(super) fn run(options: &Options) -> ExitCode {
    match test(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            for line in error.lines() {
                eprintln!("kelisim: {line}");
            }
            ExitCode::from(2)
        }
    }
}

fn test(options: &Options) -> Result<bool, String> {
    let name = options.scenario.display().to_string();
    let text = std::fs::read_to_string(&options.scenario);
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    let mut scenario = Scenario::read(&name, &text)?;
    scenario.paced(
        options.rate.map(Pace::Open).or(options.connections.map(Pace::Closed)),
        options.seconds.map(|seconds| Duration::from_secs(seconds.into())),
    )?;
    let owned = options.i_own_this_host.as_deref();
    let target = Target::new(&options.target, options.host.as_deref(), owned);
    let target = target.map_err(|error| error.to_string())?;
    let test = Test { scenario, target, threads: options.threads, gateway: options.gateway_pid };
    let report = watched(&test)?;
    print!("{}", report.table());
    if let Some(path) = &options.json {
        write(path, &report.json())?;
    }
    if let Some(path) = &options.svg {
        write(path, &report.svg())?;
    }
    Ok(report.is_good())
}

/// Does the test, with a bar on the terminal that shows how far it has come.
fn watched(test: &Test) -> Result<crate::load::Report, String> {
    let all = test.scenario.warm_up + test.scenario.lasts;
    let progress = Arc::<Progress>::default();
    let bar = ProgressBar::new(all.as_secs());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} s  {msg}");
    bar.set_style(style.expect("the template is legal"));
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let doing = scope.spawn(|| crate::load::run(test, &progress));
        while !doing.is_finished() {
            std::thread::sleep(TICK);
            bar.set_position(begin.elapsed().min(all).as_secs());
            bar.set_message(format!(
                "{} answered, {} failed",
                progress.answered(),
                progress.failed()
            ));
        }
        bar.finish_and_clear();
        doing.join().unwrap_or_else(|_| Err("the test failed".to_owned()))
    })
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
