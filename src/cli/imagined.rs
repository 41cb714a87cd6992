//! A visitor and a page that an operator imagines, to be shown what the gate makes of them.
//!
//! Rules are read as at a start, choices are made just now, and nothing is sealed, recorded or sent.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use url::Url;

use crate::charset::{self, Charset};
use crate::clock::Clock;
use crate::config::{RULES, rule_files};
use crate::gate::fate::Fates;
use crate::gate::seal::{Seal, SealKey};
use crate::policy::{
    Choice, Choices, Mark, PolicyVersion, Purpose, Record, Signal, TextDigest, Verdicts, Visitor,
    VisitorId, decide,
};
use crate::rules::{self, Exempt, HostPattern, Mode, RuleSet};
use crate::snapshot::Snapshot;
use crate::time::{DAY_SECONDS, Day, Time};

/// By which rules.
#[derive(Debug, Args)]
pub(super) struct Folder {
    /// Folder of rules
    #[arg(long, env = "KELISIM_RULES", value_name = "DIR", default_value = RULES)]
    pub(super) rules: PathBuf,
}

/// Whom, and when.
#[derive(Debug, Args)]
pub(super) struct Imagined {
    /// What the visitor has agreed to: `none`, `all`, or purposes: `analytics,marketing`
    #[arg(long, default_value = "none")]
    choices: String,
    /// The day to imagine, as `2026-11-22`; today if not told
    #[arg(long, value_name = "DAY")]
    day: Option<Day>,
}

/// A page in a file.
#[derive(Debug, Args)]
pub(super) struct Page {
    /// The page; `-` is stdin
    file: PathBuf,
    /// Where the page stands; of the site's own host if not told
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// What the page is served as
    #[arg(long, value_name = "TYPE", default_value = "text/html")]
    content_type: String,
}

/// Rules and a visitor.
pub(super) struct Scene {
    pub(super) snapshot: Arc<Snapshot>,
    visitor: Visitor,
    now: Time,
}

impl Imagined {
    /// Somebody who has not chosen, today.
    pub(super) fn nobody() -> Imagined {
        Imagined { choices: "none".to_owned(), day: None }
    }

    /// Reads the rules of a folder.
    pub(super) fn scene(&self, folder: &Path) -> Result<Scene, String> {
        let rules = load(folder)?;
        let now = moment(self.day);
        let policy = rules.policies.at(now).ok_or("no policy version is in force yet")?;
        let visitor = visitor(&self.choices, policy, now)?;
        let seal = Seal::new(&SealKey { id: 1, secret: [0; 32] }, &[]);
        Ok(Scene { snapshot: Arc::new(Snapshot::new(rules, seal)), visitor, now })
    }
}

impl Scene {
    pub(super) fn rules(&self) -> &RuleSet {
        &self.snapshot.rules
    }

    pub(super) fn policy(&self) -> &PolicyVersion {
        self.rules().policies.at(self.now).expect("there is one, or there is no scene")
    }

    /// Why nothing is withheld on a page of this path, if nothing is.
    pub(super) fn leeway(&self, path: &str) -> Option<String> {
        let site = &self.rules().site;
        if site.mode == Mode::Observe {
            return Some("`mode = \"observe\"`".to_owned());
        }
        let exempt = site.exempt_at(self.now).find(|exempt| exempt.covers(path))?;
        let Exempt { path, until, line, .. } = exempt;
        Some(format!("{}:{line}: `{path}` is exempt until {until}", site.path))
    }

    /// What takes protection away.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.rules().warnings(self.now)
    }

    pub(super) fn verdicts(&self) -> Verdicts<'_> {
        decide(&self.snapshot.conditions(self.now, Record::Readable), &self.visitor, Signal::Silent)
    }

    pub(super) fn fates(&self) -> Fates {
        Fates::of(self.rules(), &self.verdicts())
    }

    /// A page of the site that names `url`; where the site has no whole host, one beside it.
    pub(super) fn page_with(&self, url: &Url) -> Url {
        own_url(self.rules()).unwrap_or_else(|_| url.clone())
    }
}

impl Page {
    /// A page that is served as `text/html`.
    pub(super) fn html(file: PathBuf, url: Option<Url>) -> Page {
        Page { file, url, content_type: "text/html".to_owned() }
    }

    /// The file as it was named.
    pub(super) fn name(&self) -> String {
        self.file.display().to_string()
    }

    /// Where it stands.
    pub(super) fn url(&self, scene: &Scene) -> Result<Url, String> {
        self.url.clone().map_or_else(|| own_url(scene.rules()), Ok)
    }

    /// Reads it, and decides in which encoding.
    pub(super) fn read(&self, scene: &Scene) -> Result<(Vec<u8>, Charset), String> {
        let page = read(&self.file)
            .map_err(|error| format!("{}: cannot be read: {error}", self.name()))?;
        let header = charset::of_header([self.content_type.as_bytes()]);
        let charset = charset::decide(&header, scene.rules().site.encoding, &page, true)
            .ok_or("the end of a page tells its encoding")?;
        Ok((page, charset))
    }
}

/// The beginning of a day, or now.
pub(super) fn moment(day: Option<Day>) -> Time {
    day.map_or_else(|| Clock::System.now(), Day::start)
}

/// Reads rules, or says all that is wrong with them.
pub(super) fn load(folder: &Path) -> Result<RuleSet, String> {
    let files = rule_files(folder).map_err(|error| error.to_string())?;
    let root = folder.display().to_string();
    rules::load(root.trim_end_matches('/'), &files).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        problems.join("\n")
    })
}

/// Reads a file, or stdin for `-`.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
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
            until: now.plus_seconds(DAY_SECONDS),
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
