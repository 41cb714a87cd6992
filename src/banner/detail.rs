//! What a consent has to state by the Law, and how a language is written.
//!
//! Art. 8(4) wants more in a consent than who receives what: who gives it, for how long, whether data leave
//! the country or are made public. The settings say it of each purpose.
//!
//! It is a section of each language's file (`[detail]`); the others are in [`texts`](super::texts).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a language is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From left to right.
    #[default]
    Ltr,
    /// From right to left.
    Rtl,
}

impl Direction {
    /// The value of a `dir` attribute.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// What a consent states besides (the Law, art. 8(4)), and what is said where none can be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailTexts {
    /// Label of who agrees.
    pub subject: String,
    /// Who that is: the visitor, without a name.
    pub subject_text: String,
    /// Label of how long the consent itself counts.
    pub consent_term: String,
    /// How long: 12 months, or until it is withdrawn.
    pub consent_term_text: String,
    /// Label of whether data leave the country.
    pub abroad: String,
    /// They do: `{countries}`.
    pub abroad_yes: String,
    /// They do not.
    pub abroad_no: String,
    /// Label of whether data are made public.
    pub public: String,
    /// They are not.
    pub public_no: String,
    /// Label of whose code and cookies serve a purpose.
    pub vendors: String,
    /// Heading over those that are let pass for nobody.
    pub withheld: String,
    /// Why: the policy does not name who would receive the data.
    pub withheld_text: String,
    /// Said in the banner when the browser has kept no cookie of ours.
    pub no_cookies: String,
    /// The same for browsers without scripts, where nobody can find out.
    pub no_cookies_hint: String,
}
