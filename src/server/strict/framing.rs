//! How far the body of a request has come, by its own framing.
//!
//! Bytes are followed as they pass, never kept: where one body ends, the next head begins, and what
//! reader and site must agree on is exactly that place. A chunk that is not written as the standard
//! writes it is refused, though it could be guessed (RFC 9112 §7.1).
//!
//! What the head says of the framing is read in [`super::head`].

use super::head::{FIELDS_MAX, is_control, is_token};
use crate::fault::Refusal;

/// A size has at most so many digits: more would overflow.
const SIZE_DIGITS_MAX: u8 = 15;

/// All extensions of a body's chunks together.
const EXTENSION_BYTES_MAX: u32 = 16 * 1024;

/// All fields behind the last chunk together.
const TRAILER_BYTES_MAX: usize = 16 * 1024;

/// Fields that say what a message is, or who may send it: behind a body they are too late (RFC 9110
/// §6.5.1).
const NO_TRAILERS: [&[u8]; 14] = [
    b"authorization",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-range",
    b"content-type",
    b"cookie",
    b"expect",
    b"host",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
];

/// A body on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are to come.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
}

/// A body in chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunked {
    at: At,
    size: u64,
    extensions: u32,
    /// The trailer's line that has not ended.
    line: Vec<u8>,
    /// How many bytes and fields of the trailer have come.
    trailers: usize,
    trailer_fields: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Behind so many digits of a size.
    Size(u8),
    /// In the white space that may stand before an extension.
    Padding,
    /// In a chunk's extension; whether in quotes.
    Extension(bool),
    /// Behind the CR that ends a size.
    SizeEnd,
    Data,
    /// Behind the data.
    DataEnd,
    /// Behind the CR that follows the data.
    DataEnded,
    /// In a line of the trailer.
    Trailer,
}

impl Framing {
    pub(super) fn of_length(length: u64) -> Framing {
        Framing::Length(length)
    }

    pub(super) fn chunked() -> Framing {
        Framing::Chunked(Chunked {
            at: At::Size(0),
            size: 0,
            extensions: 0,
            line: Vec::new(),
            trailers: 0,
            trailer_fields: 0,
        })
    }

    /// Whether there is no body.
    pub(super) fn is_none(&self) -> bool {
        *self == Framing::Length(0)
    }

    /// Follows the next bytes. Says how many of them are the body's, and whether it has ended there.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(usize, bool), Refusal> {
        match self {
            Framing::Length(left) => {
                let taken =
                    usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= taken as u64;
                Ok((taken, *left == 0))
            }
            Framing::Chunked(chunked) => chunked.follow(bytes),
        }
    }
}

impl Chunked {
    fn follow(&mut self, bytes: &[u8]) -> Result<(usize, bool), Refusal> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.at == At::Data {
                let left = bytes.len() - at;
                let taken = usize::try_from(self.size).map_or(left, |size| size.min(left));
                self.size -= taken as u64;
                at += taken;
                if self.size == 0 {
                    self.at = At::DataEnd;
                }
                continue;
            }
            at += 1;
            if self.step(byte)? {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// Takes a byte that is no data, and says whether the body has ended with it.
    fn step(&mut self, byte: u8) -> Result<bool, Refusal> {
        self.at = match (self.at, byte) {
            (At::Size(digits), _) if byte.is_ascii_hexdigit() => {
                if digits == SIZE_DIGITS_MAX {
                    return Err(Refusal::Chunk);
                }
                let digit = (byte as char).to_digit(16).unwrap_or_default();
                self.size = self.size << 4 | u64::from(digit);
                At::Size(digits + 1)
            }
            (At::Size(1..) | At::Padding, b' ' | b'\t') => At::Padding,
            (At::Size(1..) | At::Padding, b';') => At::Extension(false),
            (At::Size(1..) | At::Extension(false), b'\r') => At::SizeEnd,
            (At::Extension(quoted), _) if !is_control(byte) => {
                self.extensions += 1;
                if self.extensions > EXTENSION_BYTES_MAX {
                    return Err(Refusal::Chunk);
                }
                At::Extension(quoted != (byte == b'"'))
            }
            (At::SizeEnd, b'\n') if self.size == 0 => At::Trailer,
            (At::SizeEnd, b'\n') => At::Data,
            (At::DataEnd, b'\r') => At::DataEnded,
            (At::DataEnded, b'\n') => At::Size(0),
            (At::Trailer, b'\n') => return self.trailer(),
            (At::Trailer, _) => {
                self.trailers += 1;
                if self.trailers > TRAILER_BYTES_MAX {
                    return Err(Refusal::Fields);
                }
                self.line.push(byte);
                At::Trailer
            }
            _ => return Err(Refusal::Chunk),
        };
        Ok(false)
    }

    /// A line of the trailer has ended; an empty one ends the body.
    fn trailer(&mut self) -> Result<bool, Refusal> {
        let line = self.line.strip_suffix(b"\r").ok_or(Refusal::LineEnd)?;
        if line.is_empty() {
            return Ok(true);
        }
        self.trailer_fields += 1;
        if self.trailer_fields > FIELDS_MAX {
            return Err(Refusal::Fields);
        }
        let colon = memchr::memchr(b':', line).ok_or(Refusal::FieldName)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Refusal::FieldName);
        }
        if value.iter().any(|byte| is_control(*byte)) {
            return Err(Refusal::FieldValue);
        }
        if NO_TRAILERS.iter().any(|no| name.eq_ignore_ascii_case(no)) {
            return Err(Refusal::Trailer);
        }
        self.line.clear();
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much of these bytes is the body, read at once; in any two parts it has to be the same.
    fn body(framing: &Framing, bytes: &str) -> Result<Option<usize>, Refusal> {
        let bytes = bytes.as_bytes();
        let read = |parts: &[&[u8]]| {
            let (mut framing, mut taken) = (framing.clone(), 0);
            for part in parts {
                let (some, ended) = framing.follow(part)?;
                taken += some;
                if ended {
                    return Ok(Some(taken));
                }
                assert_eq!(some, part.len(), "what has not ended takes all");
            }
            Ok(None)
        };
        let whole = read(&[bytes]);
        for cut in 0..=bytes.len() {
            let (one, two) = bytes.split_at(cut);
            assert_eq!(read(&[one, two]), whole, "cut at {cut}");
        }
        whole
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        assert_eq!(body(&Framing::of_length(3), "abcGET"), Ok(Some(3)));
        assert_eq!(body(&Framing::of_length(3), "ab"), Ok(None));
        for (chunks, rest) in [
            ("0\r\n\r\n", "GET"),
            ("1 \t;a\r\nb\r\n0\r\n\r\n", "GET"),
            ("3\r\nabc\r\n0\r\n\r\n", "x"),
            ("A;a=\"b;c\"\r\n0123456789\r\n00\r\nx-sum: 1\r\n\r\n", "GET / HTTP/1.1\r\n"),
        ] {
            let all = format!("{chunks}{rest}");
            assert_eq!(body(&Framing::chunked(), &all), Ok(Some(chunks.len())), "{all:?}");
        }
        assert_eq!(body(&Framing::chunked(), "3\r\nab"), Ok(None));
    }

    #[test]
    fn a_chunk_that_could_be_read_in_two_ways_is_refused() {
        for (chunks, refusal) in [
            ("\r\n", Refusal::Chunk),
            ("g\r\n", Refusal::Chunk),
            ("0x3\r\nabc", Refusal::Chunk),
            ("-1\r\n", Refusal::Chunk),
            ("+3\r\n", Refusal::Chunk),
            (" 3\r\n", Refusal::Chunk),
            ("3 \r\nabc", Refusal::Chunk),
            ("3\nabc", Refusal::Chunk),
            ("3;a\nabc", Refusal::Chunk),
            ("3;a\0\r\nabc", Refusal::Chunk),
            (";a\r\n", Refusal::Chunk),
            ("3\r\nabcd\r\n", Refusal::Chunk),
            ("3\r\nabc\n0\r\n", Refusal::Chunk),
            ("3\r\nabc0\r\n\r\n", Refusal::Chunk),
            ("1000000000000000\r\n", Refusal::Chunk),
            ("3\r\rabc", Refusal::Chunk),
            ("0\r\nx: 1\n\r\n", Refusal::LineEnd),
            ("0\r\nx : 1\r\n\r\n", Refusal::FieldName),
            ("0\r\n x: 1\r\n\r\n", Refusal::FieldName),
            ("0\r\nx\r\n\r\n", Refusal::FieldName),
            ("0\r\nx: \0\r\n\r\n", Refusal::FieldValue),
            ("0\r\nContent-Length: 3\r\n\r\n", Refusal::Trailer),
            ("0\r\nHost: a\r\n\r\n", Refusal::Trailer),
        ] {
            assert_eq!(body(&Framing::chunked(), chunks), Err(refusal), "{chunks:?}");
        }
        let many = format!("0\r\n{}\r\n", "x: y\r\n".repeat(FIELDS_MAX));
        assert_eq!(body(&Framing::chunked(), &many), Ok(Some(many.len())));
        let more = format!("0\r\n{}", "x: y\r\n".repeat(FIELDS_MAX + 1));
        assert_eq!(Framing::chunked().follow(more.as_bytes()), Err(Refusal::Fields));
        let long = format!("1;{}\r\n", "a".repeat(17_000));
        assert_eq!(Framing::chunked().follow(long.as_bytes()), Err(Refusal::Chunk));
    }
}
