//! What a visitor chose, and under which circumstances.
//!
//! Each choice carries a [`Mark`]: when it was made, until when it counts, under which
//! policy version and terms, which text was shown, and what the browser signalled then.
//!
//! A mark never moves: writing a cookie again does not extend a choice.
//!
//! In which way a choice was made (banner, settings, API) is a matter of the record and is
//! kept there: in the cookie it would split those who refuse into smaller groups.

use super::{PerPurpose, Purpose, TermsDigest};
use crate::time::{Day, Time};

/// The digest of the wording that the visitor was shown: 16 bytes of SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct TextDigest(pub [u8; 16]);

/// What the browser says by itself (Global Privacy Control).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Signal {
    /// Nothing.
    #[default]
    Silent,
    /// `Sec-GPC: 1`.
    Refuses,
}

/// The circumstances of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it was made. Of an anonymous visitor only the day is known: its first second.
    pub at: Time,
    /// From when on it no longer counts.
    pub until: Time,
    /// The policy version then in force, by its day.
    pub policy: Day,
    /// The terms that were agreed to or refused.
    pub terms: TermsDigest,
    /// The wording that was shown.
    pub shown: TextDigest,
    /// What the browser signalled at that moment.
    pub signal: Signal,
}

/// What a visitor said about one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Agreed.
    Agreed(Mark),
    /// Refused when asked.
    Declined(Mark),
    /// Took an agreement back.
    Withdrawn(Mark),
}

impl Choice {
    /// The circumstances.
    pub fn mark(&self) -> &Mark {
        match self {
            Choice::Agreed(mark) | Choice::Declined(mark) | Choice::Withdrawn(mark) => mark,
        }
    }

    /// The word used in receipts and records.
    pub const fn name(&self) -> &'static str {
        match self {
            Choice::Agreed(_) => "agreed",
            Choice::Declined(_) => "declined",
            Choice::Withdrawn(_) => "withdrawn",
        }
    }
}

/// A visitor's choices: one for each purpose that was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Choices(PerPurpose<Option<Choice>>);

impl Choices {
    /// The choice about `purpose`, if one was made.
    pub fn of(&self, purpose: Purpose) -> Option<&Choice> {
        self.0[purpose].as_ref()
    }

    /// Records a choice in place of an earlier one.
    pub fn set(&mut self, purpose: Purpose, choice: Choice) {
        self.0[purpose] = Some(choice);
    }

    /// The choices made, in the policy's order.
    pub fn iter(&self) -> impl Iterator<Item = (Purpose, &Choice)> {
        self.0.iter().filter_map(|(purpose, choice)| Some((purpose, choice.as_ref()?)))
    }

    /// Whether nothing was chosen.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether anything was agreed to. Only then does a visitor have an identifier.
    pub fn agrees(&self) -> bool {
        self.iter().any(|(_, choice)| matches!(choice, Choice::Agreed(_)))
    }

    /// Whether anything was taken back.
    pub fn withdrew(&self) -> bool {
        self.iter().any(|(_, choice)| matches!(choice, Choice::Withdrawn(_)))
    }
}
