//! What a page loads besides scripts and frames: pictures, sound, styles, and what comes ahead.
//!
//! Pixels and hints of withheld vendors go. Of an element that has to stay, because of what stands
//! inside it or what it does besides, only the address goes.
//!
//! Whatever is fetched and only shown counts as a picture: a pixel counts a visit as well by the name
//! of a style, a sound or an icon.
//!
//! Hints in headers are in [`super::super::hints`], refreshes in [`super::super::refresh`].

use super::super::css;
use super::super::fate::Fate;
use super::super::hints::{address_of, candidates, relation_uses};
use super::super::refresh;
use super::Document;
use crate::html::Element;
use crate::rules::Use;

impl Document {
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

    /// The same of a picture that is an element with an end, as in AMP.
    pub(super) fn clear_image(&mut self, element: &mut Element<'_>) {
        if self.names_withheld_image(element) {
            element.remove_attribute(b"src");
            element.remove_attribute(b"srcset");
            self.held += 1;
        }
    }

    /// Whether a picture may be fetched from a withheld vendor: by its address, or by one of
    /// its candidates for other screens.
    fn names_withheld_image(&self, element: &Element<'_>) -> bool {
        self.withholds(element, b"src", Use::Image)
            || element
                .attribute(b"srcset")
                .is_some_and(|candidates| self.lists_withheld(&candidates, &[Use::Image], |_| true))
    }

    /// Whether one of a list of candidates is a withheld vendor's when used so, of those that count.
    pub(super) fn lists_withheld(
        &self,
        list: &[u8],
        uses: &[Use],
        counts: impl Fn(&[u8]) -> bool,
    ) -> bool {
        candidates(list).any(|candidate| {
            // Of nearly all, only their host is read.
            !self.leads_elsewhere(candidate) && {
                let address = address_of(candidate);
                counts(address) && self.fate_of_url_as(address, uses) != Fate::Permit
            }
        })
    }

    pub(super) fn link(&mut self, element: &mut Element<'_>) {
        let Some(rel) = element.attribute(b"rel") else { return };
        let uses = relation_uses(&rel);
        if uses.is_empty() {
            return;
        }
        let href = element.written(b"href");
        let set = element.attribute(b"imagesrcset");
        if href.is_some_and(|href| self.fate_at_as(href, uses) != Fate::Permit)
            || set.is_some_and(|set| self.lists_withheld(&set, uses, |_| true))
        {
            element.remove();
            self.held += 1;
        }
    }

    /// A page that leads on by itself leads to no withheld vendor.
    pub(super) fn meta(&mut self, element: &mut Element<'_>) {
        let Some(does) = element.attribute(b"http-equiv") else { return };
        let Some(content) = element.attribute(b"content") else { return };
        if does.eq_ignore_ascii_case(b"content-security-policy") {
            self.hashes = self.hashes.and(&String::from_utf8_lossy(&content));
        }
        if !does.eq_ignore_ascii_case(b"refresh") {
            return;
        }
        let Some(to) = refresh::target(&content) else { return };
        if self.fate_of_url_as(to, &refresh::USES) != Fate::Permit {
            element.remove();
            self.held += 1;
        }
    }

    /// A stylesheet in the page. Where policies list digests it stays: changed, none of it would count,
    /// and the policy says as well which pictures may be fetched.
    pub(super) fn style(&mut self, element: &mut Element<'_>) {
        if self.hashes.styles {
            return;
        }
        let Some(text) = element.text() else { return };
        let withheld = |address: &[u8]| self.fate_of_url(address, Use::Image) != Fate::Permit;
        if let Some((left, gone)) = css::without(text, withheld) {
            element.set_text(left);
            self.held += gone;
        }
    }
}
