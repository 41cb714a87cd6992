//! What the site itself serves of a vendor: by its address, and by what is in it.
//!
//! A vendor's code that comes from the site's own host is seen by no host rule: the Google tag
//! gateway, a tagging server under a path, a copy of the counter. An operator who knows the path says
//! so (`[[path]]`, in the vendor's file or in `site.toml`); a copy that nobody thought of is told by
//! the words in it (`[[signature]]`), all of which stand near its beginning.
//!
//! Both carry their own examples, played when they are read.
//!
//! What is answered while the vendor is withheld is [`crate::gate::first_party`]'s to say.

mod entries;
mod words;

use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

pub(super) use self::entries::{
    PathEntry, SignatureEntry, SitePathEntry, paths, paths_of_site, signatures,
};
use self::words::Words;
use super::action::{Rule, Said};
use super::pattern::{HostPattern, glob_matches};
use super::vendor::Use;

/// How much of a script is looked at for signatures, unpacked. In eight builds of Yandex.Metrica the
/// words stood in the first 36 KiB; a container of Google's begins with them.
pub const SIGNATURE_BYTES: usize = 64 * 1024;

/// Shorter words are found everywhere and tell nothing.
const WORD_BYTES_MIN: usize = 4;

/// A rule that names less of its addresses would be looked up for nearly all of a page's.
const WORD_OF_PATH_BYTES_MIN: usize = 2;

/// What is served under a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Serves {
    /// Code: only what is asked for as a script is meant.
    Script,
    /// What code reports to.
    Beacon,
}

/// An address of the site's that belongs to a vendor.
#[derive(Clone, Debug)]
pub struct PathRule {
    host: Option<HostPattern>,
    path: String,
    /// What it serves; both where nothing is said.
    serves: Option<Serves>,
    /// The file that it stands in: its vendor's, or `site.toml`.
    pub(super) file: String,
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[path]] `{}`", self.path)?;
        self.host.as_ref().map_or(Ok(()), |host| write!(f, ", host `{host}`"))
    }
}

impl PathRule {
    /// The host, where the rule is for one alone.
    pub(super) fn host(&self) -> Option<&HostPattern> {
        self.host.as_ref()
    }

    /// What it serves; both where nothing is said.
    pub fn serves(&self) -> Option<Serves> {
        self.serves
    }

    /// Whether the rule speaks of an address of the site's when asked for as a script or not, as far
    /// as that is known.
    pub(super) fn matches(&self, url: &Url, as_script: Option<bool>) -> bool {
        let there = self
            .host
            .as_ref()
            .is_none_or(|host| url.host_str().is_some_and(|name| host.matches(name)));
        there
            && (self.serves != Some(Serves::Script) || as_script != Some(false))
            && self.covers(&url[url::Position::BeforePath..url::Position::AfterQuery])
    }

    /// Whether it is for one host alone, or for all of the site's, and speaks of an address in a page;
    /// `own` says whether that is at one of these.
    pub(super) fn speaks_in_page(&self, url: &Url, used: Use, own: bool) -> bool {
        let as_script = match used {
            Use::Script => Some(true),
            Use::Image | Use::Frame => Some(false),
            Use::Link => None,
        };
        (own || self.host.is_some()) && self.matches(url, as_script)
    }

    /// A query is compared only with what stands behind a `?`: what an own script is told of another
    /// address makes it no vendor's.
    fn covers(&self, path_and_query: &str) -> bool {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        match self.path.split_once('?') {
            None => glob_matches(&self.path, path),
            Some((own, rest)) => glob_matches(own, path) && glob_matches(rest, query),
        }
    }

    /// A part that every address of the rule's has, as it stands in pages: no `&`, which is written
    /// in two ways there, and no slash, which relative addresses may lack. It is one behind the `?`,
    /// where the rule says enough of the query: few addresses have any.
    fn word(&self) -> Word<'_> {
        match self.path.split_once('?') {
            Some((_, query)) if longest(query).len() >= WORD_OF_PATH_BYTES_MIN => {
                Word::Query(longest(query))
            }
            _ => Word::Path(longest(&self.path)),
        }
    }
}

/// The longest part of a pattern that every text it is for has as it stands.
fn longest(pattern: &str) -> &str {
    let words = pattern.split(['*', '&', '?', '/']);
    words.max_by_key(|word| word.len()).unwrap_or_default()
}

/// A part of a rule's addresses, and where they have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word<'a> {
    Path(&'a str),
    Query(&'a str),
}

/// A path that `site.toml` gives to a vendor.
#[derive(Clone, Debug)]
pub struct SitePath {
    /// The vendor's file, without its ending.
    pub(super) vendor: String,
    pub(super) rule: Rule<PathRule>,
}

/// Words that tell a vendor's library: all of them have to be there.
#[derive(Clone, Debug)]
pub(super) struct Signature(Vec<String>);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[signature]] `{}`", self.0.join("`, `"))
    }
}

impl Signature {
    pub(super) fn is_in(&self, code: &[u8]) -> bool {
        self.0.iter().all(|word| memchr::memmem::find(code, word.as_bytes()).is_some())
    }
}

/// What all rules together say of what the site itself serves.
#[derive(Debug)]
pub(super) struct FirstParty {
    /// With what they say.
    paths: Vec<(Said, PathRule)>,
    /// Words of the rules that compare no query, and, of the others, words behind the `?`.
    words_of_paths: Words,
    words_of_queries: Words,
    /// With what they say, and the places of their words.
    signatures: Vec<(Said, Vec<usize>)>,
    words: AhoCorasick,
    words_count: usize,
}

impl FirstParty {
    /// Of these rules, each with what it says. Fails where they are too much to be looked for all at
    /// once.
    pub(super) fn of<'a>(
        paths: Vec<(Said, PathRule)>,
        signatures: impl Iterator<Item = (Said, &'a Signature)>,
    ) -> Result<FirstParty, String> {
        let mut words: Vec<&str> = Vec::new();
        let mut places = Vec::new();
        for (said, signature) in signatures {
            let place = |word: &'a String| {
                words.iter().position(|known| known == word).unwrap_or_else(|| {
                    words.push(word);
                    words.len() - 1
                })
            };
            places.push((said, signature.0.iter().map(place).collect()));
        }
        let too_much = |error| format!("the rules have too many words: {error}");
        let all = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&words);
        // A rule for one host is looked up by that.
        let anywhere = paths.iter().map(|(_, rule)| rule).filter(|rule| rule.host.is_none());
        let (mut of_paths, mut of_queries) = (Vec::new(), Vec::new());
        for word in anywhere.map(PathRule::word) {
            match word {
                Word::Path(word) => of_paths.push(word),
                Word::Query(word) => of_queries.push(word),
            }
        }
        Ok(FirstParty {
            words_of_paths: Words::of(of_paths).map_err(too_much)?,
            words_of_queries: Words::of(of_queries).map_err(too_much)?,
            paths,
            signatures: places,
            words_count: words.len(),
            words: all.map_err(too_much)?,
        })
    }

    /// Whether some rule may speak of an address as it stands in a page.
    pub(super) fn may_speak_of(&self, address: &[u8]) -> bool {
        // What may be a reference to a letter, and what browsers leave out.
        let odd = |byte: &u8| matches!(byte, b'&' | ..=b' ');
        address.iter().any(odd)
            || self.words_of_paths.any_in(address)
            || memchr::memchr(b'?', address)
                .is_some_and(|query| self.words_of_queries.any_in(&address[query..]))
    }

    /// The rules that speak of an address of the site's, with what they say.
    pub(super) fn at(
        &self,
        url: &Url,
        as_script: Option<bool>,
    ) -> impl Iterator<Item = (Said, &PathRule)> {
        let address = &url[url::Position::BeforePath..url::Position::AfterQuery];
        // Nearly every address has none of the words, and every request asks.
        let speaking = if self.may_speak_of(address.as_bytes()) { &self.paths[..] } else { &[] };
        let matching = move |(_, rule): &&(Said, PathRule)| rule.matches(url, as_script);
        speaking.iter().filter(matching).map(|(said, rule)| (*said, rule))
    }

    /// What the rules for one host alone, or for all of the site's, say of an address in a page.
    pub(super) fn in_page(&self, url: &Url, used: Use, own: bool) -> impl Iterator<Item = Said> {
        let matching = move |(_, rule): &&(Said, PathRule)| rule.speaks_in_page(url, used, own);
        self.paths.iter().filter(matching).map(|(said, _)| *said)
    }

    /// Whether there is any signature to look for.
    pub(super) fn has_signatures(&self) -> bool {
        !self.signatures.is_empty()
    }

    /// What is said of a library that begins so.
    pub(super) fn in_code(&self, code: &[u8]) -> Vec<Said> {
        let mut seen = vec![false; self.words_count];
        for found in self.words.find_overlapping_iter(code) {
            seen[found.pattern().as_usize()] = true;
        }
        let whole = |words: &[usize]| words.iter().all(|word| seen[*word]);
        let found = self.signatures.iter().filter(|(_, words)| whole(words));
        found.map(|(said, _)| *said).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::action::Action;
    use super::*;

    fn said(vendor: usize) -> Said {
        Said { vendor, action: Action::Hold }
    }

    fn rule(path: &str, serves: Option<Serves>) -> PathRule {
        PathRule { host: None, path: path.to_owned(), serves, file: String::new() }
    }

    #[test]
    fn a_path_is_the_vendors_as_far_as_it_serves_what_is_asked_for() {
        let url: Url = "https://a.kz/m/gtag/js?id=G-1".parse().expect("an address");
        for (serves, as_script, expected) in [
            (None, Some(true), true),
            (None, Some(false), true),
            (None, None, true),
            (Some(Serves::Script), Some(true), true),
            (Some(Serves::Script), None, true),
            (Some(Serves::Script), Some(false), false),
            (Some(Serves::Beacon), Some(false), true),
            (Some(Serves::Beacon), Some(true), true),
        ] {
            let rule = rule("/m/*", serves);
            assert_eq!(rule.matches(&url, as_script), expected, "{serves:?} {as_script:?}");
        }
        let host = HostPattern::parse("gtm.a.kz").ok();
        let elsewhere = PathRule { host, ..rule("/m/*", None) };
        assert!(!elsewhere.matches(&url, None));
    }

    #[test]
    fn a_word_stands_in_every_address_that_a_rule_is_for() {
        for (path, word) in [
            ("/metrics/*", Word::Path("metrics")),
            ("*/g/collect?*tid=G-*", Word::Query("tid=G-")),
            ("*/gtm.js?*id=GTM-*", Word::Query("id=GTM-")),
            ("/hits?*", Word::Path("hits")),
            ("/*", Word::Path("")),
        ] {
            assert_eq!(rule(path, None).word(), word, "{path}");
        }
        let paths =
            vec![(said(0), rule("/metrics/*", None)), (said(0), rule("/g/*?*tid=G-*", None))];
        let rules = FirstParty::of(paths, std::iter::empty()).expect("two words");
        for (address, expected) in [
            ("../metrics/a.js", true),
            ("/metric/a.js", false),
            ("/g/a?b&tid=G-1", true),
            ("/g/a?tid=G-1", true),
            ("/g/tid=G-1", false),
            ("/metr&#105;cs/a.js", true),
            ("/metr\tics/a.js", true),
            ("/g/a", false),
        ] {
            assert_eq!(rules.may_speak_of(address.as_bytes()), expected, "{address}");
        }
        let none = FirstParty::of(Vec::new(), std::iter::empty()).expect("none");
        assert!(!none.may_speak_of(b"/metrics/") && !none.has_signatures());
    }

    #[test]
    fn all_words_of_a_signature_have_to_be_there() {
        let words = |words: &[&str]| Signature(words.iter().map(|w| (*w).to_owned()).collect());
        let all = [words(&["abcd", "bcde"]), words(&["abcde", "xyzw"]), words(&["xyzw"])];
        let all = all.iter().enumerate().map(|(vendor, words)| (said(vendor), words));
        let rules = FirstParty::of(Vec::new(), all).expect("few words");
        assert_eq!(rules.in_code(b"-abcde-"), [said(0)], "words may overlap");
        assert_eq!(rules.in_code(b"abcde xyzw"), [said(0), said(1), said(2)]);
        assert_eq!(rules.in_code(b"abcd"), []);
    }

    #[test]
    fn what_would_take_the_site_or_tells_nothing_is_a_problem_with_its_line() {
        let problem = |file: &str, more: &str| {
            let mut files = crate::demo::rule_files();
            let (_, text) = files.iter_mut().find(|(name, _)| name == file).expect("it ships");
            let lines = text.lines().count();
            text.push_str(more);
            let problems = crate::rules::load("rules", &files).expect_err(more);
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(told[0].starts_with(&format!("rules/{file}:{}: ", lines + 1)), "{told:?}");
            told.join("\n")
        };
        for (vendor, path, is, told) in [
            (
                "google-analytic",
                "/m/*",
                "/m/a",
                "vendor `google-analytic` has no file; did you mean",
            ),
            ("google-analytics", "m/*", "/m/a", "begins with neither `/` nor `*`; write `/m/*`"),
            ("google-analytics", "/*", "/a", "would take the whole site"),
            ("google-analytics", "/m/*", "m/a", "example `m/a` is no path of the site"),
            ("google-analytics", "/mm/*", "/m/a", "does not match its example `/m/a`"),
        ] {
            let rule = format!(
                "[[path]]\nvendor = \"{vendor}\"\npath = \"{path}\"\nis = [\"{is}\"]\nis_not = [\"/n\"]\n"
            );
            let text = problem("site.toml", &rule);
            assert!(text.contains(told), "{text}");
        }
        let text = problem(
            "vendors/google-ads.toml",
            "[[signature]]\nall = [\"a\"]\nis = [\"a\"]\nis_not = [\"b\"]\n",
        );
        assert!(text.contains("word `a` stands in every script"), "{text}");
    }
}
