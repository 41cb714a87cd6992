//! Scripts, as far as they run, and how one is made not to.
//!
//! Whether a script runs is decided by its type (HTML §4.12.1): none, an empty one, a
//! JavaScript media type or `module`. Anything else is data and stays as it is.
//!
//! A held script keeps all its attributes but two, which are renamed: nothing that the
//! release needs is lost.

use std::borrow::Cow;

use crate::html::{Element, Namespace};

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
    /// The address of its code; none for an inline script.
    pub(super) source: Option<Cow<'a, [u8]>>,
    source_attribute: &'static [u8],
}

impl<'a> Script<'a> {
    pub(super) fn of(element: &Element<'a>) -> Script<'a> {
        let mut source_attribute = &b"src"[..];
        // In SVG the address is a link (SVG 2 §5.6.1); the plain one wins.
        if element.namespace() == Namespace::Svg {
            source_attribute =
                if element.attribute(b"href").is_some() { b"href" } else { b"xlink:href" };
        }
        Script {
            runs: runs(element),
            source: element.attribute(source_attribute),
            source_attribute,
        }
    }

    /// Makes the script inert, in place.
    pub(super) fn hold(&self, element: &mut Element<'_>, purpose: &str) {
        // What the page itself wrote there would be taken for what the script had.
        for name in [&b"data-consent"[..], b"data-consent-type", b"data-consent-src"] {
            element.remove_attribute(name);
        }
        element.rename_attribute(b"type", b"data-consent-type");
        element.rename_attribute(self.source_attribute, b"data-consent-src");
        element.set_attribute(b"type", b"text/plain");
        element.set_attribute(b"data-consent", purpose.as_bytes());
    }
}

fn runs(element: &Element<'_>) -> bool {
    let kind = match (element.attribute(b"type"), element.attribute(b"language")) {
        (Some(kind), _) => kind,
        // Without a type the old attribute counts, as the part after `text/`.
        (None, Some(language)) if !language.is_empty() => {
            Cow::Owned([b"text/", &language[..]].concat())
        }
        (None, _) => return true,
    };
    if kind.is_empty() {
        return true;
    }
    let kind = kind.trim_ascii();
    kind.eq_ignore_ascii_case(b"module")
        || JAVASCRIPT.iter().any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
}
