//! Pages that change, on their way from the site to the visitor.
//!
//! A page is unpacked here, and goes through [`crate::gate::stream`]. Each step hands on what it has
//! whenever the site pauses: what can be shown is not kept waiting.
//!
//! What is corrupt, breaks off, unpacks to too much, or may not go on ends in an error and never
//! cleanly. However much a page unpacks to, no more of it is there at a time than one step of the
//! decoder gives, and what the gate holds.
//!
//! The encoding is told by the first bytes, so those are read before the head of the answer goes out
//! ([`Page::open`]): where it cannot be read, the head has to say so.

use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use encoding_rs::Encoding;
use http_body::Frame;
use tokio::time::{Instant, sleep_until};

use super::body::{Body, BodyError, FromSite};
use crate::charset::{self, Charset, HeaderCharset};
use crate::coding::{Coding, Decoder, Levels};
use crate::gate::document::Document;
use crate::gate::stream::Stream;

/// Output is passed on when so much has gathered.
const OUTPUT_BYTES: usize = 16 * 1024;

/// How much what is put into a page may make it longer.
const ROOM_FOR_OURS: usize = 8 * 1024;

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
    /// Whether what came cannot be unpacked.
    corrupt: bool,
}

/// A page with its first bytes, and the encoding that they tell.
#[derive(Debug)]
pub(super) struct Opened {
    page: Page,
    first: Bytes,
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
            corrupt: false,
        }
    }

    /// Reads so many bytes, or as many as come before the site pauses for long, and puts all back.
    /// What cannot be unpacked is for the browser to refuse. Fails where the site does.
    pub(super) async fn look(mut self, bytes_max: usize) -> Result<(Vec<u8>, FromSite), BodyError> {
        let mut first = Vec::new();
        let mut patience = pin!(sleep_until(Instant::now() + PATIENCE));
        while first.len() < bytes_max {
            let more = poll_fn(|cx| match self.poll(cx) {
                Poll::Ready(plain) => Poll::Ready(plain),
                Poll::Pending => patience.as_mut().poll(cx).map(|()| None),
            });
            match more.await.transpose() {
                Ok(Some(plain)) => first.extend_from_slice(&plain),
                Ok(None) => break,
                Err(_) if self.corrupt => break,
                Err(error) => return Err(error),
            }
        }
        Ok((first, self.close()))
    }

    /// The body as it came.
    fn close(self) -> FromSite {
        let Page { mut from, seen, .. } = self;
        from.put_back(seen.unwrap_or_default());
        from
    }

    /// Reads as much as tells the encoding, and no more: mostly the first byte, if the header names
    /// one. Fails where the site does, or what it sent cannot be unpacked.
    pub(super) async fn open(
        mut self,
        header: &HeaderCharset,
        default: Option<&'static Encoding>,
    ) -> Result<Opened, BodyError> {
        let mut first = Bytes::new();
        let mut patience = pin!(sleep_until(Instant::now() + PATIENCE));
        let mut waited = false;
        let charset = loop {
            // A byte order mark outweighs all else, so it is waited for as long as it takes.
            let may_be_mark = first.len() < BYTE_ORDER_MARK_BYTES;
            let no_more = self.ended || (waited && !may_be_mark);
            if let Some(charset) = charset::decide(header, default, &first, no_more) {
                break charset;
            }
            poll_fn(|cx| {
                let Poll::Ready(plain) = self.poll(cx) else {
                    if !waited {
                        ready!(patience.as_mut().poll(cx));
                        waited = true;
                        return Poll::Ready(Ok(()));
                    }
                    return Poll::Pending;
                };
                match plain.transpose()? {
                    Some(plain) if first.is_empty() => first = plain,
                    Some(plain) => first = [&first[..], &plain].concat().into(),
                    None => {}
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
                    Err(error) => {
                        self.corrupt = true;
                        return Poll::Ready(Some(Err(error.into())));
                    }
                };
                self.more = step.more;
                let _ = self.packed.split_to(step.taken);
                if !self.plain.is_empty() {
                    return Poll::Ready(Some(Ok(mem::take(&mut self.plain).into())));
                }
                continue;
            }
            let Some(frame) = ready!(self.from.poll(cx)).transpose()? else {
                self.ended = true;
                let finished = self.decoder.as_mut().map_or(Ok(()), Decoder::finish);
                self.corrupt = finished.is_err();
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
        self.page.close()
    }

    /// The page, changed by `document` and packed in `coding`; or as it came, if it cannot be read. What
    /// was done is counted when it has ended.
    pub(super) fn change(mut self, document: Document, coding: Coding, levels: Levels) -> Body {
        let Some(stream) = Stream::new(self.charset, document, coding, levels) else {
            return Body::Site(self.close());
        };
        self.page.seen = None;
        Body::Changed(Box::new(Changed {
            page: self.page,
            first: Some(self.first),
            stream: Some(stream),
            output: Vec::new(),
            paused: false,
            failed: false,
        }))
    }
}

/// A page that changes on its way.
#[derive(Debug)]
pub struct Changed {
    page: Page,
    first: Option<Bytes>,
    /// Nothing once the end was reached.
    stream: Option<Stream<Document>>,
    output: Vec<u8>,
    /// Whether nothing has come since the task gave way to others.
    paused: bool,
    failed: bool,
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
            let Some(stream) = &mut self.stream else {
                // What is left goes, then the trailers.
                if !self.output.is_empty() {
                    return Poll::Ready(Some(Ok(self.take_output())));
                }
                return Poll::Ready(self.page.trailers.take().map(Ok));
            };
            let plain = match self.first.take() {
                Some(first) => Poll::Ready(Some(Ok(first))),
                None => self.page.poll(cx),
            };
            let paused = mem::replace(&mut self.paused, plain.is_pending());
            let done = match plain {
                Poll::Ready(Some(Ok(plain))) => {
                    self.output.reserve(plain.len() + ROOM_FOR_OURS);
                    stream.take(&plain, &mut self.output)
                }
                Poll::Ready(Some(Err(error))) => return self.fail(error),
                Poll::Ready(None) => match self.stream.take() {
                    Some(stream) => stream.finish(&mut self.output).map(drop),
                    None => Ok(()),
                },
                // What comes next may be there, and the task that reads it has to be let run.
                Poll::Pending if !paused => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {
                    if let Err(error) = stream.flush(&mut self.output) {
                        return self.fail(error.into());
                    }
                    if self.output.is_empty() {
                        return Poll::Pending;
                    }
                    return Poll::Ready(Some(Ok(self.take_output())));
                }
            };
            if let Err(error) = done {
                return self.fail(error.into());
            }
        }
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.failed = true;
        tracing::warn!(%error, "a page broke off");
        Poll::Ready(Some(Err(error)))
    }

    fn take_output(&mut self) -> Frame<Bytes> {
        Frame::data(Bytes::from(mem::take(&mut self.output)))
    }
}
