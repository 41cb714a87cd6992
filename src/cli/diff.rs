//! `kelisim diff`: what changes between two folders of rules.
//!
//! First what was written: rules added, removed and changed, each with its line. Then what follows for
//! visitors: who is asked again, whose tags nobody gets any more, what is no longer protected. And for
//! addresses and pages that are named, and for what a gateway met, what becomes of them before and after.
//!
//! Both folders have to be right by themselves: what is wrong with one is said, and nothing is compared.
//!
//! Exit code 0, whether anything changes or not; 1 where something cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use http::HeaderMap;
use toml::{Table, Value};
use url::Url;

use super::explain::{findings, place_and_deed, said_of};
use super::imagined::{Imagined, Page, Scene, read};
use crate::config::rule_files;
use crate::gate::request::is_withheld;
use crate::gate::response::set_cookie_withheld;
use crate::gate::tally::Kind;
use crate::gate::trace::Finding;
use crate::observe::{Discovered, Found};
use crate::policy::{Basis, Purpose};
use crate::rules::{Line, RuleFile, Use, entries, is_picture};

/// The letters of a value that are shown.
const VALUE_CHARS_MAX: usize = 70;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Folder of rules before
    old: PathBuf,
    /// Folder of rules after
    new: PathBuf,
    /// An address, a page in a file, or what `kelisim discover --json` has printed, in a file that ends in
    /// `.json`: to say what becomes of it before and after
    #[arg(long, value_name = "URL|FILE")]
    on: Vec<String>,
    #[command(flatten)]
    imagined: Imagined,
}

/// Compares two folders.
pub(super) fn run(options: &Options) -> ExitCode {
    match compare(options) {
        Ok(text) if text.is_empty() => super::print("nothing changes\n"),
        Ok(text) => super::print(&text),
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn compare(options: &Options) -> Result<String, String> {
    let (old, new) = (options.imagined.scene(&options.old)?, options.imagined.scene(&options.new)?);
    let mut text = written(&files(&options.old)?, &files(&options.new)?);
    text.push_str(&followed(&old, &new));
    for on in &options.on {
        text.push_str(&became(on, &old, &new)?);
    }
    Ok(text)
}

fn files(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let files: Vec<RuleFile> = rule_files(folder).map_err(|error| error.to_string())?;
    Ok(files.into_iter().collect())
}

/// What was written anew, file by file.
fn written(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    let names: Vec<&String> =
        old.keys().chain(new.keys().filter(|n| !old.contains_key(*n))).collect();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(_), None) => line(&mut text, &format!("- {name}: the file is gone")),
            (None, Some(_)) => line(&mut text, &format!("+ {name}: a new file")),
            (Some(before), Some(after))
                if before != after && name.strip_suffix(".txt").is_some() =>
            {
                line(&mut text, &format!("~ {name}: {}", in_filters(before, after)));
            }
            (Some(before), Some(after)) if before != after && is_picture(name) => {
                line(&mut text, &format!("~ {name}: another picture"));
            }
            (Some(before), Some(after)) if before != after => {
                text.push_str(&in_file(name, before, after));
            }
            _ => {}
        }
    }
    text
}

/// How many filters of a list came and went.
fn in_filters(before: &str, after: &str) -> String {
    let [before, after] = [before, after].map(|text| {
        text.lines().filter(|line| Line::of(line) == Line::Filter).collect::<BTreeSet<_>>()
    });
    let (new, gone) = (after.difference(&before).count(), before.difference(&after).count());
    format!("{new} filters new, {gone} gone")
}

fn in_file(name: &str, before: &str, after: &str) -> String {
    let mut text = String::new();
    let (before, after) = (Parts::of(before), Parts::of(after));
    for (key, (at, was)) in &before.entries {
        match after.entries.get(key) {
            None => line(&mut text, &format!("- {name}:{at}: {key}")),
            Some((at, is)) if is != was => {
                line(&mut text, &format!("~ {name}:{at}: {key}: {}", differences(was, is)));
            }
            Some(_) => {}
        }
    }
    for (key, (at, _)) in after.entries.iter().filter(|(key, _)| !before.entries.contains_key(*key))
    {
        line(&mut text, &format!("+ {name}:{at}: {key}"));
    }
    if before.rest != after.rest {
        line(&mut text, &format!("~ {name}: {}", differences(&before.rest, &after.rest)));
    }
    text
}

/// The entries of a file, by what they are, with their lines; and its other keys.
struct Parts {
    entries: BTreeMap<String, (usize, Table)>,
    rest: Table,
}

impl Parts {
    fn of(text: &str) -> Parts {
        let (listed, rest) = entries(text);
        let mut entries = BTreeMap::new();
        for (list, at, table) in listed {
            let what = identity(&list, &table);
            let mut key = format!("[[{list}]] {what}");
            // A rule that stands there twice is two.
            while entries.contains_key(&key) {
                key.push_str(" (again)");
            }
            entries.insert(key, (at, table));
        }
        Parts { entries, rest }
    }
}

/// What makes an entry the same one although the rest of it changes.
fn identity(list: &str, entry: &Table) -> String {
    let keys: &[&str] = match list {
        "url" => &["host", "path", "as"],
        "inline" => &["pattern"],
        "cookie" | "storage" => &["name"],
        "signature" => &["all"],
        "path" => &["vendor", "host", "path"],
        "exempt" => &["path"],
        "site-banner" => &["action", "selector"],
        _ => &["id"],
    };
    let known = keys.iter().filter_map(|key| Some(format!("{key} = {}", shown(entry.get(*key)?))));
    known.collect::<Vec<_>>().join(", ")
}

/// The keys that differ, tables within tables by dotted names.
fn differences(was: &Table, is: &Table) -> String {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    flatten("", was, &mut before);
    flatten("", is, &mut after);
    let keys: Vec<_> =
        before.keys().chain(after.keys().filter(|k| !before.contains_key(*k))).collect();
    let differing = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let words = differing.map(|key| match (before.get(key), after.get(key)) {
        (Some(was), Some(is)) => format!("{key}: {} → {}", shown(was), shown(is)),
        (Some(_), None) => format!("{key}: gone"),
        (None, is) => format!("{key}: new, {}", is.map(|is| shown(is)).unwrap_or_default()),
    });
    words.collect::<Vec<_>>().join("; ")
}

fn flatten<'a>(above: &str, table: &'a Table, into: &mut BTreeMap<String, &'a Value>) {
    for (key, value) in table {
        let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            Value::Table(inner) => flatten(&key, inner, into),
            value => drop(into.insert(key, value)),
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// What follows for visitors.
fn followed(old: &Scene, new: &Scene) -> String {
    let mut text = String::new();
    let (before, after) = (old.policy(), new.policy());
    for purpose in Purpose::ALL {
        let (was, is) = (&before.terms[purpose], &after.terms[purpose]);
        if was.digest != is.digest {
            let follows = match is.basis {
                Basis::Consent => "choices about it no longer count, and visitors are asked again",
                _ => "it needs no consent, and nobody is asked",
            };
            line(&mut text, &format!("the terms of `{purpose}` change: {follows}"));
        }
    }
    let withheld = |scene: &Scene| -> Vec<String> {
        let never = scene.rules().never_declared();
        never.map(|(name, recipient)| format!("{name} (`{recipient}`)")).collect()
    };
    let (was, is) = (withheld(old), withheld(new));
    for vendor in is.iter().filter(|vendor| !was.contains(vendor)) {
        line(&mut text, &format!("withheld from everybody from now on: {vendor}"));
    }
    for vendor in was.iter().filter(|vendor| !is.contains(vendor)) {
        line(&mut text, &format!("no longer withheld from everybody: {vendor}"));
    }
    let (was, is) = (old.warnings(), new.warnings());
    for warning in is.iter().filter(|warning| !was.contains(warning)) {
        line(&mut text, &format!("warning: {warning}"));
    }
    text
}

/// What becomes of an address, or of a page, before and after.
fn became(on: &str, old: &Scene, new: &Scene) -> Result<String, String> {
    let mut text = String::new();
    if let Some(url) = Url::parse(on).ok().filter(Url::has_host) {
        for used in Use::ALL {
            let [was, is] = [old, new].map(|scene| {
                let page = scene.page_with(&url);
                said_of(scene.fates().of_url_from(scene.rules(), &page, &url, used))
            });
            if was != is {
                line(&mut text, &format!("{url} as {}: {was} → {is}", used.name()));
            }
        }
        if text.is_empty() {
            line(&mut text, &format!("{url}: the same"));
        }
        return Ok(text);
    }
    if Path::new(on).extension().is_some_and(|ending| ending == "json") {
        return became_of_met(on, old, new);
    }
    let page = Page::html(PathBuf::from(on), None);
    let none = HeaderMap::new();
    let (was, is) = (findings(old, &page, &none)?, findings(new, &page, &none)?);
    let same = |one: &Finding, other: &Finding| {
        (one.line, one.deed, &one.tag) == (other.line, other.deed, &other.tag)
    };
    let said = |sign: &str, finding: &Finding| format!("{sign} {}", place_and_deed(on, finding));
    for finding in was.iter().filter(|finding| !is.iter().any(|other| same(finding, other))) {
        line(&mut text, &said("-", finding));
    }
    for finding in is.iter().filter(|finding| !was.iter().any(|other| same(finding, other))) {
        line(&mut text, &said("+", finding));
    }
    if text.is_empty() {
        line(&mut text, &format!("{on}: the same"));
    }
    Ok(text)
}

/// What becomes of all that a gateway met, before and after.
fn became_of_met(name: &str, old: &Scene, new: &Scene) -> Result<String, String> {
    let read = read(Path::new(name)).map_err(|error| format!("{name}: cannot be read: {error}"))?;
    let met: Discovered = serde_json::from_slice(&read).map_err(|error| {
        format!("{name}: is not what `kelisim discover --json` prints: {error}")
    })?;
    let mut text = String::new();
    for found in &met.found {
        let [was, is] = [old, new].map(|scene| said_of_found(scene, found));
        if was != is {
            let Found { name, kind, count, .. } = found;
            line(&mut text, &format!("{name} ({}, {count} times): {was} → {is}", kind.name()));
        }
    }
    if text.is_empty() {
        line(&mut text, &format!("{name}: the same"));
    }
    Ok(text)
}

/// What becomes of one of these.
fn said_of_found(scene: &Scene, found: &Found) -> String {
    let (rules, name) = (scene.rules(), found.name.as_bytes());
    let withheld = match found.kind {
        Kind::Cookie => is_withheld(name, rules, &scene.verdicts()),
        Kind::SetCookie => set_cookie_withheld(name, rules, &scene.verdicts()).is_some(),
        kind => {
            let used = match kind {
                Kind::Image => Use::Image,
                Kind::Frame => Use::Frame,
                Kind::Hint => Use::Link,
                _ => Use::Script,
            };
            let url = Url::parse(&format!("https://{}/", found.name));
            return url.map_or_else(
                |_| "passes".to_owned(),
                |url| {
                    let page = scene.page_with(&url);
                    said_of(scene.fates().of_url_from(rules, &page, &url, used))
                },
            );
        }
    };
    if withheld { "withheld" } else { "passes" }.to_owned()
}

fn line(text: &mut String, words: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{words}");
}
