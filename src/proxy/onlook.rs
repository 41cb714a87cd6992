//! Answers that pass as they came, while the gate looks on.
//!
//! Where the operator only observes, or a page is exempt, nothing is changed; but what would have been is
//! counted. So a copy of a page is unpacked, read and judged as it goes by, and what comes of it is
//! dropped; of a script, the beginning that would tell a vendor's library.
//!
//! The visitor's bytes are never touched and never wait: a copy that cannot be unpacked or read is looked
//! at no longer, and the answer goes on.

use std::fmt;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use encoding_rs::Encoding;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, response as head};
use http_body::{Frame, SizeHint};

use super::Worker;
use super::answer::{Gated, whose};
use super::body::{Body, BodyError, FromSite};
use super::pass::Walk;
use crate::charset::{self, HeaderCharset};
use crate::coding::{Coding, Decoder, Levels};
use crate::gate::document::Document;
use crate::gate::first_party::{self, Own};
use crate::gate::reports::Reports;
use crate::gate::response::Treatment;
use crate::gate::stream::Stream;
use crate::rules::SIGNATURE_BYTES;

impl Worker {
    /// Lets an answer pass as it came, and counts what would have been done with it.
    pub(super) fn look_on(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        answer: &head::Parts,
        treatment: Treatment,
        gated: Gated,
        from: FromSite,
    ) -> Body {
        let onlooker = match treatment {
            Treatment::Pass => self.librarian(walk, parts, answer, gated),
            Treatment::Wall => {
                self.counters.pages_walled.add(1);
                None
            }
            Treatment::Untouched => {
                self.counters.pages_untouched.add(1);
                None
            }
            Treatment::Rewrite(coding) => {
                self.counters.pages_rewritten.add(1);
                self.counters.banners.add(gated.banners());
                let reads = parts.method != Method::HEAD;
                reads.then(|| self.reader(walk, answer, coding, gated))
            }
        };
        match onlooker {
            Some(onlooker) => Body::Watched(Box::new(Watched::new(from, onlooker))),
            None => Body::Site(from),
        }
    }

    /// Who reads a page.
    fn reader(
        &self,
        walk: &Walk<'_>,
        answer: &head::Parts,
        coding: Coding,
        gated: Gated,
    ) -> Onlooker {
        let types = answer.headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
        let header = charset::of_header(types);
        let default = walk.snapshot.rules.site.encoding;
        let document = Some(Box::new(self.document(walk, &answer.headers, gated)));
        let begun = Begun { header, default, first: Vec::new(), document };
        Onlooker { decoder: Decoder::new(coding), sees: Sees::Beginning(begun) }
    }

    /// Who looks for a vendor's library, where there may be one.
    fn librarian(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        answer: &head::Parts,
        gated: Gated,
    ) -> Option<Onlooker> {
        if !gated.may_be_library(walk, parts, answer) {
            return None;
        }
        let codings = answer.headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
        let coding = Coding::of_body(codings)?;
        let (counters, snapshot) = (self.counters.clone(), walk.snapshot.clone());
        let judge = move |code: &[u8]| {
            let rules = &snapshot.rules;
            let own =
                |reports: &Reports| first_party::of_library(rules, &gated.fates, code, reports);
            if let Own::Withheld(withheld) = whose(&counters, rules, own) {
                counters.libraries_withheld.add(1);
                counters.withhold(rules, &withheld.tally);
            }
        };
        let library = Library { first: Vec::new(), judge: Box::new(judge) };
        Some(Onlooker { decoder: Decoder::new(coding), sees: Sees::Library(library) })
    }
}

/// A body of the site that somebody looks on at.
#[derive(Debug)]
pub struct Watched {
    from: FromSite,
    /// Nothing once there is no more to see.
    onlooker: Option<Onlooker>,
}

/// What reads the copy.
#[derive(Debug)]
struct Onlooker {
    decoder: Decoder,
    sees: Sees,
}

#[derive(Debug)]
enum Sees {
    /// A page whose encoding is not known yet.
    Beginning(Begun),
    /// A page.
    Page(Box<Stream<Document>>),
    /// A script that may be a vendor's library.
    Library(Library),
}

/// A page whose encoding is not known yet.
#[derive(Debug)]
struct Begun {
    header: HeaderCharset,
    default: Option<&'static Encoding>,
    first: Vec<u8>,
    document: Option<Box<Document>>,
}

/// Who says whose a script is that begins so.
type Judge = dyn Fn(&[u8]) + Send + Sync;

/// A script, as far as it was seen, and who says whose it is.
struct Library {
    first: Vec<u8>,
    judge: Box<Judge>,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("seen", &self.first.len()).finish_non_exhaustive()
    }
}

/// There is no use in looking on: it cannot be read, or enough was seen.
struct NoUse;

impl Onlooker {
    fn take(&mut self, mut packed: &[u8]) -> Result<(), NoUse> {
        let mut plain = Vec::new();
        loop {
            let step = self.decoder.step(packed, &mut plain).map_err(|_| NoUse)?;
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

    fn finish(mut self) -> Result<(), NoUse> {
        self.decoder.finish().map_err(|_| NoUse)?;
        self.read(&[], true)?;
        if let Sees::Page(stream) = self.sees {
            stream.finish(&mut Vec::new()).map_err(|_| NoUse)?;
        }
        Ok(())
    }

    fn read(&mut self, plain: &[u8], at_end: bool) -> Result<(), NoUse> {
        let mut out = Vec::new();
        match &mut self.sees {
            Sees::Page(stream) => stream.take(plain, &mut out).map_err(|_| NoUse),
            Sees::Library(library) => library.read(plain, at_end),
            Sees::Beginning(begun) => {
                if let Some(stream) = begun.read(plain, at_end)? {
                    self.sees = Sees::Page(stream);
                }
                Ok(())
            }
        }
    }
}

impl Begun {
    /// The page as it is read from its beginning on, once its encoding is known.
    fn read(&mut self, plain: &[u8], at_end: bool) -> Result<Option<Box<Stream<Document>>>, NoUse> {
        self.first.extend_from_slice(plain);
        let charset = charset::decide(&self.header, self.default, &self.first, at_end);
        let Some(charset) = charset else { return Ok(None) };
        let Some(document) = self.document.take() else { return Ok(None) };
        let document = document.in_encoding(charset.sent_in());
        let stream = Stream::new(charset, document, Coding::Identity, Levels::default());
        let mut stream = stream.ok_or(NoUse)?;
        stream.take(&self.first, &mut Vec::new()).map_err(|_| NoUse)?;
        Ok(Some(Box::new(stream)))
    }
}

impl Library {
    fn read(&mut self, plain: &[u8], at_end: bool) -> Result<(), NoUse> {
        self.first.extend_from_slice(plain);
        if !at_end && self.first.len() < SIGNATURE_BYTES {
            return Ok(());
        }
        (self.judge)(&self.first);
        Err(NoUse)
    }
}

impl Watched {
    /// A body that is looked on at.
    fn new(from: FromSite, onlooker: Onlooker) -> Watched {
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
