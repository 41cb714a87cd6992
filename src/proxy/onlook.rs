//! Pages that pass as they came, while the gate looks on.
//!
//! Where the operator only observes, or a page is exempt, nothing is changed; but what would have been is
//! counted. So a copy of the page is unpacked, read and judged as it goes by, and what comes of it is
//! dropped.
//!
//! The visitor's bytes are never touched and never wait: a copy that cannot be unpacked or read is looked
//! at no longer, and the page goes on.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use encoding_rs::Encoding;
use http_body::{Frame, SizeHint};

use super::body::{BodyError, FromSite};
use crate::charset::{self, HeaderCharset};
use crate::coding::{Coding, Decoder, Levels};
use crate::gate::document::Document;
use crate::gate::stream::Stream;

/// A page of the site that somebody looks on at.
#[derive(Debug)]
pub struct Watched {
    from: FromSite,
    /// Nothing once there is no more to see.
    onlooker: Option<Onlooker>,
}

/// What reads the copy.
#[derive(Debug)]
pub(super) struct Onlooker {
    decoder: Decoder,
    header: HeaderCharset,
    default: Option<&'static Encoding>,
    /// What came while the encoding was not known.
    first: Vec<u8>,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    /// The encoding is not known yet.
    Not(Option<Box<Document>>),
    /// It is.
    By(Box<Stream<Document>>),
}

/// There is no use in looking on.
struct Unreadable;

impl Onlooker {
    /// Looks on at a page that comes packed in `coding`.
    pub(super) fn new(
        coding: Coding,
        header: HeaderCharset,
        default: Option<&'static Encoding>,
        document: Document,
    ) -> Onlooker {
        let reading = Reading::Not(Some(Box::new(document)));
        Onlooker { decoder: Decoder::new(coding), header, default, first: Vec::new(), reading }
    }

    fn take(&mut self, mut packed: &[u8]) -> Result<(), Unreadable> {
        let mut plain = Vec::new();
        loop {
            let step = self.decoder.step(packed, &mut plain).map_err(|_| Unreadable)?;
            packed = &packed[step.taken..];
            if !plain.is_empty() {
                self.read(&plain, false)?;
                plain.clear();
            }
            if !step.more {
                return Ok(());
            }
        }
    }

    fn finish(mut self) -> Result<(), Unreadable> {
        self.decoder.finish().map_err(|_| Unreadable)?;
        self.read(&[], true)?;
        if let Reading::By(stream) = self.reading {
            stream.finish(&mut Vec::new()).map_err(|_| Unreadable)?;
        }
        Ok(())
    }

    fn read(&mut self, plain: &[u8], at_end: bool) -> Result<(), Unreadable> {
        let mut out = Vec::new();
        let document = match &mut self.reading {
            Reading::By(stream) => {
                return stream.take(plain, &mut out).map_err(|_| Unreadable);
            }
            Reading::Not(document) => document,
        };
        self.first.extend_from_slice(plain);
        let charset = charset::decide(&self.header, self.default, &self.first, at_end);
        let (Some(charset), Some(document)) = (charset, document.take_if(|_| charset.is_some()))
        else {
            return Ok(());
        };
        let document = document.in_encoding(charset.sent_in());
        let stream = Stream::new(charset, document, Coding::Identity, Levels::default());
        let mut stream = stream.ok_or(Unreadable)?;
        let first = std::mem::take(&mut self.first);
        stream.take(&first, &mut out).map_err(|_| Unreadable)?;
        self.reading = Reading::By(Box::new(stream));
        Ok(())
    }
}

impl Watched {
    /// A body that is looked on at.
    pub(super) fn new(from: FromSite, onlooker: Onlooker) -> Watched {
        Watched { from, onlooker: Some(onlooker) }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.from.size_hint()
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.from.is_end_stream()
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(self.from.poll(cx));
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        if let (Some(data), Some(onlooker)) = (data, &mut self.onlooker)
            && onlooker.take(data).is_err()
        {
            self.onlooker = None;
        }
        // Whoever sends the body on need not ask again when it knows that this was the last.
        let ended = frame.is_none() || self.from.is_end_stream();
        if let Some(onlooker) = self.onlooker.take_if(|_| ended) {
            let _ = onlooker.finish();
        }
        Poll::Ready(frame)
    }
}
