//! Which hosts any rule speaks of.
//!
//! A page points at many hosts, and rules speak of few. Whether one of them may be meant is asked for
//! every address, so it has to cost less than to read the address by the book.
//!
//! It says yes for every host that [`HostPattern::matches`] says yes for, and for no other.
//!
//! Which vendor a host belongs to, and which of its paths, is for the rules themselves to say.

use rustc_hash::FxHashSet;

use super::pattern::HostPattern;

/// The hosts of all rules.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    exact: Names,
    under: Names,
    any: Names,
}

impl Hosts {
    /// Of these patterns.
    pub(super) fn of<'a>(patterns: impl Iterator<Item = &'a HostPattern>) -> Hosts {
        let mut hosts = Hosts::default();
        for pattern in patterns {
            match pattern {
                HostPattern::Exact(name) => hosts.exact.insert(name),
                HostPattern::Under(domain) => hosts.under.insert(domain),
                HostPattern::Any(start) => hosts.any.insert(start),
            }
        }
        hosts
    }

    /// Whether a rule speaks of this host (lower case, without port).
    pub(super) fn names(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let mut dots = host.bytes().enumerate().filter(|(_, byte)| *byte == b'.');
        self.exact.contains(host)
            || dots.any(|(dot, _)| {
                (dot > 0 && self.under.contains(&host[dot + 1..]))
                    || (dot + 1 < host.len() && self.any.contains(&host[..dot]))
            })
    }
}

/// Some names.
#[derive(Debug, Default)]
struct Names {
    /// Only the operator adds to them, so a hash that is quick will do.
    all: FxHashSet<String>,
    /// By first letter and length, whether there is any: most hosts need not be hashed.
    glance: [u64; 32],
}

impl Names {
    /// Where in the glance a name is noted, and by which bit.
    fn place(name: &str) -> (usize, u64) {
        let first = name.bytes().next().unwrap_or_default();
        (usize::from(first % 32), 1 << (name.len() % 64))
    }

    fn insert(&mut self, name: &str) {
        let (first, length) = Names::place(name);
        self.glance[first] |= length;
        self.all.insert(name.to_owned());
    }

    fn contains(&self, name: &str) -> bool {
        let (first, length) = Names::place(name);
        self.glance[first] & length != 0 && self.all.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_patterns_say() {
        let patterns = ["mc.yandex.ru", "*.google-analytics.com", "www.google.*", "a.b.*"];
        let patterns = patterns.map(|text| HostPattern::parse(text).expect("it is a pattern"));
        let hosts = Hosts::of(patterns.iter());
        for host in [
            "mc.yandex.ru",
            "mc.yandex.ru.",
            "x.mc.yandex.ru",
            "yandex.ru",
            "google-analytics.com",
            "www.google-analytics.com",
            "a.b.google-analytics.com",
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
            let expected = patterns.iter().any(|pattern| pattern.matches(host));
            assert_eq!(hosts.names(host), expected, "{host}");
        }
    }
}
