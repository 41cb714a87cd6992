//! Who is let in: how many connections there may be, and how many of one address.
//!
//! Both are counted before TLS and over all threads. While all connections there may be are open no more
//! are accepted: they wait in the kernel, and nobody who is served notices. One address that has its
//! share is closed at once, before it has cost a handshake.
//!
//! A proxy that is trusted has no share, for it brings everybody's requests; who comes by the PROXY
//! protocol has the visitor's that it names. A place is held until the socket closes, also by one that
//! has become a tunnel: [`Held`] carries it. When there may be fewer than before, nobody is sent away:
//! places that become free are given up until it is so.
//!
//! How often an address may ask is counted in [`crate::proxy`].

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tracing::warn;

use super::descriptors;
use super::line::Line;
use crate::config::Config;
use crate::observe::Counters;
use crate::proxy::{InForce, holding};

/// How often what goes on for long is said in the log.
const SAID: Duration = Duration::from_mins(1);

/// The doorkeeper of all threads.
#[derive(Debug)]
pub struct Admission {
    places: Arc<Semaphore>,
    places_max: AtomicUsize,
    /// How many of them are still taken that there are no more.
    surplus: AtomicUsize,
    of_address: DashMap<IpAddr, usize>,
    full: Seldom,
    failed: Seldom,
    over: Seldom,
}

impl Admission {
    /// One that lets as many in as are set, and as the process may have descriptors for.
    pub fn new(config: &Config) -> Admission {
        Admission::with(places(config))
    }

    /// Lets as many in from now on.
    pub fn follow(&self, config: &Config) {
        self.resize(places(config));
    }

    fn with(places: usize) -> Admission {
        let places_max = places.min(Semaphore::MAX_PERMITS);
        Admission {
            places: Arc::new(Semaphore::new(places_max)),
            places_max: AtomicUsize::new(places_max),
            surplus: AtomicUsize::new(0),
            of_address: DashMap::new(),
            full: Seldom::default(),
            failed: Seldom::default(),
            over: Seldom::default(),
        }
    }

    fn resize(&self, places: usize) {
        let places = places.min(Semaphore::MAX_PERMITS);
        let before = self.places_max.swap(places, Ordering::SeqCst);
        if places > before {
            // Who was to give up a place may keep it.
            let more = places - before;
            let kept = self.surplus.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |surplus| {
                Some(surplus.saturating_sub(more))
            });
            let kept = kept.unwrap_or_default().min(more);
            self.places.add_permits(more - kept);
        } else {
            let fewer = before - places;
            let free = self.places.forget_permits(fewer);
            self.surplus.fetch_add(fewer - free, Ordering::SeqCst);
        }
    }

    /// Whether a place that becomes free is one too many.
    fn is_surplus(&self) -> bool {
        let one_less = |surplus: usize| surplus.checked_sub(1);
        self.surplus.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
    }

    /// Waits for a place.
    pub(super) async fn place(self: &Arc<Self>, counters: &Counters) -> Place {
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {
                counters.connections_waited.add(1);
                if self.full.is_due() {
                    let open = self.places_max.load(Ordering::Relaxed);
                    warn!("all {open} connections that there may be are open; more have to wait");
                }
                let permit = Arc::clone(&self.places).acquire_owned().await;
                permit.expect("nobody closes the semaphore")
            }
        };
        Place { permit: Some(permit), admission: Arc::clone(self), address: None }
    }

    /// Says that no connection can be accepted, though not each time.
    pub(super) fn failed(&self, error: &io::Error) {
        if self.failed.is_due() {
            warn!(%error, "connections cannot be accepted");
        }
    }
}

/// How many connections there may be, of those that are set.
fn places(config: &Config) -> usize {
    let set = config.bounds.limits.connections.get().saturating_mul(config.threads);
    let descriptors = descriptors::raise();
    let possible = descriptors::connections(descriptors, config.threads);
    if possible < set {
        warn!(
            "of {set} connections {possible} can be open at once: the process may have {descriptors} descriptors"
        );
    }
    set.min(possible)
}

/// A place for one connection.
#[derive(Debug)]
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Place {
    /// Gives it to an address, if that may have one more by what is in force.
    pub(super) fn give(&mut self, address: IpAddr, in_force: &InForce) -> bool {
        let max = in_force.bounds.limits.connections_per_address.get();
        max == 0 || in_force.trusted.contains(address) || self.give_of(address, max)
    }

    /// Gives it to an address that has fewer than `max`.
    fn give_of(&mut self, address: IpAddr, max: usize) -> bool {
        let Admission { of_address, over, .. } = &*self.admission;
        let address = holding(address);
        {
            let mut count = of_address.entry(address).or_insert(0);
            if *count < max {
                *count += 1;
                self.address = Some(address);
                return true;
            }
        }
        if over.is_due() {
            warn!("an address has {max} connections open; more of it are closed");
        }
        false
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.admission.is_surplus()
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
        }
        let Some(address) = self.address else { return };
        if let Entry::Occupied(mut count) = self.admission.of_address.entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// A socket that holds its place until it closes.
#[derive(Debug)]
pub(super) struct Held<S> {
    io: S,
    _place: Place,
}

impl<S> Held<S> {
    pub(super) fn new(io: S, place: Place) -> Held<S> {
        Held { io, _place: place }
    }
}

impl<S: Line> Line for Held<S> {
    fn socket(&self) -> Option<&TcpStream> {
        self.io.socket()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// What is said at most once in a while, whoever of the threads says it.
#[derive(Debug, Default)]
struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    fn is_due(&self) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = said.is_none_or(|at| at.elapsed() >= SAID);
        if due {
            *said = Some(Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(places: usize) -> Arc<Admission> {
        Arc::new(Admission::with(places))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_not_more_until_one_closes() {
        let admission = admission(100);
        let counters = Counters::default();
        let mut places = Vec::new();
        for (address, given) in [
            ("198.51.100.7", true),
            ("::ffff:198.51.100.7", true),
            ("198.51.100.7", false),
            ("198.51.100.8", true),
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8::3", false),
            ("2001:db8:0:1::3", true),
        ] {
            let mut place = admission.place(&counters).await;
            assert_eq!(place.give_of(ip(address), 2), given, "{address}");
            places.push(place);
        }
        // Those that were refused held nothing, and one that closes makes room for one.
        drop(places.remove(2));
        let mut place = admission.place(&counters).await;
        assert!(!place.give_of(ip("198.51.100.7"), 2));
        drop(places.remove(0));
        assert!(place.give_of(ip("198.51.100.7"), 2));
        drop((place, places));
        assert!(admission.of_address.is_empty(), "nothing is kept of who has gone");
    }

    #[tokio::test]
    async fn when_all_places_are_taken_the_next_waits_for_one() {
        let admission = admission(2);
        let counters = Counters::default();
        let first = admission.place(&counters).await;
        let _second = admission.place(&counters).await;
        assert_eq!(counters.connections_waited.get(), 0);
        let mut third = std::pin::pin!(admission.place(&counters));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(third.as_mut().poll(&mut cx).is_pending());
        assert!(third.as_mut().poll(&mut cx).is_pending());
        drop(first);
        assert!(third.as_mut().poll(&mut cx).is_ready());
        assert_eq!(counters.connections_waited.get(), 1);
    }

    #[tokio::test]
    async fn nobody_is_sent_away_when_there_may_be_fewer() {
        let admission = admission(4);
        let counters = Counters::default();
        let mut places = Vec::new();
        for _ in 0..3 {
            places.push(admission.place(&counters).await);
        }
        let free = || admission.places.available_permits();
        admission.resize(1);
        assert_eq!((free(), admission.surplus.load(Ordering::SeqCst)), (0, 2));
        places.pop();
        assert_eq!((free(), admission.surplus.load(Ordering::SeqCst)), (0, 1));
        // One of the two that are left may stay, and one more may come.
        admission.resize(3);
        assert_eq!((free(), admission.surplus.load(Ordering::SeqCst)), (1, 0));
        places.clear();
        assert_eq!(free(), 3);
        admission.resize(2);
        assert_eq!(free(), 2);
    }

    #[test]
    fn what_goes_on_is_said_once() {
        let seldom = Seldom::default();
        assert!(seldom.is_due());
        assert!(!seldom.is_due());
        let earlier = Instant::now().checked_sub(SAID);
        if earlier.is_some() {
            *seldom.0.lock().expect("nobody panics") = earlier;
            assert!(seldom.is_due());
        }
    }
}
