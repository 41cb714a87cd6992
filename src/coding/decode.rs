//! A packed body, unpacked as it streams.
//!
//! The caller hands in what came and takes out what it unpacks to, a step at a time, so that a
//! byte of input that stands for a megabyte is never a megabyte of memory before somebody had
//! a chance to say stop. A decoder itself costs its window, which the body asks for: 46 KiB in
//! all for gzip and deflate, up to 8 MiB for zstd and 16 MiB for brotli, which take 1 MiB and
//! 0.3 MiB for a page of 140 KiB.
//!
//! A step gives all that can be known of the input so far: what the site flushed is not held
//! back. How much comes out in all is bounded by how much went in, for a page that unpacks to
//! hundreds of times its size is an attack on whoever unpacks it. After an error nothing more
//! comes out.
//!
//! The formats are in [`super::inflate`], [`super::unbrotli`] and [`super::unzstd`].

use std::fmt;
use std::io::{self, ErrorKind};

use super::Coding;
use super::inflate::Inflate;
use super::unbrotli::Unbrotli;
use super::unzstd::Unzstd;

/// The most that one step gives.
pub const STEP_BYTES_MAX: usize = 64 * 1024;

/// The least room that a step has: short input may still stand for much.
const STEP_BYTES_MIN: usize = 4 * 1024;

/// After so many bytes the ratio is looked at.
const RATIO_FROM: u64 = 1 << 20;

/// The highest ratio.
const RATIO_MAX: u64 = 200;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// How many bytes of the input were taken.
    pub taken: usize,
    /// Whether to call again with the rest of the input: some is left, or output may wait.
    pub more: bool,
}

/// A decoder for one body.
///
/// ```text
/// loop {
///     let step = decoder.step(packed, &mut plain)?;
///     packed = &packed[step.taken..];
///     // … hand on what is in `plain` …
///     if !step.more {
///         break;
///     }
/// }
/// ```
pub struct Decoder {
    format: Format,
    taken: u64,
    given: u64,
    /// Whether the last step filled its room, so that output may wait.
    is_full: bool,
}

enum Format {
    Identity,
    Inflate(Inflate),
    Brotli(Unbrotli),
    Zstd(Unzstd),
    /// Nothing more comes out.
    Failed(ErrorKind, String),
}

/// What one run of a format's decoder did: bytes taken and bytes given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub(super) taken: usize,
    pub(super) given: usize,
}

/// The error for a body that is not what its coding says.
pub(super) fn corrupt(coding: Coding, why: impl fmt::Display) -> io::Error {
    let text = format!("the page is not valid {}: {why}", coding.name());
    io::Error::new(ErrorKind::InvalidData, text)
}

impl Decoder {
    /// A decoder for a body of this coding.
    pub fn new(coding: Coding) -> Decoder {
        let format = match coding {
            Coding::Identity => Format::Identity,
            Coding::Deflate => Format::Inflate(Inflate::deflate()),
            Coding::Gzip => Format::Inflate(Inflate::gzip()),
            Coding::Brotli => Format::Brotli(Unbrotli::new()),
            Coding::Zstd => Format::Zstd(Unzstd::new()),
        };
        Decoder { format, taken: 0, given: 0, is_full: false }
    }

    /// Takes some packed bytes and appends to `plain` what they unpack to, at most
    /// [`STEP_BYTES_MAX`]. Without input it gives what still waits.
    ///
    /// `plain` grows as vectors do: a caller that empties it between steps never holds more
    /// than a step.
    pub fn step(&mut self, packed: &[u8], plain: &mut Vec<u8>) -> io::Result<Step> {
        // The formats take a call without input for a fault if it comes again and again.
        let is_idle = packed.is_empty() && !self.is_full;
        if is_idle && !matches!(self.format, Format::Failed(..)) {
            return Ok(Step { taken: 0, more: false });
        }
        let room = match self.is_full {
            true => STEP_BYTES_MAX,
            false => packed.len().saturating_mul(8).clamp(STEP_BYTES_MIN, STEP_BYTES_MAX),
        };
        let start = plain.len();
        plain.resize(start + room, 0);
        let run = self.run(packed, &mut plain[start..]);
        plain.truncate(start + run.as_ref().map_or(0, |run| run.given));
        let run = run.map_err(|error| self.fail(&error))?;
        self.is_full = run.given == room;
        Ok(Step { taken: run.taken, more: self.is_full || run.taken < packed.len() })
    }

    /// The body has ended: fails if it broke off. An empty body is no stream of any coding,
    /// but nothing is lost with it.
    ///
    /// To be called when no step has more.
    pub fn finish(&mut self) -> io::Result<()> {
        let is_whole = match &self.format {
            Format::Identity => true,
            Format::Inflate(inflate) => inflate.is_whole(),
            Format::Brotli(unbrotli) => unbrotli.is_whole(),
            Format::Zstd(unzstd) => unzstd.is_whole(),
            Format::Failed(kind, text) => return Err(io::Error::new(*kind, text.clone())),
        };
        if is_whole || self.taken == 0 {
            return Ok(());
        }
        Err(self.fail(&io::Error::new(ErrorKind::UnexpectedEof, "the page breaks off")))
    }

    fn run(&mut self, packed: &[u8], room: &mut [u8]) -> io::Result<Run> {
        let run = match &mut self.format {
            Format::Identity => {
                let length = packed.len().min(room.len());
                room[..length].copy_from_slice(&packed[..length]);
                Run { taken: length, given: length }
            }
            Format::Inflate(inflate) => inflate.run(packed, room)?,
            Format::Brotli(unbrotli) => unbrotli.run(packed, room)?,
            Format::Zstd(unzstd) => unzstd.run(packed, room)?,
            Format::Failed(kind, text) => return Err(io::Error::new(*kind, text.clone())),
        };
        // Whoever calls until all is taken must not call for ever.
        if run.taken == 0 && run.given == 0 && !packed.is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidData, "the page cannot be unpacked"));
        }
        self.taken += run.taken as u64;
        self.given += run.given as u64;
        if self.given > RATIO_FROM && self.given > self.taken.saturating_mul(RATIO_MAX) {
            return Err(io::Error::other("the page unpacks to too much"));
        }
        Ok(run)
    }

    /// Remembers an error, and lets go of what the decoder held.
    fn fail(&mut self, error: &io::Error) -> io::Error {
        let (kind, text) = (error.kind(), error.to_string());
        self.format = Format::Failed(kind, text.clone());
        io::Error::new(kind, text)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match &self.format {
            Format::Identity => "identity",
            Format::Inflate(_) => "inflate",
            Format::Brotli(_) => "br",
            Format::Zstd(_) => "zstd",
            Format::Failed(_, text) => text,
        };
        f.debug_struct("Decoder")
            .field("format", &format)
            .field("taken", &self.taken)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}
