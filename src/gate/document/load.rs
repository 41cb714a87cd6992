//! What a page loads besides scripts and frames: pictures, and what comes ahead.
//!
//! Pixels and hints of withheld vendors go. Of an element that has to stay, because of what stands
//! inside it or what it does besides, only the address goes.
//!
//! Hints in headers are in [`super::super::hints`].

use super::super::fate::Fate;
use super::super::hints::is_hint;
use super::Document;
use crate::html::Element;
use crate::rules::Use;

impl Document {
    /// Removes an element whose address belongs to a withheld vendor.
    pub(super) fn remove_if_withheld(
        &mut self,
        element: &mut Element<'_>,
        attribute: &[u8],
        used: Use,
    ) {
        if self.withholds(element, attribute, used) {
            element.remove();
            self.held += 1;
        }
    }

    /// Takes the address of an element that has to stay, because of what stands inside it or
    /// what it does besides.
    pub(super) fn clear_if_withheld(
        &mut self,
        element: &mut Element<'_>,
        attribute: &[u8],
        used: Use,
    ) {
        if self.withholds(element, attribute, used) {
            element.remove_attribute(attribute);
            self.held += 1;
        }
    }

    pub(super) fn image(&mut self, element: &mut Element<'_>) {
        if self.names_withheld_image(element) {
            element.remove();
            self.held += 1;
        }
    }

    /// Whether a picture may be fetched from a withheld vendor: by its address, or by one of
    /// its candidates for other screens (HTML §4.8.4.2.1).
    pub(super) fn names_withheld_image(&self, element: &Element<'_>) -> bool {
        let withheld = |address: &[u8]| self.fate_of_url(address, Use::Image) != Fate::Permit;
        let candidates = element.attribute(b"srcset").unwrap_or_default();
        let mut candidates = candidates
            .split(|b| *b == b',')
            .filter_map(|part| part.trim_ascii().split(u8::is_ascii_whitespace).next())
            .filter(|candidate| !candidate.is_empty());
        self.withholds(element, b"src", Use::Image) || candidates.any(withheld)
    }

    pub(super) fn link(&mut self, element: &mut Element<'_>) {
        let Some(rel) = element.attribute(b"rel") else { return };
        if is_hint(&rel) {
            self.remove_if_withheld(element, b"href", Use::Link);
        }
    }
}
