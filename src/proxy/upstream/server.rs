//! One server behind the gateway, as all threads know it: where it is and whether it is well.
//!
//! It is not well while its health checks fail, and for a while after too many requests in a row got
//! no answer from it (ejection). What it answers is its own business: an error is an answer.
//!
//! Checks that pass end an ejection: they know more than an old failure.
//!
//! A server that a reload finds set as it was stays what it is, with all that is known of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::time::Instant;
use tracing::{info, warn};

use super::origin::Origin;
use super::resolve::{Addresses, Resolver};
use super::settings::{EjectionSettings, HealthSettings, UpstreamSettings};
use super::tls::Tls;
use crate::observe::ServerCounters;
use crate::settings::Span;

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) origin: Origin,
    pub(super) tls: Option<Tls>,
    pub(super) addresses: Addresses,
    pub(super) counters: Arc<ServerCounters>,
    /// How long an HTTP/2 connection may be silent, and how long it may take to say that it lives.
    pub(super) ping: Span,
    /// How it is checked: what is known of it was found so.
    health: HealthSettings,
    live: AtomicUsize,
    /// Requests in a row that got no answer.
    failures: AtomicUsize,
    /// When an ejection ends, in milliseconds from `began` on.
    ejected_until: AtomicU64,
    began: Instant,
    /// Checks in a row that passed and that failed.
    passed: AtomicUsize,
    failed: AtomicUsize,
}

impl Server {
    pub(super) fn new(
        group: &str,
        origin: &Origin,
        upstream: &UpstreamSettings,
        tls: Option<Tls>,
        resolver: &Resolver,
    ) -> Server {
        // The first check that fails counts: nobody has seen the server well yet.
        let failed = upstream.health.fall.get() - 1;
        Server {
            tls,
            addresses: Addresses::new(origin, resolver.clone()),
            counters: Arc::new(ServerCounters::new(group, origin.url())),
            origin: origin.clone(),
            ping: upstream.ping,
            health: upstream.health.clone(),
            live: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            ejected_until: AtomicU64::new(0),
            began: Instant::now(),
            passed: AtomicUsize::new(0),
            failed: AtomicUsize::new(failed),
        }
    }

    /// Whether it is the server that is set so.
    pub(super) fn is(
        &self,
        origin: &Origin,
        upstream: &UpstreamSettings,
        tls: Option<&Tls>,
    ) -> bool {
        let as_secure = match (&self.tls, tls) {
            (Some(one), Some(other)) => one.is(other),
            (None, None) => true,
            _ => false,
        };
        let set = (&self.origin, self.ping, &self.health);
        as_secure && set == (origin, upstream.ping, &upstream.health)
    }

    /// Whether requests are to go there.
    pub(super) fn is_well(&self) -> bool {
        self.counters.is_healthy() && !self.is_ejected()
    }

    fn is_ejected(&self) -> bool {
        match self.ejected_until.load(Ordering::Relaxed) {
            0 => false,
            until => self.millis() < until,
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Requests under way.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Takes a place, if fewer than `max` are taken.
    pub(super) fn enter(&self, max: usize) -> bool {
        let one_more = |live: usize| (live < max).then_some(live + 1);
        self.live.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).is_ok()
    }

    pub(super) fn leave(&self) {
        self.live.fetch_sub(1, Ordering::SeqCst);
    }

    /// It has answered.
    pub(super) fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// It has not answered.
    pub(super) fn did_not_answer(&self, ejection: &EjectionSettings) {
        self.counters.failures.add(1);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let (max, time) = (ejection.failures.get(), ejection.time.get());
        if max == 0 || failures < max || self.is_ejected() {
            return;
        }
        self.failures.store(0, Ordering::Relaxed);
        self.passed.store(0, Ordering::Relaxed);
        let time_millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.ejected_until.store(self.millis().saturating_add(time_millis), Ordering::Relaxed);
        self.counters.ejections.add(1);
        let time = ejection.time;
        warn!(server = %self.origin, "{failures} requests in a row failed; left out for {time}");
    }

    /// A check has passed; returns whether the server has become well by it.
    pub(super) fn passed(&self, health: &HealthSettings) -> bool {
        self.failed.store(0, Ordering::Relaxed);
        let passed = self.passed.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if passed != health.rise.get() {
            return false;
        }
        let ejected = self.ejected_until.swap(0, Ordering::Relaxed) != 0;
        let news = self.counters.set_healthy(true);
        if news {
            info!(server = %self.origin, "health checks pass: requests go there again");
        }
        news || ejected
    }

    /// A check has failed, and `why`.
    pub(super) fn failed(&self, health: &HealthSettings, why: &str) {
        self.passed.store(0, Ordering::Relaxed);
        let failed = self.failed.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failed >= health.fall.get() && self.counters.set_healthy(false) {
            warn!(server = %self.origin, "health checks fail: {why}");
        }
    }

    /// Whether connections to an address still lead there.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        self.addresses.contain(address)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::Count;

    const EJECTION: EjectionSettings =
        EjectionSettings { failures: Count::of(3), time: Span::of_secs(10) };

    fn server() -> (Server, HealthSettings) {
        let origin = Origin::parse("http://127.0.0.1:1").unwrap();
        let health =
            HealthSettings { rise: Count::of(2), fall: Count::of(3), ..HealthSettings::default() };
        let upstream = UpstreamSettings { health: health.clone(), ..UpstreamSettings::default() };
        (Server::new("", &origin, &upstream, None, &Resolver::System), health)
    }

    #[test]
    fn checks_count_in_a_row_and_the_first_counts_at_once() {
        let (server, health) = server();
        assert!(server.is_well());
        server.failed(&health, "");
        assert!(!server.is_well(), "nobody has seen it well");
        for (passes, well) in [
            (true, false),
            (false, false),
            (true, false),
            (true, true),
            (false, true),
            (false, true),
            (true, true),
            (false, true),
            (false, true),
            (false, false),
        ] {
            match passes {
                true => {
                    let was_well = server.is_well();
                    assert_eq!(server.passed(&health), well && !was_well);
                }
                false => server.failed(&health, ""),
            }
            assert_eq!(server.is_well(), well);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_leave_it_out_for_a_while() {
        let (server, health) = server();
        for answers in [false, false, true, false, false] {
            match answers {
                true => server.answered(),
                false => server.did_not_answer(&EJECTION),
            }
            assert!(server.is_well());
        }
        server.did_not_answer(&EJECTION);
        assert!(!server.is_well());
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert!(!server.is_well());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(server.is_well());
        (0..3).for_each(|_| server.did_not_answer(&EJECTION));
        assert!(!server.is_well());
        // Two checks that pass know better.
        server.passed(&health);
        assert!(!server.is_well());
        server.passed(&health);
        assert!(server.is_well());
    }
}
