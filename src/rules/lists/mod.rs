//! `rules/lists/<name>.toml`: what others list as trackers, filters or cookies.
//!
//! A list of filters in the syntax of Adblock Plus lies beside it as `<name>.txt`; cookies stand in the file.
//! Both are written by `kelisim import`, and are the operator's to read and edit.
//!
//! A list knows the site less than the operator's own rules do. It is asked only where none of these
//! speaks, of what other hosts serve; and it begins by reporting: then it counts, and changes nothing.
//!
//! What becomes of something listed is decided by the list's purpose and recipient, as of a vendor's: by
//! [`crate::gate`].

mod answers;
mod ask;
mod cookies;
mod filter;
mod filters;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use self::answers::Answers;
pub use self::ask::Naming;
use self::cookies::Names;
pub use self::filter::{LeftOut, Line};
pub use self::filters::examples;
use self::filters::{ANY_PAGE, Filters};
use super::RuleFile;
use super::action::Action;
use super::problem::Problem;
use super::schema;
use super::source::Source;
use super::vendor::{NameEntry, Use};
use crate::policy::{Purpose, RecipientId, Terms};
use crate::time::Day;

/// How many lists there may be.
pub const LISTS_MAX: usize = 16;

/// The lists that name something, each by its place, one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listed(u16);

impl Listed {
    /// With one more.
    #[must_use]
    fn with(self, list: usize) -> Listed {
        Listed(self.0 | 1 << list)
    }

    /// Their places.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..LISTS_MAX).filter(move |list| self.0 & (1 << list) != 0)
    }
}

/// A list of others.
#[derive(Debug)]
pub struct List {
    /// Its name in commands and counters: `lists/easyprivacy`.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The purpose that what it names serves.
    pub purpose: Purpose,
    /// The recipient of data, as the policy names it; one that it does not name is undeclared.
    pub recipient: RecipientId,
    /// What is done with what it names.
    pub action: Action,
    /// The file that it stands in.
    pub path: String,
    /// Where it comes from and under which terms, in words.
    pub origin: String,
    pub(super) recipient_line: usize,
    filters: Option<Filters>,
    cookies: Names,
}

impl List {
    /// How many filters and cookies it has, in words.
    pub fn extent(&self) -> String {
        let words = |count: usize, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {one}s")),
        };
        let filters = words(self.filters.as_ref().map_or(0, Filters::count), "filter");
        let cookies = words(self.cookies.count(), "cookie");
        [filters, cookies].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// A filter that names a host below this one, as an operator reads it.
    pub(super) fn names_under(&self, domain: &str) -> Option<String> {
        self.filters.as_ref()?.naming_under(domain)
    }
}

/// All lists, and what they said.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) all: Vec<List>,
    answers: Answers,
}

/// A list of others: filters, which lie beside it as `<name>.txt`, or cookies.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFile {
    /// The name to show.
    name: String,
    /// The file that it was imported from.
    source: String,
    /// Where the list is made.
    homepage: Option<String>,
    /// The terms that it is given under.
    licence: String,
    /// The day of the import.
    #[schemars(schema_with = "schema::day")]
    imported: Day,
    /// The purpose that what it names serves.
    #[serde(deserialize_with = "super::policy::purpose_by_name")]
    #[schemars(schema_with = "schema::purpose")]
    purpose: Purpose,
    /// The recipient of data as the policy names it; `undeclared` where nobody is named.
    recipient: String,
    /// What is done with what it names.
    action: ListAction,
    /// Addresses that its filters stop, in a page of another site.
    #[serde(default)]
    is: Vec<String>,
    /// Addresses that they must not stop: with a newer list that does, `check` fails.
    #[serde(default)]
    is_not: Vec<String>,
}

/// What a list may do: it knows no stubs, and what it names it names for every site.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ListAction {
    /// It is counted, and passes.
    ReportOnly,
    /// It is withheld, as a vendor's is.
    Hold,
}

impl From<ListAction> for Action {
    fn from(action: ListAction) -> Action {
        match action {
            ListAction::ReportOnly => Action::ReportOnly,
            ListAction::Hold => Action::Hold,
        }
    }
}

impl Lists {
    pub(super) fn of(all: Vec<List>) -> Lists {
        Lists { all, answers: Answers::new() }
    }

    /// Whether anything is withheld by a list until a purpose of these terms is agreed to.
    pub(super) fn hold_for(&self, purpose: Purpose, terms: &Terms) -> bool {
        self.all.iter().any(|list| {
            list.action == Action::Hold
                && list.purpose == purpose
                && terms.declares(&list.recipient)
        })
    }
}

/// Reads all lists of the rules.
pub(super) fn read(root: &str, files: &[RuleFile], problems: &mut Vec<Problem>) -> Vec<List> {
    let inside = files.iter().filter_map(|(name, text)| Some((name.strip_prefix("lists/")?, text)));
    let find =
        |wanted: &str| inside.clone().find(|(name, _)| *name == wanted).map(|(_, text)| text);
    let mut lists = Vec::new();
    for (name, text) in inside.clone() {
        let path = format!("{root}/lists/{name}");
        let whole = |text: String| Problem { path: path.clone(), line: 0, text };
        if let Some(stem) = name.strip_suffix(".toml") {
            let filters = find(&format!("{stem}.txt"));
            lists.extend(read_one(&path, stem, text, filters.map(String::as_str), problems));
        } else if let Some(stem) = name.strip_suffix(".txt") {
            if find(&format!("{stem}.toml")).is_none() {
                let text =
                    format!("has no `{stem}.toml` beside it; import the list by `kelisim import`");
                problems.push(whole(text));
            }
        } else {
            let text = "is no list; lists are `<name>.toml`, with filters in `<name>.txt`";
            problems.push(whole(text.to_owned()));
        }
    }
    if lists.len() > LISTS_MAX {
        let text = format!("holds {} lists; there may be {LISTS_MAX}: join some", lists.len());
        problems.push(Problem { path: format!("{root}/lists"), line: 0, text });
        lists.truncate(LISTS_MAX);
    }
    lists
}

fn read_one(
    path: &str,
    stem: &str,
    text: &str,
    filters: Option<&str>,
    problems: &mut Vec<Problem>,
) -> Option<List> {
    let filters = filters.map(|text| {
        let beside = path.strip_suffix(".toml").unwrap_or(path);
        Filters::read(format!("{beside}.txt"), text, problems)
    });
    let mut source = Source::open(path, text, problems);
    let entries = source.each::<NameEntry>("cookie");
    let had_entries = !entries.is_empty();
    let cookies = Names::read(&mut source, entries);
    let lines = ["recipient", "is", "is_not"].map(|key| source.line_of(key));
    let [recipient_line, ..] = lines;
    let file = source.rest::<ListFile>()?;
    let ListFile {
        name,
        source: from,
        homepage,
        licence,
        imported,
        purpose,
        recipient,
        action,
        is,
        is_not,
    } = file;
    for (key, line, examples, expected) in
        [("is", lines[1], &is, true), ("is_not", lines[2], &is_not, false)]
    {
        for example in examples {
            let wrong = match (&filters, Url::parse(example)) {
                (None, _) => {
                    format!("`{key}` is for addresses, and no filters lie beside the list")
                }
                (_, Err(_)) => {
                    format!("example `{example}` is no address; write it whole, with `https://`")
                }
                (Some(filters), Ok(url)) => {
                    let stops = |used: &Use| filters.stop(ANY_PAGE, url.as_str(), *used);
                    let stopped = Use::ALL.iter().any(stops);
                    match (stopped, expected) {
                        (false, true) => {
                            format!("no filter stops `{example}`, which stands under `is`")
                        }
                        (true, false) => format!(
                            "a filter stops `{example}`, which stands under `is_not`; add an exception such as \
                             `@@||{}^` to the filters",
                            url.host_str().unwrap_or_default()
                        ),
                        _ => continue,
                    }
                }
            };
            source.problem(line, wrong);
        }
    }
    let recipient = RecipientId(recipient);
    if recipient.is_operator() {
        let text = "recipient `operator` is the site itself, and a list of others names others; name a \
                    recipient of the policy, or `undeclared`";
        source.problem(recipient_line, text);
    }
    if filters.is_none() && !had_entries {
        let text =
            format!("names nothing; put filters into `{stem}.txt` beside it, or add `[[cookie]]`");
        source.problem(0, text);
    }
    let homepage = homepage.map(|at| format!(", {at}")).unwrap_or_default();
    Some(List {
        id: format!("lists/{stem}"),
        name,
        purpose,
        recipient,
        action: action.into(),
        path: path.to_owned(),
        origin: format!("from {from} on {imported}{homepage}, licence: {licence}"),
        recipient_line,
        filters,
        cookies,
    })
}
