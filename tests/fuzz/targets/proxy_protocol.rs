//! Any bytes as the beginning of a connection that has to say who comes.
//!
//! Whatever they are, no more is read than the announcement has, it is read in few steps, and what is said
//! does not depend on how it came. What is read as an announcement can be written as one, and read again.

#![no_main]

mod cuts;

use kelisim::proxy::{Announcement, Ends};
use kelisim::server::proxy_protocol::{BYTES_MAX, announced, wanted};
use libfuzzer_sys::fuzz_target;

const BEGINNINGS: [&[u8]; 6] = [
    b"",
    b"PROXY TCP4 ",
    b"PROXY TCP6 ",
    b"PROXY UNKNOWN",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24",
];

/// What is said, and how many bytes it took; nothing if that is no announcement, or not all of one.
fn read(text: &[u8], pieces: &[&[u8]]) -> Option<(Option<Ends>, usize)> {
    let mut lengths = pieces.iter().map(|piece| piece.len()).filter(|length| *length > 0);
    let mut taken = 0;
    let mut steps = 0;
    loop {
        let more = wanted(&text[..taken])?;
        assert!(taken + more <= BYTES_MAX, "a bound on all of it");
        if more == 0 {
            return Some((announced(&text[..taken]).ok()?, taken));
        }
        // Not more than is wanted, and not more than has come.
        let mut missing = more;
        while missing > 0 {
            let comes = lengths.next().unwrap_or(usize::MAX).min(missing).min(text.len() - taken);
            if comes == 0 {
                return None;
            }
            (taken, missing) = (taken + comes, missing - comes);
            let early = wanted(&text[..taken]);
            assert!(early.is_none() || early >= Some(missing), "what was wanted is not too much");
        }
        steps += 1;
        assert!(steps < 60, "a line is read in steps of two");
    }
}

fuzz_target!(|input: &[u8]| {
    let (input, cuts) = cuts::split(input);
    let Some((&choice, rest)) = input.split_first() else { return };
    let beginning = BEGINNINGS[usize::from(choice) % BEGINNINGS.len()];
    let text = [beginning, rest].concat();
    let whole = read(&text, &[&text]);
    for pieces in [text.chunks(1).collect(), cuts.pieces(&text)] {
        assert_eq!(read(&text, &pieces), whole, "{}", text.escape_ascii());
    }
    let Some((said, taken)) = whole else { return };
    // What stands behind it changes nothing.
    assert_eq!(read(&text[..taken], &[&text]), whole);
    let Some(ends) = said else { return };
    for how in [Announcement::V1, Announcement::V2] {
        let written = how.of_visitor(ends);
        let (again, length) = read(&written, &[&written]).expect("it is one");
        assert_eq!((again, length), (said, written.len()), "{how:?} {}", written.escape_ascii());
    }
});
