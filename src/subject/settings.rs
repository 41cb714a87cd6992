//! The settings page: what holds for this visitor, in their language.
//!
//! The policy's terms come from the rules, the states from the verdicts, the marks from the
//! visitor's choices. Nothing is looked up in the record: the page works while it is down.
//!
//! Every withdrawal ends here, so here the browser also forgets what withheld vendors' scripts have
//! kept in its storage, which no header can say by name.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use http::header::ACCEPT_LANGUAGE;
use url::form_urlencoded;
use uuid::Uuid;

use super::form::local_path;
use super::{Page, Subject, html, rights};
use crate::banner::view::{Language, Mark, Notice, Purpose as Card, Settings};
use crate::banner::{Texts, pages};
use crate::face;
use crate::fault::{Fault, GatewayFault};
use crate::gate::fate::{Fate, Fates};
use crate::policy::{Choice, PolicyVersion, Purpose, Reason, Verdicts, VisitorId};
use crate::rules::{Mode, RuleSet};
use crate::snapshot::Snapshot;

/// What the page's address asks for.
pub(super) struct Query {
    pub(super) language: Option<String>,
    pub(super) return_to: Option<String>,
    notice: Option<Notice>,
    /// The record of what has just been chosen.
    record: Option<String>,
}

impl Query {
    pub(super) fn read(query: &str) -> Query {
        let mut read = Query { language: None, return_to: None, notice: None, record: None };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "lang" => read.language = Some(value.into_owned()),
                "return" => read.return_to = local_path(&value).or(read.return_to),
                "notice" => {
                    read.notice = match value.as_ref() {
                        "saved" => Some(Notice::Saved),
                        "withdrawn" => Some(Notice::Withdrawn),
                        _ => None,
                    }
                }
                "record" => {
                    let record = Uuid::try_parse(&value).ok();
                    read.record = record.map(|record| record.to_string());
                }
                // The shortest way to say it: `?kk`.
                language if value.is_empty() && read.language.is_none() => {
                    read.language = Some(language.to_owned());
                }
                _ => {}
            }
        }
        read
    }
}

/// Renders the page.
pub(super) fn page(subject: &Subject<'_>, query: &str) -> Result<Page, Fault> {
    let query = Query::read(query);
    let return_to = query.return_to.unwrap_or_else(|| subject.came_from());
    let accept = super::text_field(subject.headers, ACCEPT_LANGUAGE.as_str());
    let language = subject.snapshot.language(query.language.as_deref(), accept);
    let rules = &subject.snapshot.rules;
    let texts = rules.texts(language);
    let policy = subject.conditions.policy.ok_or(GatewayFault::NoPolicy)?;
    let choices = subject.visitor.choices();

    let cards = cards(subject, policy, texts);
    let withheld = face::withheld(rules, policy, language);
    let languages = languages(rules);
    let token = subject.whom().token(&subject.snapshot.seal, subject.conditions.now);
    let shown = HEXLOWER.encode(&subject.shown(policy, language).0);
    let code = subject.visitor.id().filter(|_| choices.agrees()).map(short_code);
    let forget = stored_keys(subject.snapshot, subject.verdicts);
    let notice = notice(query.notice, subject);
    let logs = rights::logs(policy, rules.site.suspended);
    let outcome = (notice == Some(Notice::Withdrawn)).then(|| {
        let withdrawn = choices.iter().filter(|(_, choice)| matches!(choice, Choice::Withdrawn(_)));
        let withdrawn: Vec<_> = withdrawn.map(|(purpose, _)| purpose).collect();
        rights::outcome(&cards, &withdrawn, &logs)
    });
    let announced = rules.policies.announced(subject.conditions.now);
    let announced: Vec<_> = announced
        .map(|policy| (policy.in_force.to_string(), face::date(policy.in_force)))
        .collect();
    let view = Settings {
        operator: face::operator(&rules.site.operator, language),
        in_force: face::date(policy.in_force),
        purposes: &cards,
        withheld: &withheld,
        languages: &languages,
        token: &token,
        shown: &shown,
        return_to: &return_to,
        code: code.as_deref(),
        notice,
        record: query.record.as_deref(),
        outcome,
        forget: &forget,
        document: face::document(rules, policy, language),
        announced: &announced,
    };
    Ok(html(pages::settings(texts, &subject.snapshot.style, &view), pages::POLICY))
}

/// The seven purposes as they stand for this visitor.
pub(super) fn cards<'a>(
    subject: &'a Subject<'_>,
    policy: &'a PolicyVersion,
    texts: &'a Texts,
) -> Vec<Card<'a>> {
    let choices = subject.visitor.choices();
    let mut cards = face::cards(&subject.snapshot.rules, policy, texts);
    for (card, (purpose, verdict)) in cards.iter_mut().zip(subject.verdicts.iter()) {
        card.state = face::state(verdict);
        card.mark = choices.of(purpose).map(|choice| Mark {
            at: face::date(choice.mark().at.day()),
            until: face::date(choice.mark().until.day()),
        });
    }
    cards
}

/// The languages that a visitor may switch to.
pub(super) fn languages(rules: &RuleSet) -> Vec<Language<'_>> {
    let language = |code| Language { code, name: &rules.texts(code).name };
    rules.site.languages.iter().map(|code| language(code.as_str())).collect()
}

/// The keys in the browser's storage that nobody may keep, by these verdicts.
pub(super) fn stored_keys(snapshot: &Snapshot, verdicts: &Verdicts<'_>) -> String {
    let rules = &snapshot.rules;
    let fates = Fates::of(rules, verdicts);
    // Who only observes takes nothing away.
    let acts = rules.site.mode == Mode::Enforce;
    rules.stored_keys(|vendor| acts && fates.of_vendor(vendor) != Fate::Permit).join(" ")
}

/// What the page says first. The address may claim what it likes; said is only what holds.
fn notice(claimed: Option<Notice>, subject: &Subject<'_>) -> Option<Notice> {
    let choices = subject.visitor.choices();
    match claimed {
        // They come from a form of ours, and no cookie came with them.
        Some(Notice::Saved | Notice::Withdrawn) if choices.is_empty() => {
            Some(Notice::CookiesRefused)
        }
        Some(Notice::Withdrawn) if choices.agrees() => None,
        // There was nothing to withdraw: what is recorded is a refusal.
        Some(Notice::Withdrawn) if !choices.withdrew() => Some(Notice::Saved),
        Some(claimed) => Some(claimed),
        None => {
            let refused_for_them = |(purpose, choice): (Purpose, &Choice)| {
                let reason = subject.verdicts.on(purpose).reason();
                matches!(choice, Choice::Agreed(_)) && reason == Some(Reason::SignalledRefusal)
            };
            choices.iter().any(refused_for_them).then_some(Notice::SignalConflict)
        }
    }
}

/// The id as a person quotes it: its first 40 bits, `K7Q2-9FDM`.
pub fn short_code(id: VisitorId) -> String {
    let code = BASE32_NOPAD.encode(&id.0.to_be_bytes()[..5]);
    format!("{}-{}", &code[..4], &code[4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_eight_characters_and_a_query_gives_local_paths_alone() {
        assert_eq!(short_code(VisitorId(u128::MAX)), "7777-7777");
        let query = Query::read("lang=ru&return=%2Fprices%3Fa%3D1&notice=saved");
        assert_eq!(query.return_to.as_deref(), Some("/prices?a=1"));
        assert_eq!(Query::read("return=%2F%2Fevil.kz").return_to, None);
        assert_eq!(Query::read("kk").language.as_deref(), Some("kk"));
    }
}
