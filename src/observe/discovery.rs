//! What no rule knows, as far as it was met: hosts and cookies by name, each with where and when first. And of
//! cookies that a rule names the days on which it was met.
//!
//! An operator writes rules from it; so it holds what rules are made of, and nothing of visitors: no query,
//! no path but that of the page, no value. A name that goes on in a number or a key is kept up to there.
//!
//! It is as large as it may be and no larger: so many names of a kind as a [`super::ledger`] has room for, each
//! of [`NAME_BYTES_MAX`] bytes at most.
//!
//! Who meets things is [`Scout`]; which pages it looks at is the path's to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::PageAddress;
use super::ledger::Ledger;
use crate::gate::scout::{Met, Scout};
use crate::gate::tally::Kind;
use crate::rules::RuleSet;
use crate::time::{Day, Time};

/// The longest name that is kept, in bytes. No host is longer than 253, and hardly any than this.
const NAME_BYTES_MAX: usize = 120;

/// How many rules are kept of those whose cookies were met; over the lives of many rule sets.
const RULES_MAX: usize = 2_000;

/// The letters of a page's path that are kept.
const PAGE_CHARS_MAX: usize = 80;

/// All that was met.
#[derive(Debug, Default)]
pub struct Discoveries(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    looked_at: u64,
    ledger: Ledger<Kind>,
    /// The rules whose cookies were met, as they are written, and on which days first and last.
    cookies: BTreeMap<String, Days>,
}

/// The first and the last day on which something was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub first: Day,
    /// The last.
    pub last: Day,
}

/// What was met, to be shown or written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Discovered {
    /// How many pages, and answers that set cookies, were looked at.
    pub looked_at: u64,
    /// What was found, the most met first.
    pub found: Vec<Found>,
    /// How often something was met that there is no room for, by kind.
    pub others: BTreeMap<Kind, u64>,
}

/// One host or cookie that no rule knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Found {
    /// As what it was met.
    pub kind: Kind,
    /// The host, or the cookie's name; with `*` behind it all that begin so.
    pub name: String,
    /// How often.
    pub count: u64,
    /// The page on which it was met first.
    pub page: String,
    /// When first.
    pub first: Time,
    /// When last.
    pub last: Time,
}

impl Found {
    /// Whether it is a cookie.
    pub fn is_cookie(&self) -> bool {
        matches!(self.kind, Kind::Cookie | Kind::SetCookie)
    }

    fn is_known_to(&self, rules: &RuleSet) -> bool {
        is_known(rules, self.kind, &self.name)
    }
}

impl Discovered {
    /// The same without what these rules know.
    #[must_use]
    pub fn unknown_to(mut self, rules: &RuleSet) -> Discovered {
        self.found.retain(|found| !found.is_known_to(rules));
        self
    }
}

impl Discoveries {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who looks at the answer to a request for this path, and notes here what it meets.
    pub fn scout(self: &Arc<Self>, path: &str, now: Time) -> Scout {
        self.seen().looked_at += 1;
        let (to, page) = (Arc::clone(self), shortened(path));
        Scout::new(move |met| match met {
            Met::Unknown(kind, name) => to.note(kind, name, &page, now),
            Met::Known(rule) => to.note_known(rule, now.day()),
        })
    }

    fn note_known(&self, rule: &str, day: Day) {
        let cookies = &mut self.seen().cookies;
        if let Some(days) = cookies.get_mut(rule) {
            days.last = days.last.max(day);
        } else if cookies.len() < RULES_MAX {
            cookies.insert(rule.to_owned(), Days { first: day, last: day });
        }
    }

    /// The rules whose cookies were met.
    pub fn cookies_met(&self) -> BTreeMap<String, Days> {
        self.seen().cookies.clone()
    }

    /// The cookies that the site was seen to set and that no rule names. Not those that browsers send:
    /// whoever sends a request can make names up, and these are for visitors to read.
    pub fn cookies_undeclared(&self, rules: &RuleSet) -> BTreeMap<String, Days> {
        let seen = self.seen();
        let set =
            seen.ledger.met.iter().filter(|((kind, name), _)| {
                *kind == Kind::SetCookie && !is_known(rules, *kind, name)
            });
        set.map(|((_, name), met)| {
            (name.clone(), Days { first: met.first.day(), last: met.last.day() })
        })
        .collect()
    }

    fn note(&self, kind: Kind, name: &str, page: &Arc<str>, now: Time) {
        self.seen().ledger.note(kind, kept(kind, name), page, now);
    }

    /// What is not known to these rules. What they know is forgotten.
    pub fn unknown_to(&self, rules: &RuleSet) -> Discovered {
        let Seen { looked_at, ledger, .. } = &mut *self.seen();
        ledger.met.retain(|(kind, name), _| !is_known(rules, *kind, name));
        let found = ledger.met.iter().map(|((kind, name), met)| Found {
            kind: *kind,
            name: name.clone(),
            count: met.count,
            page: met.page.to_string(),
            first: met.first,
            last: met.last,
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.count));
        Discovered { looked_at: *looked_at, found, others: ledger.others.clone() }
    }
}

fn is_known(rules: &RuleSet, kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Cookie | Kind::SetCookie => rules.with_cookie(name.as_bytes()).next().is_some(),
        _ => rules.knows_host(name),
    }
}

/// What is kept of a name, if it is one that a rule could be written for.
fn kept(kind: Kind, name: &str) -> Option<String> {
    let is_cookie = matches!(kind, Kind::Cookie | Kind::SetCookie);
    // RFC 6265 §4.1.1: a cookie's name is a token. A host is what a rule can name.
    let fits = |byte: u8| match is_cookie {
        true => byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}*".contains(&byte),
        false => matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'),
    };
    if name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
        return None;
    }
    match is_cookie.then(|| key_in(name)).flatten() {
        Some(0) => None,
        Some(at) => Some(format!("{}*", &name[..at])),
        // No host has an empty label.
        None => {
            name.split('.').all(|label| is_cookie || !label.is_empty()).then(|| name.to_owned())
        }
    }
}

/// Where in a name a number or a key begins, which may be somebody's.
pub(super) fn key_in(name: &str) -> Option<usize> {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let mut from = 0;
    for word in name.split(|c| !is_word(c)) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let run = word.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
        let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if run >= 5
            || (word.len() >= 8 && is_hex && digits >= 2)
            || (word.len() >= 16 && digits >= 3)
        {
            return Some(from);
        }
        from += word.len() + name[from + word.len()..].chars().next().map_or(0, char::len_utf8);
    }
    None
}

/// The path of a page without its query, without what may be somebody's, and no longer than can be read.
pub(super) fn shortened(path: &str) -> Arc<str> {
    let path = PageAddress::of_path(path);
    let masked = |segment| if key_in(segment).is_some() { "*" } else { segment };
    let path = path.path().split('/').map(masked).collect::<Vec<_>>().join("/");
    match path.char_indices().nth(PAGE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &path[..at]).into(),
        None => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::ENTRIES_MAX;
    use super::*;

    fn ledger_of(names: impl IntoIterator<Item = String>) -> Discoveries {
        let discoveries = Discoveries::default();
        for (second, name) in (0..).zip(names) {
            discoveries.note(Kind::Script, &name, &shortened("/"), Time(second));
        }
        discoveries
    }

    #[test]
    fn what_is_met_often_stays_while_a_flood_of_names_goes_by() {
        let often = || "often.kz".to_owned();
        let flood = (0..10 * ENTRIES_MAX).map(|number| format!("n{number}.kz"));
        let discoveries = ledger_of([often(), often()].into_iter().chain(flood));
        let ledger = &discoveries.seen().ledger;
        assert_eq!(ledger.met.len(), ENTRIES_MAX);
        let met = &ledger.met[&(Kind::Script, often())];
        assert_eq!((met.count, met.first, met.last), (2, Time(0), Time(1)));
        // Each of the flood is there, or among the others.
        assert_eq!(ledger.others[&Kind::Script], 9 * ENTRIES_MAX as u64 + 1);
    }

    #[test]
    fn each_kind_has_its_own_room() {
        let discoveries = ledger_of((0..ENTRIES_MAX).map(|number| format!("n{number}.kz")));
        discoveries.note(Kind::Frame, "a.kz", &shortened("/"), Time(0));
        assert_eq!(discoveries.seen().ledger.met.len(), ENTRIES_MAX + 1);
        assert!(discoveries.seen().ledger.others.is_empty());
    }

    #[test]
    fn names_are_kept_up_to_a_number_or_a_key() {
        for (name, expected) in [
            ("PHPSESSID", Some("PHPSESSID")),
            ("b2b_v2", Some("b2b_v2")),
            ("_hjSession_1234567", Some("_hjSession_*")),
            ("wordpress_logged_in_0a1b2c3d4e5f", Some("wordpress_logged_in_*")),
            ("_ga_AB12CD34EF56GH78", Some("_ga_*")),
            ("77012345678", None),
            ("a b", None),
            ("я", None),
        ] {
            assert_eq!(kept(Kind::Cookie, name).as_deref(), expected, "{name}");
        }
        for (name, expected) in
            [("cdn12345.a.kz", Some("cdn12345.a.kz")), ("[::1]", None), ("a..kz", None), ("", None)]
        {
            assert_eq!(kept(Kind::Script, name).as_deref(), expected, "{name}");
        }
        assert_eq!(kept(Kind::Script, &"a".repeat(NAME_BYTES_MAX + 1)), None);
    }

    #[test]
    fn a_page_is_told_without_query_and_without_what_may_be_somebodys() {
        assert_eq!(&*shortened("/a/b.html?phone=77012345678"), "/a/b.html");
        assert_eq!(&*shortened("/order/1234567/a@b.kz/x"), "/order/*/*/x");
        assert_eq!(shortened(&"/я".repeat(100)).chars().count(), PAGE_CHARS_MAX + 1);
    }
}
