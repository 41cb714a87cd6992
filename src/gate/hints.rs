//! Hints to connect or load ahead.
//!
//! A browser that is told to connect to a tracker has told it of the visit, before any script
//! runs. Hints stand in pages (`<link rel=preconnect>`) and in headers (`Link`), beside links that
//! load something; those that lead to withheld vendors go, the others keep their bytes.

use http::header::{HeaderMap, HeaderName, HeaderValue, LINK, REFRESH};
use url::Url;

use super::fate::{Fate, Fates};
use super::reports::Reports;
use super::tally::{Kind, Tally};
use super::{fields, refresh};
use crate::rules::{Mode, RuleSet, Use};

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

/// Whether what a hint names is loaded as a script.
pub(super) fn loads_script(rel: &[u8], loaded_as: &[u8]) -> bool {
    let is = |word: &[u8], known: &[u8]| word.trim_ascii().eq_ignore_ascii_case(known);
    let types = || rel.split(u8::is_ascii_whitespace);
    let ahead = |word: &[u8]| is(word, b"preload") || is(word, b"prefetch");
    types().any(|word| is(word, b"modulepreload"))
        || (is(loaded_as, b"script") && types().any(ahead))
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

/// What an entry of a `Link` field, or a `Refresh` field, leads to.
pub(super) struct Lead<'a> {
    /// The field.
    pub(super) name: HeaderName,
    /// The entry, or all of the field.
    pub(super) said: &'a [u8],
    /// Each address, and what it may be used for.
    pub(super) to: Vec<(Url, &'static [Use])>,
}

impl<'a> Lead<'a> {
    fn of_refresh(value: &'a [u8], page: &Url) -> Lead<'a> {
        let to = refresh::target(value).and_then(|to| join(page, to));
        let to = to.map(|to| (to, &refresh::USES[..])).into_iter().collect();
        Lead { name: REFRESH, said: value, to }
    }

    fn of_link(entry: &'a [u8], page: &Url) -> Lead<'a> {
        let said = entry.trim_ascii();
        let to = to_of_link(said, page).unwrap_or_default();
        Lead { name: LINK, said, to }
    }

    /// What becomes of it in an answer to a request for `page`.
    fn fate(&self, rules: &RuleSet, fates: &Fates, page: &Url, reports: &Reports) -> Fate {
        let fates =
            self.to.iter().map(|(to, uses)| fates.of_url_in(rules, page, to, uses, reports));
        fates.fold(Fate::Permit, Fate::or_stricter)
    }

    fn kind(&self) -> Kind {
        if self.name == REFRESH { Kind::Refresh } else { Kind::Hint }
    }
}

/// Where the `Link` and `Refresh` fields of an answer to a request for `page` lead.
pub(super) fn leads<'a>(headers: &'a HeaderMap, page: &Url) -> impl Iterator<Item = Lead<'a>> {
    let of_all = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let links = of_all(LINK).flat_map(entries).map(|entry| Lead::of_link(entry, page));
    of_all(REFRESH).map(|value| Lead::of_refresh(value, page)).chain(links)
}

/// Removes what leads to withheld vendors from the `Link` and `Refresh` fields of an answer to a
/// request for `url`, or only counts it.
pub fn keep_permitted(
    headers: &mut HeaderMap,
    rules: &RuleSet,
    fates: &Fates,
    url: &Url,
    mode: Mode,
) -> Tally {
    let mut tally = Tally::default();
    for lead in leads(headers, url) {
        let mut reports = Reports::default();
        if let Some(whose) = lead.fate(rules, fates, url, &reports).whose() {
            tally.add(whose, lead.kind());
        }
        reports.count(&mut tally);
    }
    if tally.total() == 0 || mode == Mode::Observe {
        return tally;
    }
    let counted = Reports::default();
    let stays = |lead: Lead<'_>| lead.fate(rules, fates, url, &counted) == Fate::Permit;
    fields::retain(headers, |name, line| {
        if name == REFRESH {
            return stays(Lead::of_refresh(line.as_bytes(), url));
        }
        if name != LINK {
            return true;
        }
        let kept = entries(line.as_bytes()).filter(|entry| stays(Lead::of_link(entry, url)));
        let kept: Vec<&[u8]> = kept.collect();
        let joined = HeaderValue::from_bytes(kept.join(&b","[..]).trim_ascii());
        match joined {
            Ok(joined) if !kept.is_empty() => *line = joined,
            _ => return false,
        }
        true
    });
    tally
}

fn join(page: &Url, to: &[u8]) -> Option<Url> {
    page.join(&String::from_utf8_lossy(to)).ok()
}

fn to_of_link(entry: &[u8], page: &Url) -> Option<Vec<(Url, &'static [Use])>> {
    let end = memchr::memchr(b'>', entry)?;
    let target = entry[..end].strip_prefix(b"<")?;
    let parameter = |wanted: &[u8]| {
        parameters(&entry[end + 1..])
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map_or(&b""[..], |(_, value)| value)
    };
    let rel = parameter(b"rel");
    let uses = relation_uses(rel);
    let set = candidates(parameter(b"imagesrcset")).map(address_of);
    let targets = std::iter::once(target).chain(set.filter(|target| !target.is_empty()));
    let mut to: Vec<_> = targets.filter_map(|to| Some((join(page, to)?, uses))).collect();
    if loads_script(rel, parameter(b"as")) {
        to.extend(join(page, target).map(|to| (to, &[Use::Script][..])));
    }
    Some(to)
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
