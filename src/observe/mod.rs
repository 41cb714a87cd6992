//! The purpose logs: `data/log/<section>/<date>.jsonl`.
//!
//! Purpose limitation is a folder, and retention is deleting a file. Each permit of a request
//! opens what its purpose may collect into a line (`line`); without a permit there is no
//! line, and no way to make one.
//!
//! Lines wait in memory, and one thread writes them some times a second (`writer`). When too much waits
//! the line is dropped and counted: a log must never slow a page. Counters and what no rule knows
//! ([`Discoveries`]) and what pages need ([`Needs`]) are in memory, and of nobody.
//!
//! The gateway's own messages (start, faults) are not here: they go to stderr and hold
//! nothing personal.

mod answers;
mod batch;
mod counters;
mod datum;
mod discovery;
mod ledger;
mod line;
mod needs;
mod servers;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tracing::error;

pub use answers::{Answered, Event, Where, is_persons};
pub use counters::{Counter, Counters};
pub use datum::{AccessTime, Agent, ClientAddress, PageAddress};
pub use discovery::{Days, Discovered, Discoveries, Found};
pub use line::Observation;
pub use needs::{Need, Needed, Needs};
pub use servers::ServerCounters;

use self::batch::Batch;
use self::writer::Writer;
use crate::clock::Clock;
use crate::policy::Verdicts;
use crate::rules::LOGGED;
use crate::snapshot::Snapshot;

/// A handle to the logs.
#[derive(Clone, Debug)]
pub struct Observer {
    waiting: Arc<Mutex<Batch>>,
    /// Tells the logs' thread that something waits.
    news: SyncSender<()>,
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
        let waiting = Arc::default();
        let (news, heard) = sync_channel(1);
        let writer = Writer::new(folder, snapshot, clock, Arc::clone(&waiting));
        let thread = std::thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || writer.serve(&heard))?;
        Ok((Observer { waiting, news, dropped: Arc::default() }, ObserverThread(thread)))
    }

    /// Notes a request for each purpose that permits it.
    pub fn note(&self, verdicts: &Verdicts<'_>, seen: &Observation<'_>) {
        let mut waiting = lock(&self.waiting);
        let was_empty = waiting.is_empty();
        for purpose in LOGGED {
            let permit = verdicts.on(purpose).permit().copied();
            if permit.is_some_and(|permit| !waiting.add(permit, seen)) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        if was_empty && !waiting.is_empty() {
            // Where there is news already, more of it is none.
            let _ = self.news.try_send(());
        }
    }

    /// How many lines were dropped because too many waited.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// What waits may always be written.
fn lock(batch: &Mutex<Batch>) -> MutexGuard<'_, Batch> {
    batch.lock().unwrap_or_else(PoisonError::into_inner)
}
