//! Documents that stand in a page: frames, and what is for browsers without scripts.
//!
//! An inline document (`srcdoc`), one in an address (`data:`) and the markup of a `<noscript>` are
//! gated like the page around them, with its base and encoding, and no banner.
//!
//! Documents may stand in each other; below a certain depth they are emptied.

use std::sync::Arc;

use super::super::address::{Glance, glance};
use super::super::fate::Fate;
use super::Document;
use crate::html::{Element, rewrite};
use crate::rules::Use;

/// How deep documents may stand in each other (`srcdoc` in `srcdoc`); below, they are emptied.
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
            language: None,
            looks_whole: false,
            held_last: false,
            amp_settings_follow: false,
            hashes: self.hashes,
            held: 0,
            states: 0,
        }
    }

    pub(super) fn iframe(&mut self, element: &mut Element<'_>) {
        // A document in an attribute that is longer than what is held has no end to look at.
        if !element.is_tag_complete() {
            element.remove();
            self.held += 1;
            return;
        }
        // A frame's inline document hides its `src` (HTML §4.8.5).
        let Some(inner) = element.attribute(b"srcdoc") else {
            return self.frame(element);
        };
        if self.depth >= DEPTH_MAX {
            element.set_attribute(b"srcdoc", b"");
            self.held += 1;
            return;
        }
        let Ok((rewritten, edit)) = rewrite(&inner, self.inner()) else {
            element.set_attribute(b"srcdoc", b"");
            self.held += 1;
            return;
        };
        if rewritten != *inner {
            element.set_attribute(b"srcdoc", &rewritten);
            self.held += edit.held;
        }
    }

    /// A frame that goes with its document.
    pub(super) fn frame(&mut self, element: &mut Element<'_>) {
        let held = self.held_at(element, b"src");
        if held > 0 {
            element.remove();
            self.held += held;
        }
    }

    /// What stands in an object is shown instead of it, so only its addresses go.
    pub(super) fn object(&mut self, element: &mut Element<'_>) {
        for address in [&b"data"[..], b"classid", b"codebase"] {
            let held = self.held_at(element, address);
            if held > 0 {
                element.remove_attribute(address);
                self.held += held;
            }
        }
    }

    /// How much there is to hold in what an address of a frame leads to: a document may stand in the
    /// address itself.
    fn held_at(&self, element: &Element<'_>, attribute: &[u8]) -> u64 {
        let Some(address) = element.written(attribute) else { return 0 };
        if self.fate_at(address, Use::Frame) != Fate::Permit {
            return 1;
        }
        if glance(address.raw_value()) != Glance::Unclear {
            return 0;
        }
        let address = address.value();
        let address = String::from_utf8_lossy(&address);
        let Ok(url) = self.bases[0].join(&address) else { return 0 };
        match url.scheme() {
            "data" if self.depth < DEPTH_MAX => {
                let data = data_url::DataUrl::process(url.as_str()).ok();
                let inner = data.and_then(|data| data.decode_to_vec().ok());
                inner.map_or(0, |(inner, _)| {
                    rewrite(&inner, self.inner()).map_or(1, |(_, edit)| edit.held)
                })
            }
            // Code that a browser runs in place of loading anything.
            "javascript" => {
                let code = percent_encoding::percent_decode_str(url.path());
                u64::from(self.fate_of_code(&code.collect::<Vec<_>>()) != Fate::Permit)
            }
            _ => 0,
        }
    }

    /// What a browser without scripts would read as markup: its pixels and frames go, the
    /// rest stays.
    pub(super) fn noscript(&mut self, element: &mut Element<'_>) {
        if !element.is_tag_complete() {
            return element.remove();
        }
        let Some(inner) = element.text().filter(|text| !text.is_empty()) else { return };
        let Ok((rewritten, edit)) = rewrite(inner, self.inner()) else { return element.remove() };
        // What there may be more of than is held, nobody reads with scripts on: it goes.
        if edit.held > 0 || element.is_cut() {
            element.set_text(rewritten);
            self.held += edit.held;
        }
    }
}
