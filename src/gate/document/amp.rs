//! AMP: tags that are elements of their own.
//!
//! An AMP page runs no script of its author's, and its trackers are elements that the AMP runtime reads:
//! `<amp-analytics type=metrika>` fetches a vendor's settings by that name, or holds them itself, as JSON
//! or at an address. So it is the element that is put out of use: it keeps its place, without what
//! tells it whom to ask.
//!
//! A vendor's name is judged as the address that its settings or its code come from, so that rules need
//! no words but addresses.
//!
//! Copies of the page in an AMP cache never pass here.

use super::super::fate::Fate;
use super::Document;
use crate::html::Element;
use crate::rules::Use;

/// Where the runtime takes a vendor's settings from, before the name.
const ANALYTICS: &[u8] = b"https://cdn.ampproject.org/v0/analytics-vendors/";

/// Where it takes an advertiser's code from.
const ADS: &[u8] = b"https://3p.ampproject.net/vendor/";

impl Document {
    pub(super) fn amp(&mut self, element: &mut Element<'_>) {
        match element.name() {
            b"amp-analytics" => {
                self.clear_vendor(element, ANALYTICS, b".json");
                self.clear_if_withheld(element, b"config", Use::Script);
                self.amp_settings_follow = true;
            }
            b"amp-ad" | b"amp-embed" | b"amp-auto-ads" => {
                self.clear_vendor(element, ADS, b".js");
                self.clear_if_withheld(element, b"src", Use::Script);
            }
            b"amp-pixel" | b"amp-img" | b"amp-anim" => self.clear_image(element),
            b"amp-video" | b"amp-audio" => {
                self.clear_if_withheld(element, b"src", Use::Image);
                self.clear_if_withheld(element, b"poster", Use::Image);
            }
            b"amp-iframe" => self.clear_if_withheld(element, b"src", Use::Frame),
            _ => {}
        }
    }

    /// Takes the vendor's name.
    fn clear_vendor(&mut self, element: &mut Element<'_>, before: &[u8], behind: &[u8]) {
        let Some(name) = element.attribute(b"type") else { return };
        let address = [before, name.trim_ascii(), behind].concat();
        if self.fate_of_url(&address, Use::Script) != Fate::Permit {
            element.remove_attribute(b"type");
            self.held += 1;
        }
    }

    /// Empties the settings of an `<amp-analytics>` that name a withheld vendor's address.
    pub(super) fn amp_settings(&mut self, element: &mut Element<'_>) {
        let Some(Ok(settings)) = element.text().map(serde_json::from_slice) else { return };
        if self.names_withheld(&settings) {
            element.set_text("{}");
            self.held += 1;
        }
    }

    /// Whether any text in some JSON begins with an address of a withheld vendor. Settings say how a
    /// request is made in parts, so it is the host that counts.
    fn names_withheld(&self, json: &serde_json::Value) -> bool {
        match json {
            serde_json::Value::String(text) => {
                text.contains("//") && self.leads_to_withheld(text.as_bytes())
            }
            serde_json::Value::Array(items) => items.iter().any(|item| self.names_withheld(item)),
            serde_json::Value::Object(fields) => {
                fields.values().any(|value| self.names_withheld(value))
            }
            _ => false,
        }
    }
}
