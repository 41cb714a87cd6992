//! Pages that change, on their way through decoder, rewriter and encoder.
//!
//! A page is unpacked, read in the encoding that a browser will read it in, changed, and packed
//! again. Each of these hands on what it has whenever the site pauses: what can be shown is not kept
//! waiting.
//!
//! What is corrupt, breaks off, unpacks to too much, or may not go on ends in an error and never
//! cleanly. However much a page unpacks to, no more of it is there at a time than one step of the
//! decoder gives, and what the gate holds.
//!
//! The encoding is told by the first bytes, so those are read before the head of the answer goes out
//! ([`Page::open`]): where it cannot be read, the head has to say so.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use encoding_rs::Encoding;
use http_body::Frame;
use tokio::time::{Instant, sleep_until};

use super::body::{BodyError, FromSite};
use crate::charset::{self, Charset, HeaderCharset, Reading, Source, Transcoder};
use crate::coding::{Coding, Decoder, Encoder, Levels};
use crate::gate::document::Document;
use crate::html::Rewriter;

/// Output is passed on when so much has gathered.
const OUTPUT_BYTES: usize = 16 * 1024;

/// How long a page whose header names no charset is waited for to name one itself (HTML
/// §13.2.3.2 has browsers wait as long).
const PATIENCE: Duration = Duration::from_millis(500);

/// The longest byte order mark, that of UTF-8.
const BYTE_ORDER_MARK_BYTES: usize = 3;

/// A page of the site, unpacked as it comes.
#[derive(Debug)]
pub(super) struct Page {
    from: FromSite,
    decoder: Option<Decoder>,
    /// What came and was not unpacked yet.
    packed: Bytes,
    /// Whether the decoder may have more to give.
    more: bool,
    plain: Vec<u8>,
    /// What came while the encoding was not known, to be put back if it cannot be read.
    seen: Option<Vec<Frame<Bytes>>>,
    trailers: Option<Frame<Bytes>>,
    ended: bool,
}

/// A page with its first bytes, and the encoding that they tell.
#[derive(Debug)]
pub(super) struct Opened {
    page: Page,
    first: Vec<u8>,
    /// The encoding.
    pub(super) charset: Charset,
}

impl Page {
    /// A page that comes packed in `coding`.
    pub(super) fn new(from: FromSite, coding: Coding) -> Page {
        Page {
            from,
            decoder: (coding != Coding::Identity).then(|| Decoder::new(coding)),
            packed: Bytes::new(),
            more: false,
            plain: Vec::new(),
            seen: Some(Vec::new()),
            trailers: None,
            ended: false,
        }
    }

    /// Reads as much as tells the encoding, and no more: mostly the first byte, if the header names
    /// one. Fails where the site does, or what it sent cannot be unpacked.
    pub(super) async fn open(
        mut self,
        header: &HeaderCharset,
        default: Option<&'static Encoding>,
    ) -> Result<Opened, BodyError> {
        let mut first = Vec::new();
        let mut patience = pin!(sleep_until(Instant::now() + PATIENCE));
        let charset = loop {
            // A byte order mark outweighs all else, so it is waited for as long as it takes.
            let may_be_mark = first.len() < BYTE_ORDER_MARK_BYTES;
            let no_more = self.ended || (patience.is_elapsed() && !may_be_mark);
            if let Some(charset) = charset::decide(header, default, &first, no_more) {
                break charset;
            }
            poll_fn(|cx| {
                let Poll::Ready(plain) = self.poll(cx) else {
                    if patience.is_elapsed() {
                        return Poll::Pending;
                    }
                    return patience.as_mut().poll(cx).map(Ok);
                };
                if let Some(plain) = plain.transpose()? {
                    first.extend_from_slice(&plain);
                }
                Poll::Ready(Ok::<_, BodyError>(()))
            })
            .await?;
        };
        Ok(Opened { page: self, first, charset })
    }

    /// The next of what the page unpacks to.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            if let Some(decoder) = &mut self.decoder
                && (self.more || !self.packed.is_empty())
            {
                let step = match decoder.step(&self.packed, &mut self.plain) {
                    Ok(step) => step,
                    Err(error) => return Poll::Ready(Some(Err(error.into()))),
                };
                self.more = step.more;
                let _ = self.packed.split_to(step.taken);
                if !self.plain.is_empty() {
                    return Poll::Ready(Some(Ok(std::mem::take(&mut self.plain).into())));
                }
                continue;
            }
            let Some(frame) = ready!(self.from.poll(cx)).transpose()? else {
                self.ended = true;
                let finished = self.decoder.as_mut().map_or(Ok(()), Decoder::finish);
                return Poll::Ready(finished.err().map(|error| Err(error.into())));
            };
            if let Some(seen) = &mut self.seen {
                seen.push(copy(&frame));
            }
            match frame.into_data() {
                Ok(data) if self.decoder.is_some() => self.packed = data,
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Poll::Ready(Some(Ok(data))),
                Err(trailers) => self.trailers = Some(trailers),
            }
        }
    }
}

/// A frame of the same bytes, which are shared.
fn copy(frame: &Frame<Bytes>) -> Frame<Bytes> {
    match (frame.data_ref(), frame.trailers_ref()) {
        (Some(data), _) => Frame::data(data.clone()),
        (None, trailers) => Frame::trailers(trailers.cloned().unwrap_or_default()),
    }
}

impl Opened {
    /// The page as it came, to be passed on unread.
    pub(super) fn close(self) -> FromSite {
        let Page { mut from, seen, .. } = self.page;
        from.put_back(seen.unwrap_or_default());
        from
    }

    /// The page, changed by `document` and packed in `coding`.
    pub(super) fn change(mut self, document: Document, coding: Coding, levels: Levels) -> Changed {
        self.page.seen = None;
        let text = match (self.charset.reading(), self.charset.source()) {
            (Reading::Utf16(order), _) => Text::Utf16(Transcoder::new(order)),
            (_, Source::Unknown) => Text::Unlabelled,
            _ => Text::Labelled,
        };
        Changed {
            page: self.page,
            first: Some(self.first.into()),
            text: Some(text),
            rewriter: Some(Rewriter::new(document)),
            encoder: (coding != Coding::Identity).then(|| Encoder::new(coding, levels)),
            output: Vec::new(),
            unflushed: false,
            failed: false,
        }
    }
}

/// How what a page unpacks to is read.
enum Text {
    /// By bytes.
    Labelled,
    /// By bytes, without those by which a browser may come to read it otherwise.
    Unlabelled,
    /// Two bytes a letter.
    Utf16(Transcoder),
}

/// A page that changes on its way.
pub struct Changed {
    page: Page,
    first: Option<Bytes>,
    text: Option<Text>,
    rewriter: Option<Rewriter<Document>>,
    encoder: Option<Encoder>,
    output: Vec<u8>,
    unflushed: bool,
    failed: bool,
}

impl std::fmt::Debug for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changed").field("page", &self.page).finish_non_exhaustive()
    }
}

impl Changed {
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        loop {
            if self.output.len() >= OUTPUT_BYTES {
                return Poll::Ready(Some(Ok(self.take_output())));
            }
            if self.rewriter.is_none() {
                // The end was reached: what is left goes, then the trailers.
                if !self.output.is_empty() {
                    return Poll::Ready(Some(Ok(self.take_output())));
                }
                return Poll::Ready(self.page.trailers.take().map(Ok));
            }
            let plain = match self.first.take() {
                Some(first) => Poll::Ready(Some(Ok(first))),
                None => self.page.poll(cx),
            };
            let done = match plain {
                Poll::Ready(Some(Ok(plain))) => self.take(&plain),
                Poll::Ready(Some(Err(error))) => return self.fail(error),
                Poll::Ready(None) => self.finish(),
                Poll::Pending => {
                    if let Err(error) = self.flush() {
                        return self.fail(error.into());
                    }
                    if self.output.is_empty() {
                        return Poll::Pending;
                    }
                    return Poll::Ready(Some(Ok(self.take_output())));
                }
            };
            if let Err(error) = done {
                return self.fail(error);
            }
        }
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.failed = true;
        tracing::warn!(%error, "a page broke off");
        Poll::Ready(Some(Err(error)))
    }

    fn take_output(&mut self) -> Frame<Bytes> {
        Frame::data(Bytes::from(std::mem::take(&mut self.output)))
    }

    /// More of the page, unpacked.
    fn take(&mut self, plain: &[u8]) -> Result<(), BodyError> {
        match &mut self.text {
            Some(Text::Labelled) => self.rewrite(plain),
            Some(Text::Unlabelled) => self.rewrite(&charset::disarm(plain)),
            Some(Text::Utf16(transcoder)) => {
                let text = transcoder.push(plain);
                self.rewrite(text.as_bytes())
            }
            None => Ok(()),
        }
    }

    fn rewrite(&mut self, text: &[u8]) -> Result<(), BodyError> {
        let Some(rewriter) = &mut self.rewriter else { return Ok(()) };
        let mut sink = Sink::of(&mut self.encoder, &mut self.output);
        rewriter.write(text, &mut |bytes| sink.put(bytes))?;
        self.unflushed |= sink.end()?;
        Ok(())
    }

    /// The site pauses: whatever is known goes out.
    fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unflushed)
            && let Some(encoder) = &mut self.encoder
        {
            encoder.flush(&mut self.output)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BodyError> {
        if let Some(Text::Utf16(transcoder)) = self.text.take() {
            let text = transcoder.finish();
            self.rewrite(text.as_bytes())?;
        }
        if let Some(rewriter) = self.rewriter.take() {
            let mut sink = Sink::of(&mut self.encoder, &mut self.output);
            rewriter.end(&mut |bytes| sink.put(bytes))?;
            sink.end()?;
        }
        if let Some(encoder) = self.encoder.take() {
            encoder.finish(&mut self.output)?;
        }
        Ok(())
    }
}

/// Where rewritten bytes go: into the encoder, or to the output where there is none.
struct Sink<'a> {
    encoder: Option<&'a mut Encoder>,
    output: &'a mut Vec<u8>,
    wrote: bool,
    result: io::Result<()>,
}

impl<'a> Sink<'a> {
    fn of(encoder: &'a mut Option<Encoder>, output: &'a mut Vec<u8>) -> Sink<'a> {
        Sink { encoder: encoder.as_mut(), output, wrote: false, result: Ok(()) }
    }

    fn put(&mut self, bytes: &[u8]) {
        match &mut self.encoder {
            Some(encoder) if self.result.is_ok() => {
                self.wrote = true;
                self.result = encoder.write(bytes, self.output);
            }
            Some(_) => {}
            None => self.output.extend_from_slice(bytes),
        }
    }

    /// Whether the encoder was given anything that it may still hold back.
    fn end(self) -> io::Result<bool> {
        self.result.map(|()| self.wrote)
    }
}
