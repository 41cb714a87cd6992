//! What is held until it is complete, and what is too long for that.
//!
//! A script can only be judged with its body, so the body waits with its start tag until the end
//! tag is there. A bound has to be put to that, or one unclosed `<script>` would hold the page back.
//!
//! What goes over the bound is shown to the edit with exactly [`HELD_BYTES_MAX`] bytes, however the
//! input was cut. The edit decides then and once; what has not been seen follows that decision. A
//! part of something removed never passes.
//!
//! Everything that is not held is in [`super`].

use super::{
    Content, Edit, Element, HELD_BYTES_MAX, Interest, Kind, Mode, Piece, Rewriter, Seen, Unseen,
    Window, Written, find, lower, spans,
};
use crate::html::Namespace;
use crate::html::tag::is_space;

impl<E: Edit> Rewriter<E> {
    /// A raw-text element is held, and here is more of it.
    pub(super) fn hold<O: FnMut(&[u8])>(
        &mut self,
        tag_len: usize,
        name_len: usize,
        piece: Piece,
        window: &mut Window<'_, O>,
    ) {
        let text_end = if piece.continues {
            self.carry.len() - self.partial
        } else {
            self.carry.len() + piece.start - window.from
        };
        if text_end > HELD_BYTES_MAX {
            window.keep(piece.start.max(window.from), &mut self.carry);
            self.give_up(tag_len, name_len, text_end, window);
            return self.rest(piece, window);
        }
        if piece.kind != Kind::EndTag {
            return;
        }
        let end_tag_len = self.carry.len() + (piece.end - window.from) - text_end;
        if end_tag_len > HELD_BYTES_MAX {
            window.keep(piece.end, &mut self.carry);
            self.give_up(tag_len, name_len, text_end, window);
            return self.rest(piece, window);
        }
        let chunk = window.chunk;
        let mut carry = std::mem::take(&mut self.carry);
        let bytes = if carry.is_empty() {
            &chunk[window.from..piece.end]
        } else {
            window.keep(piece.end, &mut carry);
            &carry[..]
        };
        self.mode = Mode::Flow;
        let (_, after) =
            self.show_held(&Region { bytes, tag_len, name_len, text_end }, true, window.out);
        debug_assert!(after.is_empty(), "a complete element is written with what follows it");
        window.from = piece.end;
        carry.clear();
        self.carry = carry;
    }

    /// Shows the edit what is in `carry` of an element that is too long, and decides about the rest.
    pub(super) fn give_up<O: FnMut(&[u8])>(
        &mut self,
        tag_len: usize,
        name_len: usize,
        text_end: usize,
        window: &mut Window<'_, O>,
    ) {
        let mut carry = std::mem::take(&mut self.carry);
        let text_end = text_end.min(HELD_BYTES_MAX);
        let region = Region { bytes: &carry, tag_len, name_len, text_end };
        let (unseen, mut after) = self.show_held(&region, false, window.out);
        if unseen == Unseen::DropText {
            let name = &carry[1..=name_len];
            after = [b"</", name, b">", &after[..]].concat();
        }
        let passes = unseen == Unseen::Pass;
        if passes {
            (window.out)(&carry[text_end..]);
        }
        carry.clear();
        self.carry = carry;
        self.mode = Mode::Rest { passes, after };
    }

    /// More of raw text that has been decided about.
    pub(super) fn rest<O: FnMut(&[u8])>(&mut self, piece: Piece, window: &mut Window<'_, O>) {
        let Mode::Rest { passes, after } = &self.mode else {
            return;
        };
        if piece.kind != Kind::EndTag {
            return;
        }
        if *passes {
            window.pass(piece.end);
        }
        window.from = piece.end;
        if !after.is_empty() {
            (window.out)(after);
        }
        self.mode = Mode::Flow;
    }

    /// A tag in `carry` is too long to hold: shows the edit what was seen of it, and decides about
    /// the rest.
    pub(super) fn open_long_tag(&mut self, out: &mut impl FnMut(&[u8])) {
        let mut tag = std::mem::take(&mut self.carry);
        let (seen, more) = tag.split_at(HELD_BYTES_MAX);
        let (mut unseen, mut after) = (Unseen::Pass, Vec::new());
        let name = lower(long_name(seen), &mut self.scratch.name);
        // No edit changes an end tag.
        if seen[1] == b'/' || self.edit.interest(name) == Interest::Pass {
            out(seen);
        } else {
            spans(seen, &mut self.scratch.spans);
            let mut element = Element::new(Seen {
                name,
                namespace: self.tree.namespace(name, |wanted| find(seen, wanted)),
                tag: Written { bytes: seen, spans: &self.scratch.spans, ended: false },
                text: None,
                end_tag: None,
            });
            self.edit.element(&mut element);
            (unseen, after) = element.write(out);
        }
        if unseen == Unseen::Pass {
            out(more);
        }
        tag.truncate(HELD_BYTES_MAX);
        self.carry = tag;
        self.mode = Mode::LongTag { unseen, after };
    }

    /// More of a tag that is too long.
    pub(super) fn long_tag<O: FnMut(&[u8])>(&mut self, piece: Piece, window: &mut Window<'_, O>) {
        if piece.kind == Kind::Partial {
            return;
        }
        if matches!(self.mode, Mode::LongTag { unseen: Unseen::Pass, .. }) {
            window.pass(piece.end);
        }
        window.from = piece.end;
        self.close_long_tag(piece.kind, window.out);
    }

    /// A tag that was too long has ended.
    pub(super) fn close_long_tag(&mut self, kind: Kind, out: &mut impl FnMut(&[u8])) {
        let tag = std::mem::take(&mut self.carry);
        let mode = std::mem::replace(&mut self.mode, Mode::Flow);
        let Mode::LongTag { unseen, after } = mode else {
            return;
        };
        let name = lower(long_name(&tag), &mut self.scratch.name);
        let mut content = Content::Data;
        if let Kind::StartTag { self_closing } = kind {
            content = self.tree.start_tag(name, self_closing, |wanted| find(&tag, wanted));
            if content != Content::Data {
                self.scanner.read_as(content, name);
            }
        } else {
            self.tree.end_tag(name);
        }
        self.scanner.set_foreign(self.tree.is_foreign());
        if unseen == Unseen::Drop && content != Content::Data {
            self.mode = Mode::Rest { passes: false, after };
        } else if !after.is_empty() {
            out(&after);
        }
    }

    pub(super) fn show_held(
        &mut self,
        region: &Region<'_>,
        complete: bool,
        out: &mut impl FnMut(&[u8]),
    ) -> (Unseen, Vec<u8>) {
        let Region { bytes, tag_len, name_len, text_end } = *region;
        let tag = &bytes[..tag_len];
        spans(tag, &mut self.scratch.spans);
        let mut element = Element::new(Seen {
            name: lower(&tag[1..=name_len], &mut self.scratch.name),
            namespace: Namespace::Html,
            tag: Written { bytes: tag, spans: &self.scratch.spans, ended: true },
            text: Some(&bytes[tag_len..text_end]),
            end_tag: complete.then(|| &bytes[text_end..]),
        });
        self.edit.element(&mut element);
        element.write(out)
    }
}

/// A held element: start tag, text, and perhaps an end tag.
pub(super) struct Region<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) tag_len: usize,
    pub(super) name_len: usize,
    pub(super) text_end: usize,
}

/// The name in a tag of which only the start is known.
fn long_name(tag: &[u8]) -> &[u8] {
    let name = &tag[1 + usize::from(tag[1] == b'/')..];
    let end = name.iter().position(|&byte| matches!(byte, b'>' | b'/') || is_space(byte));
    &name[..end.unwrap_or(name.len())]
}
