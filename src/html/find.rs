//! The next byte of a kind, near or far, and where names end.
//!
//! Most tags follow each other closely, and most names and attribute values are short. A call of
//! `memchr` costs more than it takes to look at the next sixty-four bytes, sixteen at once, so those
//! are looked at here, and the library does the long ways.
//!
//! Nothing is read behind the bytes given.

use std::ops::BitOr;

use memchr::memchr;
use wide::u8x16;

/// How many bytes are looked at at once.
const BLOCK_BYTES: usize = 16;

/// Farther than so many blocks, `memchr` is faster for all that its call costs.
const NEAR_BLOCKS: usize = 4;

/// Where `needle` stands first in `bytes[from..]`, counted from the start of `bytes`.
#[inline]
pub(super) fn find(needle: u8, bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    for _ in 0..NEAR_BLOCKS {
        let Some(block) = block(bytes, at) else {
            let rest = bytes.get(at..)?;
            return rest.iter().position(|&byte| byte == needle).map(|found| at + found);
        };
        if let Some(found) = first(block.simd_eq(u8x16::splat(needle))) {
            return Some(at + found);
        }
        at += BLOCK_BYTES;
    }
    memchr(needle, &bytes[at..]).map(|found| at + found)
}

/// Where a name of a tag or an attribute that goes on at `at` ends: at white space, `/`, `>` or `=`.
#[inline]
pub(super) fn name_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    if let Some(block) = block(bytes, at) {
        // All control characters, and `<` and `?` too: who comes upon one of those walks on.
        let spaces = block.min(u8x16::splat(b' ')).simd_eq(block);
        let signs = (block | u8x16::splat(3)).simd_eq(u8x16::splat(b'?'));
        let slashes = block.simd_eq(u8x16::splat(b'/'));
        at += first(spaces | signs | slashes).unwrap_or(BLOCK_BYTES);
    }
    walk(bytes, at, |class| class & ENDS_NAME != 0)
}

/// Where a value without quotes ends that goes on at `at`: at white space or `>`.
#[inline]
pub(super) fn unquoted_end(bytes: &[u8], at: usize) -> Option<usize> {
    walk(bytes, at, |class| class & ENDS_UNQUOTED != 0)
}

/// Where white space ends that goes on at `at`.
#[inline]
pub(super) fn space_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    // There is one mostly, or none; but some pages are indented inside of tags, too.
    for _ in 0..2 {
        if !is_space(*bytes.get(at)?) {
            return Some(at);
        }
        at += 1;
    }
    while let Some(block) = block(bytes, at) {
        let spaces =
            [b' ', b'\t', b'\n', b'\x0C', b'\r'].map(|space| block.simd_eq(u8x16::splat(space)));
        let spaces = spaces.into_iter().fold(u8x16::ZERO, BitOr::bitor);
        if let Some(found) = first(!spaces) {
            return Some(at + found);
        }
        at += BLOCK_BYTES;
    }
    walk(bytes, at, |class| class & SPACE == 0)
}

/// A bit for each letter from `at` on that a name of an attribute may begin with: behind white space, a
/// slash, or a quote; and how many bytes were looked at. The byte before `at` is looked at, too.
#[inline]
pub(super) fn name_starts(bytes: &[u8], at: usize) -> (u32, usize) {
    let (Some(block), Some(before)) = (block(bytes, at), block(bytes, at - 1)) else {
        let starts =
            |two: &[u8]| two[1].is_ascii_alphabetic() && CLASSES[usize::from(two[0])] & APART != 0;
        let rest = &bytes[at - 1..];
        let found = rest.windows(2).enumerate().filter(|(_, two)| starts(two));
        return (found.fold(0, |bits, (place, _)| bits | 1 << place), BLOCK_BYTES);
    };
    let place = (block | u8x16::splat(b' ')) - u8x16::splat(b'a');
    let letters = place.min(u8x16::splat(25)).simd_eq(place);
    // All control characters, too.
    let spaces = before.min(u8x16::splat(b' ')).simd_eq(before);
    let slashes = before.simd_eq(u8x16::splat(b'/'));
    let quotes = before.simd_eq(u8x16::splat(b'"')) | before.simd_eq(u8x16::splat(b'\''));
    ((letters & (spaces | slashes | quotes)).to_bitmask(), BLOCK_BYTES)
}

#[inline]
fn walk(bytes: &[u8], mut at: usize, ends: impl Fn(u8) -> bool) -> Option<usize> {
    while !ends(CLASSES[usize::from(*bytes.get(at)?)]) {
        at += 1;
    }
    Some(at)
}

/// White space inside a tag. A carriage return counts: browsers make a line feed of it first.
#[inline]
pub(super) const fn is_space(byte: u8) -> bool {
    CLASSES[byte as usize] & SPACE != 0
}

/// Whether a byte ends the name of an attribute: of a tag, too, but for `=`.
#[inline]
pub(super) const fn ends_name(byte: u8) -> bool {
    CLASSES[byte as usize] & ENDS_NAME != 0
}

const SPACE: u8 = 1;
const ENDS_UNQUOTED: u8 = 2;
const ENDS_NAME: u8 = 4;
const APART: u8 = 8;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let spaces = b"\t\n\x0C\r ";
    let mut at = 0;
    while at < spaces.len() {
        classes[spaces[at] as usize] = SPACE | ENDS_UNQUOTED | ENDS_NAME | APART;
        at += 1;
    }
    classes[b'>' as usize] = ENDS_UNQUOTED | ENDS_NAME;
    classes[b'/' as usize] = ENDS_NAME | APART;
    classes[b'"' as usize] = APART;
    classes[b'\'' as usize] = APART;
    classes[b'=' as usize] = ENDS_NAME;
    classes
};

/// The signs that matter to tags, in a window of the bytes.
///
/// Each sign is looked for once, in all of the window, and then is a bit: dense pages have several tags
/// in a window. Places are counted from its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs<'a> {
    bytes: &'a [u8],
    window: &'a [u8; Signs::BYTES],
    start: usize,
    /// A bit for each `<`.
    opens: u64,
    /// A bit for each quote and each `>`.
    stops: u64,
    /// A bit for each `=`.
    equals: u64,
}

impl<'a> Signs<'a> {
    /// How long a window is.
    pub(super) const BYTES: usize = 4 * BLOCK_BYTES;

    /// The signs in `bytes` from `start` on, if there are enough.
    #[inline]
    pub(super) fn at(bytes: &'a [u8], start: usize) -> Option<Self> {
        let window: &[u8; Signs::BYTES] = bytes.get(start..)?.first_chunk()?;
        let (mut opens, mut stops, mut equals) = (0, 0, 0);
        let (blocks, _) = window.as_chunks::<BLOCK_BYTES>();
        for (place, block) in blocks.iter().enumerate() {
            let block = u8x16::new(*block);
            let found = block.simd_eq(u8x16::splat(b'<'));
            opens |= u64::from(found.to_bitmask()) << (BLOCK_BYTES * place);
            let quotes = block.simd_eq(u8x16::splat(b'"')) | block.simd_eq(u8x16::splat(b'\''));
            let found = quotes | block.simd_eq(u8x16::splat(b'>'));
            stops |= u64::from(found.to_bitmask()) << (BLOCK_BYTES * place);
            let found = block.simd_eq(u8x16::splat(b'='));
            equals |= u64::from(found.to_bitmask()) << (BLOCK_BYTES * place);
        }
        Some(Signs { bytes, window, start, opens, stops, equals })
    }

    /// All the bytes, of which the window is a part.
    #[inline]
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the window starts in them.
    #[inline]
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// The place of the first `<` that was not passed.
    #[inline]
    pub(super) fn opened(&self) -> Option<usize> {
        (self.opens != 0).then_some(self.opens.trailing_zeros() as usize)
    }

    /// Passes every `<` before a place.
    #[inline]
    pub(super) fn pass_opened_before(&mut self, place: usize) {
        self.opens &= from(place);
    }

    /// The place of the first quote or `>` that was not passed.
    #[inline]
    pub(super) fn stop(&self) -> Option<usize> {
        (self.stops != 0).then_some(self.stops.trailing_zeros() as usize)
    }

    /// Passes the first quote or `>`.
    #[inline]
    pub(super) fn pass_stop(&mut self) {
        self.stops &= self.stops.wrapping_sub(1);
    }

    /// Passes every quote and `>` before a place.
    #[inline]
    pub(super) fn pass_stops_before(&mut self, place: usize) {
        self.stops &= from(place);
    }

    /// The place of the first `=` that was not passed, or the end of the window.
    #[inline]
    pub(super) fn equals(&self) -> usize {
        self.equals.trailing_zeros() as usize
    }

    /// Passes every `=` before a place.
    #[inline]
    pub(super) fn pass_equals_before(&mut self, place: usize) {
        self.equals &= from(place);
    }

    /// The byte in a place, which is below [`Signs::BYTES`].
    #[inline]
    pub(super) fn byte(&self, place: usize) -> u8 {
        self.window[place % Signs::BYTES]
    }
}

/// The bits from a place on.
#[inline]
fn from(place: usize) -> u64 {
    if place < Signs::BYTES { u64::MAX << place } else { 0 }
}

/// The bytes from `at` on, if there are enough for a block.
#[inline]
fn block(bytes: &[u8], at: usize) -> Option<u8x16> {
    Some(u8x16::new(*bytes.get(at..)?.first_chunk()?))
}

/// The first place of a block that was hit.
#[inline]
fn first(hits: u8x16) -> Option<usize> {
    let bits = hits.to_bitmask();
    (bits != 0).then_some(bits.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_one_is_found_at_every_distance() {
        for len in (0..48).chain(60..84) {
            for at in 0..=len {
                // Neighbours that differ in one bit, and a second one behind.
                let mut bytes = vec![b'='; len];
                if at < len {
                    bytes[at] = b'<';
                    bytes[at + 1..].fill(b'<');
                }
                for from in 0..=at {
                    let expected = (at < len).then_some(at);
                    assert_eq!(find(b'<', &bytes, from), expected, "{len} {at} {from}");
                }
            }
        }
        assert_eq!(find(b'<', b"<", 2), None);
    }

    #[test]
    fn a_walk_ends_at_the_first_byte_that_ends_it() {
        for end in 0..=u8::MAX {
            let input = [&b"zzz"[..], &[end], b"a=b>c</d"].concat();
            let ends = |those: &[u8]| those.contains(&end);
            let space = ends(b"\t\n\x0C\r ");
            let name = if space || ends(b"/>=") { 3 } else { 5 };
            assert_eq!(name_end(&input, 0), Some(name), "{end}");
            for before in [0, 1, 11, 12, 13, 15, 16, 17, 40] {
                let input = [&vec![b'z'; before][..], &input, &[b'z'; 20]].concat();
                assert_eq!(name_end(&input, 0), Some(before + name), "{end} {before}");
            }
            let value = if space || end == b'>' { 3 } else { 7 };
            assert_eq!(unquoted_end(&input, 0), Some(value), "{end}");
            assert_eq!(space_end(&input, 3), Some(if space { 4 } else { 3 }), "{end}");
            assert_eq!(is_space(end), space, "{end}");
        }
        assert_eq!(name_end(b"abc", 0), None);
        assert_eq!(name_end(b"", 1), None);
    }
}
