//! `rules/vendors/<name>.toml`: how one vendor's tags and cookies are recognised.
//!
//! Four kinds of rule: addresses that elements point at, text of inline scripts, names of
//! cookies ([`super::cookie`]), keys in the browser's storage; what the site itself serves of a vendor is
//! [`super::first_party`]'s. Each carries its own examples, played when it is read: a rule that does not do
//! what its author thought is a problem, not a surprise in production.
//!
//! Whether something recognised is withheld is its purpose's verdict to say, and how, its rule's
//! ([`super::action`]).

use std::collections::BTreeMap;
use std::fmt;

use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::action::{Action, Does, Rule, RuleAt};
use super::cookie::{self, CookieRule};
use super::first_party::{self, PathRule, Signature};
use super::pattern::{HostPattern, NamePattern, glob_matches};
use super::problem::Problem;
use super::schema;
use super::source::{Entry, Source};
use crate::banner::Texts;
use crate::policy::{Purpose, RecipientId};

/// What an element uses an address for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Code to run.
    Script,
    /// A picture, or a pixel.
    Image,
    /// A page in a frame.
    Frame,
    /// A hint to connect or load ahead; only its host counts.
    Link,
}

impl Use {
    /// All of them: whose an address is, whatever it is used for.
    pub const ALL: [Use; 4] = [Use::Script, Use::Image, Use::Frame, Use::Link];

    /// The name in rules and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Use::Script => "script",
            Use::Image => "image",
            Use::Frame => "frame",
            Use::Link => "link",
        }
    }
}

/// A vendor, and the purpose that its tags serve.
#[derive(Clone, Debug)]
pub struct Vendor {
    /// The name that operators read.
    pub name: String,
    /// What visitors read in its place, by language.
    names: BTreeMap<String, String>,
    names_line: usize,
    /// The purpose it serves.
    pub purpose: Purpose,
    /// The recipient of data, as the policy names it.
    pub recipient: RecipientId,
    /// The file that it stands in.
    pub path: String,
    pub(super) recipient_line: usize,
    /// What is done with what its rules name that say nothing of it.
    pub(super) action: Action,
    /// The line on which the file says so; 0 where it does not.
    pub(super) action_line: usize,
    pub(super) urls: Vec<Rule<UrlRule>>,
    pub(super) inline: Vec<Rule<Regex>>,
    pub(super) cookies: Vec<Rule<CookieRule>>,
    /// Keys in `localStorage` and `sessionStorage`.
    pub(super) keys: Vec<Rule<NamePattern>>,
    /// Names that its cookie rules are for, from their examples.
    pub(super) cookie_examples: Vec<String>,
    pub(super) paths: Vec<Rule<PathRule>>,
    pub(super) signatures: Vec<Rule<Signature>>,
    /// What all these do, once those of `site.toml` are among them.
    pub(super) does: Does,
    /// See [`Vendor::stub`].
    pub(super) stub: Option<Entry<String>>,
}

impl Vendor {
    /// Whether any of its tags is recognised, wherever it comes from.
    pub(super) fn has_tags(&self) -> bool {
        !(self.urls.is_empty()
            && self.inline.is_empty()
            && self.paths.is_empty()
            && self.signatures.is_empty())
    }

    /// Its name in commands and counters: that of its file, such as `google-analytics`.
    pub fn id(&self) -> &str {
        let file = self.path.rsplit('/').next().unwrap_or_default();
        file.strip_suffix(".toml").unwrap_or(file)
    }

    /// Code that stands for its own while that is withheld, so that what the site calls is there.
    pub fn stub(&self) -> Option<&str> {
        self.stub.as_ref().map(|stub| stub.value.as_str())
    }

    /// Whether anything is withheld of it while it is, or all its rules only report.
    pub fn withholds(&self) -> bool {
        self.does.withholds
    }

    /// Whether any of its rules only reports.
    pub fn reports(&self) -> bool {
        self.does.reports
    }

    /// Whether any of its rules has its stub put into pages.
    pub fn puts_stubs(&self) -> bool {
        self.does.stubs
    }

    /// Its name for visitors who read this language.
    pub fn name_in(&self, language: &str) -> &str {
        self.names.get(language).unwrap_or(&self.name)
    }

    /// Its names in languages that nobody here reads.
    pub(super) fn misnamed(&self, texts: &BTreeMap<String, Texts>) -> Vec<Problem> {
        let known = texts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let unread = self.names.keys().filter(|language| !texts.contains_key(*language));
        let problem = |language: &String| Problem {
            path: self.path.clone(),
            line: self.names_line,
            text: format!("`names.{language}` is in no language of `texts/`; there are {known}"),
        };
        unread.map(problem).collect()
    }

    /// What is done with what a rule of it names.
    pub(super) fn action_of<T>(&self, rule: &Rule<T>) -> Action {
        rule.action.unwrap_or(self.action)
    }

    /// What is done with a cookie of this name, if it is the vendor's.
    pub(super) fn action_of_cookie(&self, name: &[u8]) -> Option<Action> {
        let naming = self.cookies.iter().filter(|rule| rule.value.matches(name));
        naming.map(|rule| self.action_of(rule).of_name()).max()
    }

    /// Every rule.
    pub(super) fn each_rule(&self) -> impl Iterator<Item = RuleAt<'_>> {
        let urls = self.urls.iter().map(|rule| self.rule_at(rule, &self.path, ToString::to_string));
        let inline = self.inline.iter().map(|rule| self.rule_at(rule, &self.path, inline_in_short));
        let cookie =
            self.cookies.iter().map(|rule| self.rule_at(rule, &self.path, cookie_in_short));
        let keys = self.keys.iter().map(|rule| self.rule_at(rule, &self.path, key_in_short));
        let paths =
            self.paths.iter().map(|rule| self.rule_at(rule, &rule.value.file, ToString::to_string));
        let signatures =
            self.signatures.iter().map(|rule| self.rule_at(rule, &self.path, ToString::to_string));
        urls.chain(inline).chain(cookie).chain(keys).chain(paths).chain(signatures)
    }

    fn rule_at<'a, T>(
        &self,
        rule: &Rule<T>,
        path: &'a str,
        in_short: impl Fn(&T) -> String,
    ) -> RuleAt<'a> {
        let action = self.action_of(rule);
        RuleAt { path, line: rule.line, own: rule.action, action, rule: in_short(&rule.value) }
    }

    /// Whether a cookie of this name is the vendor's.
    pub(super) fn owns(&self, cookie: &str) -> bool {
        self.cookies.iter().any(|pattern| pattern.value.matches(cookie.as_bytes()))
    }
}

/// An `[[inline]]` in short.
pub(super) fn inline_in_short(rule: &Regex) -> String {
    format!("[[inline]] `{rule}`")
}

/// A `[[cookie]]` in short.
pub(super) fn cookie_in_short(rule: &CookieRule) -> String {
    format!("[[cookie]] `{rule}`")
}

/// A `[[storage]]` in short.
pub(super) fn key_in_short(rule: &NamePattern) -> String {
    format!("[[storage]] `{rule}`")
}

/// Addresses of a vendor.
#[derive(Clone, Debug)]
pub(super) struct UrlRule {
    pub(super) host: HostPattern,
    /// The path with its query, as a glob; all if not said.
    pub(super) path: Option<String>,
    pub(super) uses: Vec<Use>,
}

impl fmt::Display for UrlRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[url]] host `{}`", self.host)?;
        self.path.as_ref().map_or(Ok(()), |path| write!(f, ", path `{path}`"))
    }
}

impl UrlRule {
    /// Whether the rule speaks of an address at its host when used so.
    pub(super) fn covers(&self, url: &Url, used: Use) -> bool {
        // A hint opens a connection to the host, whatever its path.
        self.uses.contains(&used) && (used == Use::Link || self.covers_path(url))
    }

    /// Whether it speaks of any of these uses.
    pub(super) fn serves(&self, uses: &[Use]) -> bool {
        self.uses.iter().any(|used| uses.contains(used))
    }

    fn covers_path(&self, url: &Url) -> bool {
        let Some(pattern) = &self.path else { return true };
        match url.query() {
            None => glob_matches(pattern, url.path()),
            Some(query) => glob_matches(pattern, &format!("{}?{query}", url.path())),
        }
    }
}

/// How one vendor's tags and cookies are recognised.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VendorFile {
    /// The name that operators read, and visitors where `names` has none.
    name: String,
    /// What visitors read in its place, in languages in which it is called otherwise: `{ ru = "…" }`.
    #[serde(default)]
    names: BTreeMap<String, String>,
    /// The purpose that its tags serve.
    #[serde(deserialize_with = "super::policy::purpose_by_name")]
    #[schemars(schema_with = "schema::purpose")]
    purpose: Purpose,
    /// The recipient of data as the policy names it; `operator` for the site's own.
    recipient: String,
    /// What is done with what its rules name while the vendor is withheld; `hold` if not said.
    #[serde(default)]
    action: Action,
    /// What stands for the vendor's library while that is withheld.
    stub: Option<StubEntry>,
}

/// What stands for a vendor's library while that is withheld.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StubEntry {
    /// Code that defines what the site calls, as queues.
    script: String,
}

/// An address that a script, image, frame or link hint points at.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UrlEntry {
    /// Exact, `*.x.y` for any sub-domain of x.y (not x.y itself), `x.*` for any ending of x.
    host: String,
    /// The whole path with its query, in which `*` is any run of characters.
    path: Option<String>,
    /// Which elements it speaks of; all if not said. For `link` the host alone counts.
    #[serde(rename = "as", default = "every_use")]
    uses: Vec<Use>,
    /// What is done with what it names; as the file says if not said.
    action: Option<Action>,
    /// Addresses that it is for.
    is: Vec<String>,
    /// Addresses that it is not for.
    is_not: Vec<String>,
}

fn every_use() -> Vec<Use> {
    Use::ALL.to_vec()
}

/// Text of a script that stands in the page itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InlineEntry {
    /// A regular expression (syntax of the Rust crate `regex`), case-sensitive.
    pattern: String,
    /// What is done with what it names; as the file says if not said.
    action: Option<Action>,
    /// Scripts that it is for.
    is: Vec<String>,
    /// Scripts that it is not for.
    is_not: Vec<String>,
}

/// A cookie of a list, or a key in the browser's storage, by its name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NameEntry {
    /// Exact, or a beginning followed by `*`.
    pub(super) name: String,
    /// Names that it is for.
    pub(super) is: Vec<String>,
    /// Names that it is not for.
    pub(super) is_not: Vec<String>,
}

/// Reads one vendor and plays its examples.
pub(super) fn read(path: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Vendor> {
    let before = problems.len();
    let mut source = Source::open(path, text, problems);
    let urls: Vec<_> =
        source.each("url").into_iter().filter_map(|entry| url_rule(&mut source, entry)).collect();
    let inline: Vec<_> = source
        .each("inline")
        .into_iter()
        .filter_map(|entry| inline_rule(&mut source, entry))
        .collect();
    let (cookies, cookie_examples) = cookie::cookies(&mut source);
    let keys: Vec<_> = source
        .each("storage")
        .into_iter()
        .filter_map(|entry| name_rule(&mut source, entry, NamePattern::of_key))
        .map(|Entry { line, value }| Rule { line, action: None, value })
        .collect();
    let paths = first_party::paths(&mut source);
    let signatures = first_party::signatures(&mut source);
    let (name_line, recipient_line) = (source.line_of("name"), source.line_of("recipient"));
    let names_line = source.line_of("names");
    let (stub_line, action_line) = (source.line_of("stub"), source.line_of("action"));
    let file: VendorFile = source.rest()?;
    let VendorFile { name, names, purpose, recipient, action, stub } = file;
    if name.is_empty() {
        source.problem(name_line, "`name` is empty; say whose tags and cookies these are");
    }
    for (language, _) in names.iter().filter(|(_, name)| name.is_empty()) {
        let text = format!("`names.{language}` is empty; leave it out, and `name` is shown");
        source.problem(names_line, text);
    }
    if recipient.is_empty() {
        let text = "`recipient` is empty; name the recipient as the policy does, or `operator`";
        source.problem(recipient_line, text);
    }
    let recipient = RecipientId(recipient);
    let vendor = Vendor {
        name,
        names,
        names_line,
        purpose,
        recipient,
        path: path.to_owned(),
        recipient_line,
        action,
        action_line,
        urls,
        inline,
        cookies,
        keys,
        cookie_examples,
        paths,
        signatures,
        does: Does::default(),
        stub: stub.map(|stub| Entry { line: stub_line, value: stub.script }),
    };
    let knows_names = !(vendor.cookies.is_empty() && vendor.keys.is_empty());
    if !vendor.has_tags() && !knows_names && problems.len() == before {
        problems.push(Problem {
            path: path.to_owned(),
            line: 0,
            text: "has no rule; add `[[url]]`, `[[inline]]`, `[[cookie]]` or `[[storage]]`"
                .to_owned(),
        });
    }
    Some(vendor)
}

fn url_rule(source: &mut Source<'_>, entry: Entry<UrlEntry>) -> Option<Rule<UrlRule>> {
    let Entry { line, value: UrlEntry { host, path, uses, action, is, is_not } } = entry;
    let host = HostPattern::parse(&host).map_err(|text| source.problem(line, text)).ok()?;
    if let Some(path) = &path
        && !path.starts_with(['/', '*'])
    {
        source.problem(
            line,
            format!("path `{path}` begins with neither `/` nor `*`; write `/{path}`"),
        );
    }
    if uses.is_empty() {
        source.problem(line, "`as` is empty; leave it out for all uses");
    }
    let rule = UrlRule { host, path, uses };
    // An example stands for any use that the rule has; a path is checked even for hints.
    let matches = |text: &str| {
        Url::parse(text).ok().map(|url| {
            url.host_str().is_some_and(|h| rule.host.matches(h)) && rule.covers_path(&url)
        })
    };
    for (examples, expected) in [(&is, true), (&is_not, false)] {
        for example in examples {
            match matches(example) {
                None => source.problem(
                    line,
                    format!("example `{example}` is no address; write it whole, with `https://`"),
                ),
                Some(matched) => play(source, line, example, matched, expected),
            }
        }
    }
    require_examples(source, line, &is, &is_not);
    Some(Rule { line, action, value: rule })
}

fn inline_rule(source: &mut Source<'_>, entry: Entry<InlineEntry>) -> Option<Rule<Regex>> {
    let Entry { line, value: InlineEntry { pattern, action, is, is_not } } = entry;
    // A script's words are in ASCII, and other bytes of it need not be UTF-8.
    let regex = match RegexBuilder::new(&pattern).unicode(false).build() {
        Ok(regex) => regex,
        Err(error) => {
            let error = error.to_string();
            let cause = error.lines().last().unwrap_or_default();
            source.problem(line, format!("pattern `{pattern}` is no regular expression: {cause}"));
            return None;
        }
    };
    if regex.is_match(b"") {
        source.problem(
            line,
            format!("pattern `{pattern}` matches every script; make it name the vendor"),
        );
    }
    for (examples, expected) in [(&is, true), (&is_not, false)] {
        for example in examples {
            play(source, line, example, regex.is_match(example.as_bytes()), expected);
        }
    }
    require_examples(source, line, &is, &is_not);
    Some(Rule { line, action, value: regex })
}

pub(super) fn name_rule(
    source: &mut Source<'_>,
    entry: Entry<NameEntry>,
    parse: fn(&str) -> Result<NamePattern, String>,
) -> Option<Entry<NamePattern>> {
    let Entry { line, value: NameEntry { name, is, is_not } } = entry;
    let pattern = parse(&name).map_err(|text| source.problem(line, text)).ok()?;
    for (examples, expected) in [(&is, true), (&is_not, false)] {
        for example in examples {
            play(source, line, example, pattern.matches(example.as_bytes()), expected);
        }
    }
    require_examples(source, line, &is, &is_not);
    Some(Entry { line, value: pattern })
}

pub(super) fn play(
    source: &mut Source<'_>,
    line: usize,
    example: &str,
    matched: bool,
    expected: bool,
) {
    let example: String = example.chars().take(60).collect();
    match (matched, expected) {
        (false, true) => source.problem(
            line,
            format!("this rule does not match its example `{example}` under `is`; widen the rule or mend the example"),
        ),
        (true, false) => source.problem(
            line,
            format!("this rule matches `{example}`, which stands under `is_not`; narrow the rule or mend the example"),
        ),
        _ => {}
    }
}

pub(super) fn require_examples(
    source: &mut Source<'_>,
    line: usize,
    is: &[String],
    is_not: &[String],
) {
    for (name, examples) in [("is", is), ("is_not", is_not)] {
        if examples.is_empty() {
            source.problem(line, format!("`{name}` is empty; give at least one example"));
        }
    }
}
