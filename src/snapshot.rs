//! The rules in force with all that follows from them, as one immutable value.
//!
//! A request takes one [`Snapshot`] when it arrives and keeps it to the end: a reload never
//! splits it. A snapshot that exists is complete, and its rules have passed their examples.
//!
//! What changes while running (superseded visitors, the clock) is not in it.

use std::collections::BTreeMap;

use crate::banner::assets::{self, Asset};
use crate::banner::{Hiding, Notice, Style};
use crate::face::Face;
use crate::gate::csp::wall::Walls;
use crate::gate::seal::Seal;
use crate::guard::Guard;
use crate::policy::{Conditions, PolicyVersion, Record};
use crate::rules::{RuleSet, Vendor};
use crate::time::{Day, Time};

/// What visitors see, for each policy version and language.
type Faces = BTreeMap<Day, BTreeMap<String, Face>>;

/// The rules in force, with what was prepared from them.
#[derive(Debug)]
pub struct Snapshot {
    /// The rules.
    pub rules: RuleSet,
    /// What seals and opens consent cookies.
    pub seal: Seal,
    /// What the banner and our pages look like.
    pub style: Style,
    /// What hides the site's own banner, if anything does.
    pub hiding: Option<Hiding>,
    faces: Faces,
    /// What runs first in pages, for each policy version.
    guards: BTreeMap<Day, Guard>,
    /// The stub of each vendor that has one, as a file of ours.
    stubs: Vec<Option<Asset>>,
    /// Whether any rule puts stubs into pages.
    puts_stubs: bool,
    /// The digests of our scripts, as policies (CSP) name them.
    digests: String,
    /// The hosts that pages may reach, if the operator wants that said.
    pub walls: Option<Walls>,
}

impl Snapshot {
    /// Prepares everything that follows from the rules.
    pub fn new(rules: RuleSet, seal: Seal) -> Snapshot {
        let style = Style::new(&rules.site.theme);
        let faces_of = |policy: &PolicyVersion| {
            let face = |code: &String| {
                (code.clone(), Face::new(&rules, policy, rules.texts(code), &style))
            };
            (policy.in_force, rules.site.languages.iter().map(face).collect())
        };
        let faces: Faces = rules.policies.all().iter().map(faces_of).collect();
        let hiding = rules.site.banner.stylesheet().map(Hiding::new);
        let guard = |policy: &PolicyVersion| Some((policy.in_force, Guard::new(&rules, policy)?));
        let guards: BTreeMap<_, _> = rules.policies.all().iter().filter_map(guard).collect();
        let stubs: Vec<Option<Asset>> = rules.vendors.iter().map(Guard::stub).collect();
        let puts_stubs = rules.vendors.iter().any(Vendor::puts_stubs);
        let of_vendors = stubs.iter().flatten().filter(|_| puts_stubs);
        let of_faces = controls(&faces).chain(assets::scripts_in_pages());
        let scripts = of_faces.chain(of_vendors).chain(guards.values().map(|guard| &guard.file));
        let mut digests: Vec<_> = scripts.map(|script| format!("'{}'", script.integrity)).collect();
        digests.sort_unstable();
        digests.dedup();
        let (digests, walls) = (digests.join(" "), Walls::of(&rules));
        Snapshot { rules, seal, style, hiding, faces, guards, stubs, puts_stubs, digests, walls }
    }

    /// Whether any rule puts stubs of vendors into pages.
    pub fn puts_stubs(&self) -> bool {
        self.puts_stubs
    }

    /// The digests of our scripts in pages, as policies (CSP) name them: `'sha256-…' 'sha256-…'`.
    pub fn digests(&self) -> &str {
        &self.digests
    }

    /// The file that stands for what a site calls of the vendor in this place, if it has a stub.
    pub fn stub(&self, vendor: usize) -> Option<&Asset> {
        self.stubs.get(vendor)?.as_ref()
    }

    /// What runs first in pages under a policy version, if there is anything to guard against.
    pub fn guard(&self, policy: Day) -> Option<&Guard> {
        self.guards.get(&policy)
    }

    /// The script or stylesheet at this path that follows from the rules, if there is one.
    pub fn file_at(&self, path: &str) -> Option<&Asset> {
        let guards = self.guards.values().map(|guard| &guard.file);
        let scripts = self.stubs.iter().flatten().chain(guards).chain(controls(&self.faces));
        let script = scripts.into_iter().find(|script| script.path == path);
        script.or_else(|| self.style.stylesheet_at(path))
    }

    /// The circumstances of decisions made now.
    pub fn conditions(&self, now: Time, record: Record) -> Conditions<'_> {
        Conditions {
            policy: self.rules.policies.at(now),
            now,
            suspended: self.rules.site.suspended,
            record,
        }
    }

    /// What visitors of a language see under a policy version.
    pub fn face(&self, policy: &PolicyVersion, language: &str) -> Option<&Face> {
        self.faces.get(&policy.in_force)?.get(language)
    }

    /// The notice of a version that is announced.
    pub fn notice(&self, version: Day, language: &str) -> Option<&Notice> {
        self.faces.get(&version)?.get(language)?.notice.as_ref()
    }

    /// All faces: one for each policy version and language.
    pub fn faces(&self) -> impl Iterator<Item = &Face> {
        self.faces.values().flat_map(BTreeMap::values)
    }

    /// The site's language for a visitor: the first of `tags` that the site speaks, else what
    /// `accept_language` prefers, else the site's first.
    pub fn language<'s, 't>(
        &'s self,
        tags: impl IntoIterator<Item = &'t str>,
        accept_language: &str,
    ) -> &'s str {
        let site = &self.rules.site;
        tags.into_iter()
            .find_map(|tag| site.language(tag))
            .or_else(|| preferred(accept_language).iter().find_map(|tag| site.language(tag)))
            .unwrap_or(&site.languages[0])
    }
}

/// The controls' scripts.
fn controls(faces: &Faces) -> impl Iterator<Item = &Asset> {
    let faces = faces.values().flat_map(BTreeMap::values);
    faces.filter_map(|face| face.control.as_ref()).map(|control| &control.file)
}

/// The tags of an `Accept-Language` field, the preferred first (RFC 9110 §12.5.4).
fn preferred(field: &str) -> Vec<&str> {
    let mut tags: Vec<(f32, &str)> = field
        .split(',')
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let tag = parts.next().filter(|tag| !tag.is_empty())?;
            let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
            // A weight that is no number is none.
            let weight = weight.parse::<f32>().unwrap_or(0.0);
            (weight > 0.0).then_some((weight, tag))
        })
        .collect();
    tags.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    tags.into_iter().map(|(_, tag)| tag).collect()
}

#[cfg(test)]
mod tests {
    use super::preferred;

    #[test]
    fn languages_come_in_the_visitors_order() {
        assert_eq!(preferred("en;q=0.5, kk-KZ, ru;q=0.8"), ["kk-KZ", "ru", "en"]);
        assert_eq!(preferred("ru;q=0, *;q=x, "), Vec::<&str>::new());
    }
}
