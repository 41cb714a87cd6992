//! Which answers are looked through for what no rule knows.
//!
//! What a site loads is the same for nearly everybody, so a few pages tell it: the first after a start, and
//! then one of many. All others carry nothing along and cost nothing.
//!
//! Pages are counted apart from answers that set cookies: those are rare and may be no pages. Each thread
//! counts its own; what is found they note in one place, [`Discoveries`].

use std::cell::Cell;
use std::sync::Arc;

use http::header::{HeaderMap, SET_COOKIE};
use http::request::Parts;
use http::{Method, response as head};
use url::Url;

use super::pass::Walk;
use crate::bounds::Discovery;
use crate::gate::response::Treatment;
use crate::gate::scout::Scout;
use crate::observe::Discoveries;

/// Whose turn it is on one thread.
#[derive(Debug)]
pub struct Scouting {
    discoveries: Arc<Discoveries>,
    pages: Turns,
    setting: Turns,
}

/// How many there were.
#[derive(Debug, Default)]
struct Turns(Cell<usize>);

impl Turns {
    /// Whether the next one is looked through.
    fn next(&self, discovery: &Discovery) -> bool {
        let before = self.0.get();
        self.0.set(before.wrapping_add(1));
        let (one_in, first) = (discovery.one_in.get(), discovery.first.get());
        before < first || (one_in > 0 && (before - first).is_multiple_of(one_in))
    }
}

impl Scouting {
    /// Nobody had a turn yet.
    pub fn new(discoveries: Arc<Discoveries>) -> Scouting {
        Scouting { discoveries, pages: Turns::default(), setting: Turns::default() }
    }

    /// What all threads have met.
    pub(super) fn discoveries(&self) -> &Discoveries {
        &self.discoveries
    }

    /// Looks at the cookies that an answer sets, before any of them goes.
    pub(super) fn look_at_set_cookies(&self, walk: &Walk<'_>, headers: &HeaderMap) {
        if headers.contains_key(SET_COOKIE) && self.setting.next(&walk.in_force.bounds.discovery) {
            self.scout(walk).cookies_set(headers, &walk.snapshot.rules);
        }
    }

    /// Who looks through a page, if it is its turn; at the fields that it came with, and at the cookies
    /// that it was asked for with, they have looked already.
    pub(super) fn of_page(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        answer: &head::Parts,
        treatment: Treatment,
        url: &Url,
    ) -> Option<Scout> {
        let is_read = matches!(treatment, Treatment::Rewrite(_)) && parts.method != Method::HEAD;
        if !is_read || !self.pages.next(&walk.in_force.bounds.discovery) {
            return None;
        }
        let (scout, rules) = (self.scout(walk), &walk.snapshot.rules);
        scout.cookies_sent(&parts.headers, rules);
        scout.fields(&answer.headers, rules, url);
        Some(scout)
    }

    fn scout(&self, walk: &Walk<'_>) -> Scout {
        self.discoveries.scout(walk.target.path.path(), walk.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Count;

    #[test]
    fn the_first_are_looked_through_and_then_one_of_so_many() {
        let turns = |one_in, first| {
            let (turns, discovery) = (
                Turns::default(),
                Discovery { one_in: Count::of(one_in), first: Count::of(first) },
            );
            (0..10).filter(|_| turns.next(&discovery)).count()
        };
        assert_eq!(turns(0, 0), 0);
        assert_eq!(turns(0, 3), 3);
        assert_eq!(turns(1, 0), 10);
        // The fourth and the ninth as well.
        assert_eq!(turns(5, 3), 5);
    }
}
