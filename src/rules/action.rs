//! What is done with what a rule names.
//!
//! A vendor's file says it for all its rules, and a rule may say otherwise for itself; where nothing is
//! said it is held. A list of others says it for all that it names, and can only hold or report.
//!
//! Where several rules speak of one thing the strictest counts, so no rule that only reports lets pass
//! what another withholds: actions are ordered by that.
//!
//! Whether anything is withheld at all is for its purpose's verdict to say ([`crate::gate::fate`]).

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;
use super::vendor::Vendor;

/// What is done with what a rule names, while its vendor is withheld. The later ones are stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is counted, and passes.
    ReportOnly,
    /// It is held, and what the site calls of its vendor is there meanwhile.
    Stub,
    /// It is held until it is agreed to.
    #[default]
    Hold,
    /// It goes, and comes with the next page after it is agreed to.
    Strip,
}

impl Action {
    /// The name in rules.
    pub const fn name(self) -> &'static str {
        match self {
            Action::ReportOnly => "report-only",
            Action::Stub => "stub",
            Action::Hold => "hold",
            Action::Strip => "strip",
        }
    }

    /// The same for a cookie or a key, of which there are no more ways than to pass and not to.
    pub(super) fn of_name(self) -> Action {
        match self {
            Action::ReportOnly => Action::ReportOnly,
            _ => Action::Hold,
        }
    }
}

/// What a rule says of something: whose it is, by its place in the rules, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The vendor.
    pub vendor: usize,
    /// What is done.
    pub action: Action,
}

/// A rule of a vendor, and the line on which it begins.
#[derive(Clone, Debug)]
pub(super) struct Rule<T> {
    pub(super) line: usize,
    /// What it says for itself; where it says nothing, its file's counts.
    pub(super) action: Option<Action>,
    pub(super) value: T,
}

/// A rule among all others, to be told of.
#[derive(Clone, Debug)]
pub(super) struct RuleAt<'a> {
    pub(super) path: &'a str,
    pub(super) line: usize,
    /// What it says for itself.
    pub(super) own: Option<Action>,
    /// What is done.
    pub(super) action: Action,
    /// The rule in short.
    pub(super) rule: String,
}

/// What the rules of a vendor do, all in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Does {
    /// Whether any withholds what it names.
    pub(super) withholds: bool,
    /// Whether any only reports.
    pub(super) reports: bool,
    /// Whether any puts a stub into pages.
    pub(super) stubs: bool,
}

impl Does {
    pub(super) fn of(vendor: &Vendor) -> Does {
        let mut does = Does::default();
        for action in vendor.each_rule().map(|rule| rule.action) {
            does.stubs |= action == Action::Stub;
            does.reports |= action == Action::ReportOnly;
            does.withholds |= action != Action::ReportOnly;
        }
        does
    }
}

/// Sums up what vendors' rules do once all of them are there, and says what is wrong with it.
pub(super) fn settle(vendors: &mut [Vendor]) -> Vec<Problem> {
    for vendor in &mut *vendors {
        vendor.does = Does::of(vendor);
    }
    vendors.iter().flat_map(problems).collect()
}

/// What is wrong with what a vendor's file, or `site.toml` of it, says is done.
fn problems(vendor: &Vendor) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |path: &str, line: usize, text: &str| {
        problems.push(Problem { path: path.to_owned(), line, text: text.to_owned() });
    };
    let own = vendor.recipient.is_operator();
    let of_operator = "`action` says what is done while a vendor is withheld, and what is the site's own \
                       never is; leave it out";
    let without_stub = "`action = \"stub\"` needs a `[stub]` in the vendor's file, which defines what the \
                        site calls; add one, or take `hold`";
    if vendor.action_line > 0 && own {
        problem(&vendor.path, vendor.action_line, of_operator);
    } else if vendor.action == Action::Stub && vendor.stub.is_none() {
        problem(&vendor.path, vendor.action_line, without_stub);
    }
    for RuleAt { path, line, own: said, .. } in vendor.each_rule() {
        match said {
            Some(_) if own => problem(path, line, of_operator),
            Some(Action::Stub) if vendor.stub.is_none() => problem(path, line, without_stub),
            _ => {}
        }
    }
    problems
}
