//! Rules for what the site itself serves of a vendor, as they are written, and their examples played.
//!
//! A rule that would take the whole site, or words that stand in every script, are problems with their
//! line.
//!
//! What they match is in [`super`].

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::action::{Action, Rule};
use super::super::pattern::HostPattern;
use super::super::source::{Entry, Source};
use super::super::vendor::{play, require_examples};
use super::{PathRule, Serves, Signature, SitePath, WORD_BYTES_MIN, WORD_OF_PATH_BYTES_MIN, Word};

/// An address of the site's own that it serves for the vendor.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rules) struct PathEntry {
    /// The host, written as in `[[url]]`; any of the site's if not said.
    host: Option<String>,
    /// The path, in which `*` is any run of characters; what stands behind a `?` is compared with the query.
    path: String,
    /// What it serves; both if not said.
    serves: Option<Serves>,
    /// What is done with what it names; as the vendor's file says if not said.
    action: Option<Action>,
    /// Paths that it is for.
    is: Vec<String>,
    /// Paths that it is not for.
    is_not: Vec<String>,
}

// `flatten` and `deny_unknown_fields` do not go together, so the fields stand here again.
/// An address of the site's own that it serves for a vendor.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rules) struct SitePathEntry {
    /// The vendor: the name of its file, without `.toml`.
    vendor: String,
    /// The host, written as in `hosts`; any of the site's if not said.
    host: Option<String>,
    /// The path, in which `*` is any run of characters; what stands behind a `?` is compared with the query.
    path: String,
    /// What it serves; both if not said.
    serves: Option<Serves>,
    /// What is done with what it names; as the vendor's file says if not said.
    action: Option<Action>,
    /// Paths that it is for.
    is: Vec<String>,
    /// Paths that it is not for.
    is_not: Vec<String>,
}

/// Words that tell the vendor's library wherever it comes from.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rules) struct SignatureEntry {
    /// Words that all stand in its first 64 KiB.
    all: Vec<String>,
    /// What is done with what it names; as the file says if not said.
    action: Option<Action>,
    /// Code that it is for.
    is: Vec<String>,
    /// Code that it is not for.
    is_not: Vec<String>,
}

/// Reads the `[[path]]` of a vendor's file.
pub(in crate::rules) fn paths(source: &mut Source<'_>) -> Vec<Rule<PathRule>> {
    let entries = source.each::<PathEntry>("path");
    entries.into_iter().filter_map(|entry| path_rule(source, entry)).collect()
}

/// Reads the `[[path]]` of `site.toml`.
pub(in crate::rules) fn paths_of_site(source: &mut Source<'_>) -> Vec<SitePath> {
    let mut paths = Vec::new();
    for Entry { line, value } in source.each::<SitePathEntry>("path") {
        let SitePathEntry { vendor, host, path, serves, action, is, is_not } = value;
        let entry = Entry { line, value: PathEntry { host, path, serves, action, is, is_not } };
        paths.extend(path_rule(source, entry).map(|rule| SitePath { vendor, rule }));
    }
    paths
}

fn path_rule(source: &mut Source<'_>, entry: Entry<PathEntry>) -> Option<Rule<PathRule>> {
    let Entry { line, value: PathEntry { host, path, serves, action, is, is_not } } = entry;
    let host = match host.map(|host| HostPattern::parse(&host)).transpose() {
        Ok(host) => host,
        Err(text) => {
            source.problem(line, text);
            return None;
        }
    };
    if !path.starts_with(['/', '*']) {
        let text = format!("path `{path}` begins with neither `/` nor `*`; write `/{path}`");
        source.problem(line, text);
    }
    let rule = PathRule { host, path, serves, file: source.path().to_owned() };
    let (Word::Path(word) | Word::Query(word)) = rule.word();
    if word.len() < WORD_OF_PATH_BYTES_MIN && (rule.host.is_none() || rule.path != "/*") {
        let text = format!(
            "path `{}` names nothing, and would take the whole site; name a folder, as in `/metrics/*`",
            rule.path
        );
        source.problem(line, text);
    }
    for (examples, expected) in [(&is, true), (&is_not, false)] {
        for example in examples {
            if example.starts_with('/') {
                play(source, line, example, rule.covers(example), expected);
            } else {
                let text = format!("example `{example}` is no path of the site; begin it with `/`");
                source.problem(line, text);
            }
        }
    }
    // A rule for a whole host has no path that it is not for.
    let all = rule.path == "/*";
    require_examples(source, line, &is, if all { &is } else { &is_not });
    Some(Rule { line, action, value: rule })
}

/// Reads the `[[signature]]` of a vendor's file.
pub(in crate::rules) fn signatures(source: &mut Source<'_>) -> Vec<Rule<Signature>> {
    let mut signatures = Vec::new();
    for Entry { line, value } in source.each::<SignatureEntry>("signature") {
        let SignatureEntry { all, action, is, is_not } = value;
        if all.is_empty() {
            source.problem(line, "`all` is empty; name words that stand in the library");
        }
        for word in all.iter().filter(|word| word.len() < WORD_BYTES_MIN) {
            let text = format!(
                "word `{word}` stands in every script; name one of at least {WORD_BYTES_MIN} letters"
            );
            source.problem(line, text);
        }
        let signature = Signature(all);
        for (examples, expected) in [(&is, true), (&is_not, false)] {
            for example in examples {
                play(source, line, example, signature.is_in(example.as_bytes()), expected);
            }
        }
        require_examples(source, line, &is, &is_not);
        signatures.push(Rule { line, action, value: signature });
    }
    signatures
}
