//! Bodies packed as a site packs them, and unpacked as a browser does.
//!
//! This goes by the libraries and by nothing of the gateway's, so that a mistake there is not made
//! here too.
//!
//! `deflate` is zlib's format, as the standard has it; `raw deflate` is what some servers send under
//! the same name.

use std::io::{self, Read, Write};

use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzDecoder, GzEncoder, ZlibEncoder};

/// A body on its way into a packing.
pub(crate) enum Packer {
    Gzip(GzEncoder<Vec<u8>>),
    Zlib(ZlibEncoder<Vec<u8>>),
    Raw(DeflateEncoder<Vec<u8>>),
    Br(Box<CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

/// A packing that a scenario names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packing {
    Gzip,
    Deflate,
    RawDeflate,
    Br,
    Zstd,
}

impl Packing {
    pub(crate) fn of(words: &str) -> Option<Packing> {
        Some(match words {
            "gzip" => Packing::Gzip,
            "deflate" => Packing::Deflate,
            "raw deflate" => Packing::RawDeflate,
            "br" => Packing::Br,
            "zstd" => Packing::Zstd,
            _ => return None,
        })
    }

    /// What `Content-Encoding` calls it.
    pub(crate) fn coding(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Deflate | Packing::RawDeflate => "deflate",
            Packing::Br => "br",
            Packing::Zstd => "zstd",
        }
    }

    pub(crate) fn packer(self) -> Packer {
        let (into, level) = (Vec::new(), Compression::default());
        match self {
            Packing::Gzip => Packer::Gzip(GzEncoder::new(into, level)),
            Packing::Deflate => Packer::Zlib(ZlibEncoder::new(into, level)),
            Packing::RawDeflate => Packer::Raw(DeflateEncoder::new(into, level)),
            Packing::Br => Packer::Br(Box::new(CompressorWriter::new(into, 4096, 5, 20))),
            Packing::Zstd => {
                let encoder = zstd::stream::write::Encoder::new(into, 3);
                Packer::Zstd(encoder.expect("zstd has a level 3"))
            }
        }
    }
}

impl Packer {
    /// Packs more, so that it can be unpacked by itself.
    pub(crate) fn piece(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let write: &mut dyn Write = match self {
            Packer::Gzip(encoder) => encoder,
            Packer::Zlib(encoder) => encoder,
            Packer::Raw(encoder) => encoder,
            Packer::Br(encoder) => encoder,
            Packer::Zstd(encoder) => encoder,
        };
        write.write_all(plain)?;
        write.flush()?;
        let into = match self {
            Packer::Gzip(encoder) => encoder.get_mut(),
            Packer::Zlib(encoder) => encoder.get_mut(),
            Packer::Raw(encoder) => encoder.get_mut(),
            Packer::Br(encoder) => encoder.get_mut(),
            Packer::Zstd(encoder) => encoder.get_mut(),
        };
        Ok(std::mem::take(into))
    }

    /// The rest.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Packer::Gzip(encoder) => encoder.finish(),
            Packer::Zlib(encoder) => encoder.finish(),
            Packer::Raw(encoder) => encoder.finish(),
            Packer::Br(encoder) => Ok(encoder.into_inner()),
            Packer::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// What a body in this coding unpacks to; of one that is not `whole`, as far as it has come.
pub(crate) fn unpack(coding: &str, packed: &[u8], whole: bool) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    match coding {
        "gzip" => {
            let mut decoder = GzDecoder::new(Vec::new());
            decoder.write_all(packed)?;
            // A part that has been flushed is readable; only the whole has its checksum.
            if whole { decoder.try_finish() } else { decoder.flush() }?;
            plain = std::mem::take(decoder.get_mut());
        }
        "br" => as_far(brotli::Decompressor::new(packed, 4096), whole, &mut plain)?,
        "zstd" => as_far(zstd::stream::read::Decoder::new(packed)?, whole, &mut plain)?,
        _ => plain.extend_from_slice(packed),
    }
    Ok(plain)
}

fn as_far(mut read: impl Read, whole: bool, plain: &mut Vec<u8>) -> io::Result<()> {
    match read.read_to_end(plain) {
        Err(error) if whole => Err(error),
        _ => Ok(()),
    }
}
