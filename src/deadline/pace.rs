//! How fast a request's body comes while it is waited for.
//!
//! No upload is too long, but one that trickles holds a place at the site for as long as it likes. So in
//! each [`Timeouts::body`](crate::bounds::Timeouts::body) of waiting
//! [`Limits::body_rate`](crate::bounds::Limits::body_rate) has to be kept.
//!
//! Only time counts in which somebody waits for the visitor, and in which the visitor can send.

use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;

use super::Timer;
use crate::bounds::Bounds;

/// How fast a body comes.
#[derive(Debug, Default)]
pub struct Pace {
    waiting_since: Option<Waiting>,
    waited: Duration,
    bytes: usize,
}

/// Since when somebody waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Instant,
    /// How long the visitor had not been able to send until then.
    hindered: Duration,
}

impl Waiting {
    /// How much of the time since counts.
    fn counts(self, hindered: Duration) -> Duration {
        self.since.elapsed().saturating_sub(hindered.saturating_sub(self.hindered))
    }
}

impl Pace {
    /// How much has to come in the time that a body has.
    fn bytes_min(bounds: &Bounds) -> usize {
        let millis = bounds.timeouts.body.get().as_millis();
        let bytes = bounds.limits.body_rate.get() as u128 * millis / 1000;
        usize::try_from(bytes).unwrap_or(usize::MAX).max(1)
    }

    /// Something has come. How long in all the visitor has not been able to send, `hindered` says.
    pub fn came(&mut self, bytes: usize, hindered: Duration) {
        self.bytes += bytes;
        let waited = self.waiting_since.take().map(|waiting| waiting.counts(hindered));
        self.waited += waited.unwrap_or_default();
    }

    /// Nothing has come: says whether it is too little by now. If not, the task is woken when it may be.
    pub fn is_too_slow(
        &mut self,
        bounds: &Bounds,
        hindered: Duration,
        timer: &mut Timer,
        cx: &mut Context<'_>,
    ) -> bool {
        let time = bounds.timeouts.body.get();
        loop {
            let waiting = *self
                .waiting_since
                .get_or_insert_with(|| Waiting { since: Instant::now(), hindered });
            let left = time.saturating_sub(self.waited + waiting.counts(hindered));
            if !timer.is_over(Instant::now() + left, cx) {
                return false;
            }
            self.came(0, hindered);
            let slow = self.bytes < Pace::bytes_min(bounds);
            if self.waited >= time {
                (self.waited, self.bytes) = (Duration::ZERO, 0);
            }
            if slow {
                return true;
            }
        }
    }
}
