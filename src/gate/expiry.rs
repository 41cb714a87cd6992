//! Expiring withheld cookies that the browser still holds.
//!
//! A browser says of a cookie its name alone. On which domain it is kept, on which path, and in
//! which partition, nobody is told, and a line that expires it has to name all three. So each
//! cookie gets a line for each place that it can be in: without a domain and for each parent of the
//! host that is the site's own; for `/` and for each path that leads to this one, as a cookie that
//! came along has one of those (RFC 6265 §5.1.4); plain, and where there is TLS `Partitioned`.
//!
//! One response carries no more than [`BYTES_MAX`]. The likeliest places come first, for all
//! cookies, so nearly all are gone with the first document. What does not fit comes with the next
//! ones; where those begin moves with time, so a cookie that cannot be expired delays no other.
//!
//! Which cookies are withheld is said by [`super::request`].

use cookie::{Cookie, SameSite, time::Duration};
use http::header::HeaderValue;

use crate::rules::Site;
use crate::time::Time;

/// What expiring lines may add to one response, in bytes: more would overflow the header
/// buffer of a proxy in front of us.
pub const BYTES_MAX: usize = 4096;

/// Browsers take no path that is longer (RFC 6265bis §5.6).
const PATH_BYTES_MAX: usize = 1024;

/// The document that cookies came along for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its host, without a port.
    pub host: &'a str,
    /// Its path, without its query.
    pub path: &'a str,
    /// Whether over TLS.
    pub tls: bool,
    /// Whether for a frame, where another site may be around it.
    pub framed: bool,
    /// When.
    pub now: Time,
}

/// The lines that expire the cookies of these names.
pub fn lines(withheld: &[Vec<u8>], asked: Asked<'_>, site: &Site) -> Vec<HeaderValue> {
    let names: Vec<&str> =
        withheld.iter().filter_map(|name| std::str::from_utf8(name).ok()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let places = Places::of(asked, site);
    let all = places.count() * names.len();
    let line = |at: usize| places.line(names[at % names.len()], at / names.len());

    let mut lines = Vec::new();
    if fill(&mut lines, BYTES_MAX, (0..all).map(line)) == all {
        return lines;
    }
    lines.clear();
    let first = fill(&mut lines, BYTES_MAX / 4 * 3, (0..all).map(line));
    let moved = usize::try_from(asked.now.0).unwrap_or_default() % (all - first);
    let rest = (first + moved..all).chain(first..first + moved);
    fill(&mut lines, BYTES_MAX, rest.map(line));
    lines
}

/// Adds lines as long as all of them take no more than so many bytes, and says how many.
fn fill(
    lines: &mut Vec<HeaderValue>,
    bytes_max: usize,
    more: impl Iterator<Item = String>,
) -> usize {
    let size = |line: &str| line.len() + "set-cookie: \r\n".len();
    let taken = |line: &HeaderValue| size(line.to_str().unwrap_or_default());
    let mut bytes: usize = lines.iter().map(taken).sum();
    let fits = |line: &String| {
        bytes += size(line);
        bytes <= bytes_max
    };
    let mut added = 0;
    for line in more.take_while(fits) {
        added += 1;
        lines.extend(HeaderValue::from_str(&line));
    }
    added
}

/// Where a cookie can be that came along with a request, the likeliest first.
struct Places<'a> {
    domains: Vec<Option<&'a str>>,
    paths: Vec<&'a str>,
    /// Plain, and partitioned or not.
    partitions: usize,
    asked: Asked<'a>,
}

impl<'a> Places<'a> {
    fn of(asked: Asked<'a>, site: &Site) -> Places<'a> {
        // Of a host that `site.toml` does not list, each parent could be the site's.
        let known = site.owns(asked.host);
        let own = parents(asked.host).filter(|parent| !known || site.owns(parent));
        Places {
            domains: std::iter::once(None).chain(own.map(Some)).collect(),
            paths: paths(asked.path).collect(),
            partitions: if asked.tls { 2 } else { 1 },
            asked,
        }
    }

    fn count(&self) -> usize {
        self.domains.len() * self.partitions * self.paths.len()
    }

    /// The line that expires the cookie of this name in one place.
    fn line(&self, name: &str, place: usize) -> String {
        let (place, domain) = (place / self.domains.len(), place % self.domains.len());
        let (path, partition) = (place / self.partitions, place % self.partitions);
        let mut cookie = Cookie::build((name, "")).path(self.paths[path]).max_age(Duration::ZERO);
        if let Some(domain) = self.domains[domain] {
            cookie = cookie.domain(domain);
        }
        if self.asked.tls {
            cookie = cookie.secure(true);
        }
        if partition > 0 {
            cookie = cookie.partitioned(true);
        }
        // In a frame of another site a browser takes no line that does not say so.
        if self.asked.tls && (self.asked.framed || partition > 0) {
            cookie = cookie.same_site(SameSite::None);
        }
        cookie.build().to_string()
    }
}

/// `a.b.kz` → `a.b.kz`, `b.kz`. An address, or a name of one label, has no domain cookies.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    let is_name =
        host.contains('.') && host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[');
    let mut rest = is_name.then_some(host);
    std::iter::from_fn(move || {
        let domain = rest?;
        rest =
            domain.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'));
        Some(domain)
    })
}

/// `/a/b` → `/`, `/a`, `/a/`, `/a/b`: all that a cookie's path can be for it to come along here.
fn paths(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.bytes().enumerate().skip(1).filter(|(_, byte)| *byte == b'/');
    let folders = slashes.flat_map(|(at, _)| [at, at + 1]);
    let ends = folders.chain([path.len()]).take_while(|end| *end <= PATH_BYTES_MAX);
    // No line can name a path with a semicolon in it.
    let mut last = 1;
    let longer = ends
        .filter(move |end| std::mem::replace(&mut last, *end) < *end)
        .map(|end| &path[..end])
        .take_while(|path| !path.contains(';'));
    std::iter::once("/").chain(longer)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::LazyLock;

    use super::*;
    use crate::rules::RuleSet;

    fn lines_at(withheld: &[Vec<u8>], host: &str, path: &str, tls: bool, now: u64) -> Vec<String> {
        static RULES: LazyLock<RuleSet> =
            LazyLock::new(|| crate::rules::load("rules", &crate::demo::rule_files()).unwrap());
        let asked = Asked { host, path, tls, framed: false, now: Time(now) };
        let lines = lines(withheld, asked, &RULES.site);
        lines.iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_line_for_each_domain_path_and_partition() {
        let ga = [b"_ga".to_vec()];
        assert_eq!(
            lines_at(&ga, "my.send-box.com", "/", true, 0),
            [
                "_ga=; Secure; Path=/; Max-Age=0",
                "_ga=; Secure; Path=/; Domain=my.send-box.com; Max-Age=0",
                "_ga=; Secure; Path=/; Domain=send-box.com; Max-Age=0",
                "_ga=; SameSite=None; Partitioned; Secure; Path=/; Max-Age=0",
                "_ga=; SameSite=None; Partitioned; Secure; Path=/; Domain=my.send-box.com; Max-Age=0",
                "_ga=; SameSite=None; Partitioned; Secure; Path=/; Domain=send-box.com; Max-Age=0",
            ]
        );
        // Of a host that the site does not list every parent could be its own, but no top level.
        assert_eq!(
            lines_at(&ga, "a.b.kz", "/x/", false, 0),
            [
                "_ga=; Path=/; Max-Age=0",
                "_ga=; Path=/; Domain=a.b.kz; Max-Age=0",
                "_ga=; Path=/; Domain=b.kz; Max-Age=0",
                "_ga=; Path=/x; Max-Age=0",
                "_ga=; Path=/x; Domain=a.b.kz; Max-Age=0",
                "_ga=; Path=/x; Domain=b.kz; Max-Age=0",
                "_ga=; Path=/x/; Max-Age=0",
                "_ga=; Path=/x/; Domain=a.b.kz; Max-Age=0",
                "_ga=; Path=/x/; Domain=b.kz; Max-Age=0",
            ]
        );
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            assert_eq!(lines_at(&ga, host, "/", false, 0).len(), 1, "{host}");
        }
        assert!(lines_at(&[], "a.kz", "/", false, 0).is_empty());
    }

    #[test]
    fn a_path_is_one_that_a_cookie_could_come_along_by() {
        let of = |path| paths(path).collect::<Vec<_>>();
        assert_eq!(of("/"), ["/"]);
        assert_eq!(of("/a/b"), ["/", "/a", "/a/", "/a/b"]);
        assert_eq!(of("/a/b/"), ["/", "/a", "/a/", "/a/b", "/a/b/"]);
        assert_eq!(of("//a"), ["/", "//", "//a"]);
        assert_eq!(of("/a/b;c/d"), ["/", "/a", "/a/"]);
        assert_eq!(of("*"), ["/"]);
        let long = format!("/a/{}/b", "x".repeat(2000));
        assert_eq!(of(&long), ["/", "/a", "/a/"]);
    }

    #[test]
    fn what_does_not_fit_comes_with_a_later_document_and_nothing_is_forgotten() {
        let many: Vec<_> = (0..60).map(|n| format!("_ym_{n}").into_bytes()).collect();
        let (host, path) = ("www.send-box.com", "/a/b/c");
        // Each place of each cookie: three domains, two partitions, six paths.
        let all = many.len() * 3 * 2 * 6;
        let mut seen = BTreeSet::new();
        for now in 0..u64::try_from(all).unwrap() {
            let lines = lines_at(&many, host, path, true, now);
            let bytes: usize = lines.iter().map(|line| line.len() + 14).sum();
            assert!(bytes <= BYTES_MAX && bytes > BYTES_MAX - 200, "{bytes}");
            // The likeliest place of each cookie is there whenever it is.
            assert!(lines.contains(&"_ym_0=; Secure; Path=/; Max-Age=0".to_owned()), "{lines:?}");
            seen.extend(lines);
            if now > 100 && seen.len() == all {
                break;
            }
        }
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn a_name_that_fits_in_no_response_stops_no_other() {
        let names = [b"_ym_".repeat(1500), b"_ga".to_vec()];
        let any = (0..12).any(|now| {
            lines_at(&names, "send-box.com", "/", false, now)
                .iter()
                .any(|line| line.starts_with("_ga="))
        });
        assert!(any);
    }
}
