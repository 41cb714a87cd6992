//! What of the site's answer reaches the browser.
//!
//! `Set-Cookie` lines of withheld purposes stay here. Withheld cookies that the browser still
//! holds are expired, host-only and on each parent domain, with documents only: a reply to
//! every picture would carry them otherwise.
//!
//! Whatever depends on consent is stored by nobody but the visitor's own browser, and asked
//! for again each time: a fresh copy would outlive withdrawal, suspension and expiry.
//!
//! Changing the page itself is [`super::document`]'s work.

use cookie::{Cookie, time::Duration};
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    EXPIRES, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, PRAGMA, SET_COOKIE, VARY,
};

use super::cookies::{ConsentCookie, name_and_value};
use super::request::{Destination, is_withheld};
use super::validators::{self, Variant};
use crate::policy::Verdicts;
use crate::rules::RuleSet;

/// What expiring lines may add to one response, in bytes: more would overflow the header
/// buffer of a proxy in front of us. The rest goes with the next document.
pub const EXPIRING_BYTES_MAX: usize = 4096;

/// How a response is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Not a page: as it came.
    Pass,
    /// A page to read and change.
    Rewrite(Coding),
    /// A page that no loaded rule changes for this visitor: as it came, still compressed.
    Untouched,
    /// A page that cannot be read: as it came, behind the wall.
    Wall,
}

/// A content coding that the gate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// None.
    Identity,
    /// `gzip`
    Gzip,
}

impl Treatment {
    /// Decides how to send a response on. `applies` says whether anything loaded can change a
    /// page for this visitor.
    pub fn of(
        status: StatusCode,
        headers: &HeaderMap,
        destination: Destination,
        applies: bool,
    ) -> Treatment {
        let has_page = !status.is_informational()
            && !status.is_redirection()
            && !matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
            && !is_attachment(headers);
        if !has_page {
            return Treatment::Pass;
        }
        let markup = match media_type(headers) {
            Some(b"text/html") => true,
            Some(
                b"application/xhtml+xml" | b"image/svg+xml" | b"text/xml" | b"application/xml",
            ) => false,
            // Without a type a browser looks at the bytes, and may see a page in them.
            None if destination.is_navigation() => false,
            _ => return Treatment::Pass,
        };
        match (applies, markup, coding(headers)) {
            (false, true, _) => Treatment::Untouched,
            (true, true, Some(coding)) if is_rewritable(status, headers) => {
                Treatment::Rewrite(coding)
            }
            // Only what is shown as a page of its own can run scripts.
            (true, _, _) if destination.is_navigation() => Treatment::Wall,
            _ => Treatment::Pass,
        }
    }

    /// Whether the output depends on consent.
    pub fn depends_on_consent(self) -> bool {
        self != Treatment::Pass
    }
}

/// Whether a visitor gets a page of the site by this answer, and no error instead of it.
pub fn is_page<B>(response: &http::Response<B>) -> bool {
    response.status().is_success() && media_type(response.headers()) == Some(b"text/html")
}

fn is_rewritable(status: StatusCode, headers: &HeaderMap) -> bool {
    let no_transform = headers.get_all(CACHE_CONTROL).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
    });
    // A part of a page cannot be read: where it begins, nobody knows the scanner's state.
    status != StatusCode::PARTIAL_CONTENT && !no_transform && is_ascii_compatible(headers)
}

fn is_attachment(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_DISPOSITION).is_some_and(|value| {
        let kind = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"attachment")
    })
}

/// The media type, without its parameters; lower case as sites send it, else unknown.
fn media_type(headers: &HeaderMap) -> Option<&[u8]> {
    const KNOWN: [&[u8]; 5] =
        [b"text/html", b"application/xhtml+xml", b"image/svg+xml", b"text/xml", b"application/xml"];
    let value = headers.get(CONTENT_TYPE)?.as_bytes();
    let kind = value.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    Some(KNOWN.into_iter().find(|known| kind.eq_ignore_ascii_case(known)).unwrap_or(kind))
}

/// Whether markup in this encoding can be read by bytes (HTML §4.2.5.4 wants it so; UTF-16
/// and ISO-2022-JP are not).
fn is_ascii_compatible(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return false };
    let value = value.as_bytes().to_ascii_lowercase();
    let charset = memchr::memmem::find(&value, b"charset=").map(|at| &value[at + 8..]);
    let charset = charset.unwrap_or_default().trim_ascii().trim_ascii_start();
    let charset = charset.strip_prefix(b"\"").unwrap_or(charset);
    !(charset.starts_with(b"utf-16")
        || charset.starts_with(b"utf-32")
        || charset.starts_with(b"utf-7")
        || charset.starts_with(b"iso-2022")
        || charset.starts_with(b"unicode")
        || charset.starts_with(b"ucs-2")
        || charset.starts_with(b"iso-10646-ucs-2"))
}

fn coding(headers: &HeaderMap) -> Option<Coding> {
    let mut codings = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
    match (codings.next(), codings.next()) {
        (None, _) => Some(Coding::Identity),
        (Some(one), None)
            if one.eq_ignore_ascii_case(b"gzip") || one.eq_ignore_ascii_case(b"x-gzip") =>
        {
            Some(Coding::Gzip)
        }
        _ => None,
    }
}

/// Removes the `Set-Cookie` lines that must not reach the browser. The others keep their
/// bytes and order.
pub fn keep_permitted_cookies(
    headers: &mut HeaderMap,
    rules: &RuleSet,
    verdicts: &Verdicts<'_>,
    own: &ConsentCookie,
) -> usize {
    let stays = |line: &HeaderValue| {
        let pair = line.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
        let (name, _) = name_and_value(pair);
        !own.is_ours(name) && !is_withheld(name, rules, verdicts)
    };
    if headers.get_all(SET_COOKIE).iter().all(stays) {
        return 0;
    }
    let lines: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    let kept: Vec<&HeaderValue> = lines.iter().filter(|line| stays(line)).collect();
    headers.remove(SET_COOKIE);
    let removed = lines.len() - kept.len();
    for line in kept {
        headers.append(SET_COOKIE, line.clone());
    }
    removed
}

/// The lines that expire withheld cookies which the browser still holds.
///
/// A browser does not say on which domain it holds one, so each gets a line without domain
/// and one for each parent of `host` that could be a domain of its own.
pub fn expiring_lines(withheld: &[Vec<u8>], host: &str, tls: bool) -> Vec<HeaderValue> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    for name in withheld {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        for domain in std::iter::once(None).chain(parents(host).map(Some)) {
            let mut cookie = Cookie::build((name, "")).path("/").max_age(Duration::ZERO);
            if let Some(domain) = domain {
                cookie = cookie.domain(domain.to_owned());
            }
            if tls {
                cookie = cookie.secure(true);
            }
            let line = cookie.build().to_string();
            bytes += line.len() + "set-cookie: \r\n".len();
            if bytes > EXPIRING_BYTES_MAX {
                return lines;
            }
            lines.extend(HeaderValue::from_str(&line));
        }
    }
    lines
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

const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// Makes a response that depends on consent the visitor's own: stored by no one else, asked
/// for again each time, tagged with the state it is for.
pub fn make_private(headers: &mut HeaderMap, variant: Variant, changed: bool) {
    let never_store = headers.get_all(CACHE_CONTROL).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|d| d.trim_ascii().eq_ignore_ascii_case(b"no-store"))
    });
    let control = if never_store { "private, no-cache, no-store" } else { "private, no-cache" };
    let tag = validators::tag(headers, variant);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
    headers.insert(CDN_CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for name in [EXPIRES, PRAGMA, LAST_MODIFIED, ETAG] {
        headers.remove(name);
    }
    if let Some(tag) = tag {
        headers.insert(ETAG, tag);
    }
    if changed {
        headers.remove(ACCEPT_RANGES);
        for name in DIGESTS {
            headers.remove(name);
        }
    }
    add_vary(headers, &["Cookie", "Sec-GPC", "Accept-Encoding"]);
}

fn add_vary(headers: &mut HeaderMap, names: &[&'static str]) {
    for name in names {
        let there = headers.get_all(VARY).iter().any(|value| {
            value.as_bytes().split(|b| *b == b',').any(|item| {
                let item = item.trim_ascii();
                item == b"*" || item.eq_ignore_ascii_case(name.as_bytes())
            })
        });
        if !there {
            headers.append(VARY, HeaderValue::from_static(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_readable_pages_are_rewritten_and_unreadable_ones_stand_behind_the_wall() {
        let of = |status: u16, pairs: &[(&'static str, &str)]| {
            let status = StatusCode::from_u16(status).unwrap();
            Treatment::of(status, &headers(pairs), Destination::Document, true)
        };
        let html = ("content-type", "text/html; charset=utf-8");
        let rewrite = Treatment::Rewrite(Coding::Identity);
        assert_eq!(of(200, &[html]), rewrite);
        assert_eq!(of(404, &[("content-type", "Text/HTML")]), rewrite);
        assert_eq!(
            of(200, &[html, ("content-encoding", "gzip")]),
            Treatment::Rewrite(Coding::Gzip)
        );
        for unreadable in [
            ("content-encoding", "br"),
            ("content-encoding", "gzip, gzip"),
            ("cache-control", "max-age=1, no-transform"),
        ] {
            assert_eq!(of(200, &[html, unreadable]), Treatment::Wall, "{unreadable:?}");
        }
        assert_eq!(
            of(200, &[("content-type", "text/html; charset=\"UTF-16LE\"")]),
            Treatment::Wall
        );
        assert_eq!(of(206, &[html]), Treatment::Wall);
        assert_eq!(of(200, &[("content-type", "application/xhtml+xml")]), Treatment::Wall);
        assert_eq!(of(200, &[]), Treatment::Wall);
        assert_eq!(of(302, &[html]), Treatment::Pass);
        assert_eq!(of(200, &[("content-type", "image/png")]), Treatment::Pass);
        assert_eq!(
            of(200, &[html, ("content-disposition", "Attachment; filename=x")]),
            Treatment::Pass
        );
    }

    #[test]
    fn expiring_lines_reach_each_parent_domain_and_stay_within_their_bound() {
        let lines = expiring_lines(&[b"_ga".to_vec()], "a.b.kz", true);
        let lines: Vec<_> = lines.iter().map(|line| line.to_str().unwrap()).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(!lines[0].contains("Domain"));
        assert!(
            lines[1].contains("Domain=a.b.kz") && lines[2].contains("Domain=b.kz"),
            "{lines:?}"
        );
        assert!(
            lines
                .iter()
                .all(|l| l.starts_with("_ga=;") && l.contains("Max-Age=0") && l.contains("Path=/"))
        );
        assert_eq!(expiring_lines(&[b"_ga".to_vec()], "127.0.0.1", false).len(), 1);
        assert_eq!(expiring_lines(&[b"_ga".to_vec()], "localhost", false).len(), 1);

        let many: Vec<_> = (0..200).map(|n| format!("_ym_{n}").into_bytes()).collect();
        let total: usize = expiring_lines(&many, "www.send-box.com", true)
            .iter()
            .map(|line| line.len() + 14)
            .sum();
        assert!(total <= EXPIRING_BYTES_MAX && total > EXPIRING_BYTES_MAX - 100, "{total}");
    }

    #[test]
    fn what_depends_on_consent_is_stored_by_the_browser_alone() {
        let mut page = headers(&[
            ("cache-control", "public, max-age=600"),
            ("last-modified", "Sun, 22 Nov 2026 10:00:00 GMT"),
            ("expires", "Sun, 22 Nov 2026 10:00:00 GMT"),
            ("etag", "\"v1\""),
            ("vary", "accept-encoding"),
        ]);
        make_private(&mut page, Variant::of(&[b"state"]), true);
        assert_eq!(page[CACHE_CONTROL], "private, no-cache");
        assert_eq!(page["cdn-cache-control"], "no-store");
        assert!(!page.contains_key(LAST_MODIFIED) && !page.contains_key(EXPIRES));
        assert!(page[ETAG].to_str().unwrap().ends_with("-sv1\""), "{:?}", page[ETAG]);
        let vary: Vec<_> = page.get_all(VARY).iter().collect();
        assert_eq!(vary, ["accept-encoding", "Cookie", "Sec-GPC"]);
    }
}
