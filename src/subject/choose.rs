//! From what a visitor wishes to what is remembered of them.
//!
//! Only agreeing to something creates an id. Taking anything back ends the id under which it
//! was agreed: the old cookie, kept by whomever, grants nothing any more. What remains agreed
//! goes on under a new id with its old marks: a term is never extended by a change elsewhere.
//!
//! A visitor who ends up with no agreement is anonymous: day instead of moment, no id.
//!
//! Pure: the caller brings the time and the random id, and does the recording.

use crate::policy::{Choice, Choices, Mark, PerPurpose, Purpose, Visitor, VisitorId};
use crate::time::Time;

/// How long a choice counts, agreement and refusal alike (CNIL 2020-092 §39: ≥ 6 months).
pub const TERM_DAYS: u32 = 365;

/// What a visitor wishes for each purpose asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Agree.
    Agree,
    /// Decline, or take back.
    Refuse,
}

/// What follows from a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the new cookie says.
    pub visitor: Visitor,
    /// The id that ends, what was withdrawn under it, and when it would have ended by itself.
    pub ended: Option<Ended>,
}

/// An id that no longer counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The id.
    pub id: VisitorId,
    /// Its choices, the withdrawn ones marked so.
    pub choices: Choices,
    /// When the last of its agreements would have ended.
    pub until: Time,
}

/// Applies wishes to what a visitor chose before. `mark` gives the circumstances of the new
/// choices, to the second; `fresh` is an id that nobody has.
pub fn choose(
    before: &Visitor,
    wishes: &PerPurpose<Option<Wish>>,
    mark: impl Fn(Purpose) -> Mark,
    fresh: VisitorId,
) -> Outcome {
    let old = before.choices();
    let mut new = old;
    let mut taken_back = false;
    for (purpose, wish) in wishes.iter() {
        let Some(wish) = wish else { continue };
        let mark = mark(purpose);
        let choice = match (wish, old.of(purpose)) {
            // A box that was found ticked is no new consent: the old one goes on as long as it
            // was to go on, and no longer.
            (Wish::Agree, Some(given @ Choice::Agreed(then))) if still_holds(then, &mark) => *given,
            (Wish::Agree, _) => Choice::Agreed(mark),
            (Wish::Refuse, Some(Choice::Agreed(_))) => {
                taken_back = true;
                Choice::Withdrawn(mark)
            }
            // Who has withdrawn and refuses again has still withdrawn.
            (Wish::Refuse, Some(Choice::Withdrawn(_))) => Choice::Withdrawn(mark),
            (Wish::Refuse, _) => Choice::Declined(mark),
        };
        new.set(purpose, choice);
    }

    let standing = before.id().filter(|_| old.agrees());
    let ended = standing.filter(|_| taken_back).map(|id| {
        // Agreeing again under one id lengthens its term, and an older copy of the cookie does
        // not know: no agreement given until now lasts longer than one given now would.
        let longest = wishes.iter().map(|(purpose, _)| mark(purpose).until).max();
        let until = agreed_until(&old).max(longest.unwrap_or_default());
        Ended { id, choices: new, until }
    });
    let visitor = if new.agrees() {
        let id = standing.filter(|_| !taken_back).unwrap_or(fresh);
        Visitor::Known { id, choices: new }
    } else {
        Visitor::Anonymous { choices: to_the_day(&new) }
    };
    Outcome { visitor, ended }
}

/// Whether an agreement counts under today's circumstances just as a new one would.
fn still_holds(then: &Mark, now: &Mark) -> bool {
    then.until > now.at && then.terms == now.terms && then.signal == now.signal
}

fn agreed_until(choices: &Choices) -> Time {
    choices
        .iter()
        .filter(|(_, choice)| matches!(choice, Choice::Agreed(_)))
        .map(|(_, choice)| choice.mark().until)
        .max()
        .unwrap_or_default()
}

/// Drops the time of day from every mark. The end of a term rounds down with its beginning.
fn to_the_day(choices: &Choices) -> Choices {
    let mut days = Choices::default();
    for (purpose, choice) in choices.iter() {
        let mark = choice.mark();
        let mark = Mark { at: mark.at.day().start(), until: mark.until.day().start(), ..*mark };
        days.set(
            purpose,
            match choice {
                Choice::Agreed(_) => Choice::Agreed(mark),
                Choice::Declined(_) => Choice::Declined(mark),
                Choice::Withdrawn(_) => Choice::Withdrawn(mark),
            },
        );
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Signal, TermsDigest, TextDigest};
    use crate::time::{DAY_SECONDS, Day};

    fn mark(at: u64) -> Mark {
        Mark {
            at: Time(at),
            until: Time(at + u64::from(TERM_DAYS) * DAY_SECONDS),
            policy: Day(0),
            terms: TermsDigest::default(),
            shown: TextDigest::default(),
            signal: Signal::Silent,
        }
    }

    fn wish(pairs: &[(Purpose, Wish)]) -> PerPurpose<Option<Wish>> {
        let mut wishes = PerPurpose::default();
        for (purpose, wish) in pairs {
            wishes[*purpose] = Some(*wish);
        }
        wishes
    }

    const ANALYTICS: Purpose = Purpose::Analytics;
    const MARKETING: Purpose = Purpose::Marketing;

    #[test]
    fn a_refusal_creates_no_id_and_keeps_only_the_day() {
        let at = 20_000 * DAY_SECONDS + 12_345;
        let refused = choose(
            &Visitor::Stranger,
            &wish(&[(ANALYTICS, Wish::Refuse)]),
            |_| mark(at),
            VisitorId(1),
        );
        assert_eq!(refused.ended, None);
        assert_eq!(refused.visitor.id(), None);
        let choices = refused.visitor.choices();
        let Some(Choice::Declined(mark)) = choices.of(ANALYTICS) else { panic!("{choices:?}") };
        assert_eq!((mark.at, mark.until), (Day(20_000).start(), Day(20_365).start()));
    }

    #[test]
    fn taking_an_agreement_back_ends_its_id_and_agreeing_again_makes_a_new_one() {
        let agree = wish(&[(ANALYTICS, Wish::Agree)]);
        let agreed = choose(&Visitor::Stranger, &agree, |_| mark(100), VisitorId(1)).visitor;
        assert_eq!(agreed.id(), Some(VisitorId(1)));

        let refuse = wish(&[(ANALYTICS, Wish::Refuse)]);
        let back = choose(&agreed, &refuse, |_| mark(200), VisitorId(2));
        let ended = back.ended.unwrap();
        assert_eq!((ended.id, ended.until), (VisitorId(1), mark(200).until));
        assert_eq!(back.visitor.id(), None);
        assert!(matches!(back.visitor.choices().of(ANALYTICS), Some(Choice::Withdrawn(_))));

        let again = choose(&back.visitor, &agree, |_| mark(300), VisitorId(3));
        assert_eq!((again.visitor.id(), again.ended), (Some(VisitorId(3)), None));
    }

    #[test]
    fn what_stays_agreed_goes_on_under_a_new_id_with_its_old_term() {
        let both = wish(&[(ANALYTICS, Wish::Agree), (MARKETING, Wish::Agree)]);
        let agreed = choose(&Visitor::Stranger, &both, |_| mark(100), VisitorId(1)).visitor;
        let half =
            choose(&agreed, &wish(&[(MARKETING, Wish::Refuse)]), |_| mark(200), VisitorId(2));
        assert_eq!(half.ended.unwrap().id, VisitorId(1));
        assert_eq!(half.visitor.id(), Some(VisitorId(2)));
        assert_eq!(half.visitor.choices().of(ANALYTICS), Some(&Choice::Agreed(mark(100))));
    }

    #[test]
    fn agreeing_again_while_agreed_keeps_the_id_and_extends_nothing() {
        let agree = wish(&[(ANALYTICS, Wish::Agree)]);
        let agreed = choose(&Visitor::Stranger, &agree, |_| mark(100), VisitorId(1)).visitor;
        let again = choose(&agreed, &agree, |_| mark(200), VisitorId(2));
        assert_eq!((again.visitor, again.ended), (agreed, None));

        let year = u64::from(TERM_DAYS) * DAY_SECONDS;
        let later = choose(&agreed, &agree, |_| mark(100 + year), VisitorId(2)).visitor;
        assert_eq!(later.choices().of(ANALYTICS), Some(&Choice::Agreed(mark(100 + year))));
    }
}
