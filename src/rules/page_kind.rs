//! `[[page-kind]]` of `site.toml`: the kinds of pages by which banners and answers are counted.
//!
//! A page's address may say whose it is, so counts never hold one: they hold the kind that it is of, by a name
//! of the operator's. Without any there are two: `home` and `other`.
//!
//! Choices that are made in the settings count as [`SETTINGS`].
//!
//! Nothing is decided by them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::pattern::glob_matches;
use super::source::{Entry, Source};

/// How many there may be: each multiplies what is counted.
const PAGE_KINDS_MAX: usize = 20;

/// The kind of the first page, in each language.
const HOME: &str = "home";

/// The kind of pages that nothing is said of.
const OTHER: &str = "other";

/// The kind of choices that are made in the settings.
pub const SETTINGS: &str = "settings";

/// Pages that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageKind {
    /// The name.
    pub name: String,
    path: String,
}

/// Pages that are counted together.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageKindEntry {
    /// What they are called in counts, such as `prices`. Several entries may have one name.
    name: String,
    /// Their paths, without query, in which `*` is any run of characters. The first entry that matches counts.
    path: String,
}

/// Reads them.
pub(super) fn read(source: &mut Source<'_>) -> Vec<PageKind> {
    let mut kinds = Vec::new();
    for Entry { line, value: PageKindEntry { name, path } } in source.each("page-kind") {
        let is_plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || name.len() > 30 || !name.bytes().all(is_plain) {
            let text = format!(
                "`{name}` is no name of a kind; write one like `prices`, of at most 30 letters a to z, digits and `-`"
            );
            source.problem(line, text);
        }
        if [HOME, OTHER, SETTINGS].contains(&name.as_str()) {
            source.problem(line, format!("`{name}` is there already; take another name"));
        }
        if !path.starts_with(['/', '*']) {
            let text = format!("path `{path}` begins with neither `/` nor `*`; write `/{path}`");
            source.problem(line, text);
        }
        if kinds.len() == PAGE_KINDS_MAX {
            let text = format!(
                "more than {PAGE_KINDS_MAX} kinds of pages; name fewer, as each multiplies the counts"
            );
            source.problem(line, text);
        }
        kinds.push(PageKind { name, path });
    }
    kinds
}

/// The kind of the page at a path, which has no query.
pub(super) fn of<'a>(kinds: &'a [PageKind], languages: &[String], path: &str) -> &'a str {
    if let Some(kind) = kinds.iter().find(|kind| glob_matches(&kind.path, path)) {
        return &kind.name;
    }
    let name = path.trim_start_matches('/').trim_end_matches('/');
    let is_home = name.is_empty() || languages.iter().any(|language| language == name);
    if is_home { HOME } else { OTHER }
}

/// The kind that a form gives, if there is such a one.
pub(super) fn named<'a>(kinds: &'a [PageKind], given: Option<&str>) -> &'a str {
    match given {
        Some(HOME) => HOME,
        given => kinds
            .iter()
            .find(|kind| Some(kind.name.as_str()) == given)
            .map_or(OTHER, |kind| &kind.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_of_the_first_kind_that_matches_and_a_form_names_none_that_is_not_there() {
        let kind =
            |name: &str, path: &str| PageKind { name: name.to_owned(), path: path.to_owned() };
        let kinds =
            [kind("prices", "*/prices"), kind("prices", "/tariffs/*"), kind("all", "/kk/*")];
        let languages = ["kk".to_owned(), "ru".to_owned()];
        for (path, name) in [
            ("/", "home"),
            ("/ru", "home"),
            ("/kk/", "all"),
            ("/prices", "prices"),
            ("/kk/prices", "prices"),
            ("/tariffs/1", "prices"),
            ("/kk/x", "all"),
            ("/ru/ivan@example.kz", "other"),
        ] {
            assert_eq!(of(&kinds, &languages, path), name, "{path}");
        }
        for (given, name) in [
            (Some("home"), "home"),
            (Some("prices"), "prices"),
            (Some("ivan"), "other"),
            (Some("settings"), "other"),
            (None, "other"),
        ] {
            assert_eq!(named(&kinds, given), name);
        }
    }
}
