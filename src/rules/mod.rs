//! What the operator has written: the site, the policy, the vendors, the wording.
//!
//! [`load`] turns files into one immutable [`RuleSet`], or says everything that is wrong
//! with them at once. Files arrive as `(path, text)`: reading the disk is the house's work.
//!
//! A rule set that exists is whole: its policy versions were announced in time, its rules
//! passed their own examples, its wording is there in every language.
//!
//! What follows from a match is not decided here: see [`crate::policy`].

mod coherence;
mod hosts;
mod leeway;
mod needles;
mod pattern;
mod policy;
mod problem;
mod schema;
mod site;
mod source;
mod speak;
mod vendor;

use std::collections::BTreeMap;
use std::ops::Range;

use sha2::{Digest, Sha256};
use url::Url;

use hosts::Hosts;
pub use leeway::{EXEMPT_DAYS_MAX, Exempt, Leave, Mode, SiteBanner, Unlisted};
use needles::Needles;
pub use pattern::HostPattern;
pub use policy::{PolicyWording, PurposeWording, Recipient};
pub use problem::Problem;
pub(crate) use problem::with_fix;
pub use schema::FileKind;
pub use site::{Control, Localized, Operator, Site};
pub use source::entries;
pub use speak::Spoken;
pub use vendor::{Use, Vendor};

use crate::banner::Texts;
use crate::policy::{Basis, Policies, Purpose};
use crate::time::{Day, Time};

/// The purposes for which the gateway itself keeps a log.
pub const LOGGED: [Purpose; 3] = [Purpose::Operation, Purpose::Analytics, Purpose::Security];

/// Everything that `rules/` says.
#[derive(Debug)]
pub struct RuleSet {
    /// The site.
    pub site: Site,
    /// The policy versions.
    pub policies: Policies,
    /// Their wording, by the day each comes into force.
    pub wording: BTreeMap<Day, PolicyWording>,
    /// The vendors.
    pub vendors: Vec<Vendor>,
    /// The banner's wording, by language.
    pub texts: BTreeMap<String, Texts>,
    /// A digest of all files: it changes when any of them does.
    pub generation: [u8; 8],
    /// Each rule for inline scripts: its vendor, and its place there.
    inline: Vec<(usize, usize)>,
    needles: Needles,
    hosts: Hosts,
}

/// One rule file: its path below the rules folder (`vendors/own.toml`) and its text.
pub type RuleFile = (String, String);

/// Reads rule files. `root` is how problems name the folder.
pub fn load(root: &str, files: &[RuleFile]) -> Result<RuleSet, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut site = None;
    if let Some((name, text)) = files.iter().find(|(name, _)| name == "site.toml") {
        site = site::read(&format!("{root}/{name}"), text, &mut problems);
    } else {
        problems.push(whole(
            root,
            "site.toml",
            "is missing; it names the site's hosts, languages and operator",
        ));
    }
    let languages = site.as_ref().map(|site| site.languages.clone()).unwrap_or_default();

    let mut versions = Vec::new();
    let mut wording = BTreeMap::new();
    let mut vendors = Vec::new();
    let mut texts = BTreeMap::new();
    let mut policy_files = 0;
    for (name, text) in files {
        let path = format!("{root}/{name}");
        match name.split_once('/') {
            None if name == "site.toml" => {}
            Some(("policy", _)) => {
                policy_files += 1;
                if let Some((version, words)) = policy::read(&path, text, &languages, &mut problems) {
                    wording.insert(version.in_force, words);
                    versions.push((path, version));
                }
            }
            Some(("vendors", _)) => vendors.extend(vendor::read(&path, text, &mut problems)),
            Some(("texts", file)) => {
                let mut source = source::Source::open(&path, text, &mut problems);
                if let Some(read) = source.whole::<Texts>() {
                    for (key, problem) in read.problems() {
                        source.problem(source.line_of(&key), problem);
                    }
                    if file != format!("{}.toml", read.code) {
                        let right = format!("`code` is `{}`; the file's name says otherwise", read.code);
                        source.problem(0, right);
                    }
                    texts.insert(read.code.clone(), read);
                }
            }
            _ => problems.push(whole(
                root,
                name,
                "is not a rule file; rules are `site.toml` and what lies in `policy`, `vendors` and `texts`",
            )),
        }
    }
    for language in &languages {
        let file = format!("texts/{language}.toml");
        if !files.iter().any(|(name, _)| *name == file) {
            problems.push(whole(root, &file, "is missing, but `site.toml` lists the language"));
        }
    }
    // A vendor whose file could not be read is not missing.
    let all_read = problems.is_empty();
    problems.extend(coherence::problems(&vendors, &versions, all_read));

    let policies = match Policies::new(versions.into_iter().map(|(_, version)| version).collect()) {
        Ok(policies) => Some(policies),
        Err(errors) => {
            // A file that could not be read has already been reported by name.
            let unread = policy_files > 0 && wording.is_empty();
            if !unread {
                problems
                    .extend(errors.iter().map(|error| whole(root, "policy", &error.to_string())));
            }
            None
        }
    };
    problems.sort();
    problems.dedup();
    match (site, policies) {
        (Some(site), Some(policies)) if problems.is_empty() => {
            let rules = vendors.iter().enumerate().flat_map(|(index, vendor)| {
                (0..vendor.inline.len()).map(move |rule| (index, rule))
            });
            let inline: Vec<_> = rules.collect();
            let needles = Needles::of(
                inline.iter().map(|(vendor, rule)| vendors[*vendor].inline[*rule].value.as_str()),
            );
            let hosts = Hosts::of(vendors.iter().flat_map(Vendor::hosts));
            let generation = generation(files);
            Ok(RuleSet {
                site,
                policies,
                wording,
                vendors,
                texts,
                generation,
                inline,
                needles,
                hosts,
            })
        }
        _ => Err(problems),
    }
}

impl RuleSet {
    /// Whether any rule speaks of a host (lower case, without port).
    pub fn names_host(&self, host: &str) -> bool {
        self.hosts.names(host)
    }

    /// The vendors whose addresses `url` is one of when used so, by their place in `vendors`.
    pub fn at_url(&self, url: &Url, used: Use) -> impl Iterator<Item = usize> {
        let has =
            move |vendor: &Vendor| vendor.urls.iter().any(|rule| rule.value.matches(url, used));
        self.vendors.iter().enumerate().filter(move |(_, v)| has(v)).map(|(index, _)| index)
    }

    /// The vendors whose code an inline script is, by their place in `vendors`.
    pub fn in_script<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + use<'a> {
        let matches = move |(vendor, rule): &(usize, usize)| {
            self.vendors[*vendor].inline[*rule].value.is_match(text)
        };
        let worth_trying = self.needles.worth_trying(text).map(|rule| self.inline[rule]);
        worth_trying.filter(matches).map(|(vendor, _)| vendor)
    }

    /// Where in an inline script the code of some vendors stands, by their place in `vendors`.
    pub fn spans_in_script(&self, text: &[u8], of: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
        let mut vendors: Vec<usize> = self.in_script(text).filter(|vendor| of(*vendor)).collect();
        vendors.dedup();
        let rules = vendors.into_iter().flat_map(|vendor| &self.vendors[vendor].inline);
        rules.flat_map(|rule| rule.value.find_iter(text)).map(|found| found.range()).collect()
    }

    /// The vendors that a cookie of this name belongs to, by their place in `vendors`.
    pub fn with_cookie(&self, name: &[u8]) -> impl Iterator<Item = usize> {
        let has = move |vendor: &Vendor| vendor.cookies.iter().any(|c| c.value.matches(name));
        self.vendors.iter().enumerate().filter(move |(_, v)| has(v)).map(|(index, _)| index)
    }

    /// The consent purposes that something loaded serves: what the banner asks about. With
    /// the shipped rules that is 4.3 alone.
    pub fn asked(&self, policy: &crate::policy::PolicyVersion) -> impl Iterator<Item = Purpose> {
        Purpose::ALL.into_iter().filter(|purpose| {
            policy.terms[*purpose].basis == Basis::Consent
                && self.vendors.iter().any(|vendor| {
                    vendor.purpose == *purpose
                        && !vendor.recipient.is_operator()
                        && policy.terms[*purpose].declares(&vendor.recipient)
                })
        })
    }

    /// Vendors whose recipient no policy version names for their purpose, with that recipient:
    /// they are withheld from everybody.
    pub fn never_declared(&self) -> impl Iterator<Item = (&str, &str)> {
        let declared = |vendor: &&Vendor| {
            self.policies.all().iter().any(|p| p.terms[vendor.purpose].declares(&vendor.recipient))
        };
        let undeclared = self.vendors.iter().filter(move |vendor| !declared(vendor));
        undeclared.map(|vendor| (vendor.name.as_str(), vendor.recipient.0.as_str()))
    }

    /// Whether a script comes from a host that is not the site's and that no rule knows, where the
    /// operator lets no such pass.
    pub fn withholds_unlisted_script(&self, url: &Url) -> bool {
        let unlisted = &self.site.unlisted;
        let known = |host: &str| {
            self.names_host(host)
                || self.site.has_host(host)
                || unlisted.except.iter().any(|known| known.matches(host))
        };
        unlisted.scripts == Leave::Withhold
            && matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !known(host))
    }

    /// Whether no rule knows a cookie, and the operator lets the site set no such.
    pub fn withholds_unlisted_cookie(&self, name: &[u8]) -> bool {
        self.site.unlisted.cookies == Leave::Withhold && self.with_cookie(name).next().is_none()
    }

    /// What is wrong with the rules on a day, though it may be right on a later one.
    pub fn problems_on(&self, day: Day) -> Vec<Problem> {
        let last = day.plus_days(EXEMPT_DAYS_MAX);
        let too_far = self.site.exempt.iter().filter(|exempt| exempt.until > last);
        too_far
            .map(|Exempt { path, until, line, .. }| Problem {
                path: self.site.path.clone(),
                line: *line,
                text: format!(
                    "`{path}` is exempt until {until}, more than {EXEMPT_DAYS_MAX} days ahead; end it by {last}"
                ),
            })
            .collect()
    }

    /// What is not wrong, and takes protection away all the same.
    pub fn warnings(&self, now: Time) -> Vec<String> {
        let site = &self.site;
        let mut warnings = Vec::new();
        if site.mode == Mode::Observe {
            warnings.push(
                "the site is not protected: `mode = \"observe\"` withholds nothing and counts what would be"
                    .to_owned(),
            );
        }
        for Exempt { path, until, reason, .. } in site.exempt_at(now) {
            warnings.push(format!("not protected until {until}: pages under `{path}` ({reason})"));
        }
        for exempt in site.exempt.iter().filter(|exempt| !exempt.is_in_force(now)) {
            let Exempt { path, until, line, .. } = exempt;
            warnings.push(format!(
                "the exemption of `{path}` ended on {until}; {}:{line} can be removed",
                site.path
            ));
        }
        if site.banner.wins {
            warnings.push(
                "our banner asks nobody: the site's own wins, and nothing is permitted unless it posts the \
                 choice to /.consent/choices"
                    .to_owned(),
            );
        }
        warnings
    }

    /// The wording in `language`, or in the site's default one.
    pub fn texts(&self, language: &str) -> &Texts {
        self.texts
            .get(language)
            .or_else(|| self.texts.get(&self.site.languages[0]))
            .expect("the loader refuses a site whose languages have no texts")
    }
}

fn whole(root: &str, name: &str, text: &str) -> Problem {
    Problem { path: format!("{root}/{name}"), line: 0, text: text.to_owned() }
}

fn generation(files: &[RuleFile]) -> [u8; 8] {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort();
    let mut hash = Sha256::new();
    for (name, text) in sorted {
        // Lengths keep two files from passing for one.
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut digest = [0; 8];
    digest.copy_from_slice(&hash.finalize()[..8]);
    digest
}
