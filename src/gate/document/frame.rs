//! Documents that stand in a page: frames, and what is for browsers without scripts.
//!
//! An inline document (`srcdoc`), one in an address (`data:`) and the markup of a `<noscript>` are
//! gated like the page around them, with its base and encoding, and no banner.
//!
//! Documents may stand in each other; below a certain depth they are emptied.

use std::sync::Arc;

use super::super::address::{Glance, glance};
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
            held: 0,
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
            self.data_frame(element);
            return self.remove_if_withheld(element, b"src", Use::Frame);
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

    /// A frame whose document stands in its address goes if anything in it would.
    pub(super) fn data_frame(&mut self, element: &mut Element<'_>) {
        let Some(address) = element.written(b"src") else { return };
        if glance(address.raw_value()) != Glance::Unclear {
            return;
        }
        let address = address.value();
        let address = String::from_utf8_lossy(&address);
        let Ok(url) = self.bases[0].join(&address) else { return };
        if url.scheme() != "data" || self.depth >= DEPTH_MAX {
            return;
        }
        let data = data_url::DataUrl::process(url.as_str()).ok();
        let Some((inner, _)) = data.and_then(|data| data.decode_to_vec().ok()) else { return };
        let held = rewrite(&inner, self.inner()).map_or(1, |(_, edit)| edit.held);
        if held > 0 {
            element.remove();
            self.held += held;
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
