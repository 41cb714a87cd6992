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
use super::action::{Action, Rule, Said};
use super::first_party::PathRule;
use super::vendor::{UrlRule, Use, Vendor, cookie_in_short, inline_in_short, key_in_short};

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
    /// What is done with what it names.
    pub action: Action,
}

/// `rules/vendors/x.toml:7: [[cookie]] `_x``
impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

impl Spoken {
    /// What it says.
    pub fn said(&self) -> Said {
        Said { vendor: self.vendor, action: self.action }
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
            let rules = vendor.paths.iter().filter(|rule| speaks(&rule.value));
            spoken.extend(rules.map(|rule| Spoken {
                vendor: index,
                path: rule.value.file.clone(),
                line: rule.line,
                rule: rule.value.to_string(),
                action: vendor.action_of(rule),
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
        let mut spoken = self.spoken(|v| &v.keys, |rule| rule.matches(key), key_in_short);
        for one in &mut spoken {
            one.action = one.action.of_name();
        }
        spoken
    }

    /// The rules that speak of an inline script.
    pub fn spoken_in_script(&self, text: &[u8]) -> Vec<Spoken> {
        self.spoken(|v| &v.inline, |rule| rule.is_match(text), inline_in_short)
    }

    /// The rules that speak of a cookie.
    pub fn spoken_of_cookie(&self, name: &[u8]) -> Vec<Spoken> {
        let mut spoken = self.spoken(|v| &v.cookies, |rule| rule.matches(name), cookie_in_short);
        for one in &mut spoken {
            one.action = one.action.of_name();
        }
        spoken
    }

    fn spoken<T>(
        &self,
        rules: impl Fn(&Vendor) -> &Vec<Rule<T>>,
        speaks: impl Fn(&T) -> bool,
        words: impl Fn(&T) -> String,
    ) -> Vec<Spoken> {
        let mut spoken = Vec::new();
        for (index, vendor) in self.vendors.iter().enumerate() {
            for rule in rules(vendor).iter().filter(|rule| speaks(&rule.value)) {
                spoken.push(Spoken {
                    vendor: index,
                    path: vendor.path.clone(),
                    line: rule.line,
                    rule: words(&rule.value),
                    action: vendor.action_of(rule),
                });
            }
        }
        spoken
    }
}
