//! `POST /.consent/report`: what browsers report that a policy of ours would stop, or stopped.
//!
//! Both forms are read: `application/csp-report` (CSP3 §5.3) and `application/reports+json` (Reporting API). Of a
//! report three things are taken: the page, what was fetched, what for. The rest (samples, referrers,
//! the policy, places in files) is not even read.
//!
//! Anybody can send one. So a body is short, reports in it are few, an address has its rate
//! ([`crate::proxy`]), the page has to be the site's, and what is kept is bounded ([`Needs`]).
//!
//! Whose something is, is judged by the fates of the visitor who reports: what is withheld from them is
//! counted, and not taken for what the site needs.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::Subject;
use crate::fault::{Fault, VisitorFault};
use crate::gate::fate::{Fate, Fates, Whose};
use crate::observe::Needs;
use crate::rules::{Fetch, RuleSet};

/// The longest body, in bytes: a few reports, each with the policy and a sample in it.
pub(super) const REPORT_BYTES_MAX: usize = 64 * 1024;

/// How many reports of one body are read.
const REPORTS_MAX: usize = 32;

const REPORT: &[u8] = b"application/csp-report";
const REPORTS: &[u8] = b"application/reports+json";

/// What a browser sends for each at once.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "csp-report")]
    report: Option<Violation>,
}

/// What a browser sends together, of several kinds.
#[derive(Deserialize)]
struct Queued {
    #[serde(rename = "type")]
    kind: String,
    body: Option<serde_json::Value>,
}

/// What was stopped, or would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Violation {
    #[serde(rename = "document-uri", alias = "documentURL")]
    page: String,
    #[serde(rename = "blocked-uri", alias = "blockedURL")]
    fetched: String,
    #[serde(rename = "effective-directive", alias = "effectiveDirective")]
    directive: String,
    /// What older browsers say instead, with the sources behind it.
    #[serde(rename = "violated-directive")]
    violated: String,
}

/// Notes what a body reports.
pub(super) fn take(subject: &Subject<'_>, needs: &Needs, body: &Bytes) -> Result<(), Fault> {
    let violations = read(subject.headers, body)?;
    let rules = &subject.snapshot.rules;
    let fates = Fates::of(rules, subject.verdicts);
    for violation in violations {
        let Some((page, fetch)) = violation.place(rules, subject.host) else { continue };
        match violation.source(rules, &fates, &page, fetch) {
            Source::Own => {}
            Source::Withheld(whose) => needs.count_withheld(whose.name(rules)),
            Source::Named(source) if rules.approved.holds(&source, fetch) => {}
            Source::Named(source) => {
                needs.note(fetch, Some(source), page.path(), subject.conditions.now);
            }
            Source::Nameless => needs.note(fetch, None, page.path(), subject.conditions.now),
        }
    }
    Ok(())
}

fn read(headers: &HeaderMap, body: &Bytes) -> Result<Vec<Violation>, VisitorFault> {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let unreadable = |_| VisitorFault::BadRequest("the body is no report of a browser");
    if kind.eq_ignore_ascii_case(REPORT) {
        let envelope: Envelope = serde_json::from_slice(body).map_err(unreadable)?;
        return Ok(envelope.report.into_iter().collect());
    }
    if kind.eq_ignore_ascii_case(REPORTS) {
        let queued: Vec<Queued> = serde_json::from_slice(body).map_err(unreadable)?;
        let of_policies = queued.into_iter().filter(|report| report.kind == "csp-violation");
        let bodies = of_policies.take(REPORTS_MAX).filter_map(|report| report.body);
        return Ok(bodies.filter_map(|body| serde_json::from_value(body).ok()).collect());
    }
    Err(VisitorFault::BadRequest(
        "reports come as `application/csp-report` or `application/reports+json`",
    ))
}

/// What a page needs.
enum Source {
    /// The site itself, or what no page fetches.
    Own,
    /// Somebody who is withheld from this visitor.
    Withheld(Whose),
    /// What a policy can name.
    Named(String),
    /// What none can.
    Nameless,
}

impl Violation {
    /// The page, if it is the site's, and what was fetched for.
    fn place(&self, rules: &RuleSet, asked: &str) -> Option<(Url, Fetch)> {
        let page = Url::parse(&self.page).ok().filter(|page| is_web(page.scheme()))?;
        let host = page.host_str()?;
        let asked = asked.rsplit_once(':').map_or(asked, |(host, _)| host);
        let own = rules.site.has_host(host) || host.eq_ignore_ascii_case(asked);
        let directive = if self.directive.is_empty() { &self.violated } else { &self.directive };
        let name = directive.split_ascii_whitespace().next()?;
        Some((page, Fetch::of_directive(name)?)).filter(|_| own)
    }

    fn source(&self, rules: &RuleSet, fates: &Fates, page: &Url, fetch: Fetch) -> Source {
        let named = |word: &str| Source::Named(word.to_owned());
        let of_code = fetch == Fetch::Script;
        match self.fetched.as_str() {
            "inline" if matches!(fetch, Fetch::Script | Fetch::Style) => {
                return named("'unsafe-inline'");
            }
            "eval" if of_code => return named("'unsafe-eval'"),
            "wasm-eval" if of_code => return named("'wasm-unsafe-eval'"),
            _ => {}
        }
        let scheme = self.fetched.split(':').next().unwrap_or_default();
        match scheme {
            "data" => return named("data:"),
            "blob" => return named("blob:"),
            "mediastream" => return named("mediastream:"),
            "https" | "http" | "wss" | "ws" => {}
            // What extensions of a browser put into pages, and what is no address.
            _ => return Source::Own,
        }
        let Ok(url) = Url::parse(&self.fetched) else { return Source::Nameless };
        if url.origin() == page.origin() {
            return Source::Own;
        }
        let uses = fetch.uses().iter();
        let mut fates = uses.map(|used| fates.of_url_from(rules, page, &url, *used));
        if let Some(whose) = fates.find_map(Fate::whose) {
            return Source::Withheld(whose);
        }
        rules.approvable(&url, fetch).map_or(Source::Nameless, Source::Named)
    }
}

fn is_web(scheme: &str) -> bool {
    matches!(scheme, "https" | "http")
}
