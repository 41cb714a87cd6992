//! What runs in the visitor's browser before everything else of a page.
//!
//! Tags insert tags, and sites call tags. The rewriter sees neither, so a page in which anything may be
//! withheld begins with a file of ours: a guard that takes what other scripts insert, send and store of
//! withheld vendors, stubs that stand for what the site calls of them, what follows when a choice
//! changes while the page is open, and what the site's own code may ask of us (`window.kelisim`). All of it is built
//! from the rules, once for each policy version.
//!
//! The file is the same for everybody, so that browsers keep it. What the visitor has agreed to stands in
//! its tag, which comes with the page; later the server is asked, whoever wants to know. No script of the
//! page can agree.
//!
//! Where in a page the tag is put is [`crate::gate::document`]'s to say. What no script can take is stopped
//! by the page's policy ([`crate::gate::csp`]).

mod script;

use crate::banner::assets::Asset;
use crate::policy::{PolicyVersion, Verdicts};
use crate::rules::{RuleSet, Vendor};

pub use script::Weight;

/// The script of one policy version.
#[derive(Debug)]
pub struct Guard {
    /// The file.
    pub file: Asset,
    /// What it is made of, to be weighed.
    pub weights: Vec<Weight>,
    /// The purposes that release something.
    purposes: Vec<&'static str>,
}

impl Guard {
    /// The script, if there is anything to guard against.
    pub fn new(rules: &RuleSet, policy: &PolicyVersion) -> Option<Guard> {
        let groups = rules.told_to_scripts(policy);
        if groups.is_empty() {
            return None;
        }
        let parts = script::of_page(rules, policy, &groups);
        let code = parts.iter().map(|part| part.code.as_str()).collect();
        let purposes = groups.iter().map(|group| group.until).collect();
        Some(Guard { file: Asset::script("guard", code), weights: parts, purposes })
    }

    /// The stubs of some vendors, as code.
    pub fn stubs<'a>(vendors: impl Iterator<Item = &'a Vendor>) -> String {
        script::of_stubs(vendors.filter_map(|vendor| Some((vendor.id(), vendor.stub()?))))
    }

    /// The purposes that are permitted and release something, as the tag names them.
    pub fn permitted(&self, verdicts: &Verdicts<'_>) -> String {
        let permitted = verdicts.iter().filter(|(_, verdict)| verdict.reason().is_none());
        let names = permitted.map(|(purpose, _)| purpose.name());
        let names: Vec<_> = names.filter(|name| self.purposes.contains(name)).collect();
        names.join(" ")
    }

    /// What is withheld and why, as the tag says it: `analytics:not-asked marketing:not-asked`.
    pub fn withheld(verdicts: &Verdicts<'_>) -> String {
        let reasons = verdicts.iter().filter_map(|(purpose, verdict)| {
            Some(format!("{}:{}", purpose.name(), verdict.reason()?.name()))
        });
        reasons.collect::<Vec<_>>().join(" ")
    }

    /// The stub of one vendor as a file of its own: before a script that is held behind it, and in the place
    /// of a library that the site serves itself.
    pub fn stub(vendor: &Vendor) -> Option<Asset> {
        vendor.stub()?;
        let code = Guard::stubs(std::iter::once(vendor));
        Some(Asset::script(&format!("stub/{}", vendor.id()), code))
    }
}
