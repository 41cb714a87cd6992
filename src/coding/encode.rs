//! A body, packed as it streams.
//!
//! A page that the gate changed goes on in a coding that the client takes, at a level that
//! keeps up with a wire: what is saved on a page must not be waited for. By default an encoder
//! costs 1.3 MiB for zstd, 2.3 MiB for brotli and 0.4 MiB for gzip; higher levels cost more.
//!
//! After a flush the other side can unpack all that was written. Nothing that a caller may
//! write is refused, and the bytes depend on nothing but what was written and flushed.
//!
//! An encoder's memory is kept by its thread for the next one (`SPARE_MAX`): to get it from the system and
//! clear it would take longer than to pack a page of ordinary length.
//!
//! What the codings are and which one a client gets is in [`super`].

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::mem;
use std::ops::RangeInclusive;

use brotli::enc::StandardAlloc;
use brotli::enc::encode::{
    BrotliEncoderOperation, BrotliEncoderParameter, BrotliEncoderStateStruct,
};
use brotli::enc::{InputPair, InputReferenceMut, StaticCommand};
use brotli::interface::PredictionModeContextMap;
use flate2::{Compress, Compression, FlushCompress, Status};
use zstd::zstd_safe::{
    CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, SafeResult, get_error_name,
};

use super::Coding;

/// The window of RFC 1951: 32 KiB.
const GZIP_WINDOW_LOG: u8 = 15;

/// Brotli's window. 256 KiB hold most pages whole; the library's 4 MiB would pack such pages no
/// better, and an encoder would cost 10 MiB.
const BR_WINDOW_LOG: u32 = 18;

/// Zstd's window, for the same reason.
const ZSTD_WINDOW_LOG: u32 = 18;

/// Room is made for packed bytes in pieces of this size.
const ROOM_BYTES: usize = 4 * 1024;

/// How hard each coding tries. A level outside its range counts as the nearest within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// For zstd, in [`Levels::ZSTD`].
    pub zstd: u8,
    /// For brotli, in [`Levels::BR`].
    pub br: u8,
    /// For gzip, in [`Levels::GZIP`].
    pub gzip: u8,
}

impl Levels {
    /// The levels of zstd. Those above need windows that browsers refuse (RFC 9659).
    pub const ZSTD: RangeInclusive<u8> = 1..=19;
    /// The levels of brotli.
    pub const BR: RangeInclusive<u8> = 0..=11;
    /// The levels of gzip. Level 0 would pack nothing.
    pub const GZIP: RangeInclusive<u8> = 1..=9;
}

impl Default for Levels {
    fn default() -> Levels {
        Levels { zstd: 1, br: 4, gzip: 4 }
    }
}

/// A whole body, packed. Identity and what we do not make stay as they are.
pub fn whole(plain: &[u8], coding: Coding, levels: Levels) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = Encoder::new(coding, levels);
    let done = encoder.write(plain, &mut packed).and_then(|()| encoder.finish(&mut packed));
    done.expect("nothing that is written to an encoder is refused");
    packed
}

/// The level to use where this one was asked for.
fn within(range: &RangeInclusive<u8>, level: u8) -> u8 {
    level.clamp(*range.start(), *range.end())
}

/// An encoder for one body.
pub struct Encoder {
    format: Format,
    /// Whether something was written since the last flush.
    is_dirty: bool,
}

enum Format {
    Identity,
    /// With what it was made for.
    Deflate(Compress, Deflated),
    Brotli(Box<BrotliEncoderStateStruct<StandardAlloc>>),
    Zstd(CCtx<'static>),
}

/// What a deflating encoder is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Deflated {
    is_gzip: bool,
    level: u8,
}

impl Deflated {
    fn compress(self) -> Compress {
        let level = Compression::new(self.level.into());
        match self.is_gzip {
            true => Compress::new_gzip(level, GZIP_WINDOW_LOG),
            false => Compress::new(level, true),
        }
    }
}

/// How many encoders of a kind a thread keeps: pages of so many visitors may be under way at once.
const SPARE_MAX: usize = 16;

/// Encoders that are not in use.
#[derive(Default)]
struct Spare {
    deflate: Vec<(Compress, Deflated)>,
    zstd: Vec<CCtx<'static>>,
}

thread_local! {
    static SPARE: RefCell<Spare> = RefCell::default();
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let format = mem::replace(&mut self.format, Format::Identity);
        // At the end of a thread there may be nobody to keep it.
        let _ = SPARE.try_with(|spare| match (format, &mut *spare.borrow_mut()) {
            (Format::Deflate(mut stream, made), Spare { deflate, .. }) => {
                if deflate.len() == SPARE_MAX {
                    // The level may have changed since.
                    deflate.remove(0);
                }
                stream.reset();
                deflate.push((stream, made));
            }
            (Format::Zstd(mut context), Spare { zstd, .. }) => {
                let is_fit = context.reset(ResetDirective::SessionAndParameters).is_ok();
                if is_fit && zstd.len() < SPARE_MAX {
                    zstd.push(context);
                }
            }
            _ => {}
        });
    }
}

impl Encoder {
    /// An encoder for a body of this coding.
    pub fn new(coding: Coding, levels: Levels) -> Encoder {
        let format = match coding {
            Coding::Identity => Format::Identity,
            Coding::Deflate | Coding::Gzip => {
                let level = within(&Levels::GZIP, levels.gzip);
                let made = Deflated { is_gzip: coding == Coding::Gzip, level };
                let spare = SPARE.with_borrow_mut(|spare| {
                    let place = spare.deflate.iter().position(|(_, of)| *of == made)?;
                    Some(spare.deflate.swap_remove(place).0)
                });
                Format::Deflate(spare.unwrap_or_else(|| made.compress()), made)
            }
            Coding::Brotli => {
                let mut state = Box::new(BrotliEncoderStateStruct::new(StandardAlloc::default()));
                let level = within(&Levels::BR, levels.br).into();
                state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_QUALITY, level);
                state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_LGWIN, BR_WINDOW_LOG);
                Format::Brotli(state)
            }
            Coding::Zstd => {
                let spare = SPARE.with_borrow_mut(|spare| spare.zstd.pop());
                let mut context = spare.unwrap_or_else(CCtx::create);
                let level = within(&Levels::ZSTD, levels.zstd).into();
                for parameter in
                    [CParameter::CompressionLevel(level), CParameter::WindowLog(ZSTD_WINDOW_LOG)]
                {
                    context.set_parameter(parameter).expect("zstd has this level and window");
                }
                Format::Zstd(context)
            }
        };
        Encoder { format, is_dirty: false }
    }

    /// Takes plain bytes and appends to `packed` what is ready.
    pub fn write(&mut self, plain: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
        if plain.is_empty() {
            return Ok(());
        }
        self.is_dirty = true;
        match &mut self.format {
            Format::Identity => packed.extend_from_slice(plain),
            Format::Deflate(stream, _) => {
                let mut rest = plain;
                while !rest.is_empty() {
                    let before = stream.total_in();
                    packed.reserve(ROOM_BYTES);
                    stream.compress_vec(rest, packed, FlushCompress::None)?;
                    let taken = usize::try_from(stream.total_in() - before)
                        .expect("no more is taken than there is");
                    rest = &rest[taken..];
                }
            }
            Format::Brotli(state) => {
                run_brotli(state, BrotliEncoderOperation::BROTLI_OPERATION_PROCESS, plain, packed)?;
            }
            Format::Zstd(context) => {
                let mut input = InBuffer::around(plain);
                while input.pos() < plain.len() {
                    run_zstd(packed, |output| context.compress_stream(output, &mut input))?;
                }
            }
        }
        Ok(())
    }

    /// Appends to `packed` what the other side needs in order to unpack all that was written.
    /// Where nothing was written since the last flush, it needs nothing.
    pub fn flush(&mut self, packed: &mut Vec<u8>) -> io::Result<()> {
        if !std::mem::take(&mut self.is_dirty) {
            return Ok(());
        }
        match &mut self.format {
            Format::Identity => Ok(()),
            Format::Deflate(stream, _) => loop {
                packed.reserve(ROOM_BYTES);
                stream.compress_vec(&[], packed, FlushCompress::Sync)?;
                if packed.len() < packed.capacity() {
                    return Ok(());
                }
            },
            Format::Brotli(state) => {
                run_brotli(state, BrotliEncoderOperation::BROTLI_OPERATION_FLUSH, &[], packed)
            }
            Format::Zstd(context) => {
                while run_zstd(packed, |output| context.flush_stream(output))? > 0 {}
                Ok(())
            }
        }
    }

    /// Appends the end of the stream to `packed`. A stream of nothing is a stream too.
    pub fn finish(mut self, packed: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.format {
            Format::Identity => Ok(()),
            Format::Deflate(stream, _) => loop {
                packed.reserve(ROOM_BYTES);
                if stream.compress_vec(&[], packed, FlushCompress::Finish)? == Status::StreamEnd {
                    return Ok(());
                }
            },
            Format::Brotli(state) => {
                run_brotli(state, BrotliEncoderOperation::BROTLI_OPERATION_FINISH, &[], packed)
            }
            Format::Zstd(context) => {
                while run_zstd(packed, |output| context.end_stream(output))? > 0 {}
                Ok(())
            }
        }
    }
}

/// Runs brotli until it has taken all of `plain` and given what it has ready.
fn run_brotli(
    state: &mut BrotliEncoderStateStruct<StandardAlloc>,
    operation: BrotliEncoderOperation,
    plain: &[u8],
    packed: &mut Vec<u8>,
) -> io::Result<()> {
    let mut ignore = |_: &mut PredictionModeContextMap<InputReferenceMut<'_>>,
                      _: &mut [StaticCommand],
                      _: InputPair<'_>,
                      _: &mut StandardAlloc| ();
    let (mut left, mut at) = (plain.len(), 0);
    loop {
        // Without room it gives nothing by itself, and is asked for its own storage below.
        let is_well = state.compress_stream(
            operation,
            &mut left,
            plain,
            &mut at,
            &mut 0,
            &mut [],
            &mut 0,
            &mut None,
            &mut ignore,
        );
        if !is_well {
            return Err(io::Error::other("brotli cannot pack the page"));
        }
        let mut ready = 0;
        let storage = state.take_output(&mut ready);
        packed.extend_from_slice(&storage[..ready]);
        if left == 0 && ready == 0 {
            return Ok(());
        }
    }
}

/// Runs one call of zstd with some room, and gives what it returns.
fn run_zstd(
    packed: &mut Vec<u8>,
    call: impl FnOnce(&mut OutBuffer<'_, Vec<u8>>) -> SafeResult,
) -> io::Result<usize> {
    packed.reserve(ROOM_BYTES);
    let start = packed.len();
    call(&mut OutBuffer::around_pos(packed, start))
        .map_err(|code| io::Error::other(get_error_name(code)))
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match &self.format {
            Format::Identity => "identity",
            Format::Deflate(..) => "deflate",
            Format::Brotli(_) => "br",
            Format::Zstd(_) => "zstd",
        };
        f.debug_struct("Encoder").field("format", &format).finish_non_exhaustive()
    }
}
