//! What becomes of each vendor's tags in one response.
//!
//! Verdicts are per purpose; a tag is a vendor's. [`Fates`] joins the two once, so that whatever looks
//! at a page, a header or a script asks the same value. A fate says whose it is, to be counted and told,
//! and how it is withheld, which is for each rule to say.
//!
//! Of several fates the strictest counts, in both: a rule that only reports makes nothing pass.
//!
//! Which vendor an address or a piece of code belongs to is for [`crate::rules`] to say.

use std::sync::Arc;

use url::Url;

use super::reports::Reports;
use super::tally::Kind;
use crate::policy::{Purpose, Reason, RecipientId, Verdict, Verdicts};
use crate::rules::{Action, Leave, RuleSet, Said, Use};

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

/// How something is withheld. The later ones are stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Held, with its vendor's stub before it. Whose it is, is a vendor who has one.
    Stub,
    /// Held in its place, where it can be.
    Hold,
    /// Removed.
    Strip,
}

impl How {
    /// As a rule says; nothing where it only reports.
    fn of(action: Action) -> Option<How> {
        match action {
            Action::ReportOnly => None,
            Action::Stub => Some(How::Stub),
            Action::Hold => Some(How::Hold),
            Action::Strip => Some(How::Strip),
        }
    }
}

/// What becomes of a vendor's tags in one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They stay as they are.
    Permit,
    /// They are withheld until this purpose is agreed to.
    Until(Purpose, Whose, How),
    /// They are withheld for good: the policy does not name whose they are.
    Undeclared(Whose, How),
}

impl Fate {
    /// Whose it is, if it is withheld.
    pub fn whose(self) -> Option<Whose> {
        match self {
            Fate::Permit => None,
            Fate::Until(_, whose, _) | Fate::Undeclared(whose, _) => Some(whose),
        }
    }

    /// How it is withheld, if it is.
    pub fn how(self) -> Option<How> {
        match self {
            Fate::Permit => None,
            Fate::Until(_, _, how) | Fate::Undeclared(_, how) => Some(how),
        }
    }

    /// The purpose that releases it, as scripts that are held say it, or the reason that nothing does.
    pub(super) fn until(self) -> &'static str {
        match self {
            Fate::Until(purpose, ..) => purpose.name(),
            Fate::Permit | Fate::Undeclared(..) => Reason::Undeclared.name(),
        }
    }

    /// The same, withheld so.
    fn by(self, how: How) -> Fate {
        match self {
            Fate::Permit => Fate::Permit,
            Fate::Until(purpose, whose, _) => Fate::Until(purpose, whose, how),
            Fate::Undeclared(whose, _) => Fate::Undeclared(whose, how),
        }
    }

    /// The stricter of two, in the stricter of both ways; of equal ones the first.
    pub(super) fn or_stricter(self, other: Fate) -> Fate {
        let strictness = |fate: &Fate| match fate {
            Fate::Permit => 0,
            Fate::Until(..) => 1,
            Fate::Undeclared(..) => 2,
        };
        let stricter = if strictness(&other) > strictness(&self) { other } else { self };
        match self.how().max(other.how()) {
            Some(how) => stricter.by(how),
            None => stricter,
        }
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
    /// Whether any vendor's rule, or any list, withholds what it names.
    withhold: bool,
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
                Verdict::Withhold(Reason::Undeclared) => Fate::Undeclared(whose, How::Hold),
                Verdict::Withhold(_) => Fate::Until(purpose, whose, How::Hold),
            }
        };
        let vendors: Arc<[Fate]> = rules
            .vendors
            .iter()
            .enumerate()
            .map(|(index, of)| fate(of.purpose, &of.recipient, Whose::Vendor(index)))
            .collect();
        let lists = rules.lists().iter().enumerate();
        let lists: Arc<[Fate]> =
            lists.map(|(index, of)| fate(of.purpose, &of.recipient, Whose::List(index))).collect();
        let withheld = |fate: &Fate| *fate != Fate::Permit;
        let mut of_vendors = rules.vendors.iter().zip(vendors.iter());
        let mut of_lists = rules.lists().iter().zip(lists.iter());
        Fates {
            withhold: of_vendors.any(|(vendor, fate)| vendor.withholds() && withheld(fate))
                || of_lists.any(|(list, fate)| list.action == Action::Hold && withheld(fate)),
            vendors,
            lists,
            lists_asked: rules.has_filters(),
            unlisted_scripts: rules.site.unlisted.scripts == Leave::Withhold,
        }
    }

    /// The fate of the vendor in this place, whatever its rules do.
    pub fn of_vendor(&self, vendor: usize) -> Fate {
        self.vendors[vendor]
    }

    /// The fate of what a rule speaks of.
    pub fn of_rule(&self, Said { vendor, action }: Said) -> Fate {
        How::of(action).map_or(Fate::Permit, |how| self.vendors[vendor].by(how))
    }

    /// Whose it is that a rule only reports, if it would be withheld.
    pub(super) fn only_reported(&self, Said { vendor, action }: Said) -> Option<Whose> {
        let reports = action == Action::ReportOnly;
        self.vendors[vendor].whose().filter(|_| reports)
    }

    /// Whether anything is withheld. What only reports is no reason to look at a page.
    pub fn withhold_any(&self) -> bool {
        self.unlisted_scripts || self.withhold
    }

    /// The fate of what an address is used for in a page at `page`.
    pub fn of_url_from(&self, rules: &RuleSet, page: &Url, url: &Url, used: Use) -> Fate {
        self.of_url_in(rules, page, url, &[used], &Reports::default())
    }

    /// The fate of what an address is used for, without the lists.
    fn of_url(&self, rules: &RuleSet, url: &Url, used: Use) -> Fate {
        let fate = self.strictest(rules.said_at_url(url, used));
        let unlisted = self.unlisted_scripts && used == Use::Script && fate == Fate::Permit;
        match unlisted && rules.withholds_unlisted_script(url) {
            true => Fate::Undeclared(Whose::Unlisted, How::Hold),
            false => fate,
        }
    }

    /// The strictest fate of what an address may be used for in a page at `page`. What no rule knows is
    /// only withheld where it can be nothing but a script; the page's own host needs no rule. What passes
    /// because rules and lists only report it is told to `reports`.
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
                Fate::Undeclared(Whose::Unlisted, _) if url.host() == page.host() => Fate::Permit,
                fate => fate,
            }
        } else {
            let fates = uses.iter().map(|used| self.strictest(rules.said_at_url(url, *used)));
            fates.fold(Fate::Permit, Fate::or_stricter)
        };
        if fate != Fate::Permit {
            return fate;
        }
        let kind = match uses {
            [used] => Kind::of(*used),
            // What may be used in several ways is a hint.
            _ => Kind::Hint,
        };
        if rules.reports {
            let said = uses.iter().flat_map(|used| rules.said_at_url(url, *used));
            self.report(said, kind, reports);
        }
        if !self.lists_asked {
            return fate;
        }
        let listed = rules.listed_at(page, url, uses).iter().map(|list| {
            let of_list = self.lists[list];
            match of_list.whose() {
                Some(whose) if rules.lists()[list].action == Action::ReportOnly => {
                    reports.add(whose, kind);
                    Fate::Permit
                }
                _ => of_list,
            }
        });
        listed.fold(Fate::Permit, Fate::or_stricter)
    }

    /// The strictest fate of what some rules speak of.
    pub(super) fn strictest(&self, said: impl Iterator<Item = Said>) -> Fate {
        let withheld = said.map(|said| self.of_rule(said)).filter(|fate| *fate != Fate::Permit);
        withheld.reduce(Fate::or_stricter).unwrap_or(Fate::Permit)
    }

    /// Notes what passes because rules only report it.
    pub(super) fn report(&self, said: impl Iterator<Item = Said>, kind: Kind, reports: &Reports) {
        for whose in said.filter_map(|said| self.only_reported(said)) {
            reports.add(whose, kind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_fates_the_stricter_counts_and_the_stricter_way() {
        let (one, other) = (Whose::Vendor(1), Whose::Vendor(2));
        let until = |whose, how| Fate::Until(Purpose::Analytics, whose, how);
        for (fates, expected) in [
            ([Fate::Permit, until(one, How::Stub)], until(one, How::Stub)),
            ([until(one, How::Stub), Fate::Permit], until(one, How::Stub)),
            ([until(one, How::Stub), until(other, How::Hold)], until(one, How::Hold)),
            ([until(one, How::Strip), until(other, How::Stub)], until(one, How::Strip)),
            (
                [until(one, How::Strip), Fate::Undeclared(other, How::Stub)],
                Fate::Undeclared(other, How::Strip),
            ),
            (
                [Fate::Undeclared(one, How::Stub), until(other, How::Stub)],
                Fate::Undeclared(one, How::Stub),
            ),
        ] {
            assert_eq!(fates[0].or_stricter(fates[1]), expected, "{fates:?}");
        }
        assert_eq!(Fate::Permit.or_stricter(Fate::Permit), Fate::Permit);
    }
}
