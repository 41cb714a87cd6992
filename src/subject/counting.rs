//! What is counted of an answer: what it was, in which language, on which kind of page; not whose.
//!
//! What a program answers is not counted as a person's: who looks at the counts wants to know what people do.

use super::Subject;
use super::form::Form;
use super::recording::way;
use crate::observe::{Event, is_persons};
use crate::rules::SETTINGS;
use crate::store::Way;

impl Subject<'_> {
    /// Counts an answer.
    pub(super) fn count(&self, form: &Form, event: Event) {
        self.counters.choices.add(1);
        let Some(policy) = self.conditions.policy.filter(|_| is_persons(self.headers)) else {
            return;
        };
        let language = self.language(form.get("lang"));
        let page = match way(self, form) {
            Way::Settings => SETTINGS,
            _ => self.snapshot.rules.site.page_kind_named(form.get("page")),
        };
        self.counters.answer(event, language, page, self.shown(policy, language));
    }
}
