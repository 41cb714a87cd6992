//! What of the rules is told to the scripts of a page.
//!
//! The guard, which runs in the browser, takes what other scripts insert, send or store of a withheld
//! vendor. It is given addresses, cookies and keys by what releases them: a purpose, or nothing, where the
//! policy does not name the vendor.
//!
//! What an address is used for is not told: a script may send to it in a dozen ways. Hints, for which the
//! host alone counts, stay out, and so do rules that only report and imported lists, of which there are
//! tens of thousands.
//!
//! How it is written for a browser is for [`crate::guard`].

use super::pattern::{HostPattern, glob_matches};
use super::vendor::Use;
use super::{Action, RuleSet, Vendor};
use crate::policy::{PolicyVersion, Reason};

/// What one purpose releases, or nothing does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The purpose by its name, or that of [`Reason::Undeclared`].
    pub until: &'static str,
    /// Addresses without their scheme: a host as rules write it, and the whole path with its query if only
    /// that is meant, in both of which `*` is any run of characters.
    pub addresses: Vec<String>,
    /// Cookies by their names, exact or with a `*` at the end.
    pub cookies: Vec<String>,
    /// Keys in the browser's storage, written alike.
    pub keys: Vec<String>,
}

impl RuleSet {
    /// What releases a vendor under a policy; nothing for what is the site's own.
    pub fn until(&self, vendor: &Vendor, policy: &PolicyVersion) -> Option<&'static str> {
        let declared = policy.terms[vendor.purpose].declares(&vendor.recipient);
        match vendor.recipient.is_operator() {
            true => None,
            false if declared => Some(vendor.purpose.name()),
            false => Some(Reason::Undeclared.name()),
        }
    }

    /// What scripts are told under a policy, each group once and only if there is anything in it.
    pub fn told_to_scripts(&self, policy: &PolicyVersion) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for vendor in &self.vendors {
            let Some(until) = self.until(vendor, policy) else { continue };
            let at = groups.iter().position(|group| group.until == until).unwrap_or_else(|| {
                let (addresses, cookies, keys) = Default::default();
                groups.push(Group { until, addresses, cookies, keys });
                groups.len() - 1
            });
            groups[at].take(vendor);
        }
        for group in &mut groups {
            group.settle();
        }
        groups.retain(|group| {
            !(group.addresses.is_empty() && group.cookies.is_empty() && group.keys.is_empty())
        });
        // What nothing releases comes first: the stricter of two counts.
        groups.sort_by_key(|group| group.until != Reason::Undeclared.name());
        groups
    }
}

impl Group {
    fn take(&mut self, vendor: &Vendor) {
        let acts = |action: Action| action != Action::ReportOnly;
        let urls = vendor.urls.iter().filter(|rule| acts(vendor.action_of(rule)));
        let shown = urls.filter(|rule| rule.value.uses.iter().any(|used| *used != Use::Link));
        self.addresses.extend(shown.map(|rule| {
            let host = rule.value.host.to_string();
            host + rule.value.path.as_deref().unwrap_or_default()
        }));
        let cookies = vendor.cookies.iter().filter(|rule| acts(vendor.action_of(rule)));
        self.cookies.extend(cookies.map(|rule| rule.value.to_string()));
        let keys = vendor.keys.iter().filter(|rule| acts(vendor.action_of(rule)));
        self.keys.extend(keys.map(|rule| rule.value.to_string()));
    }

    /// Drops what others speak of anyway.
    fn settle(&mut self) {
        let addresses = |wide: &str, narrow: &str| {
            let ((wide_host, wide), (host, narrow)) = (split(wide), split(narrow));
            covers_host(wide_host, host) && (wide.is_empty() || glob_matches(wide, narrow))
        };
        without_narrower(&mut self.addresses, addresses);
        without_narrower(&mut self.cookies, glob_matches);
        without_narrower(&mut self.keys, glob_matches);
        // Neighbours that end alike pack better.
        self.addresses.sort_by_cached_key(|address| {
            split(address).0.rsplit('.').map(str::to_owned).collect::<Vec<_>>()
        });
    }
}

/// The host and the path of an address.
fn split(address: &str) -> (&str, &str) {
    address.split_at(address.find('/').unwrap_or(address.len()))
}

/// Whether a host pattern speaks of every host that another does.
fn covers_host(wide: &str, narrow: &str) -> bool {
    wide == narrow
        || HostPattern::parse(wide).is_ok_and(|wide| match HostPattern::parse(narrow) {
            Ok(HostPattern::Exact(host)) => wide.matches(&host),
            _ => false,
        })
}

/// Keeps of several globs the widest, each once.
fn without_narrower(globs: &mut Vec<String>, covers: impl Fn(&str, &str) -> bool) {
    globs.sort();
    globs.dedup();
    let all = globs.clone();
    globs.retain(|glob| !all.iter().any(|wide| wide != glob && covers(wide, glob)));
}
