//! Importing the Open Cookie Database.
//!
//! Its CSV says of each cookie the platform, a category and who controls the data. What it calls analytics
//! and marketing becomes a list for each of the two; of the other categories nothing is taken: a site may
//! need such a cookie, and that it does is not for a database to say.
//!
//! Its descriptions are for people, and stay in comments.

use std::collections::{BTreeMap, BTreeSet};

use csv::{ReaderBuilder, StringRecord};
use toml::Value;

use super::{Given, Head, Imported, Written, say};
use crate::rules::cookie_problem;

/// The column that tells the database from other CSV.
const NAME: &str = "Cookie / Data Key name";
const HOMEPAGE: &str = "https://github.com/jkwakman/Open-Cookie-Database";
/// The letters of a text that stand in a comment.
const COMMENT_CHARS_MAX: usize = 100;

/// What is taken of a category: its name there, the ending of the list's name, the purpose.
const TAKEN: [(&str, &str); 2] = [("Analytics", "analytics"), ("Marketing", "marketing")];

/// Whether a text is the database.
pub(super) fn is_database(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.contains(NAME) && line.contains(','))
}

/// The places of the columns that are read.
struct Columns {
    platform: usize,
    category: usize,
    name: usize,
    controller: usize,
    wildcard: usize,
}

impl Columns {
    fn of(given: &Given<'_>, header: &StringRecord) -> Result<Columns, String> {
        let place = |wanted: &str| {
            header.iter().position(|name| name.trim() == wanted).ok_or_else(|| {
                let path = &given.path;
                format!("{path}:1: lacks the column `{wanted}` of the Open Cookie Database; fetch it anew")
            })
        };
        Ok(Columns {
            platform: place("Platform")?,
            category: place("Category")?,
            name: place(NAME)?,
            controller: place("Data Controller")?,
            wildcard: place("Wildcard match")?,
        })
    }
}

/// Imports it.
pub(super) fn import(given: &Given<'_>) -> Result<Imported, String> {
    let path = &given.path;
    let told = |error: csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        format!("{path}:{line}: {}", words(&error))
    };
    let mut reader = ReaderBuilder::new().from_reader(given.text.as_bytes());
    let columns = Columns::of(given, reader.headers().map_err(told)?)?;
    let mut entries: [(usize, String); TAKEN.len()] = Default::default();
    let mut known: [BTreeSet<String>; TAKEN.len()] = Default::default();
    let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(told)?;
        let field = |at: usize| record.get(at).unwrap_or_default().trim();
        let line = record.position().map_or(0, csv::Position::line);
        let is_open = match field(columns.wildcard) {
            "1" => true,
            "0" | "" => false,
            other => {
                return Err(format!("{path}:{line}: `Wildcard match` is `{other}`; it is 0 or 1"));
            }
        };
        let category = field(columns.category);
        let Some(taken) = TAKEN.iter().position(|(name, _)| name.eq_ignore_ascii_case(category))
        else {
            *left_out.entry(format!("of the category `{category}`")).or_default() += 1;
            continue;
        };
        let name = field(columns.name).trim_end_matches('*');
        let name = if is_open { format!("{name}*") } else { name.to_owned() };
        if cookie_problem(&name).is_some() {
            *left_out.entry("whose name no cookie can have".to_owned()).or_default() += 1;
        } else if !known[taken].insert(name.clone()) {
            *left_out.entry("that stand there twice".to_owned()).or_default() += 1;
        } else {
            let (count, text) = &mut entries[taken];
            *count += 1;
            put(text, &name, &[field(columns.platform), field(columns.controller)]);
        }
    }

    let mut said = format!("{path}: Open Cookie Database, a list of cookies\n");
    let licence = "Apache-2.0, as the database's page says";
    say(&mut said, &format!("  licence: {licence}"));
    say(&mut said, &format!("  homepage: {HOMEPAGE}"));
    let mut written = Vec::new();
    for ((category, purpose), (count, text)) in TAKEN.into_iter().zip(entries) {
        say(&mut said, &format!("  used for `{purpose}`: {count}"));
        if count > 0 {
            let name = format!("Open Cookie Database: {category}");
            let head = Head { name: &name, homepage: Some(HOMEPAGE), licence, purpose, is: &[] };
            let name = format!("{}-{purpose}.toml", given.list());
            written.push(Written { name, text: head.text(given) + &text });
        }
    }
    for (why, count) in left_out {
        say(&mut said, &format!("  left out: {count} {why}"));
    }
    if written.is_empty() {
        return Err(format!("{path}: has no cookie of the categories `Analytics` and `Marketing`"));
    }
    Ok(Imported { written, said })
}

/// Adds a cookie with what people want to know of it, and examples.
fn put(text: &mut String, name: &str, about: &[&str]) {
    let about: Vec<_> = about.iter().copied().filter(|about| !about.is_empty()).collect();
    let about = about.join(", ").replace(|c: char| c.is_control(), " ");
    let about: String = about.chars().take(COMMENT_CHARS_MAX).collect();
    text.push('\n');
    if !about.is_empty() {
        say(text, &format!("# {about}"));
    }
    // One letter more, and one before that the name does not begin with.
    let (is, is_not) = match name.strip_suffix('*') {
        Some(start) => (
            format!("{start}1"),
            format!("{}{start}", if start.starts_with('x') { 'y' } else { 'x' }),
        ),
        None => (name.to_owned(), format!("{name}x")),
    };
    let value = |text: String| Value::String(text);
    say(text, "[[cookie]]");
    say(text, &format!("name = {}", value(name.to_owned())));
    say(text, &format!("is = [{}]", value(is)));
    say(text, &format!("is_not = [{}]", value(is_not)));
}

/// What is wrong with a row.
fn words(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "has {len} columns, and the first line names {expected_len}; is a quote missing before it?"
        ),
        _ => error.to_string(),
    }
}
