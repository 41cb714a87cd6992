//! What becomes of each vendor's tags in one response.
//!
//! Verdicts are per purpose; a tag is a vendor's. [`Fates`] joins the two once, so that whatever looks
//! at a page, a header or a script asks the same value. A fate says whose it is, to be counted and told.
//!
//! Which vendor an address or a piece of code belongs to is for [`crate::rules`] to say.

use std::sync::Arc;

use url::Url;

use super::reports::Reports;
use crate::policy::{Purpose, Reason, RecipientId, Verdict, Verdicts};
use crate::rules::{Action, Leave, RuleSet, Use};

/// Whose something is that is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The vendor's in this place of the rules.
    Vendor(usize),
    /// Somebody's whom the list of others in this place names.
    List(usize),
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

impl Whose {
    /// The name in counters: that of the vendor's file, `lists/` and that of a list's, `unlisted` or
    /// `unknown`.
    pub fn name(self, rules: &RuleSet) -> &str {
        match self {
            Whose::Vendor(index) => rules.vendors[index].id(),
            Whose::List(index) => &rules.lists()[index].id,
            Whose::Unlisted => "unlisted",
            Whose::Unknown => "unknown",
        }
    }
}

/// The fate of each vendor, by its place in the rules, and of what no rule knows.
#[derive(Clone, Debug)]
pub struct Fates {
    vendors: Arc<[Fate]>,
    /// Of what each list names, if that is withheld.
    lists: Arc<[Fate]>,
    /// Whether any list withholds what it names.
    lists_withhold: bool,
    /// Whether the lists are asked about addresses.
    pub(super) lists_asked: bool,
    /// Whether scripts that no rule knows are withheld.
    pub(super) unlisted_scripts: bool,
}

impl Fates {
    /// Reads the fates from the verdicts.
    pub fn of(rules: &RuleSet, verdicts: &Verdicts<'_>) -> Fates {
        let fate = |purpose, recipient: &RecipientId, whose| {
            match verdicts.of(purpose, recipient) {
                Verdict::Permit(_) => Fate::Permit,
                // The site's own code is not a vendor's: a suspension stops others.
                Verdict::Withhold(_) if recipient.is_operator() => Fate::Permit,
                Verdict::Withhold(Reason::Undeclared) => Fate::Undeclared(whose),
                Verdict::Withhold(_) => Fate::Hold(purpose, whose),
            }
        };
        let vendors = rules.vendors.iter().enumerate();
        let lists = rules.lists().iter().enumerate();
        let lists: Arc<[Fate]> =
            lists.map(|(index, of)| fate(of.purpose, &of.recipient, Whose::List(index))).collect();
        let mut each = rules.lists().iter().zip(lists.iter());
        Fates {
            lists_withhold: each
                .any(|(list, fate)| list.action == Action::Hold && *fate != Fate::Permit),
            vendors: vendors
                .map(|(index, of)| fate(of.purpose, &of.recipient, Whose::Vendor(index)))
                .collect(),
            lists,
            lists_asked: rules.has_filters(),
            unlisted_scripts: rules.site.unlisted.scripts == Leave::Withhold,
        }
    }

    /// The fate of the vendor in this place.
    pub fn of_vendor(&self, vendor: usize) -> Fate {
        self.vendors[vendor]
    }

    /// Whether anything is withheld. A list that only reports is no reason to look at a page.
    pub fn withhold_any(&self) -> bool {
        self.unlisted_scripts
            || self.lists_withhold
            || self.vendors.iter().any(|fate| *fate != Fate::Permit)
    }

    /// The fate of what an address is used for in a page at `page`.
    pub fn of_url_from(&self, rules: &RuleSet, page: &Url, url: &Url, used: Use) -> Fate {
        self.of_url_in(rules, page, url, &[used], &Reports::default())
    }

    /// The fate of what an address is used for, without the lists.
    fn of_url(&self, rules: &RuleSet, url: &Url, used: Use) -> Fate {
        let fate = self.strictest(rules.at_url(url, used));
        let unlisted = self.unlisted_scripts && used == Use::Script && fate == Fate::Permit;
        match unlisted && rules.withholds_unlisted_script(url) {
            true => Fate::Undeclared(Whose::Unlisted),
            false => fate,
        }
    }

    /// The strictest fate of what an address may be used for in a page at `page`. What no rule knows is
    /// only withheld where it can be nothing but a script; the page's own host needs no rule. What lists
    /// would withhold that only report is told to `reports`.
    pub(super) fn of_url_in(
        &self,
        rules: &RuleSet,
        page: &Url,
        url: &Url,
        uses: &[Use],
        reports: &Reports,
    ) -> Fate {
        let fate = if let [Use::Script] = uses {
            match self.of_url(rules, url, Use::Script) {
                Fate::Undeclared(Whose::Unlisted) if url.host() == page.host() => Fate::Permit,
                fate => fate,
            }
        } else {
            let fates = uses.iter().map(|used| self.strictest(rules.at_url(url, *used)));
            fates.fold(Fate::Permit, Fate::or_stricter)
        };
        if fate != Fate::Permit || !self.lists_asked {
            return fate;
        }
        let listed = rules.listed_at(page, url, uses).iter().map(|list| {
            let of_list = self.lists[list];
            match rules.lists()[list].action {
                Action::ReportOnly if of_list != Fate::Permit => {
                    reports.add(list, uses);
                    Fate::Permit
                }
                Action::ReportOnly => Fate::Permit,
                Action::Hold => of_list,
            }
        });
        listed.fold(Fate::Permit, Fate::or_stricter)
    }

    /// The strictest fate among some vendors.
    pub(super) fn strictest(&self, vendors: impl Iterator<Item = usize>) -> Fate {
        vendors.map(|vendor| self.vendors[vendor]).fold(Fate::Permit, Fate::or_stricter)
    }
}
