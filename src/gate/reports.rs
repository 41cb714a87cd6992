//! What passes of the element in hand because rules and lists that name it only report.
//!
//! An element's addresses are judged from many places, some more than once, and what only is reported
//! changes nothing of it. So it is noted on the side, once for each vendor or list and kind, and counted
//! when the element is done with.
//!
//! What is withheld is counted by [`super::tally`], where it is done.

use std::sync::{Mutex, PoisonError};

use super::fate::Whose;
use super::tally::{Kind, Tally};

/// What was reported and is not counted yet. Nearly always there is nothing, which takes no memory.
#[derive(Debug, Default)]
pub struct Reports(Mutex<Vec<(Whose, Kind)>>);

impl Reports {
    /// Notes what is named.
    pub(super) fn add(&self, whose: Whose, kind: Kind) {
        // A page is read by one thread at a time.
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !noted.contains(&(whose, kind)) {
            noted.push((whose, kind));
        }
    }

    /// Forgets what was noted: the element does not pass.
    pub(super) fn forget(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Counts what was noted.
    pub fn count(&mut self, tally: &mut Tally) {
        for (whose, kind) in self.0.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            tally.report(whose, kind);
        }
    }
}
