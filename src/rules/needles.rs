//! Which rules a script is worth trying.
//!
//! A page's scripts are long and hardly any is a tag. Most rules cannot match where some word is
//! missing (`googletagmanager.com`, `Ya.Metrika`), so all those words are looked for at once, at the
//! speed of memory, and only the rules whose words are there are tried.
//!
//! What a rule cannot do without is read from its pattern. A rule that can do without any word is
//! tried on every script: slower, never wrong.
//!
//! The patterns come from [`super::vendor`]; what a match means is not said here.

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;
use regex_syntax::hir::{Hir, HirKind};

/// Shorter words are found everywhere and tell nothing.
const WORD_BYTES_MIN: usize = 3;

/// A rule that needs one of more words than this is tried on every script.
const WORDS_MAX: usize = 32;

/// The words of some rules.
#[derive(Debug)]
pub(super) struct Needles {
    words: AhoCorasick,
    /// For each word, the rules that it speaks for.
    speaks_for: Vec<Vec<usize>>,
    /// The rules that no word speaks for.
    always: Vec<usize>,
}

impl Needles {
    /// Reads what each of some patterns cannot do without.
    pub(super) fn of<'a>(patterns: impl Iterator<Item = &'a str>) -> Needles {
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut speaks_for: Vec<Vec<usize>> = Vec::new();
        let mut always = Vec::new();
        let mut rules = 0;
        for (rule, pattern) in patterns.enumerate() {
            rules += 1;
            let Some(needed) = needed(pattern) else {
                always.push(rule);
                continue;
            };
            for word in needed {
                let at = words.iter().position(|known| *known == word).unwrap_or_else(|| {
                    words.push(word);
                    speaks_for.push(Vec::new());
                    words.len() - 1
                });
                speaks_for[at].push(rule);
            }
        }
        let (words, speaks_for) = shortest(words, speaks_for);
        let words = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&words);
        match words {
            Ok(words) => Needles { words, speaks_for, always },
            // More words than it takes: then all rules are tried, as if there were none.
            Err(_) => Needles {
                words: AhoCorasick::new::<[&[u8]; 0], _>([]).expect("nothing is not too much"),
                speaks_for: Vec::new(),
                always: (0..rules).collect(),
            },
        }
    }

    /// The rules that may match this script, each once, in order.
    pub(super) fn worth_trying(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let mut worth = self.always.clone();
        let mut from = 0;
        while let Some(found) = self.words.find(&text[from..]) {
            for rule in &self.speaks_for[found.pattern().as_usize()] {
                if !worth.contains(rule) {
                    worth.push(*rule);
                }
            }
            from += found.start() + 1;
        }
        worth.sort_unstable();
        worth.into_iter()
    }
}

/// Without the words that hold others, which speak for both: the fewer there are, the faster they are
/// looked for, and none hides behind another.
fn shortest(words: Vec<Vec<u8>>, speaks_for: Vec<Vec<usize>>) -> (Vec<Vec<u8>>, Vec<Vec<usize>>) {
    let mut all: Vec<_> = words.into_iter().zip(speaks_for).collect();
    all.sort_by_key(|(word, _)| word.len());
    let mut kept: Vec<(Vec<u8>, Vec<usize>)> = Vec::new();
    for (word, rules) in all {
        let held = |(short, _): &&mut (Vec<u8>, _)| memmem::find(&word, short).is_some();
        match kept.iter_mut().find(held) {
            Some((_, spoken)) => spoken.extend(rules),
            None => kept.push((word, rules)),
        }
    }
    kept.into_iter().unzip()
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
        let words = &rules.needles.words;
        println!("{} rules, {} words", rules.inline.len(), words.patterns_len());
        // Beyond this many, or with shorter ones, they are looked for letter by letter.
        assert!(words.patterns_len() <= 64 && words.min_pattern_len() >= 4, "{words:?}");
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
}
