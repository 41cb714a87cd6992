//! The gateway as a whole: put together, started, stopped.
//!
//! [`start`] does everything that can fail before it serves the first request: rules, keys,
//! certificates, addresses. A gateway that started is complete.
//!
//! [`take_over`] does the same in the place of a gateway that runs.
//!
//! [`Running`] stops it: listeners close, answers are finished, lines and rows are written.

mod sockets;

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::admin::Admin;
use crate::clock::Clock;
use crate::config::{Config, rule_files};
use crate::handover::{Estate, HandoverError, Listeners, Successor};
use crate::observe::{Counters, Observer, ObserverThread};
use crate::proxy::{FORGET, Plan, Rates, Sites, SitesError, Trusted, Tunnels, Upstream, Worker};
use crate::reload::{Reload, archive};
use crate::rules::{Problem, RuleFile};
use crate::server::{Admission, Phase, Phases, Served, Sockets, TlsError, descriptors};
use crate::snapshot::Snapshot;
use crate::store::folder::{Folder, FolderError};
use crate::store::keys::KeyError;
use crate::store::{Store, StoreError, StoreThread, keys};
use crate::superseded::Superseded;
use crate::{handover, reload, server};

/// Why the gateway did not start.
#[derive(Debug)]
pub enum StartError {
    /// The rules have problems.
    Rules(Vec<Problem>),
    /// The rules cannot be read.
    RuleFiles(std::io::Error),
    /// No policy version is in force yet; says from when one is.
    NoPolicy(String),
    /// The data folder cannot be used.
    Folder(FolderError),
    /// There is no key to seal cookies with.
    Key(KeyError),
    /// TLS cannot be served.
    Tls(TlsError),
    /// The site cannot be reached as it was set.
    Upstream(SitesError),
    /// The record of consent does not take what it has to explain.
    Store(StoreError),
    /// The gateway that runs did not hand over.
    Handover(HandoverError),
    /// An address or thread cannot be had.
    Io(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Rules(problems) => {
                let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
                write!(f, "{}", lines.join("\n"))
            }
            StartError::RuleFiles(error) => write!(f, "the rules cannot be read: {error}"),
            StartError::NoPolicy(day) => write!(f, "no policy version is in force before {day}"),
            StartError::Folder(error) => write!(f, "{error}"),
            StartError::Key(error) => write!(f, "{error}"),
            StartError::Tls(error) => write!(f, "{error}"),
            StartError::Upstream(error) => write!(f, "{error}"),
            StartError::Store(error) => write!(f, "{error}"),
            StartError::Handover(error) => write!(f, "{error}"),
            StartError::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> StartError {
        StartError::Io(error)
    }
}

/// A gateway that serves.
#[derive(Debug)]
pub struct Running {
    /// The addresses for plain HTTP, with the ports that were bound.
    pub plain: Vec<SocketAddr>,
    /// The addresses for TLS.
    pub tls: Vec<SocketAddr>,
    /// The address of health and metrics.
    pub admin: SocketAddr,
    /// Puts new rules and certificates into force.
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
    let rules = reload::load(config, files, clock)?;
    let served = served(config).map_err(StartError::Tls)?;
    let rates = Arc::new(Rates::new(&config.bounds.limits));
    let sites = Arc::new(sites(config).map_err(StartError::Upstream)?);
    let sockets = match &successor {
        None => Sooner::Bound(sockets::bind(config, Listeners::default())?),
        Some(successor) => {
            let given = successor.listeners().map_err(StartError::Handover)?;
            successor.record().map_err(StartError::Handover)?;
            Sooner::Given(given)
        }
    };
    // Only now: a start that fails must leave no key without its record.
    let folder = Folder::open(&config.data).map_err(StartError::Folder)?;
    let keys = keys::open(&folder).map_err(StartError::Key)?;
    let logs = folder.logs();
    if !config.listen.is_empty() {
        warn!(
            "on plain HTTP the consent cookie is named `consent`: browsers refuse the `__Host-` prefix there"
        );
    }

    let snapshot = Snapshot::new(rules, keys.seal.clone());
    let archive = archive(&snapshot);
    let snapshot = Arc::new(ArcSwap::from_pointee(snapshot));
    let superseded = Arc::new(Superseded::default());
    let (store, store_thread) =
        Store::open(folder, &keys, archive, Arc::clone(&superseded), clock.clone())?;
    let store = Arc::new(store);
    let (observer, observer_thread) = Observer::open(logs, Arc::clone(&snapshot), clock.clone())?;

    let (phases, heard) = watch::channel(Phase::Serving);
    let sockets = match sockets {
        Sooner::Bound(sockets) => sockets,
        Sooner::Given(given) => sockets::bind(config, given)?,
    };
    let listeners = sockets.again()?;
    if let Some(successor) = successor {
        successor.serving();
        info!("took over from the gateway that ran");
    }
    let sockets::Bound { plain, tls, admin, visitors, admin_listeners } = sockets;
    let mut counters = Vec::new();
    let mut threads = Vec::new();
    let shared = Shared {
        snapshot: Arc::clone(&snapshot),
        store: Arc::clone(&store),
        observer: observer.clone(),
        clock: clock.clone(),
        sites: Arc::clone(&sites),
        rates: Arc::clone(&rates),
        admission: Arc::new(admission(config)),
        served: served.clone(),
    };
    for (number, sockets) in visitors.into_iter().enumerate() {
        let own = Arc::<Counters>::default();
        counters.push(Arc::clone(&own));
        threads.push(shared.clone().serve(config, number, sockets, own, heard.clone())?);
    }
    let refused = Arc::new(AtomicBool::new(false));
    let reload = Reload {
        config: config.clone(),
        clock: clock.clone(),
        seal: keys.seal,
        snapshot,
        store: Arc::clone(&store),
        certificates: served.map(|served| served.certificates),
        refused: Arc::clone(&refused),
    };
    let servers = sites.counters();
    let told = Admin { counters, servers, observer, store: Arc::clone(&store), refused };
    let watched = stopped(heard.clone());
    threads.push(spawn("upstreams".to_owned(), move || sites.watch(watched))?);
    for listener in admin_listeners {
        let (told, stopped) = (told.clone(), stopped(heard.clone()));
        threads.push(spawn("admin".to_owned(), move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(told.serve(listener, stopped))
        })?);
    }
    let patience = handover::PATIENCE;
    let estate = Estate { listeners, store, phases: phases.clone(), patience };
    threads.extend(succeeded(&config.data, estate));
    threads.push(spawn("forget".to_owned(), move || forget(&rates, heard))?);
    say_where([("http", &plain), ("https", &tls), ("admin http", &vec![admin])]);
    Ok(Running {
        plain,
        tls,
        admin,
        reload,
        phases,
        threads,
        store: store_thread,
        observer: observer_thread,
    })
}

/// What all threads that serve have together.
#[derive(Clone)]
struct Shared {
    snapshot: Arc<ArcSwap<Snapshot>>,
    store: Arc<Store>,
    observer: Observer,
    clock: Clock,
    sites: Arc<Sites>,
    rates: Arc<Rates>,
    admission: Arc<Admission>,
    served: Option<Served>,
}

impl Shared {
    /// Starts the thread of this number on its listeners, for plain HTTP and for TLS.
    fn serve(
        self,
        config: &Config,
        number: usize,
        (plain, tls): (Vec<TcpListener>, Vec<TcpListener>),
        counters: Arc<Counters>,
        phases: Phases,
    ) -> std::io::Result<JoinHandle<()>> {
        let Shared { snapshot, store, observer, clock, sites, rates, admission, served } = self;
        let (bounds, sizes) = (Arc::clone(&config.bounds), config.sizes.clone());
        let trusted = Trusted::new(config.trust.clone());
        let sockets = Sockets { plain, tls, served, admission };
        spawn(format!("serve-{number}"), move || {
            pin(number);
            let worker = Worker {
                snapshot,
                store,
                observer,
                clock,
                counters,
                upstream: Upstream::new(sites),
                trusted,
                tunnels: Tunnels::default(),
                rates,
                sizes,
                bounds,
            };
            server::serve(worker, sockets, phases)
        })
    }
}

/// What TLS is served with, where it is listened to.
fn served(config: &Config) -> Result<Option<Served>, TlsError> {
    if config.listen_tls.is_empty() {
        return Ok(None);
    }
    server::served(&config.certs, config.hsts.clone()).map(Some)
}

/// Says where it listens, the operator's address last.
fn say_where(listeners: [(&str, &Vec<SocketAddr>); 3]) {
    for (kind, addresses) in listeners {
        for address in addresses {
            info!("listening on {kind}://{address}");
        }
    }
}

/// Keeps the memory of who asked small, until the gateway stops.
fn forget(rates: &Rates, phases: Phases) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let mut stopped = pin!(stopped(phases));
        while timeout(FORGET, &mut stopped).await.is_err() {
            rates.forget();
        }
    });
    Ok(())
}

/// Who is let in, as many as the process may have descriptors for.
fn admission(config: &Config) -> Admission {
    let limits = &config.bounds.limits;
    let told = limits.connections.get().saturating_mul(config.threads);
    let descriptors = descriptors::raise();
    let possible = descriptors::connections(descriptors, config.threads);
    if possible < told {
        warn!(
            "of {told} connections {possible} can be open at once: the process may have {descriptors} descriptors"
        );
    }
    let trusted = Trusted::new(config.trust.clone());
    let announcing = Trusted::new(config.proxy_protocol.clone());
    let of_address = limits.connections_per_address.get();
    Admission::new(told.min(possible), of_address, trusted, announcing)
}

fn sites(config: &Config) -> Result<Sites, SitesError> {
    let plan = Plan::new(config.upstream.as_ref(), &config.upstreams, &config.route)?;
    Sites::new(plan, &config.resolver, &config.bounds)
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

/// Keeps a thread on its core, so that its memory stays near. Where that is not allowed the
/// thread goes where the kernel puts it.
fn pin(number: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut set = rustix::thread::CpuSet::new();
    set.set(number % cores);
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        warn!(%error, "a thread could not be pinned to its core");
    }
}
