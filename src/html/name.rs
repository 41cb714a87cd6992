//! Element names as numbers.
//!
//! Of every tag the name is asked several times: does the edit care, what does the tree builder
//! make of it, which open element does it close. A name of up to seven letters fits into one word
//! with its length, and then each question is a comparison of two numbers.
//!
//! Longer names are hashed. Two of them may share a number; the lists in `tree/names.rs` are tested
//! to be free of that, and a page that makes up a name with such a number gains nothing: it is read
//! as an element that it could have named outright.
//!
//! What the names mean to the tree builder is in `tree/names.rs`.

use super::find::ends_name;

/// A name without regard to ASCII case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

/// A name of so many bytes fits beside its length.
const PACKED_MAX: usize = 7;

/// Names are hashed word by word with this odd multiplier (of splitmix64).
const MIX: u64 = 0xbf58_476d_1ce4_e5b9;

impl Key {
    /// The number of a name.
    pub(super) const fn of(name: &[u8]) -> Key {
        if name.len() <= PACKED_MAX {
            let mut word = 0;
            let mut at = name.len();
            while at > 0 {
                at -= 1;
                word = (word << 8) | name[at] as u64;
            }
            return Key::packed(word, name.len()).0;
        }
        let mut hash = name.len() as u64;
        let mut at = 0;
        while at < name.len() {
            hash = (hash ^ name[at].to_ascii_lowercase() as u64).wrapping_mul(MIX);
            hash ^= hash >> 29;
            at += 1;
        }
        // A packed name begins with a letter; a hash has nothing there.
        Key(hash << 8)
    }

    /// The number of the name at `bytes[at..at + len]`, and whether it has upper-case letters.
    #[inline]
    pub(super) fn at(bytes: &[u8], at: usize, len: usize) -> (Key, bool) {
        // The word may reach behind the name; what is there is masked.
        if len <= PACKED_MAX
            && let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk)
        {
            return Key::packed(u64::from_le_bytes(*word) & !(u64::MAX << (8 * len)), len);
        }
        Key::hashed(&bytes[at..at + len])
    }

    /// The number and the length of the name that eight bytes begin with, if it is as most are: short,
    /// in lower case, and with white space, `/` or `>` behind it.
    #[inline]
    pub(super) fn read(bytes: [u8; 8]) -> Option<(Key, usize)> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let word = u64::from_le_bytes(bytes);
        // All are looked at at once: no sum carries into the next byte, and in each the top bit says
        // whether it is `0` or above, and whether it is anything but `>`.
        let low = word & (0x7f * ONES);
        let from_0 = low + (0x80 - 0x30) * ONES;
        let other = (low ^ (0x3e * ONES)) + 0x7f * ONES;
        let ends = !(from_0 & other) & (0x80 * ONES);
        if ends == 0 {
            return None;
        }
        let len = (ends.trailing_zeros() / 8) as usize;
        let name = (ends ^ (ends - 1)) >> 8;
        // Upper case lacks this bit, and so do control characters, of which no name is made.
        let lower = !word & name & (0x20 * ONES) == 0;
        let usual = bytes[0].is_ascii_lowercase()
            && lower
            && ends_name((word >> (8 * len)).to_le_bytes()[0]);
        usual.then_some((Key((word & name) | ((len as u64) << 56)), len))
    }

    /// As [`Key::at`] for a name that is long or stands at the very end: apart, to keep the other way short.
    #[cold]
    fn hashed(name: &[u8]) -> (Key, bool) {
        (Key::of(name), name.iter().any(u8::is_ascii_uppercase))
    }

    /// How long the name is that eight bytes begin with, if it is this one in lower case, with `>` behind
    /// it. Names that are hashed are not looked for.
    #[inline]
    pub(super) fn begins(self, bytes: [u8; 8]) -> Option<usize> {
        let word = u64::from_le_bytes(bytes);
        let len = (self.0 >> 56) as usize;
        // No name begins with a zero, and every hash does.
        if len > PACKED_MAX || self.0.trailing_zeros() >= 8 {
            return None;
        }
        let name = self.0 & (u64::MAX >> 8);
        let wanted = name | u64::from(b'>') << (8 * len);
        let unwanted = (word ^ wanted) << (8 * (PACKED_MAX - len));
        (unwanted == 0).then_some(len)
    }

    /// The first letter in five bits and the length, if the name is not hashed.
    #[inline]
    pub(super) fn glance(self) -> Option<(usize, u32)> {
        (self.0 & 0xff != 0).then_some(((self.0 & 31) as usize, (self.0 >> 56) as u32))
    }

    /// Whether it comes first where keys are sorted.
    pub(super) const fn is_below(self, other: Key) -> bool {
        self.0 < other.0
    }

    /// The number of a name that stands in a word, with zeros behind it.
    #[inline]
    const fn packed(word: u64, len: usize) -> (Key, bool) {
        // Eight bytes are compared with `A` and `Z` at once: the sums carry into their top bits.
        let low = word & 0x7f7f_7f7f_7f7f_7f7f;
        let from_a = low + 0x3f3f_3f3f_3f3f_3f3f;
        let behind_z = low + 0x2525_2525_2525_2525;
        let upper = from_a & !behind_z & !word & 0x8080_8080_8080_8080;
        (Key((word | (upper >> 2)) | ((len as u64) << 56)), upper != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_however_it_is_written_and_wherever_it_stands() {
        for name in
            ["a", "div", "script", "SCRIPT", "Section", "noscript", "foreignObject", "h1", "я"]
        {
            let plain = Key::of(name.to_ascii_lowercase().as_bytes());
            let upper = name.bytes().any(|byte| byte.is_ascii_uppercase());
            for tail in ["", ">", " class=a>ABCDEFGH"] {
                let tag = format!("<{name}{tail}");
                assert_eq!(Key::at(tag.as_bytes(), 1, name.len()), (plain, upper), "{tag}");
            }
        }
    }

    fn eight(text: &str) -> [u8; 8] {
        *format!("{text}abcdefgh").as_bytes().first_chunk().expect("it is long enough")
    }

    #[test]
    fn a_usual_name_is_read_with_its_end() {
        for name in ["a", "h1", "div", "section", "a=b"] {
            for end in ["\t", "\n", "\x0C", "\r", " ", "/", ">"] {
                let expected = Some((Key::of(name.as_bytes()), name.len()));
                assert_eq!(Key::read(eight(&format!("{name}{end}"))), expected, "{name}{end:?}");
                assert_eq!(Key::read(eight(&format!("{}{end}", name.to_uppercase()))), None);
            }
            for other in ["-", "\0", "!", "\u{a0}", "\u{be}", "\x0b"] {
                assert_eq!(Key::read(eight(&format!("{name}{other}>"))), None, "{name}{other:?}");
            }
        }
        for other in ["", "1>", "/a>", "!-->", "?a>", "`>", "{>", ">", "article", "noscript>"] {
            assert_eq!(Key::read(eight(other)), None, "{other}");
        }
    }

    #[test]
    fn an_end_is_seen_only_of_the_name_itself() {
        for name in ["a", "h1", "div", "section", "article"] {
            let key = Key::of(name.as_bytes());
            assert_eq!(key.begins(eight(&format!("{name}>"))), Some(name.len()), "{name}");
            for other in ["x", " ", "/", "\0"] {
                assert_eq!(key.begins(eight(&format!("{name}{other}>"))), None, "{name}{other}");
                assert_eq!(key.begins(eight(&format!("{other}{name}>"))), None, "{other}{name}");
            }
            assert_eq!(key.begins(eight(&format!("{}>", name.to_uppercase()))), None);
        }
        // Longer names, and none at all, stand in no word.
        for name in ["noscript", "blockquote", "foreignobject", ""] {
            let key = Key::of(name.as_bytes());
            assert_eq!(key.begins(eight(&format!("{name}>"))), None, "{name}");
            assert_eq!(key.begins([0; 8]), None, "{name}");
        }
    }

    #[test]
    fn different_names_have_different_numbers() {
        let names = [
            "a", "a\0", "b", "aa", "\u{ff}", "abcdefg", "abcdefgh", "abcdefgi", "[", "{", "@", "`",
        ];
        for one in names {
            for other in names {
                let same = Key::of(one.as_bytes()) == Key::of(other.as_bytes());
                assert_eq!(same, one == other, "{one:?} {other:?}");
            }
        }
    }
}
