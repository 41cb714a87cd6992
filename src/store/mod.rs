//! The record of consent.
//!
//! Each choice becomes a durable row before it is answered. Rows are written by one thread,
//! in order, as many as are waiting in one transaction: the disk is asked to sync once for
//! all of them.
//!
//! The path never waits for a database: it reads the consent cookie and the set of
//! superseded ids, which this module keeps. While the store cannot be read, that set says so,
//! and no agreement counts.
//!
//! The data folder and its lock are [`folder`]'s, the key file that seals cookies [`keys`]'s.

mod entry;
mod exemption;
pub mod folder;
pub mod keys;
mod sqlite;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{error, info};

pub use entry::{Entry, Way};
pub use exemption::Exemption;
use sqlite::Sqlite;

use self::folder::{Folder, FolderError, Mark};
use self::keys::Keys;
use crate::clock::Clock;
use crate::policy::Record;
use crate::superseded::Superseded;
use crate::time::Day;

/// How many choices may wait to be written.
const QUEUE_MAX: usize = 1024;

/// How many choices are written in one transaction.
const BATCH_MAX: usize = 256;

/// How long a withdrawal that could not be written waits for the next attempt.
const RETRY: Duration = Duration::from_secs(1);

/// How many attempts, a second apart, are made when the gateway stops.
const LAST_ATTEMPTS: u32 = 5;

/// How long a withdrawal waits before it looks for a place in the queue again.
const PLACE: Duration = Duration::from_millis(20);

/// How many withdrawals are kept to be tried again. For more the mark speaks alone.
const WITHDRAWALS_MAX: usize = 100_000;

/// Something that digests in the record refer to: terms, wording, code.
#[derive(Clone, Debug)]
pub struct Archived {
    /// Its digest.
    pub digest: [u8; 16],
    /// What it is: `terms`, or what was `shown`.
    pub kind: &'static str,
    /// The content that the digest was taken of.
    pub content: String,
}

/// Why a choice was not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Too many choices are waiting.
    Busy,
    /// The store cannot be written.
    Unwritable(String),
    /// Another process has the record: it alone can know of the choice.
    TakenOver,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Busy => write!(f, "{QUEUE_MAX} choices are waiting to be recorded"),
            StoreError::Unwritable(cause) => write!(f, "the record cannot be written: {cause}"),
            StoreError::TakenOver => f.write_str("another process has taken the record over"),
        }
    }
}

impl std::error::Error for StoreError {}

/// What the store's thread is asked to do.
enum Job {
    /// To record a choice.
    Record { entry: Box<Entry>, done: oneshot::Sender<Result<(), StoreError>> },
    /// To keep what digests in the record refer to.
    Archive { archive: Vec<Archived>, done: SyncSender<Result<(), StoreError>> },
    /// To record which exemptions have begun and ended.
    Exempt { exempt: Vec<Exemption>, policy: Day, done: SyncSender<Result<(), StoreError>> },
    /// To write what is waiting, and to let go of the record and its folder.
    Release { done: SyncSender<Result<(), StoreError>> },
    /// To take both back.
    Resume { done: SyncSender<Result<(), StoreError>> },
}

/// A handle to the store's thread.
#[derive(Debug)]
pub struct Store {
    jobs: SyncSender<Job>,
    superseded: Arc<Superseded>,
    unwritten: Arc<AtomicUsize>,
    exemptions_recorded: AtomicBool,
    mark: Mark,
}

/// The store's thread; it ends when the last [`Store`] is dropped.
#[derive(Debug)]
pub struct StoreThread(JoinHandle<()>);

impl StoreThread {
    /// Waits until everything is written.
    pub fn join(self) {
        if self.0.join().is_err() {
            error!("the store's thread failed");
        }
    }
}

impl Store {
    /// Opens the record of a data folder and fills `superseded`. A record that cannot be
    /// opened is logged, and tried again each second: the site stays up meanwhile.
    pub fn open(
        folder: Folder,
        keys: &Keys,
        archive: Vec<Archived>,
        superseded: Arc<Superseded>,
        clock: Clock,
    ) -> std::io::Result<(Store, StoreThread)> {
        let (jobs, queue) = sync_channel(QUEUE_MAX);
        let unwritten = Arc::new(AtomicUsize::new(0));
        let mark = folder.mark();
        let mut writer = Writer {
            root: folder.path().to_owned(),
            path: folder.record(),
            mark: mark.clone(),
            folder: Some(folder),
            fingerprints: keys.fingerprints.clone(),
            archive,
            superseded: Arc::clone(&superseded),
            clock,
            sqlite: None,
            withdrawals: Vec::new(),
            unwritten: Arc::clone(&unwritten),
        };
        if !writer.path.exists() {
            Sqlite::make(&writer.path)?;
        }
        // Opened here and not on the thread: whoever withdrew before the restart must be
        // known before the first request is served.
        writer.reopen(keys.adopt);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.serve(&queue))?;
        let exemptions_recorded = AtomicBool::new(false);
        Ok((Store { jobs, superseded, unwritten, exemptions_recorded, mark }, StoreThread(thread)))
    }

    /// Records a choice; it is on the disk when this returns.
    pub async fn record(&self, entry: Entry) -> Result<(), StoreError> {
        // What is taken away is taken away at once, and also if the disk fails.
        if let Some((visitor, until)) = entry.supersedes {
            self.superseded.add(visitor, until);
        }
        let withdraws = entry.supersedes.is_some();
        let (done, answer) = oneshot::channel();
        let mut job = Job::Record { entry: Box::new(entry), done };
        loop {
            match self.jobs.try_send(job) {
                Ok(()) => break,
                // A withdrawal waits for its place. Should the gateway die meanwhile, the mark
                // tells the next one.
                Err(TrySendError::Full(waiting)) if withdraws => {
                    self.mark.set().map_err(|error| StoreError::Unwritable(error.to_string()))?;
                    job = waiting;
                    tokio::time::sleep(PLACE).await;
                }
                Err(TrySendError::Full(_)) => return Err(StoreError::Busy),
                Err(TrySendError::Disconnected(_)) => {
                    return Err(StoreError::Unwritable("its thread ended".to_owned()));
                }
            }
        }
        answer.await.unwrap_or_else(|_| Err(StoreError::Unwritable("its thread ended".to_owned())))
    }

    /// Keeps what digests in the record will refer to; it is on the disk when this returns. To be
    /// called where waiting keeps nobody.
    pub fn archive(&self, archive: Vec<Archived>) -> Result<(), StoreError> {
        self.ask(|done| Job::Archive { archive, done })
    }

    /// Records which exemptions are in force under a policy version: those that were not before have
    /// begun, those that are no longer have ended. To be called where waiting keeps nobody.
    pub fn exempt(&self, exempt: Vec<Exemption>, policy: Day) -> Result<(), StoreError> {
        let recorded = self.ask(|done| Job::Exempt { exempt, policy, done });
        self.exemptions_recorded.store(recorded.is_ok(), Ordering::Release);
        recorded
    }

    /// Whether the record knows of the exemptions in force: none counts that it does not know of.
    pub fn exemptions_recorded(&self) -> bool {
        self.exemptions_recorded.load(Ordering::Acquire)
    }

    /// Writes what is waiting and lets go of the record and of the folder's lock, for another process
    /// to take them. From then on no choice is recorded here. To be called where waiting keeps nobody.
    pub fn release(&self) -> Result<(), StoreError> {
        self.ask(|done| Job::Release { done })
    }

    /// Takes back what was released and nobody took.
    pub fn resume(&self) -> Result<(), StoreError> {
        self.ask(|done| Job::Resume { done })
    }

    fn ask(
        &self,
        job: impl FnOnce(SyncSender<Result<(), StoreError>>) -> Job,
    ) -> Result<(), StoreError> {
        let ended = || StoreError::Unwritable("its thread ended".to_owned());
        let (done, answer) = sync_channel(1);
        self.jobs.send(job(done)).map_err(|_| ended())?;
        answer.recv().unwrap_or_else(|_| Err(ended()))
    }

    /// How many withdrawals count in memory alone, because the disk failed. They are tried
    /// again until they are written; a restart before that would forget them.
    pub fn unwritten(&self) -> usize {
        self.unwritten.load(Ordering::Acquire)
    }

    /// The ids that no longer count.
    pub fn superseded(&self) -> &Superseded {
        &self.superseded
    }
}

struct Writer {
    /// The data folder.
    root: PathBuf,
    path: PathBuf,
    mark: Mark,
    /// Held for its lock; none while the record is another process's.
    folder: Option<Folder>,
    fingerprints: Vec<String>,
    archive: Vec<Archived>,
    superseded: Arc<Superseded>,
    clock: Clock,
    sqlite: Option<Sqlite>,
    /// Withdrawals that could not be written yet.
    withdrawals: Vec<Entry>,
    unwritten: Arc<AtomicUsize>,
}

impl Writer {
    fn serve(mut self, queue: &Receiver<Job>) {
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
                Job::Release { done } => releases = Some(done),
                Job::Resume { done } => {
                    let _ = done.send(self.resume());
                }
            }
        }
        let result = self.write(&entries);
        if result.is_err() {
            self.keep_withdrawals(entries);
        }
        for done in waiting {
            // A visitor who went away no longer waits for the answer.
            let _ = done.send(result.clone());
        }
        if let Some(done) = releases {
            let _ = done.send(self.release());
        }
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

    fn reopen(&mut self, adopt: bool) {
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
