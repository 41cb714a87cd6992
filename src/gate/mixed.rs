//! Inline scripts in which the site's own code stands beside a tag's loader.
//!
//! Held, such a script takes the site's code with it: its menu stays shut until the visitor agrees. So
//! the loader alone is put out of use: the address that it would load, where it is written out as a
//! whole between quotes, becomes that of an empty file of ours. The loader runs, its queue is there,
//! and nothing ever empties it.
//!
//! No parser of JavaScript is needed for that to be sound. Letters of an address are replaced by
//! letters of an address, so strings, comments and brackets stay what they were. And it only counts if
//! nothing is left to load: whoever asks looks at what came out ([`super::document`]) and holds the
//! whole script if any host or path of the vendor is still named in it.
//!
//! Whether there is code of the site at all is for [`super::snippet`] to say.

use std::ops::Range;

/// The script with every address that `goes` led to ours instead, and where those stood, with their
/// quotes. `own` is the origin of the page, `path` where our file is.
pub(super) fn led_away(
    code: &[u8],
    own: &str,
    path: &str,
    goes: impl Fn(&[u8]) -> bool,
) -> Option<(Vec<u8>, Vec<Range<usize>>)> {
    let mut new = Vec::new();
    let mut led = Vec::new();
    let mut from = 0;
    for at in literals(code) {
        let literal = &code[at.clone()];
        let is_escaped = literal.contains(&b'\\');
        let address: Vec<u8> = literal.iter().copied().filter(|byte| *byte != b'\\').collect();
        if at.start < from || !goes(&address) {
            continue;
        }
        let own = match address.starts_with(b"//") {
            // Whatever scheme is put before it.
            true => own.find("//").map_or(own, |slashes| &own[slashes..]),
            false => own,
        };
        // What is put behind it becomes a query.
        let ours = format!("{own}{path}?");
        let ours = if is_escaped { ours.replace('/', "\\/") } else { ours };
        new.extend_from_slice(&code[from..at.start]);
        new.extend_from_slice(ours.as_bytes());
        from = at.end;
        led.push(at.start - 1..at.end + 1);
    }
    new.extend_from_slice(&code[from..]);
    (from > 0).then_some((new, led))
}

/// Where whole addresses with a host stand between two quotes of a kind.
fn literals(code: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for slashes in [&b"//"[..], b"\\/\\/"] {
        found.extend(memchr::memmem::find_iter(code, slashes).filter_map(|at| {
            let scheme = [&b"https:"[..], b"http:"].into_iter().find(|scheme| {
                let start = at.checked_sub(scheme.len());
                start.is_some_and(|start| code[start..at].eq_ignore_ascii_case(scheme))
            });
            let start = at - scheme.map_or(0, <[u8]>::len);
            let quote = *code.get(start.checked_sub(1)?)?;
            if !matches!(quote, b'"' | b'\'' | b'`') {
                return None;
            }
            let stops = |byte: &u8| !byte.is_ascii_graphic() || b"\"'`<>".contains(byte);
            let end = start + code[start..].iter().position(stops)?;
            let address = &code[start..end];
            // A template's own parts are not known, and no escape but that of a slash is read.
            let is_plain = memchr::memmem::find(address, b"${").is_none()
                && memchr::memchr_iter(b'\\', address).all(|at| address.get(at + 1) == Some(&b'/'));
            (code[end] == quote && is_plain).then_some(start..end)
        }));
    }
    found.sort_by_key(|at| at.start);
    found
}

/// The whole addresses with a host that stand between two quotes, without their escapes.
pub(super) fn addresses(code: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let plain = |at: Range<usize>| code[at].iter().copied().filter(|byte| *byte != b'\\').collect();
    literals(code).into_iter().map(plain)
}

/// The hosts that are named anywhere in a script, in any spelling but an escaped one.
pub(super) fn hosts(code: &[u8]) -> impl Iterator<Item = &[u8]> {
    code.split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-'))
        .map(|word| {
            let start = word.iter().take_while(|byte| **byte == b'.').count();
            &word[start..]
        })
        .filter(|word| word.contains(&b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_addresses_between_quotes_are_led_away() {
        let goes = |address: &[u8]| memchr::memmem::find(address, b"t.kz").is_some();
        let led = |code: &str| {
            led_away(code.as_bytes(), "https://own.kz", "/e.js", goes)
                .map(|(code, _)| String::from_utf8(code).expect("UTF-8 stays UTF-8"))
        };
        for (code, expected) in [
            ("a('https://t.kz/x.js')", Some("a('https://own.kz/e.js?')")),
            ("s=\"http:\"+\"//t.kz/x.js?id=\"+n", Some("s=\"http:\"+\"//own.kz/e.js?\"+n")),
            (
                r"a('https:\/\/t.kz\/x.js',`//t.kz`)",
                Some(r"a('https:\/\/own.kz\/e.js?',`//own.kz/e.js?`)"),
            ),
            ("w('<script src=\"//t.kz/x.js\">')", Some("w('<script src=\"//own.kz/e.js?\">')")),
            ("a('https://own.kz/x.js')", None),
            ("a('see https://t.kz/x.js')", None),
            ("a(`https://t.kz/x.js?id=${n}`)", None),
            (r"a('//t.kz\x2fx.js')", None),
            ("// https://t.kz/x.js\n", None),
            ("a('//t.kz/x.js", None),
        ] {
            assert_eq!(led(code).as_deref(), expected, "{code}");
        }
    }

    #[test]
    fn hosts_are_seen_wherever_they_stand() {
        let named: Vec<_> = hosts(b"a='.t.kz/x';b=\"//mc.y.ru:80\" // c.d\n1.5")
            .map(|host| host.escape_ascii().to_string())
            .collect();
        assert_eq!(named, ["t.kz", "mc.y.ru", "c.d", "1.5"]);
    }
}
