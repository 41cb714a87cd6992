//! Which hosts any rule speaks of, and which rules speak of a host.
//!
//! A page points at many hosts, and rules speak of few. Whether one of them may be meant is asked for
//! every address, so it has to cost less than to read the address by the book; and of thousands of rules
//! only those for its host are tried.
//!
//! It says of a host what [`HostPattern::matches`] says of it.
//!
//! Which of a host's paths are meant is for the rules themselves to say.

use rustc_hash::FxHashMap;

use super::pattern::HostPattern;

/// Where a rule for addresses stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UrlRuleAt {
    pub(super) vendor: usize,
    pub(super) rule: usize,
}

/// The hosts of all rules.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    exact: Names,
    under: Names,
    any: Names,
}

impl Hosts {
    /// Of these patterns, each with the rule for addresses that it stands in, if it is one.
    pub(super) fn of<'a>(
        patterns: impl Iterator<Item = (&'a HostPattern, Option<UrlRuleAt>)>,
    ) -> Hosts {
        let mut hosts = Hosts::default();
        for (pattern, rule) in patterns {
            match pattern {
                HostPattern::Exact(name) => hosts.exact.insert(name, rule),
                HostPattern::Under(domain) => hosts.under.insert(domain, rule),
                HostPattern::Any(start) => hosts.any.insert(start, rule),
            }
        }
        hosts
    }

    /// Whether a rule speaks of this host (lower case, without port).
    #[inline]
    pub(super) fn names(&self, host: &str) -> bool {
        self.naming(host).next().is_some()
    }

    /// The rules for addresses at this host (lower case, without port).
    pub(super) fn rules(&self, host: &str) -> impl Iterator<Item = UrlRuleAt> {
        self.naming(host).flatten().copied()
    }

    /// What is noted under each name that the host goes by.
    #[inline]
    fn naming(&self, host: &str) -> impl Iterator<Item = &[UrlRuleAt]> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let dots = host.bytes().enumerate().filter(|(_, byte)| *byte == b'.');
        let open = dots.flat_map(move |(dot, _)| {
            let under = if dot > 0 { self.under.get(&host[dot + 1..]) } else { None };
            let any = if dot + 1 < host.len() { self.any.get(&host[..dot]) } else { None };
            under.into_iter().chain(any)
        });
        self.exact.get(host).into_iter().chain(open)
    }
}

/// Some names, and the rules that each stands in.
#[derive(Debug, Default)]
struct Names {
    /// Only the operator adds to them, so a hash that is quick will do.
    all: FxHashMap<String, Vec<UrlRuleAt>>,
    /// By first letter and length, whether there is any: most hosts need not be hashed.
    glance: [u64; 32],
}

impl Names {
    /// Where in the glance a name is noted, and by which bit.
    #[inline]
    fn place(name: &str) -> (usize, u64) {
        let first = name.bytes().next().unwrap_or_default();
        (usize::from(first % 32), 1 << (name.len() % 64))
    }

    fn insert(&mut self, name: &str, rule: Option<UrlRuleAt>) {
        let (first, length) = Names::place(name);
        self.glance[first] |= length;
        self.all.entry(name.to_owned()).or_default().extend(rule);
    }

    #[inline]
    fn get(&self, name: &str) -> Option<&[UrlRuleAt]> {
        let (first, length) = Names::place(name);
        if self.glance[first] & length == 0 {
            return None;
        }
        self.all.get(name).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_patterns_say() {
        let patterns = [
            "mc.yandex.ru",
            "mc.yandex.*",
            "*.google-analytics.com",
            "*.a.google-analytics.com",
            "www.google.*",
            "a.b.*",
        ];
        let patterns = patterns.map(|text| HostPattern::parse(text).expect("it is a pattern"));
        let at = |rule| UrlRuleAt { vendor: 0, rule };
        let hosts = Hosts::of(patterns.iter().enumerate().map(|(rule, p)| (p, Some(at(rule)))));
        for host in [
            "mc.yandex.ru",
            "mc.yandex.ru.",
            "x.mc.yandex.ru",
            "yandex.ru",
            "google-analytics.com",
            "www.google-analytics.com",
            "a.b.google-analytics.com",
            "b.a.google-analytics.com",
            ".google-analytics.com",
            "www.google.kz",
            "www.google.co.uk",
            "www.google",
            "www.google.",
            "xwww.google.kz",
            "a.b.c",
            "a.b.",
            "a.b..",
            "",
            ".",
            "com",
            "example.com",
        ] {
            let expected: Vec<_> =
                (0..patterns.len()).filter(|rule| patterns[*rule].matches(host)).map(at).collect();
            let mut rules: Vec<_> = hosts.rules(host).collect();
            rules.sort_unstable();
            assert_eq!(rules, expected, "{host}");
            assert_eq!(hosts.names(host), !expected.is_empty(), "{host}");
        }
    }
}
