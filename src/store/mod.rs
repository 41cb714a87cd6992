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
//! The data folder and its lock are [`folder`]'s, the key file that seals cookies [`keys`]'s; the thread
//! itself is in `writer`.

mod entry;
mod exemption;
pub mod folder;
pub mod keys;
mod rows;
mod schema;
pub mod signer;
mod sqlite;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tracing::error;
use uuid::Uuid;

pub use entry::{Entry, Way};
pub use exemption::Exemption;
pub use rows::{ROWS_MAX, Row, RowChoice, Rows};
use sqlite::Sqlite;
use writer::Writer;

use self::folder::{Folder, Mark};
use self::keys::Keys;
use self::signer::Signer;
use crate::clock::Clock;
use crate::policy::VisitorId;
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

/// How many questions to the record may wait: they are about one person each, and choices go first.
const QUESTIONS_MAX: usize = 16;

/// Something that digests in the record refer to: terms, wording, code.
#[derive(Clone, Debug)]
pub struct Archived {
    /// Its digest.
    pub digest: [u8; 16],
    /// What it is: `terms`, what was `shown`, or a `statement` of the processing in words.
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

/// Whom the record is to forget.
#[derive(Clone, Debug, Default)]
pub struct Forgetting {
    /// What they agreed to until now, taken back.
    pub withdrawals: Vec<Entry>,
    /// All their ids.
    pub ids: Vec<VisitorId>,
}

/// A question to the record; there may be none to ask.
type Question = Box<dyn FnOnce(Option<&Sqlite>) + Send>;

/// What the store's thread is asked to do.
enum Job {
    /// To record a choice.
    Record { entry: Box<Entry>, done: oneshot::Sender<Result<(), StoreError>> },
    /// To keep what digests in the record refer to.
    Archive { archive: Vec<Archived>, done: SyncSender<Result<(), StoreError>> },
    /// To record which exemptions have begun and ended.
    Exempt { exempt: Vec<Exemption>, policy: Day, done: SyncSender<Result<(), StoreError>> },
    /// To record that visitors withdrew, and to destroy who they were.
    Forget { forgetting: Box<Forgetting>, done: oneshot::Sender<Result<usize, StoreError>> },
    /// To answer a question.
    Read(Question),
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
    questions: Semaphore,
    signer: Signer,
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
        let store = Store {
            jobs,
            superseded,
            unwritten,
            exemptions_recorded: AtomicBool::new(false),
            mark,
            questions: Semaphore::new(QUESTIONS_MAX),
            signer: keys.signer.clone(),
        };
        Ok((store, StoreThread(thread)))
    }

    /// Records a choice; it is on the disk when this returns.
    pub async fn record(&self, entry: Entry) -> Result<(), StoreError> {
        // What is taken away is taken away at once, and also if the disk fails.
        if let Some((visitor, until)) = entry.supersedes {
            self.superseded.add(visitor, until);
        }
        let withdraws = entry.supersedes.is_some();
        let (done, answer) = oneshot::channel();
        self.queue(Job::Record { entry: Box::new(entry), done }, withdraws).await?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Forgets visitors: what they agreed to is withdrawn, and no row says any more who they were. Says of how
    /// many events that is; on the disk when this returns. Where that fails the withdrawals count all
    /// the same.
    pub async fn forget(&self, forgetting: Forgetting) -> Result<usize, StoreError> {
        for (visitor, until) in forgetting.withdrawals.iter().filter_map(|entry| entry.supersedes) {
            self.superseded.add(visitor, until);
        }
        let (done, answer) = oneshot::channel();
        self.queue(Job::Forget { forgetting: Box::new(forgetting), done }, true).await?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// What the record holds of these visitors.
    pub async fn rows(&self, ids: Vec<VisitorId>) -> Result<Rows, StoreError> {
        self.read(move |sqlite| rows::of_visitors(sqlite, &ids)).await
    }

    /// One event, and the statement that it was made under, as far as it was archived.
    pub async fn row(&self, record: Uuid) -> Result<Option<(Row, Option<String>)>, StoreError> {
        self.read(move |sqlite| rows::of_record(sqlite, record)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Sqlite) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _place = self.questions.try_acquire().map_err(|_| StoreError::Busy)?;
        let (done, answer) = oneshot::channel();
        let read = move |sqlite: Option<&Sqlite>| {
            let unreadable = || StoreError::Unwritable("it is not open".to_owned());
            let told = sqlite.ok_or_else(unreadable).and_then(|sqlite| {
                question(sqlite).map_err(|cause| StoreError::Unwritable(cause.to_string()))
            });
            // Whoever asked may have gone away.
            let _ = done.send(told);
        };
        self.queue(Job::Read(Box::new(read)), false).await?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Finds a place for a job. What takes something away waits for it.
    async fn queue(&self, mut job: Job, withdraws: bool) -> Result<(), StoreError> {
        loop {
            match self.jobs.try_send(job) {
                Ok(()) => return Ok(()),
                // Should the gateway die meanwhile, the mark tells the next one.
                Err(TrySendError::Full(waiting)) if withdraws => {
                    self.mark.set().map_err(|error| StoreError::Unwritable(error.to_string()))?;
                    job = waiting;
                    tokio::time::sleep(PLACE).await;
                }
                Err(TrySendError::Full(_)) => return Err(StoreError::Busy),
                Err(TrySendError::Disconnected(_)) => return Err(ended()),
            }
        }
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
        let (done, answer) = sync_channel(1);
        self.jobs.send(job(done)).map_err(|_| ended())?;
        answer.recv().unwrap_or_else(|_| Err(ended()))
    }

    /// How many withdrawals count in memory alone, because the disk failed. They are tried
    /// again until they are written; a restart before that would forget them.
    pub fn unwritten(&self) -> usize {
        self.unwritten.load(Ordering::Acquire)
    }

    /// What signs receipts.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The ids that no longer count.
    pub fn superseded(&self) -> &Superseded {
        &self.superseded
    }
}

fn ended() -> StoreError {
    StoreError::Unwritable("its thread ended".to_owned())
}
