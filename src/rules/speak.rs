//! Which rule speaks, by file and line.
//!
//! The gate asks whose something is; an operator asks why. Both are answered by the same matching,
//! here rule by rule and with words, there as fast as can be.
//!
//! A vendor is named here exactly if [`RuleSet::at_url`], [`RuleSet::at_own_path`], [`RuleSet::in_script`],
//! [`RuleSet::in_library`], [`RuleSet::with_cookie`] or [`RuleSet::stored_keys`] names it.

use std::fmt;

use url::Url;

use super::RuleSet;
use super::first_party::PathRule;
use super::source::Entry;
use super::vendor::{UrlRule, Use, Vendor};

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
    /// The rules that speak of an address when it is used in one of these ways.
    pub fn spoken_at_url(&self, url: &Url, uses: &[Use]) -> Vec<Spoken> {
        let host = url.host_str().unwrap_or_default();
        let own = self.site.owns(host);
        let speaks = |rule: &UrlRule| {
            rule.host.matches(host) && uses.iter().any(|used| rule.covers(url, *used))
        };
        let mut spoken = self.spoken(|v| &v.urls, speaks, ToString::to_string);
        spoken.extend(
            self.spoken_of_own(|rule| uses.iter().any(|used| rule.speaks_in_page(url, *used, own))),
        );
        spoken
    }

    /// The rules that give an address of the site's, asked for there, to a vendor.
    pub fn spoken_at_own_path(&self, url: &Url, as_script: Option<bool>) -> Vec<Spoken> {
        self.spoken_of_own(|rule| rule.matches(url, as_script))
    }

    fn spoken_of_own(&self, speaks: impl Fn(&PathRule) -> bool) -> Vec<Spoken> {
        let mut spoken = Vec::new();
        for (index, vendor) in self.vendors.iter().enumerate() {
            let rules = vendor.paths.iter().filter(|entry| speaks(&entry.value));
            spoken.extend(rules.map(|Entry { line, value }| Spoken {
                vendor: index,
                path: value.file.clone(),
                line: *line,
                rule: value.to_string(),
            }));
        }
        spoken
    }

    /// The rules that tell a vendor's library that begins so.
    pub fn spoken_in_library(&self, code: &[u8]) -> Vec<Spoken> {
        self.spoken(|v| &v.signatures, |rule| rule.is_in(code), ToString::to_string)
    }

    /// The rules that name a key in the browser's storage.
    pub fn spoken_of_key(&self, key: &[u8]) -> Vec<Spoken> {
        let words = |rule: &_| format!("[[storage]] `{rule}`");
        self.spoken(|v| &v.keys, |rule| rule.matches(key), words)
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
