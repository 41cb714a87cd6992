//! One element as an edit sees it, and what the edit makes of it.
//!
//! An edit looks at a name, at attributes and perhaps at a body, then says what changes. Nothing is
//! written until it is done: [`Element`] collects the changes, and the rewriter asks it to write
//! itself once.
//!
//! Only what changed changes. Spacing, quoting, order and spelling of the rest of the tag stay byte
//! for byte. A body is raw text and is written as given: nothing in it is escaped.
//!
//! The first of two attributes of one name counts, so a change to an attribute must not let the
//! second come to the fore: renaming or removing one removes its duplicates.

use std::borrow::Cow;

use super::Namespace;
use super::tag::{Attributes, Span, decode, is_space};

/// An element to look at and to change.
#[derive(Debug)]
pub struct Element<'a> {
    name: &'a [u8],
    namespace: Namespace,
    tag: &'a [u8],
    tag_ended: bool,
    spans: &'a [Span],
    text: Option<&'a [u8]>,
    /// The end tag of a held element, if it came.
    end_tag: Option<&'a [u8]>,
    changed: Vec<(usize, Change)>,
    added: Vec<(Vec<u8>, Vec<u8>)>,
    new_text: Option<Vec<u8>>,
    replaced: bool,
    before: Vec<u8>,
    inside: Vec<u8>,
    instead: Vec<u8>,
    after: Vec<u8>,
}

/// What becomes of one attribute.
#[derive(Debug, Default)]
struct Change {
    removed: bool,
    name: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

/// How much of an element the rewriter has seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) name: &'a [u8],
    pub(super) namespace: Namespace,
    pub(super) tag: &'a [u8],
    pub(super) tag_ended: bool,
    pub(super) spans: &'a [Span],
    pub(super) text: Option<&'a [u8]>,
    pub(super) end_tag: Option<&'a [u8]>,
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
            tag: seen.tag,
            tag_ended: seen.tag_ended,
            spans: seen.spans,
            text: seen.text,
            end_tag: seen.end_tag,
            changed: Vec::new(),
            added: Vec::new(),
            new_text: None,
            replaced: false,
            before: Vec::new(),
            inside: Vec::new(),
            instead: Vec::new(),
            after: Vec::new(),
        }
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
    /// those seen so far. What has not been seen passes; but if the text is set or the element
    /// replaced or removed, it is dropped, and if an unfinished tag is changed, the tag ends where
    /// it was seen to.
    pub fn is_complete(&self) -> bool {
        self.tag_ended && (self.text.is_none() || self.end_tag.is_some())
    }

    /// An attribute's value as a browser reads it, earlier changes of this edit included. Names are
    /// compared without regard to ASCII case; the first of duplicates counts. `Some("")` is an
    /// attribute without a value.
    pub fn attribute(&self, name: &[u8]) -> Option<Cow<'a, [u8]>> {
        if let Some((_, value)) = self
            .added
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            return Some(Cow::Owned(value.clone()));
        }
        (0..self.spans.len())
            .find(|&at| self.is_named(at, name))
            .map(
                |at| match self.change(at).and_then(|change| change.value.as_ref()) {
                    Some(value) => Cow::Owned(value.clone()),
                    None => match &self.spans[at].value {
                        Some(value) => decode(&self.tag[value.clone()]),
                        None => Cow::Borrowed(&b""[..]),
                    },
                },
            )
    }

    /// The attributes as they came, in order, duplicates included.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.tag, self.spans)
    }

    /// The body of a held element, as it came.
    pub fn text(&self) -> Option<&'a [u8]> {
        self.text
    }

    /// The start tag, as it came.
    pub fn tag(&self) -> &'a [u8] {
        self.tag
    }

    /// Gives an attribute a value, adding it where there is none. The value is what a browser shall
    /// read: it is escaped here.
    pub fn set_attribute(&mut self, name: &[u8], value: &[u8]) {
        if let Some((_, old)) = self
            .added
            .iter_mut()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            *old = value.to_vec();
        } else if let Some(at) = (0..self.spans.len()).find(|&at| self.is_named(at, name)) {
            self.change_mut(at).value = Some(value.to_vec());
        } else {
            self.added.push((name.to_vec(), value.to_vec()));
        }
    }

    /// Renames an attribute and keeps its value as it was written. Whatever already had the new
    /// name is removed, so that a page cannot put its own value in that place; so are duplicates of
    /// the old name. Does nothing where there is no such attribute.
    pub fn rename_attribute(&mut self, from: &[u8], to: &[u8]) {
        if from.eq_ignore_ascii_case(to) || self.attribute(from).is_none() {
            return;
        }
        self.remove_attribute(to);
        if let Some((name, _)) = self
            .added
            .iter_mut()
            .find(|(n, _)| n.eq_ignore_ascii_case(from))
        {
            *name = to.to_vec();
            return;
        }
        let named: Vec<usize> = (0..self.spans.len())
            .filter(|&at| self.is_named(at, from))
            .collect();
        for (nth, at) in named.into_iter().enumerate() {
            let change = self.change_mut(at);
            if nth == 0 {
                change.name = Some(to.to_vec());
            } else {
                change.removed = true;
            }
        }
    }

    /// Removes an attribute and its duplicates.
    pub fn remove_attribute(&mut self, name: &[u8]) {
        self.added
            .retain(|(added, _)| !added.eq_ignore_ascii_case(name));
        for at in 0..self.spans.len() {
            if self.is_named(at, name) {
                self.change_mut(at).removed = true;
            }
        }
    }

    /// Puts other text in the place of a held element's body, as it is: raw text has no escapes.
    /// Without effect on an element that is not held.
    pub fn set_text(&mut self, text: impl Into<Vec<u8>>) {
        self.new_text = Some(text.into());
    }

    /// Puts something else in the place of the element: of start tag, body and end tag if it is
    /// held, else of the start tag alone, which makes sense for void elements (`img`, `link`).
    pub fn replace(&mut self, with: impl Into<Vec<u8>>) {
        self.replaced = true;
        self.instead = with.into();
    }

    /// Removes what [`Element::replace`] would replace.
    pub fn remove(&mut self) {
        self.replace(Vec::new());
    }

    /// Inserts bytes before the start tag.
    pub fn before(&mut self, bytes: &[u8]) {
        self.before.extend_from_slice(bytes);
    }

    /// Inserts bytes behind the end tag of a held element, else behind the start tag. Of an element
    /// that the input never ended, nothing can come behind, and they are dropped.
    pub fn after(&mut self, bytes: &[u8]) {
        self.after.extend_from_slice(bytes);
    }

    /// Inserts bytes right behind the start tag, as they are.
    pub fn prepend(&mut self, bytes: &[u8]) {
        self.inside.extend_from_slice(bytes);
    }

    /// Whether the edit left everything as it came.
    pub(super) fn is_unchanged(&self) -> bool {
        !self.changes_tag()
            && self.new_text.is_none()
            && !self.replaced
            && self.before.is_empty()
            && self.inside.is_empty()
            && self.after.is_empty()
    }

    /// Writes what was seen of the element, as changed, and says what becomes of the rest and what
    /// comes behind it.
    pub(super) fn write(mut self, out: &mut impl FnMut(&[u8])) -> (Unseen, Vec<u8>) {
        // An unfinished tag that is to hold or be followed by something has to end first.
        let cut = !self.tag_ended
            && (self.changes_tag() || !self.inside.is_empty() || !self.after.is_empty());
        emit(&self.before, out);
        let mut after = std::mem::take(&mut self.after);
        if self.replaced {
            emit(&self.instead, out);
            if self.is_complete() {
                emit(&after, out);
                after.clear();
            }
            return (Unseen::Drop, after);
        }
        if self.changes_tag() || cut {
            emit(&self.changed_tag(), out);
        } else {
            emit(self.tag, out);
        }
        emit(&self.inside, out);
        let mut unseen = if cut { Unseen::DropText } else { Unseen::Pass };
        if let Some(text) = self.text {
            if let Some(new) = &self.new_text {
                emit(new, out);
                unseen = Unseen::DropText;
            } else {
                emit(text, out);
            }
        }
        emit(self.end_tag.unwrap_or_default(), out);
        if self.is_complete() || self.text.is_none() {
            emit(&after, out);
            after.clear();
        }
        (unseen, after)
    }

    fn changes_tag(&self) -> bool {
        !self.changed.is_empty() || !self.added.is_empty()
    }

    fn is_named(&self, at: usize, name: &[u8]) -> bool {
        let change = self.change(at);
        if change.is_some_and(|change| change.removed) {
            return false;
        }
        change
            .and_then(|change| change.name.as_deref())
            .unwrap_or(&self.tag[self.spans[at].name.clone()])
            .eq_ignore_ascii_case(name)
    }

    fn change(&self, at: usize) -> Option<&Change> {
        self.changed
            .iter()
            .find(|(changed, _)| *changed == at)
            .map(|(_, change)| change)
    }

    fn change_mut(&mut self, at: usize) -> &mut Change {
        let index = match self
            .changed
            .binary_search_by_key(&at, |(changed, _)| *changed)
        {
            Ok(index) => index,
            Err(index) => {
                self.changed.insert(index, (at, Change::default()));
                index
            }
        };
        &mut self.changed[index].1
    }

    /// The start tag with the changes in it.
    fn changed_tag(&self) -> Vec<u8> {
        let tag = self.tag;
        let mut new = Vec::with_capacity(tag.len() + 64);
        // New attributes come first: there they are sure not to run into what stands before them.
        let mut from = (1 + self.name.len()).min(tag.len());
        new.extend_from_slice(&tag[..from]);
        for (name, value) in &self.added {
            new.push(b' ');
            new.extend_from_slice(name);
            new.push(b'=');
            push_quoted(value, &mut new);
        }
        for (at, change) in &self.changed {
            let span = &self.spans[*at];
            let whole = span.whole();
            if change.removed {
                let end = whole.end.min(tag.len());
                let next = tag.get(end).copied();
                let mut start = whole.start;
                if next.is_none_or(|byte| byte == b'>' || is_space(byte)) {
                    while start > from && is_space(tag[start - 1]) {
                        start -= 1;
                    }
                }
                new.extend_from_slice(&tag[from..start]);
                // `b c="x"=d` without `c` must not give `b` a value.
                if next == Some(b'=') {
                    new.push(b'/');
                }
                from = end;
                continue;
            }
            if let Some(name) = &change.name {
                new.extend_from_slice(&tag[from..span.name.start]);
                new.extend_from_slice(name);
                from = span.name.end;
            }
            if let Some(value) = &change.value {
                if let Some(old) = &span.value {
                    let start = old.start - usize::from(span.quoted);
                    new.extend_from_slice(&tag[from..start]);
                } else {
                    new.extend_from_slice(&tag[from..span.name.end]);
                    new.push(b'=');
                }
                push_quoted(value, &mut new);
                from = whole.end.min(tag.len());
            }
        }
        self.finish_tag(from, &mut new);
        new
    }

    fn finish_tag(&self, from: usize, new: &mut Vec<u8>) {
        if self.tag_ended {
            new.extend_from_slice(&self.tag[from..]);
            return;
        }
        // Of an attribute whose end was not seen nothing remains, unless the edit gave it a value.
        let end = match self.spans.last() {
            Some(last) if !last.ended => last.name.start,
            _ => self.tag.len(),
        };
        if from < end {
            new.extend_from_slice(&self.tag[from..end]);
        }
        new.push(b'>');
    }
}

fn emit(bytes: &[u8], out: &mut impl FnMut(&[u8])) {
    if !bytes.is_empty() {
        out(bytes);
    }
}

fn push_quoted(value: &[u8], into: &mut Vec<u8>) {
    into.push(b'"');
    for &byte in value {
        match byte {
            b'"' => into.extend_from_slice(b"&quot;"),
            b'&' => into.extend_from_slice(b"&amp;"),
            _ => into.push(byte),
        }
    }
    into.push(b'"');
}
