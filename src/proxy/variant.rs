//! Which variant of a page a visitor gets.
//!
//! Two visitors get the same bytes where the site sends the same, and nothing that the gateway does depends on
//! what differs between them. The digest of what it depends on goes into the page's tag, so that a
//! browser's stored page counts as long as its visitor is in the same state ([`crate::gate::validators`]).

use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;

use super::Worker;
use super::pass::Walk;
use crate::gate::document::Insertion;
use crate::gate::validators::Variant;
use crate::policy::{Outline, Reason, Signal};
use crate::subject;
use crate::time::Day;

/// What of ours a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Control,
    /// The notice of this version.
    Notice(Day),
    Banner,
}

impl Shown {
    /// What of ours an insertion shows.
    pub(super) fn of(insertion: Option<&Insertion>) -> Shown {
        match insertion {
            None => Shown::Nothing,
            Some(insertion) if insertion.banner => Shown::Banner,
            Some(insertion) => insertion.notice.map_or(Shown::Control, Shown::Notice),
        }
    }

    /// Whether a form is among it.
    fn has_form(self) -> bool {
        matches!(self, Shown::Notice(_) | Shown::Banner)
    }

    fn tag(self) -> [u8; 5] {
        let (kind, version) = match self {
            Shown::Nothing => (0, 0),
            Shown::Control => (1, 0),
            Shown::Banner => (2, 0),
            Shown::Notice(version) => (3, version.0),
        };
        let [a, b, c, d] = version.to_be_bytes();
        [kind, a, b, c, d]
    }
}

/// What tells the variants of one set of rules from each other.
#[derive(Debug, PartialEq, Eq)]
pub struct State<A = Box<str>> {
    verdicts: Outline,
    accept_language: A,
    shown: Shown,
    refuses: bool,
    is_known: bool,
    day: u32,
}

impl Worker {
    /// All that a page depends on besides the site's own answer.
    pub(super) fn variant(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        shown: Shown,
        verdicts: Outline,
    ) -> Variant {
        let state = State {
            verdicts,
            accept_language: subject::text_field(&parts.headers, ACCEPT_LANGUAGE.as_str()),
            shown,
            refuses: walk.signal == Signal::Refuses,
            is_known: walk.visitor.id().is_some(),
            // A form's token holds for two days, so a stored form is made anew each day.
            day: if shown.has_form() { walk.now.day().0 } else { 0 },
        };
        let work_out = || (state.kept(), digest(walk, &state));
        self.variants.of(&walk.snapshot.rules, |other| state.is(other), work_out)
    }
}

impl State<&str> {
    fn kept(&self) -> State {
        let State { verdicts, accept_language, shown, refuses, is_known, day } = *self;
        State { verdicts, accept_language: accept_language.into(), shown, refuses, is_known, day }
    }

    fn is(&self, other: &State) -> bool {
        let State { verdicts, accept_language, shown, refuses, is_known, day } = *self;
        verdicts == other.verdicts
            && shown == other.shown
            && (refuses, is_known, day) == (other.refuses, other.is_known, other.day)
            && *accept_language == *other.accept_language
    }
}

fn digest(walk: &Walk<'_>, state: &State<&str>) -> Variant {
    let mut verdicts = String::new();
    for (purpose, verdict) in walk.verdicts.iter() {
        verdicts.push_str(purpose.name());
        verdicts.push_str(verdict.reason().map_or("permit", Reason::name));
    }
    let policy = walk.snapshot.rules.policies.at(walk.now).map_or(0, |policy| policy.in_force.0);
    Variant::of(&[
        &walk.snapshot.rules.generation,
        verdicts.as_bytes(),
        walk.snapshot.language(None, state.accept_language).as_bytes(),
        &policy.to_be_bytes(),
        &state.shown.tag(),
        &[u8::from(state.refuses), u8::from(state.is_known)],
        &state.day.to_be_bytes(),
    ])
}
