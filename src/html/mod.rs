//! HTML read as a browser reads it, and changed while it streams.
//!
//! What the gate does in a page rests on seeing tags exactly where a browser sees them. A pattern
//! that looks for `<script` also finds it in comments, in attribute values and in the text of
//! other scripts. [`scan`] therefore walks the states of the WHATWG tokenizer, `tree` adds the
//! little of the tree builder that decides which states come next, and [`Rewriter`] puts the two
//! to work for an [`Edit`].
//!
//! Every input has an output, whatever its bytes. What no edit changes leaves as it came, byte for
//! byte. Where the input is cut into chunks never shows in the output. One element is held at a
//! time, and no more than [`HELD_BYTES_MAX`] of it. A tag that does not change costs no allocation.
//!
//! Nothing here knows of consent: `gate::document` is an [`Edit`]. Character encodings and content
//! codings are undone before bytes come here; any encoding in which ASCII bytes mean ASCII will do.

mod element;
mod rewrite;
pub mod scan;
mod tag;
mod tree;

pub use element::Element;
pub use rewrite::{HELD_BYTES_MAX, Rewriter, rewrite};
pub use tag::{Attribute, Attributes};
pub use tree::Namespace;

/// How much of an element an edit needs to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing: the tag passes by reference.
    Pass,
    /// The start tag with its attributes.
    Tag,
    /// The start tag, the body and the end tag of a raw-text element (`script`, `style`,
    /// `noscript`, `iframe`, `title`, `textarea`…) in the HTML namespace, held until the edit has
    /// decided. For any other element this means [`Interest::Tag`].
    Whole,
}

/// What is done to a document while it streams.
pub trait Edit {
    /// How much of an element this edit needs; asked once per start tag, with the lower-case name
    /// only. Most tags end here.
    fn interest(&mut self, name: &[u8]) -> Interest;

    /// A start tag, or a whole held element, to look at and to change.
    fn element(&mut self, element: &mut Element<'_>);

    /// A doctype: what came is meant as a whole document.
    fn doctype(&mut self) {}

    /// An end tag `</body>`, `</html>` or `</head>` in HTML content: not in a template, a `select`,
    /// foreign content or raw text. What is put into `before` goes out before the tag.
    fn end_tag(&mut self, _name: &[u8], _before: &mut Vec<u8>) {}

    /// The end of the document. What is put into `after` goes out last. Not called when the input
    /// ends inside a tag, a comment or raw text: what follows there would become part of it.
    fn end(&mut self, _after: &mut Vec<u8>) {}
}
