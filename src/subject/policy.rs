//! The versions of the policy as pages: the one in force, those before it, those that are announced.
//!
//! A version is public from the day on which it is announced; before that there is no such page.
//!
//! They are the same for everybody: nothing is read of the visitor but their language.

use http::header::ACCEPT_LANGUAGE;
use url::form_urlencoded;

use super::settings::languages;
use super::{Page, Subject, html};
use crate::banner::view::{PolicyPage, Standing, Version};
use crate::banner::{pages, policy as markup};
use crate::face;
use crate::fault::{Fault, GatewayFault, VisitorFault};
use crate::policy::PolicyVersion;
use crate::time::{Day, Time};

/// The address of the version in force; those of all others lie below it.
pub(super) const POLICY: &str = "/.consent/policy";

/// Whether a path is one of a version's, if there is such a version.
pub(super) fn is_version(path: &str) -> bool {
    path.strip_prefix(POLICY).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Renders the page of a version.
pub(super) fn page(subject: &Subject<'_>, path: &str, query: &str) -> Result<Page, Fault> {
    let rules = &subject.snapshot.rules;
    let now = subject.conditions.now;
    let policy = match path.strip_prefix(POLICY).unwrap_or_default().strip_prefix('/') {
        None => subject.conditions.policy.ok_or(GatewayFault::NoPolicy)?,
        Some(day) => {
            let day: Day = day.parse().map_err(|_| VisitorFault::NotFound)?;
            let policy = rules.policies.of(day).filter(|policy| is_public(policy, now));
            policy.ok_or(VisitorFault::NotFound)?
        }
    };
    let language = language(subject, query);
    let texts = rules.texts(language);
    let public = rules.policies.all().iter().rev().filter(|policy| is_public(policy, now));
    let version = |of: &PolicyVersion| Version {
        version: of.in_force.to_string(),
        standing: standing(subject, of),
        is_shown: of.in_force == policy.in_force,
    };
    let versions: Vec<_> = public.map(version).collect();
    let changes = face::coming(rules, policy, texts);
    let cards = face::cards(rules, policy, texts);
    let languages = languages(&subject.snapshot.rules);
    let view = PolicyPage {
        path,
        operator: face::operator(&rules.site.operator, language),
        standing: standing(subject, policy),
        changes: changes.as_ref(),
        document: face::document(rules, policy, language),
        purposes: &cards,
        versions: &versions,
        languages: &languages,
    };
    Ok(html(markup::policy(texts, &subject.snapshot.style, &view), pages::POLICY))
}

/// The language that a page's address asks for, else the visitor's.
pub(super) fn language<'s>(subject: &'s Subject<'_>, query: &str) -> &'s str {
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang");
    let accept = super::text_field(subject.headers, ACCEPT_LANGUAGE.as_str());
    subject.snapshot.language(asked.as_ref().map(|(_, value)| value.as_ref()), accept)
}

fn is_public(policy: &PolicyVersion, now: Time) -> bool {
    policy.announced.start() <= now
}

fn standing(subject: &Subject<'_>, policy: &PolicyVersion) -> Standing {
    let now = subject.conditions.now;
    let in_force = face::date(policy.in_force);
    if policy.in_force.start() > now {
        return Standing::Announced { announced: face::date(policy.announced), in_force };
    }
    let next = subject.snapshot.rules.policies.after(policy);
    match next.filter(|next| next.in_force.start() <= now) {
        Some(next) => Standing::Past { from: in_force, until: face::date(next.in_force) },
        None => Standing::InForce(in_force),
    }
}
