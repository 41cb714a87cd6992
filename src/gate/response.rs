//! What of the site's answer reaches the browser.
//!
//! `Set-Cookie` lines of withheld purposes stay here. Withheld cookies that the browser still
//! holds are expired by [`super::expiry`], with documents only: a reply to every picture would carry
//! those lines otherwise.
//!
//! Whatever depends on consent is stored by nobody but the visitor's own browser, and asked
//! for again each time: a fresh copy would outlive withdrawal, suspension and expiry.
//!
//! Changing the page itself is [`super::document`]'s work, and which encoding it is in is for its
//! first bytes to say ([`crate::charset`]).

use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    EXPIRES, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, LOCATION, PRAGMA, SET_COOKIE, VARY,
};

use super::cookies::{ConsentCookie, name_and_value};
use super::fate::Whose;
use super::fields;
use super::request::{Destination, report, whose_withheld};
use super::tally::{Kind, Tally};
use super::validators::{self, Variant};
use crate::coding::Coding;
use crate::policy::Verdicts;
use crate::rules::{Mode, RuleSet};

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

impl Treatment {
    /// Decides how to send a response on. `applies` says whether anything loaded can change a
    /// page for this visitor, `walled` whether pages come with a policy of ours.
    pub fn of(
        status: StatusCode,
        headers: &HeaderMap,
        destination: Destination,
        applies: bool,
        walled: bool,
    ) -> Treatment {
        if !is_shown(status, headers) {
            return Treatment::Pass;
        }
        match (Media::of(headers), applies) {
            (Media::Html, false) => Treatment::Untouched,
            (Media::Page, false) if walled => Treatment::Untouched,
            (Media::Markup | Media::Unknown, false) if walled && destination.is_navigation() => {
                Treatment::Untouched
            }
            // Written for browsers to show, and not read by us.
            (Media::Page, true) => Treatment::Wall,
            (Media::Html, true) => match Coding::of_body(values(headers, CONTENT_ENCODING)) {
                Some(coding) if is_rewritable(status, headers) => Treatment::Rewrite(coding),
                // Whatever it was asked for as: a copy may be shown as a page later.
                _ => Treatment::Wall,
            },
            // Only what is shown as a page of its own runs scripts.
            (Media::Markup | Media::Unknown, true) if destination.is_navigation() => {
                Treatment::Wall
            }
            _ => Treatment::Pass,
        }
    }

    /// Whether the output depends on consent.
    pub fn depends_on_consent(self) -> bool {
        self != Treatment::Pass
    }
}

/// Whether a browser shows the body of an answer.
fn is_shown(status: StatusCode, headers: &HeaderMap) -> bool {
    // A redirection that says where is followed; one that does not is shown (Fetch §4.4).
    let leads_on = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
        && headers
            .get(LOCATION)
            .is_some_and(|location| !location.as_bytes().trim_ascii().is_empty());
    let is_empty = status.is_informational() || matches!(status.as_u16(), 204 | 205 | 304);
    !leads_on && !is_empty && !is_attachment(headers)
}

fn values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes)
}

/// What a browser may take a body for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    /// A page that we can read.
    Html,
    /// A page that we do not read.
    Page,
    /// Other markup that can run scripts where it is shown by itself.
    Markup,
    /// Nothing is said, or nothing that counts: a browser looks at the bytes.
    Unknown,
    /// Anything else.
    Other,
}

impl Media {
    /// Several types may be given, in several fields. Browsers differ over which counts, so one
    /// `text/html` among them is enough; else the last one counts (Fetch §3.5).
    fn of(headers: &HeaderMap) -> Media {
        let mut media = Media::Unknown;
        for field in headers.get_all(CONTENT_TYPE) {
            for member in field.as_bytes().split(|b| *b == b',') {
                media = Media::of_type(member);
                if media == Media::Html {
                    return media;
                }
            }
        }
        media
    }

    fn of_type(member: &[u8]) -> Media {
        // Chromium takes a space or a bracket for the end of a type, as well.
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b'(');
        let kind = member.trim_ascii().split(ends).next().unwrap_or_default();
        let is =
            |known: &[&str]| known.iter().any(|known| kind.eq_ignore_ascii_case(known.as_bytes()));
        if is(&["text/html"]) {
            Media::Html
        } else if is(&["application/xhtml+xml"]) {
            Media::Page
        } else if is(&["image/svg+xml", "text/xml", "application/xml", "text/xsl"]) {
            Media::Markup
        } else if is(&["unknown/unknown", "application/unknown", "*/*"]) {
            // The types that stand for not knowing (MIME Sniffing §7).
            Media::Unknown
        } else {
            match kind.iter().position(|b| *b == b'/') {
                Some(at) if at > 0 && at + 1 < kind.len() => Media::Other,
                _ => Media::Unknown,
            }
        }
    }
}

/// Whether a visitor gets a page of the site by this answer, and no error instead of it.
pub fn is_page<B>(response: &http::Response<B>) -> bool {
    response.status().is_success() && Media::of(response.headers()) == Media::Html
}

fn is_rewritable(status: StatusCode, headers: &HeaderMap) -> bool {
    let no_transform = headers.get_all(CACHE_CONTROL).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
    });
    // A part of a page cannot be read: where it begins, nobody knows the scanner's state.
    status != StatusCode::PARTIAL_CONTENT && !no_transform
}

fn is_attachment(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_DISPOSITION).is_some_and(|value| {
        let kind = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"attachment")
    })
}

/// Removes the `Set-Cookie` lines that must not reach the browser, where the gate only observes our own
/// alone. The others keep their bytes and order. Returns whose lines are withheld, or would be.
pub fn keep_permitted_cookies(
    headers: &mut HeaderMap,
    rules: &RuleSet,
    verdicts: &Verdicts<'_>,
    own: &ConsentCookie,
    mode: Mode,
) -> Tally {
    let mut tally = Tally::default();
    if !headers.contains_key(SET_COOKIE) {
        return tally;
    }
    let mut all_stay = true;
    for line in headers.get_all(SET_COOKIE) {
        let name = cookie_name(line);
        let whose = set_cookie_withheld(name, rules, verdicts).filter(|_| !own.is_ours(name));
        if let Some(whose) = whose {
            tally.add(whose, Kind::SetCookie);
        } else if !own.is_ours(name) {
            report(name, rules, verdicts, Kind::SetCookie, &mut tally);
        }
        all_stay &= !own.is_ours(name) && (whose.is_none() || mode == Mode::Observe);
    }
    if !all_stay {
        let goes = |name: &[u8]| {
            own.is_ours(name)
                || (mode == Mode::Enforce && set_cookie_withheld(name, rules, verdicts).is_some())
        };
        fields::retain(headers, |field, line| field != SET_COOKIE || !goes(cookie_name(line)));
    }
    tally
}

/// The name of the cookie that a `Set-Cookie` line sets.
fn cookie_name(line: &HeaderValue) -> &[u8] {
    let pair = line.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
    name_and_value(pair).0
}

/// Whose a cookie is that the site must not set.
pub fn set_cookie_withheld(name: &[u8], rules: &RuleSet, verdicts: &Verdicts<'_>) -> Option<Whose> {
    let unlisted = || rules.withholds_unlisted_cookie(name).then_some(Whose::Unlisted);
    whose_withheld(name, rules, verdicts).or_else(unlisted)
}

const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
pub(super) const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// Makes a response that depends on consent the visitor's own: stored by no one else, asked
/// for again each time, tagged with the state it is for.
pub fn make_private(headers: &mut HeaderMap, variant: Variant, treatment: Treatment) {
    let never_store = headers.get_all(CACHE_CONTROL).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|d| d.trim_ascii().eq_ignore_ascii_case(b"no-store"))
    });
    let control = if never_store { "private, no-cache, no-store" } else { "private, no-cache" };
    // A page behind the wall has no tag: the site's 304 would bring its own policy, and take
    // ours down with the stored one.
    let tag = validators::tag(headers, variant).filter(|_| treatment != Treatment::Wall);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
    let has_tag = tag.is_some();
    if let Some(tag) = tag {
        headers.insert(ETAG, tag);
    }
    // All at once: each time something is removed, a map is built.
    let dates = [EXPIRES, PRAGMA, LAST_MODIFIED];
    let [md5, digest, of_content, of_representation] = DIGESTS;
    let of_bytes = [ACCEPT_RANGES, md5, digest, of_content, of_representation];
    let changes = matches!(treatment, Treatment::Rewrite(_));
    fields::remove_all(headers, |name| {
        dates.contains(name)
            || (!has_tag && name == ETAG)
            || (changes && of_bytes.contains(name))
            || speaks_to_one_store(name)
    });
    headers.insert(CDN_CACHE_CONTROL, HeaderValue::from_static("no-store"));
    depend_on_consent(headers);
}

/// Keeps an answer whose `Set-Cookie` lines depend on consent from stores that visitors share. What
/// had such lines was no stores' to keep; without them it would look as if it were. The visitor's own
/// browser may keep the body, which is the same for all.
pub fn make_unshared(headers: &mut HeaderMap) {
    let shares = |directive: &str| {
        let name = directive.split('=').next().unwrap_or_default().trim_ascii();
        ["public", "private", "s-maxage"].iter().any(|other| name.eq_ignore_ascii_case(other))
    };
    let mut control = vec!["private"];
    let fields: Vec<HeaderValue> = headers.get_all(CACHE_CONTROL).iter().cloned().collect();
    for field in &fields {
        let directives = field.to_str().unwrap_or_default().split(',').map(str::trim_ascii);
        control.extend(directives.filter(|directive| !directive.is_empty() && !shares(directive)));
    }
    if let Ok(control) = HeaderValue::from_str(&control.join(", ")) {
        headers.insert(CACHE_CONTROL, control);
    }
    // Caches in front are told that it is not for them, and by nobody that it is.
    fields::remove_all(headers, speaks_to_one_store);
    headers.insert(CDN_CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Fields that speak to one kind of store in front alone, and outweigh `Cache-Control` there: those of
/// Fastly and others, nginx, Akamai, LiteSpeed.
const FOR_ONE_STORE: [HeaderName; 4] = [
    HeaderName::from_static("surrogate-control"),
    HeaderName::from_static("x-accel-expires"),
    HeaderName::from_static("edge-control"),
    HeaderName::from_static("x-litespeed-cache-control"),
];

/// RFC 9213 §3.1; `Cloudflare-CDN-Cache-Control` and its like are for one network each.
fn speaks_to_one_store(name: &HeaderName) -> bool {
    FOR_ONE_STORE.contains(name) || name.as_str().ends_with("-cdn-cache-control")
}

/// Makes an answer of ours that depends on consent one that nobody keeps.
pub(super) fn keep_from_stores(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store"));
    headers.insert(CDN_CACHE_CONTROL, HeaderValue::from_static("no-store"));
    depend_on_consent(headers);
}

/// What of a request an answer depends on that depends on consent.
const DEPENDS_ON: [&str; 3] = ["Cookie", "Sec-GPC", "Accept-Encoding"];

/// The same as one field.
const DEPENDS_ON_ALL: HeaderValue = HeaderValue::from_static("Cookie, Sec-GPC, Accept-Encoding");

/// Says what an answer depends on, besides what it says itself.
fn depend_on_consent(headers: &mut HeaderMap) {
    if !headers.contains_key(VARY) {
        headers.insert(VARY, DEPENDS_ON_ALL);
        return;
    }
    for name in DEPENDS_ON {
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
            Treatment::of(status, &headers(pairs), Destination::Document, true, false)
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
            ("content-encoding", "compress"),
            ("content-encoding", "gzip, gzip"),
            ("cache-control", "max-age=1, no-transform"),
        ] {
            assert_eq!(of(200, &[html, unreadable]), Treatment::Wall, "{unreadable:?}");
        }
        assert_eq!(of(206, &[html]), Treatment::Wall);
        assert_eq!(of(200, &[("content-type", "application/xhtml+xml")]), Treatment::Wall);
        assert_eq!(of(200, &[]), Treatment::Wall);
        assert_eq!(of(302, &[html, ("location", "/")]), Treatment::Pass);
        assert_eq!(of(304, &[html]), Treatment::Pass);
        for shown in [300, 302, 399] {
            assert_eq!(of(shown, &[html]), rewrite, "{shown}");
            assert_eq!(of(shown, &[html, ("location", "")]), rewrite, "{shown}");
        }
        for kind in [
            "text/plain, text/html",
            "TEXT/HTML, text/html",
            "text/html foo",
            "text/html(a); charset=utf-8",
        ] {
            assert_eq!(of(200, &[("content-type", kind)]), rewrite, "{kind}");
        }
        for kind in
            ["", "*/*", "application/unknown", "unknown/unknown", "html", "charset=utf-8", "a/"]
        {
            assert_eq!(of(200, &[("content-type", kind)]), Treatment::Wall, "{kind}");
        }
        assert_eq!(of(200, &[("content-type", "image/png")]), Treatment::Pass);
        assert_eq!(
            of(200, &[html, ("content-disposition", "Attachment; filename=x")]),
            Treatment::Pass
        );
    }

    #[test]
    fn whatever_is_shown_comes_with_a_policy_also_where_nothing_is_withheld() {
        let of = |kind: &str, destination, walled| {
            let headers = headers(&[("content-type", kind)]);
            Treatment::of(StatusCode::OK, &headers, destination, false, walled)
        };
        let (page, asset) = (Destination::Document, Destination::Asset);
        assert_eq!(of("text/html", page, false), Treatment::Untouched);
        for kind in ["application/xhtml+xml", "image/svg+xml", "text/xml", "*/*"] {
            assert_eq!(of(kind, page, false), Treatment::Pass, "{kind}");
            assert_eq!(of(kind, page, true), Treatment::Untouched, "{kind}");
        }
        assert_eq!(of("image/svg+xml", asset, true), Treatment::Pass);
        assert_eq!(of("application/pdf", page, true), Treatment::Pass);
    }

    #[test]
    fn what_speaks_to_one_cache_alone_does_not_outweigh_the_gate() {
        for name in [
            "surrogate-control",
            "x-accel-expires",
            "edge-control",
            "x-litespeed-cache-control",
            "cdn-cache-control",
            "cloudflare-cdn-cache-control",
            "vercel-cdn-cache-control",
        ] {
            let mut page = headers(&[(name, "max-age=3600"), ("x-other", "1")]);
            make_private(&mut page, Variant::of(&[]), Treatment::Untouched);
            let kept = page.remove(name);
            assert_eq!(kept.is_some(), name == "cdn-cache-control", "{name}: {kept:?}");
            assert!(kept.is_none_or(|kept| kept == "no-store"), "{name}");
            assert!(page.contains_key("x-other"));
        }
    }

    #[test]
    fn what_lost_a_cookie_is_kept_by_the_visitors_browser_alone() {
        for (before, after) in [
            (&["public, max-age=600, s-maxage=900"][..], "private, max-age=600"),
            (&["Public", "S-MaxAge=1, immutable"], "private, immutable"),
            (&["no-store"], "private, no-store"),
            (&[], "private"),
        ] {
            let mut answer = HeaderMap::new();
            for value in before {
                answer.append(CACHE_CONTROL, HeaderValue::from_static(value));
            }
            make_unshared(&mut answer);
            let control: Vec<_> = answer.get_all(CACHE_CONTROL).iter().collect();
            assert_eq!(control, [after]);
            assert_eq!(answer["cdn-cache-control"], "no-store");
        }
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
        make_private(&mut page, Variant::of(&[b"state"]), Treatment::Rewrite(Coding::Identity));
        assert_eq!(page[CACHE_CONTROL], "private, no-cache");
        assert_eq!(page["cdn-cache-control"], "no-store");
        assert!(!page.contains_key(LAST_MODIFIED) && !page.contains_key(EXPIRES));
        assert!(page[ETAG].to_str().unwrap().ends_with("-sv1\""), "{:?}", page[ETAG]);
        let vary: Vec<_> = page.get_all(VARY).iter().collect();
        assert_eq!(vary, ["accept-encoding", "Cookie", "Sec-GPC"]);
    }
}
