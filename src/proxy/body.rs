//! Bodies on their way to the visitor.
//!
//! Most pass as they come. A page that changes streams through [`super::page`].
//!
//! A body that breaks off ends in an error and never cleanly: a page cut short must not look whole,
//! and must not be stored.
//!
//! Nothing is buffered but what one step needs: the visitor's pace is the site's.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::headers;
use super::onlook::Watched;
use super::page::Changed;
use super::upstream::Lease;
use super::whole::Whole;

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
    /// The site's page as it comes, looked on at.
    Watched(Box<Watched>),
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
            Body::Watched(body) => body.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Own(bytes) => bytes.is_none(),
            Body::Site(body) => body.is_end_stream(),
            Body::Changed(_) => false,
            Body::Watched(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Body::Site(body) => body.size_hint(),
            Body::Changed(_) => SizeHint::default(),
            Body::Watched(body) => body.size_hint(),
        }
    }
}

/// The site's body, with the connection that it comes by.
#[derive(Debug)]
pub struct FromSite {
    incoming: Whole,
    lease: Lease,
    /// The first frames, where they were looked at ahead.
    ahead: VecDeque<Frame<Bytes>>,
    silence: Option<Pin<Box<Sleep>>>,
}

impl FromSite {
    /// A body that comes by `lease`.
    pub(super) fn new(incoming: Whole, mut lease: Lease) -> FromSite {
        if incoming.is_end_stream() {
            lease.finish();
        }
        FromSite { incoming, lease, ahead: VecDeque::new(), silence: None }
    }

    /// The body again, after some of it was looked at.
    pub(super) fn put_back(&mut self, frames: impl IntoIterator<Item = Frame<Bytes>>) {
        for (at, frame) in frames.into_iter().enumerate() {
            self.ahead.insert(at, frame);
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.incoming.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let ahead: usize = self.ahead.iter().filter_map(Frame::data_ref).map(Bytes::len).sum();
        let ahead = ahead as u64;
        let mut hint = self.incoming.size_hint();
        match hint.exact() {
            Some(rest) => hint.set_exact(rest + ahead),
            None => hint.set_lower(hint.lower() + ahead),
        }
        hint
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(ahead) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(ahead)));
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.silence = None;
                match &frame {
                    None => self.lease.finish(),
                    // Trailers come last, and nobody asks again behind them.
                    Some(Ok(frame)) if frame.is_trailers() || self.incoming.is_end_stream() => {
                        self.lease.finish();
                    }
                    Some(_) => {}
                }
                Poll::Ready(frame.map(|frame| frame.map(headers::trailers)))
            }
            Poll::Pending => {
                let pause = self.lease.pause();
                let silence = self
                    .silence
                    .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + pause)));
                ready!(silence.as_mut().poll(cx));
                Poll::Ready(Some(Err("the site paused for too long".into())))
            }
        }
    }
}
