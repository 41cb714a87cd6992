//! The cards of our pages: one for each purpose, one for what is let pass for nobody.
//!
//! A purpose states all that the policy says of it, and what art. 8(4) of the Law wants in a consent to it.
//!
//! On a visitor's own pages only what is asked lies open; a version of the policy is read as a whole.
//!
//! They stand in the settings ([`super::pages`]), on [`super::rights`]' pages and on a policy's.

use maud::{Markup, html};

use super::texts::{Texts, fill};
use super::view::{Asked, Purpose, Settings, State};

/// A purpose with its terms, and with what holds for the visitor if the page is theirs.
pub(super) fn purpose_card(texts: &Texts, purpose: &Purpose<'_>, is_theirs: bool) -> Markup {
    let (words, detail) = (&texts.settings, &texts.detail);
    html! {
        details.card id=(purpose.id) open[!is_theirs || purpose.asked == Asked::Here] {
            summary {
                h3 {
                    span.clause { (fill(&words.clause, &[("section", purpose.section)])) " " }
                    (purpose.title)
                }
            }
            p { (purpose.text) }
            dl {
                @if is_theirs { dt { (words.state) } dd { (state_line(texts, purpose)) } }
                dt { (words.basis) } dd { (capitalised(purpose.basis)) }
                dt { (words.data) } dd { (capitalised(&texts.list(purpose.data.iter().copied()))) }
                dt { (words.recipients) }
                dd {
                    @if purpose.recipients.is_empty() { (words.recipients_none) }
                    @for (at, recipient) in purpose.recipients.iter().enumerate() {
                        @if at > 0 { br; }
                        (capitalised(recipient.name)) " (" (recipient.country) ")"
                    }
                }
                @if !purpose.vendors.is_empty() {
                    dt { (detail.vendors) } dd { (purpose.vendors.join(", ")) }
                }
                dt { (detail.abroad) } dd { (abroad(texts, purpose)) }
                dt { (detail.public) } dd { (detail.public_no) }
                dt { (words.keep) } dd { (texts.keep(purpose.keep_days)) }
                @if purpose.asked == Asked::Here {
                    dt { (detail.consent_term) } dd { (detail.consent_term_text) }
                    dt { (detail.subject) } dd { (detail.subject_text) }
                }
            }
        }
    }
}

/// Whether data leave the country, and where they go.
fn abroad(texts: &Texts, purpose: &Purpose<'_>) -> String {
    let mut countries: Vec<_> =
        purpose.recipients.iter().filter(|to| to.abroad).map(|to| to.country).collect();
    countries.dedup();
    if countries.is_empty() {
        return texts.detail.abroad_no.clone();
    }
    fill(&texts.detail.abroad_yes, &[("countries", &texts.list(countries))])
}

/// Those that are let pass for nobody.
pub(super) fn withheld(texts: &Texts, view: &Settings<'_>) -> Markup {
    html! {
        details.card #withheld {
            summary { h3 { (texts.detail.withheld) } }
            p { (texts.detail.withheld_text) }
            p { (view.withheld.join(", ")) }
        }
    }
}

/// What holds for this visitor, in a sentence or two.
pub(super) fn state_line(texts: &Texts, purpose: &Purpose<'_>) -> String {
    let state = match (purpose.asked, purpose.state) {
        (Asked::Never, State::Permitted) => &texts.states.other_basis,
        (Asked::Elsewhere, State::Permitted | State::NotAsked) => &texts.settings.elsewhere,
        (_, state) => texts.state(state),
    };
    match (purpose.asked, purpose.mark) {
        (Asked::Here, Some(mark)) => {
            let (at, until) = (texts.date(mark.at), texts.date(mark.until));
            format!("{state} {}", fill(&texts.states.mark, &[("at", &at), ("until", &until)]))
        }
        _ => state.to_owned(),
    }
}

/// With the first letter as at the start of a sentence.
fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + characters.as_str()
}
