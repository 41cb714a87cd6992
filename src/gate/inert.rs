//! Scripts, as far as they run, and how one is made not to.
//!
//! Whether a script runs is decided by its type (HTML §4.12.1): none, an empty one, a
//! JavaScript media type or `module`. Anything else is data and stays as it is.
//!
//! A held script keeps all its attributes but two, which are renamed: nothing that the
//! release needs is lost.

use std::borrow::Cow;

use crate::html::{Attribute, Element};

/// The JavaScript media types (WHATWG MIME Sniffing §4.6).
const JAVASCRIPT: [&str; 16] = [
    "application/ecmascript",
    "application/javascript",
    "application/x-ecmascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

/// A script element.
#[derive(Debug)]
pub(super) struct Script<'a> {
    /// Whether a browser runs it.
    pub(super) runs: bool,
    /// The addresses that its code may come from; none for an inline script.
    pub(super) sources: [Option<Attribute<'a>>; 3],
}

/// Where a script's address may stand: in HTML, in SVG 2 (§5.6.1), in SVG 1.1. All are read in
/// every namespace: a browser's preloader looks at `src` in SVG, and `href` in HTML, too.
const SOURCES: [&[u8]; 3] = [b"src", b"href", b"xlink:href"];

impl<'a> Script<'a> {
    pub(super) fn of(element: &Element<'a>) -> Script<'a> {
        let (mut kind, mut language, mut sources) = (None, None, [None; 3]);
        for attribute in element.attributes() {
            // Most have names of other lengths, which is soon seen.
            let (name, noted) = match attribute.name().len() {
                3 => (SOURCES[0], &mut sources[0]),
                4 if attribute.is_named(b"type") => (&b"type"[..], &mut kind),
                4 => (SOURCES[1], &mut sources[1]),
                8 => (&b"language"[..], &mut language),
                10 => (SOURCES[2], &mut sources[2]),
                _ => continue,
            };
            // The first of two attributes of one name counts.
            if noted.is_none() && attribute.is_named(name) {
                *noted = Some(attribute);
            }
        }
        Script { runs: runs(kind, language), sources }
    }

    /// Makes the script inert, in place.
    pub(super) fn hold(element: &mut Element<'_>, purpose: &str) {
        // What the page itself wrote there would be taken for what the script had.
        for name in [&b"data-consent"[..], b"data-consent-type", b"data-consent-src"] {
            element.remove_attribute(name);
        }
        element.rename_attribute(b"type", b"data-consent-type");
        let first = SOURCES.iter().find(|name| element.attribute(name).is_some());
        if let Some(source) = first {
            element.rename_attribute(source, b"data-consent-src");
        }
        for name in SOURCES {
            element.remove_attribute(name);
        }
        element.set_attribute(b"type", b"text/plain");
        element.set_attribute(b"data-consent", purpose.as_bytes());
    }
}

fn runs(kind: Option<Attribute<'_>>, language: Option<Attribute<'_>>) -> bool {
    let kind = match (kind, language) {
        // As nearly all are written that have one.
        (Some(kind), _) if kind.raw_value() == b"text/javascript" => return true,
        (Some(kind), _) => kind.value(),
        // Without a type the old attribute counts, as the part after `text/`.
        (None, Some(language)) if !language.raw_value().is_empty() => {
            Cow::Owned([b"text/", &language.value()[..]].concat())
        }
        (None, _) => return true,
    };
    if kind.is_empty() {
        return true;
    }
    let kind = kind.trim_ascii();
    kind.eq_ignore_ascii_case(b"module") || is_javascript(kind)
}

/// Whether a media type, without parameters, is one of JavaScript's.
pub(super) fn is_javascript(kind: &[u8]) -> bool {
    JAVASCRIPT.iter().any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
}
