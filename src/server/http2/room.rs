//! How much a visitor may still send on a connection, over all its streams (RFC 9113 §6.9).
//!
//! The `h2` library gives room again when what came was taken. Where one site reads slowly, all of a
//! connection's room may be waiting for it; then nobody can be blamed for sending nothing.

use crate::proxy::Window;

/// What every connection begins with (RFC 9113 §6.9.2).
const FIRST: i64 = 65_535;

/// With less than a frame of the usual size the visitor may rather wait.
const LEAST: i64 = 16 * 1024;

/// The room that is left.
#[derive(Debug)]
pub(super) struct Room {
    left: i64,
    window: Window,
}

impl Room {
    /// The room of a new connection, told to this window.
    pub(super) fn new(window: Window) -> Room {
        Room { left: FIRST, window }
    }

    /// The visitor has sent so much.
    pub(super) fn took(&mut self, bytes: usize) {
        self.change(-i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// They may send so much more.
    pub(super) fn gave(&mut self, bytes: u32) {
        self.change(i64::from(bytes));
    }

    fn change(&mut self, by: i64) {
        self.left = self.left.saturating_add(by);
        self.window.shut(self.left < LEAST);
    }
}
