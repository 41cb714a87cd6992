//! The coding `br` (RFC 7932), read.
//!
//! The library's streaming call is used as it is; its readers and writers would bring buffers
//! of their own.
//!
//! Windows are those of the RFC, up to 16 MiB: the "large window" variant is another format,
//! and browsers do not take it. What follows the end of the stream is ignored.
//!
//! How much may come out is for [`super::decode`] to say.

use std::io;

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::Coding;
use super::decode::{Run, corrupt};

/// A decoder for one body.
pub(super) struct Unbrotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    is_whole: bool,
}

impl Unbrotli {
    pub(super) fn new() -> Unbrotli {
        let alloc = StandardAlloc::default;
        // `new` would take large windows.
        let state = BrotliState::new_strict(alloc(), alloc(), alloc());
        Unbrotli { state: Box::new(state), is_whole: false }
    }

    /// Takes of `packed` and fills `room`, as far as one or the other goes.
    pub(super) fn run(&mut self, packed: &[u8], room: &mut [u8]) -> io::Result<Run> {
        if self.is_whole {
            return Ok(Run { taken: packed.len(), given: 0 });
        }
        let mut run = Run::default();
        let (mut left, mut space, mut total) = (packed.len(), room.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut run.taken,
            packed,
            &mut space,
            &mut run.given,
            room,
            &mut total,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultSuccess => {
                self.is_whole = true;
                run.taken = packed.len();
            }
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultFailure => {
                return Err(corrupt(Coding::Brotli, "the stream is damaged"));
            }
        }
        Ok(run)
    }

    /// Whether the body may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{packed, unpacked, unpacked_in};
    use super::*;

    #[test]
    fn what_follows_the_end_is_ignored() {
        let packed = packed(Coding::Brotli, b"<p>page</p>");
        let padded = [&packed[..], b"\x00more", &packed[..]].concat();
        for step in 1..=padded.len() {
            assert_eq!(unpacked_in(Coding::Brotli, &padded, step).unwrap(), b"<p>page</p>");
        }
    }

    #[test]
    fn the_shortest_streams_are_read() {
        for packed in [&[0x06][..], &[0x3b], &[0x0b, 0x00, 0x80, b'X', 0x03]] {
            let plain = unpacked(Coding::Brotli, packed).unwrap();
            assert_eq!(plain, &b"X"[..plain.len()]);
        }
    }

    #[test]
    fn a_large_window_is_not_taken() {
        // 0x11 is where RFC 7932 has a window size that must not be; then come 6 bits of size
        // and an empty last block.
        for window_log in 10..=30 {
            let packed = [0x11, window_log | 0xc0, 0x00];
            assert!(unpacked(Coding::Brotli, &packed).is_err(), "{window_log}");
        }
    }
}
