//! What lists said of addresses, kept.
//!
//! To ask a list is to try many filters, and a site's pages name the same addresses over and over: so
//! the answer is kept under all that it depends on, the page's host, the address and what it is used for.
//!
//! It is bounded by what it takes in memory, whatever is asked, and belongs to one set of rules: with new
//! rules it begins empty.

use std::fmt;
use std::hash::Hash;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::Listed;

/// How much memory all of it may take.
pub(super) const BYTES_MAX: u64 = 4 << 20;
/// What an entry takes besides its letters.
const ENTRY_BYTES: u64 = 96;
/// How many entries are expected.
const ENTRIES: usize = 16 * 1024;

/// All that an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question<'a> {
    /// The host of the page.
    pub(super) host: &'a str,
    /// The address.
    pub(super) url: &'a str,
    /// What it is used for, a bit for each use.
    pub(super) uses: u8,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    host: Box<str>,
    url: Box<str>,
    uses: u8,
}

impl Equivalent<Key> for Question<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.url == *key.url && *self.host == *key.host && self.uses == key.uses
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Listed> for Bytes {
    fn weight(&self, key: &Key, _: &Listed) -> u64 {
        (key.host.len() + key.url.len()) as u64 + ENTRY_BYTES
    }
}

/// Answers.
pub(super) struct Answers(Cache<Key, Listed, Bytes>);

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers", self.0.len())
    }
}

impl Answers {
    pub(super) fn new() -> Answers {
        Answers(Cache::with_weighter(ENTRIES, BYTES_MAX, Bytes))
    }

    /// The answer that is kept, or the one that is found and kept from now on.
    pub(super) fn get_or(&self, question: Question<'_>, find: impl FnOnce() -> Listed) -> Listed {
        if let Some(listed) = self.0.get(&question) {
            return listed;
        }
        let listed = find();
        let Question { host, url, uses } = question;
        self.0.insert(Key { host: host.into(), url: url.into(), uses }, listed);
        listed
    }

    /// How much memory is taken.
    pub(super) fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_under_all_that_it_depends_on_and_memory_is_bounded() {
        let answers = Answers::new();
        let first = Question { host: "a.kz", url: "https://b.kz/", uses: 1 };
        let [one, two] = [1, 2].map(Listed);
        assert_eq!(answers.get_or(first, || one), one);
        assert_eq!(answers.get_or(first, || two), one);
        for other in [
            Question { host: "c.kz", ..first },
            Question { url: "https://b.kz/c", ..first },
            Question { uses: 2, ..first },
        ] {
            assert_eq!(answers.get_or(other, || two), two);
        }
        for number in 0..100_000 {
            let url = format!("https://b.kz/{number}/{}", "x".repeat(number % 2_000));
            answers.get_or(Question { url: &url, ..first }, || two);
            assert!(answers.bytes() <= BYTES_MAX, "{number}");
        }
        assert!(answers.bytes() > BYTES_MAX / 2, "{}", answers.bytes());
        // What takes more than there is is not kept, and answered all the same.
        let url = "x".repeat(usize::try_from(BYTES_MAX).expect("it fits"));
        assert_eq!(answers.get_or(Question { url: &url, ..first }, || one), one);
        assert!(answers.bytes() <= BYTES_MAX);
    }
}
