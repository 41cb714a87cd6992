//! Which rule speaks, by file and line.
//!
//! The gate asks whose something is; an operator asks why. Both are answered by the same matching,
//! here rule by rule and with words, there as fast as can be.
//!
//! A vendor is named here exactly if [`RuleSet::at_url`], [`RuleSet::in_script`] or
//! [`RuleSet::with_cookie`] names it.

use std::fmt;

use url::Url;

use super::RuleSet;
use super::source::Entry;
use super::vendor::{Use, Vendor};

/// A rule that speaks of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Its vendor, by its place in the rules.
    pub vendor: usize,
    /// Its file.
    pub path: String,
    /// The line on which it begins.
    pub line: usize,
    /// The rule in short.
    pub rule: String,
}

/// `rules/vendors/x.toml:7: [[cookie]] `_x``
impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

impl RuleSet {
    /// The rules that speak of an address when it is used so.
    pub fn spoken_at_url(&self, url: &Url, used: Use) -> Vec<Spoken> {
        self.spoken(|v| &v.urls, |rule| rule.matches(url, used), ToString::to_string)
    }

    /// The rules that speak of an inline script.
    pub fn spoken_in_script(&self, text: &[u8]) -> Vec<Spoken> {
        self.spoken(
            |v| &v.inline,
            |rule| rule.is_match(text),
            |rule| format!("[[inline]] `{rule}`"),
        )
    }

    /// The rules that speak of a cookie.
    pub fn spoken_of_cookie(&self, name: &[u8]) -> Vec<Spoken> {
        let words = |rule: &_| format!("[[cookie]] `{rule}`");
        self.spoken(|v| &v.cookies, |rule| rule.matches(name), words)
    }

    fn spoken<T>(
        &self,
        rules: impl Fn(&Vendor) -> &Vec<Entry<T>>,
        speaks: impl Fn(&T) -> bool,
        words: impl Fn(&T) -> String,
    ) -> Vec<Spoken> {
        let mut spoken = Vec::new();
        for (index, vendor) in self.vendors.iter().enumerate() {
            for Entry { line, value } in rules(vendor).iter().filter(|entry| speaks(&entry.value)) {
                let (path, rule) = (vendor.path.clone(), words(value));
                spoken.push(Spoken { vendor: index, path, line: *line, rule });
            }
        }
        spoken
    }
}
