//! The text of a script in SVG.
//!
//! There a script's body is ordinary markup: `<![CDATA[` opens a section, `&amp;` is an ampersand,
//! and what runs is the text that remains (SVG 2 §5.6, DOM "child text content").
//!
//! Reading it again here costs a second pass over one element that hardly any page has.
//!
//! Bodies in HTML are raw text and need none of this.

use std::borrow::Cow;

use super::super::scan::{Kind, Scanner};

/// What a browser runs of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code<'a> {
    /// In HTML the body as it came. In SVG it is markup: comments and elements in it are left out,
    /// character references and CDATA sections are resolved.
    pub text: Cow<'a, [u8]>,
    /// Whether elements stand in it, as they may in SVG. They are not shown by themselves.
    pub holds_elements: bool,
}

impl Code<'_> {
    /// Reads the body of an element outside of HTML.
    pub(super) fn of_markup(body: &[u8]) -> Self {
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
                text.extend_from_slice(&htmlize::unescape_bytes_in(
                    plain,
                    htmlize::Context::General,
                ));
            }
            match piece.kind {
                Kind::StartTag { self_closing } => {
                    holds_elements = true;
                    depth += usize::from(!self_closing);
                }
                Kind::EndTag => depth = depth.saturating_sub(1),
                Kind::Cdata if depth == 0 => {
                    let section = &body[piece.start..piece.end];
                    text.extend_from_slice(
                        &section["<![CDATA[".len()..section.len() - "]]>".len()],
                    );
                }
                _ => {}
            }
            at = piece.end;
        }
        Self { text: Cow::Owned(text), holds_elements }
    }
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
            let expected = Code { text: Cow::Borrowed(text.as_bytes()), holds_elements };
            assert_eq!(Code::of_markup(body.as_bytes()), expected, "{body}");
        }
    }
}
