//! Deadlines that cost nothing until somebody waits.
//!
//! Every read and write of a connection may begin to wait, and nearly none does for long. So a clock
//! is wound only when there is nothing else to do, and is left running when something comes after all:
//! it wakes the task once too often at most.
//!
//! How long anything may take stands with what takes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A clock that is wound only when somebody waits, and not for every request.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether the deadline is over; if not, the task is woken then, or somewhat earlier.
    pub(super) fn is_over(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            if sleep.deadline() > deadline {
                sleep.as_mut().reset(deadline);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
            if deadline <= Instant::now() {
                return true;
            }
            // It was wound for an earlier deadline that was kept.
            sleep.as_mut().reset(deadline);
        }
    }
}

/// What is written goes on, or has stood still for too long.
#[derive(Debug)]
pub(super) struct Writing {
    within: Duration,
    timer: Timer,
    /// Since when nothing that is written was taken.
    stuck_since: Option<Instant>,
}

impl Writing {
    /// Writing of which something has to be taken within each such time.
    pub(super) fn within(within: Duration) -> Writing {
        Writing { within, timer: Timer::default(), stuck_since: None }
    }

    /// What became of writing; it fails if nothing was taken in time.
    pub(super) fn progress<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck_since = None;
            return written;
        }
        let since = *self.stuck_since.get_or_insert_with(Instant::now);
        if self.timer.is_over(since + self.within, cx) {
            let text = "the visitor takes nothing of what is sent";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        Poll::Pending
    }
}
