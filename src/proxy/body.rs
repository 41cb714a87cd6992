//! Bodies on their way to the visitor.
//!
//! Most pass as they come. A page that changes goes through decoder, rewriter and encoder,
//! each of which is flushed whenever the site pauses: what can be shown is not kept waiting.
//!
//! A body that breaks off, or whose coding is corrupt, ends in an error and never cleanly: a
//! page cut short must not look whole, and must not be stored.
//!
//! Nothing is buffered but what one step needs: the visitor's pace is the site's.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::gunzip::Gunzip;
use super::upstream::Lease;
use crate::gate::document::Document;
use crate::gate::response::Coding;
use crate::html::Rewriter;

/// How long the site may pause within a body.
const SILENCE: Duration = Duration::from_mins(1);

/// Compressed bytes are decoded in steps of this size: one step yields 4 MiB at the most.
const STEP_BYTES: usize = 4096;

/// Output is passed on when so much has gathered.
const OUTPUT_BYTES: usize = 16 * 1024;

/// The gzip level of changed pages.
const GZIP_LEVEL: u32 = 4;

/// A failure within a body.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A body that goes to the visitor.
#[derive(Debug)]
pub enum Body {
    /// Bytes of ours.
    Own(Option<Bytes>),
    /// The site's, as it comes.
    Site(FromSite),
    /// The site's page, changed.
    Changed(Box<Changed>),
}

impl Body {
    /// Bytes of ours.
    pub fn own(bytes: Bytes) -> Body {
        Body::Own(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Body::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Site(body) => body.poll(cx),
            Body::Changed(body) => body.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Own(bytes) => bytes.is_none(),
            Body::Site(body) => body.ahead.is_empty() && body.incoming.is_end_stream(),
            Body::Changed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Body::Site(body) => body.size_hint(),
            Body::Changed(_) => SizeHint::default(),
        }
    }
}

/// The site's body, with the connection that it comes by.
#[derive(Debug)]
pub struct FromSite {
    incoming: Incoming,
    lease: Lease,
    /// The first frames, where they were looked at ahead.
    ahead: VecDeque<Frame<Bytes>>,
    silence: Option<Pin<Box<Sleep>>>,
}

impl FromSite {
    /// A body that comes by `lease`.
    pub fn new(incoming: Incoming, mut lease: Lease) -> FromSite {
        if incoming.is_end_stream() {
            lease.finish();
        }
        FromSite { incoming, lease, ahead: VecDeque::new(), silence: None }
    }

    /// Whether a page begins with the byte order mark of UTF-16, which outweighs what its
    /// header says (HTML §13.2.3.2): two bytes a letter cannot be read by bytes. Waits for the
    /// first two of the page, and keeps what came.
    pub(super) async fn begins_in_utf16(&mut self, coding: Coding) -> Result<bool, BodyError> {
        let mut coming = VecDeque::new();
        let mut start = Vec::new();
        let mut gunzip = (coding == Coding::Gzip).then(Gunzip::new);
        let mut looked_at = 0;
        while start.len() < 2 && looked_at < STEP_BYTES {
            let Some(frame) = poll_fn(|cx| self.poll(cx)).await.transpose()? else { break };
            if let Some(data) = frame.data_ref() {
                let some = &data[..data.len().min(STEP_BYTES)];
                looked_at += some.len();
                match &mut gunzip {
                    None => start.extend_from_slice(some),
                    // What is no gzip fails when it is unpacked for good.
                    Some(gunzip) => start.extend(gunzip.begin(some).unwrap_or_default()),
                }
            }
            coming.push_back(frame);
        }
        self.ahead = coming;
        Ok(start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]))
    }

    fn size_hint(&self) -> SizeHint {
        let ahead: usize = self.ahead.iter().filter_map(Frame::data_ref).map(Bytes::len).sum();
        let ahead = ahead as u64;
        let mut hint = self.incoming.size_hint();
        match hint.exact() {
            Some(rest) => hint.set_exact(rest + ahead),
            None => hint.set_lower(hint.lower() + ahead),
        }
        hint
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(ahead) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(ahead)));
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.silence = None;
                match &frame {
                    None => self.lease.finish(),
                    Some(Ok(_)) if self.incoming.is_end_stream() => self.lease.finish(),
                    Some(_) => {}
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
            }
            Poll::Pending => {
                let silence = self
                    .silence
                    .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + SILENCE)));
                ready!(silence.as_mut().poll(cx));
                Poll::Ready(Some(Err("the site paused for too long".into())))
            }
        }
    }
}

/// A page on its way through decoder, rewriter and encoder.
#[derive(Debug)]
pub struct Changed {
    from: FromSite,
    /// What came and was not looked at yet.
    input: Bytes,
    gunzip: Option<Gunzip>,
    rewriter: Option<Rewriter<Document>>,
    encoder: Option<GzEncoder<Vec<u8>>>,
    output: Vec<u8>,
    unflushed: bool,
    trailers: Option<Frame<Bytes>>,
    failed: bool,
}

impl Changed {
    /// A page in `coding` that is changed by `document`, and encoded again if `gzip`.
    pub fn new(from: FromSite, coding: Coding, document: Document, gzip: bool) -> Changed {
        Changed {
            from,
            input: Bytes::new(),
            gunzip: (coding == Coding::Gzip).then(Gunzip::new),
            rewriter: Some(Rewriter::new(document)),
            encoder: gzip.then(|| GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            output: Vec::new(),
            unflushed: false,
            trailers: None,
            failed: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        loop {
            if self.output.len() >= OUTPUT_BYTES {
                return Poll::Ready(Some(Ok(self.take_output())));
            }
            if !self.input.is_empty() {
                // In steps, so that a small input that unpacks to much is passed on in time.
                let most = if self.gunzip.is_some() { STEP_BYTES } else { usize::MAX };
                let step = self.input.split_to(self.input.len().min(most));
                if let Err(error) = self.take(&step) {
                    return self.fail(error.into());
                }
                continue;
            }
            if self.rewriter.is_none() {
                // The end was reached: what is left goes, then the trailers.
                if !self.output.is_empty() {
                    return Poll::Ready(Some(Ok(self.take_output())));
                }
                return Poll::Ready(self.trailers.take().map(Ok));
            }
            match self.from.poll(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.input = data,
                    Err(trailers) => self.trailers = Some(trailers),
                },
                Poll::Ready(Some(Err(error))) => return self.fail(error),
                Poll::Ready(None) => {
                    if let Err(error) = self.finish() {
                        return self.fail(error.into());
                    }
                }
                Poll::Pending => {
                    if let Err(error) = self.flush() {
                        return self.fail(error.into());
                    }
                    if self.output.is_empty() {
                        return Poll::Pending;
                    }
                    return Poll::Ready(Some(Ok(self.take_output())));
                }
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

    fn take(&mut self, data: &[u8]) -> io::Result<()> {
        match &mut self.gunzip {
            Some(gunzip) => {
                let plain = gunzip.take(data)?;
                self.rewrite(&plain)
            }
            None => self.rewrite(data),
        }
    }

    /// The site pauses: whatever is known goes out.
    fn flush(&mut self) -> io::Result<()> {
        if let Some(gunzip) = &mut self.gunzip {
            let plain = gunzip.flush()?;
            self.rewrite(&plain)?;
        }
        if std::mem::take(&mut self.unflushed)
            && let Some(encoder) = &mut self.encoder
        {
            encoder.flush()?;
            self.output.append(encoder.get_mut());
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some(mut gunzip) = self.gunzip.take() {
            let plain = gunzip.finish()?;
            self.rewrite(&plain)?;
        }
        if let Some(rewriter) = self.rewriter.take() {
            let mut sink = Sink::of(&mut self.encoder, &mut self.output);
            rewriter.end(&mut |bytes| sink.put(bytes));
            sink.end()?;
        }
        if let Some(encoder) = self.encoder.take() {
            self.output.append(&mut encoder.finish()?);
        }
        Ok(())
    }

    fn rewrite(&mut self, plain: &[u8]) -> io::Result<()> {
        let Some(rewriter) = &mut self.rewriter else { return Ok(()) };
        let mut sink = Sink::of(&mut self.encoder, &mut self.output);
        rewriter.write(plain, &mut |bytes| sink.put(bytes));
        self.unflushed |= sink.end()?;
        Ok(())
    }
}

/// Where rewritten bytes go: into the encoder, or to the output where there is none.
struct Sink<'a> {
    encoder: Option<&'a mut GzEncoder<Vec<u8>>>,
    output: &'a mut Vec<u8>,
    wrote: bool,
    result: io::Result<()>,
}

impl<'a> Sink<'a> {
    fn of(encoder: &'a mut Option<GzEncoder<Vec<u8>>>, output: &'a mut Vec<u8>) -> Sink<'a> {
        Sink { encoder: encoder.as_mut(), output, wrote: false, result: Ok(()) }
    }

    fn put(&mut self, bytes: &[u8]) {
        match &mut self.encoder {
            Some(encoder) => {
                self.wrote = true;
                if let Err(error) = encoder.write_all(bytes) {
                    self.result = Err(error);
                }
            }
            None => self.output.extend_from_slice(bytes),
        }
    }

    /// Whether the encoder was given anything that it may still hold back.
    fn end(self) -> io::Result<bool> {
        self.result?;
        if let Some(encoder) = self.encoder {
            self.output.append(encoder.get_mut());
        }
        Ok(self.wrote)
    }
}
