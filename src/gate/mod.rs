//! The gate: what passes between a visitor and the site.
//!
//! Each file reads the same verdicts and applies them to one thing: cookies that travel to
//! the site ([`request`]), what the site answers with ([`response`]), the page itself
//! ([`document`], by what `judge` says), hints to connect ahead ([`hints`]), the tags of its versions ([`validators`]), its security policy ([`csp`]).
//!
//! What was withheld is counted in a [`tally`], and told to who asks by [`trace`].
//! What no rule knows is told by a [`scout`].
//!
//! Who is asking is read by [`asker`] from the cookie that [`seal`] opens.
//!
//! Everything here is pure: it takes headers and bytes, and knows no socket, file or clock.

mod address;
pub mod asker;
pub mod attestation;
pub mod cookies;
pub mod csp;
mod css;
pub mod document;
pub mod expiry;
pub mod fate;
pub mod fields;
pub mod first_party;
pub mod hints;
mod inert;
pub mod known;
mod mixed;
mod overlong;
mod payload;
mod refresh;
pub mod reports;
pub mod request;
pub mod response;
pub mod scout;
pub mod seal;
mod snippet;
pub mod stream;
pub mod tally;
pub mod trace;
pub mod validators;

/// For each byte whether it is one of these.
const fn among(these: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < these.len() {
        table[these[at] as usize] = true;
        at += 1;
    }
    table
}
