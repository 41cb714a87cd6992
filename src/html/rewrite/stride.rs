//! The short way through ordinary tags: nearly all of nearly every page.
//!
//! A window of the chunk is looked at once for the signs of tags, and then serves all the tags in it.
//! Nothing is said here that the scanner's states would not say; it is said sooner, and whatever is
//! unusual is left to them.
//!
//! What an ordinary tag is says [`tag::ordinary`]; what else there is, [`super`].

use super::super::find::{Signs, find as find_byte};
use super::super::scan;
use super::super::tag::{self, Ordinary, Starts};
use super::{
    Content, Edit, HELD_BYTES_MAX, Interest, Key, Kind, Mode, Named, Piece, Rewriter, Window, find,
};

/// `</` and eight bytes of a name and what ends it.
const AHEAD_BYTES: usize = 10;

impl<E: Edit> Rewriter<E> {
    /// Takes ordinary tags from `at` on, as long as there are any. Returns how far it came. Whether that is
    /// in foreign content, which changes how a `<!` is read, the scanner is not told here.
    pub(super) fn stride<O: FnMut(&[u8])>(
        &mut self,
        mut at: usize,
        window: &mut Window<'_, O>,
    ) -> usize {
        self.partial = 0;
        let chunk = window.chunk;
        while let Some(opened) = find_byte(b'<', chunk, at) {
            let Some(mut signs) = Signs::at(chunk, opened) else { return at };
            while let Some(place) = signs.opened() {
                let opened = signs.start() + place;
                let Some(ahead) = chunk.get(opened..).and_then(<[u8]>::first_chunk::<AHEAD_BYTES>)
                else {
                    return at;
                };
                if let [_, b'/', name @ ..] = *ahead
                    && let Some(len) = self.tree.closes_by(name)
                {
                    at = opened + "</>".len() + len;
                    signs.pass_opened_before(at - signs.start());
                    continue;
                }
                let [_, name @ .., _] = *ahead;
                if let Some((key, len)) = Key::read(name) {
                    let name_end = opened + 1 + len;
                    let name = &chunk[opened + 1..name_end];
                    let may_matter = |letters| self.edit.may_matter(letters);
                    let mut starts = Starts::of(E::BY_ATTRIBUTES.then_some(may_matter));
                    let Some(tag) = tag::ordinary(&mut signs, name_end, &mut starts) else {
                        return at;
                    };
                    let Ordinary { end, self_closing } = tag;
                    let noted = starts.noted();
                    let mut interest = self.edit.interest(name);
                    let matters = |text: &[u8]| self.edit.matters(name, text);
                    if interest == Interest::Attributes
                        && !noted.may_have(chunk, opened..end, name_end, matters)
                    {
                        interest = Interest::Pass;
                    }
                    let tag = &chunk[opened..end];
                    at = end;
                    if interest == Interest::Pass {
                        let content =
                            self.tree.start_tag(key, self_closing, |wanted| find(tag, wanted));
                        if content != Content::Data {
                            self.read_on(content, len, tag);
                            return at;
                        }
                        signs.pass_opened_before(at - signs.start());
                        continue;
                    }
                    let piece = Piece {
                        kind: Kind::StartTag { self_closing },
                        start: opened,
                        end,
                        continues: false,
                        name_len: len,
                    };
                    self.started(tag, piece, self_closing, Named { key, name, interest }, window);
                } else {
                    let Some(piece) = scan::ordinary(chunk, opened) else { return at };
                    let tag = &chunk[opened..piece.end];
                    if tag.len() > HELD_BYTES_MAX {
                        return at;
                    }
                    at = piece.end;
                    self.tag(tag, piece, window);
                }
                if self.mode != Mode::Flow || !self.scanner.is_in_data() {
                    return at;
                }
                signs.pass_opened_before(at - signs.start());
            }
            at = at.max(signs.start() + Signs::BYTES);
        }
        chunk.len()
    }
}
