//! What a site's own policy has to let in of ours.
//!
//! The banner is a stylesheet, a script, a form, a hidden frame for its answer and a question to
//! `/.consent/state`. A page with a guard may bring it up later, and shows boxes of ours for frames. Where the site's policy would stop one of these, that directive is given our own
//! folder on the site's own host, and nothing else: every other byte stays, and most policies need nothing.
//!
//! Under `'strict-dynamic'` browsers pass over hosts, so where the page has no nonce that we carry, the digests
//! of our scripts are named instead. They are never added where `'unsafe-inline'` counts: it would end.
//!
//! What falls back to `default-src` gets a directive of its own with the same sources, so that nothing else
//! that falls back is widened. No policy is given a directive that would narrow it.
//!
//! Policies that only report are left as they are.

use http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};
use url::Url;

use crate::gate::document::{GuardTag, Insertion};
use crate::snapshot::Snapshot;

/// Where all of ours lies.
const FOLDER: &str = "/.consent/";

/// What a page holds of ours.
#[derive(Clone, Debug)]
pub struct Ours<'a> {
    /// The page.
    pub page: &'a Url,
    /// The nonce that our elements carry.
    pub nonce: Option<&'a str>,
    /// The digests of our scripts, as a policy names them: `'sha256-…' 'sha256-…'`.
    pub digests: &'a str,
    /// What there is.
    pub parts: Parts,
}

/// What a page may hold of ours; the later ones hold the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parts {
    /// Nothing.
    Nothing,
    /// Vendors' stubs.
    Scripts,
    /// The banner, which asks and hears the answer, or what may bring it up; the notice of a new version.
    Banner,
}

/// A directive that speaks of ours, by the names that are looked for, and the one that is added where only
/// the last is there.
struct Needed {
    names: &'static [&'static str],
    added: &'static str,
    /// What needs it.
    by: Parts,
}

const NEEDED: [Needed; 5] = [
    Needed {
        names: &["script-src-elem", "script-src", "default-src"],
        added: "script-src-elem",
        by: Parts::Scripts,
    },
    Needed {
        names: &["style-src-elem", "style-src", "default-src"],
        added: "style-src-elem",
        by: Parts::Banner,
    },
    Needed { names: &["connect-src", "default-src"], added: "connect-src", by: Parts::Banner },
    Needed {
        names: &["frame-src", "child-src", "default-src"],
        added: "frame-src",
        by: Parts::Banner,
    },
    Needed { names: &["form-action"], added: "form-action", by: Parts::Banner },
];

/// What became of the policies of one field, or of one `<meta>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Let {
    /// The policies.
    pub text: String,
    /// Whether digests were added: our scripts have to carry theirs.
    pub by_digest: bool,
}

/// The policies of a header, with what ours need.
#[derive(Debug)]
pub struct Fields {
    values: Vec<HeaderValue>,
    /// Whether digests were added.
    pub by_digest: bool,
}

impl Fields {
    /// Puts them in the place of those that were there.
    pub fn replace(self, headers: &mut HeaderMap) {
        let fields = headers.iter_mut().filter(|(name, _)| *name == CONTENT_SECURITY_POLICY);
        for ((_, field), value) in fields.zip(self.values) {
            *field = value;
        }
    }
}

impl<'a> Ours<'a> {
    /// What is put into a page.
    pub fn of(
        snapshot: &'a Snapshot,
        page: &'a Url,
        insertion: Option<&'a Insertion>,
        guard: Option<&'a GuardTag>,
    ) -> Ours<'a> {
        let parts = match (insertion, guard) {
            (None, None) if snapshot.puts_stubs() => Parts::Scripts,
            (None, None) => Parts::Nothing,
            _ => Parts::Banner,
        };
        let nonce = insertion.and_then(|insertion| insertion.nonce.as_deref());
        let nonce = nonce.or(guard.and_then(|guard| guard.nonce.as_deref()));
        Ours { page, nonce, digests: snapshot.digests(), parts }
    }

    /// The policies of a header with what ours need, if they need anything.
    pub fn let_into_fields(&self, headers: &HeaderMap) -> Option<Fields> {
        let (mut by_digest, mut changed) = (false, false);
        let fields = headers.get_all(CONTENT_SECURITY_POLICY).iter();
        let values = fields.map(|field| {
            let Some(told) = field.to_str().ok().and_then(|text| self.let_into(text)) else {
                return field.clone();
            };
            let Ok(value) = HeaderValue::from_str(&told.text) else { return field.clone() };
            (changed, by_digest) = (true, by_digest | told.by_digest);
            value
        });
        let values = values.collect();
        changed.then_some(Fields { values, by_digest })
    }

    /// The same policies with what ours need, if they need anything.
    pub fn let_into(&self, policies: &str) -> Option<Let> {
        let mut by_digest = false;
        let mut changed = false;
        // Several policies may stand in one field.
        let each = policies.split(',').map(|policy| match self.let_into_one(policy) {
            None => policy.to_owned(),
            Some(Let { text, by_digest: digest }) => {
                (changed, by_digest) = (true, by_digest | digest);
                text
            }
        });
        let text = each.collect::<Vec<_>>().join(",");
        changed.then_some(Let { text, by_digest })
    }

    fn let_into_one(&self, policy: &str) -> Option<Let> {
        let mut directives: Vec<String> = policy.split(';').map(str::to_owned).collect();
        let mut added = Vec::new();
        let (mut by_digest, mut changed) = (false, false);
        for needed in &NEEDED {
            if needed.by > self.parts {
                continue;
            }
            let Some((place, found)) = find(&directives, needed.names) else { continue };
            let Some(source) = self.missing(&sources(&directives[place]), needed) else {
                continue;
            };
            by_digest |= source == self.digests;
            let is_last_resort =
                found == "default-src" || (found == "child-src" && needed.added == "frame-src");
            if is_last_resort {
                let others: Vec<_> =
                    sources(&directives[place]).filter(|source| !is_none(source)).collect();
                let sources = [&others[..], &[&source]].concat().join(" ");
                added.push(format!(" {} {sources}", needed.added));
            } else {
                directives[place] = with(&directives[place], &source);
            }
            changed = true;
        }
        if !changed {
            return None;
        }
        // A policy may end in a semicolon.
        while directives.last().is_some_and(|last| last.trim().is_empty()) && !added.is_empty() {
            directives.pop();
        }
        directives.extend(added);
        Some(Let { text: directives.join(";"), by_digest })
    }

    /// What a list of sources lacks for ours.
    fn missing<'s>(
        &self,
        sources: &(impl Iterator<Item = &'s str> + Clone),
        needed: &Needed,
    ) -> Option<String> {
        let has = |word: &str| sources.clone().any(|source| source.eq_ignore_ascii_case(word));
        let nonce = self.nonce.map(|nonce| format!("'nonce-{nonce}'"));
        // A nonce is compared letter by letter; frames, forms and questions carry none.
        let is_element = needed.added.ends_with("-elem");
        if is_element && nonce.is_some_and(|nonce| sources.clone().any(|source| source == nonce)) {
            return None;
        }
        if needed.by == Parts::Scripts && has("'strict-dynamic'") {
            return Some(self.digests.to_owned()).filter(|digests| !digests.is_empty());
        }
        let covered = sources.clone().any(|source| self.covers(source));
        let origin = self.page.origin().ascii_serialization();
        // Who asks for a host by such a name asks for what no policy can name.
        (!covered && !origin.contains([';', ','])).then(|| format!("{origin}{FOLDER}"))
    }

    /// Whether a source lets in whatever lies in our folder.
    fn covers(&self, source: &str) -> bool {
        let source = source.to_ascii_lowercase();
        let scheme = self.page.scheme();
        match source.as_str() {
            "*" | "'self'" | "http:" => return true,
            "https:" => return scheme == "https",
            _ => {}
        }
        let (of_scheme, rest) = match source.split_once("://") {
            Some((of_scheme, rest)) => (Some(of_scheme), rest),
            None => (None, source.as_str()),
        };
        if of_scheme.is_some_and(|of| of != scheme && !(of == "http" && scheme == "https")) {
            return false;
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, "/"),
        };
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
        let own = self.page.host_str().unwrap_or_default();
        let same_host = match host.strip_prefix('*') {
            Some(under) => under.starts_with('.') && own.ends_with(under),
            None => host == own,
        };
        let same_port = match port {
            "*" => true,
            // Without a port it is the scheme's (CSP3 §6.7.2.11).
            "" => self.page.port().is_none(),
            port => self.page.port_or_known_default().is_some_and(|own| own.to_string() == port),
        };
        same_host && same_port && (path == "/" || path == FOLDER)
    }
}

/// The first of these names that stands in a policy, with its place. Of several of one name the first counts
/// (CSP3 §2.2.1).
fn find(directives: &[String], names: &[&'static str]) -> Option<(usize, &'static str)> {
    let at = |name: &&'static str| {
        let named = |directive: &String| {
            let first = directive.split_ascii_whitespace().next();
            first.is_some_and(|first| first.eq_ignore_ascii_case(name))
        };
        directives.iter().position(named).map(|place| (place, *name))
    };
    names.iter().find_map(at)
}

fn sources(directive: &str) -> impl Iterator<Item = &str> + Clone {
    directive.split_ascii_whitespace().skip(1)
}

fn is_none(source: &str) -> bool {
    source.eq_ignore_ascii_case("'none'")
}

/// A directive with one more source; `'none'` beside others means nothing and is complained of.
fn with(directive: &str, source: &str) -> String {
    let end = directive.trim_end().len();
    let (said, space) = directive.split_at(end);
    match said.rsplit_once(|c: char| c.is_ascii_whitespace()) {
        Some((before, last)) if is_none(last) && sources(said).count() == 1 => {
            format!("{before} {source}{space}")
        }
        _ => format!("{said} {source}{space}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGESTS: &str = "'sha256-b3Vycw=='";

    fn of(policy: &str, nonce: Option<&str>) -> Option<String> {
        let page = Url::parse("https://send-box.com/prices").unwrap();
        let ours = Ours { page: &page, nonce, digests: DIGESTS, parts: Parts::Banner };
        ours.let_into(policy).map(|changed| {
            assert_eq!(changed.by_digest, changed.text.contains(DIGESTS), "{policy}");
            changed.text
        })
    }

    #[test]
    fn a_policy_that_lets_ours_in_is_left_as_it_is() {
        for policy in [
            "",
            "img-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests",
            "default-src 'self'",
            "default-src 'self' 'unsafe-inline'; script-src 'self' https://cdn.kz",
            "default-src *; form-action 'self'",
            "default-src https:",
            "default-src https://send-box.com",
            "default-src HTTPS://SEND-BOX.com:443/",
            "default-src *.com:*",
            "default-src https://send-box.com/.consent/",
            "default-src 'self'; require-trusted-types-for 'script'; trusted-types default",
            "default-src 'self', script-src 'self'",
        ] {
            assert_eq!(of(policy, None), None, "{policy}");
        }
        let page_nonce =
            "default-src 'self'; script-src 'nonce-abc' 'strict-dynamic'; style-src 'nonce-abc'";
        assert_eq!(of(page_nonce, Some("abc")), None);
    }

    #[test]
    fn only_the_directive_that_would_stop_ours_gets_our_folder() {
        let folder = "https://send-box.com/.consent/";
        for (policy, expected) in [
            (
                "script-src  https://cdn.kz ;img-src *;",
                format!("script-src  https://cdn.kz {folder} ;img-src *;"),
            ),
            ("form-action 'none'", format!("form-action {folder}")),
            ("form-action 'none' ; x", format!("form-action {folder} ; x")),
            ("style-src 'none'", format!("style-src {folder}")),
            ("style-src", format!("style-src {folder}")),
            (
                "script-src-elem 'unsafe-inline'; script-src 'self'",
                format!("script-src-elem 'unsafe-inline' {folder}; script-src 'self'"),
            ),
            (
                "script-src 'self', connect-src https://api.kz",
                format!("script-src 'self', connect-src https://api.kz {folder}"),
            ),
            (
                "child-src https://f.kz",
                format!("child-src https://f.kz; frame-src https://f.kz {folder}"),
            ),
            (
                "default-src 'self'; connect-src https://send-box.com:8443 http://send-box.com/api/",
                format!(
                    "default-src 'self'; connect-src https://send-box.com:8443 http://send-box.com/api/ {folder}"
                ),
            ),
        ] {
            assert_eq!(of(policy, None).as_deref(), Some(expected.as_str()), "{policy}");
        }
    }

    #[test]
    fn what_falls_back_gets_a_directive_of_its_own_and_the_rest_stays_as_narrow() {
        let folder = "https://send-box.com/.consent/";
        let told = of("default-src 'none'; img-src 'self';", None).unwrap();
        let expected = format!(
            "default-src 'none'; img-src 'self'; script-src-elem {folder}; style-src-elem {folder}; \
             connect-src {folder}; frame-src {folder}"
        );
        assert_eq!(told, expected);
        // Elements carry the nonce; questions and frames cannot.
        let told = of("default-src 'nonce-abc'", Some("abc")).unwrap();
        let expected = format!(
            "default-src 'nonce-abc'; connect-src 'nonce-abc' {folder}; frame-src 'nonce-abc' {folder}"
        );
        assert_eq!(told, expected);
    }

    #[test]
    fn what_was_let_in_once_needs_nothing_more() {
        let words = [
            "default-src",
            "script-src",
            "form-action",
            "'none'",
            "'self'",
            "*",
            ";",
            ",",
            " ",
            "x",
        ];
        for number in 0..words.len().pow(4) {
            let word = |place: u32| words[number / words.len().pow(place) % words.len()];
            let policy = [word(0), " ", word(1), word(2), " ", word(3)].concat();
            if let Some(told) = of(&policy, None) {
                assert_eq!(of(&told, None), None, "{policy} became {told}");
            }
        }
    }

    #[test]
    fn where_hosts_are_passed_over_digests_are_named_and_no_inline_script_dies_of_it() {
        let strict = of("script-src 'sha256-c2l0ZQ==' 'strict-dynamic' 'unsafe-inline'", None);
        let expected =
            format!("script-src 'sha256-c2l0ZQ==' 'strict-dynamic' 'unsafe-inline' {DIGESTS}");
        assert_eq!(strict.as_deref(), Some(expected.as_str()));
        // Another nonce than ours.
        assert!(
            of("script-src 'nonce-x' 'strict-dynamic'", Some("abc")).unwrap().contains(DIGESTS)
        );
        for policy in ["script-src 'unsafe-inline'", "script-src 'unsafe-inline' https://cdn.kz"] {
            let told = of(policy, None).unwrap();
            assert!(!told.contains("sha256") && !told.contains("nonce"), "{told}");
        }
    }
}
