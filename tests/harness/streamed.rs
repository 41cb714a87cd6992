//! A page on its whole way through the gate: unpacked, read in its encoding, changed, packed again.
//!
//! Packing is done here by the libraries, not by what is tested; so is unpacking what comes out.
//!
//! Which edit looks at the page is the caller's to say.

use std::io::{Read, Write};

use kelisim::charset::{Charset, HeaderCharset, decide};
use kelisim::coding::{Coding, Decoder, Levels};
use kelisim::gate::document::Document;
use kelisim::gate::stream::Stream;

/// A page packed as a site packs it.
pub(crate) fn packed(plain: &[u8], coding: Coding) -> Vec<u8> {
    let written = "a vector takes all";
    match coding {
        Coding::Identity => plain.to_vec(),
        Coding::Gzip => {
            let mut into =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            into.write_all(plain).expect(written);
            into.finish().expect(written)
        }
        Coding::Deflate => {
            let level = flate2::Compression::default();
            let mut into = flate2::write::DeflateEncoder::new(Vec::new(), level);
            into.write_all(plain).expect(written);
            into.finish().expect(written)
        }
        Coding::Brotli => {
            let mut into = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
            into.write_all(plain).expect(written);
            into.into_inner()
        }
        Coding::Zstd => zstd::stream::encode_all(plain, 3).expect(written),
    }
}

fn unpacked(packed: &[u8], coding: Coding) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        Coding::Gzip => flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut plain),
        Coding::Brotli => brotli::Decompressor::new(packed, 4096).read_to_end(&mut plain),
        Coding::Zstd => zstd::stream::read::Decoder::new(packed)
            .and_then(|mut decoder| decoder.read_to_end(&mut plain)),
        Coding::Identity | Coding::Deflate => {
            plain.extend_from_slice(packed);
            Ok(plain.len())
        }
    }
    .expect("what was packed unpacks");
    plain
}

/// Every coding that a page comes in, with one that it goes on in.
pub(crate) const CODINGS: [(Coding, Coding); 5] = [
    (Coding::Identity, Coding::Identity),
    (Coding::Gzip, Coding::Zstd),
    (Coding::Deflate, Coding::Gzip),
    (Coding::Brotli, Coding::Brotli),
    (Coding::Zstd, Coding::Identity),
];

/// One way of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// As it comes.
    pub(crate) from: Coding,
    /// As it goes on.
    pub(crate) to: Coding,
    /// Whether there is a pause after each piece.
    pub(crate) pauses: bool,
}

/// What comes out for pieces of a packed page, unpacked, with the encoding that was found.
pub(crate) fn streamed<'a>(
    document: impl Fn() -> Document,
    pieces: impl Iterator<Item = &'a [u8]>,
    header: HeaderCharset,
    way: Way,
) -> (Vec<u8>, Charset) {
    let mut decoder = Decoder::new(way.from);
    let (mut first, mut stream, mut out) = (Vec::new(), None, Vec::new());
    let begin = |first: &[u8], at_end| {
        let charset = decide(&header, None, first, at_end)?;
        let stream = Stream::new(charset, document(), way.to, Levels::default());
        Some((stream.expect("the page can be read"), charset))
    };
    for mut piece in pieces {
        loop {
            let mut plain = Vec::new();
            let step = decoder.step(piece, &mut plain).expect("the page unpacks");
            piece = &piece[step.taken..];
            if let Some((stream, _)) = &mut stream {
                Stream::take(stream, &plain, &mut out).expect("nothing is refused");
            } else {
                first.extend_from_slice(&plain);
                stream = begin(&first, false);
                if let Some((stream, _)) = &mut stream {
                    stream.take(&first, &mut out).expect("nothing is refused");
                }
            }
            if !step.more {
                break;
            }
        }
        if let (true, Some((stream, _))) = (way.pauses, &mut stream) {
            stream.flush(&mut out).expect("what is known goes out");
        }
    }
    decoder.finish().expect("the page is whole");
    let (stream, charset) = stream.unwrap_or_else(|| {
        let (mut stream, charset) = begin(&first, true).expect("the end tells the encoding");
        stream.take(&first, &mut out).expect("nothing is refused");
        (stream, charset)
    });
    stream.finish(&mut out).expect("nothing is refused");
    (unpacked(&out, way.to), charset)
}
