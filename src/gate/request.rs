//! Which cookies travel to the site, and what the site may answer with.
//!
//! The browser sends every cookie it has. Those that serve a permitted purpose, and those
//! that no rule knows, go on; the rest stay here, and the site never learns of them. Our own
//! never travels.
//!
//! Order and spelling of the cookies that stay are kept byte for byte: sites compare them.
//!
//! A page has to be readable to be gated, so what may turn out to be a page asks the site
//! for a coding that we can read, whole, and unconditionally unless the condition is ours.

use http::header::{ACCEPT, ACCEPT_ENCODING, COOKIE, HeaderMap, HeaderValue};

use super::cookies::{self, ConsentCookie};
use super::fate::Whose;
use super::fields;
use super::seal::Seal;
use super::tally::{Kind, Tally};
use crate::coding::Coding;
use crate::policy::{Verdict, Verdicts};
use crate::rules::{Action, Mode, RuleSet, Said};

/// The cookies of a request after the gate.
#[derive(Debug, Default)]
pub struct Cookies {
    /// The field that goes on; nothing where no cookie is left.
    pub kept: Option<HeaderValue>,
    /// The names that were withheld, each once: the browser still holds them.
    pub withheld: Vec<Vec<u8>>,
    /// Whose they are.
    pub tally: Tally,
}

/// Sorts a request's cookies; where the gate only observes, all but our own go on.
pub fn cookies(
    headers: &HeaderMap,
    rules: &RuleSet,
    verdicts: &Verdicts<'_>,
    own: &ConsentCookie,
    seal: &Seal,
    mode: Mode,
) -> Cookies {
    let mut tally = Tally::default();
    let mut is_first = true;
    let mut withheld: Vec<Vec<u8>> = Vec::new();
    let mut cut = false;
    let kept = fields::value(|kept| {
        for field in headers.get_all(COOKIE) {
            // HTTP/2 may split the field into crumbs; HTTP/1 wants one (RFC 9113 §8.2.3).
            let mut separator = &b"; "[..];
            for cookie in cookies::spans(field.as_bytes()) {
                // Where one host is reached with and without TLS, the cookie of the other way comes too.
                let is_ours = own.is_ours(cookie.name)
                    || (cookie.name == b"consent" && seal.open(cookie.value).is_some());
                if is_ours {
                    cut = true;
                    continue;
                }
                if let Some(whose) = whose_withheld(cookie.name, rules, verdicts) {
                    if !withheld.iter().any(|name| name == cookie.name) {
                        withheld.push(cookie.name.to_vec());
                        tally.add(whose, Kind::Cookie);
                    }
                    if mode == Mode::Enforce {
                        cut = true;
                        continue;
                    }
                } else {
                    report(cookie.name, rules, verdicts, Kind::Cookie, &mut tally);
                }
                if is_first {
                    // The first cookie that stays moves to the front when those before it are cut.
                    kept.extend_from_slice(if cut {
                        cookie.raw.trim_ascii_start()
                    } else {
                        cookie.raw
                    });
                } else {
                    kept.extend_from_slice(separator);
                    kept.extend_from_slice(cookie.raw);
                }
                is_first = false;
                separator = b";";
            }
        }
    });
    Cookies { kept: kept.filter(|kept| !kept.is_empty()), withheld, tally }
}

/// Whether a cookie of this name belongs to a vendor that is withheld. The site's own cookies
/// never are, also while a purpose is suspended.
pub fn is_withheld(name: &[u8], rules: &RuleSet, verdicts: &Verdicts<'_>) -> bool {
    whose_withheld(name, rules, verdicts).is_some()
}

/// The first vendor that a cookie of this name is withheld for; where no vendor's rule names it, the first
/// list that does.
pub(super) fn whose_withheld(
    name: &[u8],
    rules: &RuleSet,
    verdicts: &Verdicts<'_>,
) -> Option<Whose> {
    let mut withheld = None;
    for Said { vendor: index, action } in rules.said_of_cookie(name) {
        let vendor = &rules.vendors[index];
        if vendor.recipient.is_operator() {
            return None;
        }
        let verdict = verdicts.of(vendor.purpose, &vendor.recipient);
        let is_withheld = action != Action::ReportOnly && matches!(verdict, Verdict::Withhold(_));
        if withheld.is_none() && is_withheld {
            withheld = Some(Whose::Vendor(index));
        }
    }
    withheld.or_else(|| of_lists(name, rules, verdicts, Action::Hold).next())
}

/// Counts that rules and lists name a cookie that only report, where it passes because of that.
pub(super) fn report(
    name: &[u8],
    rules: &RuleSet,
    verdicts: &Verdicts<'_>,
    kind: Kind,
    tally: &mut Tally,
) {
    let is_own = |said: Said| rules.vendors[said.vendor].recipient.is_operator();
    // Hardly any rules report, and cookies are many.
    if rules.reports && !rules.said_of_cookie(name).any(is_own) {
        for Said { vendor, action } in rules.said_of_cookie(name) {
            let of = &rules.vendors[vendor];
            let verdict = verdicts.of(of.purpose, &of.recipient);
            if action == Action::ReportOnly && matches!(verdict, Verdict::Withhold(_)) {
                tally.report(Whose::Vendor(vendor), kind);
            }
        }
    }
    for whose in of_lists(name, rules, verdicts, Action::ReportOnly) {
        tally.report(whose, kind);
    }
}

/// The lists with this action that name a cookie whose purpose is withheld.
fn of_lists(
    name: &[u8],
    rules: &RuleSet,
    verdicts: &Verdicts<'_>,
    action: Action,
) -> impl Iterator<Item = Whose> {
    let counts = move |index: &usize| {
        let list = &rules.lists()[*index];
        let verdict = || verdicts.of(list.purpose, &list.recipient);
        list.action == action && matches!(verdict(), Verdict::Withhold(_))
    };
    rules.with_listed_cookie(name).iter().filter(counts).map(Whose::List)
}

/// What a request is for, as far as the gate must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A document that a visitor goes to, at the top of a tab.
    Document,
    /// A document in a frame.
    Frame,
    /// Code to run: a script, or that of a worker.
    Script,
    /// A style, picture, font: neither a page nor a script.
    Asset,
    /// Whatever a script asked for: data, or a piece of a page.
    Data,
    /// The browser does not say, but it takes pages.
    Page,
    /// The client says nothing of it.
    Unsaid,
}

impl Destination {
    /// Reads the destination from `Sec-Fetch-Dest`, else from what scripts say of themselves, else from
    /// `Accept`.
    pub fn of(headers: &HeaderMap) -> Destination {
        match headers.get("sec-fetch-dest").map(HeaderValue::as_bytes) {
            Some(b"document") => Destination::Document,
            Some(b"iframe" | b"frame" | b"embed" | b"object" | b"fencedframe") => {
                Destination::Frame
            }
            Some(b"empty") => Destination::Data,
            Some(
                b"script" | b"worker" | b"sharedworker" | b"serviceworker" | b"audioworklet"
                | b"paintworklet",
            ) => Destination::Script,
            Some(_) => Destination::Asset,
            None if is_for_a_piece(headers) => Destination::Data,
            None => {
                let takes_pages = |accept: &HeaderValue| {
                    memchr::memmem::find(accept.as_bytes(), b"text/html").is_some()
                };
                if headers.get_all(ACCEPT).iter().any(takes_pages) {
                    Destination::Page
                } else {
                    Destination::Unsaid
                }
            }
        }
    }

    /// Whether a browser shows the answer as a page. Its conditions are then ours alone to
    /// make: a page stored before the gateway stood here must not come back by a 304.
    pub fn is_navigation(self) -> bool {
        matches!(self, Destination::Document | Destination::Frame | Destination::Page)
    }

    /// Whether the answer, if it is a page, stands at the top of a tab for all we know.
    pub fn may_be_top_level(self) -> bool {
        matches!(self, Destination::Document | Destination::Page | Destination::Unsaid)
    }

    /// Whether the answer is a document for all we know, in a tab or in a frame.
    pub fn may_be_document(self) -> bool {
        self.may_be_top_level() || self == Destination::Frame
    }

    /// Whether the answer may hold markup that the gate has to read.
    pub fn may_be_markup(self) -> bool {
        !matches!(self, Destination::Asset | Destination::Script)
    }

    /// Whether the answer is run as code, as far as that is known.
    pub fn as_script(self) -> Option<bool> {
        match self {
            Destination::Script => Some(true),
            Destination::Unsaid => None,
            _ => Some(false),
        }
    }
}

/// Whether a script says that it asks for a piece of a page, to put it into one that is there: jQuery
/// and its like, pjax, htmx, Turbo, Unpoly, and 1C-Bitrix, whose pages swap their own changing parts.
fn is_for_a_piece(headers: &HeaderMap) -> bool {
    const PIECES: [&str; 9] = [
        "x-pjax",
        "hx-request",
        "turbo-frame",
        "x-up-version",
        "bx-ajax",
        "bx-action-type",
        "bx-cache-mode",
        "bx-cache-blocks",
        "x-inertia",
    ];
    // Android's browser in an app puts the app's name there, on navigations too.
    let by_script = headers
        .get("x-requested-with")
        .is_some_and(|by| by.as_bytes().eq_ignore_ascii_case(b"XMLHttpRequest"));
    by_script || PIECES.iter().any(|name| headers.contains_key(*name))
}

/// What a client takes, as `Accept-Encoding` says it.
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(ACCEPT_ENCODING).iter().map(HeaderValue::as_bytes)
}

/// The coding in which a page that was packed and has changed goes to a client.
pub fn coding_for(headers: &HeaderMap) -> Coding {
    Coding::for_client(accepted(headers))
}

/// What browsers say that they take, of which we can read all.
const BROWSERS_CODINGS: [&[u8]; 3] =
    [b"gzip, deflate, br, zstd", b"gzip, deflate, br", b"gzip, deflate"];

/// The `Accept-Encoding` that goes to the site for what may be markup: of what the client takes,
/// what we can read. A client that says nothing is passed on as it is.
pub fn readable_codings(headers: &HeaderMap) -> Option<HeaderValue> {
    let said = headers.get(ACCEPT_ENCODING)?;
    let several = headers.get_all(ACCEPT_ENCODING).iter().nth(1).is_some();
    if !several && BROWSERS_CODINGS.contains(&said.as_bytes()) {
        return Some(said.clone());
    }
    HeaderValue::from_str(&Coding::readable(accepted(headers))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_destination_is_read_from_what_the_browser_says() {
        let of = |pairs| Destination::of(&headers(pairs));
        assert_eq!(of(&[("sec-fetch-dest", "document")]), Destination::Document);
        assert_eq!(of(&[("sec-fetch-dest", "iframe")]), Destination::Frame);
        assert_eq!(of(&[("sec-fetch-dest", "script")]), Destination::Script);
        assert_eq!(of(&[("sec-fetch-dest", "serviceworker")]), Destination::Script);
        assert_eq!(of(&[("sec-fetch-dest", "image")]), Destination::Asset);
        assert_eq!(of(&[("sec-fetch-dest", "empty"), ("accept", "text/html")]), Destination::Data);
        assert_eq!(of(&[("accept", "text/html,*/*")]), Destination::Page);
        assert_eq!(of(&[]), Destination::Unsaid);
        let page = ("accept", "text/html,*/*");
        for piece in [
            ("x-requested-with", "XMLHttpRequest"),
            ("x-pjax", "true"),
            ("hx-request", "true"),
            ("bx-cache-mode", "HTMLCACHE"),
        ] {
            let of = |pairs: &[_]| Destination::of(&headers(pairs));
            assert_eq!(of(&[page, piece]), Destination::Data, "{piece:?}");
            let said = ("sec-fetch-dest", "document");
            assert_eq!(of(&[page, piece, said]), Destination::Document, "{piece:?}");
        }
        assert_eq!(of(&[page, ("x-requested-with", "kz.example.app")]), Destination::Page);
    }

    #[test]
    fn only_codings_that_we_read_are_asked_for() {
        let of = |value| {
            readable_codings(&headers(&[("accept-encoding", value)]))
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        for browsers in BROWSERS_CODINGS {
            let text = std::str::from_utf8(browsers).unwrap();
            assert_eq!(
                (of(text), Coding::readable([browsers].into_iter())),
                (text.to_owned(), text.to_owned())
            );
        }
        assert_eq!(of("compress, GZIP;q=0.5"), "gzip;q=0.5");
        assert_eq!(of("dcb, dcz"), "identity");
        assert_eq!(readable_codings(&HeaderMap::new()), None);
    }
}
