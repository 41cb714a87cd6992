//! The element names that the tree builder treats apart.
//!
//! The standard's lists, so that [`super`] reads as its rules do. Each is sorted and searched by
//! halves; they are asked only inside of `svg` and `math`.
//!
//! Names are lower case. No list holds a name of SVG or MathML: where those matter, [`super`]
//! names them itself.
//!
//! The names of raw-text elements are asked for every tag and stand in [`super`] too.

/// The category "special" (WHATWG 13.2.4.2).
#[rustfmt::skip] // one name a line would be four pages
static SPECIAL: [&[u8]; 83] = [
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

/// Start tags that end foreign content (WHATWG 13.2.6.5); `font` depends on its attributes.
#[rustfmt::skip] // one name a line would be four pages
static BREAK_OUT: [&[u8]; 44] = [
    b"b", b"big", b"blockquote", b"body", b"br", b"center", b"code", b"dd", b"div", b"dl", b"dt",
    b"em", b"embed", b"h1", b"h2", b"h3", b"h4", b"h5", b"h6", b"head", b"hr", b"i", b"img", b"li",
    b"listing", b"menu", b"meta", b"nobr", b"ol", b"p", b"pre", b"ruby", b"s", b"small", b"span",
    b"strike", b"strong", b"sub", b"sup", b"table", b"tt", b"u", b"ul", b"var",
];

#[rustfmt::skip] // one name a line would be four pages
static FORMATTING: [&[u8]; 14] = [
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike",
    b"strong", b"tt", b"u",
];

#[rustfmt::skip] // one name a line would be four pages
static VOID: [&[u8]; 18] = [
    b"area", b"base", b"basefont", b"bgsound", b"br", b"col", b"embed", b"frame", b"hr", b"img",
    b"input", b"keygen", b"link", b"meta", b"param", b"source", b"track", b"wbr",
];

/// Start tags that close an open `p` (WHATWG 13.2.6.4.7).
#[rustfmt::skip] // one name a line would be four pages
static CLOSES_P: [&[u8]; 40] = [
    b"address", b"article", b"aside", b"blockquote", b"center", b"dd", b"details", b"dialog",
    b"dir", b"div", b"dl", b"dt", b"fieldset", b"figcaption", b"figure", b"footer", b"form", b"h1",
    b"h2", b"h3", b"h4", b"h5", b"h6", b"header", b"hgroup", b"hr", b"li", b"listing", b"main",
    b"menu", b"nav", b"ol", b"p", b"pre", b"search", b"section", b"summary", b"table", b"ul",
    b"xmp",
];

/// HTML elements with end tags that no other list holds.
#[rustfmt::skip] // one name a line would be four pages
static OTHER: [&[u8]; 38] = [
    b"abbr", b"acronym", b"audio", b"bdi", b"bdo", b"canvas", b"cite", b"data", b"datalist", b"del",
    b"dfn", b"dialog", b"hgroup", b"ins", b"kbd", b"label", b"legend", b"map", b"mark", b"meter",
    b"nobr", b"optgroup", b"option", b"output", b"picture", b"progress", b"q", b"rp", b"rt",
    b"ruby", b"samp", b"slot", b"span", b"sub", b"sup", b"time", b"var", b"video",
];

fn is_in(names: &[&[u8]], name: &[u8]) -> bool {
    names.binary_search(&name).is_ok()
}

pub(super) fn is_special(name: &[u8]) -> bool {
    is_in(&SPECIAL, name)
}

pub(super) fn is_formatting(name: &[u8]) -> bool {
    is_in(&FORMATTING, name)
}

pub(super) fn is_void(name: &[u8]) -> bool {
    is_in(&VOID, name)
}

pub(super) fn breaks_out(name: &[u8]) -> bool {
    is_in(&BREAK_OUT, name)
}

pub(super) fn closes_p(name: &[u8]) -> bool {
    is_in(&CLOSES_P, name)
}

/// Whether an HTML element is most likely meant; a name with a hyphen is a custom element's.
pub(super) fn is_html(name: &[u8]) -> bool {
    is_special(name) || is_formatting(name) || is_in(&OTHER, name) || name.contains(&b'-')
}

/// Elements of raw text: in HTML their end tags end them and nothing else.
pub(super) fn is_raw(name: &[u8]) -> bool {
    matches!(
        name,
        b"iframe"
            | b"noembed"
            | b"noframes"
            | b"noscript"
            | b"script"
            | b"style"
            | b"textarea"
            | b"title"
            | b"xmp"
    )
}

/// Elements that bound what "has an element in scope" sees.
pub(super) fn bounds_scope(name: &[u8]) -> bool {
    matches!(
        name,
        b"applet"
            | b"caption"
            | b"html"
            | b"marquee"
            | b"object"
            | b"select"
            | b"table"
            | b"td"
            | b"template"
            | b"th"
    )
}

/// Elements whose end tags look through cells and tables ("in table scope").
pub(super) fn is_table_part(name: &[u8]) -> bool {
    matches!(name, b"table" | b"tbody" | b"td" | b"template" | b"tfoot" | b"th" | b"thead" | b"tr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_sorted() {
        for list in [&SPECIAL[..], &BREAK_OUT, &FORMATTING, &VOID, &CLOSES_P, &OTHER] {
            assert!(list.is_sorted());
        }
    }
}
