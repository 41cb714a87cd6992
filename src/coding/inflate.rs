//! The two codings made of DEFLATE: `gzip` and `deflate`.
//!
//! A gzip body may have several members (RFC 1952 §2.2). A deflate body should be in zlib's
//! format (RFC 9110 §8.4.1.2), but some servers send the bare stream, and browsers read both.
//!
//! Checksums and lengths are verified. What follows the last gzip member and is no member is
//! ignored, and so is what follows a deflate stream, as browsers do.
//!
//! How much may come out is for [`super::decode`] to say.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};

use super::Coding;
use super::decode::{Run, corrupt};

/// How a gzip member begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The window of RFC 1951: 32 KiB.
const WINDOW_LOG: u8 = 15;

/// A decoder for one body.
pub(super) struct Inflate {
    coding: Coding,
    state: State,
}

enum State {
    /// Before the second byte of a deflate body, which tells its kind.
    Start(Option<u8>),
    /// Within a stream.
    Within(Decompress),
    /// Behind a gzip member: whether the first byte of what may be another has come.
    Between(bool),
    /// Behind the last stream.
    Behind,
}

impl Inflate {
    pub(super) fn gzip() -> Inflate {
        let member = Decompress::new_gzip(WINDOW_LOG);
        Inflate { coding: Coding::Gzip, state: State::Within(member) }
    }

    pub(super) fn deflate() -> Inflate {
        Inflate { coding: Coding::Deflate, state: State::Start(None) }
    }

    /// Takes of `packed` and fills `room`, as far as one or the other goes.
    pub(super) fn run(&mut self, packed: &[u8], room: &mut [u8]) -> io::Result<Run> {
        let mut run = Run::default();
        loop {
            let rest = &packed[run.taken..];
            let space = &mut room[run.given..];
            if let State::Within(stream) = &mut self.state {
                let piece = inflated(self.coding, stream, rest, space)?;
                run.taken += piece.run.taken;
                run.given += piece.run.given;
                if !piece.is_end {
                    return Ok(run);
                }
                self.state = self.behind();
                continue;
            }
            // With some space it is sure that a stream takes its first two bytes at once.
            let Some(&byte) = rest.first() else { return Ok(run) };
            if space.is_empty() {
                return Ok(run);
            }
            run.taken += 1;
            let (mut stream, first) = match self.state {
                State::Start(Some(first)) => (Decompress::new(is_zlib(first, byte)), [first, byte]),
                State::Between(true) if byte == MAGIC[1] => {
                    (Decompress::new_gzip(WINDOW_LOG), MAGIC)
                }
                State::Start(None) => {
                    self.state = State::Start(Some(byte));
                    continue;
                }
                State::Between(false) if byte == MAGIC[0] => {
                    self.state = State::Between(true);
                    continue;
                }
                _ => {
                    self.state = State::Behind;
                    run.taken = packed.len();
                    return Ok(run);
                }
            };
            let piece = inflated(self.coding, &mut stream, &first, space)?;
            run.given += piece.run.given;
            self.state = if piece.is_end { self.behind() } else { State::Within(stream) };
        }
    }

    /// Whether the body may end here.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.state, State::Between(false) | State::Behind)
    }

    /// The state behind a stream.
    fn behind(&self) -> State {
        if self.coding == Coding::Gzip { State::Between(false) } else { State::Behind }
    }
}

/// What a call of the library did.
struct Piece {
    run: Run,
    is_end: bool,
}

fn inflated(
    coding: Coding,
    stream: &mut Decompress,
    packed: &[u8],
    room: &mut [u8],
) -> io::Result<Piece> {
    let (taken, given) = (stream.total_in(), stream.total_out());
    let status = stream
        .decompress(packed, room, FlushDecompress::None)
        .map_err(|error| corrupt(coding, error))?;
    let moved = |now: u64, before: u64| {
        usize::try_from(now - before).expect("no more is moved than the slices hold")
    };
    let run =
        Run { taken: moved(stream.total_in(), taken), given: moved(stream.total_out(), given) };
    Ok(Piece { run, is_end: status == Status::StreamEnd })
}

/// Whether a deflate body is in zlib's format, by its first two bytes (RFC 1950 §2.2). A bare
/// stream that looked the same would begin with a stored block padded with ones, which no
/// encoder writes.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use flate2::{Crc, GzBuilder};

    use super::super::tests::{unpacked, unpacked_in};
    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_are_joined_and_what_follows_them_is_ignored_however_it_is_cut() {
        let one = gzip(b"<p>one</p>");
        let two = gzip(b"<p>two</p>");
        for (packed, expected) in [
            (one.clone(), "<p>one</p>"),
            ([one.clone(), two.clone()].concat(), "<p>one</p><p>two</p>"),
            ([gzip(b""), two.clone(), gzip(b""), one.clone()].concat(), "<p>two</p><p>one</p>"),
            ([one.clone(), vec![0; 16]].concat(), "<p>one</p>"),
            ([one.clone(), b"\x1fgarbage".to_vec()].concat(), "<p>one</p>"),
            ([one.clone(), vec![0], two.clone()].concat(), "<p>one</p>"),
        ] {
            for step in 1..=packed.len() {
                let plain = unpacked_in(Coding::Gzip, &packed, step).unwrap();
                assert_eq!(String::from_utf8(plain).unwrap(), expected, "in steps of {step}");
            }
        }
    }

    #[test]
    fn a_second_member_that_breaks_off_is_an_error() {
        let one = gzip(b"<p>one</p>");
        let both = [one.clone(), gzip(b"<p>two</p>")].concat();
        for end in 1..both.len() {
            assert_eq!(unpacked(Coding::Gzip, &both[..end]).is_ok(), end == one.len(), "at {end}");
        }
    }

    #[test]
    fn the_optional_fields_of_a_header_are_passed_over() {
        let mut encoder = GzBuilder::new()
            .filename("page.html")
            .comment("a comment")
            .extra(&b"AB\x02\x00xy"[..])
            .mtime(7)
            .write(Vec::new(), Compression::new(6));
        encoder.write_all(b"<p>page</p>").unwrap();
        let packed = encoder.finish().unwrap();
        for step in [1, 2, 3, 7, 4096] {
            assert_eq!(unpacked_in(Coding::Gzip, &packed, step).unwrap(), b"<p>page</p>");
        }
        for end in 1..packed.len() {
            assert!(unpacked(Coding::Gzip, &packed[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_header_is_checked_where_it_has_a_checksum() {
        let plain = gzip(b"<p>page</p>");
        let mut header = plain[..10].to_vec();
        header[3] |= 2;
        let mut checksum = Crc::new();
        checksum.update(&header);
        let sum = checksum.sum().to_le_bytes();
        let good = [&header[..], &sum[..2], &plain[10..]].concat();
        assert_eq!(unpacked_in(Coding::Gzip, &good, 1).unwrap(), b"<p>page</p>");
        let bad = [&header[..], &[sum[0] ^ 1, sum[1]], &plain[10..]].concat();
        assert!(unpacked(Coding::Gzip, &bad).is_err());
    }

    #[test]
    fn a_wrong_checksum_or_length_is_an_error() {
        let packed = gzip(b"<p>page</p>");
        for back in 1..=8 {
            let mut corrupt = packed.clone();
            let at = packed.len() - back;
            corrupt[at] ^= 1;
            assert!(unpacked(Coding::Gzip, &corrupt).is_err(), "{back} before the end");
        }
        assert!(unpacked(Coding::Gzip, b"<p>not gzip</p>").is_err());
    }

    #[test]
    fn both_kinds_of_deflate_are_read_and_what_follows_is_ignored() {
        for level in [0, 1, 6, 9] {
            for plain in [&b""[..], b"a", b"<p>page</p>", &b"<p>longer</p>".repeat(99)] {
                let mut zlib = ZlibEncoder::new(Vec::new(), Compression::new(level));
                zlib.write_all(plain).unwrap();
                let mut bare = DeflateEncoder::new(Vec::new(), Compression::new(level));
                bare.write_all(plain).unwrap();
                for packed in [zlib.finish().unwrap(), bare.finish().unwrap()] {
                    let padded = [&packed[..], b"\x78\x9cmore"].concat();
                    for step in [1, 2, 3, 7, 4096] {
                        let of = |packed| unpacked_in(Coding::Deflate, packed, step).unwrap();
                        assert_eq!(of(&packed), plain, "level {level} in steps of {step}");
                        assert_eq!(of(&padded), plain, "level {level} in steps of {step}");
                    }
                    for end in 1..packed.len() {
                        assert!(unpacked(Coding::Deflate, &packed[..end]).is_err(), "at {end}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_deflate_body_with_a_wrong_checksum_or_a_dictionary_is_an_error() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::new(6));
        zlib.write_all(b"<p>page</p>").unwrap();
        let mut packed = zlib.finish().unwrap();
        *packed.last_mut().unwrap() ^= 1;
        assert!(unpacked(Coding::Deflate, &packed).is_err());
        assert!(unpacked(Coding::Deflate, b"\x78\xbb\x00\x00\x00\x01\x03\x00").is_err());
    }
}
