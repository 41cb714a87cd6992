//! What rules said of inline scripts, kept.
//!
//! A site's pages have the same scripts over and over, tens of kilobytes of them, and to look for what rules
//! speak of is most of what a page costs. So the answer is kept under the whole text: two texts are one only if
//! every byte is the same.
//!
//! It is bounded by what it takes in memory, and belongs to one set of rules: with new rules it begins empty.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::action::Said;

/// How much memory all of it may take.
const BYTES_MAX: u64 = 4 << 20;
/// What an entry takes besides its text.
const ENTRY_BYTES: u64 = 96;
/// How many entries are expected.
const ENTRIES: usize = 1024;

/// A shorter text is looked through as soon as it is found here, and of longer ones few would have room.
const TEXT_BYTES: std::ops::RangeInclusive<usize> = 512..=256 * 1024;

/// How much of a text tells it from others, most of the time: its ends and as much between them.
const SAMPLE_BYTES: usize = 32;
const SAMPLES: usize = 16;

/// A text that is asked about.
struct Text<'a>(&'a [u8]);

#[derive(Clone, PartialEq, Eq)]
struct Kept(Box<[u8]>);

impl Equivalent<Kept> for Text<'_> {
    fn equivalent(&self, kept: &Kept) -> bool {
        *self.0 == *kept.0
    }
}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let text = self.0;
        state.write_usize(text.len());
        let step = text.len() / SAMPLES;
        for at in (0..SAMPLES).map(|sample| sample * step) {
            state.write(&text[at..text.len().min(at + size_of::<u64>())]);
        }
        state.write(&text[text.len().saturating_sub(SAMPLE_BYTES)..]);
    }
}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Text(&self.0).hash(state);
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Kept, Arc<[Said]>> for Bytes {
    fn weight(&self, text: &Kept, said: &Arc<[Said]>) -> u64 {
        (text.0.len() + size_of_val(&**said)) as u64 + ENTRY_BYTES
    }
}

/// Answers.
pub(super) struct Answered(Cache<Kept, Arc<[Said]>, Bytes>);

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} scripts", self.0.len())
    }
}

impl Default for Answered {
    fn default() -> Answered {
        Answered(Cache::with_weighter(ENTRIES, BYTES_MAX, Bytes))
    }
}

impl Answered {
    /// The answer that is kept, or the one that is found and kept from now on.
    pub(super) fn get_or(&self, text: &[u8], find: impl FnOnce() -> Vec<Said>) -> Vec<Said> {
        if !TEXT_BYTES.contains(&text.len()) {
            return find();
        }
        if let Some(said) = self.0.get(&Text(text)) {
            return said.to_vec();
        }
        let said = find();
        self.0.insert(Kept(text.into()), said[..].into());
        said
    }
}

#[cfg(test)]
mod tests {
    use super::super::action::Action;
    use super::*;

    #[test]
    fn an_answer_is_kept_under_every_byte_and_memory_is_bounded() {
        let answered = Answered::default();
        let said = |vendor| vec![Said { vendor, action: Action::Hold }];
        let text = vec![b'a'; 10_000];
        assert_eq!(answered.get_or(&text, || said(1)), said(1));
        assert_eq!(answered.get_or(&text, || said(2)), said(1));
        for at in 0..text.len() {
            let mut other = text.clone();
            other[at] = b'b';
            assert_eq!(answered.get_or(&other, || said(2)), said(2), "{at}");
            assert!(answered.0.weight() <= BYTES_MAX);
        }
        assert_eq!(answered.get_or(&text[1..], || said(3)), said(3));
        for other in [&b""[..], b"short", &vec![b'a'; 1 << 20]] {
            assert_eq!(answered.get_or(other, || said(4)), said(4));
            assert_eq!(answered.get_or(other, || said(5)), said(5), "it is not kept");
        }
    }
}
