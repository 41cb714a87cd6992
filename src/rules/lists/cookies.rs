//! The cookies of one list, by their names.
//!
//! A list names thousands, and every cookie of every request is looked up: so exact names are found by
//! their hash, and beginnings by that of each length that there is.
//!
//! It names what [`NamePattern::matches`] would find one by one.

use rustc_hash::FxHashMap;

use super::super::pattern::NamePattern;
use super::super::source::{Entry, Source};
use super::super::vendor::{NameEntry, name_rule};

/// Names, each with the line it stands on.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: FxHashMap<Vec<u8>, usize>,
    beginnings: FxHashMap<Vec<u8>, usize>,
    /// The lengths of the beginnings, the longest first.
    lengths: Vec<usize>,
}

impl Names {
    /// Reads them and plays their examples.
    pub(super) fn read(source: &mut Source<'_>, entries: Vec<Entry<NameEntry>>) -> Names {
        let mut names = Names::default();
        for entry in entries {
            let Some(Entry { line, value }) = name_rule(source, entry, NamePattern::of_cookie)
            else {
                continue;
            };
            let before = match value {
                NamePattern::Exact(name) => names.exact.insert(name.into_bytes(), line),
                NamePattern::Prefix(start) => names.beginnings.insert(start.into_bytes(), line),
            };
            if let Some(before) = before {
                let text = format!("the same name stands on line {before}; remove one of the two");
                source.problem(line, text);
            }
        }
        names.lengths = names.beginnings.keys().map(Vec::len).collect();
        names.lengths.sort_unstable_by(|one, other| other.cmp(one));
        names.lengths.dedup();
        names
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.exact.len() + self.beginnings.len()
    }

    /// The line that names a cookie, and how it is written there.
    pub(super) fn naming(&self, cookie: &[u8]) -> Option<(usize, String)> {
        let words = |name: &[u8], end| format!("{}{end}", String::from_utf8_lossy(name));
        if let Some(line) = self.exact.get(cookie) {
            return Some((*line, words(cookie, "")));
        }
        let (start, line) = self.beginning(cookie)?;
        Some((line, words(start, "*")))
    }

    /// Whether a cookie is named.
    pub(super) fn name(&self, cookie: &[u8]) -> bool {
        self.exact.contains_key(cookie) || self.beginning(cookie).is_some()
    }

    fn beginning<'a>(&self, cookie: &'a [u8]) -> Option<(&'a [u8], usize)> {
        let mut starts = self.lengths.iter().filter_map(|length| cookie.get(..*length));
        starts.find_map(|start| Some((start, *self.beginnings.get(start)?)))
    }
}
