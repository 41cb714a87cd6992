//! The strict front door: what hyper reads over HTTP/1, and when.
//!
//! hyper reads what is common and forgives what is not: both lengths, line feeds alone, odd codings.
//! A gateway may forgive nothing of that, since the site behind may read it otherwise. So hyper does
//! not read from the connection but from this [`Door`], which follows the requests, one after the
//! other, by the strict rules of [`head`] and [`framing`], and gives hyper only what passed: a head
//! once it is whole, a body as it comes.
//!
//! What is refused hyper never sees. To hyper the connection ends there; what it has under way is
//! answered, and then the door writes the refusal and closes. A body that breaks the rules just ends:
//! its head has passed, and who reads it finds it cut short.
//!
//! What the site says ahead of its answers hyper cannot write; the door does ([`Ahead`]). Nor would it
//! notice who leaves while the site works: [`super::line`].
//!
//! The door also carries the deadlines. There is one for a whole head and for silence between
//! requests; in a body and in answers there has to be progress, but no upload is too long.

mod framing;
mod head;
pub(super) mod http2;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;

use self::framing::Framing;
pub(super) use self::head::HEAD_BYTES_MAX;
use self::head::{Head, Lines};
use crate::bounds::Bounds;
use crate::deadline::{Pace, Timer, Writing};
use crate::fault::Refusal;
use crate::observe::Counters;
use crate::proxy::Ahead;
use crate::server::line::{Line, Watch};

/// How long what still comes is taken and dropped behind a last answer: a connection that is closed
/// with bytes unread is reset, and the answer may be lost (RFC 9112 §9.6).
pub(super) const LINGER: Duration = Duration::from_secs(3);

/// After how long a connection on which nothing happens rests: most never ask again, and those that do, do
/// it at once.
const REST: Duration = Duration::from_secs(1);

/// How much is read at once where a head is expected.
const READ_BYTES: usize = 8 * 1024;

/// A connection that lets only strict HTTP/1 requests through.
#[derive(Debug)]
pub struct Door<S> {
    io: S,
    /// What was read and has not passed. The first `passed` bytes may.
    buffer: BytesMut,
    passed: usize,
    stage: Stage,
    tunnel: Tunnel,
    ahead: Ahead,
    pause: Pause,
    /// Whether all that hyper has written has gone out.
    flushed: bool,
    /// The rest of a head that goes ahead of an answer.
    begun: Bytes,
    reading: Timer,
    /// Whether hyper waits for what the visitor sends.
    is_read: bool,
    watch: Watch,
    writing: Writing,
    closing: Closing,
    bounds: Arc<Bounds>,
    counters: Arc<Counters>,
}

/// Whether a connection has become a tunnel: the site and the visitor have agreed, and what follows is
/// no HTTP.
#[derive(Clone, Debug, Default)]
pub(super) struct Tunnel(Arc<AtomicBool>);

impl Tunnel {
    /// It has.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a door knows of its connection between two requests, and hyper does not.
#[derive(Clone, Debug, Default)]
pub(super) struct Pause(Arc<AtomicU8>);

impl Pause {
    const NONE: u8 = 0;
    const HALF: u8 = 1;
    const REST: u8 = 2;

    /// Half a head has come: hyper, which is given whole ones, takes the connection for one that rests.
    pub(super) fn is_half_a_head(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Pause::HALF
    }

    /// Nothing is under way in either direction, and nothing has come for [`REST`].
    pub(super) fn is_rest(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Pause::REST
    }

    fn set(&self, pause: u8) {
        self.0.store(pause, Ordering::Relaxed);
    }
}

/// What comes next from the visitor.
#[derive(Debug)]
enum Stage {
    /// A head; since when it is waited for, or for the rest of it.
    Head { lines: Lines, waiting_since: Option<Instant> },
    /// A body.
    Body { framing: Framing, pace: Pace },
    /// Nothing that anybody reads.
    Ended,
}

impl Stage {
    fn head() -> Stage {
        Stage::Head { lines: Lines::default(), waiting_since: None }
    }
}

/// How far the end of the connection has come.
#[derive(Debug, Default)]
struct Closing {
    /// What the door itself answers last.
    answer: BytesMut,
    /// Whether what still comes is waited for.
    lingers: bool,
    until: Option<Instant>,
    shut: bool,
}

impl<S> Door<S> {
    /// A door on a connection that nothing was read from.
    pub fn new(io: S, bounds: Arc<Bounds>, counters: Arc<Counters>) -> Door<S> {
        Door {
            io,
            buffer: BytesMut::new(),
            passed: 0,
            stage: Stage::head(),
            tunnel: Tunnel::default(),
            ahead: Ahead::default(),
            pause: Pause::default(),
            flushed: true,
            begun: Bytes::new(),
            reading: Timer::default(),
            is_read: false,
            watch: Watch::default(),
            writing: Writing::within(bounds.timeouts.write.get()),
            closing: Closing::default(),
            bounds,
            counters,
        }
    }

    /// What to tell once the connection has become a tunnel.
    pub(super) fn tunnel(&self) -> Tunnel {
        self.tunnel.clone()
    }

    /// What tells of its pauses.
    pub(super) fn pause(&self) -> Pause {
        self.pause.clone()
    }

    /// What takes the heads that go ahead of answers.
    pub(super) fn ahead(&self) -> Ahead {
        self.ahead.clone()
    }

    /// Ends the reading for a reason that the visitor is told, if nothing of the request has passed.
    fn refuse(&mut self, refusal: Refusal) {
        self.counters.refuse(refusal);
        if matches!(self.stage, Stage::Head { .. }) {
            self.closing.answer = BytesMut::from(&refusal.answer()[..]);
        }
        self.closing.lingers = true;
        self.stage = Stage::Ended;
        self.buffer.clear();
        self.passed = 0;
    }

    /// Looks at what was read and not passed. Says whether there is something to pass, or all of the
    /// request is known.
    fn look(&mut self) -> Result<bool, Refusal> {
        match &mut self.stage {
            Stage::Head { lines, .. } => {
                let Some(end) = lines.end(&self.buffer)? else { return Ok(false) };
                let Head { framing, rewritten } = Head::read(&self.buffer[..end])?;
                self.passed = end;
                if let Some(rewritten) = rewritten {
                    let rest = self.buffer.split_off(end);
                    self.passed = rewritten.len();
                    self.buffer = BytesMut::from(&rewritten[..]);
                    self.buffer.unsplit(rest);
                }
                self.stage = match framing.is_none() {
                    true => Stage::head(),
                    false => Stage::Body { framing, pace: Pace::default() },
                };
                Ok(true)
            }
            Stage::Body { .. } if self.buffer.is_empty() => Ok(false),
            Stage::Body { framing, .. } => {
                let (passed, ended) = framing.follow(&self.buffer)?;
                self.passed = passed;
                if ended {
                    self.stage = Stage::head();
                }
                Ok(true)
            }
            Stage::Ended => Ok(false),
        }
    }

    /// Nothing has come: says whether there is still time. If not, the reading has ended.
    fn waits(&mut self, cx: &mut Context<'_>) -> bool {
        let timeouts = &self.bounds.timeouts;
        match &mut self.stage {
            Stage::Head { waiting_since, .. } => {
                let since = *waiting_since.get_or_insert_with(Instant::now);
                let rests = self.buffer.is_empty();
                let time = if rests { timeouts.idle } else { timeouts.head };
                if rests
                    && self.flushed
                    && !self.pause.is_rest()
                    && self.reading.is_over(since + REST, cx)
                {
                    self.pause.set(Pause::REST);
                    self.buffer = BytesMut::new();
                }
                if !self.reading.is_over(since + time.get(), cx) {
                    return true;
                }
                match rests {
                    // Nobody has asked for anything: there is nothing to answer.
                    true => self.stage = Stage::Ended,
                    false => self.refuse(Refusal::SlowHead),
                }
            }
            Stage::Body { pace, .. } => {
                if !pace.is_too_slow(&self.bounds, Duration::ZERO, &mut self.reading, cx) {
                    return true;
                }
                self.refuse(Refusal::SlowBody);
            }
            Stage::Ended => {}
        }
        false
    }
}

impl<S: AsyncRead + Unpin> Door<S> {
    /// Waits at a connection that rests, and holds nothing for it; says whether anything has come.
    pub(super) async fn wakes(&mut self) -> bool {
        let woken = poll_fn(|cx| match self.read_head(cx) {
            Poll::Pending if self.waits(cx) => Poll::Pending,
            Poll::Pending => Poll::Ready(false),
            Poll::Ready(came) => Poll::Ready(matches!(came, Ok(true))),
        });
        let woken = woken.await;
        self.pause.set(Pause::NONE);
        if !woken {
            self.stage = Stage::Ended;
        }
        woken
    }

    /// Reads more of a head, and says whether there was any.
    fn read_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let rested = self.buffer.is_empty();
        self.buffer.reserve(READ_BYTES);
        let came = poll_read_buf(Pin::new(&mut self.io), cx, &mut self.buffer);
        if self.pause.is_rest() && came.is_pending() {
            // A connection that rests keeps no buffer: most of them do, most of the time.
            self.buffer = BytesMut::new();
        }
        let came = ready!(came)?;
        if let (true, Stage::Head { waiting_since, .. }) = (rested, &mut self.stage) {
            *waiting_since = None;
        }
        Poll::Ready(Ok(came > 0))
    }

    /// Reads more of a body, right to where it is wanted, and says whether there was any.
    fn read_body(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, into))?;
        let came = &into.filled()[before..];
        let Stage::Body { framing, pace } = &mut self.stage else { return Poll::Ready(Ok(false)) };
        if came.is_empty() {
            return Poll::Ready(Ok(false));
        }
        pace.came(came.len(), Duration::ZERO);
        match framing.follow(came) {
            Ok((taken, ended)) => {
                // Behind the end of a body the next head begins.
                self.buffer.extend_from_slice(&came[taken..]);
                into.set_filled(before + taken);
                if ended {
                    self.stage = Stage::head();
                }
            }
            Err(refusal) => {
                into.set_filled(before);
                self.refuse(refusal);
            }
        }
        Poll::Ready(Ok(true))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Door<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let door = self.get_mut();
        let read = door.poll_passed(cx, into);
        door.is_read = read.is_pending();
        if matches!(door.stage, Stage::Head { .. }) && door.buffer.len() > door.passed {
            door.pause.set(Pause::HALF);
        } else if !(read.is_pending() && door.pause.is_rest()) {
            door.pause.set(Pause::NONE);
        }
        read
    }
}

impl<S: AsyncRead + Unpin> Door<S> {
    /// Reads what may pass.
    fn poll_passed(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.passed > 0 {
                let passed = self.passed.min(into.remaining());
                into.put_slice(&self.buffer[..passed]);
                self.buffer.advance(passed);
                self.passed -= passed;
                return Poll::Ready(Ok(()));
            }
            if self.tunnel.has_begun() {
                self.passed = self.buffer.len();
                if self.passed == 0 {
                    return Pin::new(&mut self.io).poll_read(cx, into);
                }
                continue;
            }
            match self.look() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(refusal) => self.refuse(refusal),
            }
            let read = match &self.stage {
                Stage::Ended => return Poll::Ready(Ok(())),
                Stage::Head { .. } => self.read_head(cx),
                Stage::Body { .. } => match self.read_body(cx, into) {
                    Poll::Ready(Ok(true)) => return Poll::Ready(Ok(())),
                    other => other,
                },
            };
            match read {
                Poll::Pending if self.waits(cx) => return Poll::Pending,
                Poll::Pending | Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => self.stage = Stage::Ended,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Door<S> {
    /// Writes the rest of a head that goes ahead: nothing may come in between.
    fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.begun.is_empty() {
            let written = Pin::new(&mut self.io).poll_write(cx, &self.begun);
            match ready!(self.writing.progress(cx, written))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.begun.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Line + Unpin> AsyncWrite for Door<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let door = self.get_mut();
        door.flushed = false;
        ready!(door.poll_begun(cx))?;
        let written = Pin::new(&mut door.io).poll_write(cx, bytes);
        door.writing.progress(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let door = self.get_mut();
        door.flushed = false;
        ready!(door.poll_begun(cx))?;
        let written = Pin::new(&mut door.io).poll_write_vectored(cx, bytes);
        door.writing.progress(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// hyper has written all that it had, so whatever goes ahead of its next answer goes here. Who has
    /// left meanwhile gets none.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let door = self.get_mut();
        if !door.is_read && door.watch.is_broken(&door.io, cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        loop {
            ready!(door.poll_begun(cx))?;
            match door.ahead.take() {
                Some(head) => door.begun = head,
                None => break,
            }
        }
        let flushed = Pin::new(&mut door.io).poll_flush(cx);
        door.flushed = flushed.is_ready();
        door.writing.progress(cx, flushed)
    }

    /// hyper has answered all that it was given: the refusal goes out, and then nothing more.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let door = self.get_mut();
        while !door.closing.answer.is_empty() {
            let written = Pin::new(&mut door.io).poll_write(cx, &door.closing.answer);
            let written = ready!(door.writing.progress(cx, written))?;
            door.closing.answer.advance(written);
        }
        if !door.closing.shut {
            let shut = Pin::new(&mut door.io).poll_shutdown(cx);
            ready!(door.writing.progress(cx, shut))?;
            door.closing.shut = true;
            // An answer that did not wait for the end of the body.
            door.closing.lingers |= matches!(door.stage, Stage::Body { .. });
        }
        let until = *door.closing.until.get_or_insert_with(|| Instant::now() + LINGER);
        let mut dropped = [0; 4096];
        while door.closing.lingers {
            let mut into = ReadBuf::new(&mut dropped);
            match Pin::new(&mut door.io).poll_read(cx, &mut into) {
                Poll::Ready(Ok(())) if !into.filled().is_empty() && Instant::now() < until => {}
                Poll::Pending if !door.reading.is_over(until, cx) => return Poll::Pending,
                _ => door.closing.lingers = false,
            }
        }
        Poll::Ready(Ok(()))
    }
}
