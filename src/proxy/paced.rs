//! A request's body over HTTP/2, which has to come at a rate.
//!
//! Over HTTP/1 the front door sees to that. Over HTTP/2 each request comes on a stream of its own, and
//! whether somebody waits for it is known here alone: a site that reads nothing is not its visitor's
//! fault. Nor is a connection on which the visitor may send nothing, because other requests' bodies were
//! not taken: [`Window`] tells for how long.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::body::BodyError;
use super::whole::Whole;
use crate::bounds::Bounds;
use crate::deadline::{Pace, Timer};
use crate::fault::Refusal;
use crate::observe::Counters;

/// Whether the visitor may send anything on an HTTP/2 connection (RFC 9113 §5.2).
#[derive(Clone, Debug, Default)]
pub struct Window(Rc<Cell<Shut>>);

#[derive(Clone, Copy, Debug, Default)]
struct Shut {
    before: Duration,
    since: Option<Instant>,
}

impl Window {
    /// From now on they may not, or may again.
    pub fn shut(&self, is_shut: bool) {
        let Shut { before, since } = self.0.get();
        let shut = match since {
            None if is_shut => Shut { before, since: Some(Instant::now()) },
            Some(since) if !is_shut => Shut { before: before + since.elapsed(), since: None },
            _ => return,
        };
        self.0.set(shut);
    }

    /// How long they might not, in all.
    fn was_shut(&self) -> Duration {
        let Shut { before, since } = self.0.get();
        before + since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// A body that has to come at a rate, if nobody else sees to it.
#[derive(Debug)]
pub(super) struct Paced {
    body: Whole,
    watch: Option<Box<Watch>>,
}

#[derive(Debug)]
struct Watch {
    pace: Pace,
    timer: Timer,
    window: Window,
    bounds: Arc<Bounds>,
    counters: Arc<Counters>,
}

impl Paced {
    /// A body that somebody else watches.
    pub(super) fn elsewhere(body: Whole) -> Paced {
        Paced { body, watch: None }
    }

    /// A body that comes by this window.
    pub(super) fn new(
        body: Whole,
        window: &Window,
        bounds: &Arc<Bounds>,
        counters: &Arc<Counters>,
    ) -> Paced {
        // Most requests have none, and need no room for it.
        let watch = (!body.is_end_stream()).then(|| Watch {
            pace: Pace::default(),
            timer: Timer::default(),
            window: window.clone(),
            bounds: Arc::clone(bounds),
            counters: Arc::clone(counters),
        });
        Paced { body, watch: watch.map(Box::new) }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let Some(watch) = &mut self.watch else { return polled };
        let Watch { pace, timer, window, bounds, counters } = &mut **watch;
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                pace.came(frame.data_ref().map_or(0, Bytes::len), window.was_shut());
            }
            Poll::Pending if pace.is_too_slow(bounds, window.was_shut(), timer, cx) => {
                counters.refuse(Refusal::SlowBody);
                return Poll::Ready(Some(Err("the body came too slowly".into())));
            }
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
