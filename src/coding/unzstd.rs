//! The coding `zstd` (RFC 8878), read.
//!
//! A body may have several frames, and frames that are to be skipped.
//!
//! A window is 8 MiB at most (RFC 9659 §3): more is an error, as it is in browsers. Checksums
//! are verified where a frame has one. A frame that needs a dictionary is an error, and so is
//! what is no frame.
//!
//! How much may come out is for [`super::decode`] to say.

use std::io;

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::Coding;
use super::decode::{Run, corrupt};

/// The largest window.
const WINDOW_LOG_MAX: u32 = 23;

/// A decoder for one body.
pub(super) struct Unzstd {
    context: DCtx<'static>,
    is_whole: bool,
}

impl Unzstd {
    pub(super) fn new() -> Unzstd {
        let mut context = DCtx::create();
        context
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
            .expect("the limit is one that zstd can keep");
        Unzstd { context, is_whole: true }
    }

    /// Takes of `packed` and fills `room`, as far as one or the other goes, up to the end of
    /// a frame.
    pub(super) fn run(&mut self, packed: &[u8], room: &mut [u8]) -> io::Result<Run> {
        // A room that was filled to the brim by the end of a frame leaves nothing to ask for.
        if packed.is_empty() && self.is_whole {
            return Ok(Run::default());
        }
        let mut input = InBuffer::around(packed);
        let mut output = OutBuffer::around(room);
        let hint = self
            .context
            .decompress_stream(&mut output, &mut input)
            .map_err(|code| corrupt(Coding::Zstd, get_error_name(code)))?;
        self.is_whole = hint == 0;
        Ok(Run { taken: input.pos(), given: output.pos() })
    }

    /// Whether the body may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }
}

#[cfg(test)]
mod tests {
    use zstd::zstd_safe::{CCtx, CParameter};

    use super::super::decode::{Decoder, STEP_BYTES_MAX};
    use super::super::tests::{unpacked, unpacked_in};
    use super::*;

    fn frame(plain: &[u8], parameters: &[CParameter]) -> Vec<u8> {
        let mut context = CCtx::create();
        for parameter in parameters {
            context.set_parameter(*parameter).unwrap();
        }
        let mut packed = Vec::with_capacity(plain.len() + 1024);
        let mut output = OutBuffer::around(&mut packed);
        let mut input = InBuffer::around(plain);
        while input.pos() < plain.len() {
            context.compress_stream(&mut output, &mut input).unwrap();
        }
        assert_eq!(context.end_stream(&mut output).unwrap(), 0);
        packed
    }

    #[test]
    fn frames_are_joined_and_some_are_skipped_however_it_is_cut() {
        let one = frame(b"<p>one</p>", &[]);
        let two = frame(b"<p>two</p>", &[CParameter::ChecksumFlag(true)]);
        let skip = b"\x5a\x2a\x4d\x18\x03\x00\x00\x00abc".to_vec();
        let none = b"\x50\x2a\x4d\x18\x00\x00\x00\x00".to_vec();
        let body = [&skip[..], &one, &none, &skip, &two, &skip].concat();
        let ends: Vec<usize> = [&skip, &one, &none, &skip, &two, &skip]
            .iter()
            .scan(0, |end, frame| {
                *end += frame.len();
                Some(*end)
            })
            .collect();
        for step in 1..=body.len() {
            let plain = unpacked_in(Coding::Zstd, &body, step).unwrap();
            assert_eq!(plain, b"<p>one</p><p>two</p>", "in steps of {step}");
        }
        for end in 1..body.len() {
            let is_whole = unpacked(Coding::Zstd, &body[..end]).is_ok();
            assert_eq!(is_whole, ends.contains(&end), "cut at {end}");
        }
    }

    #[test]
    fn a_wrong_checksum_a_dictionary_or_what_is_no_frame_is_an_error() {
        let mut packed = frame(b"<p>page</p>", &[CParameter::ChecksumFlag(true)]);
        *packed.last_mut().unwrap() ^= 1;
        let error = unpacked(Coding::Zstd, &packed).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
        // A frame that names dictionary 7: one byte of content, stored.
        let named = b"\x28\xb5\x2f\xfd\x21\x07\x01\x09\x00\x00X";
        let error = unpacked(Coding::Zstd, named).unwrap_err().to_string();
        assert!(error.to_lowercase().contains("dictionary"), "{error}");
        let garbage = [&frame(b"<p>page</p>", &[])[..], b"<p>more</p>"].concat();
        assert!(unpacked(Coding::Zstd, &garbage).is_err());
    }

    #[test]
    fn a_window_is_8_mib_at_most() {
        let of =
            |log: u8| [b"\x28\xb5\x2f\xfd\x00", &[(log - 10) << 3][..], b"\x09\x00\x00X"].concat();
        assert_eq!(unpacked(Coding::Zstd, &of(23)).unwrap(), b"X");
        assert!(unpacked(Coding::Zstd, &of(24)).is_err());
        // A frame of one segment has a window of its size (RFC 8878 §3.1.1.1.2).
        let single = b"\x28\xb5\x2f\xfd\xa0\x01\x00\x80\x00\x02\x00\x00";
        assert!(unpacked(Coding::Zstd, single).is_err());
    }

    #[test]
    fn a_block_that_repeats_a_byte_comes_out_a_step_at_a_time() {
        // Two blocks of 4 bytes that each stand for 128 KiB of one letter.
        let block = |last: u32| ((131_072_u32 << 3) | (1 << 1) | last).to_le_bytes();
        let mut body = b"\x28\xb5\x2f\xfd\x00\x58".to_vec();
        for last in [0, 1] {
            body.extend(&block(last)[..3]);
            body.push(b'a');
        }
        let mut decoder = Decoder::new(Coding::Zstd);
        let (mut rest, mut given) = (&body[..], 0);
        loop {
            let mut plain = Vec::new();
            let step = decoder.step(rest, &mut plain).unwrap();
            rest = &rest[step.taken..];
            given += plain.len();
            assert!(plain.capacity() <= STEP_BYTES_MAX);
            if !step.more {
                break;
            }
        }
        decoder.finish().unwrap();
        assert_eq!(given, 262_144);
    }
}
