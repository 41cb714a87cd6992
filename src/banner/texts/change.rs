//! The wording of what changes: the notice of a new version, and the pages of versions.
//!
//! The rest of the wording is [`super`]'s.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Texts, fill};
use crate::banner::view::{Recipient, Standing};

/// The notice of a version that is announced and not yet in force (policy 2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTexts {
    /// Its heading.
    pub title: String,
    /// From when: `{date}`.
    pub lead: String,
    /// Said where no purpose's terms change.
    pub same: String,
    /// Heading over the purposes whose terms change.
    pub changes: String,
    /// One of them: `{purpose}`, `{section}`, `{parts}`.
    pub purpose: String,
    /// That consent is asked for anew.
    pub again: String,
    /// The link to the announced version.
    pub read: String,
    /// The button that closes the notice.
    pub dismiss: String,
    /// What may change of a purpose.
    pub parts: PartWords,
}

/// The parts of a purpose's terms, as they stand in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartWords {
    /// The number of its clause.
    pub section: String,
    /// The legal basis.
    pub basis: String,
    /// The data.
    pub data: String,
    /// Who receives them.
    pub recipients: String,
    /// How long they are kept.
    pub keep: String,
}

/// The pages of the policy's versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyTexts {
    /// Heading and title.
    pub title: String,
    /// First paragraph: `{operator}`.
    pub lead: String,
    /// Of the version in force: `{date}`.
    pub in_force: String,
    /// Of one that is announced: `{announced}`, `{date}`.
    pub announced: String,
    /// Of one that was in force: `{date}`, `{until}`.
    pub past: String,
    /// Heading over what a version changed of the one before it.
    pub changed: String,
    /// What held before: `{text}`.
    pub before: String,
    /// What holds from then on: `{text}`.
    pub after: String,
    /// Heading over the list of versions.
    pub versions: String,
    /// Heading over the links to such pages.
    pub documents: String,
    /// The link to a version's full text.
    pub document: String,
}

impl Texts {
    /// How long data are kept (policy 3.4).
    pub fn keep(&self, days: Option<u32>) -> String {
        match days {
            Some(days) => fill(&self.settings.keep_days, &[("days", &days.to_string())]),
            None => self.settings.keep_until_met.clone(),
        }
    }

    /// Who receives data and where, in one line.
    pub fn recipients(&self, recipients: &[Recipient<'_>]) -> String {
        if recipients.is_empty() {
            return self.settings.recipients_none.clone();
        }
        let each = recipients.iter().map(|to| format!("{} ({})", to.name, to.country));
        let each: Vec<_> = each.collect();
        self.list(each.iter().map(String::as_str))
    }

    /// How a version stands.
    pub(in crate::banner) fn standing(&self, standing: Standing) -> String {
        let words = &self.policy;
        match standing {
            Standing::InForce(date) => fill(&words.in_force, &[("date", &self.date(date))]),
            Standing::Announced { announced, in_force } => fill(
                &words.announced,
                &[("announced", &self.date(announced)), ("date", &self.date(in_force))],
            ),
            Standing::Past { from, until } => {
                fill(&words.past, &[("date", &self.date(from)), ("until", &self.date(until))])
            }
        }
    }
}
