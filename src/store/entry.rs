//! One entry of the record: what was chosen, when, under which terms and wording.
//!
//! An entry has a public part, which says what happened, and a personal one, which says to
//! whom. They are stored apart, and the chain of digests covers the public part and a salted
//! commitment to the personal one: destroying row and salt leaves the chain verifiable.
//!
//! Refusals and withdrawals are entries, not deletions. A refusal that creates no consent id
//! has no personal part at all.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::gate::attestation::Attestation;
use crate::policy::{Choice, Choices, Signal, TextDigest, VisitorId};
use crate::time::{Day, Time};

/// In which way a choice was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// On the banner, with its script.
    Banner,
    /// By the form, without script.
    Form,
    /// On the settings page.
    Settings,
    /// By a program that takes JSON.
    Api,
}

impl Way {
    /// The name in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Way::Banner => "banner",
            Way::Form => "form",
            Way::Settings => "settings",
            Way::Api => "api",
        }
    }
}

/// An entry to be recorded.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The record's id, which the receipt names.
    pub record: Uuid,
    /// When the choice was made.
    pub at: Time,
    /// The policy version in force, by its day.
    pub policy: Day,
    /// The choices after this event.
    pub choices: Choices,
    /// The wording shown.
    pub shown: TextDigest,
    /// The language it was shown in.
    pub locale: String,
    /// The way.
    pub way: Way,
    /// What the browser signalled.
    pub signal: Signal,
    /// Whether it says that a person chose.
    pub attestation: Attestation,
    /// The particulars of the operator and of the processing, as they were stated.
    pub statement: TextDigest,
    /// Who chose, if they have a consent id.
    pub visitor: Option<VisitorId>,
    /// The id whose agreements this entry ends, and when they would have ended by themselves.
    pub supersedes: Option<(VisitorId, Time)>,
}

impl Entry {
    /// One line for each choice: purpose, state, terms, and until when it counts.
    pub(super) fn choice_lines(&self) -> String {
        let line = |(purpose, choice): (_, &Choice)| {
            let mark = choice.mark();
            format!("{purpose} {} {} {}\n", choice.name(), mark.terms, mark.until)
        };
        self.choices.iter().map(line).collect()
    }

    /// The digest that this entry adds to the chain. Entries of `entry v1`, without the last two lines,
    /// stand in records that were begun by earlier gateways.
    pub(super) fn link(&self, previous: &[u8], commitment: &[u8]) -> [u8; 32] {
        let public = format!(
            "entry v2\n{}\n{}\n{}\n{}{}\n{}\n{}\n{:?}\n{}\n{}\n",
            self.record,
            self.at,
            self.policy,
            self.choice_lines(),
            data_encoding::HEXLOWER.encode(&self.shown.0),
            self.locale,
            self.way.name(),
            self.signal,
            self.attestation.name(),
            data_encoding::HEXLOWER.encode(&self.statement.0),
        );
        let mut hash = Sha256::new();
        hash.update(previous);
        hash.update(public);
        hash.update(commitment);
        hash.finalize().into()
    }
}

/// Binds an entry to a person without saying to whom, as long as the salt is there.
pub(super) fn commitment(salt: &[u8; 16], visitor: VisitorId) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(visitor.0.to_be_bytes());
    hash.finalize().into()
}
