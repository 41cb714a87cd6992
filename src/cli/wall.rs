//! `kelisim explain --csp`: the policy that pages come with for a visitor, and what is left out of it.
//!
//! The field is the very one that goes out ([`crate::gate::csp::wall`]); what is left out is told with the
//! chain from rule to verdict.

use super::explain::{say, whose, why};
use super::imagined::Scene;
use crate::policy::{Purpose, RecipientId, Verdict};
use crate::rules::{Allow, Fetch, HostSource};

/// What pages come with.
pub(super) fn of_csp(scene: &Scene) -> String {
    let snapshot = &scene.snapshot;
    let Some(walls) = &snapshot.walls else {
        return "pages come with no policy of ours: `csp = \"off\"` in site.toml\n".to_owned();
    };
    let wall = walls.for_visitor(Some(scene.policy()), &scene.verdicts());
    let (name, value) = wall.field(true);
    let value = value.to_str().unwrap_or_default();
    let mut text = format!("{name}: {value}\n");
    if !walls.enforce() {
        let learns =
            "browsers stop nothing and report what it would stop: `csp = \"learn\"` in site.toml";
        say(&mut text, 1, format_args!("{learns}"));
    }
    for Allow { source, uses, line } in &scene.rules().approved.entries {
        let Some(host) = source.host() else { continue };
        for fetch in uses {
            let Some((name, purpose, recipient)) = withheld(scene, host, *fetch) else { continue };
            let path = &scene.rules().approved.path;
            let used = fetch.name();
            say(&mut text, 1, format_args!("left out: {path}:{line}: `{source}` as {used}"));
            say(&mut text, 2, format_args!("{}", whose(scene, name, purpose, recipient)));
            say(&mut text, 2, format_args!("{}", why(scene, purpose, recipient)));
        }
    }
    text
}

/// The first of those whose a source is who are withheld.
fn withheld<'a>(
    scene: &'a Scene,
    host: &HostSource,
    fetch: Fetch,
) -> Option<(&'a str, Purpose, &'a RecipientId)> {
    let rules = scene.rules();
    let owners = rules.owners(host, fetch);
    let vendors = owners.vendors.iter().map(|index| &rules.vendors[*index]);
    let lists = owners.lists.iter().map(|index| &rules.lists()[*index]);
    let mut claims = vendors
        .map(|of| (of.name.as_str(), of.purpose, &of.recipient))
        .chain(lists.map(|of| (of.name.as_str(), of.purpose, &of.recipient)));
    let verdicts = scene.verdicts();
    claims.find(|(_, purpose, to)| matches!(verdicts.of(*purpose, to), Verdict::Withhold(_)))
}
