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

use super::stretch::kept;
use super::{
    Content, Edit, Element, HELD_BYTES_MAX, Inside, Interest, Key, Kind, Mode, Piece, Place,
    Refused, Rewriter, Seen, Stretches, Unseen, Window, Written, find, lower, spans,
};
use crate::html::Namespace;
use crate::html::find::is_space;

impl<E: Edit> Rewriter<E> {
    /// A raw-text element is held, and here is more of it.
    pub(super) fn hold<O: FnMut(&[u8])>(
        &mut self,
        tag_len: usize,
        name_len: usize,
        piece: Piece,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        let text_end = if piece.continues {
            self.carry.len() - self.partial
        } else {
            self.carry.len() + piece.start - window.from
        };
        if text_end > HELD_BYTES_MAX {
            window.keep(piece.start.max(window.from), &mut self.carry);
            self.give_up(tag_len, name_len, text_end, window)?;
            return self.rest(piece, window);
        }
        if piece.kind != Kind::EndTag {
            return Ok(());
        }
        let end_tag_len = self.carry.len() + (piece.end - window.from) - text_end;
        if end_tag_len > HELD_BYTES_MAX {
            window.keep(piece.end, &mut self.carry);
            self.give_up(tag_len, name_len, text_end, window)?;
            return self.rest(Piece { continues: true, ..piece }, window);
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
        self.in_raw = false;
        let held = Region { namespace: Namespace::Html, tag_len, name_len, text_end };
        let last = window.last.get();
        let (_, after) = self.show_held(bytes, held, Shown::Whole, last, window.out);
        debug_assert!(after.is_empty(), "a complete element is written with what follows it");
        window.from = piece.end;
        carry.clear();
        self.carry = carry;
        Ok(())
    }

    /// Shows the edit what is in `carry` of an element that is too long, and decides about the rest.
    /// The text seen so far ends at `text_end`; behind it is markup that may end it, and stays.
    pub(super) fn give_up<O: FnMut(&[u8])>(
        &mut self,
        tag_len: usize,
        name_len: usize,
        text_end: usize,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        let mut carry = std::mem::take(&mut self.carry);
        let seen_end = text_end.min(HELD_BYTES_MAX);
        let held = Region { namespace: Namespace::Html, tag_len, name_len, text_end: seen_end };
        let last = window.last.get();
        let (unseen, mut after) = self.show_held(&carry, held, Shown::Beginning, last, window.out);
        let name = &carry[1..=name_len];
        if unseen == Unseen::DropText {
            after = [b"</", name, b">", &after[..]].concat();
        }
        let passes = unseen == Unseen::Pass;
        let mut shown = None;
        if passes {
            let mut stretches = Stretches::behind(&carry[tag_len..seen_end], name, false);
            stretches.take(&carry[seen_end..text_end], &mut self.edit, window.out)?;
            shown = Some(stretches);
        }
        carry.drain(..text_end);
        self.carry = carry;
        self.mode = Mode::Rest { passes, shown, after };
        Ok(())
    }

    /// More of raw text that has been decided about. What is in `carry` was markup so far.
    pub(super) fn rest<O: FnMut(&[u8])>(
        &mut self,
        piece: Piece,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        let Mode::Rest { passes, shown, after } = &mut self.mode else { return Ok(()) };
        let passes = *passes;
        if !piece.continues {
            // It was text after all.
            if let Some(stretches) = shown {
                stretches.take(&self.carry, &mut self.edit, window.out)?;
                let text = &window.chunk[window.from..piece.start];
                stretches.take(text, &mut self.edit, window.out)?;
            } else if passes {
                window.pass_carry(&mut self.carry);
                window.pass(piece.start);
            }
            self.carry.clear();
            window.from = piece.start;
        }
        if piece.kind != Kind::EndTag {
            return Ok(());
        }
        if let Some(stretches) = shown.take() {
            stretches.finish(&mut self.edit, window.out)?;
        }
        if passes {
            window.pass_carry(&mut self.carry);
            window.pass(piece.end);
        }
        self.carry.clear();
        window.from = piece.end;
        if !after.is_empty() {
            (window.out)(after);
        }
        self.mode = Mode::Flow;
        self.in_raw = false;
        Ok(())
    }

    /// At the end of a chunk within raw text that has been decided about: what is left of the chunk
    /// is markup that may end it.
    pub(super) fn leave_rest<O: FnMut(&[u8])>(
        &mut self,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        let Mode::Rest { passes, shown, .. } = &mut self.mode else { return Ok(()) };
        let end = window.chunk.len();
        if !*passes {
            window.from = end;
            return Ok(());
        }
        window.keep(end, &mut self.carry);
        // An end tag may be of any length, and nobody asks about it.
        if self.scanner.inside() == Inside::Tag {
            if let Some(stretches) = shown.take() {
                stretches.finish(&mut self.edit, window.out)?;
            }
            window.pass_carry(&mut self.carry);
        }
        Ok(())
    }

    /// A tag in `carry` is too long to hold: shows the edit what was seen of it, and decides about
    /// the rest.
    pub(super) fn open_long_tag<O: FnMut(&[u8])>(
        &mut self,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        let place = window.place(kept(HELD_BYTES_MAX));
        let out = &mut *window.out;
        let mut tag = std::mem::take(&mut self.carry);
        let (seen, more) = tag.split_at(HELD_BYTES_MAX);
        let (mut unseen, mut after) = (Unseen::Pass, Vec::new());
        let mut shown = None;
        let name = long_name(seen);
        let lower_name = lower(name, has_upper(name), &mut self.scratch.name);
        // No edit changes an end tag.
        if seen[1] == b'/' || self.edit.interest(lower_name) == Interest::Pass {
            out(seen);
        } else {
            spans(seen, &mut self.scratch.spans);
            let mut element = Element::new(Seen {
                name: lower_name,
                namespace: self.tree.namespace(Key::of(name), |wanted| find(seen, wanted)),
                tag: Written { bytes: seen, spans: &self.scratch.spans, ended: false },
                text: None,
                end_tag: None,
                is_cut: true,
                breaks_out: !self.tree.is_html()
                    && self.tree.breaks_out(Key::of(name), |wanted| find(seen, wanted)),
                is_plain: false,
            });
            self.edit.element(&mut element);
            (unseen, after) = element.write(place, out);
            if unseen == Unseen::Pass {
                shown = Some(Stretches::behind(seen, name, true));
            }
        }
        if let Some(stretches) = &mut shown {
            stretches.take(more, &mut self.edit, out)?;
        } else if unseen == Unseen::Pass && !more.is_empty() {
            out(more);
        }
        tag.truncate(HELD_BYTES_MAX);
        self.carry = tag;
        self.mode = Mode::LongTag { unseen, shown, after };
        Ok(())
    }

    /// More of a tag that is too long.
    pub(super) fn long_tag<O: FnMut(&[u8])>(
        &mut self,
        piece: Piece,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        if piece.kind == Kind::Partial {
            return Ok(());
        }
        let Mode::LongTag { unseen, shown, .. } = &mut self.mode else { return Ok(()) };
        if let Some(mut stretches) = shown.take() {
            stretches.take(&window.chunk[window.from..piece.end], &mut self.edit, window.out)?;
            stretches.finish(&mut self.edit, window.out)?;
        } else if *unseen == Unseen::Pass {
            window.pass(piece.end);
        }
        window.from = piece.end;
        self.close_long_tag(piece.kind, window.out)
    }

    /// A tag that was too long has ended.
    pub(super) fn close_long_tag(
        &mut self,
        kind: Kind,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), Refused> {
        let tag = std::mem::take(&mut self.carry);
        let mode = std::mem::replace(&mut self.mode, Mode::Flow);
        let Mode::LongTag { unseen, shown, after } = mode else { return Ok(()) };
        if let Some(stretches) = shown {
            stretches.finish(&mut self.edit, out)?;
        }
        let name = long_name(&tag);
        let key = Key::of(name);
        let mut content = Content::Data;
        if let Kind::StartTag { self_closing } = kind {
            content = self.tree.start_tag(key, self_closing, |wanted| find(&tag, wanted));
            self.in_raw = content != Content::Data;
            if self.in_raw {
                self.scanner.read_as(content, name);
            }
        } else if !std::mem::take(&mut self.in_raw) {
            self.tree.end_tag(key);
        }
        self.scanner.set_foreign(self.tree.is_foreign());
        if unseen == Unseen::Drop && content != Content::Data {
            self.mode = Mode::Rest { passes: false, shown: None, after };
        } else if !after.is_empty() {
            out(&after);
        }
        Ok(())
    }

    /// Shows the edit a held element, of which `bytes` is what there is, and writes it behind a byte
    /// that was the last to go out.
    pub(super) fn show_held(
        &mut self,
        bytes: &[u8],
        held: Region,
        shown: Shown,
        last: u8,
        out: &mut impl FnMut(&[u8]),
    ) -> (Unseen, Vec<u8>) {
        let Region { namespace, tag_len, name_len, text_end } = held;
        let tag = &bytes[..tag_len];
        let name = &tag[1..=name_len];
        let text = &bytes[tag_len..text_end];
        spans(tag, &mut self.scratch.spans);
        let mut element = Element::new(Seen {
            name: lower(name, has_upper(name), &mut self.scratch.name),
            namespace,
            tag: Written { bytes: tag, spans: &self.scratch.spans, ended: true },
            text: Some(text),
            end_tag: (shown == Shown::Whole).then(|| &bytes[text_end..]),
            is_cut: shown == Shown::Beginning,
            breaks_out: false,
            is_plain: self.tree.is_plain(),
        });
        self.edit.element(&mut element);
        // Nearly all stay as they came.
        if shown == Shown::Whole && element.is_unchanged() {
            out(bytes);
            return (Unseen::Pass, Vec::new());
        }
        // In SVG what follows is markup, and shown as such.
        let goes_on = shown == Shown::Beginning && namespace == Namespace::Html;
        let kept = if goes_on { kept(text.len()) } else { 0 };
        element.write(Place { behind_open: last == b'<', kept }, out)
    }
}

/// How much of a held element there is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// All of it: the end tag is behind the text.
    Whole,
    /// It has ended without an end tag of its own, or the input has.
    AtEnd,
    /// More than can be held.
    Beginning,
}

/// Where the parts of a held element lie.
#[derive(Clone, Copy)]
pub(super) struct Region {
    pub(super) namespace: Namespace,
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

fn has_upper(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_uppercase)
}
