//! What a version of the policy changes of the one before it, in words.
//!
//! Which parts change is said by the terms ([`crate::policy::Part`]); how they read before and after, by the
//! cards that the settings show.

use super::{cards, date};
use crate::banner::Texts;
use crate::banner::texts::PartWords;
use crate::banner::view::{Change, Changed, Coming, Purpose as Card};
use crate::policy::{Basis, Part, PolicyVersion, Purpose};
use crate::rules::RuleSet;

/// What a version changes; nothing where it is the first, of which nobody has to be told.
pub fn coming<'a>(
    rules: &'a RuleSet,
    policy: &'a PolicyVersion,
    texts: &'a Texts,
) -> Option<Coming<'a>> {
    let before = rules.policies.before(policy)?;
    let wording = rules.wording.get(&policy.in_force)?;
    let (old, new) = (cards(rules, before, texts), cards(rules, policy, texts));
    let mut changes = Vec::new();
    let mut asks_again = false;
    for (purpose, (old, new)) in Purpose::ALL.into_iter().zip(old.iter().zip(&new)) {
        let parts = policy.terms[purpose].changes_from(&before.terms[purpose]);
        if parts.is_empty() {
            continue;
        }
        asks_again |= policy.terms[purpose].basis == Basis::Consent;
        let changed = |part| Changed {
            what: name(part, &texts.change.parts),
            before: words(part, old, texts),
            after: words(part, new, texts),
        };
        let parts = parts.into_iter().map(changed).collect();
        changes.push(Change { title: new.title, section: new.section, parts });
    }
    Some(Coming {
        version: policy.in_force.to_string(),
        in_force: date(policy.in_force),
        summary: wording.summary.as_ref().map(|summary| summary.get(&texts.code)),
        changes,
        asks_again,
    })
}

fn name(part: Part, words: &PartWords) -> &str {
    match part {
        Part::Section => &words.section,
        Part::Basis => &words.basis,
        Part::Collects => &words.data,
        Part::Recipients => &words.recipients,
        Part::Keep => &words.keep,
    }
}

/// How a part of a purpose's terms reads.
fn words(part: Part, card: &Card<'_>, texts: &Texts) -> String {
    match part {
        Part::Section => card.section.to_owned(),
        Part::Basis => card.basis.to_owned(),
        Part::Collects => texts.list(card.data.iter().copied()),
        Part::Recipients => texts.recipients(&card.recipients),
        Part::Keep => texts.keep(card.keep_days),
    }
}
