//! Where names lead: looked up by the system, and again from time to time.
//!
//! Behind one name may stand several addresses, which are connected to in turn. They are looked up
//! every interval, and when none of them can be reached; a lookup that fails changes nothing. Where an
//! address is gone its connections are used for no other request.
//!
//! The system's own lookup is asked, with its hosts file and its cache: what the operator's other
//! programs find, this one finds too. It does not tell how long an answer holds, hence the interval.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use tokio::net::lookup_host;
use tokio::time::Instant;
use tracing::info;

use super::origin::Origin;

/// How soon after a lookup the next one may be asked for by a failure, in milliseconds.
const PAUSE_MILLIS: u64 = 1000;

/// Finds the addresses of a name.
type Table = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Who looks names up.
#[derive(Clone, Default)]
pub enum Resolver {
    /// The system.
    #[default]
    System,
    /// A table of the caller's.
    Table(Arc<Table>),
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resolver::System => "System",
            Resolver::Table(_) => "Table",
        })
    }
}

/// The addresses of one server.
#[derive(Debug)]
pub(super) struct Addresses {
    host: String,
    port: u16,
    resolver: Resolver,
    /// Whether the host is an address itself: there is nothing to look up.
    is_fixed: bool,
    known: ArcSwap<Vec<SocketAddr>>,
    next: AtomicUsize,
    began: Instant,
    /// When they were last looked up, in milliseconds from `began` on, plus one; 0 for never.
    looked_up: AtomicU64,
}

impl Addresses {
    pub(super) fn new(origin: &Origin, resolver: Resolver) -> Addresses {
        let fixed: Option<IpAddr> = origin.host.parse().ok();
        let known = fixed.map(|address| SocketAddr::new(address, origin.port));
        Addresses {
            host: origin.host.clone(),
            port: origin.port,
            resolver,
            is_fixed: fixed.is_some(),
            known: ArcSwap::from_pointee(known.into_iter().collect()),
            next: AtomicUsize::new(0),
            began: Instant::now(),
            looked_up: AtomicU64::new(0),
        }
    }

    pub(super) fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    pub(super) fn contain(&self, address: SocketAddr) -> bool {
        self.is_fixed || self.known.load().contains(&address)
    }

    /// The addresses, beginning with the one whose turn it is.
    pub(super) async fn in_turn(&self) -> io::Result<Vec<SocketAddr>> {
        if self.known.load().is_empty() {
            self.look_up().await?;
        }
        let mut addresses = self.known.load().to_vec();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let count = addresses.len().max(1);
        addresses.rotate_left(turn % count);
        Ok(addresses)
    }

    /// Looks them up because those that are known cannot be reached, unless that was done just now.
    /// Returns whether there are others.
    pub(super) async fn are_others(&self) -> bool {
        let looked_up = self.looked_up.load(Ordering::Relaxed);
        if self.is_fixed || looked_up != 0 && self.millis() < looked_up + PAUSE_MILLIS {
            return false;
        }
        let before = self.known.load_full();
        self.look_up().await.is_ok() && **self.known.load() != *before
    }

    /// Looks them up. What cannot be looked up stays as it is.
    pub(super) async fn look_up(&self) -> io::Result<()> {
        if self.is_fixed {
            return Ok(());
        }
        self.looked_up.store(self.millis() + 1, Ordering::Relaxed);
        let mut found: Vec<SocketAddr> = match &self.resolver {
            Resolver::System => lookup_host((self.host.as_str(), self.port)).await?.collect(),
            Resolver::Table(table) => {
                table(&self.host)?.into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect()
            }
        };
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        // A name server may tell them in another order each time: that is no news.
        found.sort();
        found.dedup();
        if **self.known.load() != found {
            info!(name = self.host, addresses = ?found, "the name was looked up");
            self.known.store(Arc::new(found));
        }
        Ok(())
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - PAUSE_MILLIS)
    }
}
