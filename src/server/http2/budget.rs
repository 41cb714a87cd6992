//! How many frames a connection may bring that do no work.
//!
//! A frame of nine bytes can cost a hundred times what it cost to send: a request that is taken back, a
//! setting that is to be acknowledged. Each kind has an allowance that is filled up every [`TIME`];
//! requests and answers add to those that go with them, so who downloads much may say much about
//! windows.
//!
//! Bounded by the `h2` library and not here: `CONTINUATION` frames (those that fill a header list, and a
//! quarter), the header list itself (`max_header_list_size`; four times as much ends the connection),
//! empty `DATA` (100 in a connection's life), small `DATA` that nobody reads, requests taken back before
//! anybody saw them (20 at once), streams beyond `max_concurrent_streams`, and streams that it reset for
//! a mistake (1,024 in a connection's life, `max_local_error_reset_streams`).

use std::time::Duration;

use tokio::time::Instant;

use super::frames::{Frame, Kind};
use crate::fault::Cut;

/// How often allowances are filled up.
pub(super) const TIME: Duration = Duration::from_secs(10);

/// How many times its base an allowance may be when work has added to it.
const SAVED_MAX: u32 = 10;

/// What a frame of an answer carries at least to count as one, if it is not the last: a visitor whose
/// windows are opened byte by byte makes frames, but no work.
const WORK_BYTES: usize = 64;

/// What may be sent of one kind.
struct Allowance {
    cut: Cut,
    /// Within [`TIME`], whatever else happens.
    base: u32,
    /// For each request more.
    for_request: u32,
    /// For each frame of an answer more.
    for_answer: u32,
}

/// A browser that leaves a page takes back a hundred requests at once, and a balancer those of all its
/// users; chatty clients send two `WINDOW_UPDATE`s for each frame that they got, and gRPC measures its
/// line with `PING`s.
#[rustfmt::skip] // a table
const ALLOWANCES: [Allowance; 7] = [
    Allowance { cut: Cut::Settings, base: 20, for_request: 0, for_answer: 0 },
    Allowance { cut: Cut::Pings, base: 100, for_request: 0, for_answer: 1 },
    Allowance { cut: Cut::Priorities, base: 300, for_request: 4, for_answer: 0 },
    Allowance { cut: Cut::Windows, base: 600, for_request: 4, for_answer: 4 },
    Allowance { cut: Cut::Resets, base: 200, for_request: 0, for_answer: 1 },
    Allowance { cut: Cut::MadeResets, base: 100, for_request: 0, for_answer: 0 },
    Allowance { cut: Cut::Idle, base: 300, for_request: 4, for_answer: 0 },
];

/// What a connection may still send.
#[derive(Debug)]
pub(super) struct Budget {
    left: [u32; ALLOWANCES.len()],
    /// What small frames of answers have carried since they last were worth one.
    work: usize,
    filled: Instant,
}

impl Budget {
    pub(super) fn new() -> Budget {
        let left = ALLOWANCES.map(|allowance| allowance.base);
        Budget { left, work: 0, filled: Instant::now() }
    }

    /// A frame of the visitor's.
    pub(super) fn came(&mut self, frame: &Frame<'_>) -> Result<(), Cut> {
        match frame.kind {
            Kind::Headers => self.earn(|allowance| allowance.for_request),
            Kind::Data | Kind::Continuation => {}
            Kind::Settings if !frame.is_ack() => self.spend(Cut::Settings)?,
            Kind::Ping => self.spend(Cut::Pings)?,
            Kind::Priority => self.spend(Cut::Priorities)?,
            Kind::WindowUpdate => self.spend(Cut::Windows)?,
            Kind::Reset => self.spend(Cut::Resets)?,
            Kind::Settings | Kind::Push | Kind::GoAway | Kind::Unknown => self.spend(Cut::Idle)?,
        }
        Ok(())
    }

    /// A frame of ours.
    pub(super) fn went(&mut self, frame: &Frame<'_>) -> Result<(), Cut> {
        match frame.kind {
            Kind::Data => {
                self.work += match frame.is_last() {
                    true => WORK_BYTES,
                    false => frame.data_bytes().min(WORK_BYTES),
                };
                if self.work >= WORK_BYTES {
                    self.work -= WORK_BYTES;
                    self.earn(|allowance| allowance.for_answer);
                }
            }
            Kind::Reset if frame.accuses() => self.spend(Cut::MadeResets)?,
            _ => {}
        }
        Ok(())
    }

    fn spend(&mut self, cut: Cut) -> Result<(), Cut> {
        if self.filled.elapsed() >= TIME {
            self.filled = Instant::now();
            for (left, allowance) in self.left.iter_mut().zip(&ALLOWANCES) {
                *left = allowance.base.max(*left);
            }
        }
        let mut all = self.left.iter_mut().zip(&ALLOWANCES);
        if let Some((left, _)) = all.find(|(_, allowance)| allowance.cut == cut) {
            *left = left.checked_sub(1).ok_or(cut)?;
        }
        Ok(())
    }

    fn earn(&mut self, each: impl Fn(&Allowance) -> u32) {
        for (left, allowance) in self.left.iter_mut().zip(&ALLOWANCES) {
            *left = left.saturating_add(each(allowance)).min(allowance.base * SAVED_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_spent_comes_back_with_time_and_with_work() {
        let mut budget = Budget::new();
        for _ in 0..20 {
            budget.spend(Cut::Settings).expect("it is allowed");
        }
        assert_eq!(budget.spend(Cut::Settings), Err(Cut::Settings));
        budget.spend(Cut::Pings).expect("one does not cost another");
        advance(Duration::from_millis(9_999)).await;
        assert_eq!(budget.spend(Cut::Settings), Err(Cut::Settings));
        advance(Duration::from_millis(1)).await;
        budget.spend(Cut::Settings).expect("it was filled up");

        for _ in 0..600 {
            budget.spend(Cut::Windows).expect("it is allowed");
        }
        assert_eq!(budget.spend(Cut::Windows), Err(Cut::Windows));
        budget.earn(|allowance| allowance.for_answer);
        for _ in 0..4 {
            budget.spend(Cut::Windows).expect("it was earned");
        }
        assert_eq!(budget.spend(Cut::Windows), Err(Cut::Windows));
    }
}
