//! What is held about whoever asks: `/.consent/me`, as a page and as JSON (policy 7.4).
//!
//! Everything comes from their own cookie, from the record under its id, and from the policy in force.
//!
//! A withdrawal leaves the browser without an id, and nobody else owns what stands under the old one: who names a
//! record of theirs, as the page after the withdrawal and the name of a receipt's file do, is shown what stands with
//! it and may have it forgotten. A record's number is random, and is told to persons alone. While its consent counts
//! it opens nothing: that takes the cookie.
//!
//! The record is asked through the store's thread. Where it cannot answer, the page says so and shows the
//! rest.
//!
//! No script of a page is answered: a vendor's could read there whom it runs for ([`super::by_script`]).

use http::header::ACCEPT_LANGUAGE;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{Page, Subject, html, settings, short_code, text_field};
use crate::banner::pages;
use crate::banner::rights as shown;
use crate::banner::view::rights::{
    Log, LogKind, Me, Named, Outcome, Recorded, Row as ShownRow, Said,
};
use crate::banner::view::{Mark, Purpose as Card, State};
use crate::face;
use crate::fault::Fault;
use crate::gate::asker;
use crate::policy::{Basis, Choice, Keep, PerPurpose, PolicyVersion, Purpose, Visitor, VisitorId};
use crate::store::{Row, Rows, Store, StoreError};
use crate::time::Time;

/// The logs that the gateway writes.
const LOGS: [(Purpose, LogKind); 3] = [
    (Purpose::Operation, LogKind::Operation),
    (Purpose::Analytics, LogKind::Analytics),
    (Purpose::Security, LogKind::Security),
];

/// What an address asks for.
#[derive(Default)]
struct Query {
    language: Option<String>,
    /// The number of a record, as it was written.
    record: Option<String>,
}

impl Query {
    fn read(query: &str) -> Query {
        let mut read = Query::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "lang" => read.language = Some(value.into_owned()),
                "record" if !value.trim().is_empty() => {
                    read.record = Some(value.trim().to_owned());
                }
                _ => {}
            }
        }
        read
    }
}

/// The id under which a record stands, if nothing is granted under it any more: it was withdrawn, or has run
/// out; or if its cookie came along, and it is `known`. A number may be written as the name of the receipt's file.
pub(super) async fn opened(
    store: &Store,
    record: &str,
    known: &[VisitorId],
    now: Time,
) -> Result<Option<VisitorId>, StoreError> {
    let record = record.trim();
    let number = record.strip_prefix(shown::RECEIPT_FILE).unwrap_or(record);
    let Ok(number) = Uuid::try_parse(number.strip_suffix(".json").unwrap_or(number)) else {
        return Ok(None);
    };
    let Some(id) = store.row(number).await?.and_then(|(row, _)| row.visitor) else {
        return Ok(None);
    };
    if known.contains(&id) || store.superseded().contains(id) {
        return Ok(Some(id));
    }
    let held = store.rows(vec![id]).await?;
    let mut choices = held.rows.iter().flat_map(|row| &row.choices);
    let has_run_out =
        choices.all(|choice| choice.until.parse::<Time>().is_ok_and(|until| until <= now));
    Ok(Some(id).filter(|_| has_run_out))
}

/// All that is held, before it is told.
struct Held {
    ids: Vec<VisitorId>,
    /// Whose the record is that was named.
    named: Option<VisitorId>,
    /// Nothing where the record cannot be read.
    rows: Option<Rows>,
}

impl Held {
    async fn of(subject: &Subject<'_>, store: &Store, record: Option<&str>) -> Held {
        let known = asker::known(subject.headers, &subject.snapshot.seal);
        let mut ids: Vec<_> = known.iter().filter_map(Visitor::id).collect();
        let mut named = None;
        if let Some(record) = record {
            let Ok(opened) = opened(store, record, &ids, subject.conditions.now).await else {
                return Held { ids, named, rows: None };
            };
            named = opened;
            ids.extend(named.filter(|id| !ids.contains(id)));
        }
        let rows = match ids.is_empty() {
            true => Some(Rows::default()),
            false => store.rows(ids.clone()).await.ok(),
        };
        Held { ids, named, rows }
    }

    /// The short code that a letter quotes.
    fn code(&self, subject: &Subject<'_>) -> Option<String> {
        subject.visitor.id().or(self.named).map(short_code)
    }
}

/// The page.
pub(super) async fn page(subject: &Subject<'_>, store: &Store, query: &str) -> Result<Page, Fault> {
    let query = Query::read(query);
    let accept = text_field(subject.headers, ACCEPT_LANGUAGE.as_str());
    let language = subject.snapshot.language(query.language.as_deref(), accept);
    let rules = &subject.snapshot.rules;
    let (texts, policy) = (rules.texts(language), subject.policy()?);
    let held = Held::of(subject, store, query.record.as_deref()).await;
    let cards = settings::cards(subject, policy, texts);
    let code = held.code(subject);
    let named = match (&query.record, held.named, &held.rows) {
        (Some(record), Some(_), _) => Named::Found(record),
        (Some(_), None, Some(_)) => Named::Unknown,
        (Some(record), None, None) => Named::Unread(record),
        (None, ..) => Named::Nothing,
    };
    let logs = logs(policy, rules.site.suspended);
    let token = subject.whom().token(&subject.snapshot.seal, subject.conditions.now);
    let view = Me {
        operator: face::operator(&rules.site.operator, language),
        purposes: &cards,
        languages: &settings::languages(rules),
        token: &token,
        code: code.as_deref(),
        named,
        said: said(subject, &cards),
        record: recorded(&held, &cards),
        logs: &logs,
    };
    Ok(html(shown::me(texts, &subject.snapshot.style, &view), pages::POLICY))
}

/// The same for programs.
pub(super) async fn json(subject: &Subject<'_>, store: &Store, query: &str) -> Result<Page, Fault> {
    let query = Query::read(query);
    let (rules, policy) = (&subject.snapshot.rules, subject.policy()?);
    let held = Held::of(subject, store, query.record.as_deref()).await;
    let language = subject.language(query.language.as_deref());
    let statement = subject.snapshot.face(policy, language).map(|face| &face.statement);
    let choices = subject.visitor.choices();
    let said = choices.iter().map(|(purpose, choice)| {
        json!({
            "purpose": purpose.name(),
            "state": choice.name(),
            "at": choice.mark().at.to_string(),
            "until": choice.mark().until.to_string(),
        })
    });
    let rows = |rows: &Rows| {
        let row = |row: &Row| {
            let choice = |choice: &crate::store::RowChoice| {
                json!({
                    "purpose": choice.purpose,
                    "state": choice.state,
                    "terms": choice.terms,
                    "until": choice.until,
                })
            };
            json!({
                "record": row.record,
                "at": row.at,
                "policy": row.policy,
                "language": row.locale,
                "way": row.way,
                "signal": row.signal,
                "attestation": row.attestation,
                "shown": row.shown,
                "statement": row.statement,
                "choices": row.choices.iter().map(choice).collect::<Vec<_>>(),
                "receipt": format!("{}{}", shown::RECEIPT, row.record),
            })
        };
        json!({ "count": rows.count, "rows": rows.rows.iter().map(row).collect::<Vec<_>>() })
    };
    let logs = logs(policy, rules.site.suspended);
    let log = |log: &Log<'_>| json!({ "section": log.section, "keep_days": log.keep_days, "holds_consent_id": false });
    Ok(super::json(&json!({
        "code": held.code(subject),
        "id": subject.visitor.id().or(held.named).map(|id| uuid::Uuid::from_u128(id.0).to_string()),
        "cookie": said.collect::<Vec<Value>>(),
        "record": held.rows.as_ref().map(rows),
        "record_readable": held.rows.is_some(),
        "logs": logs.iter().map(log).collect::<Vec<_>>(),
        "processing": statement,
        "methods": rules.texts(language).rights.methods,
        "letter": { "to": rules.site.operator.email, "subject": rules.texts(language).settings.subject },
    })))
}

/// The logs that are written now, with how long each is kept.
pub(super) fn logs(policy: &PolicyVersion, suspended: PerPurpose<bool>) -> Vec<Log<'_>> {
    let written = LOGS.into_iter().filter(|(purpose, _)| !suspended[*purpose]);
    let log = |(purpose, kind)| {
        let terms = &policy.terms[purpose];
        let keep_days = match terms.keep {
            Keep::Days(days) => Some(u32::from(days)),
            Keep::UntilMet => None,
        };
        let by_consent = terms.basis == Basis::Consent;
        Log { kind, section: &terms.section, keep_days, by_consent }
    };
    written.map(log).collect()
}

/// What follows where these purposes have stopped.
pub(super) fn outcome<'a>(
    cards: &[Card<'a>],
    stopped: &[Purpose],
    logs: &'a [Log<'a>],
) -> Outcome<'a> {
    let is_stopped = |card: &&Card<'a>| stopped.iter().any(|purpose| purpose.name() == card.id);
    let mut recipients = Vec::new();
    for card in cards.iter().filter(is_stopped) {
        recipients.extend(card.recipients.iter().copied());
    }
    let stopped = cards.iter().filter(is_stopped).map(|card| (card.title, card.section));
    Outcome { stopped: stopped.collect(), recipients, forgotten: None, logs }
}

/// What the cookie says.
fn said<'a>(subject: &Subject<'_>, cards: &[Card<'a>]) -> Vec<Said<'a>> {
    let choices = subject.visitor.choices();
    let said = |(purpose, choice): (Purpose, &Choice)| {
        let card = cards.iter().find(|card| card.id == purpose.name())?;
        let state = match choice {
            Choice::Agreed(_) => State::Permitted,
            Choice::Declined(_) => State::Declined,
            Choice::Withdrawn(_) => State::Withdrawn,
        };
        let mark = choice.mark();
        let mark = Mark { at: face::date(mark.at.day()), until: face::date(mark.until.day()) };
        Some(Said { title: card.title, section: card.section, state, mark })
    };
    choices.iter().filter_map(said).collect()
}

fn recorded<'a>(held: &'a Held, cards: &[Card<'a>]) -> Recorded<'a> {
    let Some(rows) = &held.rows else { return Recorded::Unreadable };
    if held.ids.is_empty() {
        return Recorded::Nobody;
    }
    let row = |row: &'a Row| {
        let choices = row.choices.iter().map(|choice| {
            let title = cards.iter().find(|card| card.id == choice.purpose);
            let state = match choice.state.as_str() {
                "agreed" => State::Permitted,
                "withdrawn" => State::Withdrawn,
                _ => State::Declined,
            };
            (title.map_or(choice.purpose.as_str(), |card| card.title), state)
        });
        ShownRow {
            record: &row.record,
            day: row.at.parse::<Time>().ok().map(|at| face::date(at.day())),
            time: row.at.get(11..16).unwrap_or_default(),
            choices: choices.collect(),
            way: &row.way,
            attestation: row.attestation.as_deref(),
        }
    };
    Recorded::Rows(rows.rows.iter().map(row).collect(), rows.count)
}
