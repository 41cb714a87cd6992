//! Hints to connect or load ahead.
//!
//! A browser that is told to connect to a tracker has told it of the visit, before any script
//! runs. Hints stand in pages (`<link rel=preconnect>`) and in headers (`Link`); those that lead
//! to withheld vendors go, the others keep their bytes.

use http::header::{HeaderMap, HeaderValue, LINK};
use url::Url;

use super::fate::{Fate, Fates};
use super::fields;
use crate::rules::{RuleSet, Use};

/// Link types that make a browser contact a host ahead (HTML §4.6.7).
const HINTS: [&[u8]; 6] =
    [b"preconnect", b"dns-prefetch", b"preload", b"prefetch", b"modulepreload", b"prerender"];

/// Whether a `rel` attribute or parameter is a hint's.
pub(super) fn is_hint(rel: &[u8]) -> bool {
    rel.split(u8::is_ascii_whitespace)
        .any(|word| HINTS.iter().any(|hint| word.eq_ignore_ascii_case(hint)))
}

/// Removes hints to withheld vendors from the `Link` fields of an answer to a request for `url`.
pub fn keep_permitted(headers: &mut HeaderMap, rules: &RuleSet, fates: &Fates, url: &Url) {
    if !headers.contains_key(LINK) {
        return;
    }
    let goes = |entry: &[u8]| is_withheld(entry, rules, fates, url);
    if !headers.get_all(LINK).iter().any(|line| entries(line.as_bytes()).any(goes)) {
        return;
    }
    fields::retain(headers, |name, line| {
        if name != LINK {
            return true;
        }
        let kept: Vec<&[u8]> = entries(line.as_bytes()).filter(|entry| !goes(entry)).collect();
        let joined = HeaderValue::from_bytes(kept.join(&b","[..]).trim_ascii());
        match joined {
            Ok(joined) if !kept.is_empty() => *line = joined,
            _ => return false,
        }
        true
    });
}

fn is_withheld(entry: &[u8], rules: &RuleSet, fates: &Fates, url: &Url) -> bool {
    let entry = entry.trim_ascii();
    let Some(end) = memchr::memchr(b'>', entry) else { return false };
    let Some(target) = entry[..end].strip_prefix(b"<") else { return false };
    let rel = parameters(&entry[end + 1..])
        .find(|(name, _)| name.eq_ignore_ascii_case(b"rel"))
        .map_or(&b""[..], |(_, value)| value);
    let target = url.join(&String::from_utf8_lossy(target));
    is_hint(rel) && target.is_ok_and(|to| fates.of_url(rules, &to, Use::Link) != Fate::Permit)
}

/// The entries of a `Link` field (RFC 8288 §3), separated by commas.
fn entries(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut place = Place::default();
    field.split(move |byte| place.is_separator(*byte, b','))
}

/// Names and values behind an entry's address, separated by semicolons.
fn parameters(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut place = Place::default();
    text.split(move |byte| place.is_separator(*byte, b';')).filter_map(|parameter| {
        let at = memchr::memchr(b'=', parameter)?;
        let value = parameter[at + 1..].trim_ascii();
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        let value = value.strip_suffix(b"\"").unwrap_or(value);
        Some((parameter[..at].trim_ascii(), value))
    })
}

/// Where in a field one is: a separator counts neither in an address nor in quotes.
#[derive(Clone, Copy, Default)]
struct Place {
    address: bool,
    quoted: bool,
    escaped: bool,
}

impl Place {
    fn is_separator(&mut self, byte: u8, separator: u8) -> bool {
        let escaped = std::mem::take(&mut self.escaped);
        match byte {
            b'\\' if self.quoted && !escaped => self.escaped = true,
            b'"' if !self.address && !escaped => self.quoted = !self.quoted,
            b'<' if !self.quoted => self.address = true,
            b'>' if !self.quoted => self.address = false,
            byte => return byte == separator && !self.address && !self.quoted,
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_addresses_and_quotes_separate_nothing() {
        let field = br#"</a,b>; rel=preload; title="x, y", <//c>; REL="next preconnect""#;
        let split: Vec<_> = entries(field).collect();
        assert_eq!(split.len(), 2, "{split:?}");
        let field = br#"</x>; title="\"", <//c>; title="; rel=x"; rel=preconnect"#;
        let split: Vec<_> = entries(field).collect();
        assert_eq!(split.len(), 2, "{split:?}");
        let names: Vec<_> = parameters(&split[1][6..]).map(|(name, _)| name).collect();
        assert_eq!(names, [&b"title"[..], b"rel"]);
        let rel = |entry: &'static [u8]| parameters(entry).last().map(|(_, rel)| rel.to_vec());
        assert_eq!(rel(br#"; REL="next preconnect""#), Some(b"next preconnect".to_vec()));
        assert!(is_hint(b"next Preconnect") && !is_hint(b"stylesheet"));
    }
}
