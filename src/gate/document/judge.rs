//! Whose an address in a page is, and what becomes of it.
//!
//! Relative addresses follow the page's base, of which a page may name several; which one counts is
//! the tree builder's to know (a template's does not), so an address is judged against all.
//!
//! Nearly all addresses are plain and lead to nobody that a rule speaks of. That is seen at a glance
//! ([`super::super::address`]); the others are read by the WHATWG URL rules.
//!
//! Which vendor an address belongs to is said by the rules, what becomes of it by the verdicts; both are
//! told to who listens ([`super::super::trace`]), where something is withheld.

use std::ops::Range;
use std::sync::Arc;

use encoding_rs::UTF_8;
use url::Url;

use super::super::address::{Glance, glance, is_data};
use super::super::fate::{Fate, Fates, How, Whose};
use super::super::overlong;
use super::super::tally::Kind;
use super::super::trace::Ground;
use super::Document;
use crate::html::{Attribute, Element};
use crate::rules::{RuleSet, Said, Use};
use crate::snapshot::Snapshot;

/// How many bases of one page are looked at. A page has one; more are a mistake or an attack.
const BASES_MAX: usize = 8;

/// Where relative addresses may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base {
    /// To hosts that no rule speaks of.
    Elsewhere,
    /// To a host that a rule speaks of, or, of a base without one, nobody knows where.
    Named,
    /// There are more bases than are looked at.
    Unknown,
}

impl Base {
    pub(super) fn of(snapshot: &Snapshot, url: &Url) -> Base {
        match url.host_str() {
            Some(host) if !snapshot.rules.names_host(host) => Base::Elsewhere,
            _ => Base::Named,
        }
    }
}

impl Document {
    /// What becomes of what an address without its scheme leads to, whatever it is used for.
    pub(super) fn fate_of_any(&self, address: &[u8]) -> Fate {
        self.fate_of_url_as(address, &Use::ALL)
    }

    /// Whether it can be seen at a glance that no rule speaks of where an address leads. Where scripts
    /// that no rule knows are withheld, one has to lead to the page's own host; so has any address where
    /// there are lists to be asked.
    pub(super) fn leads_elsewhere(&self, address: &[u8], uses: &[Use]) -> bool {
        self.is_elsewhere(&glance(address), address, uses)
    }

    /// The same of an address of which so much has been seen.
    pub(super) fn is_elsewhere(&self, seen: &Glance<'_>, address: &[u8], uses: &[Use]) -> bool {
        let rules = &self.snapshot.rules;
        let any_host = self.fates.lists_asked
            || (self.fates.unlisted_scripts && matches!(uses, [Use::Script]));
        match seen {
            Glance::Relative => {
                self.base == Base::Elsewhere
                    && !rules.may_be_first_party(address)
                    && !(any_host && self.bases.len() > 1)
            }
            // What another host serves is given to a vendor by a rule that names the host.
            Glance::Host(host) => {
                let own = || rules.site.owns(host) && rules.may_be_first_party(address);
                let unknown = || any_host && self.bases[0].host_str() != Some(host);
                let elsewhere = !rules.names_host(host) && !own() && !unknown();
                // What does not lead elsewhere is read by the book, and told there.
                if let Some(scout) = self.scout.as_ref().filter(|_| elsewhere) {
                    scout.host(rules, &self.bases[0], host, uses);
                }
                elsewhere
            }
            Glance::Unclear => false,
        }
    }

    /// What becomes of what an attribute leads to.
    pub(super) fn fate_at(&self, address: Attribute<'_>, used: Use) -> Fate {
        self.fate_at_as(address, &[used])
    }

    /// The strictest fate of what an attribute leads to, whichever way it is used.
    pub(super) fn fate_at_as(&self, address: Attribute<'_>, uses: &[Use]) -> Fate {
        if self.leads_elsewhere(address.raw_value(), uses) {
            return Fate::Permit;
        }
        self.fate_of_url_as(&address.value(), uses)
    }

    pub(super) fn fate_of_url(&self, address: &[u8], used: Use) -> Fate {
        self.fate_of_url_as(address, &[used])
    }

    /// The strictest fate of what an address may be used for.
    pub(super) fn fate_of_url_as(&self, address: &[u8], uses: &[Use]) -> Fate {
        if self.leads_elsewhere(address, uses) || (is_data(address) && !uses.contains(&Use::Script))
        {
            return Fate::Permit;
        }
        // What a browser makes of letters beyond ASCII depends on the page's encoding, and may be
        // nothing (a soft hyphen) or ASCII (a letter of double width).
        let (read, _) = UTF_8.decode_without_bom_handling(address);
        let mut fate = self.fate_of_read(&read, uses);
        if self.encoding != UTF_8 && !address.is_ascii() {
            let (read, _) = self.encoding.decode_without_bom_handling(address);
            fate = fate.or_stricter(self.fate_of_read(&read, uses));
        }
        fate
    }

    fn fate_of_read(&self, address: &str, uses: &[Use]) -> Fate {
        // Whether `http:a.example` leads to that host depends on how the page came, which somebody in
        // front of the gateway may know better.
        let first = address.trim_start_matches(|letter| letter <= ' ').bytes().next();
        let bare = matches!(first, Some(b'h' | b'H')) && !address.contains("//");
        let whole = if bare { Url::parse(address).ok() } else { None };
        let whole = whole.filter(|whole| self.bases[0].join(address).as_ref() != Ok(whole));
        // What no browser can load needs no verdict.
        let urls = self.bases.iter().filter_map(|base| base.join(address).ok()).chain(whole);
        let fates = urls.map(|url| {
            let rules = &self.snapshot.rules;
            let of_url = self.fates.of_url_in(rules, &self.bases[0], &url, uses, &self.reports);
            if let Some(scout) = &self.scout {
                scout.url(rules, &self.bases[0], &url, uses);
            }
            if of_url != Fate::Permit {
                self.tell(|rules, fates| Ground::of_url(rules, fates, &self.bases[0], &url, uses));
            } else if self.snapshot.rules.reports {
                self.tell_reported(|rules, fates| {
                    Ground::of_reported_url(rules, fates, &url, uses)
                });
            }
            match url.scheme() {
                "data" if uses.contains(&Use::Script) => {
                    of_url.or_stricter(self.fate_of_data(url.as_str()))
                }
                _ => of_url,
            }
        });
        // A base that was not looked at might lead anywhere.
        let unknown = self.base == Base::Unknown && Url::parse(address).is_err();
        let least = match unknown {
            true => Fate::Undeclared(Whose::Unknown, How::Hold),
            false => Fate::Permit,
        };
        fates.fold(least, Fate::or_stricter)
    }

    /// Code that stands in its own address: some caches make inline scripts so.
    fn fate_of_data(&self, url: &str) -> Fate {
        let body = data_url::DataUrl::process(url).ok().and_then(|data| data.decode_to_vec().ok());
        body.map_or(Fate::Permit, |(code, _)| self.fate_of_code(&code))
    }

    pub(super) fn fate_of_code(&self, code: &[u8]) -> Fate {
        // Rules that speak of nothing are refused, and a script with an address has no other code.
        if code.is_empty() {
            return Fate::Permit;
        }
        let fate = self.fates.strictest(self.snapshot.rules.in_script(code).into_iter());
        if fate != Fate::Permit {
            self.tell(|rules, fates| Ground::of_code(rules, fates, code));
        } else if self.snapshot.rules.reports {
            self.report_code(code);
        }
        fate
    }

    /// Notes code that passes because rules only report it.
    fn report_code(&self, code: &[u8]) {
        let said = self.snapshot.rules.in_script(code).into_iter();
        self.fates.report(said, Kind::Inline, &self.reports);
        self.tell_reported(|rules, fates| Ground::of_reported_code(rules, fates, code));
    }

    /// Where in bare text addresses of withheld vendors stand, and whose they are.
    pub(super) fn withheld_addresses(&self, text: &[u8]) -> Vec<(Whose, Range<usize>)> {
        let whose = |at: &Range<usize>| self.fate_of_any(&text[at.clone()]).whose();
        overlong::addresses(text).filter_map(|at| Some((whose(&at)?, at))).collect()
    }

    /// Where in code that of withheld vendors stands, and whose it is.
    pub(super) fn withheld_code(&self, code: &[u8]) -> Vec<(Whose, Range<usize>)> {
        let withheld = |said: Said| self.fates.of_rule(said) != Fate::Permit;
        let spans = self.snapshot.rules.spans_in_script(code, withheld);
        if !spans.is_empty() {
            self.tell(|rules, fates| Ground::of_code(rules, fates, code));
        } else if self.snapshot.rules.reports {
            self.report_code(code);
        }
        spans.into_iter().map(|(vendor, at)| (Whose::Vendor(vendor), at)).collect()
    }

    /// Tells whoever listens why something is withheld.
    fn tell(&self, why: impl FnOnce(&RuleSet, &Fates) -> Ground) {
        if let Some(trace) = &self.trace {
            trace.ground(why(&self.snapshot.rules, &self.fates));
        }
    }

    /// The same of what passes because rules only report it.
    fn tell_reported(&self, which: impl FnOnce(&RuleSet, &Fates) -> Option<Ground>) {
        if let Some(trace) = &self.trace
            && let Some(ground) = which(&self.snapshot.rules, &self.fates)
        {
            trace.reported(ground);
        }
    }

    /// What becomes of what the address in an attribute leads to.
    pub(super) fn fate_by(&self, element: &Element<'_>, attribute: &[u8], used: Use) -> Fate {
        let address = element.written(attribute);
        address.map_or(Fate::Permit, |address| self.fate_at(address, used))
    }

    pub(super) fn set_base(&mut self, element: &Element<'_>) {
        let Some(href) = element.attribute(b"href") else { return };
        // A base that is no address, or one of these, leaves the page's own in place (HTML §4.2.3).
        let base = self.bases[0].join(&String::from_utf8_lossy(&href)).ok();
        let base = base.filter(|base| !matches!(base.scheme(), "data" | "javascript"));
        let Some(base) = base.filter(|base| !self.bases.contains(base)) else { return };
        if let Some(scout) = &self.scout {
            // Relative addresses are not told one by one.
            scout.url(&self.snapshot.rules, &self.bases[0], &base, &Use::ALL);
        }
        if self.bases.len() == BASES_MAX {
            self.base = Base::Unknown;
        } else {
            self.base = self.base.max(Base::of(&self.snapshot, &base));
            Arc::make_mut(&mut self.bases).push(base);
        }
    }
}
