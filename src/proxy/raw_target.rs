//! Request lines for the site whose target is no URI.
//!
//! Old sites link to themselves in raw windows-1251, with quotes and angle brackets. They get back
//! what they wrote: hyper is given the target percent-encoded, and the bytes that the visitor sent are
//! put into the request line as it is written.
//!
//! That a target holds no space and no line end is seen to by the front door.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The target of the request that is sent next on a connection, where it is no URI. One thread has
/// both ends of it; only a connection that may become a tunnel has to be able to leave its thread.
#[derive(Clone, Debug, Default)]
pub(super) struct NextTarget(Arc<Mutex<Option<Bytes>>>);

impl NextTarget {
    pub(super) fn set(&self, target: Option<Bytes>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    fn take(&self) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A target as the visitor wrote it, carried by the request that is sent.
#[derive(Clone, Debug)]
pub(super) struct RawTarget(pub(super) Bytes);

/// A connection to the site that writes raw targets.
#[derive(Debug)]
pub(super) struct RawTargets<S> {
    io: S,
    next: NextTarget,
    /// What was taken and not written yet.
    waiting: BytesMut,
}

impl<S: AsyncWrite + Unpin> RawTargets<S> {
    pub(super) fn new(io: S, next: NextTarget) -> Self {
        Self { io, next, waiting: BytesMut::new() }
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.waiting))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.waiting.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes the first bytes of a request if its target is to be replaced.
    fn take(&mut self, head: &[u8]) -> bool {
        let Some(raw) = self.next.take() else { return false };
        replace(head, &raw, &mut self.waiting);
        true
    }
}

/// Writes a head with another target in its first line.
fn replace(head: &[u8], target: &[u8], into: &mut BytesMut) {
    let line = memchr::memmem::find(head, b"\r\n").unwrap_or(head.len());
    let method = memchr::memchr(b' ', head).unwrap_or(line);
    let version = memchr::memrchr(b' ', &head[..line]).unwrap_or(line);
    into.extend_from_slice(&head[..=method]);
    into.extend_from_slice(target);
    into.extend_from_slice(&head[version..]);
}

impl<S: AsyncRead + Unpin> AsyncRead for RawTargets<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RawTargets<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(cx))?;
        if self.take(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(cx))?;
        let head = slices.iter().find(|slice| !slice.is_empty());
        if let Some(head) = head
            && self.take(head)
        {
            return Poll::Ready(Ok(head.len()));
        }
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_waiting(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_waiting(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_target_is_another() {
        let mut out = BytesMut::new();
        replace(b"GET /%D0?a HTTP/1.1\r\nhost: a b\r\n\r\nbody", b"/\xd0?\"a", &mut out);
        assert_eq!(&out[..], b"GET /\xd0?\"a HTTP/1.1\r\nhost: a b\r\n\r\nbody");
    }
}
