//! The second policy: the hosts that a page may reach, for a visitor.
//!
//! It holds the site itself and what the operator approved, without what belongs to vendors who are
//! withheld from this visitor, or is named by a list that withholds. Browsers apply it beside the site's
//! own policy, so it can only narrow. While it is learned they apply nothing, and report what they would
//! have stopped.
//!
//! Visitors differ here in which purposes they permit and in the version of the policy that is in force. For
//! each there is one value, made when the rules are loaded: a request copies it.
//!
//! Which answers it goes out with is [`super::super::response`]'s to say; what comes of reports is told by
//! [`crate::subject`].

use std::collections::BTreeMap;
use std::fmt::Write;

use http::StatusCode;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, HeaderMap, HeaderName,
    HeaderValue,
};

use crate::policy::{PolicyVersion, Purpose, RecipientId, Verdicts};
use crate::rules::{Csp, CspSource, Fetch, RuleSet};
use crate::time::Day;

/// Where browsers report to.
pub const REPORT: &str = "/.consent/report";

/// Where in `Reporting-Endpoints` that is named; the site may have endpoints of its own.
const ENDPOINT: &str = "kelisim";

const REPORTING_ENDPOINTS: HeaderName = HeaderName::from_static("reporting-endpoints");
const ENDPOINTS: HeaderValue = HeaderValue::from_static("kelisim=\"/.consent/report\"");

/// The policies for all visitors.
#[derive(Debug)]
pub struct Walls {
    csp: Csp,
    /// The purposes that anything approved serves: what visitors differ by.
    purposes: Vec<Purpose>,
    /// For each version of the policy, and for none: the policy for each set of permitted purposes.
    made: BTreeMap<Option<Day>, Vec<Wall>>,
}

/// One policy.
#[derive(Clone, Debug)]
pub struct Wall {
    csp: Csp,
    /// With where to report. The name of an endpoint counts over TLS alone (Reporting API §2), and browsers
    /// that know it pass over the address beside it.
    plain: HeaderValue,
    tls: HeaderValue,
}

impl Walls {
    /// Makes all of them; none where the operator wants none.
    pub fn of(rules: &RuleSet) -> Option<Walls> {
        let csp = rules.site.csp;
        if csp == Csp::Off {
            return None;
        }
        let sources = sources(rules);
        let mut purposes: Vec<Purpose> =
            sources.iter().flat_map(|source| &source.claims).map(|claim| claim.0).collect();
        purposes.sort_unstable();
        purposes.dedup();
        let versions = rules.policies.all().iter().map(Some).chain([None]);
        let made = versions.map(|policy| {
            let walls = (0..1_usize << purposes.len()).map(|permitted| {
                let permits = |(purpose, recipient): &Claim<'_>| {
                    let place = purposes.iter().position(|known| known == purpose);
                    let by_visitor = place.is_some_and(|place| permitted >> place & 1 == 1);
                    by_visitor && policy.is_some_and(|of| of.terms[*purpose].declares(recipient))
                };
                let passing = |source: &&Sourced<'_>| source.claims.iter().all(permits);
                Wall::of(csp, &sources.iter().filter(passing).collect::<Vec<_>>())
            });
            (policy.map(|policy| policy.in_force), walls.collect())
        });
        Some(Walls { csp, made: made.collect(), purposes })
    }

    /// Whether browsers stop what is not in them.
    pub fn enforce(&self) -> bool {
        self.csp == Csp::Enforce
    }

    /// The one for a visitor, under the policy version that is in force.
    pub fn for_visitor(&self, policy: Option<&PolicyVersion>, verdicts: &Verdicts<'_>) -> &Wall {
        let places = self.purposes.iter().enumerate();
        let permitted = places.fold(0, |permitted, (place, purpose)| {
            permitted | usize::from(verdicts.on(*purpose).permit().is_some()) << place
        });
        let made = self.made.get(&policy.map(|policy| policy.in_force));
        made.and_then(|made| made.get(permitted))
            .expect("there is one for each version and each set of purposes")
    }
}

/// A purpose and who receives data for it.
type Claim<'a> = (Purpose, &'a RecipientId);

/// A source for one directive, with all that has to be permitted for it.
struct Sourced<'a> {
    fetch: Fetch,
    source: &'a CspSource,
    claims: Vec<Claim<'a>>,
}

fn sources(rules: &RuleSet) -> Vec<Sourced<'_>> {
    let entries = rules.approved.entries.iter();
    let each = entries.flat_map(|entry| entry.uses.iter().map(|fetch| (&entry.source, *fetch)));
    let sourced = each.map(|(source, fetch)| {
        let owners = source.host().map(|host| rules.owners(host, fetch)).unwrap_or_default();
        let vendors = owners.vendors.into_iter().map(|index| &rules.vendors[index]);
        let lists = owners.lists.into_iter().map(|index| &rules.lists()[index]);
        let claims = vendors
            .map(|vendor| (vendor.purpose, &vendor.recipient))
            .chain(lists.map(|list| (list.purpose, &list.recipient)));
        Sourced { fetch, source, claims: claims.collect() }
    });
    sourced.collect()
}

impl Wall {
    fn of(csp: Csp, sources: &[&Sourced<'_>]) -> Wall {
        let mut text = String::from("default-src 'self'");
        for fetch in Fetch::ALL {
            let mut of_this: Vec<_> =
                sources.iter().filter(|of| of.fetch == fetch).map(|of| of.source).collect();
            of_this.sort_unstable();
            of_this.dedup();
            // What is not said goes by `default-src`, but for forms, and for workers where scripts are said.
            let said = |wanted| sources.iter().any(|of| of.fetch == wanted);
            let needed = fetch == Fetch::Form || (fetch == Fetch::Worker && said(Fetch::Script));
            if !of_this.is_empty() || needed {
                // Writing to a string does not fail.
                let _ = write!(text, "; {} 'self'", fetch.directive());
                for source in of_this {
                    let _ = write!(text, " {source}");
                }
            }
        }
        let _ = write!(text, "; report-uri {REPORT}");
        let value = |text: &str| {
            HeaderValue::from_str(text).expect("sources are of letters that fields may hold")
        };
        Wall { csp, tls: value(&format!("{text}; report-to {ENDPOINT}")), plain: value(&text) }
    }

    /// The field that it goes out in, and its value.
    pub fn field(&self, tls: bool) -> (HeaderName, &HeaderValue) {
        let name = match self.csp {
            Csp::Enforce => CONTENT_SECURITY_POLICY,
            Csp::Learn | Csp::Off => CONTENT_SECURITY_POLICY_REPORT_ONLY,
        };
        (name, if tls { &self.tls } else { &self.plain })
    }

    /// Puts it beside whatever policies the site sends. What an answer of nothing new does not say a browser
    /// goes on by as it stored it: with our policy, if it stored that answer for this visitor (`is_stored`).
    pub fn put(&self, headers: &mut HeaderMap, status: StatusCode, is_stored: bool, tls: bool) {
        let (name, value) = self.field(tls);
        if status == StatusCode::NOT_MODIFIED && is_stored && !headers.contains_key(&name) {
            return;
        }
        headers.append(name, value.clone());
        if tls {
            headers.append(REPORTING_ENDPOINTS, ENDPOINTS);
        }
    }
}
