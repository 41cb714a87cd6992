//! HTML read as a browser reads it, and changed while it streams.
//!
//! What the gate does in a page rests on seeing tags exactly where a browser sees them. A pattern
//! that looks for `<script` also finds it in comments, in attribute values and in the text of
//! other scripts. [`scan`] therefore walks the states of the WHATWG tokenizer, `tree` adds the
//! little of the tree builder that decides which states come next, and [`Rewriter`] puts the two
//! to work for an [`Edit`].
//!
//! Every input has an output, whatever its bytes, unless the edit refuses to let it go on. What no
//! edit changes leaves as it came, byte for byte. Where the input is cut into chunks never shows in
//! the output. One element is held at a time, and no more than [`HELD_BYTES_MAX`] of it; what is
//! longer passes in [stretches](Stretch). A tag that does not change costs no allocation.
//!
//! Nothing here knows of consent: `gate::document` is an [`Edit`]. Character encodings and content
//! codings are undone before bytes come here; any encoding in which ASCII bytes mean ASCII will do.

mod element;
mod find;
mod name;
mod rewrite;
pub mod scan;
mod tag;
mod tree;

pub use element::{Code, Element};
pub use rewrite::{HELD_BYTES_MAX, OVERLAP_BYTES, Rewriter, rewrite};
pub use tag::{Attribute, Attributes};
pub use tree::Namespace;

/// How much of an element an edit needs to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing: the tag passes by reference.
    Pass,
    /// The start tag with its attributes, if it may have one that [matters](Edit::matters).
    Attributes,
    /// The start tag with its attributes.
    Tag,
    /// The start tag, the body and the end tag of a raw-text element (`script`, `style`,
    /// `noscript`, `iframe`, `title`, `textarea`…) in the HTML namespace, or of a `script` in SVG,
    /// held until the edit has decided. For any other element this means [`Interest::Tag`].
    Whole,
}

/// Part of something that is too long to be held: of the text of an element that the edit was shown
/// the beginning of and left as it was, or of its start tag.
#[derive(Debug)]
pub struct Stretch<'a> {
    /// The name of the element, in lower case.
    pub name: &'a [u8],
    /// Whether this is more of the start tag, rather than of the text.
    pub in_tag: bool,
    /// The bytes. Those from `sent` on may be overwritten; the others have gone out and show what
    /// stood before.
    pub bytes: &'a mut [u8],
    /// How many of the bytes have gone out.
    pub sent: usize,
    /// Whether nothing follows. Otherwise the last [`OVERLAP_BYTES`] come again, with what follows
    /// them.
    pub last: bool,
}

/// An edit does not let the document go on. What has gone out so far is all there will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the document holds what may not go on and cannot be taken out")
    }
}

impl std::error::Error for Refused {}

/// What is done to a document while it streams.
pub trait Edit {
    /// Whether this edit ever says [`Interest::Attributes`]: if it does not say so here, that takes longer.
    const BY_ATTRIBUTES: bool = false;

    /// How much of an element this edit needs; asked once per start tag, with the lower-case name
    /// only. Most tags end here.
    fn interest(&mut self, name: &[u8]) -> Interest;

    /// Whether an attribute may [matter](Edit::matters), on whatever element, whose name begins with these
    /// two letters, in lower case. Behind a name of one letter stands what comes next.
    fn may_matter(&self, _letters: [u8; 2]) -> bool {
        true
    }

    /// Whether an attribute may matter on an element of this name, of which the edit has said
    /// [`Interest::Attributes`]. It stands at the beginning of `text`, which goes on to the end of the tag.
    /// Words in values are asked about as well.
    fn matters(&self, _name: &[u8], _text: &[u8]) -> bool {
        true
    }

    /// A start tag, or a whole held element, to look at and to change.
    fn element(&mut self, element: &mut Element<'_>);

    /// More of what is too long to be held. Nothing in the default.
    fn stretch(&mut self, _stretch: &mut Stretch<'_>) -> Result<(), Refused> {
        Ok(())
    }

    /// A doctype: what came is meant as a whole document.
    fn doctype(&mut self) {}

    /// An end tag `</body>`, `</html>` or `</head>` in HTML content: not in a template, a `select`,
    /// foreign content or raw text. What is put into `before` goes out before the tag, behind the end
    /// tags that `before` has already: of forms, links and the like which the page has not ended.
    fn end_tag(&mut self, _name: &[u8], _before: &mut Vec<u8>) {}

    /// The end of the document. What is put into `after` goes out last, behind what it has already, as
    /// in [`Edit::end_tag`]. Not called when the input
    /// ends inside a tag, a comment or raw text: what follows there would become part of it.
    fn end(&mut self, _after: &mut Vec<u8>) {}
}
