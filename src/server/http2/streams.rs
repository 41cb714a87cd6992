//! The streams of an HTTP/2 connection: how many there are, and whose turn each of them is.
//!
//! A visitor decides how much of each answer they take, by windows that may stay shut for ever. hyper
//! then waits for ever, with a piece of the answer in hand and the site's connection on hold. So each
//! stream runs under a watch: the body says when it is waiting for the site, and else the visitor has
//! [`Timeouts::write`](crate::bounds::Timeouts::write) to take the next [`PIECE_BYTES_MAX`] bytes.
//!
//! All streams of a connection and the connection itself run on one thread, one at a time. Whose turn
//! it is, is kept with the stream, and shared with its body only while the stream runs.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::rt::Executor;
use tokio::task::spawn_local;
use tokio::time::Instant;

use crate::deadline::Timer;
use crate::fault::Cut;
use crate::observe::Counters;
use crate::proxy::{Body, BodyError};

/// How much of an answer is given to the `h2` library at once, and held by it while the window is shut.
pub(super) const PIECE_BYTES_MAX: usize = 16 * 1024;

/// How much the fields of all requests may be together that have not been answered, and more where there
/// may be more streams: ten kilobytes for each, which is more than browsers send.
const FIELD_BYTES_MAX: usize = 1 << 20;
const STREAM_FIELD_BYTES: usize = 10 * 1024;

/// The streams of one connection.
#[derive(Clone, Debug)]
pub(super) struct Streams(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    /// How long a visitor may take nothing.
    patience: Duration,
    field_bytes_max: usize,
    open: Cell<usize>,
    /// Of the stream that runs.
    turn: Cell<Turn>,
    field_bytes: Cell<usize>,
    counters: Arc<Counters>,
}

/// Who has to do something for a stream to go on.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The gateway, or the site.
    Ours,
    /// The visitor, who has to take what there is.
    Visitors { since: Instant },
}

impl Streams {
    pub(super) fn new(patience: Duration, streams_max: usize, counters: Arc<Counters>) -> Streams {
        Streams(Rc::new(Shared {
            patience,
            field_bytes_max: FIELD_BYTES_MAX.max(STREAM_FIELD_BYTES * streams_max),
            open: Cell::default(),
            turn: Cell::new(Turn::Ours),
            field_bytes: Cell::default(),
            counters,
        }))
    }

    /// Whether there are any.
    pub(super) fn are_open(&self) -> bool {
        self.0.open.get() > 0
    }

    /// Keeps room for a request's fields until the value is dropped, if there is room.
    pub(super) fn hold(&self, bytes: usize) -> Option<Held> {
        let all = self.0.field_bytes.get() + bytes;
        (all <= self.0.field_bytes_max).then(|| {
            self.0.field_bytes.set(all);
            Held { streams: self.clone(), bytes }
        })
    }

    /// A body whose progress is watched.
    pub(super) fn watched(&self, body: Body) -> Watched {
        Watched { body, rest: Bytes::new(), streams: self.clone() }
    }

    /// Runs a stream until it ends, or until the visitor has let their turn pass.
    async fn watch(self, stream: impl Future<Output = ()>) {
        let mut stream = pin!(stream);
        let mut timer = Timer::default();
        let mut turn = Turn::Ours;
        poll_fn(|cx| {
            self.0.turn.set(turn);
            if stream.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            turn = self.0.turn.get();
            match turn {
                Turn::Visitors { since } if timer.is_over(since + self.0.patience, cx) => {
                    self.0.counters.cut(Cut::Stalled);
                    Poll::Ready(())
                }
                _ => Poll::Pending,
            }
        })
        .await;
    }
}

/// Runs the streams of a connection on its own thread.
impl<F: Future<Output = ()> + 'static> Executor<F> for Streams {
    fn execute(&self, future: F) {
        let open = Open::one_more(self.clone());
        let streams = self.clone();
        spawn_local(async move {
            // A stream that is dropped before its end is reset.
            streams.watch(future).await;
            drop(open);
        });
    }
}

/// One of the streams that are open.
#[derive(Debug)]
struct Open(Streams);

impl Open {
    fn one_more(streams: Streams) -> Open {
        streams.0.open.set(streams.0.open.get() + 1);
        Open(streams)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.set(self.0.0.open.get() - 1);
    }
}

/// Room for the fields of a request.
#[derive(Debug)]
pub(super) struct Held {
    streams: Streams,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let field_bytes = &self.streams.0.field_bytes;
        field_bytes.set(field_bytes.get() - self.bytes);
    }
}

/// A body that goes out in pieces and says whose turn it is.
#[derive(Debug)]
pub(super) struct Watched {
    body: Body,
    /// What is left of a chunk.
    rest: Bytes,
    streams: Streams,
}

impl Watched {
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                // Without its cause: by a code of the site's the visitor would be told of a mistake of theirs.
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(error.to_string().into())));
                }
                other => return other,
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE_BYTES_MAX));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = self.get_mut();
        let polled = body.next(cx);
        body.streams.0.turn.set(match polled {
            Poll::Ready(_) => Turn::Visitors { since: Instant::now() },
            Poll::Pending => Turn::Ours,
        });
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let mut hint = self.body.size_hint();
        if let Some(body) = hint.exact() {
            hint.set_exact(body + rest);
        } else {
            hint.set_lower(hint.lower() + rest);
        }
        hint
    }
}
