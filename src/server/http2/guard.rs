//! The connection under hyper's HTTP/2, which counts frames and keeps the deadlines.
//!
//! The `h2` library reads frames strictly but does not ask what they are for. So both directions pass
//! through this [`Guard`], which looks at the frames' headers alone and changes no byte.
//!
//! Who floods or breaks the framing is told why in a `GOAWAY`, if no frame of ours has been begun, and
//! the connection ends; hyper finds it broken. A connection on which nothing is asked ends too, without
//! a fault.
//!
//! How many frames are too many says [`super::budget`]; streams have their own deadlines in
//! [`super::streams`].

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::budget::Budget;
use super::frames::{Follower, Frame, Kind};
use super::room::Room;
use super::streams::Streams;
use crate::bounds::{Bounds, Timeouts};
use crate::deadline::{Timer, Writing};
use crate::fault::Cut;
use crate::observe::Counters;
use crate::server::strict::LINGER;

/// How much is taken and dropped of what still comes behind a last word: see [`LINGER`].
const LINGER_BYTES_MAX: usize = 1 << 20;

/// A connection whose frames are counted.
#[derive(Debug)]
pub(super) struct Guard<S> {
    io: S,
    incoming: Follower,
    outgoing: Follower,
    visitor: Visitor,
    streams: Streams,
    room: Room,
    reading: Timer,
    writing: Writing,
    ending: Ending,
    bounds: Arc<Bounds>,
    counters: Arc<Counters>,
}

/// What is known of the visitor.
#[derive(Debug)]
struct Visitor {
    budget: Budget,
    /// Whether settings came, which have to come first.
    greeted: bool,
    /// The last stream that was opened.
    last: u32,
    /// Whether fields have begun that further frames have to end.
    in_fields: bool,
    /// Whether the last frame that began is of fields.
    at_fields: bool,
    /// Since when nothing goes on: no stream, or fields that have not ended.
    waiting_since: Option<Instant>,
}

/// How far the end of the connection has come.
#[derive(Debug, Default)]
enum Ending {
    /// It is not near.
    #[default]
    Far,
    /// A mistake was told of by the library.
    Told,
    /// Nothing more is written. Some of what still comes is dropped.
    Shut { until: Instant, left: usize },
    /// Nothing more happens.
    Over,
}

impl Visitor {
    fn came(&mut self, frame: &Frame<'_>) -> Result<(), Cut> {
        if !self.greeted && (frame.kind != Kind::Settings || frame.is_ack()) {
            return Err(Cut::FirstFrame);
        }
        self.greeted = true;
        self.at_fields = matches!(frame.kind, Kind::Headers | Kind::Continuation);
        if self.at_fields {
            self.last = self.last.max(frame.stream);
            self.in_fields = frame.leaves_fields_open();
            if frame.kind == Kind::Headers {
                self.waiting_since = None;
            }
        }
        frame.check()?;
        self.budget.came(frame)
    }

    /// Until when something has to come, if anything has to, and what is cut for else. Whether a frame
    /// has begun that has not ended, `in_frame` says.
    fn deadline(
        &mut self,
        timeouts: &Timeouts,
        in_frame: bool,
        streams: &Streams,
    ) -> Option<(Instant, Option<Cut>)> {
        let (limit, cut) = match self.last {
            _ if self.in_fields || (self.at_fields && in_frame) => {
                (timeouts.head, Some(Cut::SlowHead))
            }
            _ if streams.are_open() => {
                self.waiting_since = None;
                return None;
            }
            // The first request, preface and settings included.
            0 => (timeouts.head, None),
            _ => (timeouts.idle, None),
        };
        Some((*self.waiting_since.get_or_insert_with(Instant::now) + limit.get(), cut))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    pub(super) fn new(
        io: S,
        streams: Streams,
        room: Room,
        bounds: Arc<Bounds>,
        counters: Arc<Counters>,
    ) -> Guard<S> {
        Guard {
            io,
            incoming: Follower::of_client(),
            outgoing: Follower::of_server(),
            visitor: Visitor {
                budget: Budget::new(),
                greeted: false,
                last: 0,
                in_fields: false,
                at_fields: false,
                waiting_since: Some(Instant::now()),
            },
            streams,
            room,
            reading: Timer::default(),
            writing: Writing::within(bounds.timeouts.write.get()),
            bounds,
            ending: Ending::Far,
            counters,
        }
    }

    /// Ends the connection. The visitor is told why, unless they would take it for a part of a frame.
    fn end(&mut self, cut: Option<Cut>, cx: &mut Context<'_>) {
        if let Some(cut) = cut {
            self.counters.cut(cut);
        }
        if self.outgoing.is_between_frames() {
            let code = cut.map_or(0, Cut::code);
            let mut frame = [0; 17];
            frame[..9].copy_from_slice(&[0, 0, 8, 7, 0, 0, 0, 0, 0]);
            frame[9..13].copy_from_slice(&self.visitor.last.to_be_bytes());
            frame[13..].copy_from_slice(&code.to_be_bytes());
            // Where a frame so short is not taken at once, nobody reads.
            let _ = Pin::new(&mut self.io).poll_write(cx, &frame);
        }
        self.shut();
    }

    fn shut(&mut self) {
        self.ending = Ending::Shut { until: Instant::now() + LINGER, left: LINGER_BYTES_MAX };
    }

    /// Closes, and drops what still comes until the visitor closes too: see [`LINGER`].
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut dropped = [0; 4096];
        while let Ending::Shut { until, left } = &mut self.ending {
            if Pin::new(&mut self.io).poll_shutdown(cx).is_pending() {
                if !self.reading.is_over(*until, cx) {
                    return Poll::Pending;
                }
                self.ending = Ending::Over;
                break;
            }
            let mut into = ReadBuf::new(&mut dropped);
            match Pin::new(&mut self.io).poll_read(cx, &mut into) {
                Poll::Ready(Ok(())) if !into.filled().is_empty() && into.filled().len() < *left => {
                    *left -= into.filled().len();
                }
                Poll::Pending if !self.reading.is_over(*until, cx) => return Poll::Pending,
                _ => self.ending = Ending::Over,
            }
        }
        Poll::Ready(())
    }

    /// Follows what was written.
    fn wrote(&mut self, bytes: &[u8]) -> Result<(), Cut> {
        let (budget, room) = (&mut self.visitor.budget, &mut self.room);
        let mut mistake = false;
        let followed = self.outgoing.follow(bytes, |frame| {
            mistake |= frame.tells_of_a_mistake();
            room.gave(frame.room().unwrap_or_default());
            budget.went(&frame)
        });
        if mistake && matches!(self.ending, Ending::Far) {
            self.ending = Ending::Told;
            self.counters.cut(Cut::Library);
        }
        followed
    }

    /// What became of writing these.
    fn after_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let mut left = match &written {
            Poll::Ready(Ok(written)) => *written,
            _ => 0,
        };
        for slice in bytes {
            let taken = left.min(slice.len());
            left -= taken;
            if let Err(cut) = self.wrote(&slice[..taken]) {
                self.end(Some(cut), cx);
                // The end is seen to where reading is.
                cx.waker().wake_by_ref();
                break;
            }
        }
        self.writing.progress(cx, written)
    }

    /// Whether what is written is still wanted.
    fn is_shut(&self) -> bool {
        matches!(self.ending, Ending::Shut { .. } | Ending::Over)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        loop {
            if guard.is_shut() {
                ready!(guard.poll_end(cx));
                let text = "the gateway has ended the connection";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, text)));
            }
            let before = into.filled().len();
            match Pin::new(&mut guard.io).poll_read(cx, into) {
                Poll::Ready(Ok(())) => {
                    let (visitor, room) = (&mut guard.visitor, &mut guard.room);
                    let came = &into.filled()[before..];
                    match guard.incoming.follow(came, |frame| {
                        room.took(frame.data_bytes());
                        visitor.came(&frame)
                    }) {
                        Ok(()) => return Poll::Ready(Ok(())),
                        Err(cut) => {
                            into.set_filled(before);
                            guard.end(Some(cut), cx);
                        }
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    let in_frame = !guard.incoming.is_between_frames();
                    let timeouts = &guard.bounds.timeouts;
                    match guard.visitor.deadline(timeouts, in_frame, &guard.streams) {
                        Some((deadline, cut)) if guard.reading.is_over(deadline, cx) => {
                            guard.end(cut, cx);
                        }
                        _ => return Poll::Pending,
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        if guard.is_shut() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut guard.io).poll_write(cx, bytes);
        guard.after_write(cx, &[io::IoSlice::new(bytes)], written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        if guard.is_shut() {
            return Poll::Ready(Ok(bytes.iter().map(|slice| slice.len()).sum()));
        }
        let written = Pin::new(&mut guard.io).poll_write_vectored(cx, bytes);
        guard.after_write(cx, bytes, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if guard.is_shut() {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut guard.io).poll_flush(cx);
        guard.writing.progress(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        match guard.ending {
            Ending::Far => {
                let shut = Pin::new(&mut guard.io).poll_shutdown(cx);
                return guard.writing.progress(cx, shut);
            }
            Ending::Told => guard.shut(),
            Ending::Shut { .. } | Ending::Over => {}
        }
        guard.poll_end(cx).map(Ok)
    }
}
