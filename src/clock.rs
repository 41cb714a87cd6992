//! What time it is.
//!
//! The only place that reads the machine's clock. Everything below takes the time as an
//! argument; everything above is given a [`Clock`].
//!
//! Tests set it: time is never slept for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::time::Time;

/// A source of the current time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands where it was set.
    Set(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at `time` until it is set anew.
    pub fn standing_at(time: Time) -> Clock {
        Clock::Set(Arc::new(AtomicU64::new(time.0)))
    }

    /// Sets a standing clock. The machine's own is not ours to set, and stays.
    pub fn set(&self, time: Time) {
        if let Clock::Set(seconds) = self {
            seconds.store(time.0, Ordering::Release);
        }
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now(&self) -> Time {
        match self {
            Clock::Set(seconds) => Time(seconds.load(Ordering::Acquire)),
            // A machine set before 1970 has no consent in force, which is the safe side.
            Clock::System => Time(
                SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs()),
            ),
        }
    }
}
