//! `rules/texts/<language>.toml`: the wording, and what a language's file translates of others.
//!
//! A file is read as a whole: a text that is missing, empty or unknown is a problem here. They are read before
//! all other files, which may lack a language that one of these speaks for them.
//!
//! What there is to say is [`Texts`]'s.

use std::collections::BTreeMap;

use super::problem::{Problem, nearest};
use super::source::Source;
use super::{PolicyWording, RuleFile, whole};
use crate::banner::Texts;
use crate::policy::Purpose;
use crate::time::Day;

/// The wording of every language that has a file, listed or not.
pub(super) fn read(
    root: &str,
    files: &[RuleFile],
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Texts> {
    let named =
        files.iter().filter_map(|(name, text)| Some((name, name.strip_prefix("texts/")?, text)));
    let read = named.filter_map(|(name, file, text)| {
        let read = read_one(&format!("{root}/{name}"), file, text, problems)?;
        Some((read.code.clone(), read))
    });
    read.collect()
}

/// Translations of what nobody says: a slip would leave the real thing untranslated.
pub(super) fn translated_for_nobody(
    root: &str,
    files: &[RuleFile],
    texts: &BTreeMap<String, Texts>,
    wording: &BTreeMap<Day, PolicyWording>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let purposes = Purpose::ALL.map(Purpose::name);
    for texts in texts.values() {
        let mut tell = |text: String| {
            problems.push(whole(root, &format!("texts/{}.toml", texts.code), &text));
        };
        for (day, words) in &texts.translated.policy {
            let file = format!("policy/{day}.toml");
            if !files.iter().any(|(name, _)| *name == file) {
                tell(format!("translates the policy of `{day}`, but there is no `{file}`"));
            }
            for id in words.purposes.keys().filter(|id| !purposes.contains(&id.as_str())) {
                let near = nearest(id, purposes).map(|near| format!("; did you mean `{near}`?"));
                tell(format!("translates `{id}`, which is no purpose{}", near.unwrap_or_default()));
            }
            // Of a version that could not be read nothing is known.
            let Some((_, said)) = wording.iter().find(|(of, _)| of.to_string() == *day) else {
                continue;
            };
            for id in words.recipients.keys().filter(|id| !said.recipients.contains_key(*id)) {
                tell(format!("translates `{id}`, which is no recipient of the policy of `{day}`"));
            }
        }
    }
    problems
}

/// Reads a file of wording, named so in its folder.
fn read_one(path: &str, file: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Texts> {
    let mut source = Source::open(path, text, problems);
    let read = source.whole::<Texts>()?;
    for (key, problem) in read.problems() {
        source.problem(source.line_of(&key), problem);
    }
    if file != format!("{}.toml", read.code) {
        let right = format!("`code` is `{}`; the file's name says otherwise", read.code);
        source.problem(0, right);
    }
    Some(read)
}

/// The languages of the site that have no wording.
pub(super) fn missing(root: &str, languages: &[String], files: &[RuleFile]) -> Vec<Problem> {
    let texts = languages.iter().map(|language| format!("texts/{language}.toml"));
    let missing = texts.filter(|file| !files.iter().any(|(name, _)| name == file));
    let text = "is missing, but `site.toml` lists the language";
    missing.map(|file| whole(root, &file, text)).collect()
}
