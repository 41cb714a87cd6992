//! One element as an edit sees it, and what the edit makes of it.
//!
//! An edit looks at a name, at attributes and perhaps at a body, then says what changes. Nothing is
//! written until it is done: [`Element`] collects the changes, and the rewriter asks it to write
//! itself once.
//!
//! Only what changed changes. Spacing, quoting, order and spelling of the rest of the tag stay byte
//! for byte. A body is raw text and is written as given: nothing in it is escaped.
//!
//! What comes of the attributes is worked out in [`changes`]; when an element is shown, and how much
//! of it, in [`super::rewrite`].

mod changes;
mod content;

use std::borrow::Cow;

use super::Namespace;
use super::tag::{Attribute, Attributes, Written};
use changes::Changes;
pub use content::Code;

/// An element to look at and to change.
#[derive(Debug)]
pub struct Element<'a> {
    name: &'a [u8],
    namespace: Namespace,
    written: Written<'a>,
    text: Option<&'a [u8]>,
    /// The end tag of a held element, if it came.
    end_tag: Option<&'a [u8]>,
    is_cut: bool,
    breaks_out: bool,
    is_plain: bool,
    /// What is to become of it; nearly all stay as they are.
    made: Option<Box<Made>>,
}

/// What an edit has made of an element.
#[derive(Debug, Default)]
struct Made {
    changes: Changes,
    text: Option<Vec<u8>>,
    replaced: bool,
    before: Vec<u8>,
    inside: Vec<u8>,
    instead: Vec<u8>,
    after: Vec<u8>,
}

/// How much of an element the rewriter has seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) name: &'a [u8],
    pub(super) namespace: Namespace,
    pub(super) tag: Written<'a>,
    pub(super) text: Option<&'a [u8]>,
    pub(super) end_tag: Option<&'a [u8]>,
    /// Whether it goes on behind what can be held.
    pub(super) is_cut: bool,
    /// Whether its start tag ends the foreign content that it stands in.
    pub(super) breaks_out: bool,
    /// Whether it is known to stand in HTML that is part of the page itself.
    pub(super) is_plain: bool,
}

/// How an element is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Whether a `<` stands right before it: text so far, and part of a tag with what may follow.
    pub(super) behind_open: bool,
    /// If what has not been seen passes, so many bytes of what has are not written yet.
    pub(super) kept: usize,
}

/// What is to become of the part of an element that has not come yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// It passes.
    Pass,
    /// It is dropped with the element.
    Drop,
    /// The text is dropped; the end tag stands.
    DropText,
}

impl<'a> Element<'a> {
    pub(super) fn new(seen: Seen<'a>) -> Self {
        Self {
            name: seen.name,
            namespace: seen.namespace,
            written: seen.tag,
            text: seen.text,
            end_tag: seen.end_tag,
            is_cut: seen.is_cut,
            breaks_out: seen.breaks_out,
            is_plain: seen.is_plain,
            made: None,
        }
    }

    fn made(&mut self) -> &mut Made {
        self.made.get_or_insert_default()
    }

    /// The name in lower case.
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The namespace the browser puts the element in.
    pub fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// Whether all of it was seen. If not, the input ended inside, or more than
    /// [`HELD_BYTES_MAX`](super::HELD_BYTES_MAX) bytes came: then the attributes and the text are
    /// those seen so far. What has not been seen passes in [stretches](super::Stretch); but if the
    /// text is set or the element replaced or removed, it is dropped, and if an unfinished tag is
    /// changed, the tag ends where it was seen to.
    pub fn is_complete(&self) -> bool {
        self.written.ended && (self.text.is_none() || self.end_tag.is_some())
    }

    /// Whether more of it follows than can be held. An element that is incomplete and not cut has
    /// ended without an end tag of its own.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether the start tag was seen to its end.
    pub fn is_tag_complete(&self) -> bool {
        self.written.ended
    }

    /// Whether a held element is known to stand in HTML that is part of the page itself: not in a
    /// template, a `select` or foreign content. Of others that is not asked.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// An attribute's value as a browser reads it, earlier changes of this edit included. Names are
    /// compared without regard to ASCII case; the first of duplicates counts. `Some("")` is an
    /// attribute without a value.
    pub fn attribute(&self, name: &[u8]) -> Option<Cow<'a, [u8]>> {
        match &self.made {
            Some(made) => made.changes.value(self.written, name),
            None => self.written(name).map(|attribute| attribute.value()),
        }
    }

    /// An attribute as it came, before any change of this edit.
    pub fn written(&self, name: &[u8]) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.is_named(name))
    }

    /// The attributes as they came, in order, duplicates included.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.written.bytes, self.written.spans)
    }

    /// The body of a held element, as it came.
    pub fn text(&self) -> Option<&'a [u8]> {
        self.text
    }

    /// The body of a held element as a browser runs or shows it.
    pub fn code(&self) -> Option<Code<'a>> {
        let text = self.text?;
        Some(match self.namespace {
            Namespace::Html => Code { text: Cow::Borrowed(text), holds_elements: false },
            Namespace::Svg | Namespace::MathMl => Code::of_markup(text),
        })
    }

    /// The start tag, as it came.
    pub fn tag(&self) -> &'a [u8] {
        self.written.bytes
    }

    /// Gives an attribute a value, adding it where there is none. The value is what a browser shall
    /// read: it is escaped here.
    pub fn set_attribute(&mut self, name: &[u8], value: &[u8]) {
        let written = self.written;
        self.made().changes.set(written, name, value);
    }

    /// Renames an attribute and keeps its value as it was written. Whatever already had the new
    /// name is removed, so that a page cannot put its own value in that place; so are duplicates of
    /// the old name. Does nothing where there is no such attribute.
    pub fn rename_attribute(&mut self, from: &[u8], to: &[u8]) {
        let written = self.written;
        self.made().changes.rename(written, from, to);
    }

    /// Removes an attribute and its duplicates.
    pub fn remove_attribute(&mut self, name: &[u8]) {
        let written = self.written;
        self.made().changes.remove(written, name);
    }

    /// Puts other text in the place of a held element's body, as it is: raw text has no escapes.
    /// Without effect on an element that is not held.
    pub fn set_text(&mut self, text: impl Into<Vec<u8>>) {
        self.made().text = Some(text.into());
    }

    /// Puts something else in the place of the element: of start tag, body and end tag if it is
    /// held, else of the start tag alone, which makes sense for void elements (`img`, `link`).
    ///
    /// What stands around it is read as it was. Where the tag ends foreign content, a bare one of its
    /// name stays to do so; and a `<` right before does not become one with what follows.
    pub fn replace(&mut self, with: impl Into<Vec<u8>>) {
        let made = self.made();
        made.replaced = true;
        made.instead = with.into();
    }

    /// Removes what [`Element::replace`] would replace.
    pub fn remove(&mut self) {
        self.replace(Vec::new());
    }

    /// Whether something else, or nothing, stands in its place.
    pub fn is_replaced(&self) -> bool {
        self.made.as_ref().is_some_and(|made| made.replaced)
    }

    /// Inserts bytes before the start tag.
    pub fn before(&mut self, bytes: &[u8]) {
        self.made().before.extend_from_slice(bytes);
    }

    /// Inserts bytes behind the end tag of a held element, else behind the start tag. Of an element
    /// that the input never ended, nothing can come behind, and they are dropped.
    pub fn after(&mut self, bytes: &[u8]) {
        self.made().after.extend_from_slice(bytes);
    }

    /// Inserts bytes right behind the start tag, as they are.
    pub fn prepend(&mut self, bytes: &[u8]) {
        self.made().inside.extend_from_slice(bytes);
    }

    /// Whether the edit left everything as it came.
    pub(super) fn is_unchanged(&self) -> bool {
        self.made.as_ref().is_none_or(|made| {
            made.changes.is_empty()
                && made.text.is_none()
                && !made.replaced
                && made.before.is_empty()
                && made.inside.is_empty()
                && made.after.is_empty()
        })
    }

    /// Writes what was seen of the element, as changed, and says what becomes of the rest and what
    /// comes behind it.
    pub(super) fn write(mut self, place: Place, out: &mut impl FnMut(&[u8])) -> (Unseen, Vec<u8>) {
        let Place { behind_open, kept } = place;
        let mut made = self.made.take().map_or_else(Made::default, |made| *made);
        if made.replaced && self.breaks_out {
            made.instead.splice(0..0, [b"<", self.name, b">"].concat());
        }
        let first = match (made.before.first(), made.replaced) {
            (Some(first), _) => Some(first),
            (None, true) => made.instead.first(),
            (None, false) => Some(&b'<'),
        };
        if behind_open && first != Some(&b'<') {
            emit(NOTHING, out);
        }
        // An unfinished tag that is to hold or be followed by something has to end first.
        let cut = !self.written.ended
            && (!made.changes.is_empty() || !made.inside.is_empty() || !made.after.is_empty());
        emit(&made.before, out);
        let mut after = std::mem::take(&mut made.after);
        if made.replaced {
            emit(&made.instead, out);
            if self.is_complete() {
                emit(&after, out);
                after.clear();
            }
            return (Unseen::Drop, after);
        }
        if !made.changes.is_empty() || cut {
            emit(&made.changes.write(self.written, self.name.len()), out);
        } else {
            let bytes = self.written.bytes;
            let kept = if self.written.ended { 0 } else { kept };
            emit(&bytes[..bytes.len() - kept], out);
        }
        emit(&made.inside, out);
        let mut unseen = if cut { Unseen::DropText } else { Unseen::Pass };
        if let Some(text) = self.text {
            if let Some(new) = &made.text {
                emit(new, out);
                unseen = Unseen::DropText;
            } else {
                emit(&text[..text.len() - kept], out);
            }
        }
        emit(self.end_tag.unwrap_or_default(), out);
        if self.is_complete() || self.text.is_none() {
            emit(&after, out);
            after.clear();
        }
        (unseen, after)
    }
}

/// Keeps apart what stands before and behind it.
pub(super) const NOTHING: &[u8] = b"<!---->";

fn emit(bytes: &[u8], out: &mut impl FnMut(&[u8])) {
    if !bytes.is_empty() {
        out(bytes);
    }
}
