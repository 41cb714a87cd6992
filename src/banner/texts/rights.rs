//! The wording of what a visitor does about their data: see it, keep proof of it, take it back, be
//! forgotten.
//!
//! It stands in its own section, `[rights]`, of each language's file.
//!
//! As everywhere, every key must be there; words in braces are filled in.
//!
//! Where it is shown is in [`crate::banner::rights`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FailureText;
use crate::banner::view::rights::LogKind;

/// What a visitor does about their data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RightsTexts {
    /// Heading on the settings page, and title of the visitor's own page.
    pub title: String,
    /// The link to that page.
    pub link: String,
    /// Its first paragraph: `{operator}`.
    pub lead: String,
    /// Heading over what is held.
    pub held: String,
    /// Said to whoever has not chosen, in this browser.
    pub nothing: String,
    /// Said to whoever refused everything: nothing that could tell them from others.
    pub anonymous: String,
    /// Said to whoever withdrew: what stands under the id that they had, and how to see it.
    pub withdrawn: String,
    /// Asks for the number of a record.
    pub by_receipt: String,
    /// The button that shows what stands under it.
    pub by_receipt_show: String,
    /// Said where nothing withdrawn has that number.
    pub record_unknown: String,
    /// Heading over what the cookie says.
    pub cookie: String,
    /// What the cookie is.
    pub cookie_text: String,
    /// Heading over the rows of the record.
    pub record: String,
    /// Why they are kept.
    pub record_text: String,
    /// Said where nothing stands under the id.
    pub record_none: String,
    /// Said where the record cannot be read.
    pub record_unreadable: String,
    /// Said where there are more rows: `{shown}`, `{count}`.
    pub record_more: String,
    /// When a row was written: `{date}`, `{time}`.
    pub moment: String,
    /// The link to a receipt.
    pub receipt: String,
    /// In which ways choices are made.
    pub ways: WayWords,
    /// Who attests a choice.
    pub attestations: AttestationWords,
    /// Heading over the logs.
    pub logs: String,
    /// By what their lines can be found there, and by what not.
    pub logs_text: String,
    /// What stands in the logs: `{section}`, `{keep}`.
    pub log: LogWords,
    /// How long a log is kept: `{days}`.
    pub log_days: String,
    /// Heading over the purposes.
    pub processing: String,
    /// By which methods data are processed (policy 7.4).
    pub methods: String,
    /// The link to the same as a file for programs.
    pub json: String,
    /// Heading over the letter.
    pub letter: String,
    /// What to write to the operator for; the link follows.
    pub letter_text: String,
    /// The button that has the visitor forgotten.
    pub forget: String,
    /// What it does.
    pub forget_note: String,
    /// Title of the page after it.
    pub forgotten: String,
    /// The same where nothing was found.
    pub forgotten_none: String,
    /// What was stopped: `{purposes}`.
    pub stopped: String,
    /// Who receives nothing more: `{recipients}`.
    pub no_longer: String,
    /// What was destroyed on the operator's servers: `{count}`.
    pub destroyed: String,
    /// Said where there was nothing to destroy.
    pub destroyed_none: String,
    /// What was removed in the browser.
    pub browser: String,
    /// Said after a withdrawal: the row stays, as proof.
    pub proof_stays: String,
    /// What rests on another basis; the logs follow.
    pub rests: String,
    /// What cannot be reached: `{recipients}`.
    pub out_of_reach: String,
    /// 403: an agreement that no person made.
    pub unattested: FailureText,
    /// 503: nothing could be destroyed.
    pub not_forgotten: FailureText,
}

/// In which ways choices are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WayWords {
    /// On the banner.
    pub banner: String,
    /// By the form without script.
    pub form: String,
    /// On the settings page.
    pub settings: String,
    /// By a program.
    pub api: String,
}

/// Who attests a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestationWords {
    /// The browser says that a person did it.
    pub attested: String,
    /// A script did it.
    pub unattested: String,
    /// Nobody says.
    pub unknown: String,
}

/// What stands in the logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogWords {
    /// 4.2.
    pub operation: String,
    /// 4.3.
    pub analytics: String,
    /// 4.7.
    pub security: String,
}

/// The texts here that take words, and which.
pub(in crate::banner) const PLACES: &[(&str, &[&str])] = &[
    ("rights.lead", &["operator"]),
    ("rights.record_more", &["shown", "count"]),
    ("rights.moment", &["date", "time"]),
    ("rights.log.operation", &["section", "keep"]),
    ("rights.log.analytics", &["section", "keep"]),
    ("rights.log.security", &["section", "keep"]),
    ("rights.log_days", &["days"]),
    ("rights.stopped", &["purposes"]),
    ("rights.no_longer", &["recipients"]),
    ("rights.destroyed", &["count"]),
    ("rights.out_of_reach", &["recipients"]),
];

impl RightsTexts {
    /// What stands in a log.
    pub(in crate::banner) fn log(&self, kind: LogKind) -> &str {
        match kind {
            LogKind::Operation => &self.log.operation,
            LogKind::Analytics => &self.log.analytics,
            LogKind::Security => &self.log.security,
        }
    }

    /// A way in words, by its name in the record.
    pub(in crate::banner) fn way(&self, name: &str) -> &str {
        match name {
            "banner" => &self.ways.banner,
            "settings" => &self.ways.settings,
            "api" => &self.ways.api,
            _ => &self.ways.form,
        }
    }

    /// Who attests a choice in words, by the word in the record; nothing is known of old ones.
    pub(in crate::banner) fn attestation(&self, name: Option<&str>) -> &str {
        match name {
            Some("attested") => &self.attestations.attested,
            Some("unattested") => &self.attestations.unattested,
            _ => &self.attestations.unknown,
        }
    }
}
