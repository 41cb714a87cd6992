//! Any bytes through the rewriter, cut anywhere.
//!
//! What goes out and what the edit sees do not show the cuts. An edit that changes nothing gives
//! back the input, however much it asks to see. What an edit adds is bounded.

#![no_main]

mod cuts;
mod edits;

use edits::{ADDED_AT_END, ADDED_PER_BYTE, Busy, Idle, assert_same};
use kelisim::html::{Interest, rewrite};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (text, cuts) = cuts::split(input);
    let whole = rewrite(text, Busy::default()).expect("nothing is refused");
    let bound = text.len() * (1 + ADDED_PER_BYTE) + ADDED_AT_END;
    assert!(whole.0.len() <= bound, "{} bytes became {}", text.len(), whole.0.len());
    for interest in [Interest::Pass, Interest::Tag, Interest::Whole] {
        let (same, _) = rewrite(text, Idle(interest)).expect("nothing is refused");
        assert!(same == text, "{interest:?} at once changed it");
    }
    assert_same(text, &text.chunks(1).collect::<Vec<_>>(), &whole);
    assert_same(text, &cuts.pieces(text), &whole);
});
