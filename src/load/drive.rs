//! The test itself: threads that ask, and what they counted put together.
//!
//! Each thread has a runtime of its own and its share of the rate or of the connections; they share
//! nothing but two counters for who watches. What one of them does is [`Worker`]'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::task::LocalSet;

use super::asked::prepare;
use super::connection::Dialer;
use super::report::Report;
use super::scenario::{Protocol, Scenario};
use super::tally::Tally;
use super::target::Target;
use super::worker::{Share, Worker};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Test {
    /// Who comes.
    pub scenario: Scenario,
    /// Where to.
    pub target: Target,
    /// How many threads ask.
    pub threads: u32,
    /// The gateway's process, if it is to be told to read its rules anew.
    pub gateway: Option<i32>,
}

/// How far a test has come, for who watches.
#[derive(Debug, Default)]
pub struct Progress {
    answered: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// How many were answered, the warm-up included.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, is_answered: bool) {
        let counter = if is_answered { &self.answered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Does a test.
pub fn run(test: &Test, progress: &Arc<Progress>) -> Result<Report, String> {
    let Test { scenario, target, .. } = test;
    let has_http2 = scenario.kinds.iter().any(|kind| kind.protocol == Protocol::Http2);
    if has_http2 && target.tls.is_none() {
        return Err("visitors of the scenario speak h2, which takes an https target".to_owned());
    }
    let gateway = gateway(test)?;
    let dialer = Dialer::new(Arc::new(target.clone()))?;
    let asked = on_a_runtime(prepare(scenario, &dialer))??;
    let asked = Arc::new(asked);
    let begin = Instant::now() + Duration::from_millis(50);
    let threads: Vec<_> = (0..test.threads)
        .map(|thread| {
            let (scenario, dialer) = (scenario.clone(), dialer.clone());
            let (asked, progress) = (Arc::clone(&asked), Arc::clone(progress));
            let share = Share { thread, of: test.threads };
            std::thread::spawn(move || {
                let worker = Worker::new(scenario, dialer, asked, progress, share, begin);
                on_a_runtime(worker.work())
            })
        })
        .collect();
    let reloads = gateway.map(|(pid, every)| reload(pid, every, begin, scenario));
    let mut tallies: Vec<Tally> = scenario.kinds.iter().map(|_| Tally::new()).collect();
    for thread in threads {
        let counted = thread.join().map_err(|_| "a thread of the test failed".to_owned())??;
        for (sum, more) in tallies.iter_mut().zip(&counted) {
            sum.add(more);
        }
    }
    let reloads = reloads.transpose()?.unwrap_or(0);
    Ok(Report::new(test, reloads, &tallies))
}

/// The process that is told to reload, and how often.
fn gateway(test: &Test) -> Result<Option<(Pid, Duration)>, String> {
    match (test.scenario.reload_every, test.gateway) {
        (None, _) => Ok(None),
        (Some(_), None) => {
            Err("the scenario reloads the gateway: name its process by `--gateway-pid`".to_owned())
        }
        (Some(every), Some(pid)) => {
            let known = Pid::from_raw(pid).filter(|_| pid > 1);
            let known = known.ok_or_else(|| format!("`--gateway-pid {pid}` is no process"))?;
            Ok(Some((known, every)))
        }
    }
}

/// Tells the gateway to reload as long as the test goes on, and how often it was told.
fn reload(pid: Pid, every: Duration, begin: Instant, of: &Scenario) -> Result<u64, String> {
    let end = begin + of.warm_up + of.lasts;
    let mut next = begin + every;
    let mut count = 0;
    while next < end {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        kill_process(pid, Signal::HUP)
            .map_err(|error| format!("the gateway's process: {error}"))?;
        count += 1;
        next += every;
    }
    Ok(count)
}

fn on_a_runtime<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    Ok(LocalSet::new().block_on(&runtime, work))
}
