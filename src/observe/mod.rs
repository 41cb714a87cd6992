//! The purpose logs: `data/log/<section>/<date>.jsonl`.
//!
//! Purpose limitation is a folder, and retention is deleting a file. Each permit of a request
//! opens what its purpose may collect into a line ([`line()`]); without a permit there is no
//! line, and no way to make one.
//!
//! Lines go through a bounded queue to one thread. When it is full the line is dropped and
//! counted: a log must never slow a page. Counters and what no rule knows ([`Discoveries`]) and
//! what pages need ([`Needs`]) are in memory, and of nobody.
//!
//! The gateway's own messages (start, faults) are not here: they go to stderr and hold
//! nothing personal.

mod answers;
mod counters;
mod datum;
mod discovery;
mod ledger;
mod line;
mod needs;
mod servers;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::{error, info};

pub use answers::{Answered, Event, Where, is_persons};
pub use counters::{Counter, Counters};
pub use datum::{AccessTime, Agent, ClientAddress, PageAddress};
pub use discovery::{Days, Discovered, Discoveries, Found};
pub use line::{Line, Observation, line};
pub use needs::{Need, Needed, Needs};
pub use servers::ServerCounters;

use crate::clock::Clock;
use crate::policy::{Keep, Purpose, Verdicts};
use crate::rules::LOGGED;
use crate::snapshot::Snapshot;
use crate::time::Day;

/// How many lines may wait to be written.
const QUEUE_MAX: usize = 65_536;

/// How long a line may stay in memory while others keep coming, and how often the thread
/// looks for files past their retention.
const PAUSE: Duration = Duration::from_secs(1);

/// A handle to the logs.
#[derive(Clone, Debug)]
pub struct Observer {
    lines: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
}

/// The logs' thread; it ends when the last [`Observer`] is dropped.
#[derive(Debug)]
pub struct ObserverThread(JoinHandle<()>);

impl ObserverThread {
    /// Waits until every line is written.
    pub fn join(self) {
        if self.0.join().is_err() {
            error!("the logs' thread failed");
        }
    }
}

impl Observer {
    /// Opens the logs below `folder`. Sections and retention are those of the policy in force, which is
    /// asked for each time.
    pub fn open(
        folder: PathBuf,
        snapshot: impl Fn() -> Arc<Snapshot> + Send + 'static,
        clock: Clock,
    ) -> io::Result<(Observer, ObserverThread)> {
        let (lines, queue) = sync_channel(QUEUE_MAX);
        let writer = Writer { folder, snapshot, clock, files: HashMap::new(), swept: None };
        let thread = std::thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || writer.serve(&queue))?;
        Ok((Observer { lines, dropped: Arc::default() }, ObserverThread(thread)))
    }

    /// Notes a request for each purpose that permits it.
    pub fn note(&self, verdicts: &Verdicts<'_>, seen: &Observation) {
        for purpose in LOGGED {
            let line = verdicts.on(purpose).permit().and_then(|permit| line(permit, seen));
            if let Some(line) = line
                && self.lines.try_send(line).is_err()
            {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many lines were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

struct Writer<F> {
    folder: PathBuf,
    snapshot: F,
    clock: Clock,
    files: HashMap<Purpose, (Day, BufWriter<File>)>,
    swept: Option<Day>,
}

impl<F: Fn() -> Arc<Snapshot>> Writer<F> {
    fn serve(mut self, queue: &Receiver<Line>) {
        loop {
            self.sweep();
            match queue.recv_timeout(PAUSE) {
                Ok(line) => {
                    self.write_or_report(&line);
                    for line in queue.try_iter().take(QUEUE_MAX) {
                        self.write_or_report(&line);
                    }
                    self.flush();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn write_or_report(&mut self, line: &Line) {
        if let Err(error) = self.write(line) {
            self.files.remove(&line.purpose);
            error!(purpose = %line.purpose, %error, "a log line could not be written");
        }
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let day = line.time.day();
        let file = match self.files.get_mut(&line.purpose) {
            Some((open, file)) if *open == day => file,
            _ => {
                let snapshot = (self.snapshot)();
                let Some(policy) = snapshot.rules.policies.at(line.time) else { return Ok(()) };
                let folder = self.folder.join(&policy.terms[line.purpose].section);
                let file = open_day(&folder, day)?;
                &mut self.files.entry(line.purpose).insert_entry((day, file)).into_mut().1
            }
        };
        // In one piece: while one process takes over from another, both write.
        file.write_all(format!("{}\n", line.json).as_bytes())
    }

    fn flush(&mut self) {
        for (purpose, (_, file)) in &mut self.files {
            if let Err(error) = file.flush() {
                error!(%purpose, %error, "a log could not be written");
            }
        }
    }

    /// Deletes the day files that their purpose may no longer keep (policy 3.7), once a day.
    fn sweep(&mut self) {
        let now = self.clock.now();
        let today = now.day();
        if self.swept.replace(today) == Some(today) {
            return;
        }
        let snapshot = (self.snapshot)();
        let Some(policy) = snapshot.rules.policies.at(now) else { return };
        for purpose in LOGGED {
            let terms = &policy.terms[purpose];
            if let Keep::Days(days) = terms.keep {
                let folder = self.folder.join(&terms.section);
                if let Err(error) = delete_past(&folder, today, days) {
                    error!(%purpose, %error, "old logs could not be deleted");
                }
            }
        }
    }
}

fn open_day(folder: &Path, day: Day) -> io::Result<BufWriter<File>> {
    // Personal data: for the operator's own account alone (policy 8.1).
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!("{day}.jsonl"));
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    Ok(BufWriter::new(file))
}

/// Deletes files of days that ended more than `days` days ago. What is not named like a day
/// file is not ours and stays.
fn delete_past(folder: &Path, today: Day, days: u16) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let day = name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse::<Day>().ok());
        if day.is_some_and(|day| day.plus_days(u32::from(days)) < today) {
            fs::remove_file(entry.path())?;
            info!(file = %entry.path().display(), "a log past its retention was deleted");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_files_past_their_retention_go_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["2026-10-22.jsonl", "2026-10-23.jsonl", "2026-11-22.jsonl", "notes.txt"] {
            fs::write(folder.path().join(name), "{}\n").unwrap();
        }
        delete_past(folder.path(), "2026-11-22".parse().unwrap(), 30).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["2026-10-23.jsonl", "2026-11-22.jsonl", "notes.txt"]);
        delete_past(&folder.path().join("absent"), Day(0), 1).unwrap();
    }
}
