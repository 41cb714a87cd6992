//! How often one address may ask.
//!
//! Rates for each address: of requests, which is off until an operator sets it, since a carrier's
//! or a school's address is a thousand people; of choices, since each is a row on the disk for
//! good; and of browsers' reports, of which a few tell as much as many. Who asks more often is told when to come again.
//!
//! What counts is the visitor's address, behind trusted proxies too. Of IPv6 a /64 is one address:
//! whoever has one has all of it.
//!
//! Nothing is kept of who has not asked for as long as their burst takes to grow again.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::Method;

use crate::bounds::Limits;
use crate::fault::VisitorFault;
use crate::subject::REPORT;

/// How often addresses are forgotten that have not asked for long.
pub const FORGET: Duration = Duration::from_secs(10);

/// How many bodies of reports an address may send in a minute. What is over is lost, and nothing with it.
const REPORTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("it is not 0");

/// What a request is for, as far as rates tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Whatever costs no more than its answer.
    Any,
    /// To choose.
    Choice,
    /// To report what a policy stopped.
    Report,
}

impl Asked {
    /// A choice is a `POST` to a page of ours, unless it is a report.
    pub(super) fn of(method: &Method, ours: bool, path: &str) -> Asked {
        match ours && method == Method::POST {
            true if path == REPORT => Asked::Report,
            true => Asked::Choice,
            false => Asked::Any,
        }
    }
}

/// What one visitor holds of the addresses: one of IPv4, a /64 of IPv6.
pub fn holding(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The rates, shared by all threads.
#[derive(Debug)]
pub struct Rates<C: Clock = MonotonicClock> {
    requests: Option<Arc<Rate<C>>>,
    choices: Option<Arc<Rate<C>>>,
    reports: Option<Arc<Rate<C>>>,
}

impl Rates {
    /// Rates by the machine's clock.
    pub fn new(limits: &Limits) -> Rates {
        Rates::by(&MonotonicClock, limits)
    }

    /// Rates that go on where others end: a rate that stays the same remembers who has asked.
    pub fn after(before: &Rates, limits: &Limits) -> Rates {
        Rates::new(limits).following(before)
    }
}

/// The rate before, if the next is no other.
fn same<C: Clock>(
    before: Option<&Arc<Rate<C>>>,
    next: Option<Arc<Rate<C>>>,
) -> Option<Arc<Rate<C>>> {
    match (before, next) {
        (Some(before), Some(next)) if before.quota == next.quota => Some(Arc::clone(before)),
        (_, next) => next,
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn following(self, before: &Rates<C>) -> Rates<C> {
        Rates {
            requests: same(before.requests.as_ref(), self.requests),
            choices: same(before.choices.as_ref(), self.choices),
            reports: same(before.reports.as_ref(), self.reports),
        }
    }

    fn by(clock: &C, limits: &Limits) -> Rates<C> {
        let rate = |quota: Quota| Arc::new(Rate::new(quota, clock.clone()));
        // None where it is 0.
        let often = |count: usize| NonZeroU32::new(u32::try_from(count).unwrap_or(u32::MAX));
        let burst = often(limits.burst_per_address.get()).unwrap_or(NonZeroU32::MIN);
        let requests = often(limits.requests_per_address.get());
        let requests = requests.map(|often| Quota::per_second(often).allow_burst(burst));
        let choices = often(limits.choices_per_address.get()).map(Quota::per_minute);
        let reports = Some(rate(Quota::per_minute(REPORTS_PER_MINUTE)));
        Rates { requests: requests.map(rate), choices: choices.map(rate), reports }
    }

    /// Counts a request, and says if it is one too many.
    pub(super) fn admit(&self, address: IpAddr, asked: Asked) -> Result<(), VisitorFault> {
        if let Some(seconds) = self.requests.as_ref().and_then(|rate| rate.over(address)) {
            return Err(VisitorFault::TooManyRequests(seconds));
        }
        let over = |rate: &Option<Arc<Rate<C>>>| rate.as_ref().and_then(|rate| rate.over(address));
        match asked {
            Asked::Any => Ok(()),
            Asked::Choice => over(&self.choices)
                .map_or(Ok(()), |seconds| Err(VisitorFault::TooManyChoices(seconds))),
            Asked::Report => over(&self.reports)
                .map_or(Ok(()), |seconds| Err(VisitorFault::TooManyReports(seconds))),
        }
    }

    /// Forgets the addresses that have not asked for long.
    pub fn forget(&self) {
        for rate in [&self.requests, &self.choices, &self.reports].into_iter().flatten() {
            rate.limiter.retain_recent();
            rate.limiter.shrink_to_fit();
        }
    }
}

struct Rate<C: Clock> {
    quota: Quota,
    limiter: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl<C: Clock + Clone> Rate<C> {
    fn new(quota: Quota, clock: C) -> Rate<C> {
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock.clone());
        Rate { quota, limiter, clock }
    }

    /// Counts, and says in how many seconds to come again if it is too often.
    fn over(&self, address: IpAddr) -> Option<u64> {
        let early = self.limiter.check_key(&holding(address)).err()?;
        let wait = early.earliest_possible().duration_since(self.clock.now());
        // Rounded up: a visitor who comes when told to is not told to come again.
        Some(wait.as_u64().div_ceil(1_000_000_000).max(1))
    }
}

/// Without the addresses.
impl<C: Clock> fmt::Debug for Rate<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rate({:?}, {} addresses)", self.quota, self.limiter.len())
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::settings::Count;

    fn rates(
        requests: usize,
        burst: usize,
        choices: usize,
    ) -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let limits = Limits {
            requests_per_address: Count::of(requests),
            burst_per_address: Count::of(burst),
            choices_per_address: Count::of(choices),
            ..Limits::default()
        };
        (Rates::by(&clock, &limits), clock)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_burst_passes_and_then_as_many_as_the_rate_lets() {
        let (rates, clock) = rates(2, 5, 0);
        let ask = |address| rates.admit(ip(address), Asked::Any);
        for _ in 0..5 {
            assert_eq!(ask("198.51.100.7"), Ok(()));
        }
        assert_eq!(ask("198.51.100.7"), Err(VisitorFault::TooManyRequests(1)));
        assert_eq!(ask("198.51.100.8"), Ok(()), "another address is another visitor");
        clock.advance(Duration::from_millis(500));
        assert_eq!(ask("198.51.100.7"), Ok(()));
        assert_eq!(ask("198.51.100.7"), Err(VisitorFault::TooManyRequests(1)));
        clock.advance(Duration::from_mins(1));
        for _ in 0..5 {
            assert_eq!(ask("198.51.100.7"), Ok(()));
        }
        assert!(ask("198.51.100.7").is_err(), "rest does not add up over the burst");
    }

    #[test]
    fn choices_are_counted_and_looking_is_not() {
        let (rates, clock) = rates(0, 1, 3);
        let address = ip("198.51.100.7");
        for _ in 0..100 {
            assert_eq!(rates.admit(address, Asked::Any), Ok(()));
            assert_eq!(rates.admit(address, Asked::Any), Ok(()), "the site's forms");
        }
        for _ in 0..3 {
            assert_eq!(rates.admit(address, Asked::Choice), Ok(()));
        }
        let over = rates.admit(address, Asked::Choice);
        assert_eq!(over, Err(VisitorFault::TooManyChoices(20)));
        clock.advance(Duration::from_millis(19_500));
        let over = rates.admit(address, Asked::Choice);
        assert_eq!(over, Err(VisitorFault::TooManyChoices(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(rates.admit(address, Asked::Choice), Ok(()));
    }

    #[test]
    fn reports_are_no_choices_and_have_a_rate_of_their_own() {
        let post = |path| Asked::of(&Method::POST, true, path);
        assert_eq!(post("/.consent/report"), Asked::Report);
        assert_eq!(post("/.consent/choices"), Asked::Choice);
        assert_eq!(Asked::of(&Method::POST, false, "/form"), Asked::Any);
        assert_eq!(Asked::of(&Method::GET, true, "/.consent/report"), Asked::Any);
        let (rates, clock) = rates(0, 1, 1);
        let address = ip("198.51.100.7");
        for _ in 0..REPORTS_PER_MINUTE.get() {
            assert_eq!(rates.admit(address, Asked::Report), Ok(()));
        }
        let over = rates.admit(address, Asked::Report);
        assert_eq!(over, Err(VisitorFault::TooManyReports(1)));
        assert_eq!(rates.admit(address, Asked::Choice), Ok(()), "who reports may choose");
        clock.advance(Duration::from_secs(1));
        assert_eq!(rates.admit(address, Asked::Report), Ok(()));
    }

    #[test]
    fn a_64_of_ipv6_is_one_address_and_mapped_ipv4_is_ipv4() {
        assert_eq!(holding(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_ne!(holding(ip("2001:db8:1:2::1")), holding(ip("2001:db8:1:3::1")));
        assert_eq!(holding(ip("::ffff:198.51.100.7")), ip("198.51.100.7"));
        let (rates, _) = rates(1, 1, 0);
        assert_eq!(rates.admit(ip("2001:db8::1"), Asked::Any), Ok(()));
        assert!(rates.admit(ip("2001:db8::2"), Asked::Any).is_err());
    }

    #[test]
    fn a_rate_that_stays_remembers_and_one_that_changes_begins_anew() {
        let clock = FakeRelativeClock::default();
        let by = |requests, choices| {
            let limits = Limits {
                requests_per_address: Count::of(requests),
                burst_per_address: Count::of(1),
                choices_per_address: Count::of(choices),
                ..Limits::default()
            };
            Rates::by(&clock, &limits)
        };
        let choose = |rates: &Rates<_>| rates.admit(ip("198.51.100.7"), Asked::Choice);
        let first = by(1, 1);
        assert_eq!(choose(&first), Ok(()));
        let same = by(1, 1).following(&first);
        assert_eq!(choose(&same), Err(VisitorFault::TooManyRequests(1)));
        let other = by(2, 1).following(&same);
        assert_eq!(choose(&other), Err(VisitorFault::TooManyChoices(60)), "the other stays");
        assert_eq!(choose(&by(0, 0).following(&other)), Ok(()));
        assert_eq!(choose(&by(1, 2).following(&other)), Ok(()), "both are new");
    }

    #[test]
    fn who_has_not_asked_for_long_is_forgotten() {
        let (rates, clock) = rates(10, 10, 0);
        let kept = || rates.requests.as_ref().map(|rate| rate.limiter.len());
        for last in 0..=255 {
            assert_eq!(rates.admit(IpAddr::from([198, 51, 100, last]), Asked::Any), Ok(()));
        }
        rates.forget();
        assert_eq!(kept(), Some(256));
        clock.advance(Duration::from_secs(2));
        assert_eq!(rates.admit(ip("203.0.113.1"), Asked::Any), Ok(()));
        rates.forget();
        assert_eq!(kept(), Some(1));
    }
}
