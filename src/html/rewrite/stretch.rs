//! What is too long to hold and passes, shown to the edit as it goes by.
//!
//! The edit has seen the beginning and left it as it was. What follows comes in stretches of a fixed
//! size, so that where the input was cut does not show; each begins with the end of the one before,
//! so that what lies across their bounds is seen as well, if it is no longer than [`OVERLAP_BYTES`].
//!
//! Bytes that have gone out cannot be called back: only those that have not may be overwritten, and
//! none is added or taken away.
//!
//! When it comes to this is decided in [`super::hold`].

use super::super::{Edit, Refused, Stretch};

/// How much two stretches of one text have in common.
pub const OVERLAP_BYTES: usize = 4 * 1024;

/// How much goes out at a time.
const STEP_BYTES: usize = 64 * 1024;

/// So many bytes that have gone out are shown once more: a word begins where none stands before it.
const CONTEXT_BYTES: usize = 16;

/// The stretches of one text or tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stretches {
    name: Vec<u8>,
    in_tag: bool,
    bytes: Vec<u8>,
    sent: usize,
}

/// How many of the bytes seen so far are kept, to come again in the first stretch.
pub(super) fn kept(seen: usize) -> usize {
    seen.min(OVERLAP_BYTES)
}

impl Stretches {
    /// Of what follows `seen`, of which the last [`kept`] bytes have not gone out.
    pub(super) fn behind(seen: &[u8], name: &[u8], in_tag: bool) -> Self {
        let kept = kept(seen.len());
        let shown = (kept + CONTEXT_BYTES).min(seen.len());
        let mut bytes = Vec::with_capacity(CONTEXT_BYTES + OVERLAP_BYTES + STEP_BYTES);
        bytes.extend_from_slice(&seen[seen.len() - shown..]);
        Self { name: name.to_ascii_lowercase(), in_tag, bytes, sent: shown - kept }
    }

    /// Takes what follows.
    pub(super) fn take(
        &mut self,
        mut more: &[u8],
        edit: &mut impl Edit,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), Refused> {
        while !more.is_empty() {
            let full = self.sent + OVERLAP_BYTES + STEP_BYTES;
            let (some, rest) = more.split_at(more.len().min(full - self.bytes.len()));
            self.bytes.extend_from_slice(some);
            more = rest;
            if self.bytes.len() == full {
                self.show(false, edit)?;
                let end = full - OVERLAP_BYTES;
                out(&self.bytes[self.sent..end]);
                self.bytes.drain(..end - CONTEXT_BYTES);
                self.sent = CONTEXT_BYTES;
            }
        }
        Ok(())
    }

    /// Nothing follows: the rest goes out.
    pub(super) fn finish(
        mut self,
        edit: &mut impl Edit,
        out: &mut impl FnMut(&[u8]),
    ) -> Result<(), Refused> {
        self.show(true, edit)?;
        if self.sent < self.bytes.len() {
            out(&self.bytes[self.sent..]);
        }
        Ok(())
    }

    fn show(&mut self, last: bool, edit: &mut impl Edit) -> Result<(), Refused> {
        let Self { name, in_tag, bytes, sent } = self;
        edit.stretch(&mut Stretch { name, in_tag: *in_tag, bytes, sent: *sent, last })
    }
}
