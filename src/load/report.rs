//! What a test found: as a table to read, as JSON to keep, as a picture of the waits.
//!
//! What failed stands first in all of them: percentiles of what succeeded say little beside it. Of a
//! test on so many connections the report says that its waits are those of visitors who waited their
//! turn (closed loop), which flatters whoever is slow.

use std::fmt::Write;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::drive::Test;
use super::plot::{self, Curve};
use super::scenario::Pace;
use super::tally::Tally;

/// The percentiles that are told.
const PERCENTILES: [(&str, f64); 4] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9)];

/// What a test found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    what: String,
    target: String,
    threads: u32,
    /// Requests in a second that were due, by a timetable.
    rate: Option<u32>,
    /// Connections that requests came on one after the other.
    connections: Option<u32>,
    seconds: f64,
    /// How often the gateway was told to reload.
    reloads: u64,
    /// All visitors together.
    all: Found,
    visitors: Vec<Found>,
    #[serde(skip)]
    curves: Vec<Curve>,
}

/// What came of the requests of some visitors. Waits are in milliseconds.
#[derive(Clone, Debug, Serialize)]
struct Found {
    name: String,
    answered: u64,
    answered_per_second: f64,
    /// Failed, not sent, or answered by 5xx.
    bad: u64,
    not_sent: u64,
    statuses: std::collections::BTreeMap<String, u64>,
    failures: std::collections::BTreeMap<String, u64>,
    connections: u64,
    bytes: u64,
    head: Waits,
    whole: Waits,
}

#[derive(Clone, Debug, Serialize)]
struct Waits {
    p50: f64,
    p90: f64,
    p99: f64,
    #[serde(rename = "p99.9")]
    p999: f64,
    max: f64,
    mean: f64,
}

impl Waits {
    fn of(waits: &Histogram<u64>) -> Waits {
        let at = |percentile| millis(waits.value_at_percentile(percentile));
        let [p50, p90, p99, p999] = PERCENTILES.map(|(_, percentile)| at(percentile));
        Waits { p50, p90, p99, p999, max: millis(waits.max()), mean: waits.mean() / 1000.0 }
    }

    fn told(&self) -> [f64; 5] {
        [self.p50, self.p90, self.p99, self.p999, self.max]
    }
}

#[expect(clippy::cast_precision_loss, reason = "waits are below an hour")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

impl Found {
    fn of(name: &str, tally: &Tally, seconds: f64) -> Found {
        let classes = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(tally.statuses);
        let answered = tally.answers();
        Found {
            name: name.to_owned(),
            answered,
            #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
            answered_per_second: answered as f64 / seconds,
            bad: tally.bad(),
            not_sent: tally.not_sent,
            statuses: classes
                .filter(|(_, count)| *count > 0)
                .map(|(class, count)| (class.to_owned(), count))
                .collect(),
            failures: tally.failures.clone(),
            connections: tally.connections,
            bytes: tally.bytes,
            head: Waits::of(&tally.head),
            whole: Waits::of(&tally.whole),
        }
    }
}

impl Report {
    pub(super) fn new(test: &Test, reloads: u64, tallies: &[Tally]) -> Report {
        let scenario = &test.scenario;
        let seconds = scenario.lasts.as_secs_f64();
        let mut all = Tally::new();
        for tally in tallies {
            all.add(tally);
        }
        let kinds = || scenario.kinds.iter().zip(tallies);
        let found =
            |(kind, tally): (&super::scenario::Kind, &Tally)| Found::of(&kind.name, tally, seconds);
        let curve =
            |(kind, tally): (&super::scenario::Kind, &Tally)| Curve::of(&kind.name, &tally.whole);
        let (rate, connections) = match scenario.pace {
            Pace::Open(rate) => (Some(rate), None),
            Pace::Closed(connections) => (None, Some(connections)),
        };
        Report {
            what: scenario.what.clone(),
            target: test.target.to_string(),
            threads: test.threads,
            rate,
            connections,
            seconds,
            reloads,
            all: Found::of("all", &all, seconds),
            visitors: kinds().map(found).collect(),
            curves: kinds().map(curve).collect(),
        }
    }

    /// Whether every request was answered, by something else than 5xx.
    pub fn is_good(&self) -> bool {
        self.all.bad == 0 && self.all.answered > 0
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut text = format!("{}\n{}, {} s", self.what, self.target, self.seconds);
        if let Some(rate) = self.rate {
            let _ = write!(text, ", {rate} requests a second by timetable");
        }
        if let Some(count) = self.connections {
            let _ = write!(text, ", {count} connections, one request at a time on each");
        }
        if self.reloads > 0 {
            let _ = write!(text, ", {} reloads", self.reloads);
        }
        text += "\n\n";
        for found in self.parts() {
            let failures = found.failures.iter().map(|(cause, count)| (cause.as_str(), *count));
            let server = found.statuses.get("5xx").map(|count| ("answered by 5xx", *count));
            let unsent = (found.not_sent > 0)
                .then_some(("due, and not sent: too many were under way", found.not_sent));
            for (cause, count) in failures.chain(server).chain(unsent) {
                let _ = writeln!(text, "FAILED {count:>9}  {}: {cause}", found.name);
            }
        }
        let mut rows = vec![
            [
                "visitors", "answered", "a second", "failed", "MB/s", "p50 ms", "p90", "p99",
                "p99.9", "max",
            ]
            .map(str::to_owned),
        ];
        let parts: Vec<_> = self.parts().collect();
        let shown =
            if parts.len() == 1 { &parts[..] } else { &[&parts[..], &[&self.all]].concat() };
        for found in shown {
            #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
            let rate = found.bytes as f64 / self.seconds / 1e6;
            let waits = found.whole.told().map(|wait| format!("{wait:.2}"));
            let counts = [
                found.name.clone(),
                found.answered.to_string(),
                format!("{:.0}", found.answered_per_second),
                found.bad.to_string(),
                format!("{rate:.1}"),
            ];
            let mut row = <[String; 10]>::default();
            for (place, cell) in row.iter_mut().zip(counts.into_iter().chain(waits)) {
                *place = cell;
            }
            rows.push(row);
        }
        let widths: Vec<usize> = (0..rows[0].len())
            .map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
            .collect();
        for row in &rows {
            let mut line = format!("{:<width$}", row[0], width = widths[0]);
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                let _ = write!(line, "  {cell:>width$}");
            }
            text += line.trim_end();
            text += "\n";
        }
        text += match self.rate {
            Some(_) => {
                "\nWaits are counted from when a request was due to the last byte of its answer.\n"
            }
            None => {
                "\nWaits are counted from when a request was sent: those who would have come meanwhile are \
                 not charged (closed loop).\n"
            }
        };
        text
    }

    fn parts(&self) -> impl Iterator<Item = &Found> {
        self.visitors.iter()
    }

    /// All of it, for programs.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("it is made of numbers and text") + "\n"
    }

    /// The waits by percentile, as a picture.
    pub fn svg(&self) -> String {
        plot::svg(&self.what, &self.curves)
    }
}
