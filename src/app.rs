//! The gateway as a whole: put together, started, stopped.
//!
//! [`start`] does everything that can fail before it serves the first request: rules, keys,
//! certificates, addresses. A gateway that started is complete.
//!
//! [`take_over`] does the same in the place of a gateway that runs.
//!
//! [`Running`] stops it: listeners close, answers are finished, lines and rows are written.

mod error;
mod sockets;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::thread::CpuSet;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{error, info, warn};

pub use self::error::StartError;

use crate::admin::{Admin, Refusal};
use crate::clock::Clock;
use crate::config::{Config, rule_files};
use crate::gate::known::Known;
use crate::handover::{Estate, Listeners, Successor};
use crate::observe::{Counters, Discoveries, Needs, Observer, ObserverThread};
use crate::proxy::{Current, FORGET, Scouting, Scripts, Tunnels, Upstream, Worker};
use crate::reload::{Reload, archive, exempt, exemptions, prepare, warn_of};
use crate::rules::RuleFile;
use crate::server::{Admission, Phase, Phases, Sockets};
use crate::store::folder::Folder;
use crate::store::{Store, StoreThread, keys};
use crate::{handover, proxy, server};

/// A gateway that serves.
#[derive(Debug)]
pub struct Running {
    /// The addresses for plain HTTP, with the ports that were bound.
    pub plain: Vec<SocketAddr>,
    /// The addresses for TLS.
    pub tls: Vec<SocketAddr>,
    /// The address of health and metrics.
    pub admin: SocketAddr,
    /// Puts new settings, rules and certificates into force.
    pub reload: Reload,
    phases: watch::Sender<Phase>,
    threads: Vec<JoinHandle<()>>,
    store: StoreThread,
    observer: ObserverThread,
}

impl Running {
    /// Waits until another process has taken over.
    pub async fn taken_over(&self) {
        let _ = self.phases.subscribe().wait_for(|phase| *phase == Phase::Stopping).await;
    }

    /// Whether another process has taken over.
    pub fn is_taken_over(&self) -> bool {
        *self.phases.borrow() == Phase::Stopping
    }

    /// Stops accepting, finishes what is under way, and writes what is still to be written.
    pub fn stop(self) {
        self.phases.send_replace(Phase::Stopping);
        for thread in self.threads {
            if thread.join().is_err() {
                error!("a thread failed");
            }
        }
        // The store's thread ends when nobody has use for it.
        drop(self.reload);
        self.store.join();
        self.observer.join();
    }
}

/// Starts a gateway with the rules in the folder that `config` names.
pub fn start(config: &Config, clock: &Clock) -> Result<Running, StartError> {
    let files = rule_files(&config.rules).map_err(StartError::RuleFiles)?;
    start_with(config, &files, clock)
}

/// Starts a gateway with the given rules.
pub fn start_with(
    config: &Config,
    files: &[RuleFile],
    clock: &Clock,
) -> Result<Running, StartError> {
    start_after(config, files, clock, None)
}

/// Starts a gateway in the place of the one that runs on the same data folder, if one does: it takes
/// over its sockets and its record, and nobody is turned away.
pub fn take_over(config: &Config, clock: &Clock) -> Result<Running, StartError> {
    let files = rule_files(&config.rules).map_err(StartError::RuleFiles)?;
    let successor = Successor::of(&config.data).map_err(StartError::Handover)?;
    start_after(config, &files, clock, successor)
}

fn start_after(
    config: &Config,
    files: &[RuleFile],
    clock: &Clock,
    successor: Option<Successor>,
) -> Result<Running, StartError> {
    let prepared = prepare(config, files, clock, None)?;
    let sockets = Sooner::sockets(config, successor.as_ref())?;
    // Only now: a start that fails must leave no key without its record.
    let folder = Folder::open(&config.data).map_err(StartError::Folder)?;
    let keys = keys::open(&folder).map_err(StartError::Key)?;
    let logs = folder.logs();
    if !config.listen.is_empty() {
        warn!(
            "on plain HTTP the consent cookie is named `consent`: browsers refuse the `__Host-` prefix there"
        );
    }

    let first = prepared.sealed(&keys.seal);
    let archive = archive(&first.snapshot);
    let snapshot = Arc::clone(&first.snapshot);
    let current = Arc::new(Current::new(first));
    let (store, store_thread) = Store::open(folder, &keys, archive, Arc::default(), clock.clone())?;
    warn_of(&snapshot, clock.now());
    if let Err(error) = exempt(&store, &snapshot, clock.now()) {
        warn!(%error, "exemptions do not count until they are recorded");
    }
    let rules = Arc::clone(&current);
    let (observer, observer_thread) =
        Observer::open(logs, move || Arc::clone(&rules.get().snapshot), clock.clone())?;

    let (phases, _) = watch::channel(Phase::Serving);
    let sockets = sockets.bound(config)?;
    let listeners = sockets.again()?;
    if let Some(successor) = successor {
        successor.serving();
        info!("took over from the gateway that ran");
    }
    let shared = Shared {
        current: Arc::clone(&current),
        store: Arc::new(store),
        observer,
        clock: clock.clone(),
        admission: Arc::new(Admission::new(config)),
        refused: Arc::default(),
        discoveries: Arc::default(),
        needs: Arc::default(),
    };
    let (plain, tls, admin) = (sockets.plain.clone(), sockets.tls.clone(), sockets.admin);
    let mut threads = shared.serve(sockets, &phases)?;
    let estate = Estate {
        listeners,
        store: Arc::clone(&shared.store),
        phases: phases.clone(),
        patience: handover::PATIENCE,
    };
    threads.extend(succeeded(&config.data, estate));
    say_where([("http", &plain), ("https", &tls), ("admin http", &vec![admin])]);
    Ok(Running {
        plain,
        tls,
        admin,
        reload: Reload {
            started: config.clone(),
            clock: shared.clock,
            seal: keys.seal,
            current,
            admission: shared.admission,
            store: shared.store,
            refused: shared.refused,
            turn: Mutex::default(),
        },
        phases,
        threads,
        store: store_thread,
        observer: observer_thread,
    })
}

/// What threads have together.
#[derive(Clone)]
struct Shared {
    current: Arc<Current>,
    store: Arc<Store>,
    observer: Observer,
    clock: Clock,
    admission: Arc<Admission>,
    refused: Arc<Refusal>,
    discoveries: Arc<Discoveries>,
    needs: Arc<Needs>,
}

impl Shared {
    /// Starts the threads that serve visitors and the operator, and those that look after the rest.
    fn serve(
        &self,
        sockets: sockets::Bound,
        phases: &watch::Sender<Phase>,
    ) -> std::io::Result<Vec<JoinHandle<()>>> {
        let mut threads = Vec::new();
        let mut counters = Vec::new();
        for (number, sockets) in sockets.visitors.into_iter().enumerate() {
            let own = Arc::<Counters>::default();
            counters.push(Arc::clone(&own));
            threads.push(self.clone().visitors(number, sockets, own, phases.subscribe())?);
        }
        let (current, in_force) = (Arc::clone(&self.current), Arc::clone(&self.current));
        let told = Admin {
            counters,
            rules: Arc::new(move || Arc::clone(&in_force.get().snapshot)),
            clock: self.clock.clone(),
            servers: Arc::new(move || current.get().sites.counters()),
            observer: self.observer.clone(),
            store: Arc::clone(&self.store),
            refused: Arc::clone(&self.refused),
            discoveries: Arc::clone(&self.discoveries),
            needs: Arc::clone(&self.needs),
        };
        for listener in sockets.admin_listeners {
            let (told, stopped) = (told.clone(), stopped(phases.subscribe()));
            threads.push(spawn("admin".to_owned(), move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(told.serve(listener, stopped))
            })?);
        }
        let (current, stops) = (Arc::clone(&self.current), stopped(phases.subscribe()));
        threads.push(spawn("upstreams".to_owned(), move || proxy::watch(&current, stops))?);
        let (shared, stops) = (self.clone(), stopped(phases.subscribe()));
        threads.push(spawn("forget".to_owned(), move || shared.look_after(stops))?);
        Ok(threads)
    }

    /// Keeps the memory of who asked small, and the record up with exemptions that end, until the gateway
    /// stops.
    fn look_after(self, stopped: impl Future<Output = ()>) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let Shared { current, store, clock, .. } = self;
        runtime.block_on(async {
            let mut stopped = pin!(stopped);
            let mut known = exemptions(&current.get().snapshot, clock.now());
            while timeout(FORGET, &mut stopped).await.is_err() {
                let in_force = current.get();
                in_force.rates.forget();
                let now = clock.now();
                let exempt_now = exemptions(&in_force.snapshot, now);
                let recorded = store.exemptions_recorded();
                if (exempt_now != known || !recorded)
                    && exempt(&store, &in_force.snapshot, now).is_ok()
                {
                    known = exempt_now;
                }
            }
        });
        Ok(())
    }

    /// Starts the thread of this number on its listeners, for plain HTTP and for TLS.
    fn visitors(
        self,
        number: usize,
        (plain, tls): (Vec<TcpListener>, Vec<TcpListener>),
        counters: Arc<Counters>,
        phases: Phases,
    ) -> std::io::Result<JoinHandle<()>> {
        let Shared { current, store, observer, clock, admission, discoveries, needs, .. } = self;
        let sockets = Sockets { plain, tls, admission };
        spawn(format!("serve-{number}"), move || {
            pin(number);
            let upstream = Upstream::new(Arc::clone(&current.get().sites));
            let tunnels = Tunnels::default();
            let scripts = Scripts::default();
            let worker = Worker {
                current,
                store,
                observer,
                clock,
                counters,
                upstream,
                tunnels,
                fates: Known::default(),
                variants: Known::default(),
                scripts,
                scouting: Scouting::new(discoveries),
                needs,
            };
            server::serve(worker, sockets, phases)
        })
    }
}

/// Says where it listens, the operator's address last.
fn say_where(listeners: [(&str, &Vec<SocketAddr>); 3]) {
    for (kind, addresses) in listeners {
        for address in addresses {
            info!("listening on {kind}://{address}");
        }
    }
}

/// Waits until the gateway stops.
async fn stopped(mut phases: Phases) {
    let _ = phases.wait_for(|phase| *phase == Phase::Stopping).await;
}

/// The listening sockets before the record is open. On new ones connections would be lost if the start
/// failed, so where others are given the rest is bound when nothing can fail any more.
enum Sooner {
    Bound(sockets::Bound),
    Given(Listeners),
}

impl Sooner {
    /// Binds them, or asks for those of the gateway that runs, and for its record.
    fn sockets(config: &Config, successor: Option<&Successor>) -> Result<Sooner, StartError> {
        let Some(successor) = successor else {
            return Ok(Sooner::Bound(sockets::bind(config, Listeners::default())?));
        };
        let given = successor.listeners().map_err(StartError::Handover)?;
        successor.record().map_err(StartError::Handover)?;
        Ok(Sooner::Given(given))
    }

    /// All of them.
    fn bound(self, config: &Config) -> std::io::Result<sockets::Bound> {
        match self {
            Sooner::Bound(sockets) => Ok(sockets),
            Sooner::Given(given) => sockets::bind(config, given),
        }
    }
}

/// Waits for the process that comes after.
fn succeeded(data: &Path, estate: Estate) -> Option<JoinHandle<()>> {
    handover::wait(data, estate)
        .inspect_err(|error| warn!(%error, "no other process can take over from this one"))
        .ok()
}

fn spawn(
    name: String,
    work: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(move || {
        if let Err(error) = work() {
            error!(%error, "a thread ended");
        }
    })
}

/// Keeps a thread on a core, of those that the process may use, so that its memory stays near. Where that is
/// not allowed the thread goes where the kernel puts it.
fn pin(number: usize) {
    let pinned = rustix::thread::sched_getaffinity(None).and_then(|allowed| {
        let allowed: Vec<usize> =
            (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        let mut own = CpuSet::new();
        // There is one at least: this thread is running on it.
        own.set(allowed.get(number % allowed.len().max(1)).copied().unwrap_or_default());
        rustix::thread::sched_setaffinity(None, &own)
    });
    if let Err(error) = pinned {
        warn!(%error, "a thread could not be pinned to its core");
    }
}
