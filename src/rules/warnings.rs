//! What is right and takes protection away all the same, and what a day makes wrong.
//!
//! An operator may look on, exempt pages, let rules only report: each for a reason, and each is forgotten
//! easily. So whoever starts, reloads or checks is told again, and so is the admin address.
//!
//! What is wrong on every day the loader has refused already ([`super::load`]).

use super::RuleSet;
use super::action::{Action, RuleAt};
use super::leeway::{EXEMPT_DAYS_MAX, Exempt, Mode};
use super::problem::Problem;
use super::vendor::Vendor;
use crate::policy::Basis;
use crate::time::{Day, Time};

impl RuleSet {
    /// What is wrong with the rules on a day, though it may be right on a later one.
    pub fn problems_on(&self, day: Day) -> Vec<Problem> {
        let last = day.plus_days(EXEMPT_DAYS_MAX);
        let too_far = self.site.exempt.iter().filter(|exempt| exempt.until > last);
        too_far
            .map(|Exempt { path, until, line, .. }| Problem {
                path: self.site.path.clone(),
                line: *line,
                text: format!(
                    "`{path}` is exempt until {until}, more than {EXEMPT_DAYS_MAX} days ahead; end it by {last}"
                ),
            })
            .collect()
    }

    /// What is not wrong, and takes protection away all the same.
    pub fn warnings(&self, now: Time) -> Vec<String> {
        let site = &self.site;
        let mut warnings = Vec::new();
        if site.mode == Mode::Observe {
            warnings.push(
                "the site is not protected: `mode = \"observe\"` withholds nothing and counts what would be"
                    .to_owned(),
            );
        }
        for Exempt { path, until, reason, .. } in site.exempt_at(now) {
            warnings.push(format!("not protected until {until}: pages under `{path}` ({reason})"));
        }
        warnings.extend(self.only_reported(now));
        for exempt in site.exempt.iter().filter(|exempt| !exempt.is_in_force(now)) {
            let Exempt { path, until, line, .. } = exempt;
            warnings.push(format!(
                "the exemption of `{path}` ended on {until}; {}:{line} can be removed",
                site.path
            ));
        }
        if site.banner.wins {
            warnings.push(
                "our banner asks nobody: the site's own wins, and nothing is permitted unless it posts the \
                 choice to /.consent/choices"
                    .to_owned(),
            );
        }
        warnings
    }

    /// What is not withheld although its vendor is, because its rule only reports; what a file says of
    /// all its rules is told once.
    pub fn only_reported(&self, now: Time) -> Vec<String> {
        let policy = self.policies.at(now);
        // What rests on no consent nobody would withhold.
        let withheld = |vendor: &&Vendor| {
            let terms = policy.map(|policy| &policy.terms[vendor.purpose]);
            let permitted = terms.is_some_and(|terms| {
                terms.basis != Basis::Consent && terms.declares(&vendor.recipient)
            });
            vendor.reports() && !vendor.recipient.is_operator() && !permitted
        };
        let mut told = Vec::new();
        for vendor in self.vendors.iter().filter(withheld) {
            let reporting = || vendor.each_rule().filter(|rule| rule.action == Action::ReportOnly);
            let by_file = reporting().filter(|rule| rule.own.is_none()).count();
            if by_file > 0 {
                told.push(format!(
                    "not withheld: {}:{}: `action = \"report-only\"`, {}: what {by_file} of its rules name \
                     passes, and is counted",
                    vendor.path, vendor.action_line, vendor.name
                ));
            }
            let own = reporting().filter(|rule| rule.own.is_some());
            told.extend(own.map(|RuleAt { path, line, rule, .. }| {
                format!(
                    "not withheld: {path}:{line}: {rule}, {}: it only reports, so what it names passes",
                    vendor.name
                )
            }));
        }
        told
    }
}
