//! Content codings: how a body is packed, read and made as it streams.
//!
//! A page has to be plain to be gated, and what goes on to the browser should be as small as
//! what the site sent. So a body is unpacked piece by piece, and packed again if it changed.
//!
//! Nothing here waits, reads a clock or does I/O. What a site flushed can be read at once and
//! what we flush can be read at once. No input makes one call put out more than
//! [`STEP_BYTES_MAX`], or a body unpack to more than two hundred times its size.
//!
//! `accept` reads what a client takes, `decode` unpacks, `encode` packs; `inflate`, `unbrotli`
//! and `unzstd` are the formats as they are read. Which bodies are unpacked at all is for the
//! gate to say.

mod accept;
mod decode;
mod encode;
mod inflate;
mod unbrotli;
mod unzstd;

#[cfg(test)]
mod tests;

pub use decode::{Decoder, STEP_BYTES_MAX, Step};
pub use encode::{Encoder, Levels, whole};

/// How a body is packed (RFC 9110 §8.4.1, RFC 7932, RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// `deflate`: zlib's format, or the bare stream that some servers send under this name.
    /// It is read and never made.
    Deflate,
    /// `gzip`, also spelled `x-gzip`.
    Gzip,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

impl Coding {
    /// All that there are.
    pub const ALL: [Coding; 5] =
        [Coding::Identity, Coding::Deflate, Coding::Gzip, Coding::Brotli, Coding::Zstd];

    /// The name in `Content-Encoding` and `Accept-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Deflate => "deflate",
            Coding::Gzip => "gzip",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }
    }

    /// The coding of this name in any case; nothing for one that we cannot read.
    fn named(name: &[u8]) -> Option<Coding> {
        if name.eq_ignore_ascii_case(b"x-gzip") {
            return Some(Coding::Gzip);
        }
        Coding::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.name().as_bytes()))
    }

    /// The one coding of a body, by its `Content-Encoding` fields (RFC 9110 §8.4). Nothing
    /// where it is packed twice, or in a way that we cannot read.
    pub fn of_body<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Option<Coding> {
        let mut one = Coding::Identity;
        for name in fields.flat_map(|field| field.split(|b| *b == b',')).map(<[u8]>::trim_ascii) {
            if name.is_empty() {
                continue;
            }
            match (Coding::named(name)?, one) {
                (Coding::Identity, _) => {}
                (coding, Coding::Identity) => one = coding,
                _ => return None,
            }
        }
        Some(one)
    }
}
