//! Servers that are asked in turn for the same, and how they share the work.
//!
//! A request goes to a server that is well, was not tried for it yet, and has room. If no server is
//! well they all count as well: a check that is wrong must not take the site down, and who is really
//! down answers nothing worse than we would. If none has room it waits its turn, for a while, in a
//! queue that has an end.
//!
//! Which server is well says [`super::server`]; the threads share all of this. A reload that changes a
//! group makes another, with the servers that stay and the same queue: who waits in it keeps their turn.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::origin::Origin;
use super::resolve::Resolver;
use super::server::Server;
use super::settings::UpstreamSettings;
use super::tls::{Papers, Tls, TlsRefused};
use crate::fault::UpstreamFault;
use crate::settings::Count;

/// How soon who waits in a group that was replaced looks for a place again.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How the servers of a group share the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest requests under way; of several, one after the other.
    LeastConnections,
}

impl Balance {
    const ALL: [Balance; 2] = [Balance::RoundRobin, Balance::LeastConnections];

    /// As it is written in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Balance::RoundRobin => "round-robin",
            Balance::LeastConnections => "least-connections",
        }
    }

    /// Reads what [`Balance::name`] writes; the error says what would be right.
    pub fn parse(text: &str) -> Result<Balance, &'static str> {
        let found = Balance::ALL.into_iter().find(|balance| balance.name() == text);
        found.ok_or("write `round-robin` or `least-connections`")
    }
}

/// A group of servers.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) servers: Vec<Arc<Server>>,
    pub(super) upstream: UpstreamSettings,
    next: AtomicUsize,
    queue: Arc<Queue>,
    is_retired: AtomicBool,
    budget: Budget,
}

/// Who waits for a place in a group, or in the one that came after it.
#[derive(Debug, Default)]
struct Queue {
    waiting: AtomicUsize,
    freed: Notify,
}

impl Group {
    /// A group as it was set; reads the files that its TLS needs. What it shares with the one `before` it
    /// stays, and all of it does where nothing has changed.
    pub(super) fn new(
        name: &str,
        upstream: &UpstreamSettings,
        resolver: &Resolver,
        before: Option<&Arc<Group>>,
    ) -> Result<Arc<Group>, TlsRefused> {
        let mut upstream = upstream.clone();
        if upstream.servers.len() == 1 {
            // It would be asked all the same.
            upstream.ejection.failures = Count::of(0);
        }
        let papers = Papers::of(&upstream)?;
        // Each stays once, even where one address is named twice.
        let mut known: Vec<_> = before.map(|before| before.servers.clone()).unwrap_or_default();
        let server = |origin: &Origin| {
            let tls = Tls::with(origin, &upstream.tls, papers.as_ref())?;
            let same = known.iter().position(|known| known.is(origin, &upstream, tls.as_ref()));
            Ok(match same {
                Some(at) => known.remove(at),
                None => Arc::new(Server::new(name, origin, &upstream, tls, resolver)),
            })
        };
        let servers = upstream.servers.iter().map(server).collect::<Result<Vec<_>, _>>()?;
        let is_same = |before: &&Arc<Group>| {
            let mut both = before.servers.iter().zip(&servers);
            before.upstream == upstream && both.all(|(one, other)| Arc::ptr_eq(one, other))
        };
        if let Some(before) = before.filter(is_same) {
            return Ok(Arc::clone(before));
        }
        Ok(Arc::new(Group {
            name: name.to_owned(),
            servers,
            budget: Budget::new(upstream.retries.get()),
            upstream,
            next: AtomicUsize::new(0),
            queue: before.map(|before| Arc::clone(&before.queue)).unwrap_or_default(),
            is_retired: AtomicBool::new(false),
        }))
    }

    /// Another group is in force in its place. Who waits is served by this one.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::SeqCst);
        self.queue.freed.notify_waiters();
    }

    /// A place at a server for one request, which may have been sent to some before.
    pub(super) async fn enter(self: &Arc<Self>, tried: &[usize]) -> Result<Slot, UpstreamFault> {
        // Who waits goes first.
        if self.queue.waiting.load(Ordering::SeqCst) == 0
            && let Some(slot) = self.place(tried)
        {
            return Ok(slot);
        }
        let _place = Place::in_queue(self).ok_or(UpstreamFault::Full("the queue is full"))?;
        let turn = async {
            loop {
                let mut freed = pin!(self.queue.freed.notified());
                // From here on no place is freed without our knowing.
                freed.as_mut().enable();
                if let Some(slot) = self.place(tried) {
                    return slot;
                }
                if self.is_retired.load(Ordering::SeqCst) {
                    // Others are told of places, which may be at servers that this group has not.
                    sleep(LOOK_AGAIN).await;
                } else {
                    freed.await;
                }
            }
        };
        let turn = timeout(self.upstream.queue.get(), turn).await;
        turn.map_err(|_| UpstreamFault::Full("no turn came in time"))
    }

    /// Whether a request that failed at some servers has another to go to.
    pub(super) fn has_other(&self, tried: &[usize]) -> bool {
        (0..self.servers.len()).any(|index| !tried.contains(&index))
    }

    /// Counts a request that may pay for another to be sent again.
    pub(super) fn earn(&self) {
        self.budget.earn();
    }

    /// Whether one more request may be sent again.
    pub(super) fn may_retry(&self) -> bool {
        self.budget.spend()
    }

    /// A server's news are everybody's: who waits looks again.
    pub(super) fn look_again(&self) {
        self.queue.freed.notify_waiters();
    }

    /// A place at the server whose turn it is, if one has room.
    fn place(self: &Arc<Self>, tried: &[usize]) -> Option<Slot> {
        let count = self.servers.len();
        let max = self.upstream.connections.get();
        if count == 1 {
            return self.servers[0].enter(max).then(|| Slot { group: Arc::clone(self), index: 0 });
        }
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = || (0..count).map(|step| first.wrapping_add(step) % count);
        let well = |index: &usize| self.servers[*index].is_well();
        let fresh = |index: &usize| !tried.contains(index);
        let any_well = (0..count).any(|index| well(&index));
        let may = |index: &usize| !any_well || well(index);
        let any_fresh = (0..count).any(|index| may(&index) && fresh(&index));
        let mut choice: Vec<usize> =
            in_turn().filter(may).filter(|index| !any_fresh || fresh(index)).collect();
        if self.upstream.balance == Balance::LeastConnections {
            choice.sort_by_key(|index| self.servers[*index].live());
        }
        let index = choice.into_iter().find(|index| self.servers[*index].enter(max))?;
        Some(Slot { group: Arc::clone(self), index })
    }
}

/// A request's place at a server.
#[derive(Debug)]
pub(super) struct Slot {
    group: Arc<Group>,
    pub(super) index: usize,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.group.servers[self.index].leave();
        // In one order for all: who comes to wait sees the place, or is seen here.
        let queue = &self.group.queue;
        if queue.waiting.load(Ordering::SeqCst) > 0 {
            queue.freed.notify_one();
        }
    }
}

/// A place in the queue.
struct Place<'a>(&'a Group);

impl Place<'_> {
    fn in_queue(group: &Group) -> Option<Place<'_>> {
        let before = group.queue.waiting.fetch_add(1, Ordering::SeqCst);
        // Counted before it is looked at: two who come at once cannot both be the last.
        let place = Place(group);
        (before < group.upstream.pending.get()).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.queue.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How much may be sent again: a site in trouble must not be asked twice for everything.
#[derive(Debug)]
struct Budget {
    /// What one request earns; one that is sent again costs [`Budget::COST`].
    earned: i64,
    saved: AtomicI64,
}

impl Budget {
    const COST: i64 = 100;
    /// So many may be sent again at once, after a quiet time too.
    const SAVED_MAX: i64 = 10 * Budget::COST;

    fn new(percent: usize) -> Budget {
        let saved = if percent == 0 { 0 } else { Budget::SAVED_MAX };
        let earned = i64::try_from(percent).unwrap_or(Budget::COST);
        Budget { earned, saved: AtomicI64::new(saved) }
    }

    fn earn(&self) {
        if self.saved.load(Ordering::Relaxed) < Budget::SAVED_MAX {
            self.saved.fetch_add(self.earned, Ordering::Relaxed);
        }
    }

    fn spend(&self) -> bool {
        let spent = |saved: i64| (saved >= Budget::COST).then(|| saved - Budget::COST);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_requests_as_many_are_sent_again_as_was_set() {
        let budget = Budget::new(20);
        let spent = |budget: &Budget, tries: usize| (0..tries).filter(|_| budget.spend()).count();
        assert_eq!(spent(&budget, 100), 10, "what was saved at the start");
        (0..25).for_each(|_| budget.earn());
        assert_eq!(spent(&budget, 100), 5);
        (0..10_000).for_each(|_| budget.earn());
        assert_eq!(spent(&budget, 100), 10, "no more than that is saved");
        let none = Budget::new(0);
        none.earn();
        assert_eq!(spent(&none, 1), 0);
    }
}
