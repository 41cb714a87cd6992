//! One rule file while it is being read.
//!
//! A TOML parser stops at the first error of a file. An operator wants them all: so the
//! file is parsed with recovery, and each entry of it (one `[[cookie]]`, one `[[purpose]]`)
//! is read by itself, so that a slip in the first does not hide one in the last.
//!
//! Every value keeps the line it stands on.

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Spanned, Table};

use super::problem::{Problem, with_fix};

/// A file's text with what has been read of it so far.
pub(super) struct Source<'a> {
    path: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    problems: &'a mut Vec<Problem>,
}

/// A value and the line it stands on.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) line: usize,
    pub(super) value: T,
}

impl<'a> Source<'a> {
    /// Parses a file; syntax errors become problems, and what could be read is read.
    pub(super) fn open(path: &'a str, text: &'a str, problems: &'a mut Vec<Problem>) -> Source<'a> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut source = Source { path, text, table: table.into_inner(), problems };
        for error in errors {
            source.refuse(&error);
        }
        source
    }

    /// The file's path.
    pub(super) fn path(&self) -> &'a str {
        self.path
    }

    /// Takes the entries of an array of tables out of the file.
    pub(super) fn each<T: DeserializeOwned>(&mut self, key: &str) -> Vec<Entry<T>> {
        let Some(value) = self.table.remove(key) else { return Vec::new() };
        let line = self.line_at(value.span().start);
        let DeValue::Array(items) = value.into_inner() else {
            self.problem(
                line,
                format!("`{key}` is not a list; write each entry under `[[{key}]]`"),
            );
            return Vec::new();
        };
        let mut entries = Vec::new();
        for item in items {
            let line = self.line_at(item.span().start);
            match T::deserialize(ValueDeserializer::from(item)) {
                Ok(value) => entries.push(Entry { line, value }),
                Err(error) => self.refuse_near(&error, line),
            }
        }
        entries
    }

    /// Reads all that is left of the file as one value.
    pub(super) fn rest<T: DeserializeOwned>(&mut self) -> Option<T> {
        let table = std::mem::take(&mut self.table);
        let whole = Spanned::new(0..self.text.len(), DeValue::Table(table));
        match T::deserialize(ValueDeserializer::from(whole)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(&error);
                None
            }
        }
    }

    /// The line of a key, or 0 where it is absent. A dotted key leads into tables.
    pub(super) fn line_of(&self, key: &str) -> usize {
        let mut table = &self.table;
        let mut line = 0;
        for name in key.split('.') {
            let Some((key, value)) = table.get_key_value(name) else { return line };
            line = self.line_at(key.span().start);
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                _ => return line,
            }
        }
        line
    }

    /// Reads the file as a whole without taking it.
    pub(super) fn whole<T: DeserializeOwned>(&mut self) -> Option<T> {
        let table = self.table.clone();
        let value = self.rest();
        self.table = table;
        value
    }

    /// Notes a problem on a line of this file.
    pub(super) fn problem(&mut self, line: usize, text: impl Into<String>) {
        self.problems.push(Problem { path: self.path.to_owned(), line, text: text.into() });
    }

    fn refuse(&mut self, error: &toml::de::Error) {
        self.refuse_near(error, 0);
    }

    fn refuse_near(&mut self, error: &toml::de::Error, line: usize) {
        // An absent key has no place of its own: the parser gives the whole table's span,
        // whose start is the entry's line.
        let line = match error.span() {
            Some(span) if span != (0..self.text.len()) => self.line_at(span.start),
            _ => line,
        };
        self.problem(line, with_fix(error.message()));
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        memchr::memchr_iter(b'\n', before).count() + 1
    }
}

/// The entries of a file's lists of tables, each with the list's name and its line; and the file's other
/// keys. Of a file that is no TOML, what could be read.
pub fn entries(text: &str) -> (Vec<(String, usize, Table)>, Table) {
    let mut problems = Vec::new();
    let mut source = Source::open("", text, &mut problems);
    let is_list = |value: &DeValue<'_>| {
        matches!(value, DeValue::Array(items)
            if items.iter().any(|item| matches!(item.get_ref(), DeValue::Table(_))))
    };
    let lists: Vec<String> = source
        .table
        .iter()
        .filter(|(_, value)| is_list(value.get_ref()))
        .map(|(key, _)| key.get_ref().to_string())
        .collect();
    let mut entries = Vec::new();
    for list in lists {
        for Entry { line, value } in source.each::<Table>(&list) {
            entries.push((list.clone(), line, value));
        }
    }
    let rest = source.rest().unwrap_or_default();
    (entries, rest)
}
