//! What becomes of each vendor's tags in one response.
//!
//! Verdicts are per purpose; a tag is a vendor's. [`Fates`] joins the two once, so that whatever looks
//! at a page, a header or a script asks the same value.
//!
//! Which vendor an address or a piece of code belongs to is for [`crate::rules`] to say.

use std::sync::Arc;

use url::Url;

use crate::policy::{Purpose, Reason, Verdict, Verdicts};
use crate::rules::{RuleSet, Use};

/// What becomes of a vendor's tags in one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They stay as they are.
    Permit,
    /// They are held until this purpose is agreed to.
    Hold(Purpose),
    /// They are held for good: the policy does not name the vendor.
    Undeclared,
}

impl Fate {
    /// The stricter of two.
    pub(super) fn or_stricter(self, other: Fate) -> Fate {
        let strictness = |fate: &Fate| match fate {
            Fate::Permit => 0,
            Fate::Hold(_) => 1,
            Fate::Undeclared => 2,
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
        let fate =
            |vendor: &crate::rules::Vendor| match verdicts.of(vendor.purpose, &vendor.recipient) {
                Verdict::Permit(_) => Fate::Permit,
                // The site's own code is not a vendor's: a suspension stops others.
                Verdict::Withhold(_) if vendor.recipient.is_operator() => Fate::Permit,
                Verdict::Withhold(Reason::Undeclared) => Fate::Undeclared,
                Verdict::Withhold(_) => Fate::Hold(vendor.purpose),
            };
        Fates(rules.vendors.iter().map(fate).collect())
    }

    /// The fate of the vendor in this place.
    pub fn of_vendor(&self, vendor: usize) -> Fate {
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

    /// The strictest fate of what an address may be used for.
    pub(super) fn of_url_as(&self, rules: &RuleSet, url: &Url, uses: &[Use]) -> Fate {
        let fates = uses.iter().map(|used| self.of_url(rules, url, *used));
        fates.fold(Fate::Permit, Fate::or_stricter)
    }

    /// The strictest fate among some vendors.
    pub(super) fn strictest(&self, vendors: impl Iterator<Item = usize>) -> Fate {
        vendors.map(|vendor| self.0[vendor]).fold(Fate::Permit, Fate::or_stricter)
    }
}
