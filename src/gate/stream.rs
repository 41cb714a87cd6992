//! What a page goes through: read in its encoding, changed, packed again.
//!
//! The three steps stand together because each knows what the next may rely on: what was UTF-16
//! reaches the edit as UTF-8, and what nobody names the encoding of, without the bytes by which a
//! browser may come to read other markup in it.
//!
//! Where the input is cut does not show in the text that comes out. After a flush all that may go on
//! can be read by the other side.
//!
//! Unpacking comes before this, and bodies that wait for each other around it, in the proxy.

use std::io;

use crate::charset::{self, Charset, Reading, Source, Transcoder};
use crate::coding::{Coding, Encoder, Levels};
use crate::html::{Edit, Refused, Rewriter};

/// One page on its way.
#[derive(Debug)]
pub struct Stream<E: Edit> {
    text: Text,
    rewriter: Rewriter<E>,
    packer: Packer,
}

/// How the bytes of a page are read.
#[derive(Debug)]
enum Text {
    /// As they are.
    Labelled,
    /// As they are, without those that might mean something else to a browser that guesses.
    Unlabelled,
    /// Two bytes a letter.
    Utf16(Transcoder),
}

/// So much is gathered before it is packed, if the site does not pause: a changed page comes in many small
/// pieces. Most are whole by then, and are packed at once by one encoder, whose memory is still in the cache from
/// the page before.
const GATHERED_BYTES: usize = 128 * 1024;

/// The last step.
#[derive(Debug)]
struct Packer {
    coding: Coding,
    levels: Levels,
    /// Nothing until something is packed.
    encoder: Option<Encoder>,
    /// What the encoder was not given yet.
    gathered: Vec<u8>,
    /// Whether there is anything that may still be held back.
    unflushed: bool,
    failure: Option<io::Error>,
}

impl<E: Edit> Stream<E> {
    /// A page that is read as `charset` says, changed by `edit`, and packed in `coding`. Of a page
    /// that cannot be read ([`Reading::Unreadable`]) there is no stream.
    pub fn new(charset: Charset, edit: E, coding: Coding, levels: Levels) -> Option<Stream<E>> {
        let text = match (charset.reading(), charset.source()) {
            (Reading::Unreadable, _) => return None,
            (Reading::Utf16(order), _) => Text::Utf16(Transcoder::new(order)),
            (Reading::Bytes, Source::Unknown) => Text::Unlabelled,
            (Reading::Bytes, _) => Text::Labelled,
        };
        let packer = Packer {
            coding,
            levels,
            encoder: None,
            gathered: Vec::new(),
            unflushed: false,
            failure: None,
        };
        Some(Stream { text, rewriter: Rewriter::new(edit), packer })
    }

    /// Takes more of the page, and appends to `out` what can go on.
    pub fn take(&mut self, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.text {
            Text::Labelled => self.rewrite(plain, out),
            Text::Unlabelled => self.rewrite(&charset::disarm(plain), out),
            Text::Utf16(transcoder) => {
                let text = transcoder.push(plain);
                self.rewrite(text.as_bytes(), out)
            }
        }
    }

    /// Nothing more comes for a while: what has gone into the encoder comes out.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if !std::mem::take(&mut self.packer.unflushed) {
            return Ok(());
        }
        self.packer.pack(out)?.flush(out)
    }

    /// The page has ended. Appends the rest, and gives the edit back.
    pub fn finish(mut self, out: &mut Vec<u8>) -> io::Result<E> {
        if let Text::Utf16(transcoder) = std::mem::replace(&mut self.text, Text::Labelled) {
            let text = transcoder.finish();
            self.rewrite(text.as_bytes(), out)?;
        }
        let Stream { rewriter, mut packer, .. } = self;
        let edit = rewriter.end(&mut |bytes| packer.put(bytes, out));
        packer.check()?;
        let edit = edit.map_err(refused)?;
        if packer.coding != Coding::Identity {
            packer.pack(out)?;
            packer.encoder.map_or(Ok(()), |encoder| encoder.finish(out))?;
        }
        Ok(edit)
    }

    fn rewrite(&mut self, text: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Stream { rewriter, packer, .. } = self;
        let written = rewriter.write(text, &mut |bytes| packer.put(bytes, out));
        packer.check()?;
        written.map_err(refused)
    }
}

impl Packer {
    fn put(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.coding == Coding::Identity {
            return out.extend_from_slice(bytes);
        }
        self.unflushed = true;
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHERED_BYTES && self.failure.is_none() {
            self.failure = self.pack(out).map(drop).err();
        }
    }

    /// Packs what was gathered.
    fn pack(&mut self, out: &mut Vec<u8>) -> io::Result<&mut Encoder> {
        let encoder = self.encoder.get_or_insert_with(|| Encoder::new(self.coding, self.levels));
        encoder.write(&self.gathered, out)?;
        self.gathered.clear();
        Ok(encoder)
    }

    fn check(&mut self) -> io::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

fn refused(refused: Refused) -> io::Error {
    io::Error::other(refused)
}
