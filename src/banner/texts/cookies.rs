//! The wording of the declaration of cookies.
//!
//! What cookies are for is a closed list, so that an operator who names one in a vendor's file has it said in
//! every language.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Texts, fill};
use crate::time::Lasting;

/// The declaration of cookies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CookieTexts {
    /// Heading and title.
    pub title: String,
    /// First paragraph: `{operator}`.
    pub lead: String,
    /// What these times are, and when a cookie that needs consent goes before.
    pub terms: String,
    /// How long one is kept: `{time}`.
    pub keep: String,
    /// When a cookie was met, if on one day: `{date}`.
    pub met_on: String,
    /// The same over some time: `{first}`, `{last}`.
    pub met: String,
    /// Of our own: the choice.
    pub consent: String,
    /// Of our own: the notice that was closed.
    pub notice: String,
    /// How long that is kept.
    pub notice_keep: String,
    /// Label of the keys in the browser's storage.
    pub storage: String,
    /// How long these are kept.
    pub storage_keep: String,
    /// Heading over those that are withheld from everybody.
    pub withheld_title: String,
    /// Why they are.
    pub withheld: String,
    /// Heading over those that the site was seen to set and no rule names.
    pub undeclared_title: String,
    /// What is known of them.
    pub undeclared: String,
    /// What cookies are for.
    pub roles: RoleWords,
    /// How times are written.
    pub time: TimeWords,
}

/// What a cookie is for, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RoleWords {
    /// It keeps a visitor signed in.
    pub sign_in: String,
    /// It protects forms.
    pub forms: String,
    /// It remembers what a visitor set.
    pub preference: String,
    /// It tells one browser from another.
    pub visitor: String,
    /// It tells one visit from another.
    pub visit: String,
    /// It remembers where a visitor came from.
    pub source: String,
    /// It remembers which variant of a page was shown.
    pub experiment: String,
    /// A tool needs it for itself.
    pub technical: String,
}

/// How times are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeWords {
    /// Until the browser is closed.
    pub session: String,
    /// `{count}` seconds.
    pub seconds: String,
    /// `{count}` minutes.
    pub minutes: String,
    /// `{count}` hours.
    pub hours: String,
    /// One day.
    pub day: String,
    /// `{count}` days.
    pub days: String,
}

impl Texts {
    /// How long a cookie is kept.
    pub fn lasting(&self, time: Lasting) -> String {
        let words = &self.cookies.time;
        let (text, count) = match time {
            Lasting::Session => (&words.session, 0),
            Lasting::Seconds(count) => (&words.seconds, count),
            Lasting::Minutes(count) => (&words.minutes, count),
            Lasting::Hours(count) => (&words.hours, count),
            Lasting::Days(1) => (&words.day, 1),
            Lasting::Days(count) => (&words.days, count),
        };
        let time = fill(text, &[("count", &count.to_string())]);
        fill(&self.cookies.keep, &[("time", &time)])
    }
}
