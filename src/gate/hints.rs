//! Hints to connect or load ahead.
//!
//! A browser that is told to connect to a tracker has told it of the visit, before any script
//! runs. Hints stand in pages (`<link rel=preconnect>`) and in headers (`Link`), beside links that
//! load something; those that lead to withheld vendors go, the others keep their bytes.

use http::header::{HeaderMap, HeaderValue, LINK};
use url::Url;

use super::fate::{Fate, Fates};
use super::{fields, refresh};
use crate::rules::{RuleSet, Use};

/// Link types that make a browser contact a host ahead (HTML §4.6.7).
const HINTS: [&[u8]; 6] =
    [b"preconnect", b"dns-prefetch", b"preload", b"prefetch", b"modulepreload", b"prerender"];

/// Link types for what is fetched and shown, or kept.
const LOADED: [&[u8]; 9] = [
    b"stylesheet",
    b"icon",
    b"apple-touch-icon",
    b"apple-touch-icon-precomposed",
    b"apple-touch-startup-image",
    b"mask-icon",
    b"fluid-icon",
    b"manifest",
    b"compression-dictionary",
];

/// What the address of a link is used for, by its `rel`, in a page or a header; of several types the
/// first of the above counts. `canonical`, `alternate`, `author` make a browser do nothing.
pub(super) fn relation_uses(rel: &[u8]) -> &'static [Use] {
    let has = |types: &[&[u8]]| {
        rel.split(u8::is_ascii_whitespace)
            .any(|word| types.iter().any(|known| word.eq_ignore_ascii_case(known)))
    };
    if has(&HINTS) {
        &Use::ALL
    } else if has(&LOADED) {
        &[Use::Image]
    } else if has(&[b"import"]) {
        // HTML imports run what they fetch, in browsers before 2020.
        &[Use::Script]
    } else {
        &[]
    }
}

/// The candidates in a list of pictures for different screens, `srcset` and its like (HTML §4.8.4.2.1):
/// each an address and what may stand behind it.
pub(super) fn candidates(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    let ends = memchr::memchr_iter(b',', list).chain(std::iter::once(list.len()));
    ends.map(move |end| {
        let candidate = &list[from..end];
        from = end + 1;
        candidate.trim_ascii_start()
    })
}

/// The address of a candidate.
pub(super) fn address_of(candidate: &[u8]) -> &[u8] {
    let end = candidate.iter().position(u8::is_ascii_whitespace);
    &candidate[..end.unwrap_or(candidate.len())]
}

/// Removes what leads to withheld vendors from the `Link` and `Refresh` fields of an answer to a
/// request for `url`.
pub fn keep_permitted(headers: &mut HeaderMap, rules: &RuleSet, fates: &Fates, url: &Url) {
    refresh::keep_permitted(headers, rules, fates, url);
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
    let parameter = |wanted: &[u8]| {
        parameters(&entry[end + 1..])
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map_or(&b""[..], |(_, value)| value)
    };
    let uses = relation_uses(parameter(b"rel"));
    let set = candidates(parameter(b"imagesrcset")).map(address_of);
    let mut targets = std::iter::once(target).chain(set.filter(|target| !target.is_empty()));
    targets.any(|target| {
        let to = url.join(&String::from_utf8_lossy(target));
        to.is_ok_and(|to| fates.of_url_as(rules, &to, uses) != Fate::Permit)
    })
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
        for (rel, expected) in [
            (&b"next Preconnect"[..], &Use::ALL[..]),
            (b"stylesheet preload", &Use::ALL),
            (b"Shortcut ICON", &[Use::Image]),
            (b"import", &[Use::Script]),
            (b"canonical", &[]),
            (b"", &[]),
        ] {
            assert_eq!(relation_uses(rel), expected, "{}", rel.escape_ascii());
        }
    }
}
