//! Deadlines that cost nothing until somebody waits.
//!
//! Every read and write of a connection may begin to wait, and nearly none does for long. So a clock
//! is wound only when there is nothing else to do, and is left running when something comes after all:
//! it wakes the task once too often at most.
//!
//! How long anything may take stands in [`crate::bounds`].

mod pace;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

pub use self::pace::Pace;

/// A clock that is wound only when somebody waits, and not for every request.
#[derive(Debug, Default)]
pub struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether the deadline is over; if not, the task is woken then, or somewhat earlier.
    pub fn is_over(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            if sleep.deadline() > deadline {
                sleep.as_mut().reset(deadline);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
            if deadline <= Instant::now() {
                return true;
            }
            // It was wound for an earlier deadline that was kept.
            sleep.as_mut().reset(deadline);
        }
    }
}

/// What is written goes on, or has stood still for too long.
#[derive(Debug)]
pub struct Writing {
    within: Duration,
    timer: Timer,
    /// Since when nothing that is written was taken.
    stuck_since: Option<Instant>,
}

impl Writing {
    /// Writing of which something has to be taken within each such time.
    pub fn within(within: Duration) -> Writing {
        Writing { within, timer: Timer::default(), stuck_since: None }
    }

    /// What became of writing; it fails if nothing was taken in time.
    pub fn progress<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck_since = None;
            return written;
        }
        let since = *self.stuck_since.get_or_insert_with(Instant::now);
        if self.timer.is_over(since + self.within, cx) {
            let text = "the other end takes nothing of what is sent";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        Poll::Pending
    }
}

/// A connection that is not waited for: who takes nothing in time has broken it.
#[derive(Debug)]
pub struct Impatient<S> {
    io: S,
    writing: Writing,
}

impl<S> Impatient<S> {
    /// Loses patience with this one, if nothing is taken within such a time.
    pub fn within(within: Duration, io: S) -> Impatient<S> {
        Impatient { io, writing: Writing::within(within) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Impatient { io, writing } = self.get_mut();
        let written = Pin::new(io).poll_write(cx, bytes);
        writing.progress(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Impatient { io, writing } = self.get_mut();
        let written = Pin::new(io).poll_write_vectored(cx, bytes);
        writing.progress(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Impatient { io, writing } = self.get_mut();
        let flushed = Pin::new(io).poll_flush(cx);
        writing.progress(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Impatient { io, writing } = self.get_mut();
        let shut = Pin::new(io).poll_shutdown(cx);
        writing.progress(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_little_now_and_then_is_waited_for_and_who_takes_nothing_is_not() {
        let (mut slow, io) = duplex(16);
        let within = Duration::from_mins(1);
        let mut patient = Impatient::within(within, io);
        let began = Instant::now();
        let (wrote, ()) = tokio::join!(patient.write_all(&[7; 96]), async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(59)).await;
                slow.read_exact(&mut [0; 16]).await.expect("it is open");
            }
        });
        wrote.expect("it went on");
        assert_eq!(began.elapsed().as_secs(), 5 * 59);
        let began = Instant::now();
        let error = patient.write_all(b"more").await.expect_err("nobody reads");
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, within));
    }
}
