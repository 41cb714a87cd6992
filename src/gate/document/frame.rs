//! Documents that stand in a page: frames, and what is for browsers without scripts.
//!
//! An inline document (`srcdoc`), one in an address (`data:`) and the markup of a `<noscript>` are
//! gated like the page around them, with its base and encoding, and no banner.
//!
//! Documents may stand in each other; below a certain depth they are emptied.

use std::sync::Arc;

use super::super::address::{Glance, glance};
use super::super::fate::{Fate, How, Whose};
use super::super::reports::Reports;
use super::super::tally::{Account, Kind, Tally};
use super::super::trace::Deed;
use super::load::take_addresses;
use super::{Document, Put};
use crate::html::{Element, Refused, Rewriter, rewrite};
use crate::rules::Use;

/// How deep documents may stand in each other (`srcdoc` in `srcdoc`); below, they are emptied, and so are
/// addresses that hold one.
const DEPTH_MAX: u8 = 4;

impl Document {
    /// An edit for a document that stands inside this one.
    pub(super) fn inner(&self) -> Document {
        Document {
            snapshot: Arc::clone(&self.snapshot),
            fates: self.fates.clone(),
            bases: Arc::clone(&self.bases),
            base: self.base,
            encoding: self.encoding,
            depth: self.depth + 1,
            insertion: None,
            guard: None,
            guarding: Put::Done,
            hiding: Put::Done,
            language: None,
            looks_whole: false,
            held_last: false,
            amp_settings_follow: false,
            hashes: self.hashes,
            tally: Account::new(),
            stubs: Vec::new(),
            reports: Reports::default(),
            trace: self.trace.clone(),
            asking: None,
            scout: self.scout.clone(),
        }
    }

    pub(super) fn iframe(&mut self, element: &mut Element<'_>) {
        // A document in an attribute that is longer than what is held has no end to look at.
        if !element.is_tag_complete() {
            element.remove();
            return self.done(element, Fate::Permit, Kind::Frame, Deed::Removed);
        }
        // A frame's inline document hides its `src` (HTML §4.8.5).
        let Some(inner) = element.attribute(b"srcdoc") else {
            return self.frame(element);
        };
        if inner.is_empty() {
            return;
        }
        let document = || self.inner().guarded(self.guard_of_frame(element));
        let rewritten = (self.depth < DEPTH_MAX).then(|| rewrite(&inner, document()));
        let Some(Ok((rewritten, edit))) = rewritten else {
            element.set_attribute(b"srcdoc", b"");
            return self.done(element, Fate::Permit, Kind::Frame, Deed::Emptied);
        };
        if rewritten == *inner {
            self.tally.add_reports(&edit.tally);
        } else {
            element.set_attribute(b"srcdoc", &rewritten);
            self.tally.add_all(&edit.tally);
        }
    }

    /// A frame without a document in it.
    pub(super) fn frame(&mut self, element: &mut Element<'_>) {
        let (withheld, how) = self.withheld_at(element, b"src");
        if withheld.total() > 0 {
            let deed = take_addresses(element, &[b"src"], how);
            self.done_all(element, &withheld, deed);
        } else {
            self.tally.add_reports(&withheld);
        }
    }

    /// What stands in an object is shown instead of it, so only its addresses go.
    pub(super) fn object(&mut self, element: &mut Element<'_>) {
        for address in [&b"data"[..], b"classid", b"codebase"] {
            let (withheld, _) = self.withheld_at(element, address);
            if withheld.total() > 0 {
                element.remove_attribute(address);
                self.done_all(element, &withheld, Deed::AddressTaken);
            } else {
                self.tally.add_reports(&withheld);
            }
        }
    }

    /// What there is to withhold in what an address of a frame leads to, and how: a document may stand in
    /// the address itself.
    fn withheld_at(&self, element: &Element<'_>, attribute: &[u8]) -> (Tally, Option<How>) {
        let none = (Tally::default(), None);
        let Some(address) = element.written(attribute) else { return none };
        let fate = self.fate_at(address, Use::Frame);
        if let Some(whose) = fate.whose() {
            return (Tally::of(whose, Kind::Frame), fate.how());
        }
        if glance(address.raw_value()) != Glance::Unclear {
            return none;
        }
        let address = address.value();
        let address = String::from_utf8_lossy(&address);
        let Ok(url) = self.bases[0].join(&address) else { return none };
        match url.scheme() {
            "data" if self.depth == DEPTH_MAX => {
                (Tally::of(Whose::Unknown, Kind::Frame), Some(How::Hold))
            }
            "data" => {
                let data = data_url::DataUrl::process(url.as_str()).ok();
                let inner = data.and_then(|data| data.decode_to_vec().ok());
                inner.map_or(none, |(inner, _)| (self.withheld_within(&inner), None))
            }
            // Code that a browser runs in place of loading anything.
            "javascript" => {
                // All of it: neither a question mark nor a `#` ends code.
                let code = url.as_str().split_once(':').map_or("", |(_, code)| code);
                let code = percent_encoding::percent_decode_str(code);
                let fate = self.fate_of_code(&code.collect::<Vec<_>>());
                fate.whose().map_or(none, |whose| (Tally::of(whose, Kind::Inline), fate.how()))
            }
            _ => none,
        }
    }

    /// What there is to withhold in a document that goes as a whole if there is anything.
    fn withheld_within(&self, document: &[u8]) -> Tally {
        let heard = self.trace.as_ref().map(|trace| (trace, trace.count()));
        let withheld = rewrite(document, self.inner()).map_or_else(
            |_| Tally::of(Whose::Unknown, Kind::Frame),
            |(_, edit)| (*edit.tally).clone(),
        );
        if let Some((trace, before)) = heard {
            trace.gather(before);
        }
        withheld
    }

    /// What a browser without scripts would read as markup: the addresses of its pixels and
    /// frames go, the rest stays.
    pub(super) fn noscript(&mut self, element: &mut Element<'_>) {
        if !element.is_tag_complete() {
            element.remove();
            return self.done(element, Fate::Permit, Kind::Image, Deed::Removed);
        }
        let Some(inner) = element.text().filter(|text| !text.is_empty()) else { return };
        if self.depth == DEPTH_MAX {
            element.set_text("");
            return self.done(element, Fate::Permit, Kind::Frame, Deed::Emptied);
        }
        let Ok((rewritten, edit)) = self.rewrite_within(element, inner) else {
            element.remove();
            return self.done(element, Fate::Permit, Kind::Image, Deed::Removed);
        };
        // What there may be more of than is held, nobody reads with scripts on: it goes.
        if edit.tally.total() > 0 || element.is_cut() {
            element.set_text(rewritten);
            self.tally.add_all(&edit.tally);
        } else {
            self.tally.add_reports(&edit.tally);
        }
    }

    /// Changes the text of an element as a document of its own, line by line where somebody listens.
    fn rewrite_within(
        &self,
        element: &Element<'_>,
        text: &[u8],
    ) -> Result<(Vec<u8>, Document), Refused> {
        let Some(trace) = &self.trace else { return rewrite(text, self.inner()) };
        let mut rewritten = Vec::new();
        let mut out = |bytes: &[u8]| rewritten.extend_from_slice(bytes);
        let mut rewriter = Rewriter::new(self.inner());
        trace.within(element, text, |line| rewriter.write(line, &mut out))?;
        let edit = rewriter.end(&mut out)?;
        Ok((rewritten, edit))
    }
}
