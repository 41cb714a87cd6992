//! Whose an address is, at a glance.
//!
//! Nearly all addresses in a page are plain: `/a.png`, `https://cdn.example.com/b.js`. Of those the
//! host can be seen without reading them by the book, and nearly always it is one that no rule speaks
//! of. What is written in any other way is left to the book (WHATWG URL): browsers take
//! `hTTps:\\MC.yandex%2eru` for an address too.
//!
//! Where a host is seen here, the book sees the same.

use std::borrow::Cow;

/// What can be seen of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Glance<'a> {
    /// It has no host of its own, and leads to that of its base.
    Relative,
    /// It leads to this host, in lower case.
    Host(Cow<'a, str>),
    /// It has to be read by the book.
    Unclear,
}

/// Looks at an address, or at one as it stands in an attribute, where `&…;` may be any letter.
///
/// It looks no farther than to where the host ends or a path has begun: nothing behind changes whose
/// the address is.
pub(super) fn glance(address: &[u8]) -> Glance<'_> {
    let scheme = [&b"https:"[..], b"http:"].into_iter().find(|scheme| {
        let start = address.get(..scheme.len());
        start.is_some_and(|start| start == *scheme || start.eq_ignore_ascii_case(scheme))
    });
    let rest = &address[scheme.map_or(0, <[u8]>::len)..];
    match (scheme, rest) {
        (_, [b'/', b'/', authority @ ..]) => host(authority),
        (None, [] | [b'/'] | [b'?' | b'#', ..]) => Glance::Relative,
        // A line end or a tab would be dropped, a reference be a slash.
        (None, [b'/', second, ..]) if !matches!(second, b'\\' | b'&' | ..=b' ') => Glance::Relative,
        // What cannot be part of a scheme before there is a colon leaves none (WHATWG URL §4.4); but a
        // line end or a tab would be dropped, a reference be any letter, and so may other encodings' be.
        (None, [first, ..]) if first.is_ascii_alphanumeric() || b"._%".contains(first) => {
            match rest.iter().find(|byte| CLASSES[usize::from(**byte)] & SCHEME == 0) {
                Some(b':' | b'&' | ..b' ' | 0x7f..) => Glance::Unclear,
                _ => Glance::Relative,
            }
        }
        _ => Glance::Unclear,
    }
}

/// Whether an address is that of data, which stands in it: nobody is asked for anything.
pub(super) fn is_data(address: &[u8]) -> bool {
    address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
}

/// The host that an authority begins with, if there is nothing else but a port.
fn host(authority: &[u8]) -> Glance<'_> {
    let mut seen = 0;
    let end = authority.iter().position(|byte| {
        let class = CLASSES[usize::from(*byte)];
        seen |= class;
        class & PLAIN == 0
    });
    let (host, behind) = authority.split_at(end.unwrap_or(authority.len()));
    let after = match behind {
        [b':', port @ ..] => port.iter().find(|byte| !byte.is_ascii_digit()),
        _ => behind.first(),
    };
    let ends = after.is_none_or(|byte| matches!(byte, b'/' | b'?' | b'#'));
    match std::str::from_utf8(host) {
        Ok(host) if ends && seen & UPPER != 0 => {
            Glance::Host(Cow::Owned(host.to_ascii_lowercase()))
        }
        Ok(host) if ends && !host.is_empty() => Glance::Host(Cow::Borrowed(host)),
        _ => Glance::Unclear,
    }
}

/// What a plain host is made of.
const PLAIN: u8 = 1;
const UPPER: u8 = 2;
/// What a scheme is made of.
const SCHEME: u8 = 4;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'A'..=b'Z' => PLAIN | UPPER | SCHEME,
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' => PLAIN | SCHEME,
            b'_' => PLAIN,
            b'+' => SCHEME,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn host(name: &str) -> Glance<'_> {
        Glance::Host(Cow::Borrowed(name))
    }

    #[test]
    fn plain_addresses_are_seen_and_others_are_left_to_the_book() {
        for (address, expected) in [
            ("", Glance::Relative),
            ("/", Glance::Relative),
            ("/a.js?b=http://c", Glance::Relative),
            ("a/b:c", Glance::Relative),
            ("a b:c", Glance::Relative),
            ("a_b:c", Glance::Relative),
            ("%23a", Glance::Relative),
            ("../a", Glance::Relative),
            ("?a", Glance::Relative),
            ("#", Glance::Relative),
            ("//a.example/b", host("a.example")),
            ("https://A.example", host("a.example")),
            ("HTTP://a.example:80/b", host("a.example")),
            ("https://a.example?b", host("a.example")),
        ] {
            assert_eq!(glance(address.as_bytes()), expected, "{address}");
        }
        for unclear in [
            " //a.example",
            "/\\a.example",
            "\\\\a.example",
            "https:a",
            "https:/a",
            "https:///a",
            "///a",
            "data:,a",
            "javascript:0",
            "//u@a.example",
            "//a%2eexample",
            "//a.example\\b",
            "/\t/a",
            "//ä.example",
            "//[::1]/",
            "//a:b",
            "//:80",
            "ftp://a",
            "a+b-c.1:d",
            "a\tb:c",
            "ä:c",
            "//a.example:",
            "//a.ex\nample",
        ] {
            let seen = glance(unclear.as_bytes());
            assert!(seen == Glance::Unclear || unclear == "//a.example:", "{unclear}: {seen:?}");
        }
    }

    #[test]
    fn a_reference_hides_nothing_of_what_is_seen() {
        for (value, expected) in [
            ("/a?b=1&amp;c=2", Glance::Relative),
            ("//a.example/b?c&amp;d", host("a.example")),
            ("https://a.example?&amp;", host("a.example")),
            ("?&amp;", Glance::Relative),
            ("a/b&amp;c", Glance::Relative),
            ("a b&colon;c", Glance::Relative),
            ("//a.example&period;kz/", Glance::Unclear),
            ("//a.example:8&sol;", Glance::Unclear),
            ("/&sol;a.example", Glance::Unclear),
            ("&sol;&sol;a.example", Glance::Unclear),
            ("a&colon;b", Glance::Unclear),
            ("https:&sol;/a.example", Glance::Unclear),
        ] {
            assert_eq!(glance(value.as_bytes()), expected, "{value}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        #[test]
        fn the_book_sees_the_same_host(
            bits in prop::collection::vec(prop::sample::select(vec![
                "/", "\\", ":", "http", "https:", "HTTPS://", "a", "B.c", ".", "@", "?", "#", "%2e", "\t", " ", "-", "_",
                "1", "80", "0x7f", "ä", "data:", "ftp:", "//", "[", "]", "xn--a", "\n", "&sol;", "&colon;", "&Tab;", "&amp;",
            ]), 0..7),
        ) {
            let written = bits.concat();
            let address = htmlize::unescape_attribute(written.as_str());
            for base in ["https://own.example/x/y", "http://own.example/"] {
                let base: Url = base.parse().expect("an address");
                let read = base.join(&address);
                let host = read.as_ref().ok().and_then(Url::host_str);
                match glance(written.as_bytes()) {
                    Glance::Relative => prop_assert_eq!(host, Some("own.example"), "{}", address),
                    // What no browser can load is nobody's; a number is read as an IP address.
                    Glance::Host(seen) => if let Some(host) = host {
                        let ip = matches!(read.as_ref().map(Url::host), Ok(Some(url::Host::Ipv4(_))));
                        prop_assert!(ip || host == seen, "{} {} {}", address, host, seen);
                    },
                    Glance::Unclear => {}
                }
            }
        }
    }
}
