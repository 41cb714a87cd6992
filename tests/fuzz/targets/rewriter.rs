//! Any bytes through the rewriter, cut anywhere.
//!
//! What goes out and what the edit sees do not show the cuts. An edit that changes nothing gives
//! back the input, however much it asks to see. What an edit adds is bounded.

#![no_main]

mod cuts;
mod edits;

use edits::{assert_bounded, assert_same, at_once};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (text, cuts) = cuts::split(input);
    let whole = at_once(text);
    assert_bounded(text, text.len(), &whole);
    assert_same(text, &text.chunks(1).collect::<Vec<_>>(), &whole);
    assert_same(text, &cuts.pieces(text), &whole);
});
