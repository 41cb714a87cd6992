//! Names that were met, each with how often, where first and when: as many as there is room for.
//!
//! Whoever sends requests can make names up. So of each kind [`ENTRIES_MAX`] have room, and when a kind is full
//! the least met makes room, and goes on among the others, of which there is only a number: a flood of names
//! that are met once pushes out each other.
//!
//! It is in memory alone. What names may be, and what is kept of them, is for those to say who note them:
//! [`super::discovery`], [`super::needs`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::time::Time;

/// How many names of one kind are kept.
pub(super) const ENTRIES_MAX: usize = 200;

/// What was met, by kind and name.
#[derive(Debug)]
pub(super) struct Ledger<K> {
    pub(super) met: BTreeMap<(K, String), Met>,
    /// How often something was met that there is no room for.
    pub(super) others: BTreeMap<K, u64>,
}

#[derive(Debug)]
pub(super) struct Met {
    pub(super) count: u64,
    pub(super) page: Arc<str>,
    pub(super) first: Time,
    pub(super) last: Time,
}

impl<K> Default for Ledger<K> {
    fn default() -> Ledger<K> {
        Ledger { met: BTreeMap::new(), others: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Ledger<K> {
    /// Notes that something was met; what has no name is among the others.
    pub(super) fn note(&mut self, kind: K, name: Option<String>, page: &Arc<str>, now: Time) {
        let Some(name) = name else {
            *self.others.entry(kind).or_default() += 1;
            return;
        };
        let key = (kind, name);
        if let Some(met) = self.met.get_mut(&key) {
            met.count += 1;
            met.last = met.last.max(now);
            return;
        }
        self.make_room(kind);
        self.met.insert(key, Met { count: 1, page: Arc::clone(page), first: now, last: now });
    }

    /// Lets the least met of a kind go, of equal ones the one that was not met for longest, if the kind is
    /// full.
    fn make_room(&mut self, kind: K) {
        let of_kind = || self.met.iter().filter(|((of, _), _)| *of == kind);
        if of_kind().count() < ENTRIES_MAX {
            return;
        }
        let least = of_kind().min_by_key(|(_, met)| (met.count, met.last));
        let least = least.map(|(key, met)| (key.clone(), met.count));
        if let Some((key, count)) = least {
            self.met.remove(&key);
            *self.others.entry(kind).or_default() += count;
        }
    }
}
