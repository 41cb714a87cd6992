//! What no rule knows, and who is told of it.
//!
//! Rules grow by what a site turns out to load. So of some pages and answers a scout tells the hosts and
//! cookies that no rule speaks of: found by the judge that looks at every address anyway, read once.
//!
//! Only names are told, by kind: hosts without path, cookies without value. The site's own hosts and the
//! gate's own cookies are nobody's discovery. Of a cookie that a rule names the rule is told, and no name.
//!
//! Which answers are looked at is the path's to say, and what was found is kept by `observe`.

use std::fmt;
use std::sync::Arc;

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use url::Url;

use super::address::{Glance, glance};
use super::cookies::{ConsentCookie, name_and_value, spans};
use super::tally::Kind;
use super::{hints, mixed, payload};
use crate::rules::{RuleSet, Use};

/// Words without one of which a script loads nothing.
const LOADS: [&[u8]; 9] = [
    b".src",
    b"setAttribute",
    b"import",
    b"fetch",
    b"sendBeacon",
    b"XMLHttpRequest",
    b"document.write",
    b"Worker",
    b"getScript",
];

/// Who is told of what no rule knows, and of cookies that one does.
#[derive(Clone)]
pub struct Scout(Arc<Told>);

/// What was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met<'a> {
    /// A host, or a cookie by its name, that no rule knows.
    Unknown(Kind, &'a str),
    /// A cookie that a rule names, as the rule writes it: `_ga_*`.
    Known(&'a str),
}

type Told = dyn Fn(Met<'_>) + Send + Sync;

impl fmt::Debug for Scout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scout").finish_non_exhaustive()
    }
}

impl Scout {
    /// Tells `told`.
    pub fn new(told: impl Fn(Met<'_>) + Send + Sync + 'static) -> Scout {
        Scout(Arc::new(told))
    }

    /// The cookies that a browser sends.
    pub fn cookies_sent(&self, headers: &HeaderMap, rules: &RuleSet) {
        let fields = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        for cookie in fields.flat_map(spans) {
            self.cookie(rules, Kind::Cookie, cookie.name);
        }
    }

    /// The cookies that the site sets.
    pub fn cookies_set(&self, headers: &HeaderMap, rules: &RuleSet) {
        for line in headers.get_all(SET_COOKIE) {
            let pair = line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            self.cookie(rules, Kind::SetCookie, name_and_value(pair).0);
        }
    }

    fn cookie(&self, rules: &RuleSet, kind: Kind, name: &[u8]) {
        let mut ours = ConsentCookie::NAMES.iter().chain(&ConsentCookie::OF_NOTICE);
        let ours = ours.any(|own| own.as_bytes() == name);
        if name.is_empty() || ours {
            return;
        }
        match rules.cookie_rule(name) {
            Some(rule) => (self.0)(Met::Known(&rule)),
            None => (self.0)(Met::Unknown(kind, &String::from_utf8_lossy(name))),
        }
    }

    /// The hosts that the `Link` and `Refresh` fields of a page lead to.
    pub fn fields(&self, headers: &HeaderMap, rules: &RuleSet, page: &Url) {
        for (to, uses) in hints::leads(headers, page).flat_map(|lead| lead.to) {
            self.url(rules, page, &to, uses);
        }
    }

    /// Where an address of a page leads.
    pub(super) fn url(&self, rules: &RuleSet, page: &Url, to: &Url, uses: &[Use]) {
        if let Some(host) = to.host_str().filter(|_| matches!(to.scheme(), "http" | "https")) {
            self.host(rules, page, host, uses);
        }
    }

    /// The host that an address of a page leads to.
    pub(super) fn host(&self, rules: &RuleSet, page: &Url, host: &str, uses: &[Use]) {
        let kind = match uses {
            [one] => Kind::of(*one),
            // What may be used for anything is connected to, at least.
            _ => Kind::Hint,
        };
        self.host_as(rules, page, host, kind);
    }

    /// The hosts that a script of the page's own loads something from.
    pub(super) fn code(&self, rules: &RuleSet, page: &Url, code: &[u8]) {
        let loads = LOADS.iter().any(|word| memchr::memmem::find(code, word).is_some());
        if !loads || payload::is_state(code) {
            return;
        }
        for address in mixed::addresses(code) {
            if let Glance::Host(host) = glance(&address) {
                self.host_as(rules, page, &host, Kind::Inline);
            }
        }
    }

    fn host_as(&self, rules: &RuleSet, page: &Url, host: &str, kind: Kind) {
        let host = host.strip_suffix('.').unwrap_or(host);
        if page.host_str() != Some(host) && !rules.knows_host(host) {
            (self.0)(Met::Unknown(kind, host));
        }
    }
}
