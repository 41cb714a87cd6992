//! Words that are looked for in addresses.
//!
//! Every address of a page is asked whether it may be one that the site serves for a vendor, and nearly
//! all are short and have none of the words. Few words are found sooner one by one than all at once.
//!
//! Which words they are is for [`super::PathRule`] to say.

use aho_corasick::{AhoCorasick, BuildError};
use memchr::memmem::Finder;

/// So many words are found sooner one by one.
const FEW_WORDS_MAX: usize = 8;

/// Words that are looked for in addresses, which are short.
#[derive(Debug)]
pub(super) enum Words {
    /// Of a few, one by one.
    Few(Vec<Finder<'static>>),
    Many(AhoCorasick),
}

impl Words {
    pub(super) fn of(mut words: Vec<&str>) -> Result<Words, BuildError> {
        words.sort_unstable();
        words.dedup();
        if words.len() > FEW_WORDS_MAX {
            return AhoCorasick::new(words).map(Words::Many);
        }
        Ok(Words::Few(words.into_iter().map(|word| Finder::new(word).into_owned()).collect()))
    }

    pub(super) fn any_in(&self, text: &[u8]) -> bool {
        match self {
            Words::Few(words) => words.iter().any(|word| word.find(text).is_some()),
            Words::Many(words) => words.is_match(text),
        }
    }
}
