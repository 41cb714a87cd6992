//! What the site itself serves of a withheld vendor, and what is answered instead.
//!
//! A script is answered by a script and a beacon by nothing, never by an error: callers of a
//! refused script throw, and beacons that fail are sent again and again. The stub defines the functions
//! that the site calls, as queues, and marks its own element as held: when the visitor agrees, the
//! banner's script makes it anew and the vendor's code comes, without a reload. One that is to be
//! stripped is not marked.
//!
//! Neither answer depends on the site: a path that is withheld is not asked for there. What is told by
//! its words has come from the site already, and only its body is replaced.
//!
//! Which addresses and words are whose is said by the rules.

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING,
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Response, StatusCode};
use url::Url;

use super::fate::{Fate, Fates, How, Whose};
use super::fields;
use super::inert::is_javascript;
use super::reports::Reports;
use super::request::Destination;
use super::response::{DIGESTS, keep_from_stores};
use super::tally::{Kind, Tally};
use crate::guard::Guard;
use crate::rules::{Action, RuleSet, Said, Serves};

/// Whose an address of the site's is.
#[derive(Debug)]
pub enum Own {
    /// The site's.
    Site,
    /// A vendor's, who may have it.
    Permitted,
    /// A withheld vendor's.
    Withheld(Withheld),
}

/// What is withheld of what the site itself serves.
#[derive(Debug)]
pub struct Withheld {
    /// Whose it is.
    pub tally: Tally,
    /// What is answered instead.
    pub instead: Instead,
}

impl Withheld {
    fn of(fates: &Fates, said: &[Said], instead: Instead) -> Withheld {
        let mut tally = Tally::default();
        let strictest = fates.strictest(said.iter().copied());
        tally.add(strictest.whose().unwrap_or(Whose::Unknown), Kind::Own);
        Withheld { tally, instead }
    }
}

/// What is answered instead of a withheld vendor's.
#[derive(Debug, PartialEq, Eq)]
pub enum Instead {
    /// This script.
    Stub(Bytes),
    /// Nothing.
    Nothing,
}

impl Own {
    /// Of what some rules say, none of which withholds it. What rules only report is told to `reports`, and
    /// is the site's as far as they go.
    fn of_passing(fates: &Fates, said: &[Said], reports: &Reports) -> Own {
        fates.report(said.iter().copied(), Kind::Own, reports);
        match said.iter().any(|said| said.action != Action::ReportOnly) {
            true => Own::Permitted,
            false => Own::Site,
        }
    }
}

/// Whose an address of the site's is that is asked for.
pub fn of(
    rules: &RuleSet,
    fates: &Fates,
    url: &Url,
    destination: Destination,
    reports: &Reports,
) -> Own {
    let as_script = destination.as_script();
    let found: Vec<_> = rules.at_own_path(url, as_script).collect();
    if found.is_empty() {
        return Own::Site;
    }
    let said = found.iter().map(|(said, _)| *said);
    let withheld: Vec<Said> =
        said.clone().filter(|said| fates.of_rule(*said) != Fate::Permit).collect();
    if withheld.is_empty() {
        return Own::of_passing(fates, &said.collect::<Vec<_>>(), reports);
    }
    let path = url.path();
    let looks_like_script = || {
        let serves = |serves| found.iter().any(|(_, rule)| rule.serves() == Some(serves));
        let named = is_script_file(path) || path.ends_with("/js");
        serves(Serves::Script) || (named && !serves(Serves::Beacon))
    };
    let instead = match as_script.unwrap_or_else(looks_like_script) {
        true => Instead::Stub(stub(rules, fates, &withheld)),
        false => Instead::Nothing,
    };
    Own::Withheld(Withheld::of(fates, &withheld, instead))
}

/// Whether a response has to be looked into for a vendor's library.
pub fn may_be_library(
    rules: &RuleSet,
    method: &Method,
    status: StatusCode,
    headers: &HeaderMap,
    destination: Destination,
    path: &str,
) -> bool {
    // No browser runs what came by another method, or a part of a script.
    let whole = status.is_success()
        && !matches!(status.as_u16(), 204..=206)
        && *method == Method::GET
        && rules.has_signatures();
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    // However it was asked for: what a store keeps of it answers scripts, too.
    whole && (destination == Destination::Script || is_javascript(kind) || is_script_file(path))
}

/// Whether a path looks like that of a script.
pub fn is_script_file(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    file.rsplit_once('.').is_some_and(|(_, ending)| matches!(ending, "js" | "mjs"))
}

/// What becomes of code that begins so: nothing where it is no vendor's.
pub fn of_library(rules: &RuleSet, fates: &Fates, code: &[u8], reports: &Reports) -> Own {
    let said = rules.in_library(code);
    let withheld = |said: &Said| fates.of_rule(*said) != Fate::Permit;
    let held: Vec<Said> = said.iter().copied().filter(withheld).collect();
    match (said.is_empty(), held.is_empty()) {
        (true, _) => Own::Site,
        (false, true) => Own::of_passing(fates, &said, reports),
        (false, false) => {
            let instead = Instead::Stub(stub(rules, fates, &held));
            Own::Withheld(Withheld::of(fates, &held, instead))
        }
    }
}

/// The script that stands for those of these vendors.
fn stub(rules: &RuleSet, fates: &Fates, said: &[Said]) -> Bytes {
    let mut vendors: Vec<usize> = said.iter().map(|said| said.vendor).collect();
    vendors.sort_unstable();
    vendors.dedup();
    let fate = fates.strictest(said.iter().copied());
    let mut code = String::from("// Withheld: /.consent/\n");
    code.push_str(&Guard::stubs(vendors.into_iter().map(|vendor| &rules.vendors[vendor])));
    if fate.how() == Some(How::Strip) {
        return code.into();
    }
    // The element becomes one that is held, so that the release finds it. A worker has none.
    code.push_str(
        "(function(own){\n\
         if(!own||!own.hasAttribute('src')||own.hasAttribute('data-consent'))return;\n\
         if(own.hasAttribute('type'))own.setAttribute('data-consent-type',own.getAttribute('type'));\n\
         own.setAttribute('data-consent-src',own.getAttribute('src'));\n\
         own.setAttribute('type','text/plain');\n",
    );
    code.push_str("own.setAttribute('data-consent','");
    code.push_str(fate.until());
    code.push_str("');\n})(self.document&&document.currentScript);\n");
    code.into()
}

const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const SOURCE_MAPS: [HeaderName; 2] =
    [HeaderName::from_static("sourcemap"), HeaderName::from_static("x-sourcemap")];

impl Instead {
    /// The answer to who asked by `method` and these fields.
    pub fn response(self, method: &Method, asked: &HeaderMap) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        let headers = response.headers_mut();
        keep_from_stores(headers);
        allow_other_origins(headers, method, asked);
        match self {
            Instead::Stub(code) if matches!(*method, Method::GET | Method::HEAD) => {
                headers.insert(CONTENT_TYPE, SCRIPT);
                headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
                *response.body_mut() = code;
            }
            _ => *response.status_mut() = StatusCode::NO_CONTENT,
        }
        response
    }

    /// Makes the head of the site's answer that of this one, and gives the body.
    pub fn replace(self, headers: &mut HeaderMap) -> Bytes {
        let of_the_body =
            [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_DISPOSITION, ACCEPT_RANGES, ETAG];
        fields::remove(headers, &of_the_body);
        fields::remove(headers, &DIGESTS);
        fields::remove(headers, &SOURCE_MAPS);
        headers.insert(CONTENT_TYPE, SCRIPT);
        // A browser asks again for what it must not keep, also within one document: when the
        // visitor agrees, the same address has another answer.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store"));
        match self {
            Instead::Stub(code) => code,
            Instead::Nothing => Bytes::new(),
        }
    }
}

/// Lets a page of another origin hear that all went well: a tagging server has a host of its own, and
/// a beacon that its page may not read the answer of is an error there.
fn allow_other_origins(headers: &mut HeaderMap, method: &Method, asked: &HeaderMap) {
    let loads = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(loads, HeaderValue::from_static("cross-origin"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = asked.get(ORIGIN) else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if *method != Method::OPTIONS {
        return;
    }
    for (wish, leave) in [
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
    ] {
        if let Some(wish) = asked.get(wish) {
            headers.insert(leave, wish.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_looked_into_however_it_was_asked_for() {
        let rules = crate::rules::load("rules", &crate::demo::rule_files()).unwrap();
        let may = |kind: &'static str, destination, path| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            let get = Method::GET;
            may_be_library(&rules, &get, StatusCode::OK, &headers, destination, path)
        };
        assert!(may("text/javascript; charset=utf-8", Destination::Data, "/x"));
        assert!(may("Application/JavaScript", Destination::Unsaid, "/x"));
        // Browsers run scripts of nearly any type.
        assert!(may("text/plain", Destination::Script, "/x"));
        assert!(may("application/octet-stream", Destination::Unsaid, "/a/tag.js"));
        assert!(!may("image/png", Destination::Asset, "/x.png"));
        assert!(!may("application/json", Destination::Data, "/api/js"));
        let kind = HeaderMap::new();
        for (method, status) in [(Method::GET, 206), (Method::GET, 304), (Method::POST, 200)] {
            let status = StatusCode::from_u16(status).unwrap();
            let path = "/tag.js";
            assert!(!may_be_library(&rules, &method, status, &kind, Destination::Script, path));
        }
    }
}
