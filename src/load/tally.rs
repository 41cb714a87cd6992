//! What came of the requests of one kind of visitors.
//!
//! Each thread counts for itself, and what they counted is added up at the end. Waits go into a
//! histogram that keeps three digits (HDR), so percentiles need no list of all waits.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::connection::Answer;

/// More kinds of failures than these are told as one.
const CAUSES_MAX: usize = 16;

/// What came of the requests of one kind.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// Answers by the hundreds of their status: `[1]` is 1xx.
    pub(super) statuses: [u64; 6],
    /// What failed, and how often.
    pub(super) failures: BTreeMap<String, u64>,
    /// Requests that were due and not sent, since too many were under way.
    pub(super) not_sent: u64,
    pub(super) connections: u64,
    pub(super) bytes: u64,
    /// Waits for the head of an answer, in microseconds.
    pub(super) head: Histogram<u64>,
    /// Waits for all of it.
    pub(super) whole: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Tally {
        let waits = || {
            let hour = 3_600_000_000;
            Histogram::new_with_bounds(1, hour, 3).expect("these bounds are legal")
        };
        Tally {
            statuses: [0; 6],
            failures: BTreeMap::new(),
            not_sent: 0,
            connections: 0,
            bytes: 0,
            head: waits(),
            whole: waits(),
        }
    }

    /// Counts an answer to what was due at some moment.
    pub(super) fn answered(&mut self, due: std::time::Instant, answer: Answer) {
        let class = usize::from(answer.status / 100);
        self.statuses[class.min(self.statuses.len() - 1)] += 1;
        self.bytes += answer.bytes;
        self.head.saturating_record(micros(answer.began.saturating_duration_since(due)));
        self.whole.saturating_record(micros(answer.ended.saturating_duration_since(due)));
    }

    /// Counts a failure.
    pub(super) fn failed(&mut self, cause: String) {
        let known = self.failures.len() < CAUSES_MAX || self.failures.contains_key(&cause);
        let cause = if known { cause } else { "other causes".to_owned() };
        *self.failures.entry(cause).or_default() += 1;
    }

    /// Adds what another thread counted.
    pub(super) fn add(&mut self, other: &Tally) {
        for (sum, more) in self.statuses.iter_mut().zip(other.statuses) {
            *sum += more;
        }
        for (cause, count) in &other.failures {
            *self.failures.entry(cause.clone()).or_default() += count;
        }
        self.not_sent += other.not_sent;
        self.connections += other.connections;
        self.bytes += other.bytes;
        for (sum, more) in [(&mut self.head, &other.head), (&mut self.whole, &other.whole)] {
            sum.add(more).expect("all have the same bounds");
        }
    }

    /// How many were answered, whatever the answer.
    pub(super) fn answers(&self) -> u64 {
        self.statuses.iter().sum()
    }

    /// How many were not: failed, not sent, or answered by 5xx.
    pub(super) fn bad(&self) -> u64 {
        self.failures.values().sum::<u64>() + self.not_sent + self.statuses[5]
    }
}

/// A wait as it is recorded: at least one microsecond.
pub(super) fn micros(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros()).unwrap_or(u64::MAX).max(1)
}
