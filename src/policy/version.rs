//! The versions of the policy, and which one is in force.
//!
//! A visitor is told of a change on the site seven calendar days ahead (policy 2.3). So a
//! set of versions in which one was announced later cannot be built at all.
//!
//! Before the first version is in force there is no legal basis for anything, and
//! [`Policies::at`] says so by answering nothing.

use std::fmt;

use super::{PerPurpose, Terms};
use crate::time::{Day, Time};

/// How many days ahead a version is announced (policy 2.3).
pub const NOTICE_DAYS: u32 = 7;

/// One version of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The day on which the site began to tell its visitors of this version.
    pub announced: Day,
    /// The day from whose beginning it is in force. It names the version, too.
    pub in_force: Day,
    /// The terms of each purpose.
    pub terms: PerPurpose<Terms>,
}

/// All versions, the oldest first.
#[derive(Clone, Debug)]
pub struct Policies(Vec<PolicyVersion>);

/// Why a set of versions cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// There is no version.
    None,
    /// Two versions come into force on one day.
    SameDay(Day),
    /// A version was announced less than [`NOTICE_DAYS`] days ahead.
    ShortNotice {
        /// The day given as `announced`.
        announced: Day,
        /// The day given as `in_force`.
        in_force: Day,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::None => write!(f, "there is no policy version; write one"),
            PolicyError::SameDay(day) => {
                write!(f, "two policy versions come into force on {day}; give each its own day")
            }
            PolicyError::ShortNotice { announced, in_force } => write!(
                f,
                "announced {announced}, in force {in_force}: visitors are told {NOTICE_DAYS} days \
                 ahead (policy 2.3); the earliest day in force would be {}",
                announced.plus_days(NOTICE_DAYS)
            ),
        }
    }
}

impl Policies {
    /// Puts versions in order, or says everything that is wrong with them.
    pub fn new(mut versions: Vec<PolicyVersion>) -> Result<Policies, Vec<PolicyError>> {
        versions.sort_by_key(|version| version.in_force);
        let mut errors = Vec::new();
        if versions.is_empty() {
            errors.push(PolicyError::None);
        }
        for version in &versions {
            let PolicyVersion { announced, in_force, .. } = *version;
            if announced.plus_days(NOTICE_DAYS) > in_force {
                errors.push(PolicyError::ShortNotice { announced, in_force });
            }
        }
        for pair in versions.windows(2) {
            if pair[0].in_force == pair[1].in_force {
                errors.push(PolicyError::SameDay(pair[0].in_force));
            }
        }
        if errors.is_empty() { Ok(Policies(versions)) } else { Err(errors) }
    }

    /// The version in force at `now`, if any is yet.
    pub fn at(&self, now: Time) -> Option<&PolicyVersion> {
        self.0.iter().rev().find(|version| version.in_force.start() <= now)
    }

    /// The versions that visitors are told of at `now`: announced, and not yet in force; the next first.
    pub fn announced(&self, now: Time) -> impl Iterator<Item = &PolicyVersion> {
        self.0.iter().filter(move |version| {
            version.announced.start() <= now && now < version.in_force.start()
        })
    }

    /// The version that comes into force on `day`.
    pub fn of(&self, day: Day) -> Option<&PolicyVersion> {
        self.0.iter().find(|version| version.in_force == day)
    }

    /// The version that `version` takes the place of.
    pub fn before(&self, version: &PolicyVersion) -> Option<&PolicyVersion> {
        self.0.iter().rev().find(|other| other.in_force < version.in_force)
    }

    /// The version that takes the place of `version`.
    pub fn after(&self, version: &PolicyVersion) -> Option<&PolicyVersion> {
        self.0.iter().find(|other| other.in_force > version.in_force)
    }

    /// All versions, the oldest first.
    pub fn all(&self) -> &[PolicyVersion] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Basis, Categories, Keep};

    fn version(announced: &str, in_force: &str) -> PolicyVersion {
        PolicyVersion {
            announced: announced.parse().unwrap(),
            in_force: in_force.parse().unwrap(),
            terms: PerPurpose::from_fn(|purpose| {
                Terms::new(
                    purpose,
                    String::new(),
                    Basis::Contract,
                    Categories::NONE,
                    Vec::new(),
                    Keep::UntilMet,
                )
            }),
        }
    }

    #[test]
    fn the_version_in_force_is_the_newest_whose_day_has_begun() {
        let policies = Policies::new(vec![
            version("2026-03-01", "2026-03-08"),
            version("2025-09-24", "2025-10-01"),
        ])
        .unwrap();
        let at =
            |moment: &str| policies.at(moment.parse().unwrap()).map(|v| v.in_force.to_string());
        assert_eq!(at("2025-09-30T23:59:59Z"), None);
        assert_eq!(at("2025-10-01T00:00:00Z").as_deref(), Some("2025-10-01"));
        assert_eq!(at("2026-03-07T23:59:59Z").as_deref(), Some("2025-10-01"));
        assert_eq!(at("2026-03-08T00:00:00Z").as_deref(), Some("2026-03-08"));
    }

    #[test]
    fn a_version_is_told_of_from_the_day_it_is_announced_until_it_is_in_force() {
        let policies = Policies::new(vec![
            version("2026-03-20", "2026-03-31"),
            version("2026-03-18", "2026-03-26"),
            version("2025-09-24", "2025-10-01"),
        ])
        .unwrap();
        let days = |versions: Vec<&PolicyVersion>| -> Vec<String> {
            versions.into_iter().map(|version| version.in_force.to_string()).collect()
        };
        for (moment, told) in [
            ("2026-03-17T23:59:59Z", &[][..]),
            ("2026-03-18T00:00:00Z", &["2026-03-26"]),
            ("2026-03-20T00:00:00Z", &["2026-03-26", "2026-03-31"]),
            ("2026-03-26T00:00:00Z", &["2026-03-31"]),
            ("2026-03-31T00:00:00Z", &[]),
        ] {
            let announced = policies.announced(moment.parse().unwrap()).collect();
            assert_eq!(days(announced), told, "{moment}");
        }
        let [first, second, third] = policies.all() else { panic!("three") };
        assert_eq!((policies.before(first), policies.after(third)), (None, None));
        assert_eq!((policies.before(third), policies.after(first)), (Some(second), Some(second)));
        assert_eq!(policies.of(second.in_force), Some(second));
        assert_eq!(policies.of(Day(1)), None);
    }

    #[test]
    fn six_days_of_notice_are_too_few() {
        let errors = Policies::new(vec![version("2026-03-02", "2026-03-08")]).unwrap_err();
        assert!(errors[0].to_string().contains("2026-03-09"), "{}", errors[0]);
        assert_eq!(Policies::new(Vec::new()).unwrap_err(), [PolicyError::None]);
    }
}
