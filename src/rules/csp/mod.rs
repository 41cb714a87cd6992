//! `rules/csp.toml`: what pages may reach besides the site itself, approved by a person.
//!
//! A browser that is told by a policy (CSP) stops whatever else a page, or a script that it loads, tries to
//! reach. What the site needs is gathered while `csp = "learn"` and drafted by `kelisim discover --csp`;
//! each entry counts when somebody has said in it what it is.
//!
//! Entries only ever narrow: what a vendor is sent is taken out again for whoever has not agreed to it, and
//! what would let pass a vendor along with others is a problem here ([`owners`]).
//!
//! What is made of it is [`crate::gate::csp`]'s.

mod owners;
mod source;

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use owners::Owners;
pub use source::{CspSource, HostSource};

use super::RuleFile;
use super::lists::List;
use super::problem::Problem;
use super::source::{Entry, Source};
use super::vendor::Vendor;

/// Below the folder of rules.
pub const CSP_FILE: &str = "csp.toml";

const UNAPPROVED: &str = "is missing, and `csp = \"enforce\"` of site.toml stops what is not approved there; set \
    `csp = \"learn\"` and draft it by `kelisim discover --csp`, or make an empty one if the site reaches nothing";

/// The longest policy that entries may make, in bytes: it is sent with every page, and proxies in front keep
/// 4 to 8 KiB for all fields.
const POLICY_BYTES_MAX: usize = 4096;

/// What something is fetched for, or sent to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fetch {
    /// Code to run, also what stands in the page.
    Script,
    /// Styles.
    Style,
    /// Pictures, and pixels.
    Image,
    /// Fonts.
    Font,
    /// What scripts ask for and send.
    Connect,
    /// Sound and film.
    Media,
    /// Pages in frames.
    Frame,
    /// Code of workers.
    Worker,
    /// Plug-ins' content.
    Object,
    /// Manifests of apps.
    Manifest,
    /// Where forms are sent.
    Form,
}

impl Fetch {
    /// All of them, in the order in which a policy names them.
    pub const ALL: [Fetch; 11] = [
        Fetch::Script,
        Fetch::Style,
        Fetch::Image,
        Fetch::Font,
        Fetch::Connect,
        Fetch::Media,
        Fetch::Frame,
        Fetch::Worker,
        Fetch::Object,
        Fetch::Manifest,
        Fetch::Form,
    ];

    /// The name in rules.
    pub const fn name(self) -> &'static str {
        match self {
            Fetch::Script => "script",
            Fetch::Style => "style",
            Fetch::Image => "image",
            Fetch::Font => "font",
            Fetch::Connect => "connect",
            Fetch::Media => "media",
            Fetch::Frame => "frame",
            Fetch::Worker => "worker",
            Fetch::Object => "object",
            Fetch::Manifest => "manifest",
            Fetch::Form => "form",
        }
    }

    /// The directive of a policy.
    pub const fn directive(self) -> &'static str {
        match self {
            Fetch::Script => "script-src",
            Fetch::Style => "style-src",
            Fetch::Image => "img-src",
            Fetch::Font => "font-src",
            Fetch::Connect => "connect-src",
            Fetch::Media => "media-src",
            Fetch::Frame => "frame-src",
            Fetch::Worker => "worker-src",
            Fetch::Object => "object-src",
            Fetch::Manifest => "manifest-src",
            Fetch::Form => "form-action",
        }
    }

    /// What a directive is about, as browsers name it in reports.
    pub fn of_directive(name: &str) -> Option<Fetch> {
        let name = name.strip_suffix("-elem").or(name.strip_suffix("-attr")).unwrap_or(name);
        Fetch::ALL.into_iter().find(|fetch| fetch.directive() == name)
    }
}

/// A source that was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The source.
    pub source: CspSource,
    /// What may be fetched from it.
    pub uses: Vec<Fetch>,
    /// The line on which it begins.
    pub line: usize,
}

/// All that was approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approved {
    /// Each entry.
    pub entries: Vec<Allow>,
    /// The file.
    pub path: String,
}

impl Approved {
    /// Whether this very source was approved for this.
    pub fn holds(&self, source: &str, fetch: Fetch) -> bool {
        let mut entries = self.entries.iter().filter(|entry| entry.uses.contains(&fetch));
        entries.any(|entry| entry.source.to_string() == source)
    }
}

/// What pages may reach besides the site itself; `[[allow]]` for each source.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CspFile {}

/// A source that pages may reach.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowEntry {
    /// A host with its scheme, such as `https://cdn.example.kz`, `https://*.example.kz`, or with a folder
    /// `https://cdn.example.kz/js/`; or `data:`, `blob:`, `'unsafe-inline'`, `'unsafe-eval'`.
    source: String,
    /// What may be fetched from it.
    #[serde(rename = "as")]
    uses: Vec<Fetch>,
    /// What it is and why the site needs it, in words. Without them it is a draft, and not approved.
    what: String,
}

/// Reads what of the files of a folder was approved. It has to be there where it is enforced.
pub(super) fn of_folder(
    root: &str,
    files: &[RuleFile],
    enforced: bool,
    (vendors, lists): (&[Vendor], &[List]),
    problems: &mut Vec<Problem>,
) -> Approved {
    let path = format!("{root}/{CSP_FILE}");
    let Some((_, text)) = files.iter().find(|(name, _)| name == CSP_FILE) else {
        if enforced {
            problems.push(Problem { path, line: 0, text: UNAPPROVED.to_owned() });
        }
        return Approved::default();
    };
    let approved = read(&path, text, problems);
    problems.extend(self::problems(&approved, vendors, lists));
    approved
}

/// Reads `csp.toml`.
fn read(path: &str, text: &str, problems: &mut Vec<Problem>) -> Approved {
    let mut source = Source::open(path, text, problems);
    let mut approved = Approved { entries: Vec::new(), path: path.to_owned() };
    let entries = source.each::<AllowEntry>("allow");
    let bytes = |entry: &Entry<AllowEntry>| entry.value.uses.len() * (entry.value.source.len() + 1);
    let bytes = entries.iter().map(bytes).sum::<usize>();
    if bytes > POLICY_BYTES_MAX {
        let text = format!(
            "makes a policy of {bytes} bytes, and {POLICY_BYTES_MAX} may be; it goes out with every page: join \
             hosts under `*.`, or files under their folder"
        );
        source.problem(0, text);
    }
    for Entry { line, value: AllowEntry { source: given, uses, what } } in entries {
        if what.trim().is_empty() {
            let text = format!(
                "`{given}` is a draft: say in `what` what it is and why the site needs it, or remove the entry"
            );
            source.problem(line, text);
        }
        if uses.is_empty() {
            let names: Vec<_> = Fetch::ALL.iter().map(|fetch| fetch.name()).collect();
            source.problem(line, format!("`as` is empty; name some of {}", names.join(", ")));
        }
        match CspSource::parse(&given) {
            Err(text) => source.problem(line, text),
            Ok(read) => {
                if let Some(text) = misused(&read, &uses) {
                    source.problem(line, text);
                }
                approved.entries.push(Allow { source: read, uses, line });
            }
        }
    }
    let _: Option<CspFile> = source.rest();
    approved
}

/// What is wrong with a keyword that means nothing where it is used.
fn misused(source: &CspSource, uses: &[Fetch]) -> Option<String> {
    let CspSource::Keyword(word) = source else { return None };
    let right: &[Fetch] = match *word {
        "'unsafe-inline'" => &[Fetch::Script, Fetch::Style],
        _ => &[Fetch::Script],
    };
    let wrong = uses.iter().find(|fetch| !right.contains(fetch))?;
    let mut text = format!("`{word}` means nothing for `{}`; name", wrong.name());
    for (index, fetch) in right.iter().enumerate() {
        let or = if index > 0 { " or" } else { "" };
        // Writing to a string does not fail.
        let _ = write!(text, "{or} `{}`", fetch.name());
    }
    Some(text)
}

/// What cannot be approved, because a rule names some of it.
fn problems(approved: &Approved, vendors: &[Vendor], lists: &[List]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for Allow { source, uses, line } in &approved.entries {
        let Some(host) = source.host() else { continue };
        let covered = uses.iter().find_map(|fetch| {
            let (vendor, rule) = owners::owners(vendors, host, *fetch).err()?;
            let name = &vendors[vendor].name;
            Some(format!(
                "`{source}` as `{}` covers what a rule of {name} names ({rule}), and more; name what the site \
                 needs of it: a host, or a path there such as `/folder/`",
                fetch.name()
            ))
        });
        let listed = || {
            let filter = owners::listed_under(lists, host)?;
            Some(format!(
                "`{source}` covers what a list withholds ({filter}); name the hosts one by one"
            ))
        };
        let text = covered.or_else(listed);
        problems.extend(text.map(|text| Problem {
            path: approved.path.clone(),
            line: *line,
            text,
        }));
    }
    problems
}
