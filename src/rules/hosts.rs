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
    /// How all hosts begin that a rule speaks of, unless it is that they end so.
    begins: Edges,
    ends: Edges,
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
        // A host that is as short as not to be told by its edges needs no name noted.
        let exact = hosts.exact.all.keys().filter(|name| last_bytes(name).is_some()).cloned();
        let under = hosts.under.all.keys().map(|domain| format!(".{domain}"));
        hosts.ends = Edges::of(last_bytes, &exact.chain(under).collect::<Vec<_>>());
        let any = hosts.any.all.keys().map(|start| format!("{start}."));
        hosts.begins = Edges::of(first_bytes, &any.collect::<Vec<_>>());
        hosts
    }

    /// Whether a rule speaks of this host (lower case, without port).
    #[inline]
    pub(super) fn names(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        // Of nearly all that is seen by how they begin and end.
        if !self.begins.may_be(first_bytes(host)) && !self.ends.may_be(last_bytes(host)) {
            return false;
        }
        self.exact.get(host).is_some()
            || dots(host).any(|dot| self.naming_at(host, dot).iter().any(Option::is_some))
    }

    /// The rules for addresses at this host (lower case, without port).
    pub(super) fn rules(&self, host: &str) -> impl Iterator<Item = UrlRuleAt> {
        self.naming(host).flatten().copied()
    }

    /// What is noted under each name that the host goes by.
    fn naming(&self, host: &str) -> impl Iterator<Item = &[UrlRuleAt]> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let open = dots(host).flat_map(move |dot| self.naming_at(host, dot)).flatten();
        self.exact.get(host).into_iter().chain(open)
    }

    /// What is noted under what stands behind one of its dots, and under what stands before it.
    #[inline]
    fn naming_at(&self, host: &str, dot: usize) -> [Option<&[UrlRuleAt]>; 2] {
        let under = if dot > 0 { self.under.get(&host[dot + 1..]) } else { None };
        let any = if dot + 1 < host.len() { self.any.get(&host[..dot]) } else { None };
        [under, any]
    }
}

/// Where a host has dots.
#[inline]
fn dots(host: &str) -> impl Iterator<Item = usize> {
    host.bytes().enumerate().filter(|(_, byte)| *byte == b'.').map(|(dot, _)| dot)
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

/// How some names begin, or end, at a glance.
#[derive(Debug, Default)]
struct Edges {
    /// So many bits of an edge are looked at: all names have them.
    bits: u32,
    /// A bit for each edge, and for others that happen to share it.
    seen: [u64; 32],
}

/// The bytes that a name begins with, the first in the upper bits; nothing where it is short.
#[inline]
fn first_bytes(name: &str) -> Option<u64> {
    name.as_bytes().first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The bytes that a name ends with, the last in the upper bits; nothing where it is short.
#[inline]
fn last_bytes(name: &str) -> Option<u64> {
    name.as_bytes().last_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

impl Edges {
    /// Of these names, of which `edge` reads the bytes.
    fn of(edge: fn(&str) -> Option<u64>, names: &[String]) -> Edges {
        let shortest = names.iter().map(String::len).min().unwrap_or_default();
        let bits = u64::BITS.min(8 * u32::try_from(shortest).unwrap_or(u32::MAX / 8));
        let mut edges = Edges { bits, seen: [0; 32] };
        for name in names {
            // What stands between, where a name is short, is not looked at.
            let both_edges = format!("{name}        {name}");
            let (place, bit) = edges.place(edge(&both_edges).unwrap_or_default());
            edges.seen[place] |= bit;
        }
        edges
    }

    /// Whether an edge may be one of these. Of a host that is short that is not said.
    #[inline]
    fn may_be(&self, edge: Option<u64>) -> bool {
        edge.is_none_or(|edge| {
            let (place, bit) = self.place(edge);
            self.seen[place] & bit != 0
        })
    }

    /// Where an edge is noted, and by which bit.
    #[inline]
    fn place(&self, edge: u64) -> (usize, u64) {
        // An odd multiplier (of splitmix64) spreads the bytes over the upper bits.
        const MIX: u64 = 0xbf58_476d_1ce4_e5b9;
        let looked_at = edge.checked_shr(u64::BITS - self.bits).unwrap_or_default();
        let hash = looked_at.wrapping_mul(MIX) >> 53;
        ((hash / 64) as usize, 1 << (hash % 64))
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
            "t.co",
            "*.u.co",
            "v.*",
        ];
        let patterns = patterns.map(|text| HostPattern::parse(text).expect("it is a pattern"));
        // With the last ones, which are short, and without.
        for count in 0..=patterns.len() {
            agree(&patterns[..count]);
        }
    }

    fn agree(patterns: &[HostPattern]) {
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
            "t.co",
            "t.co.",
            "x.t.co",
            "at.co",
            "u.co",
            "a.u.co",
            "a-long-one.u.co",
            "a-long-one.vu.co",
            "v.kz",
            "v.a-long-one.kz",
            "vv.a-long-one.kz",
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
