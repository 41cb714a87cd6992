//! The element names that the tree builder treats apart.
//!
//! The standard's lists, so that [`super`] reads as its rules do. They are compared as [`Key`]s;
//! most tags of most pages are in none of those that matter for every tag, which [`is_plain`] says
//! at a glance.
//!
//! Names are lower case. No list holds a name of SVG or MathML: where those matter, [`super`]
//! names them itself.
//!
//! What follows from a name is in [`super`].

use super::Key;

pub(super) const A: Key = Key::of(b"a");
pub(super) const ADDRESS: Key = Key::of(b"address");
pub(super) const ANNOTATION_XML: Key = Key::of(b"annotation-xml");
pub(super) const APPLET: Key = Key::of(b"applet");
pub(super) const BODY: Key = Key::of(b"body");
pub(super) const BR: Key = Key::of(b"br");
pub(super) const BUTTON: Key = Key::of(b"button");
pub(super) const CAPTION: Key = Key::of(b"caption");
pub(super) const DD: Key = Key::of(b"dd");
pub(super) const DESC: Key = Key::of(b"desc");
pub(super) const DIV: Key = Key::of(b"div");
pub(super) const DT: Key = Key::of(b"dt");
pub(super) const FONT: Key = Key::of(b"font");
pub(super) const FORM: Key = Key::of(b"form");
pub(super) const FOREIGNOBJECT: Key = Key::of(b"foreignobject");
pub(super) const HEAD: Key = Key::of(b"head");
pub(super) const HTML: Key = Key::of(b"html");
pub(super) const IFRAME: Key = Key::of(b"iframe");
pub(super) const LI: Key = Key::of(b"li");
pub(super) const MALIGNMARK: Key = Key::of(b"malignmark");
pub(super) const MARQUEE: Key = Key::of(b"marquee");
pub(super) const MATH: Key = Key::of(b"math");
pub(super) const MGLYPH: Key = Key::of(b"mglyph");
pub(super) const MI: Key = Key::of(b"mi");
pub(super) const MN: Key = Key::of(b"mn");
pub(super) const MO: Key = Key::of(b"mo");
pub(super) const MS: Key = Key::of(b"ms");
pub(super) const MTEXT: Key = Key::of(b"mtext");
pub(super) const NOEMBED: Key = Key::of(b"noembed");
pub(super) const NOFRAMES: Key = Key::of(b"noframes");
pub(super) const NOSCRIPT: Key = Key::of(b"noscript");
pub(super) const OBJECT: Key = Key::of(b"object");
pub(super) const OPTGROUP: Key = Key::of(b"optgroup");
pub(super) const OPTION: Key = Key::of(b"option");
pub(super) const P: Key = Key::of(b"p");
pub(super) const PLAINTEXT: Key = Key::of(b"plaintext");
pub(super) const SCRIPT: Key = Key::of(b"script");
pub(super) const SELECT: Key = Key::of(b"select");
pub(super) const STYLE: Key = Key::of(b"style");
pub(super) const SVG: Key = Key::of(b"svg");
pub(super) const TABLE: Key = Key::of(b"table");
pub(super) const TBODY: Key = Key::of(b"tbody");
pub(super) const TD: Key = Key::of(b"td");
pub(super) const TEMPLATE: Key = Key::of(b"template");
pub(super) const TEXTAREA: Key = Key::of(b"textarea");
pub(super) const TFOOT: Key = Key::of(b"tfoot");
pub(super) const TH: Key = Key::of(b"th");
pub(super) const THEAD: Key = Key::of(b"thead");
pub(super) const TITLE: Key = Key::of(b"title");
pub(super) const TR: Key = Key::of(b"tr");
pub(super) const XMP: Key = Key::of(b"xmp");

/// The keys of some names, in ascending order: to be searched by halves.
const fn keys<const N: usize>(names: &[&[u8]; N]) -> [Key; N] {
    let mut keys = [Key::of(b""); N];
    let mut filled = 0;
    while filled < N {
        let key = Key::of(names[filled]);
        let mut at = filled;
        while at > 0 && key.is_below(keys[at - 1]) {
            keys[at] = keys[at - 1];
            at -= 1;
        }
        keys[at] = key;
        filled += 1;
    }
    keys
}

/// The category "special" (WHATWG 13.2.4.2).
#[rustfmt::skip] // one name a line would be four pages
const SPECIAL_NAMES: [&[u8]; 83] = [
    b"address", b"applet", b"area", b"article", b"aside", b"base", b"basefont", b"bgsound",
    b"blockquote", b"body", b"br", b"button", b"caption", b"center", b"col", b"colgroup", b"dd",
    b"details", b"dir", b"div", b"dl", b"dt", b"embed", b"fieldset", b"figcaption", b"figure",
    b"footer", b"form", b"frame", b"frameset", b"h1", b"h2", b"h3", b"h4", b"h5", b"h6", b"head",
    b"header", b"hgroup", b"hr", b"html", b"iframe", b"img", b"input", b"keygen", b"li", b"link",
    b"listing", b"main", b"marquee", b"menu", b"meta", b"nav", b"noembed", b"noframes", b"noscript",
    b"object", b"ol", b"p", b"param", b"plaintext", b"pre", b"script", b"search", b"section",
    b"select", b"source", b"style", b"summary", b"table", b"tbody", b"td", b"template", b"textarea",
    b"tfoot", b"th", b"thead", b"title", b"tr", b"track", b"ul", b"wbr", b"xmp",
];
static SPECIAL: [Key; 83] = keys(&SPECIAL_NAMES);

/// Start tags that end foreign content (WHATWG 13.2.6.5); `font` depends on its attributes.
#[rustfmt::skip] // one name a line would be four pages
const BREAK_OUT_NAMES: [&[u8]; 44] = [
    b"b", b"big", b"blockquote", b"body", b"br", b"center", b"code", b"dd", b"div", b"dl", b"dt",
    b"em", b"embed", b"h1", b"h2", b"h3", b"h4", b"h5", b"h6", b"head", b"hr", b"i", b"img", b"li",
    b"listing", b"menu", b"meta", b"nobr", b"ol", b"p", b"pre", b"ruby", b"s", b"small", b"span",
    b"strike", b"strong", b"sub", b"sup", b"table", b"tt", b"u", b"ul", b"var",
];
static BREAK_OUT: [Key; 44] = keys(&BREAK_OUT_NAMES);

/// Elements without content, which are never open.
#[rustfmt::skip] // one name a line would be four pages
const VOID_NAMES: [&[u8]; 18] = [
    b"area", b"base", b"basefont", b"bgsound", b"br", b"col", b"embed", b"frame", b"hr", b"img",
    b"input", b"keygen", b"link", b"meta", b"param", b"source", b"track", b"wbr",
];
static VOID: [Key; 18] = keys(&VOID_NAMES);

/// Start tags that close an open `p` (WHATWG 13.2.6.4.7).
#[rustfmt::skip] // one name a line would be four pages
const CLOSES_P_NAMES: [&[u8]; 40] = [
    b"address", b"article", b"aside", b"blockquote", b"center", b"dd", b"details", b"dialog",
    b"dir", b"div", b"dl", b"dt", b"fieldset", b"figcaption", b"figure", b"footer", b"form", b"h1",
    b"h2", b"h3", b"h4", b"h5", b"h6", b"header", b"hgroup", b"hr", b"li", b"listing", b"main",
    b"menu", b"nav", b"ol", b"p", b"pre", b"search", b"section", b"summary", b"table", b"ul",
    b"xmp",
];
static CLOSES_P: [Key; 40] = keys(&CLOSES_P_NAMES);

/// Start tags that do more than open an element.
#[rustfmt::skip] // one name a line would be four pages
const START_NAMES: [&[u8]; 28] = [
    b"body", b"dd", b"dt", b"head", b"html", b"iframe", b"li", b"math", b"noembed",
    b"noframes", b"noscript", b"optgroup", b"option", b"plaintext", b"script", b"select", b"style",
    b"svg", b"tbody", b"td", b"template", b"textarea", b"tfoot", b"th", b"thead", b"title", b"tr",
    b"xmp",
];

/// Names by first letter and length: a bit for each length that a name in one of `lists` has.
const fn glance(lists: &[&[&[u8]]]) -> [u32; 32] {
    let mut lengths = [0; 32];
    let mut list = 0;
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            let name = lists[list][at];
            lengths[(name[0] & 31) as usize] |= 1 << name.len();
            at += 1;
        }
        list += 1;
    }
    lengths
}

static AT_START: [u32; 32] = glance(&[&START_NAMES, &VOID_NAMES]);
static IN_P: [u32; 32] = glance(&[&CLOSES_P_NAMES]);

/// Whether a name of this first letter and length may be in the lists of a glance.
#[inline]
fn seen(glance: &[u32; 32], (letter, len): (usize, u32)) -> bool {
    glance[letter % 32] >> len & 1 != 0
}

/// Whether a start tag of this name only opens an element. Of the others some do no more either.
#[inline]
pub(super) fn is_plain(key: Key) -> bool {
    key.glance().is_some_and(|of| !seen(&AT_START, of))
}

/// The category "formatting" (WHATWG 13.2.4.2).
#[rustfmt::skip] // one name a line would be four pages
const FORMATTING_NAMES: [&[u8]; 14] = [
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike",
    b"strong", b"tt", b"u",
];
static FORMATTING: [Key; 14] = keys(&FORMATTING_NAMES);

pub(super) fn is_formatting(key: Key) -> bool {
    FORMATTING.binary_search(&key).is_ok()
}

pub(super) fn is_special(key: Key) -> bool {
    SPECIAL.binary_search(&key).is_ok()
}

pub(super) fn is_void(key: Key) -> bool {
    VOID.binary_search(&key).is_ok()
}

pub(super) fn breaks_out(key: Key) -> bool {
    BREAK_OUT.binary_search(&key).is_ok()
}

#[inline]
pub(super) fn closes_p(key: Key) -> bool {
    key.glance().is_none_or(|of| seen(&IN_P, of)) && CLOSES_P.binary_search(&key).is_ok()
}

/// Elements of raw text: in HTML their end tags end them and nothing else.
pub(super) fn is_raw(key: Key) -> bool {
    matches!(key, IFRAME | NOEMBED | NOFRAMES | NOSCRIPT | SCRIPT | STYLE | TEXTAREA | TITLE | XMP)
}

/// Elements that bound what "has an element in scope" sees (WHATWG 13.2.4.2).
pub(super) fn bounds_scope(key: Key) -> bool {
    matches!(key, APPLET | CAPTION | MARQUEE | OBJECT | SELECT | TABLE | TD | TEMPLATE | TH)
}

/// Elements whose end tags look through cells and captions ("in table scope").
pub(super) fn is_table_part(key: Key) -> bool {
    matches!(key, TABLE | TBODY | TD | TFOOT | TH | THEAD | TR | CAPTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_share_a_number() {
        let lists =
            [&SPECIAL_NAMES[..], &BREAK_OUT_NAMES, &VOID_NAMES, &CLOSES_P_NAMES, &START_NAMES];
        let names: std::collections::BTreeSet<_> = lists.concat().into_iter().collect();
        for one in &names {
            for other in &names {
                assert_eq!(Key::of(one) == Key::of(other), one == other);
            }
        }
    }

    #[test]
    fn a_glance_misses_nothing() {
        for name in START_NAMES.iter().chain(&VOID_NAMES) {
            assert!(!is_plain(Key::of(name)));
        }
        for name in CLOSES_P_NAMES {
            assert!(closes_p(Key::of(name)));
        }
        for plain in [&b"div"[..], b"span", b"ul", b"b"] {
            assert!(is_plain(Key::of(plain)));
            assert!(!closes_p(Key::of(plain)) || plain == b"div" || plain == b"ul");
        }
    }
}
