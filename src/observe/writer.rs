//! The thread that writes the logs' files, and deletes those past their retention.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::mem;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use tracing::{error, info};

use super::batch::Batch;
use super::lock;
use crate::clock::Clock;
use crate::policy::{Keep, Purpose};
use crate::rules::LOGGED;
use crate::snapshot::Snapshot;
use crate::time::Day;

/// How often the thread looks for files past their retention.
const PAUSE: Duration = Duration::from_secs(1);

/// How long lines are gathered before they are written.
const GATHERED: Duration = Duration::from_millis(50);

/// Who writes the logs.
pub(super) struct Writer<F> {
    folder: PathBuf,
    snapshot: F,
    clock: Clock,
    waiting: Arc<Mutex<Batch>>,
    /// What is being written, while others wait.
    taken: Batch,
    files: HashMap<Purpose, (Day, File)>,
    swept: Option<Day>,
}

impl<F: Fn() -> Arc<Snapshot>> Writer<F> {
    pub(super) fn new(
        folder: PathBuf,
        snapshot: F,
        clock: Clock,
        waiting: Arc<Mutex<Batch>>,
    ) -> Writer<F> {
        let (taken, files) = (Batch::default(), HashMap::new());
        Writer { folder, snapshot, clock, waiting, taken, files, swept: None }
    }

    pub(super) fn serve(mut self, news: &Receiver<()>) {
        loop {
            self.sweep();
            match news.recv_timeout(PAUSE) {
                Ok(()) => {
                    sleep(GATHERED);
                    self.write();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.write(),
            }
        }
    }

    /// Writes what waits.
    fn write(&mut self) {
        mem::swap(&mut *lock(&self.waiting), &mut self.taken);
        let taken = mem::take(&mut self.taken);
        for (purpose, day, lines) in taken.lines() {
            if let Err(error) = self.append(purpose, day, lines) {
                self.files.remove(&purpose);
                error!(%purpose, %error, "a log could not be written");
            }
        }
        self.taken = taken;
        self.taken.clear();
    }

    /// Appends lines in one piece: while one process takes over from another, both write.
    fn append(&mut self, purpose: Purpose, day: Day, lines: &[u8]) -> io::Result<()> {
        let file = match self.files.get_mut(&purpose) {
            Some((open, file)) if *open == day => file,
            _ => {
                let snapshot = (self.snapshot)();
                let policy = snapshot.rules.policies.at(day.start());
                let Some(policy) = policy else { return Ok(()) };
                let folder = self.folder.join(&policy.terms[purpose].section);
                let file = open_day(&folder, day)?;
                &mut self.files.entry(purpose).insert_entry((day, file)).into_mut().1
            }
        };
        file.write_all(lines)
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

fn open_day(folder: &Path, day: Day) -> io::Result<File> {
    // Personal data: for the operator's own account alone (policy 8.1).
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!("{day}.jsonl"));
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
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
