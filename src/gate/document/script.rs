//! Scripts in a page: those of withheld vendors are held in place.
//!
//! A script is judged by its address and by its text. One whose vendor the policy does not name is
//! held for good.
//!
//! How a script is made inert is in [`super::super::inert`].

use super::super::fate::Fate;
use super::super::inert::{Runs, Script};
use super::Document;
use crate::html::{Element, Namespace};
use crate::policy::Reason;
use crate::rules::Use;

impl Document {
    pub(super) fn script(&mut self, element: &mut Element<'_>) {
        let script = Script::of(element);
        let settings = std::mem::take(&mut self.amp_settings_follow);
        if script.runs == Runs::Never {
            if settings {
                self.amp_settings(element);
            }
            // Only the gate may promise a script to the banner's release.
            if element.attribute(b"data-consent").is_some() {
                element.remove_attribute(b"data-consent");
            }
            return;
        }
        let code = element.code();
        let text = code.as_ref().map_or(&b""[..], |code| &code.text);
        let mut fate = self.fate_of_code(text);
        for source in script.sources.into_iter().flatten() {
            fate = fate.or_stricter(self.fate_at(source, Use::Script));
        }
        // A start tag that is longer than what is held: its address may stand in the rest. And in
        // SVG what follows of a script is not shown again.
        let in_svg = element.namespace() == Namespace::Svg;
        let closed = element.tag().ends_with(b"/>");
        let unseen = in_svg && !closed && (element.is_cut() || element.text().is_none());
        if !element.is_tag_complete() || unseen {
            fate = Fate::Undeclared;
        }
        // What stands in a script by itself is not shown by itself, and may be a pixel.
        if code.as_ref().is_some_and(|code| code.holds_elements) {
            element.set_text(escaped(text));
            self.held += 1;
        }
        let purpose = match fate {
            Fate::Permit => return,
            Fate::Hold(purpose) => purpose.name(),
            Fate::Undeclared => Reason::Undeclared.name(),
        };
        script.hold(element, purpose);
        self.held_last = true;
        self.held += 1;
    }
}

/// Text as markup.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut markup = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'&' => markup.extend_from_slice(b"&amp;"),
            b'<' => markup.extend_from_slice(b"&lt;"),
            _ => markup.push(byte),
        }
    }
    markup
}
