//! Elements as long as what is held, and longer.
//!
//! The fuzzer makes short inputs. Here a byte 0x01 in them stands for a run of letters about as long
//! as the bound, less or more by what the next byte says; only the first two, which are enough to go
//! over it in the tag, the text and the end tag.
//!
//! What holds for short documents holds for these.

#![no_main]

mod cuts;
mod edits;

use edits::{assert_bounded, assert_same, at_once};
use kelisim::html::HELD_BYTES_MAX;
use libfuzzer_sys::fuzz_target;

/// What stands for a run.
const RUN: u8 = 1;

fuzz_target!(|input: &[u8]| {
    let (short, cuts) = cuts::split(input);
    // Short inputs without a run are for `rewriter`.
    if !short.contains(&RUN) {
        return;
    }
    let text = lengthened(short);
    let whole = at_once(&text);
    assert_bounded(&text, short.len(), &whole);
    assert_same(&text, &cuts.pieces_of(&text, 16 * 1024 + 1), &whole);
});

fn lengthened(short: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(2 * HELD_BYTES_MAX + short.len());
    let mut runs = 0;
    let mut bytes = short.iter();
    while let Some(&byte) = bytes.next() {
        if byte == RUN && runs < 2 {
            runs += 1;
            let less = usize::from(bytes.next().copied().unwrap_or(0));
            // From 192 bytes below the bound to 63 above it.
            text.resize(text.len() + HELD_BYTES_MAX + 63 - less, b'x');
        } else {
            text.push(byte);
        }
    }
    text
}
