//! Importing a list of filters.
//!
//! What the gate can use is kept as it stands, with its comments; the rest is left out, counted by its
//! reason, each with the first line of its kind.

use std::collections::BTreeMap;

use super::{Given, Head, Imported, Written, say};
use crate::rules::{LeftOut, Line, examples};

/// How far into a list its own description is looked for.
const HEADER_LINES: usize = 60;
/// The letters of a filter that are shown.
const FILTER_CHARS_MAX: usize = 60;

/// Whether a text looks like a list of filters: by its beginning, and not that of a web page.
pub(super) fn is_list(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(HEADER_LINES);
    let starts = ["[Adblock", "! ", "||", "@@"];
    !text.trim_start().starts_with('<')
        && lines.any(|line| starts.iter().any(|start| line.starts_with(start)))
}

/// Imports it.
pub(super) fn import(given: &Given<'_>) -> Result<Imported, String> {
    let (mut kept, mut used) = (String::new(), 0);
    let mut left_out: BTreeMap<LeftOut, (usize, usize, &str)> = BTreeMap::new();
    for (number, line) in given.text.lines().enumerate() {
        match Line::of(line) {
            Line::Nothing => say(&mut kept, line.trim_end()),
            Line::Filter => {
                used += 1;
                say(&mut kept, line.trim_end());
            }
            Line::LeftOut(why) => left_out.entry(why).or_insert((0, number + 1, line)).0 += 1,
        }
    }
    if used == 0 {
        return Err(format!(
            "{}: has no filter that the gate can use, such as `||tracker.example^`",
            given.path
        ));
    }
    let list = given.list();
    let title = stated(given.text, &["title"]).unwrap_or(&given.name);
    let homepage = stated(given.text, &["homepage"]);
    let licence = stated(given.text, &["licence", "license"]);
    let examples = examples(&kept);
    let head = Head {
        name: title,
        homepage,
        licence: licence.unwrap_or("not stated"),
        purpose: "analytics",
        is: &examples,
    };
    let today = given.today;
    let first = format!(
        "! Imported by `kelisim import` from {} on {today}; what the gate cannot use is left out.\n",
        given.name
    );

    let mut said = format!("{}: {title}, a list of filters\n", given.path);
    say(
        &mut said,
        &format!(
            "  licence: {}",
            licence.unwrap_or("not stated; ask its makers before you use it")
        ),
    );
    if let Some(homepage) = homepage {
        say(&mut said, &format!("  homepage: {homepage}"));
    }
    say(&mut said, &format!("  used: {used}"));
    for (why, (count, line, filter)) in left_out {
        let filter: String = filter.chars().take(FILTER_CHARS_MAX).collect();
        say(
            &mut said,
            &format!("  left out: {count}: {why}; first {}:{line}: {filter}", given.path),
        );
    }
    let written = vec![
        Written { name: format!("{list}.txt"), text: first + &kept },
        Written { name: format!("{list}.toml"), text: head.text(given) },
    ];
    Ok(Imported { written, said })
}

/// What a list says of itself at its beginning, in a comment such as `! Homepage: https://…`.
fn stated<'a>(text: &'a str, keys: &[&str]) -> Option<&'a str> {
    let comments = text.lines().take(HEADER_LINES).filter_map(|line| line.trim().strip_prefix('!'));
    let mut values = comments.filter_map(|comment| {
        let (key, value) = comment.split_once(':')?;
        let known = keys.iter().any(|known| key.trim().eq_ignore_ascii_case(known));
        Some(value.trim()).filter(|value| known && !value.is_empty())
    });
    values.next()
}
