//! What pages need besides the site itself, as browsers report it while a policy (CSP) is learned or enforced.
//!
//! An operator approves sources from it; so it holds sources, and nothing of visitors (policy 5.1): where a
//! file came from its server, at most its folder where rules tell such apart; the path of the page; how
//! often, the first day and the last. No query, no sample, no referrer, no address, no id.
//!
//! Anybody can send a report, so it is as large as a [`super::ledger`] lets it be, whatever comes, and what it
//! holds counts for nothing until a person has approved it. What would have gone to vendors who are withheld
//! from the visitor is only counted: nobody is asked to approve it.
//!
//! How reports are read is told by [`crate::subject`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::discovery::{key_in, shortened};
use super::ledger::Ledger;
use crate::rules::{CspSource, Fetch, RuleSet};
use crate::time::{Day, Time};

/// All that was reported.
#[derive(Debug, Default)]
pub struct Needs(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    ledger: Ledger<Fetch>,
    reports: u64,
    withheld: BTreeMap<String, u64>,
}

/// What was reported, to be shown or written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Needed {
    /// How many reports were read.
    pub reports: u64,
    /// What was not approved, the most reported first.
    pub needs: Vec<Need>,
    /// How often something was reported that there is no room for, or that no policy can name.
    pub others: BTreeMap<Fetch, u64>,
    /// How often something of withheld vendors and lists was, by whom.
    pub withheld: BTreeMap<String, u64>,
}

/// A source that a page needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Need {
    /// What for.
    #[serde(rename = "as")]
    pub fetch: Fetch,
    /// As a policy names it.
    pub source: String,
    /// How often.
    pub count: u64,
    /// The page that first did.
    pub page: String,
    /// On which day first.
    pub first: Day,
    /// On which day last.
    pub last: Day,
    /// The vendors and lists whose it is: it goes to nobody from whom they are withheld.
    pub of: Vec<String>,
}

impl Needed {
    /// The same without what these rules approve.
    #[must_use]
    pub fn unapproved_by(mut self, rules: &RuleSet) -> Needed {
        self.needs.retain(|need| !rules.approved.holds(&need.source, need.fetch));
        self
    }
}

impl Needs {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a page needs a source; nothing is one that no policy can name.
    pub fn note(&self, fetch: Fetch, source: Option<String>, page: &str, now: Time) {
        let source = source.filter(|source| !is_somebodys(source));
        let mut heard = self.heard();
        heard.reports += 1;
        heard.ledger.note(fetch, source, &shortened(page), now);
    }

    /// Counts that a page tried to reach somebody who is withheld, by the name that rules know them by.
    pub fn count_withheld(&self, whose: &str) {
        let mut heard = self.heard();
        heard.reports += 1;
        match heard.withheld.get_mut(whose) {
            Some(count) => *count += 1,
            None => drop(heard.withheld.insert(whose.to_owned(), 1)),
        }
    }

    /// What these rules do not approve. What they do is forgotten.
    pub fn unapproved_by(&self, rules: &RuleSet) -> Needed {
        let Heard { ledger, reports, withheld } = &mut *self.heard();
        ledger.met.retain(|(fetch, source), _| !rules.approved.holds(source, *fetch));
        let needs = ledger.met.iter().map(|((fetch, source), met)| Need {
            fetch: *fetch,
            source: source.clone(),
            count: met.count,
            page: met.page.to_string(),
            first: met.first.day(),
            last: met.last.day(),
            of: owners(rules, source, *fetch),
        });
        let mut needs: Vec<_> = needs.collect();
        needs.sort_by_key(|need| std::cmp::Reverse(need.count));
        Needed {
            reports: *reports,
            needs,
            others: ledger.others.clone(),
            withheld: withheld.clone(),
        }
    }
}

/// Who the vendors and lists are whose a source is.
fn owners(rules: &RuleSet, source: &str, fetch: Fetch) -> Vec<String> {
    let source = CspSource::parse(source).ok();
    let host = source.as_ref().and_then(CspSource::host);
    let owners = host.map(|host| rules.owners(host, fetch)).unwrap_or_default();
    let vendors = owners.vendors.iter().map(|index| rules.vendors[*index].name.clone());
    vendors.chain(owners.lists.iter().map(|index| rules.lists()[*index].name.clone())).collect()
}

/// Whether the path of a source holds what may be somebody's. The version of a package may stand behind its
/// name: `swiper@11`.
fn is_somebodys(source: &str) -> bool {
    let path = source.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let Some((_, path)) = path else { return false };
    path.split('/').any(|segment| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        let at = decoded.rsplit_once('@').map(|(_, behind)| behind);
        key_in(&decoded).is_some()
            || at.is_some_and(|behind| !behind.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_sources_takes_no_more_room_than_there_is() {
        let needs = Needs::default();
        for _ in 0..3 {
            needs.note(Fetch::Script, Some("https://cdn.kz".to_owned()), "/a?phone=1", Time(5));
        }
        for number in 0..10_000 {
            let source = format!("https://n{number}.kz");
            needs.note(Fetch::Script, Some(source), "/", Time(number));
        }
        let heard = needs.heard();
        assert_eq!(heard.ledger.met.len(), super::super::ledger::ENTRIES_MAX);
        let often = &heard.ledger.met[&(Fetch::Script, "https://cdn.kz".to_owned())];
        assert_eq!((often.count, &*often.page), (3, "/a"));
    }

    #[test]
    fn a_folder_that_may_be_somebodys_is_not_kept() {
        for (source, is) in [
            ("https://cdn12345.kz", false),
            ("https://cdn.kz/npm/swiper@11/", false),
            ("https://cdn.kz/u/1234567/", true),
            ("https://cdn.kz/u/ivan%40mail.kz/", true),
            ("https://cdn.kz/0a1b2c3d4e5f/x.js", true),
            ("'unsafe-inline'", false),
        ] {
            assert_eq!(is_somebodys(source), is, "{source}");
        }
    }
}
