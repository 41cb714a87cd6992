//! Whether a visitor over HTTP/1 is still there while their answer is made.
//!
//! hyper reads nothing then: whoever closes their half of the connection may well wait for the answer
//! (RFC 9112 §9.6), and what else comes is the next request. But a connection that was broken off (RST)
//! takes no answer, and what the site does for it is in vain.
//!
//! The kernel tells of that by itself, and reading is not needed to learn it. It wakes who waits for
//! something to read; where something is there already, or the visitor's half is closed, it is looked
//! after every [`LOOK`].

use std::task::Context;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use crate::deadline::Timer;

/// How often it is looked after who cannot be waited for.
const LOOK: Duration = Duration::from_secs(1);

/// What may have a socket under it.
pub(super) trait Line {
    /// Its socket.
    fn socket(&self) -> Option<&TcpStream>;
}

impl Line for TcpStream {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Line for TlsStream<TcpStream> {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self.get_ref().0)
    }
}

/// Looks after a line from which nobody reads.
#[derive(Debug, Default)]
pub(super) struct Watch {
    timer: Timer,
    next: Option<Instant>,
}

impl Watch {
    /// Whether the line was broken off; if not, the task is woken when it may have been.
    pub(super) fn is_broken(&mut self, line: &impl Line, cx: &mut Context<'_>) -> bool {
        let Some(socket) = line.socket() else { return false };
        if socket.try_io(Interest::ERROR, || Ok(())).is_ok() {
            return true;
        }
        if socket.poll_read_ready(cx).is_pending() {
            self.next = None;
            return false;
        }
        let next = self.next.get_or_insert_with(|| Instant::now() + LOOK);
        while self.timer.is_over(*next, cx) {
            *next = Instant::now() + LOOK;
        }
        false
    }
}
