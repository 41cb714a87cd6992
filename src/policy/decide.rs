//! The decision: may data be processed for this purpose, for this visitor, now?
//!
//! [`decide()`] is the only place where a [`Permit`] is made. Cookies, scripts, logs, banner
//! and access report read its answer and nothing else, so they cannot disagree.
//!
//! It is total, and what is unclear is a refusal. `tests/decisions.txt` is its whole table,
//! written for a lawyer; a test plays every combination against it.
//!
//! ```compile_fail
//! use kelisim::policy::{Categories, Permit, Purpose};
//! let forged = Permit { purpose: Purpose::Analytics, collects: Categories::NONE };
//! ```

use std::fmt;

use super::{
    Basis, Categories, Choice, PerPurpose, PolicyVersion, Purpose, RecipientId, Signal, Terms,
    Visitor,
};
use crate::time::{Day, Time};

/// Whether the record of consent can tell which agreements were withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// It can.
    Readable,
    /// It cannot: no agreement counts until it can.
    Unreadable,
}

/// The circumstances under which a decision is made; the same for every visitor.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    /// The policy version in force; none before the first one is.
    pub policy: Option<&'a PolicyVersion>,
    /// The moment.
    pub now: Time,
    /// Purposes that the operator has stopped for everybody.
    pub suspended: PerPurpose<bool>,
    /// The state of the record.
    pub record: Record,
}

/// Leave to process data for one purpose. Made by [`decide()`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    purpose: Purpose,
    collects: Categories,
}

impl Permit {
    /// The purpose that data may be processed for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The categories that may be collected for it.
    pub fn collects(&self) -> Categories {
        self.collects
    }
}

/// Why something is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The visitor has not chosen yet.
    NotAsked,
    /// The visitor refused.
    Declined,
    /// The visitor took an agreement back.
    Withdrawn,
    /// The choice's term has ended.
    Expired,
    /// The purpose's terms are no longer those that the visitor chose about.
    TermsChanged,
    /// The browser refuses on the visitor's behalf (`Sec-GPC: 1`).
    SignalledRefusal,
    /// The policy in force does not name the vendor for its purpose.
    Undeclared,
    /// The operator has stopped this purpose.
    Suspended,
    /// The choice cannot be checked: no policy in force, or no readable record.
    Unverified,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Reason; 9] = [
        Reason::NotAsked,
        Reason::Declined,
        Reason::Withdrawn,
        Reason::Expired,
        Reason::TermsChanged,
        Reason::SignalledRefusal,
        Reason::Undeclared,
        Reason::Suspended,
        Reason::Unverified,
    ];

    /// The name used in the interface, the tables and the logs.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::NotAsked => "not-asked",
            Reason::Declined => "declined",
            Reason::Withdrawn => "withdrawn",
            Reason::Expired => "expired",
            Reason::TermsChanged => "terms-changed",
            Reason::SignalledRefusal => "signalled-refusal",
            Reason::Undeclared => "undeclared",
            Reason::Suspended => "suspended",
            Reason::Unverified => "unverified",
        }
    }

    /// Whether this reason leaves a question open that the banner should ask.
    pub const fn asks(self) -> bool {
        matches!(self, Reason::NotAsked | Reason::Expired | Reason::TermsChanged)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is decided about one purpose, or one vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on.
    Permit(Permit),
    /// It may not.
    Withhold(Reason),
}

impl Verdict {
    /// The permit, if there is one.
    pub fn permit(&self) -> Option<&Permit> {
        match self {
            Verdict::Permit(permit) => Some(permit),
            Verdict::Withhold(_) => None,
        }
    }

    /// The reason to withhold, if there is one.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Verdict::Permit(_) => None,
            Verdict::Withhold(reason) => Some(*reason),
        }
    }
}

/// What is decided about each purpose, for one request.
#[derive(Clone, Copy, Debug)]
pub struct Verdicts<'a> {
    purposes: PerPurpose<Verdict>,
    policy: Option<&'a PolicyVersion>,
}

impl Verdicts<'_> {
    /// The verdict about `purpose`.
    pub fn on(&self, purpose: Purpose) -> &Verdict {
        &self.purposes[purpose]
    }

    /// The verdict about a vendor that serves `purpose` and sends data to `recipient`: its
    /// purpose's, if the policy in force names that recipient for that purpose (3.6).
    pub fn of(&self, purpose: Purpose, recipient: &RecipientId) -> Verdict {
        let declared = self.policy.is_some_and(|policy| policy.terms[purpose].declares(recipient));
        if declared { self.purposes[purpose] } else { Verdict::Withhold(Reason::Undeclared) }
    }

    /// What tells these verdicts from others by the same rules.
    pub fn outline(&self) -> Outline {
        let reasons = PerPurpose::from_fn(|purpose| self.purposes[purpose].reason());
        Outline { policy: self.policy.map(|policy| policy.in_force), reasons }
    }

    /// Purposes with their verdicts, in the policy's order.
    pub fn iter(&self) -> impl Iterator<Item = (Purpose, &Verdict)> {
        self.purposes.iter()
    }
}

/// The policy version in force, and the reasons to withhold. Where these and the rules are the same, so is
/// [`Verdicts::of`] for every recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    policy: Option<Day>,
    reasons: PerPurpose<Option<Reason>>,
}

/// Decides about each purpose.
pub fn decide<'a>(conditions: &Conditions<'a>, visitor: &Visitor, signal: Signal) -> Verdicts<'a> {
    let purposes = PerPurpose::from_fn(|purpose| {
        let Some(policy) = conditions.policy else {
            return Verdict::Withhold(Reason::Unverified);
        };
        let terms = &policy.terms[purpose];
        match withheld(conditions, visitor, signal, purpose, terms) {
            Some(reason) => Verdict::Withhold(reason),
            None => Verdict::Permit(Permit { purpose, collects: terms.collects }),
        }
    });
    Verdicts { purposes, policy: conditions.policy }
}

/// The reason to withhold, if there is one. The order of the questions is the order of the
/// table: what the operator stopped, what needs no consent, what was chosen, whether that
/// choice still counts, what the browser says.
fn withheld(
    conditions: &Conditions<'_>,
    visitor: &Visitor,
    signal: Signal,
    purpose: Purpose,
    terms: &Terms,
) -> Option<Reason> {
    if conditions.suspended[purpose] {
        return Some(Reason::Suspended);
    }
    if terms.basis != Basis::Consent {
        return None;
    }
    let open_question = |reason| match signal {
        Signal::Silent => Some(reason),
        Signal::Refuses => Some(Reason::SignalledRefusal),
    };
    let choices = visitor.choices();
    let Some(choice) = choices.of(purpose) else {
        return open_question(Reason::NotAsked);
    };
    let mark = choice.mark();
    if mark.until <= conditions.now {
        return open_question(Reason::Expired);
    }
    if mark.terms != terms.digest {
        return open_question(Reason::TermsChanged);
    }
    match choice {
        Choice::Declined(_) => Some(Reason::Declined),
        Choice::Withdrawn(_) => Some(Reason::Withdrawn),
        // An agreement without an id cannot be taken back, so it was never given.
        Choice::Agreed(_) if visitor.id().is_none() => Some(Reason::Unverified),
        Choice::Agreed(_) if conditions.record == Record::Unreadable => Some(Reason::Unverified),
        // A choice outweighs the signal it was made under; one that appeared later does not
        // yield to it.
        Choice::Agreed(_) if signal == Signal::Refuses && mark.signal == Signal::Silent => {
            Some(Reason::SignalledRefusal)
        }
        Choice::Agreed(_) => None,
    }
}
