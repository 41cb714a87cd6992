//! What attributes do on any element.
//!
//! Some ask a vendor by themselves: the beacon of a link (`ping`), a picture behind a box. Some are
//! code: `onload` and its like, and a call in one stays, as its queue is nobody's while the tag is held;
//! what loads the tag goes. And some only hold an address for a script of the page to use later
//! (`data-src`): lazy loading would make the pixel that the gate took.
//!
//! Only the attribute goes; the element stays what it was.
//!
//! Addresses that make an element what it is (`src` of a picture) are in [`super::load`].

use super::super::address::{Glance, glance, is_data};
use super::super::fate::{Fate, Whose};
use super::super::trace::Deed;
use super::super::{css, inert, tally};
use super::Document;
use crate::html::{Attribute, Element};
use crate::rules::Use;

/// What an attribute of any element may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It runs.
    Handler,
    /// It is a stylesheet's.
    Style,
    /// It names who is told, one or several.
    Told,
    /// It is a picture's address.
    Picture,
    /// A script of the page may use it as an address.
    Kept,
}

impl Kind {
    fn of(name: &[u8]) -> Option<Kind> {
        // Nearly all end with their first letter.
        match name.first()?.to_ascii_lowercase() {
            b'o' if matches!(name, [_, b'n' | b'N', ..]) => Some(Kind::Handler),
            b'd' if inert::is_kept(name) => Some(Kind::Kept),
            b's' if name.eq_ignore_ascii_case(b"style") => Some(Kind::Style),
            b'p' if name.eq_ignore_ascii_case(b"ping") => Some(Kind::Told),
            b'a' if name.eq_ignore_ascii_case(b"attributionsrc") => Some(Kind::Told),
            b'b' if name.eq_ignore_ascii_case(b"background") => Some(Kind::Picture),
            _ => None,
        }
    }
}

/// Whether a name that begins with these letters, in lower case, may be of any kind.
#[inline]
pub(super) fn may_begin(letters: [u8; 2]) -> bool {
    matches!(&letters, b"on" | b"da" | b"st" | b"pi" | b"at" | b"ba")
}

/// Whether what may be an attribute, followed by the rest of its tag, may do any of this. `may_lead` says
/// whether an address that is kept may lead to anybody.
pub(super) fn may_act(text: &[u8], may_lead: impl FnOnce(&[u8]) -> bool) -> bool {
    match text[0].to_ascii_lowercase() {
        b'o' => true,
        b'd' => may_be_kept(text, may_lead),
        // An address takes a bracket or, escaped, a backslash or a reference.
        b's' => begins(text, b"style") && memchr::memchr3(b'(', b'\\', b'&', text).is_some(),
        b'p' => begins(text, b"ping"),
        b'a' => begins(text, b"attributionsrc"),
        _ => begins(text, b"background"),
    }
}

/// Whether what begins like an attribute may keep an address that may lead to anybody.
fn may_be_kept(text: &[u8], may_lead: impl FnOnce(&[u8]) -> bool) -> bool {
    if !inert::is_kept(text) {
        return false;
    }
    // Without a value it keeps none, and what is then taken for its value is another's.
    let Some(equals) = memchr::memchr(b'=', text) else { return false };
    let value = text[equals + 1..].trim_ascii_start();
    let (quote, value) = match value {
        [quote @ (b'"' | b'\''), value @ ..] => (*quote, value),
        _ => (b'>', value),
    };
    if is_list(text[..equals].trim_ascii_end()) {
        return true;
    }
    // Nearly all hold words, which is seen before their end is.
    is_whole(value) && may_lead(&value[..memchr::memchr(quote, value).unwrap_or(value.len())])
}

pub(super) fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// Whether an attribute of this name holds a list of candidates, like `data-srcset`.
fn is_list(name: &[u8]) -> bool {
    name.last_chunk().is_some_and(|end: &[u8; 3]| end.eq_ignore_ascii_case(b"set"))
}

/// What is seen of an address, as written or as read, that may lead to another host than the page's.
fn whole(address: &[u8]) -> Option<Glance<'_>> {
    // What begins with neither a scheme nor a slash, however written, is none, or a relative one.
    let may_be = |first: &u8| first.is_ascii_alphabetic() || b"/\\&".contains(first);
    let seen = address.iter().find(|byte| **byte > b' ').filter(|first| may_be(first));
    let seen = seen.map(|_| glance(address)).filter(|seen| *seen != Glance::Relative);
    seen.filter(|_| !is_data(address))
}

fn is_whole(address: &[u8]) -> bool {
    whole(address).is_some()
}

/// What a script of the page would use an address for that it finds on such an element.
fn kept_for(name: &[u8]) -> Use {
    match name {
        b"script" => Use::Script,
        b"iframe" | b"frame" | b"amp-iframe" | b"embed" | b"object" => Use::Frame,
        _ => Use::Image,
    }
}

impl Document {
    /// Whether an address that an element of this name keeps may lead to anybody of whom a rule speaks.
    pub(super) fn may_lead(&self, name: &[u8], address: &[u8]) -> bool {
        let elsewhere = |seen: &Glance<'_>| self.is_elsewhere(seen, address, &[kept_for(name)]);
        // Who scouts is told of any, with the element.
        whole(address).is_some_and(|seen| self.scout.is_some() || !elsewhere(&seen))
    }

    /// Takes the attributes that reach a withheld vendor.
    pub(super) fn clear_attributes(&mut self, element: &mut Element<'_>) {
        for attribute in element.attributes() {
            let Some(kind) = Kind::of(attribute.name()) else { continue };
            let (fate, counted) = match kind {
                Kind::Handler => (self.fate_of_code(&attribute.value()), tally::Kind::Inline),
                Kind::Style => {
                    self.clear_style(element, attribute);
                    continue;
                }
                Kind::Told => (self.fate_of_told(&attribute.value()), tally::Kind::Beacon),
                Kind::Picture => (self.fate_at(attribute, Use::Image), tally::Kind::Image),
                Kind::Kept => {
                    let used = kept_for(element.name());
                    (self.fate_of_kept(attribute, used), tally::Kind::of(used))
                }
            };
            // The address of a held script has another name by now, under which it waits.
            if fate != Fate::Permit && element.attribute(attribute.name()).is_some() {
                element.remove_attribute(attribute.name());
                self.done(element, fate, counted, Deed::AttributeTaken);
            } else {
                self.forget_grounds();
            }
        }
    }

    /// The strictest fate of those that an attribute names, with spaces between.
    fn fate_of_told(&self, addresses: &[u8]) -> Fate {
        let fates = addresses.split(u8::is_ascii_whitespace).map(|to| self.fate_of_any(to));
        fates.fold(Fate::Permit, Fate::or_stricter)
    }

    fn clear_style(&mut self, element: &mut Element<'_>, attribute: Attribute<'_>) {
        // An address takes a bracket or, escaped, a backslash or a reference.
        if !attribute.raw_value().iter().any(|byte| matches!(byte, b'(' | b'\\' | b'&')) {
            return;
        }
        let without = css::without(&attribute.value(), |address| self.withheld_image(address));
        if let Some((left, gone)) = without {
            element.set_attribute(attribute.name(), &left);
            self.done_in_style(element, &gone);
        }
    }

    /// What becomes of a whole address, or a list of them, in an attribute that no browser reads.
    fn fate_of_kept(&self, attribute: Attribute<'_>, used: Use) -> Fate {
        if is_list(attribute.name()) {
            return self.fate_of_list(&attribute.value(), &[Use::Image], is_whole);
        }
        // What begins with a reference may be words, which in a page with a foreign base would lead there.
        if !is_whole(attribute.raw_value()) || !is_whole(&attribute.value()) {
            return Fate::Permit;
        }
        match self.fate_at(attribute, used) {
            // On a script of the site's it need not be a script that no rule knows.
            Fate::Undeclared(Whose::Unlisted, _) => Fate::Permit,
            fate => fate,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::html::{Edit, Interest, rewrite};

    /// Asks of each attribute what is asked of it before its tag is taken apart.
    struct Asking;

    /// Whether an address that is kept may lead to anybody, where nobody has a host in `.example`.
    fn may_lead(address: &[u8]) -> bool {
        let nobodys = |seen| matches!(seen, Glance::Host(host) if host.ends_with(".example"));
        whole(address).is_some_and(|seen| !nobodys(seen))
    }

    impl Edit for Asking {
        fn interest(&mut self, _name: &[u8]) -> Interest {
            Interest::Tag
        }

        fn element(&mut self, element: &mut Element<'_>) {
            let tag = element.tag();
            for attribute in element.attributes() {
                let (name, raw) = (attribute.name(), attribute.raw_value());
                let acts = match Kind::of(name) {
                    None => false,
                    Some(Kind::Handler | Kind::Told | Kind::Picture) => true,
                    Some(Kind::Style) => raw.iter().any(|byte| b"(\\&".contains(byte)),
                    Some(Kind::Kept) => !raw.is_empty() && (is_list(name) || may_lead(raw)),
                };
                let text = &tag[name.as_ptr() as usize - tag.as_ptr() as usize..];
                let letters = [text[0].to_ascii_lowercase(), text[1].to_ascii_lowercase()];
                let asked = may_begin(letters) && may_act(text, may_lead);
                assert!(asked || !acts, "{} of {}", text.escape_ascii(), tag.escape_ascii());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        #[test]
        fn whatever_acts_is_asked_about(
            bits in prop::collection::vec(prop::sample::select(vec![
                " ", "\n", "/", "=", "\"", "'", "data-a", "DATA-srcset", "data-consent", "style", "STYLE", "onload", "On", "ping",
                "background", "attributionsrc", "//a.kz/b", "https://a.kz", "//b.example", "/c", "u", "url(d)", "\\2f", "&sol;", "{", "a b",
            ]), 0..14),
        ) {
            let page = format!("<p {}>", bits.concat());
            prop_assert!(rewrite(page.as_bytes(), Asking).is_ok());
        }
    }
}
