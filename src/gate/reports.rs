//! What lists that only report would withhold of the element in hand.
//!
//! An element's addresses are judged from many places, some more than once, and what only is reported
//! changes nothing of it. So it is noted on the side, once for each list and use, and counted when the
//! element is done with.
//!
//! What is withheld is counted by [`super::tally`], where it is done.

use std::sync::atomic::{AtomicU64, Ordering};

use super::fate::Whose;
use super::tally::{Kind, Tally};
use crate::rules::{LISTS_MAX, Use};

/// How many uses there are, a bit for each.
const USES: usize = Use::ALL.len();
const _: () = assert!(LISTS_MAX * USES <= 64, "a bit for each list and use");

/// What was reported and is not counted yet.
#[derive(Debug, Default)]
pub(super) struct Reports(AtomicU64);

impl Reports {
    /// Notes that a list names what is used so. What may be used in several ways is a hint.
    pub(super) fn add(&self, list: usize, uses: &[Use]) {
        let used = match uses {
            [used] => *used,
            _ => Use::Link,
        };
        // A page is read by one thread at a time.
        self.0.fetch_or(1 << (list * USES + used as usize), Ordering::Relaxed);
    }

    /// Counts what was noted.
    pub(super) fn count(&mut self, tally: &mut Tally) {
        let noted = std::mem::take(self.0.get_mut());
        if noted == 0 {
            return;
        }
        for list in 0..LISTS_MAX {
            for used in Use::ALL {
                if noted & (1 << (list * USES + used as usize)) != 0 {
                    tally.report(Whose::List(list), Kind::of(used));
                }
            }
        }
    }
}
