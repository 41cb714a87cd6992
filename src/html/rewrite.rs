//! The document on its way: what passes, what is held, what changes.
//!
//! [`Rewriter`] drives the scanner over the chunks of a page and asks its [`Edit`] about each start
//! tag. What nobody asks about goes out by reference, a whole chunk at a time. What somebody does
//! ask about is held until it is complete, in the chunk where that is possible, else in a buffer.
//!
//! Where the input is cut does not show in the output: every decision rests on bytes counted from
//! where the tag began, never on where a chunk ended. Nothing held is longer than
//! [`HELD_BYTES_MAX`]; what goes over is shown to the edit as far as it came, and the rest of it in
//! stretches.
//!
//! Changes are collected and written by [`Element`]; bounds come from [`super::scan`]; what is held
//! and what is too long to hold is in [`hold`], scripts in SVG are in [`nested`], and the short way
//! through nearly all tags is in [`stride`].

mod hold;
mod nested;
mod stretch;
mod stride;
#[cfg(test)]
mod tests;
mod window;

use std::cell::Cell;

use super::element::{Element, NOTHING, Place, Seen, Unseen};
use super::name::Key;
use super::scan::{Content, Inside, Kind, Piece, Scanner};
use super::tag::{Span, Written, may_have, spans};
use super::tree::Tree;
use super::{Edit, Interest, Namespace, Refused};
use hold::{Region, Shown};
use nested::Nested;
pub use stretch::OVERLAP_BYTES;
use stretch::Stretches;
use window::{Window, find, lower};

/// The most that is held of one element: of a start tag with its body, or of a tag alone.
pub const HELD_BYTES_MAX: usize = 1 << 20;

/// Changes a document as it streams by.
#[derive(Debug)]
pub struct Rewriter<E: Edit> {
    edit: E,
    scanner: Scanner,
    tree: Tree,
    mode: Mode,
    /// What came in earlier chunks and has not gone out. In [`Mode::Flow`] it is the start of a
    /// piece of markup, in [`Mode::Held`] the element so far, in [`Mode::LongTag`] the part of the
    /// tag that was shown.
    carry: Vec<u8>,
    /// How many bytes of open markup came in earlier chunks.
    partial: usize,
    refused: bool,
    /// Whether raw text goes on, of which the next end tag is the end: it closes nothing else.
    in_raw: bool,
    /// The last byte that has gone out.
    last: u8,
    scratch: Scratch,
}

/// Buffers that are used again for every tag.
#[derive(Debug, Default)]
struct Scratch {
    name: Vec<u8>,
    spans: Vec<Span>,
    insert: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Mode {
    /// Everything passes but the tags an edit asks for.
    Flow,
    /// A raw-text element is held, its start tag of so many bytes.
    Held { tag_len: usize, name_len: usize },
    /// A script in SVG is held.
    Nested(Nested),
    /// A tag went over the bound; its rest, how that passes if the edit looks at it, and what comes
    /// behind it.
    LongTag { unseen: Unseen, shown: Option<Stretches>, after: Vec<u8> },
    /// The rest of raw text that the edit has decided about: whether it passes, how the edit sees it,
    /// and what comes behind its end tag.
    Rest { passes: bool, shown: Option<Stretches>, after: Vec<u8> },
}

/// What is known of a start tag by its name.
#[derive(Clone, Copy)]
struct Named<'a> {
    key: Key,
    /// In lower case.
    name: &'a [u8],
    interest: Interest,
}

/// Rewrites a whole document at once, and gives the edit back.
pub fn rewrite<E: Edit>(input: &[u8], edit: E) -> Result<(Vec<u8>, E), Refused> {
    let mut output = Vec::with_capacity(input.len());
    let mut out = |bytes: &[u8]| output.extend_from_slice(bytes);
    let mut rewriter = Rewriter::new(edit);
    rewriter.write(input, &mut out)?;
    let edit = rewriter.end(&mut out)?;
    Ok((output, edit))
}

impl<E: Edit> Rewriter<E> {
    /// A rewriter at the start of a document.
    pub fn new(edit: E) -> Self {
        Self {
            edit,
            scanner: Scanner::new(),
            tree: Tree::default(),
            mode: Mode::Flow,
            carry: Vec::new(),
            partial: 0,
            refused: false,
            in_raw: false,
            last: 0,
            scratch: Scratch::default(),
        }
    }

    /// Takes the next bytes of the document, and gives to `out` all that can go on. Once the edit
    /// has refused, nothing more does.
    pub fn write(&mut self, chunk: &[u8], out: &mut impl FnMut(&[u8])) -> Result<(), Refused> {
        if !self.refused {
            self.refused = self.take(chunk, out).is_err();
        }
        if self.refused { Err(Refused) } else { Ok(()) }
    }

    fn take(&mut self, chunk: &[u8], out: &mut impl FnMut(&[u8])) -> Result<(), Refused> {
        let last = Cell::new(self.last);
        let mut out = |bytes: &[u8]| {
            last.set(bytes.last().copied().unwrap_or(last.get()));
            out(bytes);
        };
        let mut window = Window { chunk, from: 0, out: &mut out, last: &last };
        let mut at = 0;
        while at < chunk.len() {
            if self.mode == Mode::Flow && self.scanner.is_in_data() {
                at = self.stride(at, &mut window);
                self.scanner.set_foreign(self.tree.is_foreign());
                if at == chunk.len() {
                    break;
                }
            }
            let piece = self.scanner.next(chunk, at);
            at = piece.end;
            self.piece(piece, &mut window)?;
            if piece.kind != Kind::Partial {
                self.partial = 0;
            } else if piece.continues {
                self.partial += piece.end - piece.start;
            } else {
                self.partial = piece.end - piece.start;
            }
        }
        let left = self.leave(&mut window);
        self.last = last.get();
        left
    }

    /// Takes the end of the document, and gives the edit back.
    pub fn end(mut self, out: &mut impl FnMut(&[u8])) -> Result<E, Refused> {
        if self.refused {
            return Err(Refused);
        }
        let carry = std::mem::take(&mut self.carry);
        match self.mode {
            Mode::Flow => {
                if !carry.is_empty() {
                    out(&carry);
                }
                let in_text = self.scanner.inside() == Inside::Text;
                if in_text && self.scanner.content() == Content::Data {
                    let mut after = Vec::new();
                    self.tree.close_off(&mut after);
                    let closed_off = after.len();
                    self.edit.end(&mut after);
                    if after.len() > closed_off {
                        out(&after);
                    }
                }
            }
            Mode::Held { tag_len, name_len } => {
                let namespace = Namespace::Html;
                let held = Region { namespace, tag_len, name_len, text_end: carry.len() };
                // What was to come behind it cannot: it never ended.
                let _ = self.show_held(&carry, held, Shown::AtEnd, self.last, out);
            }
            Mode::Nested(Nested { tag_len, name_len, .. }) => {
                let namespace = Namespace::Svg;
                let held = Region { namespace, tag_len, name_len, text_end: carry.len() };
                let _ = self.show_held(&carry, held, Shown::AtEnd, self.last, out);
            }
            Mode::LongTag { shown, .. } => {
                if let Some(stretches) = shown {
                    stretches.finish(&mut self.edit, out)?;
                }
            }
            Mode::Rest { shown, .. } => {
                // What might have become an end tag is text.
                if let Some(mut stretches) = shown {
                    stretches.take(&carry, &mut self.edit, out)?;
                    stretches.finish(&mut self.edit, out)?;
                }
            }
        }
        Ok(self.edit)
    }

    #[inline]
    fn piece<O: FnMut(&[u8])>(
        &mut self,
        piece: Piece,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        match self.mode {
            Mode::Flow => self.flow(piece, window),
            Mode::Held { tag_len, name_len } => self.hold(tag_len, name_len, piece, window),
            Mode::Nested(nested) => self.nested(nested, piece, window),
            Mode::LongTag { .. } => self.long_tag(piece, window),
            Mode::Rest { .. } => self.rest(piece, window),
        }
    }

    #[inline]
    fn flow<O: FnMut(&[u8])>(
        &mut self,
        piece: Piece,
        window: &mut Window<'_, O>,
    ) -> Result<(), Refused> {
        if !piece.continues {
            window.pass_carry(&mut self.carry);
        }
        let (Kind::StartTag { .. } | Kind::EndTag) = piece.kind else {
            if piece.kind == Kind::Doctype {
                self.edit.doctype();
            }
            if piece.kind != Kind::Partial {
                window.pass_carry(&mut self.carry);
            }
            return Ok(());
        };
        if self.carry.len() + (piece.end - piece.start) > HELD_BYTES_MAX {
            if !piece.continues {
                window.pass(piece.start);
            }
            window.keep(piece.end, &mut self.carry);
            self.open_long_tag(window)?;
            return self.close_long_tag(piece.kind, window.out);
        }
        if !piece.continues {
            let tag = &window.chunk[piece.start..piece.end];
            self.tag(tag, piece, window);
            return Ok(());
        }
        window.keep(piece.end, &mut self.carry);
        let tag = std::mem::take(&mut self.carry);
        self.tag(&tag, piece, window);
        // The buffer is used again, with the tag still in it if its element is held.
        self.carry = tag;
        if self.mode == Mode::Flow {
            self.carry.clear();
        }
        Ok(())
    }

    #[inline]
    fn tag<O: FnMut(&[u8])>(&mut self, tag: &[u8], piece: Piece, window: &mut Window<'_, O>) {
        if let Kind::StartTag { self_closing } = piece.kind {
            self.start_tag(tag, piece, self_closing, window);
        } else {
            self.end_tag(tag, piece, window);
        }
    }

    /// How much the edit needs of an element whose start tag is there.
    #[inline]
    fn interest(&mut self, name: &[u8], tag: &[u8]) -> Interest {
        let interest = self.edit.interest(name);
        let passes = interest == Interest::Attributes
            && !may_have(tag, 1 + name.len(), |text| self.edit.matters(name, text));
        if passes { Interest::Pass } else { interest }
    }

    /// A start tag: `tag` lies in the chunk at `piece`, or has come in parts and was left out of
    /// the window.
    #[inline]
    fn start_tag<O: FnMut(&[u8])>(
        &mut self,
        tag: &[u8],
        piece: Piece,
        self_closing: bool,
        window: &mut Window<'_, O>,
    ) {
        let (key, upper) = match piece.continues {
            true => Key::at(tag, 1, piece.name_len),
            false => Key::at(window.chunk, piece.start + 1, piece.name_len),
        };
        let mut scratch = std::mem::take(&mut self.scratch.name);
        let name = lower(&tag[1..=piece.name_len], upper, &mut scratch);
        let interest = self.interest(name, tag);
        self.started(tag, piece, self_closing, Named { key, name, interest }, window);
        self.scratch.name = scratch;
    }

    /// A start tag whose name has been looked at.
    #[inline]
    fn started<O: FnMut(&[u8])>(
        &mut self,
        tag: &[u8],
        piece: Piece,
        self_closing: bool,
        named: Named<'_>,
        window: &mut Window<'_, O>,
    ) {
        let in_chunk = !piece.continues;
        let Named { key, name, interest } = named;
        if interest == Interest::Pass {
            let content = self.tree.start_tag(key, self_closing, |wanted| find(tag, wanted));
            self.read_on(content, piece.name_len, tag);
            if !in_chunk {
                (window.out)(tag);
            }
            return;
        }
        let namespace = self.tree.namespace(key, |wanted| find(tag, wanted));
        let depth = self.tree.depth();
        let breaks_out =
            !self.tree.is_html() && self.tree.breaks_out(key, |wanted| find(tag, wanted));
        let content = self.tree.start_tag(key, self_closing, |wanted| find(tag, wanted));
        let raw = !matches!(content, Content::Data | Content::PlainText);
        let nested = namespace == Namespace::Svg && key == SCRIPT && self.tree.depth() > depth;
        if interest == Interest::Whole && (raw || nested) && in_chunk {
            window.pass(piece.start);
        }
        if raw && interest == Interest::Whole {
            self.mode = Mode::Held { tag_len: tag.len(), name_len: piece.name_len };
        } else if nested && interest == Interest::Whole {
            let (tag_len, name_len) = (tag.len(), piece.name_len);
            self.mode = Mode::Nested(Nested { tag_len, name_len, depth });
        } else {
            spans(tag, &mut self.scratch.spans);
            let mut element = Element::new(Seen {
                name,
                namespace,
                tag: Written { bytes: tag, spans: &self.scratch.spans, ended: true },
                text: None,
                end_tag: None,
                is_cut: false,
                breaks_out,
                is_plain: false,
            });
            self.edit.element(&mut element);
            if !element.is_unchanged() {
                if in_chunk {
                    window.pass(piece.start);
                }
                element.write(window.place(0), window.out);
                if in_chunk {
                    window.from = piece.end;
                }
            } else if !in_chunk {
                (window.out)(tag);
            }
        }
        self.read_on(content, piece.name_len, tag);
    }

    /// Tells the scanner what a start tag has changed.
    #[inline]
    fn read_on(&mut self, content: Content, name_len: usize, tag: &[u8]) {
        self.in_raw = content != Content::Data;
        if self.in_raw {
            self.scanner.read_as(content, &tag[1..=name_len]);
        }
        self.scanner.set_foreign(self.tree.is_foreign());
    }

    #[inline]
    fn end_tag<O: FnMut(&[u8])>(&mut self, tag: &[u8], piece: Piece, window: &mut Window<'_, O>) {
        if std::mem::take(&mut self.in_raw) {
            if piece.continues {
                (window.out)(tag);
            }
            return;
        }
        let (key, upper) = match piece.continues {
            true => Key::at(tag, 2, piece.name_len),
            false => Key::at(window.chunk, piece.start + 2, piece.name_len),
        };
        let hooked = matches!(key, BODY | HTML | HEAD);
        if hooked && self.tree.is_plain() && tag.len() <= HELD_BYTES_MAX {
            let name = lower(&tag[2..2 + piece.name_len], upper, &mut self.scratch.name);
            self.scratch.insert.clear();
            self.tree.close_off(&mut self.scratch.insert);
            let closed_off = self.scratch.insert.len();
            self.edit.end_tag(name, &mut self.scratch.insert);
            if self.scratch.insert.len() > closed_off {
                if !piece.continues {
                    window.pass(piece.start);
                }
                if window.place(0).behind_open && !self.scratch.insert.starts_with(b"<") {
                    (window.out)(NOTHING);
                }
                (window.out)(&self.scratch.insert);
            }
        }
        self.tree.end_tag(key);
        self.scanner.set_foreign(self.tree.is_foreign());
        if piece.continues {
            (window.out)(tag);
        }
    }

    /// At the end of a chunk: what can go out does, the rest is kept.
    fn leave<O: FnMut(&[u8])>(&mut self, window: &mut Window<'_, O>) -> Result<(), Refused> {
        let end = window.chunk.len();
        match &mut self.mode {
            Mode::Flow => {
                let waits = matches!(self.scanner.inside(), Inside::Undecided | Inside::Tag);
                if !waits {
                    // Nobody asks about comments and doctypes: they need not wait for their end.
                    window.pass_carry(&mut self.carry);
                    window.pass(end);
                    return Ok(());
                }
                if self.carry.is_empty() {
                    window.pass(end - self.partial.min(end - window.from));
                }
                window.keep(end, &mut self.carry);
                if self.carry.len() > HELD_BYTES_MAX {
                    self.open_long_tag(window)?;
                }
            }
            Mode::Held { tag_len, name_len } => {
                let (tag_len, name_len) = (*tag_len, *name_len);
                window.keep(end, &mut self.carry);
                if self.partial > HELD_BYTES_MAX {
                    let text_end = self.carry.len() - self.partial;
                    self.give_up(tag_len, name_len, text_end, window)?;
                }
            }
            Mode::Nested(nested) => {
                let nested = *nested;
                window.keep(end, &mut self.carry);
                self.bound_nested(nested, window)?;
            }
            Mode::Rest { .. } => self.leave_rest(window)?,
            Mode::LongTag { shown: Some(stretches), .. } => {
                stretches.take(&window.chunk[window.from..], &mut self.edit, window.out)?;
                window.from = end;
            }
            Mode::LongTag { unseen: Unseen::Pass, .. } => window.pass(end),
            Mode::LongTag { .. } => window.from = end,
        }
        Ok(())
    }
}

const SCRIPT: Key = Key::of(b"script");
const BODY: Key = Key::of(b"body");
const HTML: Key = Key::of(b"html");
const HEAD: Key = Key::of(b"head");
