//! `kelisim rewrite`: what the gate makes of a page.
//!
//! For operators who wonder what becomes of a page, and for tests. The page comes from a file, goes
//! to stdout as a visitor with these choices would get it, and what was done is said on stderr.
//!
//! Exit code 0; 1 where something cannot be read, the page's encoding included.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use url::Url;

use crate::charset;
use crate::clock::Clock;
use crate::coding::{Coding, Levels};
use crate::config::{RULES, rule_files};
use crate::gate::document::{Document, Insertion};
use crate::gate::fate::Fates;
use crate::gate::seal::{Seal, SealKey};
use crate::gate::stream::Stream;
use crate::policy::{
    Choice, Choices, Mark, PolicyVersion, Purpose, Record, Signal, TextDigest, Visitor, VisitorId,
    decide,
};
use crate::rules::{self, HostPattern, RuleSet};
use crate::snapshot::Snapshot;
use crate::time::Time;

/// How long the choices of the imagined visitor have to count.
const DAY_SECONDS: u64 = 86_400;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The page; `-` is stdin
    file: PathBuf,
    /// What the visitor has agreed to: `none`, `all`, or purposes: `analytics,marketing`
    #[arg(long, default_value = "none")]
    choices: String,
    /// Where the page stands; of the site's own host if not told
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// What the page is served as
    #[arg(long, value_name = "TYPE", default_value = "text/html")]
    content_type: String,
    /// Put in the banner as well, with a form that no gateway takes
    #[arg(long)]
    banner: bool,
    /// Folder of rules
    #[arg(long, env = "KELISIM_RULES", value_name = "DIR", default_value = RULES)]
    rules: PathBuf,
}

/// Rewrites one page.
pub(super) fn run(options: &Options) -> ExitCode {
    match rewrite(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn rewrite(options: &Options) -> Result<(), String> {
    let name = options.file.display();
    let rules = load(&options.rules)?;
    let now = Clock::System.now();
    let policy = rules.policies.at(now).ok_or("no policy version is in force yet")?;
    let visitor = visitor(&options.choices, policy, now)?;
    let url = options.url.clone().map_or_else(|| own_url(&rules), Ok)?;
    let page = read(&options.file).map_err(|error| format!("{name}: cannot be read: {error}"))?;
    let header = charset::of_header([options.content_type.as_bytes()]);
    let charset = charset::decide(&header, rules.site.encoding, &page, true)
        .ok_or("the end of a page tells its encoding")?;
    let insertion = options.banner.then(|| Insertion {
        policy: policy.in_force,
        banner: true,
        token: String::new(),
        return_to: url.path().to_owned(),
        nonce: None,
        accept_language: String::new(),
        is_document: true,
    });
    // Nothing is sealed or opened here.
    let seal = Seal::new(SealKey { id: 1, secret: [0; 32] }, Vec::new());
    let snapshot = Arc::new(Snapshot::new(rules, seal));
    let conditions = snapshot.conditions(now, Record::Readable);
    let verdicts = decide(&conditions, &visitor, Signal::Silent);
    let fates = Fates::of(&snapshot.rules, &verdicts);
    let document =
        Document::new(Arc::clone(&snapshot), fates, url, insertion).in_encoding(charset.sent_in());
    let encoding = charset.encoding().map_or("an encoding that nobody names", |e| e.name());
    let stream = Stream::new(charset, document, Coding::Identity, Levels::default());
    let mut stream = stream.ok_or_else(|| {
        format!(
            "{name}: in {encoding}, which is not read: it goes out as it is, behind a strict policy"
        )
    })?;
    let mut output = Vec::new();
    let document = stream.take(&page, &mut output).and_then(|()| stream.finish(&mut output));
    let document = document.map_err(|error| format!("{name}: {error}"))?;
    io::stdout().write_all(&output).map_err(|error| format!("stdout: {error}"))?;

    let held = document.held();
    let tags = if held == 1 { "tag" } else { "tags" };
    let states = match document.states() {
        0 => String::new(),
        states => format!("; {states} left in a framework's state, for the run-time guard"),
    };
    eprintln!("{name}: in {encoding}; {held} {tags} held, removed or overwritten{states}");
    Ok(())
}

fn load(folder: &Path) -> Result<RuleSet, String> {
    let files = rule_files(folder).map_err(|error| error.to_string())?;
    let root = folder.display().to_string();
    rules::load(root.trim_end_matches('/'), &files).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        problems.join("\n")
    })
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file);
    }
    let mut page = Vec::new();
    io::stdin().read_to_end(&mut page)?;
    Ok(page)
}

/// The first page of the site's first host.
fn own_url(rules: &RuleSet) -> Result<Url, String> {
    let host = rules.site.hosts.iter().find_map(|host| match host {
        HostPattern::Exact(host) => Some(host.clone()),
        HostPattern::Under(domain) => Some(format!("www.{domain}")),
        HostPattern::Any(_) => None,
    });
    let host = host.ok_or("`site.toml` names no whole host; say where the page stands by --url")?;
    Url::parse(&format!("https://{host}/")).map_err(|error| format!("{host}: {error}"))
}

/// Somebody who made these choices just now.
fn visitor(choices: &str, policy: &PolicyVersion, now: Time) -> Result<Visitor, String> {
    let purposes = match choices {
        "none" => return Ok(Visitor::Stranger),
        "all" => Purpose::ALL.to_vec(),
        list => list.split(',').map(purpose).collect::<Result<_, _>>()?,
    };
    let mut choices = Choices::default();
    for purpose in purposes {
        let mark = Mark {
            at: now,
            until: Time(now.0 + DAY_SECONDS),
            policy: policy.in_force,
            terms: policy.terms[purpose].digest,
            shown: TextDigest::default(),
            signal: Signal::Silent,
        };
        choices.set(purpose, Choice::Agreed(mark));
    }
    Ok(Visitor::Known { id: VisitorId(0), choices })
}

fn purpose(name: &str) -> Result<Purpose, String> {
    Purpose::ALL.into_iter().find(|purpose| purpose.name() == name).ok_or_else(|| {
        let known: Vec<_> = Purpose::ALL.iter().map(|purpose| purpose.name()).collect();
        format!(
            "`--choices {name}`: no such purpose; name `none`, `all` or some of {}",
            known.join(", ")
        )
    })
}
