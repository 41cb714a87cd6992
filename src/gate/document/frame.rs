//! Documents that stand in a page: frames, and what is for browsers without scripts.
//!
//! An inline document (`srcdoc`), one in an address (`data:`) and the markup of a `<noscript>` are
//! gated like the page around them, with its base and encoding, and no banner.
//!
//! Documents may stand in each other; below a certain depth they are emptied. A frame that a person would see shows a
//! box of ours ([`crate::banner::held`]) as long as it is withheld.

use std::sync::Arc;

use url::form_urlencoded;

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

/// A frame that is no wider or no higher is there to count.
const PIXELS_UNSEEN: u32 = 2;

/// What is said of a frame that people are to see.
const SHOWN: [&[u8]; 5] = [b"width", b"height", b"class", b"style", b"title"];

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
            language: self.language.clone(),
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
            let boxed = how != Some(How::Strip) && self.put_box(element);
            let deed = match boxed {
                true => Deed::Boxed,
                false => take_addresses(element, &[b"src"], how),
            };
            self.done_all(element, &withheld, deed);
        } else {
            self.tally.add_reports(&withheld);
        }
    }

    /// Leads a frame that a person would see to a box of ours, which says what it would be. The element stays as
    /// it is, so frameworks find it, and nothing in the page moves.
    fn put_box(&self, element: &mut Element<'_>) -> bool {
        if element.name() != b"iframe" || !may_be_seen(element) {
            return false;
        }
        let Some(address) = element.written(b"src") else { return false };
        let until = self.fate_at(address, Use::Frame).until();
        let address = address.value();
        let address = String::from_utf8_lossy(&address);
        let rules = &self.snapshot.rules;
        let mut urls = self.bases.iter().filter_map(|base| base.join(&address).ok());
        let withheld = urls.find(|url| {
            matches!(url.scheme(), "http" | "https")
                && self.fates.of_url_from(rules, &self.bases[0], url, Use::Frame) != Fate::Permit
        });
        let Some(url) = withheld else { return false };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("lang", self.language.as_deref().unwrap_or_default());
        let query = query.append_pair("to", url.as_str()).finish();
        let source = format!("{}/.consent/frame?{query}", self.foreign_origin());
        element.set_attribute(b"src", source.as_bytes());
        element.set_attribute(b"data-consent", until.as_bytes());
        true
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

/// Whether a frame is there to be seen. Those that only count are as large as a pixel, hidden, or nothing is
/// said of them but their address.
fn may_be_seen(element: &Element<'_>) -> bool {
    let is_large = |name: &[u8]| {
        let value = element.attribute(name).unwrap_or_default();
        let digits = value.trim_ascii().iter().take_while(|byte| byte.is_ascii_digit());
        let pixels = digits.fold(None, |pixels: Option<u32>, digit| {
            let before = pixels.unwrap_or_default().saturating_mul(10);
            Some(before.saturating_add(u32::from(digit - b'0')))
        });
        pixels.is_none_or(|pixels| pixels > PIXELS_UNSEEN)
    };
    let style = element.attribute(b"style").unwrap_or_default().to_ascii_lowercase();
    let style: Vec<u8> = style.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let says = |words: &[u8]| memchr::memmem::find(&style, words).is_some();
    SHOWN.iter().any(|name| element.written(name).is_some())
        && is_large(b"width")
        && is_large(b"height")
        && element.written(b"hidden").is_none()
        && !says(b"display:none")
        && !says(b"visibility:hidden")
}
