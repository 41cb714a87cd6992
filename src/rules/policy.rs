//! `rules/policy/<date>.toml`: one version of the personal-data policy.
//!
//! A file gives two things: the terms of the seven purposes, which decisions rest on, and
//! their wording in the site's languages, which pages show. Only the terms are digested.
//!
//! The file's name is the day on which the version comes into force.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::problem::{Problem, nearest};
use super::schema;
use super::site::Localized;
use super::source::{Entry, Source};
use crate::banner::Texts;
use crate::banner::translated::PolicyWords;
use crate::policy::{
    self, Basis, Category, Keep, PerPurpose, PolicyVersion, Purpose, RecipientId, Terms,
};
use crate::time::Day;

/// A recipient of data, as pages name it (policy 3.6).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The name that purposes and vendors refer to.
    pub id: String,
    /// ISO 3166-1 code of the country that the data go to.
    pub country: String,
    /// The name to show.
    pub name: Localized,
}

/// What a purpose is called, in each language.
#[derive(Clone, Debug)]
pub struct PurposeWording {
    /// A short title.
    pub title: Localized,
    /// The policy's own text.
    pub text: Localized,
}

/// The wording of one policy version.
#[derive(Clone, Debug)]
pub struct PolicyWording {
    /// Recipients, by id.
    pub recipients: BTreeMap<String, Recipient>,
    /// The seven purposes.
    pub purposes: PerPurpose<PurposeWording>,
    /// What the operator says of this version.
    pub summary: Option<Localized>,
    /// Where its full text stands: a path of the site, or an `https` address.
    pub document: Option<Localized>,
}

/// One version of the personal-data policy.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyFile {
    /// The day on which the version was announced, at least 7 days before it is in force (policy 2.3).
    #[schemars(schema_with = "schema::day")]
    announced: Day,
    /// The day on which it comes into force; also the file's name.
    #[schemars(schema_with = "schema::day")]
    in_force: Day,
    /// What this version changes, in a sentence or two and in each language: visitors read it while it is
    /// announced, before the list of what changes that the gateway makes itself.
    summary: Option<Localized>,
    /// Where its full text stands, in each language: a path of the site, or an `https` address. Ours state purposes and
    /// terms, and cite clauses of that text.
    document: Option<Localized>,
}

/// One of the seven purposes, with its terms and their wording.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PurposeEntry {
    /// Which purpose.
    #[serde(deserialize_with = "purpose_by_name")]
    #[schemars(schema_with = "schema::purpose")]
    id: Purpose,
    /// Its clause of the policy, such as `4.3`.
    section: String,
    /// What it rests on.
    #[serde(deserialize_with = "basis_by_name")]
    #[schemars(schema_with = "schema::basis")]
    basis: Basis,
    /// The categories of data that are collected for it.
    #[serde(deserialize_with = "categories_by_name")]
    #[schemars(schema_with = "schema::categories")]
    collects: Vec<Category>,
    /// Who receives them, by the `id` of each `[[recipient]]`.
    recipients: Vec<String>,
    /// For how many days they are kept; until the purpose is met, if not said.
    keep_days: Option<u16>,
    /// A short title, in each language.
    title: Localized,
    /// The policy's own text, in each language.
    text: Localized,
}

impl PurposeEntry {
    /// Says it in the languages that it lacks, as far as their files do.
    fn complete(&mut self, translated: &[(&str, &PolicyWords)]) {
        for (language, words) in translated {
            if let Some(words) = words.purposes.get(self.id.name()) {
                self.title.complete(language, &words.title);
                self.text.complete(language, &words.text);
            }
        }
    }
}

/// Reads a purpose's name.
pub(super) fn purpose_by_name<'de, D: Deserializer<'de>>(from: D) -> Result<Purpose, D::Error> {
    by_name(from, "purpose", &Purpose::ALL.map(|purpose| (purpose.name(), purpose)))
}

/// Reads a list of purposes' names.
pub(super) fn purposes_by_name<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<Purpose>, D::Error> {
    let named = Purpose::ALL.map(|purpose| (purpose.name(), purpose));
    let names = Vec::<String>::deserialize(from)?;
    names.iter().map(|name| find(name, "purpose", &named)).collect()
}

fn basis_by_name<'de, D: Deserializer<'de>>(from: D) -> Result<Basis, D::Error> {
    by_name(from, "basis", &Basis::ALL.map(|basis| (basis.name(), basis)))
}

fn categories_by_name<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Category>, D::Error> {
    let named = Category::ALL.map(|category| (category.name(), category));
    let names = Vec::<String>::deserialize(from)?;
    names.iter().map(|name| find(name, "category", &named)).collect()
}

fn by_name<'de, D, T, const N: usize>(
    from: D,
    what: &str,
    named: &[(&'static str, T); N],
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Copy,
{
    find(&String::deserialize(from)?, what, named)
}

fn find<T: Copy, E: serde::de::Error>(
    given: &str,
    what: &str,
    named: &[(&'static str, T)],
) -> Result<T, E> {
    named.iter().find(|(name, _)| *name == given).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = named.iter().map(|(name, _)| format!("`{name}`")).collect();
        E::custom(format!("unknown {what} `{given}`, expected one of {}", names.join(", ")))
    })
}

fn with_country(id: String, by_id: &BTreeMap<String, Recipient>) -> policy::Recipient {
    let country = by_id.get(&id).map(|recipient| recipient.country.clone()).unwrap_or_default();
    policy::Recipient { id: RecipientId(id), country }
}

/// Whether a section is one of the policy's, such as `4.3`: it names a folder of logs.
fn is_section(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The recipients of a version, by their ids.
fn by_id(
    source: &mut Source<'_>,
    recipients: Vec<Entry<Recipient>>,
    languages: &[String],
    translated: &[(&str, &PolicyWords)],
) -> BTreeMap<String, Recipient> {
    let mut by_id = BTreeMap::new();
    for Entry { line, mut value } in recipients {
        for (language, words) in translated {
            if let Some(name) = words.recipients.get(&value.id) {
                value.name.complete(language, name);
            }
        }
        for language in value.name.missing(languages) {
            source.problem(line, format!("recipient `{}` lacks language `{language}`", value.id));
        }
        if by_id.insert(value.id.clone(), value).is_some() {
            source.problem(line, "this recipient stands here twice; remove one");
        }
    }
    by_id
}

/// What the languages' files say for the version of this file.
fn translated<'a>(
    path: &str,
    texts: &'a BTreeMap<String, Texts>,
) -> Vec<(&'a str, &'a PolicyWords)> {
    let file = path.rsplit('/').next().unwrap_or_default();
    let day = file.strip_suffix(".toml").unwrap_or(file);
    let words = texts.iter().map(|(code, texts)| (code.as_str(), texts.translated.policy.get(day)));
    words.filter_map(|(code, words)| Some((code, words?))).collect()
}

/// Reads one version with its wording.
pub(super) fn read(
    path: &str,
    text: &str,
    languages: &[String],
    texts: &BTreeMap<String, Texts>,
    problems: &mut Vec<Problem>,
) -> Option<(PolicyVersion, PolicyWording)> {
    let before = problems.len();
    let translated = translated(path, texts);
    let mut source = Source::open(path, text, problems);
    let recipients: Vec<Entry<Recipient>> = source.each("recipient");
    let purposes: Vec<Entry<PurposeEntry>> = source.each("purpose");
    let in_force_line = source.line_of("in_force");
    let announced_line = source.line_of("announced");
    let (summary_line, document_line) = (source.line_of("summary"), source.line_of("document"));
    let file: Option<PolicyFile> = source.rest();

    let by_id = by_id(&mut source, recipients, languages, &translated);
    let mut found: PerPurpose<Option<(Terms, PurposeWording)>> = PerPurpose::default();
    for Entry { line, mut value } in purposes {
        value.complete(&translated);
        let PurposeEntry { id, section, basis, collects, recipients, keep_days, title, text } =
            value;
        for (what, wording) in [("title", &title), ("text", &text)] {
            for language in wording.missing(languages) {
                source
                    .problem(line, format!("{what} of purpose `{id}` lacks language `{language}`"));
            }
        }
        if !is_section(&section) {
            source.problem(line, format!("section `{section}` is no clause; write it as `4.3`"));
        }
        let same = found
            .iter()
            .find(|(_, entry)| entry.as_ref().is_some_and(|(terms, _)| terms.section == section));
        if let Some((other, _)) = same {
            let text =
                format!("section `{section}` is that of `{other}` already; each has its own");
            source.problem(line, text);
        }
        for recipient in &recipients {
            if !by_id.contains_key(recipient) {
                let fix = nearest(recipient, by_id.keys().map(String::as_str)).map_or_else(
                    || "add it as a `[[recipient]]`".to_owned(),
                    |name| format!("did you mean `{name}`?"),
                );
                source.problem(line, format!("unknown recipient `{recipient}`; {fix}"));
            }
        }
        let terms = Terms::new(
            id,
            section,
            basis,
            collects.into_iter().collect(),
            recipients.into_iter().map(|id| with_country(id, &by_id)).collect(),
            keep_days.map_or(Keep::UntilMet, Keep::Days),
        );
        if found[id].replace((terms, PurposeWording { title, text })).is_some() {
            source.problem(line, format!("purpose `{id}` stands here twice; remove one"));
        }
    }
    let absent: Vec<_> = found.iter().filter(|(_, entry)| entry.is_none()).collect();
    if !absent.is_empty() {
        let names: Vec<_> = absent.iter().map(|(purpose, _)| format!("`{purpose}`")).collect();
        let text =
            format!("lacks {}; a policy version states all seven purposes", names.join(", "));
        source.problem(0, text);
    }

    let PolicyFile { announced, in_force, summary, document } = file?;
    for (what, wording, line) in
        [("summary", &summary, summary_line), ("document", &document, document_line)]
    {
        for language in wording.iter().flat_map(|wording| wording.missing(languages)) {
            source.problem(line, format!("{what} lacks language `{language}`"));
        }
    }
    let addresses = document.iter().flat_map(Localized::all);
    for (language, address) in addresses.filter(|(_, address)| !is_document(address)) {
        let text = format!(
            "document in `{language}` is `{address}`; write a path of the site, `/policy`, or an `https://` address"
        );
        source.problem(document_line, text);
    }
    // Told here as well, where the line is known; a set of versions refuses it again.
    if announced.plus_days(policy::NOTICE_DAYS) > in_force {
        let error = policy::PolicyError::ShortNotice { announced, in_force };
        source.problem(announced_line, error.to_string());
    }
    if path.rsplit('/').next() != Some(&format!("{in_force}.toml")) {
        source.problem(
            in_force_line,
            format!(
                "in force {in_force}, but the file is not named so; rename it `{in_force}.toml`"
            ),
        );
    }
    if problems.len() > before {
        return None;
    }
    let whole = PerPurpose::from_fn(|purpose| {
        found[purpose].take().expect("an absent purpose is a problem, and there was none")
    });
    let terms = PerPurpose::from_fn(|purpose| whole[purpose].0.clone());
    let purposes = PerPurpose::from_fn(|purpose| whole[purpose].1.clone());
    Some((
        PolicyVersion { announced, in_force, terms },
        PolicyWording { recipients: by_id, purposes, summary, document },
    ))
}

/// Whether visitors can be led to an address: a path of the site, or one that is safe on its way.
fn is_document(address: &str) -> bool {
    let Ok(site) = Url::parse("https://site.invalid/") else { return false };
    match site.join(address) {
        Ok(url) if address.starts_with('/') => url.origin() == site.origin(),
        Ok(url) => address.starts_with("https://") && url.has_host(),
        Err(_) => false,
    }
}
