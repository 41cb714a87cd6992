//! Lines that wait to be written, as the files will have them.
//!
//! Requests add to them, and the logs' thread takes all of them at once: so a line costs a request what it
//! takes to write it into memory, and nobody is woken for it.

use super::line::{self, Observation, Stamps};
use crate::policy::{Permit, Purpose};
use crate::time::Day;

/// How much may wait, in bytes: some 100,000 lines.
const WAITING_MAX: usize = 16 << 20;

/// How much room a log keeps for its next lines.
const ROOM_KEPT: usize = 64 << 10;

/// Lines of each log and day.
#[derive(Debug, Default)]
pub(super) struct Batch {
    lines: Vec<(Purpose, Day, Vec<u8>)>,
    waiting: usize,
    stamps: Stamps,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Adds the line that a purpose's log gets of a request, if it gets any; says whether there was room.
    pub(super) fn add(&mut self, permit: Permit, seen: &Observation<'_>) -> bool {
        let Some(time) = line::time(permit, seen) else { return true };
        if self.waiting > WAITING_MAX {
            return false;
        }
        let (purpose, day) = (permit.purpose(), time.day());
        let place = self.lines.iter().position(|(of, on, _)| (*of, *on) == (purpose, day));
        let place = place.unwrap_or_else(|| {
            self.lines.push((purpose, day, Vec::new()));
            self.lines.len() - 1
        });
        let into = &mut self.lines[place].2;
        let before = into.len();
        line::write(permit, seen, time, &mut self.stamps, into);
        self.waiting += into.len() - before;
        true
    }

    /// The lines of each log and day.
    pub(super) fn lines(&self) -> impl Iterator<Item = (Purpose, Day, &[u8])> {
        let lines = self.lines.iter().filter(|(.., lines)| !lines.is_empty());
        lines.map(|(purpose, day, lines)| (*purpose, *day, &lines[..]))
    }

    /// They are written, and their room is for the next; that of a day that is over is let go.
    pub(super) fn clear(&mut self) {
        self.lines.retain(|(.., lines)| !lines.is_empty());
        for (.., lines) in &mut self.lines {
            lines.clear();
            lines.shrink_to(ROOM_KEPT);
        }
        self.waiting = 0;
    }
}
