//! Scripts in SVG, held like those in HTML.
//!
//! Their text is markup, so where one ends is the tree builder's to say: at its own end tag, at one
//! that closes something around it, or at a start tag that does not belong into SVG. What is inside
//! belongs to the script and is shown to the edit with it, not by itself.
//!
//! Over the bound the edit is shown the beginning, as incomplete, and what follows is ordinary markup
//! again: an edit that must not let the rest of it run has to change what it sees.
//!
//! Scripts in HTML are raw text and in [`super::hold`].

use super::hold::{Region, Shown};
use super::{
    Edit, HELD_BYTES_MAX, Inside, Key, Kind, Mode, Namespace, Piece, Refused, Rewriter, SCRIPT,
    Window, find,
};

/// A script in SVG that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nested {
    pub(super) tag_len: usize,
    pub(super) name_len: usize,
    /// How many elements are open around it.
    pub(super) depth: usize,
}

impl<E: Edit> Rewriter<E> {
    /// More of a script in SVG.
    pub(super) fn nested<O: FnMut(&[u8])>(
        &mut self,
        nested: Nested,
        piece: Piece,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        let text_end = self.nested_end(piece, window);
        let markup_len = self.carry.len() + piece.end - window.from - text_end;
        if text_end > HELD_BYTES_MAX || markup_len > HELD_BYTES_MAX {
            self.leave_nested(nested, Shown::Beginning, piece, text_end, window);
            return self.flow(piece, window);
        }
        let (Kind::StartTag { .. } | Kind::EndTag) = piece.kind else { return Ok(()) };
        let joined;
        let tag = if piece.continues {
            let begun = &self.carry[text_end..];
            joined = [begun, &window.chunk[window.from..piece.end]].concat();
            &joined[..]
        } else {
            &window.chunk[piece.start..piece.end]
        };
        if let Kind::StartTag { self_closing } = piece.kind {
            let name = tag[1..=piece.name_len].to_ascii_lowercase();
            let key = Key::of(&name);
            if self.tree.breaks_out(key, |wanted| find(tag, wanted)) {
                self.leave_nested(nested, Shown::AtEnd, piece, text_end, window);
                return self.flow(piece, window);
            }
            let content = self.tree.start_tag(key, self_closing, |wanted| find(tag, wanted));
            self.read_on(content, piece.name_len, tag);
            return Ok(());
        }
        if std::mem::take(&mut self.in_raw) {
            return Ok(());
        }
        let key = Key::of(&tag[2..2 + piece.name_len]);
        let depth = self.tree.depth_after(key);
        if depth > nested.depth {
            self.tree.end_tag(key);
            self.scanner.set_foreign(self.tree.is_foreign());
            return Ok(());
        }
        if key != SCRIPT || depth < nested.depth {
            self.leave_nested(nested, Shown::AtEnd, piece, text_end, window);
            return self.flow(piece, window);
        }
        self.tree.end_tag(key);
        self.scanner.set_foreign(self.tree.is_foreign());
        window.keep(piece.end, &mut self.carry);
        self.show_nested(nested, text_end, Shown::Whole, window);
        self.carry.clear();
        Ok(())
    }

    /// At the end of a chunk, which is in `carry`: whether there is more than can be held.
    pub(super) fn bound_nested<O: FnMut(&[u8])>(
        &mut self,
        nested: Nested,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        let text_end = self.carry.len() - self.partial;
        if text_end <= HELD_BYTES_MAX && self.partial <= HELD_BYTES_MAX {
            return Ok(());
        }
        self.show_nested(nested, text_end, Shown::Beginning, window);
        self.carry.drain(..text_end);
        if !matches!(self.scanner.inside(), Inside::Undecided | Inside::Tag) {
            window.pass_carry(&mut self.carry);
        } else if self.carry.len() > HELD_BYTES_MAX {
            self.open_long_tag(window)?;
        }
        Ok(())
    }

    /// The script has ended before `piece`, without an end tag of its own, or is too long.
    fn leave_nested<O: FnMut(&[u8])>(
        &mut self,
        nested: Nested,
        shown: Shown,
        piece: Piece,
        text_end: usize,
        window: &mut Window<'_, O>,
    ) {
        if !piece.continues {
            window.keep(piece.start, &mut self.carry);
        }
        self.show_nested(nested, text_end, shown, window);
        // What is left is the beginning of the piece.
        self.carry.drain(..text_end);
    }

    /// Shows the edit what is in `carry`, to `text_end`, and writes it.
    fn show_nested<O: FnMut(&[u8])>(
        &mut self,
        nested: Nested,
        text_end: usize,
        shown: Shown,
        window: &mut Window<'_, O>,
    ) {
        let Nested { tag_len, name_len, .. } = nested;
        let carry = std::mem::take(&mut self.carry);
        let seen = if shown == Shown::Beginning { text_end.min(HELD_BYTES_MAX) } else { text_end };
        let held = Region { namespace: Namespace::Svg, tag_len, name_len, text_end: seen };
        let (_, after) = self.show_held(&carry, held, shown, window.last.get(), window.out);
        if seen < text_end {
            (window.out)(&carry[seen..text_end]);
        }
        // Behind what goes on nothing can be put.
        if shown != Shown::Beginning && !after.is_empty() {
            (window.out)(&after);
        }
        self.carry = carry;
        self.mode = Mode::Flow;
    }

    /// How much of the element comes before this piece.
    fn nested_end<O>(&self, piece: Piece, window: &Window<'_, O>) -> usize {
        if piece.continues {
            self.carry.len() - self.partial
        } else {
            self.carry.len() + piece.start - window.from
        }
    }
}
