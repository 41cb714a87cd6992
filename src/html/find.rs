//! The next byte of a kind, near or far, and where names end.
//!
//! Most tags follow each other closely, and most attribute values are short. A call of `memchr`
//! costs more than it takes to look at sixteen bytes, so those are looked at here, and the library
//! does the long ways.
//!
//! Nothing is read behind the bytes given.

use memchr::memchr;

/// Where `needle` stands first in `bytes[from..]`, counted from the start of `bytes`.
#[inline]
pub(super) fn find(needle: u8, bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    if let Some((near, far)) = rest.split_first_chunk::<16>() {
        let (one, two) = near.split_at(8);
        let low = hits(word(one), needle);
        if low != 0 {
            return Some(from + first(low));
        }
        let high = hits(word(two), needle);
        if high != 0 {
            return Some(from + 8 + first(high));
        }
        return memchr(needle, far).map(|at| from + 16 + at);
    }
    rest.iter().position(|&byte| byte == needle).map(|at| from + at)
}

/// Where a name of a tag or an attribute that goes on at `at` ends: at white space, `/`, `>` or `=`.
///
/// Byte by byte: names are so short that eight at once, which was tried, is slower.
#[inline]
pub(super) fn name_end(bytes: &[u8], at: usize) -> Option<usize> {
    walk(bytes, at, |class| class & ENDS_NAME != 0)
}

/// Where a value without quotes ends that goes on at `at`: at white space or `>`.
#[inline]
pub(super) fn unquoted_end(bytes: &[u8], at: usize) -> Option<usize> {
    walk(bytes, at, |class| class & ENDS_UNQUOTED != 0)
}

/// Where white space ends that goes on at `at`.
#[inline]
pub(super) fn space_end(bytes: &[u8], at: usize) -> Option<usize> {
    walk(bytes, at, |class| class & SPACE == 0)
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

const SPACE: u8 = 1;
const ENDS_UNQUOTED: u8 = 2;
const ENDS_NAME: u8 = 4;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let spaces = b"\t\n\x0C\r ";
    let mut at = 0;
    while at < spaces.len() {
        classes[spaces[at] as usize] = SPACE | ENDS_UNQUOTED | ENDS_NAME;
        at += 1;
    }
    classes[b'>' as usize] = ENDS_UNQUOTED | ENDS_NAME;
    classes[b'/' as usize] = ENDS_NAME;
    classes[b'=' as usize] = ENDS_NAME;
    classes
};

#[inline]
fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("it was cut to eight bytes"))
}

/// The top bit of the first byte that is `needle`; behind it there may be others set.
#[inline]
const fn hits(word: u64, needle: u8) -> u64 {
    let zeros = word ^ (needle as u64 * 0x0101_0101_0101_0101);
    zeros.wrapping_sub(0x0101_0101_0101_0101) & !zeros & 0x8080_8080_8080_8080
}

#[inline]
const fn first(hits: u64) -> usize {
    (hits.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_one_is_found_at_every_distance() {
        for len in 0..48 {
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
            let value = if space || end == b'>' { 3 } else { 7 };
            assert_eq!(unquoted_end(&input, 0), Some(value), "{end}");
            assert_eq!(space_end(&input, 3), Some(if space { 4 } else { 3 }), "{end}");
            assert_eq!(is_space(end), space, "{end}");
        }
        assert_eq!(name_end(b"abc", 0), None);
        assert_eq!(name_end(b"", 1), None);
    }
}
