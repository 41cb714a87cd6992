//! `kelisim explain`: which rule speaks, what the verdict is, and why.
//!
//! The chain is told from rule to verdict: the rule by file and line, its vendor, the purpose that it
//! serves with its clause of the policy, what that rests on, and what was chosen.
//!
//! Nothing is decided here: addresses, cookies and pages are given to the functions that the gateway
//! gives them to, and the rules to the same matching. So what is told is what is done.
//!
//! Exit code 0; 1 where something cannot be read.

use std::fmt::{self, Write};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::imagined::{Folder, Imagined, Page, Scene, read};
use super::wall::of_csp;
use crate::gate::csp::Hashes;
use crate::gate::document::Document;
use crate::gate::fate::{Fate, How, Whose};
use crate::gate::first_party::{self, Instead, Own, Withheld};
use crate::gate::reports::Reports;
use crate::gate::request::{Destination, is_withheld};
use crate::gate::response::set_cookie_withheld;
use crate::gate::trace::{Asked, Deed, Finding, Ground, Trace};
use crate::policy::{Basis, Purpose, Reason, RecipientId, Verdict};
use crate::rules::{Action, List, Naming, SIGNATURE_BYTES, Spoken, Use, Vendor};

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    what: What,
    /// What an element uses the address for; all four if not told
    #[arg(long = "as", value_name = "USE", conflicts_with_all = ["cookie", "key", "script", "html"])]
    used: Option<Used>,
    /// Where the page stands; of the site's own host if not told
    #[arg(long, value_name = "URL", conflicts_with_all = ["url", "cookie", "key", "script"])]
    page: Option<Url>,
    /// A field that the page comes with, such as `Link: <https://a.kz>; rel=preconnect`; several if told so
    #[arg(long = "header", value_name = "FIELD", value_parser = field,
        conflicts_with_all = ["url", "cookie", "key", "script"])]
    fields: Vec<(HeaderName, HeaderValue)>,
    #[command(flatten)]
    imagined: Imagined,
    #[command(flatten)]
    folder: Folder,
}

/// What is to be explained.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// An address that a page points at
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// The name of a cookie
    #[arg(long, value_name = "NAME")]
    cookie: Option<String>,
    /// A key in the browser's storage
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// A script that the site serves, in a file; `-` is stdin
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// A page in a file; `-` is stdin
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The policy (CSP) that pages come with
    #[arg(long)]
    csp: bool,
}

/// [`Use`] as it is written in rules and flags.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Used {
    Script,
    Image,
    Frame,
    Link,
}

impl From<Used> for Use {
    fn from(used: Used) -> Use {
        match used {
            Used::Script => Use::Script,
            Used::Image => Use::Image,
            Used::Frame => Use::Frame,
            Used::Link => Use::Link,
        }
    }
}

/// Explains one thing.
pub(super) fn run(options: &Options) -> ExitCode {
    match explain(options) {
        Ok(text) => super::print(&text),
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn explain(options: &Options) -> Result<String, String> {
    let scene = options.imagined.scene(&options.folder.rules)?;
    let mut text = match &options.what {
        What { url: Some(url), .. } => of_url(&scene, url, options.used.map(Use::from)),
        What { cookie: Some(name), .. } => of_cookie(&scene, name),
        What { key: Some(name), .. } => of_key(&scene, name),
        What { script: Some(file), .. } => of_script(&scene, file)?,
        What { html: Some(file), .. } => {
            let fields = options.fields.iter().cloned().collect();
            of_page(&scene, &Page::html(file.clone(), options.page.clone()), &fields)?
        }
        What { csp: true, .. } => of_csp(&scene),
        _ => return Err("name an address, a cookie, a key, a script or a page".to_owned()),
    };
    // An exemption is one of pages, and of these the address may be told.
    let path = options.page.as_ref().map_or("/", Url::path);
    if let Some(why) = scene.leeway(path) {
        say(&mut text, 0, format_args!("nothing of this is done: {why}"));
    }
    Ok(text)
}

/// An address, for one use or for each.
pub(super) fn of_url(scene: &Scene, url: &Url, used: Option<Use>) -> String {
    let fates = scene.fates();
    let mut text = format!("{url}\n");
    let uses = used.map_or_else(|| Use::ALL.to_vec(), |used| vec![used]);
    let page = scene.page_with(url);
    for used in uses {
        let fate = fates.of_url_from(scene.rules(), &page, url, used);
        say(&mut text, 1, format_args!("as {}: {}", used.name(), said_of(fate)));
        if let Some(instead) = instead(scene, url, used) {
            say(&mut text, 2, format_args!("{instead}"));
        }
        say_rules(&mut text, 2, scene, &scene.rules().spoken_at_url(url, &[used]));
        say_lists(&mut text, 2, scene, &scene.rules().naming_at(&page, url, &[used]));
    }
    text
}

/// What is answered instead when an address of the site's is asked for that is a withheld vendor's.
fn instead(scene: &Scene, url: &Url, used: Use) -> Option<&'static str> {
    let destination = match used {
        Use::Script => Destination::Script,
        Use::Image | Use::Frame => Destination::Asset,
        Use::Link => Destination::Unsaid,
    };
    let own = url.host_str().is_some_and(|host| scene.rules().site.owns(host));
    let (fates, reports) = (scene.fates(), Reports::default());
    match own.then(|| first_party::of(scene.rules(), &fates, url, destination, &reports))? {
        Own::Site | Own::Permitted => None,
        Own::Withheld(Withheld { instead: Instead::Stub(_), .. }) => {
            Some("asked for, it is answered by a stub, without the site")
        }
        Own::Withheld(_) => Some("asked for, it is answered by nothing, without the site"),
    }
}

/// A cookie, both ways.
pub(super) fn of_cookie(scene: &Scene, name: &str) -> String {
    let rules = scene.rules();
    let spoken = rules.spoken_of_cookie(name.as_bytes());
    let (verdicts, bytes) = (scene.verdicts(), name.as_bytes());
    let set = set_cookie_withheld(bytes, rules, &verdicts);
    let said = match (is_withheld(bytes, rules, &verdicts), set) {
        (true, _) => "withheld: it does not travel to the site, and the site cannot set it",
        (false, Some(_)) => {
            "travels to the site, but the site cannot set it: no rule knows it, and `[unlisted]` of \
             site.toml lets no such cookie pass"
        }
        (false, None) if spoken.is_empty() => "passes: no rule speaks of it",
        (false, None) => "passes, to the site and from it",
    };
    let mut text = format!("cookie `{name}`: {said}\n");
    say_rules(&mut text, 1, scene, &spoken);
    say_lists(&mut text, 1, scene, &rules.naming_cookie(bytes));
    text
}

/// A key in the browser's storage.
fn of_key(scene: &Scene, name: &str) -> String {
    let spoken = scene.rules().spoken_of_key(name.as_bytes());
    let fates = scene.fates();
    let said = match spoken.iter().any(|rule| fates.of_rule(rule.said()) != Fate::Permit) {
        true => "removed when the visitor opens the settings",
        false if spoken.is_empty() => "stays: no rule speaks of it",
        false => "stays",
    };
    let mut text = format!("key `{name}`: {said}\n");
    say_rules(&mut text, 1, scene, &spoken);
    text
}

/// A script that the site serves.
fn of_script(scene: &Scene, file: &Path) -> Result<String, String> {
    let name = file.display();
    let code = read(file).map_err(|error| format!("{name}: cannot be read: {error}"))?;
    let begins = &code[..code.len().min(SIGNATURE_BYTES)];
    let rules = scene.rules();
    let (fates, reports) = (scene.fates(), Reports::default());
    let spoken = rules.spoken_in_library(begins);
    let said = match first_party::of_library(rules, &fates, begins, &reports) {
        Own::Site if !spoken.is_empty() => "passes: its rule only reports",
        Own::Site => "passes: no rule tells a vendor's library by its words",
        Own::Permitted => "passes",
        Own::Withheld(_) => "withheld: a stub goes out in its place",
    };
    let mut text = format!("{name}: {said}\n");
    say_rules(&mut text, 1, scene, &spoken);
    Ok(text)
}

/// Everything that would be changed in a page that comes with these fields.
fn of_page(scene: &Scene, page: &Page, fields: &HeaderMap) -> Result<String, String> {
    let findings = findings(scene, page, fields)?;
    let name = page.name();
    let mut text = String::new();
    for finding in &findings {
        let Finding { deed, grounds, .. } = finding;
        say(&mut text, 0, format_args!("{}", place_and_deed(&name, finding)));
        if grounds.is_empty() {
            say(&mut text, 1, format_args!("{}", without_rule(*deed)));
        }
        for Ground { asked, rules, lists } in grounds {
            match asked {
                Asked::Url(url, uses) => {
                    say(&mut text, 1, format_args!("{}: {url}", names_of(uses)));
                }
                Asked::Code => say(&mut text, 1, format_args!("its code")),
            }
            if rules.is_empty() && lists.is_empty() {
                let unlisted = Fate::Undeclared(Whose::Unlisted, How::Hold);
                say(&mut text, 2, format_args!("{}", said_of(unlisted)));
            }
            say_rules(&mut text, 2, scene, rules);
            say_lists(&mut text, 2, scene, lists);
        }
    }
    let done = || findings.iter().filter(|finding| finding.deed != Deed::Reported);
    let of_fields = done().filter(|finding| finding.line.is_none()).count();
    let in_page = done().count() - of_fields;
    let reported = match findings.len() - done().count() {
        0 => String::new(),
        many => format!(", {many} reported only"),
    };
    let elements = if in_page == 1 { "element" } else { "elements" };
    let fields = match of_fields {
        0 => String::new(),
        1 => ", 1 field removed".to_owned(),
        many => format!(", {many} fields removed"),
    };
    say(&mut text, 0, format_args!("{name}: {in_page} {elements} changed{fields}{reported}"));
    Ok(text)
}

/// Where something was done, what, and to what.
pub(super) fn place_and_deed(name: &str, Finding { line, tag, deed, .. }: &Finding) -> String {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("{name}{line}: {}: {tag}", deed.name())
}

/// What something is used for, in words.
fn names_of(uses: &[Use]) -> String {
    if *uses == Use::ALL {
        return "whatever it is used for".to_owned();
    }
    let names: Vec<_> = uses.iter().map(|used| used.name()).collect();
    match names.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// Why something is done that no rule speaks of.
fn without_rule(deed: Deed) -> &'static str {
    match deed {
        Deed::MadeText => {
            "no rule speaks: elements in a script of SVG are not looked at one by one"
        }
        Deed::Emptied => "no rule speaks: documents stand too deep in each other to be looked at",
        _ => "no rule speaks: it is too long to be looked at as a whole, or its base is unclear",
    }
}

/// What is done in a page that comes with these fields, and to them.
pub(super) fn findings(
    scene: &Scene,
    page: &Page,
    fields: &HeaderMap,
) -> Result<Vec<Finding>, String> {
    let (bytes, charset) = page.read(scene)?;
    let url = page.url(scene)?;
    let fates = scene.fates();
    let mut findings = Finding::in_fields(fields, scene.rules(), &fates, &url);
    let document = Document::new(Arc::clone(&scene.snapshot), fates, url, None)
        .under(Hashes::of(fields))
        .in_encoding(charset.sent_in());
    let told = |error: io::Error| format!("{}: {error}", page.name());
    findings.extend(Trace::of_page(document, charset, &bytes).map_err(told)?);
    Ok(findings)
}

/// A header field as it is written in flags.
fn field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').unwrap_or_default();
    match (name.trim().parse(), value.trim().parse()) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(format!("`{text}` is no field; write its name, a colon and its value")),
    }
}

/// A fate in words.
pub(super) fn said_of(fate: Fate) -> String {
    match fate {
        Fate::Permit => "passes".to_owned(),
        Fate::Until(purpose, _, How::Hold) => format!("withheld until `{purpose}` is agreed to"),
        Fate::Until(purpose, _, How::Stub) => {
            format!("withheld until `{purpose}` is agreed to, with a stub before what is held")
        }
        Fate::Until(purpose, _, How::Strip) => {
            format!("stripped until `{purpose}` is agreed to")
        }
        Fate::Undeclared(Whose::Unlisted, _) => {
            "withheld for good: no rule knows the host, and `[unlisted]` of site.toml lets no such \
             script pass"
                .to_owned()
        }
        Fate::Undeclared(_, How::Hold) => "withheld for good".to_owned(),
        Fate::Undeclared(_, How::Stub) => {
            "withheld for good, with a stub before what is held".to_owned()
        }
        Fate::Undeclared(_, How::Strip) => "stripped for good".to_owned(),
    }
}

/// Rules, and for those of each vendor all that follows from them.
fn say_rules(text: &mut String, depth: usize, scene: &Scene, rules: &[Spoken]) {
    for of_one in rules.chunk_by(|one, next| one.vendor == next.vendor) {
        for spoken in of_one {
            let action = match spoken.action {
                Action::Hold => String::new(),
                action => format!(", `action = \"{}\"`", action.name()),
            };
            say(text, depth, format_args!("{spoken}{action}"));
        }
        let vendor = &scene.rules().vendors[of_one[0].vendor];
        let Vendor { name, purpose, recipient, .. } = vendor;
        say(text, depth + 1, format_args!("{}", whose(scene, name, *purpose, recipient)));
        let only_reports = of_one.iter().all(|spoken| spoken.action == Action::ReportOnly);
        let withheld = scene.fates().of_vendor(of_one[0].vendor) != Fate::Permit;
        if only_reports && withheld {
            let passes = "only reported: it passes, unless another rule withholds it";
            say(text, depth + 1, format_args!("{passes}"));
        } else {
            say(text, depth + 1, format_args!("{}", why(scene, *purpose, recipient)));
        }
    }
}

/// What names something in lists of others, and what follows from it.
fn say_lists(text: &mut String, depth: usize, scene: &Scene, lists: &[Naming]) {
    for naming in lists {
        let List { name, purpose, recipient, action, origin, .. } =
            &scene.rules().lists()[naming.list];
        say(text, depth, format_args!("{naming}"));
        say(text, depth + 1, format_args!("{name}: a list {origin}"));
        match action {
            Action::ReportOnly => {
                let passes =
                    "passes: the list only reports (`action = \"report-only\"`), and counts it";
                say(text, depth + 1, format_args!("{passes}"));
            }
            _ => say(text, depth + 1, format_args!("{}", why(scene, *purpose, recipient))),
        }
    }
}

pub(super) fn whose(
    scene: &Scene,
    name: &str,
    purpose: Purpose,
    recipient: &RecipientId,
) -> String {
    let terms = &scene.policy().terms[purpose];
    if recipient.is_operator() {
        return format!("{name}: the site's own, for `{purpose}`");
    }
    format!(
        "{name}: serves `{purpose}` (policy {}), which rests on {}; its recipient is `{}`",
        terms.section,
        terms.basis.name(),
        recipient.0
    )
}

pub(super) fn why(scene: &Scene, purpose: Purpose, recipient: &RecipientId) -> String {
    if recipient.is_operator() {
        return "permitted: the site's own is never withheld".to_owned();
    }
    let consent = scene.policy().terms[purpose].basis == Basis::Consent;
    match scene.verdicts().of(purpose, recipient) {
        Verdict::Permit(_) if consent => format!("permitted: the visitor agreed to `{purpose}`"),
        Verdict::Permit(_) => "permitted: it needs no consent".to_owned(),
        Verdict::Withhold(reason) => {
            let words = match reason {
                Reason::NotAsked => format!("the visitor has not chosen about `{purpose}` yet"),
                Reason::Declined => format!("the visitor declined `{purpose}`"),
                Reason::Withdrawn => format!("the visitor took the agreement to `{purpose}` back"),
                Reason::Expired => format!("the choice about `{purpose}` has expired"),
                Reason::TermsChanged => {
                    format!("the terms of `{purpose}` have changed since the choice")
                }
                Reason::SignalledRefusal => "the browser signals a refusal (Sec-GPC: 1)".to_owned(),
                Reason::Undeclared => format!(
                    "the policy in force since {} does not name the recipient `{}` for `{purpose}`, \
                     so it is withheld whatever the visitor chooses",
                    scene.policy().in_force,
                    recipient.0
                ),
                Reason::Suspended => format!("`{purpose}` is suspended in site.toml"),
                Reason::Unverified => "the choice cannot be verified".to_owned(),
            };
            format!("withheld: {words} ({reason})")
        }
    }
}

pub(super) fn say(text: &mut String, depth: usize, line: fmt::Arguments<'_>) {
    let indent = depth * 2;
    // Writing to a string does not fail.
    let _ = writeln!(text, "{:indent$}{line}", "");
}
