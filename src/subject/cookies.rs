//! The declaration of cookies: what rules name, what they say of it, and when it was really met.
//!
//! What is declared is what passes: for each purpose the cookies of the site and of those vendors whom the
//! policy in force names. Whom it does not name is listed as withheld, as far as the gate does withhold it.
//!
//! What was met is known by name and day alone, and only as long as the process runs. A name that no rule
//! knows is shown if the site itself set it: what browsers send, anybody can make up.
//!
//! How it looks is [`crate::banner::cookies`].

use std::collections::BTreeMap;

use super::choose::TERM_DAYS;
use super::policy::language;
use super::settings::languages;
use super::{Page, Subject, html};
use crate::banner::texts::RoleWords;
use crate::banner::view::{
    Declaration, DeclaredCookie, DeclaredPurpose, Met, Provider, WithheldVendor,
};
use crate::banner::{Texts, cookies as markup, pages};
use crate::face;
use crate::fault::{Fault, GatewayFault};
use crate::observe::Days;
use crate::policy::{PolicyVersion, Purpose};
use crate::rules::{CookieRole, CookieRule, Mode, RuleSet, Vendor};
use crate::time::Lasting;

/// Where it is a page of its own.
pub(super) const COOKIES: &str = "/.consent/cookies";

/// Where it is a piece of one.
pub(super) const FRAGMENT: &str = "/.consent/cookies.html";

/// Renders the declaration, as a page or as a piece of one.
pub(super) fn page(subject: &Subject<'_>, path: &str, query: &str) -> Result<Page, Fault> {
    let rules = &subject.snapshot.rules;
    let policy = subject.conditions.policy.ok_or(GatewayFault::NoPolicy)?;
    let language = language(subject, query);
    let texts = rules.texts(language);
    let declared = Declared { rules, policy, texts, met: subject.discoveries.cookies_met() };
    let mut view = declared.all();
    for of_purpose in &mut view.purposes {
        // Our own are the site's, and stand first among them.
        let own = of_purpose.section == policy.terms[Purpose::Operation].section;
        if let Some(site) = of_purpose.providers.first_mut().filter(|_| own) {
            site.cookies.splice(0..0, ours(subject, texts));
        }
    }
    let undeclared = subject.discoveries.cookies_undeclared(rules);
    view.undeclared = undeclared.into_iter().map(|(name, days)| (name, met(days))).collect();
    if path == FRAGMENT {
        return Ok(html(markup::fragment(texts, &view), pages::POLICY));
    }
    let style = &subject.snapshot.style;
    Ok(html(markup::declaration(texts, style, &view, &languages(rules)), pages::POLICY))
}

/// The cookies that the gateway itself sets.
fn ours<'t>(subject: &Subject<'_>, texts: &'t Texts) -> [DeclaredCookie<'t>; 2] {
    let words = &texts.cookies;
    let cookie = |name: &str, role, keep| DeclaredCookie {
        name: name.to_owned(),
        role: Some(role),
        keep: Some(keep),
        met: None,
    };
    [
        cookie(subject.cookie.name(), &words.consent, texts.lasting(Lasting::Days(TERM_DAYS))),
        cookie(subject.cookie.notice_name(), &words.notice, words.notice_keep.clone()),
    ]
}

/// What the declaration is made of.
struct Declared<'a> {
    rules: &'a RuleSet,
    policy: &'a PolicyVersion,
    texts: &'a Texts,
    met: BTreeMap<String, Days>,
}

impl<'a> Declared<'a> {
    fn all(&self) -> Declaration<'a> {
        let operator = self.rules.site.operator.name.get(&self.texts.code);
        let wording = self.rules.wording.get(&self.policy.in_force);
        let mut view = Declaration { operator, ..Declaration::default() };
        for purpose in Purpose::ALL {
            let of_purpose = self.rules.vendors.iter().filter(|vendor| vendor.purpose == purpose);
            let mut providers: Vec<_> =
                of_purpose.filter_map(|vendor| self.provider(vendor)).collect();
            // The site's own first, and there even if no rule names a cookie of it: ours are among them.
            providers.sort_by_key(|provider| provider.name != operator);
            let is_first = providers.first().is_some_and(|provider| provider.name == operator);
            if purpose == Purpose::Operation && !is_first {
                let (cookies, keys) = (Vec::new(), Vec::new());
                providers.insert(0, Provider { name: operator, country: None, cookies, keys });
            }
            if !providers.is_empty() {
                let title =
                    wording.map_or("", |words| words.purposes[purpose].title.get(&self.texts.code));
                let section = &self.policy.terms[purpose].section;
                view.purposes.push(DeclaredPurpose { title, section, providers });
            }
        }
        let withheld = self.rules.vendors.iter().filter_map(|vendor| self.withheld(vendor));
        view.withheld = withheld.collect();
        view
    }

    /// Whether a vendor's cookies are withheld from everybody, but for those that only are reported.
    fn is_withheld(&self, vendor: &Vendor) -> bool {
        let declared = self.policy.terms[vendor.purpose].declares(&vendor.recipient);
        !declared && self.rules.site.mode == Mode::Enforce
    }

    /// Who sets cookies that may pass.
    fn provider(&self, vendor: &'a Vendor) -> Option<Provider<'a>> {
        let is_withheld = self.is_withheld(vendor);
        let passing = vendor.cookies().filter(|(_, withholds)| !(is_withheld && *withholds));
        let cookies: Vec<_> = passing.map(|(rule, _)| self.cookie(rule)).collect();
        let keys: Vec<_> = if is_withheld { Vec::new() } else { vendor.keys().collect() };
        if cookies.is_empty() && keys.is_empty() {
            return None;
        }
        let language = &self.texts.code;
        if vendor.recipient.is_operator() {
            let name = self.rules.site.operator.name.get(language);
            return Some(Provider { name, country: None, cookies, keys });
        }
        let recipients = &self.policy.terms[vendor.purpose].recipients;
        let recipient = recipients.iter().find(|to| to.id == vendor.recipient);
        let country = recipient.and_then(|to| self.texts.country(&to.country));
        Some(Provider { name: vendor.name_in(language), country, cookies, keys })
    }

    fn withheld(&self, vendor: &'a Vendor) -> Option<WithheldVendor<'a>> {
        let withheld = vendor.cookies().filter(|(_, withholds)| *withholds);
        let cookies: Vec<_> = withheld.map(|(rule, _)| rule.to_string()).collect();
        (self.is_withheld(vendor) && !cookies.is_empty())
            .then_some(WithheldVendor { name: vendor.name_in(&self.texts.code), cookies })
    }

    fn cookie(&self, rule: &CookieRule) -> DeclaredCookie<'a> {
        let name = rule.to_string();
        DeclaredCookie {
            met: self.met.get(&name).copied().map(met),
            role: rule.role.map(|role| word(role, &self.texts.cookies.roles)),
            keep: rule.keep.map(|time| self.texts.lasting(time)),
            name,
        }
    }
}

fn met(days: Days) -> Met {
    Met { first: face::date(days.first), last: face::date(days.last) }
}

fn word(role: CookieRole, words: &RoleWords) -> &str {
    match role {
        CookieRole::SignIn => &words.sign_in,
        CookieRole::Forms => &words.forms,
        CookieRole::Preference => &words.preference,
        CookieRole::Visitor => &words.visitor,
        CookieRole::Visit => &words.visit,
        CookieRole::Source => &words.source,
        CookieRole::Experiment => &words.experiment,
        CookieRole::Technical => &words.technical,
    }
}
