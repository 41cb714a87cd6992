//! What becomes of each vendor's tags in one response.
//!
//! Verdicts are per purpose; a tag is a vendor's. [`Fates`] joins the two once, so that whatever looks
//! at a page, a header or a script asks the same value. A fate says whose it is, to be counted and told.
//!
//! Which vendor an address or a piece of code belongs to is for [`crate::rules`] to say.

use std::sync::Arc;

use url::Url;

use crate::policy::{Purpose, Reason, Verdict, Verdicts};
use crate::rules::{RuleSet, Use};

/// Whose something is that is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The vendor's in this place of the rules.
    Vendor(usize),
    /// Somebody's whom no rule knows, where the operator lets no such pass.
    Unlisted,
    /// It could not be told: not all of it was seen.
    Unknown,
}

/// What becomes of a vendor's tags in one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They stay as they are.
    Permit,
    /// They are held until this purpose is agreed to.
    Hold(Purpose, Whose),
    /// They are held for good: the policy does not name whose they are.
    Undeclared(Whose),
}

impl Fate {
    /// Whose it is, if it is withheld.
    pub fn whose(self) -> Option<Whose> {
        match self {
            Fate::Permit => None,
            Fate::Hold(_, whose) | Fate::Undeclared(whose) => Some(whose),
        }
    }

    /// The stricter of two; of equal ones the first.
    pub(super) fn or_stricter(self, other: Fate) -> Fate {
        let strictness = |fate: &Fate| match fate {
            Fate::Permit => 0,
            Fate::Hold(..) => 1,
            Fate::Undeclared(_) => 2,
        };
        if strictness(&other) > strictness(&self) { other } else { self }
    }
}

/// The fate of each vendor, by its place in the rules.
#[derive(Clone, Debug)]
pub struct Fates(Arc<[Fate]>);

impl Fates {
    /// Reads the fates from the verdicts.
    pub fn of(rules: &RuleSet, verdicts: &Verdicts<'_>) -> Fates {
        let fate = |(index, vendor): (usize, &crate::rules::Vendor)| {
            let whose = Whose::Vendor(index);
            match verdicts.of(vendor.purpose, &vendor.recipient) {
                Verdict::Permit(_) => Fate::Permit,
                // The site's own code is not a vendor's: a suspension stops others.
                Verdict::Withhold(_) if vendor.recipient.is_operator() => Fate::Permit,
                Verdict::Withhold(Reason::Undeclared) => Fate::Undeclared(whose),
                Verdict::Withhold(_) => Fate::Hold(vendor.purpose, whose),
            }
        };
        Fates(rules.vendors.iter().enumerate().map(fate).collect())
    }

    /// The fate of the vendor in this place.
    pub(super) fn of_vendor(&self, vendor: usize) -> Fate {
        self.0[vendor]
    }

    /// Whether any vendor is withheld.
    pub fn withhold_any(&self) -> bool {
        self.0.iter().any(|fate| *fate != Fate::Permit)
    }

    /// The fate of what an address is used for.
    pub fn of_url(&self, rules: &RuleSet, url: &Url, used: Use) -> Fate {
        self.strictest(rules.at_url(url, used))
    }

    /// The strictest fate among some vendors.
    pub(super) fn strictest(&self, vendors: impl Iterator<Item = usize>) -> Fate {
        vendors.map(|vendor| self.0[vendor]).fold(Fate::Permit, Fate::or_stricter)
    }
}
