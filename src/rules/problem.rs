//! What is wrong with a rule file, in words that name the place and the likely fix.
//!
//! A problem reads ``rules/vendors/x.toml:7: unknown purpose `analitics`; did you mean
//! `analytics`?``. All problems of all files are collected before any is reported.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// One thing that is wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as it was given to the loader.
    pub path: String,
    /// The line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { path, line, text } = self;
        match line {
            0 => write!(f, "{path}: {text}"),
            line => write!(f, "{path}:{line}: {text}"),
        }
    }
}

static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("`([^`]*)`").expect("a valid pattern"));

/// Adds the likely fix to a parser's message that names what it found and what it expected.
pub(crate) fn with_fix(message: &str) -> String {
    let message = message.trim().replace('\n', ", ");
    let mut names = QUOTED.captures_iter(&message).filter_map(|found| found.get(1));
    let (Some(given), true) = (names.next(), message.starts_with("unknown ")) else {
        return message;
    };
    let expected: Vec<&str> = names.map(|name| name.as_str()).collect();
    match nearest(given.as_str(), expected.iter().copied()) {
        Some(name) => {
            let head = message.split(", expected").next().unwrap_or(&message);
            format!("{head}; did you mean `{name}`?")
        }
        None => message,
    }
}

/// The name most like `given`, if any is like it at all.
pub(super) fn nearest<'a>(
    given: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_gets_the_right_word_and_nonsense_gets_the_list() {
        let message = "unknown variant `analitics`, expected one of `contract`, `analytics`";
        assert_eq!(with_fix(message), "unknown variant `analitics`; did you mean `analytics`?");
        let message = "unknown field `zzzzzzzz`, expected `name` or `purpose`";
        assert_eq!(with_fix(message), message);
    }
}
