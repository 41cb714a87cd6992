//! What is wrong with a wording, found before a visitor finds it.
//!
//! A text may be empty, lack a word in braces that it must say, or have one that nothing
//! fills. The loader reports each with its key.
//!
//! The texts themselves are [`super::texts`].

use super::texts::{Texts, rights};

/// The subject of a letter to the operator, policy 7.2.
const SUBJECT: &str = "Жеке деректер";

/// The texts that take words, and which.
const PLACES: &[(&str, &[&str])] = &[
    ("banner.ask", &["operator", "purpose", "section"]),
    ("banner.who", &["recipients", "data"]),
    ("page.held", &["recipient", "country", "data"]),
    ("page.held_undeclared", &["host"]),
    ("settings.lead", &["operator"]),
    ("settings.version", &["date"]),
    ("settings.clause", &["section"]),
    ("settings.keep_days", &["days"]),
    ("settings.write", &["subject"]),
    ("settings.code", &["code"]),
    ("detail.abroad_yes", &["countries"]),
    ("states.mark", &["at", "until"]),
    ("grammar.date", &["day", "month", "year"]),
    ("failures.status", &["status"]),
    ("failures.unknown_choice.message", &["what"]),
    ("change.lead", &["date"]),
    ("change.purpose", &["purpose", "section", "parts"]),
    ("policy.lead", &["operator"]),
    ("policy.in_force", &["date"]),
    ("policy.announced", &["announced", "date"]),
    ("policy.past", &["date", "until"]),
    ("policy.before", &["text"]),
    ("policy.after", &["text"]),
    ("cookies.lead", &["operator"]),
    ("cookies.keep", &["time"]),
    ("cookies.met_on", &["date"]),
    ("cookies.met", &["first", "last"]),
    ("cookies.time.seconds", &["count"]),
    ("cookies.time.minutes", &["count"]),
    ("cookies.time.hours", &["count"]),
    ("cookies.time.day", &["count"]),
    ("cookies.time.days", &["count"]),
];

fn places_of_texts() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    PLACES.iter().chain(rights::PLACES)
}

impl Texts {
    /// What is wrong with the wording, each with its key before it: an empty text, a word in braces that is
    /// missing or that nothing fills, the subject that the policy asks for.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (key, text) in leaves("", &toml::Value::Table(self.wording())) {
            if text.trim().is_empty() {
                problems.push((key.clone(), format!("`{key}` is empty")));
            }
            let wanted = places_of_texts()
                .find(|(name, _)| *name == key)
                .map_or(&[][..], |(_, words)| words);
            let found = places(&text);
            for word in wanted.iter().filter(|word| !found.contains(word)) {
                problems.push((key.clone(), format!("`{key}` does not say `{{{word}}}`")));
            }
            for word in found.iter().filter(|word| !wanted.contains(word)) {
                let text = match wanted {
                    [] => format!("`{key}`: nothing fills `{{{word}}}` here"),
                    _ => format!(
                        "`{key}`: unknown `{{{word}}}`; it takes {{{}}}",
                        wanted.join("}, {")
                    ),
                };
                problems.push((key.clone(), text));
            }
        }
        if self.settings.subject != SUBJECT {
            let text = format!(
                "`settings.subject` is `{}`; the policy (7.2) asks for `{SUBJECT}`",
                self.settings.subject
            );
            problems.push(("settings.subject".to_owned(), text));
        }
        problems
    }

    fn wording(&self) -> toml::Table {
        toml::Table::try_from(self).expect("strings and tables of strings make TOML")
    }
}

/// The words in braces of a text.
fn places(text: &str) -> Vec<&str> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(word, _)| word).collect()
}

/// Every text below a value, with its dotted key.
fn leaves(key: &str, value: &toml::Value) -> Vec<(String, String)> {
    match value {
        toml::Value::Table(table) => table
            .iter()
            .flat_map(|(name, inner)| {
                let dotted = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                leaves(&dotted, inner)
            })
            .collect(),
        toml::Value::Array(items) => items.iter().flat_map(|item| leaves(key, item)).collect(),
        toml::Value::String(text) => vec![(key.to_owned(), text.clone())],
        _ => Vec::new(),
    }
}
