//! Counters: how much of what, without anybody in it.
//!
//! Each thread has its own and adds without contention; the admin address sums them up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answers::{Answered, Answers, Event};
use crate::fault::{Cut, Refusal};
use crate::gate::fate::Whose;
use crate::gate::tally::{Kind, Tally};
use crate::policy::TextDigest;
use crate::rules::RuleSet;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($name:ident: $help:literal),+ $(,)?) => {
        /// What one thread has counted.
        #[derive(Debug, Default)]
        pub struct Counters {
            $(#[doc = $help] pub $name: Counter,)+
            refused: Refused,
            cut: Cuts,
            withheld: ByWhom,
            reported: ByWhom,
            answers: Answers,
        }

        impl Counters {
            /// Names, meanings and sums over all threads, in the order of their declaration.
            pub fn sums(threads: &[Arc<Counters>]) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), $help, threads.iter().map(|t| t.$name.get()).sum())),+]
            }
        }
    };
}

counters! {
    connections: "Connections accepted.",
    connections_waited: "Times that all connections there may be were open and the next had to wait.",
    connections_over_limit: "Connections closed because their address had its share open.",
    accepts_failed: "Times that a connection could not be accepted, for want of descriptors.",
    announcements_refused: "Connections closed because the PROXY protocol was missing or malformed.",
    requests: "Requests answered.",
    requests_over_rate: "Requests refused because their address asked too often.",
    choices_over_rate: "Choices refused because their address made too many.",
    bodies_too_large: "Requests refused or broken off because their body was too long.",
    faults_visitor: "Requests that could not be served as they were.",
    faults_upstream: "Requests that the site did not answer as it should.",
    faults_gateway: "Requests for which the gateway could not do its part.",
    pages_rewritten: "Pages that went through the rewriter.",
    tags_withheld: "Tags held, removed or put out of use in pages.",
    tags_in_states: "Scripts of pages that hold a tag in a framework's state, and went on as they were.",
    pages_untouched: "Pages that nothing loaded could change for their visitor.",
    pages_walled: "Pages that could not be read and went out behind a strict policy.",
    banners: "Pages that asked for a choice.",
    request_cookies_withheld: "Cookies that did not travel to the site.",
    response_cookies_withheld: "Set-Cookie lines that did not reach the browser.",
    own_paths_withheld: "Requests for what the site serves of a withheld vendor, answered without the site.",
    libraries_withheld: "Scripts of the site that were a withheld vendor's library, and were replaced.",
    tunnels: "WebSockets opened.",
    choices: "Choices made and withdrawn.",
    csp_reports: "Bodies of browsers' reports about our policy (CSP) that were read.",
    csp_reports_over_rate: "Bodies of such reports refused because their address sent too many.",
}

/// Refused requests by their reason.
#[derive(Debug, Default)]
struct Refused([Counter; Refusal::ALL.len()]);

/// What was cut of HTTP/2 by its reason.
#[derive(Debug, Default)]
struct Cuts([Counter; Cut::ALL.len()]);

/// What was counted by vendor or list, and by kind. There are as many of them as the operator has written
/// files.
#[derive(Debug, Default)]
struct ByWhom(Mutex<BTreeMap<String, [u64; Kind::ALL.len()]>>);

impl ByWhom {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, [u64; Kind::ALL.len()]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, rules: &RuleSet, counted: impl Iterator<Item = (Whose, Kind, u64)>) {
        let mut counted = counted.peekable();
        if counted.peek().is_none() {
            return;
        }
        let mut counts = self.counts();
        for (whose, kind, count) in counted {
            let name = whose.name(rules);
            if !counts.contains_key(name) {
                counts.insert(name.to_owned(), Default::default());
            }
            if let Some(of_one) = counts.get_mut(name) {
                of_one[kind as usize] += count;
            }
        }
    }

    /// Names, kinds and sums over all threads.
    fn sums<'a>(of_threads: impl Iterator<Item = &'a ByWhom>) -> Vec<(String, &'static str, u64)> {
        let mut sums: BTreeMap<String, [u64; Kind::ALL.len()]> = BTreeMap::new();
        for of_thread in of_threads {
            for (name, counts) in of_thread.counts().iter() {
                let sum = sums.entry(name.clone()).or_default();
                for (sum, count) in sum.iter_mut().zip(counts) {
                    *sum += count;
                }
            }
        }
        let of_one = |(name, sums): (String, [u64; Kind::ALL.len()])| {
            let counted = Kind::ALL.into_iter().zip(sums).filter(|(_, sum)| *sum > 0);
            counted.map(|(kind, sum)| (name.clone(), kind.name(), sum)).collect::<Vec<_>>()
        };
        sums.into_iter().flat_map(of_one).collect()
    }
}

impl Counters {
    /// Counts what was withheld in one response by these rules, or would have been where the gate only
    /// observes; and what lists named that only report.
    pub fn withhold(&self, rules: &RuleSet, tally: &Tally) {
        self.withheld.add(rules, tally.iter());
        self.reported.add(rules, tally.reported());
    }

    /// What was withheld by vendor or list and by kind, summed over all threads.
    pub fn withheld(threads: &[Arc<Counters>]) -> Vec<(String, &'static str, u64)> {
        ByWhom::sums(threads.iter().map(|thread| &thread.withheld))
    }

    /// What lists named that only report, by list and kind, summed over all threads.
    pub fn reported(threads: &[Arc<Counters>]) -> Vec<(String, &'static str, u64)> {
        ByWhom::sums(threads.iter().map(|thread| &thread.reported))
    }

    /// Counts that a visitor was asked, or answered, on a page of this kind.
    pub fn answer(&self, event: Event, language: &str, page: &str, text: TextDigest) {
        self.answers.add(event, language, page, text);
    }

    /// What was asked and answered, summed over all threads.
    pub fn answers(threads: &[Arc<Counters>]) -> Vec<Answered> {
        Answers::sums(threads.iter().map(|thread| &thread.answers))
    }

    /// Counts a request that was refused.
    pub fn refuse(&self, refusal: Refusal) {
        self.refused.0[refusal as usize].add(1);
    }

    /// Refused requests by reason, summed over all threads.
    pub fn refusals(threads: &[Arc<Counters>]) -> impl Iterator<Item = (&'static str, u64)> {
        let sum = |refusal: Refusal| {
            threads.iter().map(|thread| thread.refused.0[refusal as usize].get()).sum()
        };
        Refusal::ALL.into_iter().map(move |refusal| (refusal.name(), sum(refusal)))
    }

    /// Counts an HTTP/2 connection or stream that was cut.
    pub fn cut(&self, cut: Cut) {
        self.cut.0[cut as usize].add(1);
    }

    /// What was cut of HTTP/2 by reason, summed over all threads.
    pub fn cuts(threads: &[Arc<Counters>]) -> impl Iterator<Item = (&'static str, u64)> {
        let sum = |cut: Cut| threads.iter().map(|thread| thread.cut.0[cut as usize].get()).sum();
        Cut::ALL.into_iter().map(move |cut| (cut.name(), sum(cut)))
    }
}
