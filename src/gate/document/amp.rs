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

use serde_json::Value;

use super::super::fate::Fate;
use super::super::tally::Kind;
use super::super::trace::Deed;
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
            b"amp-pixel" | b"amp-img" | b"amp-anim" => self.image(element),
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
        let fate = self.fate_of_url(&address, Use::Script);
        if fate != Fate::Permit {
            element.remove_attribute(b"type");
            self.done(element, fate, Kind::Script, Deed::AttributeTaken);
        }
    }

    /// Empties the settings of an `<amp-analytics>` that name a withheld vendor's address.
    pub(super) fn amp_settings(&mut self, element: &mut Element<'_>) {
        let Some(Ok(settings)) = element.text().map(serde_json::from_slice) else { return };
        let fate = self.fate_of_settings(&settings);
        if fate != Fate::Permit {
            element.set_text("{}");
            self.done(element, fate, Kind::Script, Deed::Emptied);
        }
    }

    /// The strictest fate of the addresses that any text in some JSON begins with. Settings say how a
    /// request is made in parts, so it is the host that counts.
    fn fate_of_settings(&self, json: &Value) -> Fate {
        let of_all = |values: &mut dyn Iterator<Item = &Value>| {
            values.map(|value| self.fate_of_settings(value)).fold(Fate::Permit, Fate::or_stricter)
        };
        match json {
            Value::String(text) if text.contains("//") => self.fate_of_any(text.as_bytes()),
            Value::Array(items) => of_all(&mut items.iter()),
            Value::Object(fields) => of_all(&mut fields.values()),
            _ => Fate::Permit,
        }
    }
}
