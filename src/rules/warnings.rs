//! What is right and takes protection away all the same, and what a day makes wrong.
//!
//! An operator may look on or exempt pages: each for a reason, and each is forgotten easily. So whoever
//! starts, reloads or checks is told again, and so is the admin address.
//!
//! What is wrong on every day the loader has refused already ([`super::load`]).

use super::RuleSet;
use super::leeway::{EXEMPT_DAYS_MAX, Exempt, Mode};
use super::problem::Problem;
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
}
