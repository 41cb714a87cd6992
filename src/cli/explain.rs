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
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use url::Url;

use super::imagined::{Folder, Imagined, Page, Scene};
use crate::gate::document::Document;
use crate::gate::fate::{Fate, Whose};
use crate::gate::request::is_withheld;
use crate::gate::response::set_cookie_withheld;
use crate::gate::trace::{Asked, Deed, Finding, Ground, Trace};
use crate::policy::{Basis, Reason, Verdict};
use crate::rules::{Spoken, Use, Vendor};

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    what: What,
    /// What an element uses the address for; all four if not told
    #[arg(long = "as", value_name = "USE", conflicts_with_all = ["cookie", "html"])]
    used: Option<Used>,
    /// Where the page stands; of the site's own host if not told
    #[arg(long, value_name = "URL", conflicts_with_all = ["url", "cookie"])]
    page: Option<Url>,
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
    /// A page in a file; `-` is stdin
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
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
    let What { url, cookie, html } = &options.what;
    let mut text = match (url, cookie, html) {
        (Some(url), _, _) => of_url(&scene, url, options.used.map(Use::from)),
        (_, Some(name), _) => of_cookie(&scene, name),
        (_, _, Some(file)) => of_page(&scene, &Page::html(file.clone(), options.page.clone()))?,
        _ => return Err("name an address, a cookie or a page".to_owned()),
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
    for used in uses {
        let fate = fates.of_url(scene.rules(), url, used);
        say(&mut text, 1, format_args!("as {}: {}", used.name(), said_of(fate)));
        say_rules(&mut text, 2, scene, &scene.rules().spoken_at_url(url, &[used]));
    }
    text
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
    text
}

/// Everything in a page that would be changed.
pub(super) fn of_page(scene: &Scene, page: &Page) -> Result<String, String> {
    let findings = findings(scene, page)?;
    let name = page.name();
    let mut text = String::new();
    for Finding { line, tag, deed, grounds } in &findings {
        say(&mut text, 0, format_args!("{name}:{line}: {}: {tag}", deed.name()));
        if grounds.is_empty() {
            say(&mut text, 1, format_args!("{}", without_rule(*deed)));
        }
        for Ground { asked, rules } in grounds {
            match asked {
                Asked::Url(url, uses) => {
                    say(&mut text, 1, format_args!("{}: {url}", names_of(uses)));
                }
                Asked::Code => say(&mut text, 1, format_args!("its code")),
            }
            if rules.is_empty() {
                let unlisted = Fate::Undeclared(Whose::Unlisted);
                say(&mut text, 2, format_args!("{}", said_of(unlisted)));
            }
            say_rules(&mut text, 2, scene, rules);
        }
    }
    let elements = if findings.len() == 1 { "element" } else { "elements" };
    say(&mut text, 0, format_args!("{name}: {} {elements} changed", findings.len()));
    Ok(text)
}

/// What something is used for, in words.
fn names_of(uses: &[Use]) -> String {
    match uses {
        uses if *uses == Use::ALL => "whatever it is used for".to_owned(),
        uses => uses.iter().map(|used| used.name()).collect::<Vec<_>>().join(" or "),
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

/// What is done in a page.
pub(super) fn findings(scene: &Scene, page: &Page) -> Result<Vec<Finding>, String> {
    let (bytes, charset) = page.read(scene)?;
    let url = page.url(scene)?;
    let document = Document::new(Arc::clone(&scene.snapshot), scene.fates(), url, None)
        .in_encoding(charset.sent_in());
    let told = |error: io::Error| format!("{}: {error}", page.name());
    Trace::of_page(document, charset, &bytes).map_err(told)
}

/// A fate in words.
pub(super) fn said_of(fate: Fate) -> String {
    match fate {
        Fate::Permit => "passes".to_owned(),
        Fate::Hold(purpose, _) => format!("withheld until `{purpose}` is agreed to"),
        Fate::Undeclared(Whose::Unlisted) => {
            "withheld for good: no rule knows the host, and `[unlisted]` of site.toml lets no such \
             script pass"
                .to_owned()
        }
        Fate::Undeclared(_) => "withheld for good".to_owned(),
    }
}

/// Rules, and for those of each vendor all that follows from them.
fn say_rules(text: &mut String, depth: usize, scene: &Scene, rules: &[Spoken]) {
    for of_one in rules.chunk_by(|one, next| one.vendor == next.vendor) {
        for spoken in of_one {
            say(text, depth, format_args!("{spoken}"));
        }
        let vendor = &scene.rules().vendors[of_one[0].vendor];
        say(text, depth + 1, format_args!("{}", whose(scene, vendor)));
        say(text, depth + 1, format_args!("{}", why(scene, vendor)));
    }
}

fn whose(scene: &Scene, vendor: &Vendor) -> String {
    let terms = &scene.policy().terms[vendor.purpose];
    let name = &vendor.name;
    if vendor.recipient.is_operator() {
        return format!("{name}: the site's own, for `{}`", vendor.purpose);
    }
    format!(
        "{name}: serves `{}` (policy {}), which rests on {}; its recipient is `{}`",
        vendor.purpose,
        terms.section,
        terms.basis.name(),
        vendor.recipient.0
    )
}

fn why(scene: &Scene, vendor: &Vendor) -> String {
    let (purpose, recipient) = (vendor.purpose, &vendor.recipient);
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

fn say(text: &mut String, depth: usize, line: fmt::Arguments<'_>) {
    let indent = depth * 2;
    // Writing to a string does not fail.
    let _ = writeln!(text, "{:indent$}{line}", "");
}
