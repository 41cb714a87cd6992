//! What the operator has written: the site, the policy, the vendors, the wording.
//!
//! [`load`] turns files into one immutable [`RuleSet`], or says everything that is wrong
//! with them at once. Files arrive as `(path, text)`: reading the disk is the house's work.
//!
//! A rule set that exists is whole: its policy versions were announced in time, its rules
//! passed their own examples, its wording is there in every language.
//!
//! What follows from a match is not decided here: see [`crate::policy`].

mod action;
mod answered;
mod coherence;
mod cookie;
mod csp;
mod first_party;
mod hosts;
mod leeway;
mod lists;
mod needles;
mod page_kind;
mod pattern;
mod policy;
mod problem;
mod run_time;
mod schema;
mod site;
mod source;
mod speak;
mod texts;
mod theme;
mod vendor;
mod warnings;

use std::collections::BTreeMap;
use std::ops::Range;

use sha2::{Digest, Sha256};
use url::Url;

pub use action::{Action, Said};
pub use cookie::{CookieRole, CookieRule};
pub use csp::{Allow, Approved, CSP_FILE, CspSource, Fetch, HostSource, Owners};
use first_party::FirstParty;
pub use first_party::{PathRule, SIGNATURE_BYTES, Serves};
use hosts::{Hosts, UrlRuleAt};
pub use leeway::{ConsentMode, Csp, EXEMPT_DAYS_MAX, Exempt, Leave, Mode, SiteBanner, Unlisted};
use lists::Lists;
pub use lists::{LISTS_MAX, LeftOut, Line, List, Listed, Naming, examples};
use needles::Needles;
pub use page_kind::{PageKind, SETTINGS};
pub use pattern::HostPattern;
pub(crate) use pattern::cookie_problem;
pub use policy::{PolicyWording, PurposeWording, Recipient};
pub use problem::Problem;
pub(crate) use problem::with_fix;
pub use run_time::Group;
pub use schema::FileKind;
pub use site::{Control, Localized, Operator, Site};
pub use source::entries;
pub use speak::Spoken;
pub use vendor::{Use, Vendor};

use self::answered::Answered;
use self::cookie::ByLetter;
use crate::banner::Texts;
pub use crate::banner::picture::is_picture;
use crate::policy::{Basis, Policies, Purpose};
use crate::time::Day;

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
    /// Whether any vendor's rule only reports.
    pub(crate) reports: bool,
    /// Each rule for inline scripts: its vendor, and its place there.
    inline: Vec<(usize, usize)>,
    needles: Needles,
    answered: Answered,
    hosts: Hosts,
    cookies: ByLetter,
    first_party: FirstParty,
    lists: Lists,
    /// What pages may reach besides the site, if the operator has approved anything.
    pub approved: Approved,
}

/// One rule file: its path below the rules folder (`vendors/own.toml`) and its text; a picture's in base64.
pub type RuleFile = (String, String);

/// Reads rule files. `root` is how problems name the folder.
pub fn load(root: &str, files: &[RuleFile]) -> Result<RuleSet, Vec<Problem>> {
    let mut problems = Vec::new();
    let texts = texts::read(root, files, &mut problems);
    let mut site = None;
    if let Some((name, text)) = files.iter().find(|(name, _)| name == "site.toml") {
        site = site::read(&format!("{root}/{name}"), text, files, &texts, &mut problems);
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
    let mut policy_files = 0;
    for (name, text) in files {
        let path = format!("{root}/{name}");
        match name.split_once('/') {
            None if name == "site.toml" || name == CSP_FILE => {}
            None if is_picture(name) => {
                let shown = |site: &Site| site.theme.logo.as_ref().is_some_and(|logo| logo.name == *name);
                if problems.is_empty() && !site.as_ref().is_some_and(shown) {
                    let text = "is shown nowhere; name it by `logo` in `[banner]` of `site.toml`, or remove it";
                    problems.push(whole(root, name, text));
                }
            }
            Some(("policy", _)) => {
                policy_files += 1;
                if let Some((version, words)) = policy::read(&path, text, &languages, &texts, &mut problems) {
                    wording.insert(version.in_force, words);
                    versions.push((path, version));
                }
            }
            Some(("vendors", _)) => vendors.extend(vendor::read(&path, text, &mut problems)),
            Some(("texts" | "lists", _)) => {}
            _ => problems.push(whole(
                root,
                name,
                "is not a rule file; rules are `site.toml`, `csp.toml` and what lies in `policy`, `vendors`, `lists` and `texts`",
            )),
        }
    }
    problems.extend(texts::missing(root, &languages, files));
    problems.extend(texts::translated_for_nobody(root, files, &texts, &wording));
    let lists = lists::read(root, files, &mut problems);
    // A vendor whose file could not be read is not missing.
    let all_read = problems.is_empty();
    if let Some(site) = &site {
        let path = format!("{root}/site.toml");
        problems.extend(give_paths_to_vendors(&path, site, &mut vendors));
    }
    problems.extend(action::settle(&mut vendors));
    problems.extend(coherence::problems(&vendors, &lists, &versions, &texts, all_read));
    let enforced = site.as_ref().is_some_and(|site| site.csp == Csp::Enforce);
    let approved = csp::of_folder(root, files, enforced, (&vendors, &lists), &mut problems);

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
    let first_party =
        first_party(&vendors).map_err(|error| problems.push(whole(root, "vendors", &error)));
    problems.sort();
    problems.dedup();
    match (site, policies, first_party) {
        (Some(site), Some(policies), Ok(first_party)) if problems.is_empty() => {
            let inline = inline(&vendors);
            let needles = Needles::of(
                inline.iter().map(|(vendor, rule)| vendors[*vendor].inline[*rule].value.as_str()),
            );
            let (hosts, cookies) = (hosts(&vendors), ByLetter::of(&vendors));
            let generation = generation(files);
            let reports = vendors.iter().any(Vendor::reports);
            Ok(RuleSet {
                site,
                policies,
                wording,
                vendors,
                texts,
                generation,
                reports,
                inline,
                needles,
                answered: Answered::default(),
                hosts,
                cookies,
                first_party,
                lists: Lists::of(lists),
                approved,
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

    /// Whether a host (lower case, without port) is the site's, or anything is said of it.
    pub fn knows_host(&self, host: &str) -> bool {
        self.names_host(host)
            || self.site.has_host(host)
            || self.site.owns(host)
            || self.site.unlisted.except.iter().any(|known| known.matches(host))
    }

    /// The vendors whose addresses `url` is one of when used so, by their place in `vendors`; one that
    /// several rules give it to comes as often.
    pub fn at_url(&self, url: &Url, used: Use) -> impl Iterator<Item = usize> {
        self.said_at_url(url, used).map(|said| said.vendor)
    }

    /// What each rule says of an address when it is used so.
    pub fn said_at_url(&self, url: &Url, used: Use) -> impl Iterator<Item = Said> {
        let host = url.host_str().unwrap_or_default();
        let named = self.hosts.rules(host).filter_map(move |UrlRuleAt { vendor, rule }| {
            let of = &self.vendors[vendor];
            let rule = &of.urls[rule];
            rule.value.covers(url, used).then(|| Said { vendor, action: of.action_of(rule) })
        });
        named.chain(self.first_party.in_page(url, used, self.site.owns(host)))
    }

    /// Whether an address, as it stands in a page, may be one that the site serves for a vendor.
    pub fn may_be_first_party(&self, address: &[u8]) -> bool {
        self.first_party.may_speak_of(address)
    }

    /// The rules that give an address of the site's to a vendor when it is asked for as a script or
    /// not, as far as that is known; each with what it says.
    pub fn at_own_path(
        &self,
        url: &Url,
        as_script: Option<bool>,
    ) -> impl Iterator<Item = (Said, &PathRule)> {
        self.first_party.at(url, as_script)
    }

    /// Whether any rule tells a vendor's library by its words.
    pub fn has_signatures(&self) -> bool {
        self.first_party.has_signatures()
    }

    /// What each rule says of a library that begins so.
    pub fn in_library(&self, code: &[u8]) -> Vec<Said> {
        self.first_party.in_code(code)
    }

    /// What each rule says of an inline script.
    pub fn in_script(&self, text: &[u8]) -> Vec<Said> {
        self.answered.get_or(text, || self.in_script_afresh(text).collect())
    }

    fn in_script_afresh(&self, text: &[u8]) -> impl Iterator<Item = Said> {
        let says = move |(vendor, rule): (usize, usize)| {
            let of = &self.vendors[vendor];
            let rule = &of.inline[rule];
            rule.value.is_match(text).then(|| Said { vendor, action: of.action_of(rule) })
        };
        let worth_trying = self.needles.worth_trying(text).map(|rule| self.inline[rule]);
        worth_trying.filter_map(says)
    }

    /// Where in an inline script the code of vendors stands, each with its vendor, by their place in
    /// `vendors`: what the rules find of which `of` holds.
    pub fn spans_in_script(
        &self,
        text: &[u8],
        of: impl Fn(Said) -> bool,
    ) -> Vec<(usize, Range<usize>)> {
        let said = self.in_script(text).into_iter().filter(|said| of(*said));
        let mut vendors: Vec<usize> = said.map(|said| said.vendor).collect();
        vendors.dedup();
        let of = &of;
        let of_vendor = |vendor: usize| {
            let all = &self.vendors[vendor];
            let rules = all.inline.iter();
            rules
                .filter(move |rule| of(Said { vendor, action: all.action_of(rule) }))
                .flat_map(|rule| rule.value.find_iter(text))
                .map(move |found| (vendor, found.range()))
        };
        vendors.into_iter().flat_map(of_vendor).collect()
    }

    /// The vendors that a cookie of this name belongs to, by their place in `vendors`.
    pub fn with_cookie(&self, name: &[u8]) -> impl Iterator<Item = usize> {
        self.said_of_cookie(name).map(|said| said.vendor)
    }

    /// The rule that names a cookie first, as it is written: `_ga_*`.
    pub fn cookie_rule(&self, name: &[u8]) -> Option<String> {
        let mut rules = self.vendors.iter().flat_map(Vendor::cookies).map(|(rule, _)| rule);
        rules.find(|rule| rule.matches(name)).map(ToString::to_string)
    }

    /// What the vendors that a cookie of this name belongs to say of it, each once, by the strictest of
    /// its rules.
    pub fn said_of_cookie(&self, name: &[u8]) -> impl Iterator<Item = Said> {
        let says = move |&vendor: &usize| {
            let action = self.vendors[vendor].action_of_cookie(name)?;
            Some(Said { vendor, action })
        };
        self.cookies.having(name).iter().filter_map(says)
    }

    /// Under which keys some vendors, by their place in `vendors`, keep things in the browser's
    /// storage: as the rules write them, `_ym*` for all that begin so. Not those that only report.
    pub fn stored_keys(&self, of: impl Fn(usize) -> bool) -> Vec<String> {
        let vendors = self.vendors.iter().enumerate().filter(|(index, _)| of(*index));
        let removed = vendors.filter(|(_, vendor)| vendor.action != Action::ReportOnly);
        removed.flat_map(|(_, vendor)| &vendor.keys).map(|key| key.value.to_string()).collect()
    }

    /// The consent purposes that something loaded serves: what the banner asks about. With
    /// the shipped rules that is 4.3 alone.
    pub fn asked(&self, policy: &crate::policy::PolicyVersion) -> impl Iterator<Item = Purpose> {
        Purpose::ALL.into_iter().filter(|purpose| {
            policy.terms[*purpose].basis == Basis::Consent
                && (self.vendors.iter().any(|vendor| {
                    vendor.purpose == *purpose
                        && vendor.withholds()
                        && !vendor.recipient.is_operator()
                        && policy.terms[*purpose].declares(&vendor.recipient)
                }) || self.lists.hold_for(*purpose, &policy.terms[*purpose]))
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

    /// The wording in `language`, or in the site's default one.
    pub fn texts(&self, language: &str) -> &Texts {
        self.texts
            .get(language)
            .or_else(|| self.texts.get(&self.site.languages[0]))
            .expect("the loader refuses a site whose languages have no texts")
    }
}

/// Each rule for inline scripts: its vendor, and its place there.
fn inline(vendors: &[Vendor]) -> Vec<(usize, usize)> {
    let rules =
        |(index, vendor): (usize, &Vendor)| (0..vendor.inline.len()).map(move |rule| (index, rule));
    vendors.iter().enumerate().flat_map(rules).collect()
}

/// The hosts that any rule speaks of, with the rules for addresses there.
fn hosts(vendors: &[Vendor]) -> Hosts {
    let rules = vendors.iter().enumerate().flat_map(|(vendor, of)| {
        of.urls
            .iter()
            .enumerate()
            .map(move |(rule, url)| (&url.value.host, Some(UrlRuleAt { vendor, rule })))
    });
    let own = vendors.iter().flat_map(|vendor| &vendor.paths).filter_map(|rule| rule.value.host());
    Hosts::of(rules.chain(own.map(|host| (host, None))))
}

/// What all vendors have of what the site itself serves.
fn first_party(vendors: &[Vendor]) -> Result<FirstParty, String> {
    let all = || vendors.iter().enumerate();
    let paths = all().flat_map(|(index, vendor)| {
        let said = move |rule| Said { vendor: index, action: vendor.action_of(rule) };
        vendor.paths.iter().map(move |rule| (said(rule), rule.value.clone()))
    });
    let signatures = all().flat_map(|(index, vendor)| {
        let said = move |rule| Said { vendor: index, action: vendor.action_of(rule) };
        vendor.signatures.iter().map(move |rule| (said(rule), &rule.value))
    });
    FirstParty::of(paths.collect(), signatures)
}

/// Gives the paths of `site.toml` to the vendors that it names, and says which nobody is.
fn give_paths_to_vendors(path: &str, site: &Site, vendors: &mut [Vendor]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for own in &site.paths {
        if let Some(vendor) = vendors.iter_mut().find(|vendor| vendor.id() == own.vendor) {
            vendor.paths.push(own.rule.clone());
            continue;
        }
        let near = vendors
            .iter()
            .map(Vendor::id)
            .find(|name| strsim::osa_distance(name, &own.vendor) <= 3);
        let right = near.map_or_else(
            || "name a file of `vendors`, without its ending".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let text = format!("vendor `{}` has no file; {right}", own.vendor);
        problems.push(Problem { path: path.to_owned(), line: own.rule.line, text });
    }
    problems
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
