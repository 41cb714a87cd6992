//! Where a tag ends that is written as nearly all are.
//!
//! A tag ends at the first `>` that is in no quotes, and quotes that open a value stand behind a name
//! and an equals sign. So of a tag only quotes, `>` and `=` have to be found, sixty-four bytes at a
//! time, and not where each name and value begins and ends.
//!
//! It says nothing that the states of [`Inside`](super::Inside) would not say, and where anything is
//! unusual, nothing at all.

use super::super::find::{self, Signs, is_space};

/// A tag that is complete and written as nearly all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Ordinary {
    /// Where its name ends.
    pub(in super::super) name_end: usize,
    /// Where it ends itself, behind the `>`.
    pub(in super::super) end: usize,
    pub(in super::super) self_closing: bool,
}

/// Steps over a tag from the first letter of its name. `None` where the bytes end first or soon
/// after, and where the states have to be taken one by one.
#[inline]
pub(in super::super) fn ordinary(bytes: &[u8], at: usize) -> Option<Ordinary> {
    let name_end = find::name_end(bytes, at)?;
    let mut base = name_end;
    match bytes[name_end] {
        b'>' => return Some(Ordinary { name_end, end: name_end + 1, self_closing: false }),
        b'=' => return None,
        _ => {}
    }
    'signs: loop {
        let mut signs = Signs::at(bytes, base)?;
        // Behind the last value, or the tag's name: here no value is open.
        let mut between = 0;
        while let Some(stop) = signs.stop() {
            let byte = signs.byte(stop);
            let equals = signs.equals_before(stop);
            if byte == b'>' {
                let slash = stop > between && signs.byte(stop - 1) == b'/';
                // Behind an equals sign the slash may belong to a value without quotes.
                let end = base + stop + 1;
                let seen = Ordinary { name_end, end, self_closing: slash };
                return (!slash || equals == 0).then_some(seen);
            }
            // A name and the one equals sign that there is lead up to the quote.
            if stop < between + 2 || equals != 1 << (stop - 1) {
                return None;
            }
            let before = signs.byte(stop - 2);
            if is_space(before) || before == b'/' {
                return None;
            }
            let closed = loop {
                signs.pass();
                match signs.stop() {
                    Some(stop) if signs.byte(stop) == byte => break stop,
                    Some(_) => {}
                    None => {
                        base = find::find(byte, bytes, base + Signs::BYTES)? + 1;
                        continue 'signs;
                    }
                }
            };
            signs.pass();
            signs.forget_before(closed);
            between = closed + 1;
        }
        if between == 0 {
            return None;
        }
        base += between;
    }
}
