//! A gzip body, unpacked as it streams.
//!
//! A stream may have several members (RFC 1952 §2.2). What follows the last one and is no
//! member is ignored, as browsers do; one that breaks off before its checksum is an error.
//!
//! How much comes out is bounded by how much went in: a page that unpacks to hundreds of times
//! its size is an attack on whoever unpacks it.

use std::io::{self, Write};

use flate2::write::GzDecoder;

/// After so many bytes the ratio is looked at.
const RATIO_FROM: u64 = 1 << 20;

/// The highest ratio.
const RATIO_MAX: u64 = 200;

/// How a member begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A decoder for one body.
#[derive(Debug)]
pub(super) struct Gunzip {
    state: State,
    taken: u64,
    given: u64,
}

#[derive(Debug)]
enum State {
    /// Within a member.
    Member(Box<GzDecoder<Vec<u8>>>),
    /// Between members: the first byte of what may be another.
    Between(Vec<u8>),
    /// Behind the last one.
    Behind,
}

impl State {
    fn member() -> State {
        State::Member(Box::new(GzDecoder::new(Vec::new())))
    }
}

impl Gunzip {
    pub(super) fn new() -> Gunzip {
        Gunzip { state: State::member(), taken: 0, given: 0 }
    }

    /// Takes packed bytes and gives what they unpack to.
    pub(super) fn take(&mut self, mut packed: &[u8]) -> io::Result<Vec<u8>> {
        self.taken += packed.len() as u64;
        let mut plain = Vec::new();
        while !packed.is_empty() {
            match &mut self.state {
                State::Member(decoder) => {
                    let took = decoder.write(packed)?;
                    packed = &packed[took..];
                    plain.append(decoder.get_mut());
                    // A decoder takes nothing more when its member has ended.
                    if took == 0 {
                        decoder.try_finish()?;
                        plain.append(decoder.get_mut());
                        self.state = State::Between(Vec::new());
                    }
                }
                State::Between(start) => {
                    start.push(packed[0]);
                    packed = &packed[1..];
                    if !MAGIC.starts_with(start) {
                        self.state = State::Behind;
                    } else if start.len() == MAGIC.len() {
                        let mut next = State::member();
                        if let State::Member(decoder) = &mut next {
                            decoder.write_all(&MAGIC)?;
                        }
                        self.state = next;
                    }
                }
                State::Behind => break,
            }
        }
        self.given += plain.len() as u64;
        if self.given > RATIO_FROM && self.given > self.taken * RATIO_MAX {
            return Err(io::Error::other("the page unpacks to too much"));
        }
        Ok(plain)
    }

    /// What the beginning of a body unpacks to, as far as it can be told.
    pub(super) fn begin(&mut self, packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = self.take(packed)?;
        plain.extend(self.flush()?);
        Ok(plain)
    }

    /// Gives what is known so far and was not given yet.
    pub(super) fn flush(&mut self) -> io::Result<Vec<u8>> {
        let State::Member(decoder) = &mut self.state else { return Ok(Vec::new()) };
        decoder.flush()?;
        Ok(std::mem::take(decoder.get_mut()))
    }

    /// The body has ended: gives the rest, or fails where a member broke off.
    pub(super) fn finish(&mut self) -> io::Result<Vec<u8>> {
        match &mut self.state {
            // An empty body is not gzip, and nothing is lost.
            State::Member(decoder) if self.taken > 0 => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            _ => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(packed: &[u8], step: usize) -> io::Result<Vec<u8>> {
        let mut gunzip = Gunzip::new();
        let mut plain = Vec::new();
        for piece in packed.chunks(step) {
            plain.extend(gunzip.take(piece)?);
            plain.extend(gunzip.flush()?);
        }
        plain.extend(gunzip.finish()?);
        Ok(plain)
    }

    #[test]
    fn members_are_joined_and_what_follows_them_is_ignored_however_it_is_cut() {
        let one = gzip(b"<p>one</p>");
        let two = gzip(b"<p>two</p>");
        for (packed, expected) in [
            (one.clone(), "<p>one</p>"),
            ([one.clone(), two.clone()].concat(), "<p>one</p><p>two</p>"),
            ([one.clone(), vec![0; 16]].concat(), "<p>one</p>"),
            ([one.clone(), b"\x1fgarbage".to_vec()].concat(), "<p>one</p>"),
            (Vec::new(), ""),
        ] {
            for step in 1..=packed.len().max(1) {
                let plain = unpacked(&packed, step).unwrap();
                assert_eq!(String::from_utf8(plain).unwrap(), expected, "in steps of {step}");
            }
        }
    }

    #[test]
    fn a_member_that_breaks_off_or_is_corrupt_is_an_error() {
        let packed = gzip(b"<p>some page</p>");
        for end in 1..packed.len() {
            assert!(unpacked(&packed[..end], 7).is_err(), "cut at {end}");
        }
        let mut corrupt = packed.clone();
        let checksum = packed.len() - 6;
        corrupt[checksum] ^= 1;
        assert!(unpacked(&corrupt, 7).is_err());
        assert!(unpacked(b"<p>not gzip</p>", 7).is_err());
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let packed = gzip(&vec![0; 4 << 20]);
        let error = unpacked(&packed, 4096).unwrap_err();
        assert!(error.to_string().contains("too much"), "{error}");
    }
}
