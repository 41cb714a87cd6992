//! What becomes of what a page points at, and of code in it.
//!
//! Addresses are read by the WHATWG URL rules, against every base that the markup names, and in the
//! page's encoding; which vendor they belong to is said by the rules, and what becomes of that
//! vendor's by [`Fates`]. Nearly all addresses need none of it: their host is seen at a glance.
//!
//! What a browser might load of a withheld vendor's is never permitted here; where that cannot be
//! told, it is withheld.
//!
//! Where in markup addresses and code stand is [`super::document`]'s.

use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};
use url::Url;

use super::address::{Glance, glance, is_data};
use super::fate::{Fate, Fates, Whose};
use super::trace::{Asked, Trace};
use crate::html::Attribute;
use crate::rules::{RuleSet, Use};
use crate::snapshot::Snapshot;

/// How many bases of one page are looked at. A page has one; more are a mistake or an attack.
const BASES_MAX: usize = 8;

/// Where relative addresses may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Base {
    /// To hosts that no rule speaks of.
    Elsewhere,
    /// To a host that a rule speaks of, or, of a base without one, nobody knows where.
    Named,
    /// There are more bases than are looked at.
    Unknown,
}

impl Base {
    fn of(rules: &RuleSet, url: &Url) -> Base {
        match url.host_str() {
            Some(host) if !rules.names_host(host) => Base::Elsewhere,
            _ => Base::Named,
        }
    }
}

/// What judges one page, and the documents that stand in it.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) fates: Fates,
    /// What relative addresses may be relative to: the page's own address, and each base that
    /// the markup names. Which one counts is the tree builder's to know (a template's does not),
    /// so an address is judged against all.
    pub(super) bases: Arc<Vec<Url>>,
    base: Base,
    /// The encoding that the page is read in.
    encoding: &'static Encoding,
    /// Who wants to know which rules speak, if anybody does.
    pub(super) trace: Option<Arc<Trace>>,
}

impl Judge {
    /// A judge of the page at `url`.
    pub(super) fn new(snapshot: Arc<Snapshot>, fates: Fates, url: Url) -> Judge {
        Judge {
            base: Base::of(&snapshot.rules, &url),
            snapshot,
            fates,
            bases: Arc::new(vec![url]),
            encoding: UTF_8,
            trace: None,
        }
    }

    /// The same for a page in another encoding than UTF-8.
    pub(super) fn in_encoding(self, encoding: &'static Encoding) -> Judge {
        Judge { encoding, ..self }
    }

    /// The page's own address.
    pub(super) fn page(&self) -> &Url {
        &self.bases[0]
    }

    /// Takes a base that the markup names.
    pub(super) fn add_base(&mut self, href: &[u8]) {
        // A base that is no address, or one of these, leaves the page's own in place (HTML §4.2.3).
        let base = self.page().join(&String::from_utf8_lossy(href)).ok();
        let base = base.filter(|base| !matches!(base.scheme(), "data" | "javascript"));
        let Some(base) = base.filter(|base| !self.bases.contains(base)) else { return };
        if self.bases.len() == BASES_MAX {
            self.base = Base::Unknown;
        } else {
            self.base = self.base.max(Base::of(&self.snapshot.rules, &base));
            Arc::make_mut(&mut self.bases).push(base);
        }
    }

    /// Whether an address without its scheme is a withheld vendor's, whatever it is used for.
    pub(super) fn leads_to_withheld(&self, address: &[u8]) -> bool {
        let uses = [Use::Script, Use::Image, Use::Frame, Use::Link];
        uses.into_iter().any(|used| self.of_url(address, used) != Fate::Permit)
    }

    /// Whether it can be seen at a glance that no rule speaks of where an address leads. Where what no
    /// rule knows is withheld, it has to lead to the page's own host.
    fn leads_elsewhere(&self, glance: Glance<'_>, used: Use) -> bool {
        let own = self.fates.unlisted_scripts && used == Use::Script;
        match glance {
            Glance::Relative => self.base == Base::Elsewhere && (!own || self.bases.len() == 1),
            Glance::Host(host) => {
                !self.snapshot.rules.names_host(&host)
                    && (!own || self.page().host_str() == Some(&host))
            }
            Glance::Unclear => false,
        }
    }

    /// What becomes of what an attribute leads to.
    pub(super) fn of_attribute(&self, address: Attribute<'_>, used: Use) -> Fate {
        if self.leads_elsewhere(glance(address.raw_value()), used) {
            return Fate::Permit;
        }
        self.of_url(&address.value(), used)
    }

    /// What becomes of what an address leads to.
    pub(super) fn of_url(&self, address: &[u8], used: Use) -> Fate {
        if self.leads_elsewhere(glance(address), used) || (is_data(address) && used != Use::Script)
        {
            return Fate::Permit;
        }
        // What a browser makes of letters beyond ASCII depends on the page's encoding, and may be
        // nothing (a soft hyphen) or ASCII (a letter of double width).
        let (read, _) = UTF_8.decode_without_bom_handling(address);
        let mut fate = self.of_read(&read, used);
        if self.encoding != UTF_8 && !address.is_ascii() {
            let (read, _) = self.encoding.decode_without_bom_handling(address);
            fate = fate.or_stricter(self.of_read(&read, used));
        }
        fate
    }

    fn of_read(&self, address: &str, used: Use) -> Fate {
        // What no browser can load needs no verdict.
        let urls = self.bases.iter().filter_map(|base| base.join(address).ok());
        let fates = urls.map(|url| {
            let rules = &self.snapshot.rules;
            let of_url = self.fates.of_url_in(rules, self.page(), &url, used);
            if of_url != Fate::Permit {
                let rules = |rules: &RuleSet| rules.spoken_at_url(&url, used);
                self.tell(|| Asked::Url(url.to_string(), used), rules);
            }
            match (used, url.scheme()) {
                (Use::Script, "data") => of_url.or_stricter(self.of_data(url.as_str())),
                _ => of_url,
            }
        });
        // A base that was not looked at might lead anywhere.
        let unknown = self.base == Base::Unknown && Url::parse(address).is_err();
        let least = if unknown { Fate::Undeclared(Whose::Unknown) } else { Fate::Permit };
        fates.fold(least, Fate::or_stricter)
    }

    /// Code that stands in its own address: some caches make inline scripts so.
    fn of_data(&self, url: &str) -> Fate {
        let body = data_url::DataUrl::process(url).ok().and_then(|data| data.decode_to_vec().ok());
        body.map_or(Fate::Permit, |(code, _)| self.of_code(&code))
    }

    /// What becomes of code in the page.
    pub(super) fn of_code(&self, code: &[u8]) -> Fate {
        let fate = self.fates.strictest(self.snapshot.rules.in_script(code));
        if fate != Fate::Permit {
            self.tell(|| Asked::Code, |rules| rules.spoken_in_script(code));
        }
        fate
    }

    /// Tells whoever wants to know which rules spoke of something that is withheld.
    fn tell(
        &self,
        asked: impl FnOnce() -> Asked,
        spoken: impl FnOnce(&RuleSet) -> Vec<crate::rules::Spoken>,
    ) {
        let Some(trace) = &self.trace else { return };
        let mut rules = spoken(&self.snapshot.rules);
        rules.retain(|rule| self.fates.of_vendor(rule.vendor) != Fate::Permit);
        trace.ground(asked(), rules);
    }
}
