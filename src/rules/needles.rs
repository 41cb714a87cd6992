//! Which rules a script is worth trying.
//!
//! A page's scripts are long and hardly any is a tag. Most rules cannot match where some word is
//! missing (`googletagmanager.com`, `Ya.Metrika`), so all those words are looked for at once, at the
//! speed of memory, and only the rules whose words are there are tried. The fewer are looked for, the
//! faster: words that share a part are looked for by it.
//!
//! What a rule cannot do without is read from its pattern. A rule that can do without any word is
//! tried on every script: slower, never wrong.
//!
//! The patterns come from [`super::vendor`]; what a match means is not said here.

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;
use regex_syntax::hir::{Hir, HirKind};
use rustc_hash::FxHashMap;

/// Shorter words are found everywhere and tell nothing.
const WORD_BYTES_MIN: usize = 3;

/// A rule that needs one of more words than this is tried on every script.
const WORDS_MAX: usize = 32;

/// Up to 32 words are looked for in 32 bytes at once, more of them in 16; so few also hardly hit by chance.
const AT_ONCE_MAX: usize = 24;

/// More words than these are looked for letter by letter, however they are cut.
const CUT_MAX: usize = 64;

/// Words that share less than this are not looked for by it: it would be found too often.
const PART_BYTES_MIN: usize = 4;

/// The words of some rules.
#[derive(Debug)]
pub(super) struct Needles {
    /// What is looked for: the words, or parts that several have.
    parts: AhoCorasick,
    /// For each part, the words that have it.
    words: Vec<Vec<Word>>,
    /// The rules that no word speaks for.
    always: Vec<usize>,
}

/// A word, and which rules cannot do without it or another.
#[derive(Debug)]
struct Word {
    bytes: Vec<u8>,
    /// Where in it the part begins that it is looked for by.
    part_at: usize,
    speaks_for: Vec<usize>,
}

impl Needles {
    /// Reads what each of some patterns cannot do without.
    pub(super) fn of<'a>(patterns: impl Iterator<Item = &'a str>) -> Needles {
        let mut words: Vec<Word> = Vec::new();
        let mut always = Vec::new();
        let mut rules = 0;
        for (rule, pattern) in patterns.enumerate() {
            rules += 1;
            let Some(needed) = needed(pattern) else {
                always.push(rule);
                continue;
            };
            for word in needed {
                match words.iter_mut().find(|known| known.bytes == word) {
                    Some(known) => known.speaks_for.push(rule),
                    None => words.push(Word { bytes: word, part_at: 0, speaks_for: vec![rule] }),
                }
            }
        }
        let parts = parts(words.iter().map(|word| word.bytes.clone()).collect());
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&parts);
        let Ok(built) = built else {
            // More words than it takes: then all rules are tried, as if there were none.
            return Needles {
                parts: AhoCorasick::new::<[&[u8]; 0], _>([]).expect("nothing is not too much"),
                words: Vec::new(),
                always: (0..rules).collect(),
            };
        };
        let mut by_part: Vec<Vec<Word>> = parts.iter().map(|_| Vec::new()).collect();
        for word in words {
            let place = |part: &Vec<u8>| memmem::find(&word.bytes, part);
            let mut places =
                parts.iter().enumerate().filter_map(|(at, part)| Some((at, place(part)?)));
            let (at, part_at) = places.next().expect("a part of each word is looked for");
            by_part[at].push(Word { part_at, ..word });
        }
        Needles { parts: built, words: by_part, always }
    }

    /// The rules that may match this script, each once, in order.
    pub(super) fn worth_trying(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let mut worth = self.always.clone();
        let mut from = 0;
        while let Some(found) = self.parts.find(&text[from..]) {
            let start = from + found.start();
            let stands = |word: &&Word| {
                let start = start.checked_sub(word.part_at);
                start.is_some_and(|start| text[start..].starts_with(&word.bytes))
            };
            for word in self.words[found.pattern().as_usize()].iter().filter(stands) {
                for rule in &word.speaks_for {
                    if !worth.contains(rule) {
                        worth.push(*rule);
                    }
                }
            }
            from = start + 1;
        }
        worth.sort_unstable();
        worth.into_iter()
    }
}

/// What to look for to find each of some words: the words, but for those that hold others, and, where
/// these are too many to be looked for at the best speed, parts that several share. None holds another,
/// so none hides behind another.
fn parts(words: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut parts = shortest(words);
    while (AT_ONCE_MAX + 1..=CUT_MAX).contains(&parts.len()) {
        let Some(part) = shared(&parts).map(<[u8]>::to_vec) else { break };
        parts.push(part);
        parts = shortest(parts);
    }
    parts
}

/// Without the words that hold others.
fn shortest(mut words: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    words.sort_by_key(Vec::len);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for word in words {
        if !kept.iter().any(|short| memmem::find(&word, short).is_some()) {
            kept.push(word);
        }
    }
    kept
}

/// The longest part that two words share, if it is long enough.
fn shared(words: &[Vec<u8>]) -> Option<&[u8]> {
    let longest = words.iter().map(Vec::len).max()?;
    (PART_BYTES_MIN..longest).rev().find_map(|len| {
        let mut first_in = FxHashMap::default();
        let parts = words.iter().flat_map(|word| word.windows(len).map(move |part| (part, word)));
        let mut again =
            parts.filter(|(part, word)| *first_in.entry(*part).or_insert(*word) != *word);
        again.next().map(|(part, _)| part)
    })
}

/// Words of which every match of a pattern holds at least one.
fn needed(pattern: &str) -> Option<Vec<Vec<u8>>> {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    let hir = parser.parse(pattern).ok()?;
    words(&hir).filter(|words| words.len() <= WORDS_MAX)
}

fn words(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) if literal.0.len() >= WORD_BYTES_MIN => {
            Some(vec![literal.0.to_vec()])
        }
        HirKind::Capture(capture) => words(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => words(&repetition.sub),
        // The part whose shortest word is longest tells most.
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(words)
            .max_by_key(|words| words.iter().map(Vec::len).min().unwrap_or_default()),
        HirKind::Alternation(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(words).collect();
            parts.map(|parts| parts.concat())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_cannot_do_without_is_read_from_it() {
        for (pattern, expected) in [
            (r"googletagmanager\.com\\?/gtm\.js\b", &["googletagmanager.com"][..]),
            (r"\bym\s*\(\s*\d{3,},\s*['\x22]init['\x22]", &["init"]),
            (r"(?:ads\.com|syndication\.com)/x", &["ads.com", "syndication.com"]),
            (r"(?:abc)+", &["abc"]),
            (r"(abc)?def", &["def"]),
        ] {
            let needed = needed(pattern).map(|words| {
                words
                    .into_iter()
                    .map(|word| String::from_utf8_lossy(&word).into_owned())
                    .collect::<Vec<_>>()
            });
            assert_eq!(
                needed.as_deref(),
                Some(&expected.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()[..]),
                "{pattern}"
            );
        }
        for pattern in [r"\d+", "ab", "(?i)abcdef", "abc|d", "(abc)*"] {
            assert_eq!(needed(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn the_words_of_the_shipped_rules_are_looked_for_at_once() {
        let rules = crate::rules::load("rules", &crate::demo::rule_files()).expect("they load");
        let pattern = |rule: &usize| {
            let (vendor, rule) = rules.inline[*rule];
            rules.vendors[vendor].inline[rule].value.as_str()
        };
        let always: Vec<_> = rules.needles.always.iter().map(pattern).collect();
        assert!(always.is_empty(), "tried on every script: {always:?}");
        let parts = &rules.needles.parts;
        let words = rules.needles.words.iter().flatten().count();
        println!("{} rules, {words} words, {} parts", rules.inline.len(), parts.patterns_len());
        // Beyond this many, or with shorter ones, they are looked for more slowly.
        assert!(parts.patterns_len() <= 32 && parts.min_pattern_len() >= 4, "{parts:?}");
    }

    #[test]
    fn every_rule_that_matches_is_worth_trying() {
        let patterns = ["abc", "abcd", "bcd", r"\d\d", "xyz|bcde", "nothing"];
        let needles = Needles::of(patterns.into_iter());
        for text in ["abc", "abcd", "xabcde", "xyz", "", "12", "nothinabcnothing"] {
            let worth: Vec<_> = needles.worth_trying(text.as_bytes()).collect();
            for (rule, pattern) in patterns.iter().enumerate() {
                let regex = regex::bytes::Regex::new(pattern).expect("it is valid");
                assert!(
                    !regex.is_match(text.as_bytes()) || worth.contains(&rule),
                    "{pattern} {text}"
                );
            }
            assert!(worth.contains(&3), "what needs no word is always tried");
        }
        assert_eq!(needles.worth_trying(b"none of them").count(), 1);
    }

    #[test]
    fn many_words_are_looked_for_by_what_they_share_and_are_told_apart() {
        let word = |n: usize| format!("{}vendor{n}-{}", "x".repeat(n % 5), "com".repeat(1 + n % 3));
        let words: Vec<String> = (0..CUT_MAX).map(word).collect();
        let needles = Needles::of(words.iter().map(String::as_str));
        assert!(needles.parts.patterns_len() <= AT_ONCE_MAX, "{:?}", needles.parts);
        for at in &words {
            let text = format!("vendor0 com {at}vendor1-com{at}, vendor");
            let expected: Vec<_> =
                (0..words.len()).filter(|rule| text.contains(&words[*rule])).collect();
            let worth: Vec<_> = needles.worth_trying(text.as_bytes()).collect();
            assert_eq!(worth, expected, "{text}");
        }
    }
}
