//! The stub that comes before a script which is held, where its rule says so.
//!
//! What a site calls of a vendor is mostly defined by the vendor's own loader. Where that is held, the calls of
//! the site would throw; so a file of ours comes before it that defines them, as the vendor's `[stub]` does, and
//! runs at once. Where rules of several vendors speak of the script, each has its own.
//!
//! A page gets each vendor's once. In a template nothing runs, so what stands there counts for nothing.
//!
//! The file is the same for everybody and is served from under `/.consent/` ([`crate::banner::assets`]).

use super::super::csp;
use super::super::fate::Fate;
use super::super::inert::Script;
use super::super::trace::Deed;
use super::Document;
use crate::html::{Element, Namespace};
use crate::rules::{Action, Said, Use};

impl Document {
    /// Puts the stubs of a script before it that are not in the page yet; it is `vendor`'s, at least.
    pub(super) fn put_stubs(
        &mut self,
        element: &mut Element<'_>,
        script: &Script<'_>,
        vendor: usize,
    ) -> Deed {
        let mut vendors = vec![vendor];
        for more in self.stubbed(element, script) {
            if !vendors.contains(&more) {
                vendors.push(more);
            }
        }
        vendors.retain(|vendor| !self.stubs.contains(vendor));
        let source = if element.namespace() == Namespace::Svg { "href" } else { "src" };
        let nonce = element.attribute(b"nonce").filter(|nonce| csp::is_nonce(nonce));
        let nonce = nonce.map(|nonce| format!(" nonce=\"{}\"", String::from_utf8_lossy(&nonce)));
        let (origin, nonce) = (self.foreign_origin(), nonce.unwrap_or_default());
        let mut deed = Deed::Held;
        for vendor in vendors {
            let Some(stub) = self.snapshot.stub(vendor) else { continue };
            let integrity = match self.hashes.ours {
                true => format!(" integrity=\"{}\"", stub.integrity),
                false => String::new(),
            };
            let path = &stub.path;
            let tag = format!("<script {source}=\"{origin}{path}\"{nonce}{integrity}></script>");
            element.before(tag.as_bytes());
            deed = Deed::HeldBehindStub;
            if element.is_plain() {
                self.stubs.push(vendor);
            }
        }
        deed
    }

    /// The vendors whose rules say so of a script, by its address or its text.
    fn stubbed(&self, element: &Element<'_>, script: &Script<'_>) -> Vec<usize> {
        let rules = &self.snapshot.rules;
        let says =
            |said: &Said| said.action == Action::Stub && self.fates.of_rule(*said) != Fate::Permit;
        let mut vendors = Vec::new();
        for source in script.sources.iter().flatten() {
            let address = source.value();
            let address = String::from_utf8_lossy(&address);
            for url in self.bases.iter().filter_map(|base| base.join(&address).ok()) {
                let said = rules.said_at_url(&url, Use::Script).filter(says);
                vendors.extend(said.map(|said| said.vendor));
            }
        }
        if let Some(code) = element.code() {
            let said = rules.in_script(&code.text).into_iter().filter(says);
            vendors.extend(said.map(|said| said.vendor));
        }
        vendors
    }
}
