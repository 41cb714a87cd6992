//! A vendor's cookie: its name, what it is for, and how long it lasts.
//!
//! The name is what the gate decides by. The rest is what visitors read in the declaration of cookies,
//! `/.consent/cookies`: taken from a closed list, so that it is there in every language.
//!
//! Whether a cookie was really met is known to `observe`.

use std::fmt::{self, Display, Formatter};

use schemars::JsonSchema;
use serde::Deserialize;

use super::action::{Action, Rule};
use super::pattern::NamePattern;
use super::schema;
use super::source::{Entry, Source};
use super::vendor::{NameEntry, Vendor, name_rule};
use crate::time::Lasting;

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CookieRole {
    /// It keeps a visitor signed in.
    SignIn,
    /// It protects forms against requests forged elsewhere.
    Forms,
    /// It remembers what a visitor set, such as the language.
    Preference,
    /// It tells one browser from another.
    Visitor,
    /// It tells one visit from another.
    Visit,
    /// It remembers where a visitor came from, such as a click on an advertisement.
    Source,
    /// It remembers which variant of a page was shown.
    Experiment,
    /// A tool needs it for itself: to try whether cookies are kept, to ask less often.
    Technical,
}

/// A cookie of a vendor.
#[derive(Clone, Debug)]
pub struct CookieRule {
    name: NamePattern,
    /// What it is for, if the file says so.
    pub role: Option<CookieRole>,
    /// The longest that it lasts, if the file says so.
    pub keep: Option<Lasting>,
}

impl CookieRule {
    /// Whether a cookie of this name is meant.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        self.name.matches(name)
    }
}

/// Which vendors have cookies whose names begin with a letter: most cookies of a site begin with one that no
/// vendor's does, or few.
#[derive(Debug)]
pub(super) struct ByLetter(Box<[Vec<usize>]>);

impl ByLetter {
    pub(super) fn of(vendors: &[Vendor]) -> ByLetter {
        let begins = |vendor: &Vendor, letter| {
            vendor.cookies.iter().any(|rule| rule.value.name.may_begin_with(letter))
        };
        let of_letter = |letter| {
            let all = vendors.iter().enumerate();
            all.filter(|(_, vendor)| begins(vendor, letter)).map(|(index, _)| index).collect()
        };
        ByLetter((0..=u8::MAX).map(of_letter).collect())
    }

    /// The vendors that may have a cookie of this name, by their place. One without a name is nobody's.
    pub(super) fn having(&self, name: &[u8]) -> &[usize] {
        name.first().map_or(&[], |letter| &self.0[usize::from(*letter)])
    }
}

/// Its name as it is written in rules.
impl Display for CookieRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

// `flatten` and `deny_unknown_fields` do not go together, so the fields stand twice.
/// A cookie by its name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CookieEntry {
    /// Exact, or a beginning followed by `*`.
    name: String,
    /// What it is for, as visitors read it in the declaration of cookies.
    role: Option<CookieRole>,
    /// The longest that it lasts, as visitors read it: `session`, `30 s`, `30 min`, `20 h` or `365 d`.
    #[serde(default)]
    #[schemars(schema_with = "schema::lasting")]
    keep: Option<Lasting>,
    /// What is done with it: `hold` and `strip` are the same; as the file says if not said.
    #[serde(default)]
    #[schemars(schema_with = "schema::action_of_cookie")]
    action: Option<Action>,
    /// Names that it is for.
    is: Vec<String>,
    /// Names that it is not for.
    is_not: Vec<String>,
}

/// Reads a vendor's cookies and plays their examples; with the names that they are for.
pub(super) fn cookies(source: &mut Source<'_>) -> (Vec<Rule<CookieRule>>, Vec<String>) {
    let mut cookies = Vec::new();
    let mut examples = Vec::new();
    for Entry { line, value } in source.each::<CookieEntry>("cookie") {
        let CookieEntry { name, role, keep, action, is, is_not } = value;
        if action == Some(Action::Stub) {
            source.problem(line, "a cookie has no stub; take `action = \"hold\"`");
        }
        examples.extend(is.iter().cloned());
        let entry = Entry { line, value: NameEntry { name, is, is_not } };
        let rule = name_rule(source, entry, NamePattern::of_cookie);
        cookies.extend(rule.map(|Entry { line, value: name }| {
            let value = CookieRule { name, role, keep };
            Rule { line, action, value }
        }));
    }
    (cookies, examples)
}

impl Vendor {
    /// Its cookies, each with whether it is withheld while the vendor is.
    pub fn cookies(&self) -> impl Iterator<Item = (&CookieRule, bool)> {
        let each = self.cookies.iter();
        each.map(|rule| (&rule.value, self.action_of(rule) != Action::ReportOnly))
    }

    /// Under which keys it keeps things in the browser's storage, as the rules write them.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.keys.iter().map(|key| key.value.to_string())
    }
}
