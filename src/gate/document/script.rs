//! Scripts in a page: those of withheld vendors are held in place, or go.
//!
//! A script is judged by its address and by its text. One whose vendor the policy does not name is
//! held for good. Where rules say so, it goes instead, or a stub comes before it ([`super::stub`]).
//!
//! Where the site's own code stands beside a loader in one script ([`super::super::snippet`]), the loader
//! is led away ([`super::super::mixed`]) and the code runs. That counts only if nothing is left that the
//! tag could be loaded by; otherwise, and under a policy with digests, the script is held whole. A
//! framework's state stays as it is ([`super::super::payload`]).
//!
//! How a script is made inert is in [`super::super::inert`].

use super::super::fate::{Fate, How, Whose};
use super::super::inert::{Runs, Script};
use super::super::tally::Kind;
use super::super::trace::Deed;
use super::super::{mixed, payload, snippet};
use super::Document;
use crate::banner::assets::empty_js;
use crate::html::{Element, Namespace};
use crate::rules::{Said, Use};

impl Document {
    pub(super) fn script(&mut self, element: &mut Element<'_>) {
        let code = element.code();
        let text = code.as_ref().map_or(&b""[..], |code| &code.text);
        // What stands in a script by itself is not shown by itself, and may be a pixel.
        if code.as_ref().is_some_and(|code| code.holds_elements) {
            element.set_text(escaped(text));
            self.done(element, Fate::Permit, Kind::Inline, Deed::MadeText);
        }
        let script = Script::of(element);
        let settings = std::mem::take(&mut self.amp_settings_follow);
        if script.runs == Runs::Never {
            self.data(element, &script, settings);
            return;
        }
        let is_inline = script.sources.iter().all(Option::is_none);
        if let Some(scout) = self.scout.as_ref().filter(|_| is_inline) {
            scout.code(&self.snapshot.rules, &self.bases[0], text);
        }
        let mut fate = self.fate_of_code(text);
        if fate != Fate::Permit && is_inline && element.is_complete() {
            if payload::is_state(text) {
                self.tally.add_state();
                return;
            }
            if element.namespace() == Namespace::Html
                && let Some(left) = self.without_loader(text)
            {
                if left != text {
                    element.set_text(left);
                    self.done(element, fate, Kind::Inline, Deed::LedAway);
                }
                return;
            }
        }
        for source in script.sources.into_iter().flatten() {
            fate = fate.or_stricter(self.fate_at(source, Use::Script));
        }
        // A start tag that is longer than what is held: its address may stand in the rest. And in
        // SVG what follows of a script is not shown again.
        let in_svg = element.namespace() == Namespace::Svg;
        let closed = element.tag().ends_with(b"/>");
        let unseen = in_svg && !closed && (element.is_cut() || element.text().is_none());
        if !element.is_tag_complete() || unseen {
            fate = Fate::Undeclared(Whose::Unknown, How::Hold);
        }
        let kind = if is_inline { Kind::Inline } else { Kind::Script };
        self.hold(element, &script, fate, kind);
    }

    pub(super) fn hold(
        &mut self,
        element: &mut Element<'_>,
        script: &Script<'_>,
        fate: Fate,
        kind: Kind,
    ) {
        let mut deed = Deed::Held;
        match (fate.how(), fate.whose()) {
            (None, _) => return,
            // In MathML it is an element like any other, of which the end is not looked for.
            (Some(How::Strip), _) if element.namespace() != Namespace::MathMl => {
                element.remove();
                self.held_last = true;
                return self.done(element, fate, kind, Deed::Stripped);
            }
            (Some(How::Stub), Some(Whose::Vendor(vendor))) if script.runs != Runs::Never => {
                deed = self.put_stubs(element, script, vendor);
            }
            (Some(_), _) => {}
        }
        script.hold(element, fate.until());
        self.held_last = true;
        self.done(element, fate, kind, deed);
    }

    /// A script that no browser runs.
    fn data(&mut self, element: &mut Element<'_>, script: &Script<'_>, amp_settings: bool) {
        // Only the gate may promise a script to the banner's release.
        if element.attribute(b"data-consent").is_some() {
            element.remove_attribute(b"data-consent");
        }
        if amp_settings {
            self.amp_settings(element);
        }
        let kind = element.attribute(b"type").unwrap_or_default();
        let kind = kind.trim_ascii();
        if kind.eq_ignore_ascii_case(b"importmap") {
            self.import_map(element, script);
        } else if kind.eq_ignore_ascii_case(b"speculationrules") {
            self.speculation_rules(element, script);
        }
        let is_state = |id: &[u8]| matches!(id, b"__NEXT_DATA__" | b"__NUXT_DATA__");
        if element.attribute(b"id").is_some_and(|id| is_state(&id)) {
            let text = element.text().unwrap_or_default();
            if self.fate_of_code(text) != Fate::Permit {
                self.tally.add_state();
            }
        }
    }

    /// A script of the site's own with a loader in it, its loader led away; nothing if there is no code
    /// of the site in it, or if the tag could be loaded all the same.
    fn without_loader(&self, code: &[u8]) -> Option<Vec<u8>> {
        if self.hashes.scripts {
            return None;
        }
        let rules = &self.snapshot.rules;
        let withheld = |said: Said| self.fates.of_rule(said) != Fate::Permit;
        let tag = rules.spans_in_script(code, withheld);
        if !snippet::holds_site_code(code, tag.iter().map(|(_, at)| at.clone())) {
            return None;
        }
        let own = self.bases[0].origin().ascii_serialization();
        let path = &empty_js().path;
        let was_led = memchr::memmem::find(code, path.as_bytes()).is_some();
        let (left, led) =
            match mixed::led_away(code, &own, path, |to| self.fate_of_any(to) != Fate::Permit) {
                Some((left, led)) => (left, Some(led)),
                // As this gate, or one behind it, has left it.
                None if was_led => (code.to_vec(), None),
                None => return None,
            };
        let still = rules.spans_in_script(&left, withheld);
        if still.into_iter().any(|(_, at)| left[at].contains(&b'/')) {
            return None;
        }
        let names = |host: &[u8]| {
            let host = host.to_ascii_lowercase();
            std::str::from_utf8(&host).is_ok_and(|host| rules.names_host(host))
                && self.fate_of_any(&[b"//", &host[..], b"/"].concat()) != Fate::Permit
        };
        if mixed::hosts(&left).any(names) {
            return None;
        }
        // A vendor of whom nothing was led away is loaded in a way that was not seen.
        let is_led = |vendor: usize| {
            let Some(led) = &led else { return true };
            let mut spans = tag.iter().filter(|(of, _)| *of == vendor);
            spans.any(|(_, at)| led.iter().any(|led| led.start < at.end && at.start < led.end))
        };
        tag.iter().all(|(vendor, _)| is_led(*vendor)).then_some(left)
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
