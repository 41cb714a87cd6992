//! The chunk that is being read, and small looks into it.
//!
//! What nobody changes goes out by reference, so somebody has to know how far the chunk has gone out
//! already. That is all that is kept here; what goes out is decided in [`super`].

use std::borrow::Cow;
use std::cell::Cell;

use super::super::element::Place;
use super::super::tag::{decode, spans};

/// The chunk being read, and how much of it has gone out.
pub(super) struct Window<'a, O> {
    pub(super) chunk: &'a [u8],
    pub(super) from: usize,
    pub(super) out: &'a mut O,
    /// The last byte that `out` was given.
    pub(super) last: &'a Cell<u8>,
}

impl<O: FnMut(&[u8])> Window<'_, O> {
    pub(super) fn pass(&mut self, to: usize) {
        if to > self.from {
            (self.out)(&self.chunk[self.from..to]);
        }
        self.from = to;
    }

    pub(super) fn pass_carry(&mut self, carry: &mut Vec<u8>) {
        if !carry.is_empty() {
            (self.out)(carry);
            carry.clear();
        }
    }

    /// Where the next element stands, of which all before it has gone out.
    pub(super) fn place(&self, kept: usize) -> Place {
        Place { behind_open: self.last.get() == b'<', kept }
    }

    pub(super) fn keep(&mut self, to: usize, carry: &mut Vec<u8>) {
        carry.extend_from_slice(&self.chunk[self.from..to]);
        self.from = to;
    }
}

/// A name in lower case; most are already, and have no letter in `upper` case.
#[inline]
pub(super) fn lower<'a>(name: &'a [u8], upper: bool, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    if !upper {
        return name;
    }
    scratch.clear();
    scratch.extend(name.iter().map(u8::to_ascii_lowercase));
    scratch
}

/// One attribute of a tag, where the tree builder needs it.
pub(super) fn find<'a>(tag: &'a [u8], name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let mut found = Vec::new();
    spans(tag, &mut found);
    let span = found.iter().find(|span| tag[span.name.clone()].eq_ignore_ascii_case(name))?;
    Some(span.value.as_ref().map_or(Cow::Borrowed(&b""[..]), |value| decode(&tag[value.clone()])))
}
