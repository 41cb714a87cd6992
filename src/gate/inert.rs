//! Scripts, as far as they run, and how one is made not to.
//!
//! Whether a script runs is decided by its type (HTML §4.12.1): none, an empty one, a
//! JavaScript media type or `module`. Some types are made up by optimisers, and run later by a script
//! of theirs. Anything else is data and stays as it is.
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

/// Types under which a script of the page runs the code later, with the address in an attribute of its
/// own: Partytown, WP Rocket, LiteSpeed, Perfmatters, Hummingbird.
const LATER: [&str; 5] = [
    "text/partytown",
    "rocketlazyloadscript",
    "litespeed/javascript",
    "pmdelayedscript",
    "wphb-delay-type",
];

/// The one of them under which the code is also released: it runs in a worker that is Partytown's.
const PARTYTOWN: &str = LATER[0];

/// Rocket Loader writes a number of so many digits before the type.
const NUMBER_DIGITS: usize = 24;

/// A script element.
#[derive(Debug)]
pub(super) struct Script<'a> {
    /// When it runs.
    pub(super) runs: Runs<'a>,
    /// The addresses that its code may come from; none for an inline script.
    pub(super) sources: [Option<Attribute<'a>>; 4],
}

/// Whether a script runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Runs<'a> {
    /// A browser runs it.
    Now,
    /// Another script of the page runs it, as of this type.
    Later(Cow<'a, [u8]>),
    /// It is data.
    Never,
}

/// Where a script's address may stand: in HTML, in SVG 2 (§5.6.1), in SVG 1.1. All are read in
/// every namespace: a browser's preloader looks at `src` in SVG, and `href` in HTML, too.
const SOURCES: [&[u8]; 3] = [b"src", b"href", b"xlink:href"];

impl<'a> Script<'a> {
    pub(super) fn of(element: &Element<'a>) -> Script<'a> {
        let (mut kind, mut language, mut sources) = (None, None, [None; 4]);
        let mut real = None;
        for attribute in element.attributes() {
            // Most have names of other lengths, which is soon seen.
            let (name, noted) = match attribute.name().len() {
                3 => (SOURCES[0], &mut sources[0]),
                4 if attribute.is_named(b"type") => (&b"type"[..], &mut kind),
                4 => (SOURCES[1], &mut sources[1]),
                8 if attribute.is_named(b"language") => (&b"language"[..], &mut language),
                10 if attribute.is_named(SOURCES[2]) => (SOURCES[2], &mut sources[2]),
                _ if is_kept_as(attribute.name(), b"src") => (attribute.name(), &mut sources[3]),
                _ if is_kept_as(attribute.name(), b"-type") => (attribute.name(), &mut real),
                _ => continue,
            };
            // The first of two attributes of one name counts.
            if noted.is_none() && attribute.is_named(name) {
                *noted = Some(attribute);
            }
        }
        let runs = runs(kind, language, real);
        if !matches!(runs, Runs::Later(_)) {
            sources[3] = None;
        }
        Script { runs, sources }
    }

    /// Makes the script inert, in place.
    pub(super) fn hold(&self, element: &mut Element<'_>, purpose: &str) {
        // What the page itself wrote there would be taken for what the script had.
        for name in [&b"data-consent"[..], b"data-consent-type", b"data-consent-src"] {
            element.remove_attribute(name);
        }
        match &self.runs {
            // Released, it runs at once: whoever would have run it later has come and gone.
            Runs::Later(kind) if kind.is_empty() => {}
            Runs::Later(kind) => element.set_attribute(b"data-consent-type", kind),
            Runs::Now | Runs::Never => element.rename_attribute(b"type", b"data-consent-type"),
        }
        let mut sources = self.sources.iter().flatten();
        if let Some(source) = sources.next() {
            element.rename_attribute(source.name(), b"data-consent-src");
        }
        for source in sources {
            element.remove_attribute(source.name());
        }
        element.set_attribute(b"type", b"text/plain");
        element.set_attribute(b"data-consent", purpose.as_bytes());
    }
}

/// Whether an attribute is one that no browser reads, kept for scripts of the page, and not ours.
pub(super) fn is_kept(name: &[u8]) -> bool {
    let starts = |with: &[u8]| {
        let start = name.get(..with.len());
        start.is_some_and(|start| start == with || start.eq_ignore_ascii_case(with))
    };
    // Hardly any goes on with the letter that ours does.
    starts(b"data-") && !(matches!(name.get(5), Some(b'c' | b'C')) && starts(b"data-consent"))
}

fn is_kept_as(name: &[u8], end: &[u8]) -> bool {
    let ends = name.len() > end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end);
    ends && is_kept(name)
}

fn runs<'a>(
    kind: Option<Attribute<'a>>,
    language: Option<Attribute<'a>>,
    real: Option<Attribute<'a>>,
) -> Runs<'a> {
    let kind = match (kind, language) {
        // As nearly all are written that have one.
        (Some(kind), _) if kind.raw_value() == b"text/javascript" => return Runs::Now,
        (Some(kind), _) => kind.value(),
        // Without a type the old attribute counts, as the part after `text/`.
        (None, Some(language)) if !language.raw_value().is_empty() => {
            Cow::Owned([b"text/", &language.value()[..]].concat())
        }
        (None, _) => return Runs::Now,
    };
    if kind.is_empty() || is_code(&kind) {
        return Runs::Now;
    }
    let word = kind.trim_ascii();
    let is = |known: &str| word.eq_ignore_ascii_case(known.as_bytes());
    if is(PARTYTOWN) {
        return Runs::Later(Cow::Borrowed(PARTYTOWN.as_bytes()));
    }
    if LATER.into_iter().any(is) {
        return Runs::Later(real.map(|real| real.value()).unwrap_or_default());
    }
    match word.get(NUMBER_DIGITS..) {
        Some([b'-', real @ ..])
            if word[..NUMBER_DIGITS].iter().all(u8::is_ascii_hexdigit) && is_code(real) =>
        {
            Runs::Later(Cow::Owned(real.to_vec()))
        }
        _ => Runs::Never,
    }
}

/// Whether a browser runs a script of this type.
fn is_code(kind: &[u8]) -> bool {
    let kind = kind.trim_ascii();
    kind.eq_ignore_ascii_case(b"module") || is_javascript(kind)
}

/// Whether a media type, without parameters, is one of JavaScript's.
pub(super) fn is_javascript(kind: &[u8]) -> bool {
    JAVASCRIPT.iter().any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
}
