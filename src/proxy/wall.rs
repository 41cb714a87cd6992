//! The policy of approved hosts on its way out: with which answers, and what becomes of these in stores.
//!
//! It goes out with documents that are read or left as they are, and with what may be run as a worker. Behind
//! the stricter wall of what cannot be read no other is needed. Where the gate only looks on there is none.
//!
//! What stands in it is [`crate::gate::csp::wall`]'s.

use http::Response;
use http::request::Parts;
use http::response as head;

use super::body::Body;
use super::pass::Walk;
use crate::gate::csp::wall::{Wall, Walls};
use crate::gate::csp::workers::{self, Runs};
use crate::gate::response::Treatment;
use crate::rules::Mode;

/// The policy that one visitor's answers go out with, if any does.
#[derive(Clone, Copy)]
pub(super) struct Behind<'a> {
    wall: Option<&'a Wall>,
    enforce: bool,
    tls: bool,
}

impl<'a> Behind<'a> {
    /// The one for this walk.
    pub(super) fn of(walk: &Walk<'a>) -> Behind<'a> {
        let snapshot = walk.snapshot;
        let walls = snapshot.walls.as_ref().filter(|_| walk.mode == Mode::Enforce);
        let policy = snapshot.rules.policies.at(walk.now);
        Behind {
            wall: walls.map(|walls| walls.for_visitor(policy, walk.verdicts)),
            enforce: walls.is_some_and(Walls::enforce),
            tls: walk.peer.tls,
        }
    }

    /// Whether there is one.
    pub(super) fn is_there(self) -> bool {
        self.wall.is_some()
    }

    /// Whether a worker may be asked for, whose code has to come with it.
    pub(super) fn may_be_worker(self, parts: &Parts, path: &str) -> bool {
        self.enforce && workers::may_be_asked_for(&parts.headers, path)
    }

    /// What an answer is run as, as far as it matters.
    pub(super) fn runs(self, parts: &Parts, answer: &head::Parts) -> Runs {
        self.wall.map_or(Runs::Not, |_| Runs::of(&parts.headers, &answer.headers))
    }

    /// Whether code that runs so is the visitor's own in stores.
    pub(super) fn keeps(self, runs: Runs) -> bool {
        self.enforce && runs == Runs::AsWorker
    }

    /// Puts it on an answer. `stored` says of one that nothing has changed since the browser stored what came
    /// with it (or did not).
    pub(super) fn put(
        self,
        response: &mut Response<Body>,
        treatment: Treatment,
        runs: Runs,
        stored: Option<bool>,
    ) {
        let Some(wall) = self.wall else { return };
        let document = treatment.depends_on_consent() && treatment != Treatment::Wall;
        let (status, headers) = (response.status(), response.headers_mut());
        if document || stored.is_some() || runs == Runs::AsWorker {
            wall.put(headers, status, stored == Some(true), self.tls);
        }
        if self.enforce {
            runs.tell_stores(headers);
        }
    }
}
