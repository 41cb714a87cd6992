//! Who is let in: how many connections there may be, and how many of one address.
//!
//! Both are counted before TLS and over all threads. While all connections there may be are open no more
//! are accepted: they wait in the kernel, and nobody who is served notices. One address that has its
//! share is closed at once, before it has cost a handshake.
//!
//! A proxy that is trusted has no share, for it brings everybody's requests; who comes by the PROXY
//! protocol has the visitor's that it names. A place is held until the socket closes, also by one that
//! has become a tunnel: [`Held`] carries it.
//!
//! How often an address may ask is counted in [`crate::proxy`].

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tracing::warn;

use super::line::Line;
use crate::observe::Counters;
use crate::proxy::{Trusted, holding};

/// How often what goes on for long is said in the log.
const SAID: Duration = Duration::from_mins(1);

/// The doorkeeper of all threads.
#[derive(Debug)]
pub struct Admission {
    places: Arc<Semaphore>,
    places_max: usize,
    of_address: DashMap<IpAddr, usize>,
    of_address_max: usize,
    trusted: Trusted,
    announcing: Trusted,
    full: Seldom,
    failed: Seldom,
    over: Seldom,
}

impl Admission {
    /// One that lets so many in, and so many of one address (0 is no bound) unless it is trusted.
    /// Those of `announcing` say by the PROXY protocol who comes.
    pub fn new(
        places: usize,
        of_address_max: usize,
        trusted: Trusted,
        announcing: Trusted,
    ) -> Admission {
        let places_max = places.min(Semaphore::MAX_PERMITS);
        Admission {
            places: Arc::new(Semaphore::new(places_max)),
            places_max,
            of_address: DashMap::new(),
            of_address_max,
            trusted,
            announcing,
            full: Seldom::default(),
            failed: Seldom::default(),
            over: Seldom::default(),
        }
    }

    /// Waits for a place.
    pub(super) async fn place(self: &Arc<Self>, counters: &Counters) -> Place {
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {
                counters.connections_waited.add(1);
                if self.full.is_due() {
                    let open = self.places_max;
                    warn!("all {open} connections that there may be are open; more have to wait");
                }
                let permit = Arc::clone(&self.places).acquire_owned().await;
                permit.expect("nobody closes the semaphore")
            }
        };
        Place { _permit: permit, admission: Arc::clone(self), address: None }
    }

    /// Whether a peer says by the PROXY protocol who comes.
    pub(super) fn announces(&self, peer: IpAddr) -> bool {
        self.announcing.contains(peer)
    }

    /// Says that no connection can be accepted, though not each time.
    pub(super) fn failed(&self, error: &io::Error) {
        if self.failed.is_due() {
            warn!(%error, "connections cannot be accepted");
        }
    }
}

/// A place for one connection.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Place {
    /// Gives it to an address, if that may have one more.
    pub(super) fn give(&mut self, address: IpAddr) -> bool {
        let Admission { of_address, of_address_max, trusted, over, .. } = &*self.admission;
        if *of_address_max == 0 || trusted.contains(address) {
            return true;
        }
        let address = holding(address);
        {
            let mut count = of_address.entry(address).or_insert(0);
            if *count < *of_address_max {
                *count += 1;
                self.address = Some(address);
                return true;
            }
        }
        if over.is_due() {
            warn!("an address has {of_address_max} connections open; more of it are closed");
        }
        false
    }
}

impl Drop for Place {
    fn drop(&mut self) {
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

    fn admission(places: usize, of_address: usize) -> Arc<Admission> {
        let trusted = Trusted::new(vec!["10.0.0.0/8".parse().expect("a network")]);
        Arc::new(Admission::new(places, of_address, trusted, Trusted::default()))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_not_more_until_one_closes() {
        let admission = admission(100, 2);
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
            assert_eq!(place.give(ip(address)), given, "{address}");
            places.push(place);
        }
        for _ in 0..10 {
            let mut place = admission.place(&counters).await;
            assert!(place.give(ip("10.1.2.3")), "who is trusted brings everybody");
            places.push(place);
        }
        // Those that were refused held nothing, and one that closes makes room for one.
        drop(places.remove(2));
        let mut place = admission.place(&counters).await;
        assert!(!place.give(ip("198.51.100.7")));
        drop(places.remove(0));
        assert!(place.give(ip("198.51.100.7")));
        drop((place, places));
        assert!(admission.of_address.is_empty(), "nothing is kept of who has gone");
    }

    #[tokio::test]
    async fn without_a_bound_nobody_is_counted() {
        let admission = admission(100, 0);
        let mut places = Vec::new();
        for _ in 0..50 {
            let mut place = admission.place(&Counters::default()).await;
            assert!(place.give(ip("198.51.100.7")));
            places.push(place);
        }
        assert!(admission.of_address.is_empty());
    }

    #[tokio::test]
    async fn when_all_places_are_taken_the_next_waits_for_one() {
        let admission = admission(2, 0);
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
