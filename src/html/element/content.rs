//! The text of a script in SVG.
//!
//! There a script's body is ordinary markup: `<![CDATA[` opens a section, `&amp;` is an ampersand,
//! and what runs is the text that remains (SVG 2 §5.6, DOM "child text content").
//!
//! Reading it again here costs a second pass over one element that hardly any page has.
//!
//! Bodies in HTML are raw text and need none of this.

use super::super::scan::{Kind, Scanner};

/// What a body in SVG holds.
pub(super) struct Content {
    /// The text that stands directly in the element.
    pub(super) text: Vec<u8>,
    pub(super) holds_elements: bool,
}

/// Reads the body of an element.
pub(super) fn of_foreign(body: &[u8]) -> Content {
    let mut text = Vec::with_capacity(body.len());
    let mut holds_elements = false;
    let mut scanner = Scanner::new();
    scanner.set_foreign(true);
    let mut depth = 0_usize;
    let mut at = 0;
    while at < body.len() {
        let piece = scanner.next(body, at);
        if depth == 0 {
            let plain = &body[at..piece.start];
            text.extend_from_slice(&htmlize::unescape_bytes_in(plain, htmlize::Context::General));
        }
        match piece.kind {
            Kind::StartTag { self_closing } => {
                holds_elements = true;
                depth += usize::from(!self_closing);
            }
            Kind::EndTag => depth = depth.saturating_sub(1),
            Kind::Cdata if depth == 0 => {
                let section = &body[piece.start..piece.end];
                text.extend_from_slice(&section["<![CDATA[".len()..section.len() - "]]>".len()]);
            }
            _ => {}
        }
        at = piece.end;
    }
    Content { text, holds_elements }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_the_text_that_remains() {
        for (body, text, holds_elements) in [
            ("a &lt; b", "a < b", false),
            ("a<![CDATA[ <b> &amp; ]]]>c", "a <b> &amp; ]c", false),
            ("a<!-- b -->c<d>e<f/>g</d>h<i/>j", "achj", true),
            ("a < b", "a < b", false),
            ("", "", false),
        ] {
            let content = of_foreign(body.as_bytes());
            assert_eq!(content.text, text.as_bytes(), "{body}");
            assert_eq!(content.holds_elements, holds_elements, "{body}");
        }
    }
}
