//! The thread that writes the record.
//!
//! It takes what is waiting, writes it in one transaction, and answers when that is on the disk. What
//! failed is tried again each second; a withdrawal that waits leaves a mark for the next start.
//!
//! Questions to the record are answered here, too, behind what was written: whoever asks after a choice
//! finds it.
//!
//! What may be asked of it is in [`super::Store`], the file itself in [`super::sqlite`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use tracing::{error, info};

use super::folder::{Folder, FolderError, Mark};
use super::sqlite::Sqlite;
use super::{
    Archived, BATCH_MAX, Entry, Exemption, Forgetting, Job, LAST_ATTEMPTS, RETRY, StoreError,
    WITHDRAWALS_MAX,
};
use crate::clock::Clock;
use crate::policy::Record;
use crate::superseded::Superseded;
use crate::time::Day;

pub(super) struct Writer {
    /// The data folder.
    pub(super) root: PathBuf,
    pub(super) path: PathBuf,
    pub(super) mark: Mark,
    /// Held for its lock; none while the record is another process's.
    pub(super) folder: Option<Folder>,
    pub(super) fingerprints: Vec<String>,
    pub(super) archive: Vec<Archived>,
    pub(super) superseded: Arc<Superseded>,
    pub(super) clock: Clock,
    pub(super) sqlite: Option<Sqlite>,
    /// Withdrawals that could not be written yet.
    pub(super) withdrawals: Vec<Entry>,
    pub(super) unwritten: Arc<AtomicUsize>,
}

impl Writer {
    pub(super) fn serve(mut self, queue: &Receiver<Job>) {
        loop {
            let rests =
                self.folder.is_none() || self.sqlite.is_some() && self.withdrawals.is_empty();
            let first = match rests {
                true => queue.recv().map_err(RecvTimeoutError::from),
                false => queue.recv_timeout(RETRY),
            };
            match first {
                Ok(first) => {
                    let mut jobs = vec![first];
                    jobs.extend(queue.try_iter().take(BATCH_MAX - 1));
                    self.answer(jobs);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.write(&[]);
                }
                Err(RecvTimeoutError::Disconnected) => return self.stop(),
            }
        }
    }

    /// The gateway stops: what is not written yet is tried for some time more.
    fn stop(mut self) {
        if self.folder.is_none() {
            return;
        }
        for _ in 0..LAST_ATTEMPTS {
            if self.withdrawals.is_empty() || self.write(&[]).is_ok() {
                return;
            }
            std::thread::sleep(RETRY);
        }
        let lost = self.withdrawals.len();
        error!(lost, "withdrawals are not on the disk: the next start asks every visitor again");
    }

    fn answer(&mut self, jobs: Vec<Job>) {
        let (mut entries, mut waiting, mut releases) = (Vec::new(), Vec::new(), None);
        let (mut forgets, mut questions) = (Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Record { entry, done } => {
                    entries.push(*entry);
                    waiting.push(done);
                }
                Job::Archive { archive, done } => {
                    // Whoever asked may have given up, here and below.
                    let _ = done.send(self.keep(archive));
                }
                Job::Exempt { exempt, policy, done } => {
                    let _ = done.send(self.exempt(&exempt, policy));
                }
                Job::Forget { forgetting, done } => forgets.push((*forgetting, done)),
                Job::Read(question) => questions.push(question),
                Job::Release { done } => releases = Some(done),
                Job::Resume { done } => {
                    let _ = done.send(self.resume());
                }
            }
        }
        // A question alone writes nothing.
        let rests = entries.is_empty() && self.withdrawals.is_empty() && self.sqlite.is_some();
        let result = if rests { Ok(()) } else { self.write(&entries) };
        if result.is_err() {
            self.keep_withdrawals(entries);
        }
        for done in waiting {
            // A visitor who went away no longer waits for the answer.
            let _ = done.send(result.clone());
        }
        for (forgetting, done) in forgets {
            let _ = done.send(self.forget(forgetting));
        }
        for question in questions {
            question(self.sqlite.as_ref());
        }
        if let Some(done) = releases {
            let _ = done.send(self.release());
        }
    }

    fn forget(&mut self, forgetting: Forgetting) -> Result<usize, StoreError> {
        let forgotten = self.write(&[]).and_then(|()| {
            let now = self.clock.now();
            let Forgetting { withdrawals, ids } = &forgetting;
            let forgotten = match &mut self.sqlite {
                Some(sqlite) => sqlite.forget(withdrawals, ids, now).map_err(|e| e.to_string()),
                None => Err("it is not open".to_owned()),
            };
            forgotten.map_err(|cause| {
                error!(path = %self.path.display(), %cause, "a visitor could not be forgotten");
                self.sqlite = None;
                StoreError::Unwritable(cause)
            })
        });
        if forgotten.is_err() {
            // They withdrew all the same.
            self.keep_withdrawals(forgetting.withdrawals);
        }
        forgotten
    }

    fn exempt(&mut self, exempt: &[Exemption], policy: Day) -> Result<(), StoreError> {
        self.write(&[])?;
        let now = self.clock.now();
        let written = match &mut self.sqlite {
            Some(sqlite) => sqlite.exempt(exempt, policy, now).map_err(|cause| cause.to_string()),
            None => Err("it is not open".to_owned()),
        };
        written.map_err(|cause| {
            error!(path = %self.path.display(), %cause, "an exemption could not be recorded");
            // The next attempt opens the file anew.
            self.sqlite = None;
            StoreError::Unwritable(cause)
        })
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.write(&[])?;
        self.sqlite = None;
        self.folder = None;
        Ok(())
    }

    fn resume(&mut self) -> Result<(), StoreError> {
        let unwritable = |error: FolderError| StoreError::Unwritable(error.to_string());
        if self.folder.is_none() {
            self.folder = Some(Folder::open(&self.root).map_err(unwritable)?);
        }
        self.reopen(false);
        Ok(())
    }

    /// Keeps what digests refer to beside what is kept already.
    fn keep(&mut self, archive: Vec<Archived>) -> Result<(), StoreError> {
        if self.folder.is_none() {
            return Err(StoreError::TakenOver);
        }
        let known = self.archive.len();
        let is_new = |one: &Archived| self.archive.iter().all(|other| other.digest != one.digest);
        let archive: Vec<_> = archive.into_iter().filter(is_new).collect();
        self.archive.extend(archive);
        // It is written where the record is opened.
        self.sqlite = None;
        self.reopen(false);
        if self.sqlite.is_some() {
            return Ok(());
        }
        self.archive.truncate(known);
        Err(StoreError::Unwritable(format!("{} cannot be opened", self.path.display())))
    }

    fn keep_withdrawals(&mut self, entries: Vec<Entry>) {
        let withdrawals = entries.into_iter().filter(|entry| entry.supersedes.is_some());
        let room = WITHDRAWALS_MAX - self.withdrawals.len();
        self.withdrawals.extend(withdrawals.take(room));
        self.unwritten.store(self.withdrawals.len(), Ordering::Release);
        // In another's folder the mark would be taken for theirs.
        if self.withdrawals.is_empty() || self.folder.is_none() {
            return;
        }
        if let Err(error) = self.mark.set() {
            error!(%error, "withdrawals count in memory alone, and a restart would forget them");
        }
    }

    /// Writes what failed before, and then `entries`.
    fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        if self.folder.is_none() {
            return Err(StoreError::TakenOver);
        }
        let now = self.clock.now();
        // Each agreement that ends makes room for one withdrawal more.
        self.superseded.forget_ended(now);
        if self.sqlite.is_none() {
            self.reopen(false);
        }
        let Some(sqlite) = &mut self.sqlite else {
            return Err(StoreError::Unwritable(format!(
                "{} cannot be opened",
                self.path.display()
            )));
        };
        let failed_before = std::mem::take(&mut self.withdrawals);
        let written = sqlite.write(&failed_before, now).and_then(|()| sqlite.write(entries, now));
        match written {
            Ok(()) => {
                self.unwritten.store(0, Ordering::Release);
                // A full disk takes no mark away, and then asking again is right.
                self.mark.clear().map_err(|error| StoreError::Unwritable(error.to_string()))
            }
            Err(cause) => {
                error!(path = %self.path.display(), %cause, "a choice could not be recorded");
                self.withdrawals = failed_before;
                // The next attempt opens the file anew; what is known as withdrawn stays known.
                self.sqlite = None;
                Err(StoreError::Unwritable(cause.to_string()))
            }
        }
    }

    pub(super) fn reopen(&mut self, adopt: bool) {
        let opened =
            Sqlite::open(&self.path, &self.archive, &self.fingerprints, adopt).and_then(|sqlite| {
                let ids = sqlite.superseded(self.clock.now())?;
                Ok((sqlite, ids))
            });
        match opened {
            Ok((sqlite, ids)) => {
                info!(path = %self.path.display(), superseded = ids.len(), "the record is open");
                for (id, until) in ids {
                    self.superseded.add(id, until);
                }
                self.superseded.set_record(Record::Readable);
                self.sqlite = Some(sqlite);
            }
            // Once read, memory knows all that the file does, and more.
            Err(cause) => error!(
                path = %self.path.display(), %cause,
                readable = self.superseded.record() == Record::Readable,
                "the record cannot be opened; it is tried again each second"
            ),
        }
    }
}
