//! JSON in a page that makes a browser load: import maps and speculation rules.
//!
//! An import map says where a module's name leads. A name that leads to a withheld vendor leads to an
//! empty module of ours, so that what imports it goes on; of a whole folder of names, nowhere. What
//! speculation rules would fetch ahead of a click loses the vendor's addresses (HTML §8.1.5.1, and the
//! Speculation Rules draft).
//!
//! What names no vendor keeps its bytes. Under a policy with digests nothing else would be read, so
//! there the whole is held.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::fate::Fate;
use super::super::inert::Script;
use super::super::tally::Kind;
use super::super::trace::Deed;
use super::Document;
use crate::banner::assets::empty_js;
use crate::html::Element;
use crate::rules::Use;

impl Document {
    pub(super) fn import_map(&mut self, element: &mut Element<'_>, script: &Script<'_>) {
        let own = self.bases[0].origin().ascii_serialization();
        let empty = format!("{own}{}", empty_js().path);
        self.change_json(element, script, Kind::Script, |document, map| {
            let mut strictest = document.remap(map.get_mut("imports"), &empty);
            let scopes = map.get_mut("scopes").and_then(Value::as_object_mut);
            for scope in scopes.into_iter().flat_map(Map::values_mut) {
                strictest = strictest.or_stricter(document.remap(Some(scope), &empty));
            }
            strictest
        });
    }

    pub(super) fn speculation_rules(&mut self, element: &mut Element<'_>, script: &Script<'_>) {
        self.change_json(element, script, Kind::Hint, |document, rules| {
            let lists = rules.values_mut().filter_map(Value::as_array_mut).flatten();
            let urls = lists.filter_map(|rule| rule.get_mut("urls")?.as_array_mut());
            let mut strictest = Fate::Permit;
            for urls in urls {
                urls.retain(|url| {
                    let fate = document.fate_of_name(url);
                    strictest = strictest.or_stricter(fate);
                    fate == Fate::Permit
                });
            }
            strictest
        });
    }

    /// Leads the names of a map away from withheld vendors, and says what the strictest has to be.
    fn remap(&self, names: Option<&mut Value>, empty: &str) -> Fate {
        let mut strictest = Fate::Permit;
        for (name, to) in names.and_then(Value::as_object_mut).into_iter().flatten() {
            // What no rule knows is a script all the same, where it is one.
            let fate = self.fate_of_name(to).or_stricter(self.fate_of_module(to));
            if fate != Fate::Permit {
                *to = if name.ends_with('/') { Value::Null } else { empty.into() };
            }
            strictest = strictest.or_stricter(fate);
        }
        strictest
    }

    /// What becomes of an address in JSON, be it of a script, a page or a folder of them.
    fn fate_of_name(&self, address: &Value) -> Fate {
        let Some(address) = address.as_str() else { return Fate::Permit };
        self.fate_of_url_as(address.as_bytes(), &[Use::Script, Use::Frame, Use::Link])
    }

    fn fate_of_module(&self, address: &Value) -> Fate {
        let address = address.as_str().filter(|_| self.fates.unlisted_scripts);
        address.map_or(Fate::Permit, |address| self.fate_of_url(address.as_bytes(), Use::Script))
    }

    /// Changes the JSON of a script where `change` finds something that may not stay.
    fn change_json(
        &mut self,
        element: &mut Element<'_>,
        script: &Script<'_>,
        kind: Kind,
        change: impl FnOnce(&Document, &mut Map<String, Value>) -> Fate,
    ) {
        let Some(text) = element.text() else { return };
        // What is no JSON object no browser takes.
        let Ok(Value::Object(mut json)) = serde_json::from_slice(text) else { return };
        let fate = change(self, &mut json);
        if fate == Fate::Permit {
            return;
        }
        if self.hashes.scripts {
            return self.hold(element, script, fate, kind);
        }
        let text = Value::Object(json).to_string();
        // In a script nothing may look like its end.
        let text = match text.contains('<') {
            true => Cow::Owned(text.replace('<', "\\u003c")),
            false => Cow::Borrowed(&text),
        };
        element.set_text(text.as_bytes());
        self.done(element, fate, kind, Deed::JsonChanged);
    }
}
