//! From a choice to its rows in the record, and to what its maker gets.
//!
//! A choice is on the disk before it is answered. Whoever takes something back takes it back under every id
//! whose cookie came along: copies stand in several scopes, or come by both schemes.
//!
//! What cannot be recorded is refused if it agrees; a refusal is honoured all the same.
//!
//! What follows from a wish is [`super::choose`]'s, what is kept of it [`crate::store`]'s.

use bytes::Bytes;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::header::{HeaderValue, SET_COOKIE};
use serde_json::{Map, Value};
use tracing::error;
use uuid::Uuid;

use super::choose::{Ended, Outcome, TERM_DAYS, Wish, choose};
use super::form::Form;
use super::receipt::{self, receipt};
use super::{Page, ROOT, Subject, back, by_script, json, wants_json};
use crate::fault::{Fault, GatewayFault};
use crate::gate::asker;
use crate::gate::attestation::Attestation;
use crate::gate::cookies::ConsentCookie;
use crate::policy::{
    Choice, Choices, Mark, PerPurpose, PolicyVersion, Purpose, TextDigest, Visitor, VisitorId,
};
use crate::store::{Entry, Row, Store, StoreError, Way};
use crate::time::{DAY_SECONDS, Time};

/// What all rows of one choice have in common.
pub(super) struct Circumstances<'a> {
    subject: &'a Subject<'a>,
    policy: &'a PolicyVersion,
    language: String,
    shown: TextDigest,
    statement: TextDigest,
    way: Way,
    /// An id that nobody has.
    fresh: VisitorId,
}

impl<'a> Circumstances<'a> {
    /// Of a form that was sent now.
    pub(super) fn of(subject: &'a Subject<'a>, form: &Form) -> Result<Circumstances<'a>, Fault> {
        let policy = subject.policy()?;
        let language = subject.language(form.get("lang")).to_owned();
        let face = subject.snapshot.face(policy, &language);
        Ok(Circumstances {
            subject,
            policy,
            shown: face.map(|face| face.shown).unwrap_or_default(),
            statement: face.map(|face| face.stated).unwrap_or_default(),
            language,
            way: way(subject, form),
            fresh: VisitorId(Uuid::new_v4().as_u128()),
        })
    }

    fn mark(&self, purpose: Purpose) -> Mark {
        let now = self.subject.conditions.now;
        Mark {
            at: now,
            until: now.plus_seconds(u64::from(TERM_DAYS) * DAY_SECONDS),
            policy: self.policy.in_force,
            terms: self.policy.terms[purpose].digest,
            shown: self.shown,
            signal: self.subject.signal,
        }
    }

    fn entry(
        &self,
        visitor: Option<VisitorId>,
        choices: &Choices,
        supersedes: Option<(VisitorId, Time)>,
    ) -> Entry {
        Entry {
            record: Uuid::new_v4(),
            at: self.subject.conditions.now,
            policy: self.policy.in_force,
            choices: *choices,
            shown: self.shown,
            locale: self.language.clone(),
            way: self.way,
            signal: self.subject.signal,
            attestation: Attestation::of(self.subject.headers),
            statement: self.statement,
            visitor,
            supersedes,
        }
    }

    fn ends(&self, ended: &Ended) -> Entry {
        self.entry(Some(ended.id), &ended.choices, Some((ended.id, ended.until)))
    }

    /// All that was agreed to under an id, taken back; nothing where it counts no longer.
    pub(super) fn end(&self, store: &Store, visitor: &Visitor) -> Option<Entry> {
        let agreed = visitor.choices();
        let counts = visitor.id().is_some_and(|id| !store.superseded().contains(id));
        let back = PerPurpose::from_fn(|purpose| {
            matches!(agreed.of(purpose), Some(Choice::Agreed(_))).then_some(Wish::Refuse)
        });
        let mark = |purpose| self.mark(purpose);
        let ended = choose(visitor, &back, mark, self.fresh).ended.filter(|_| counts)?;
        Some(self.ends(&ended))
    }
}

/// In which way a choice was made.
pub(super) fn way(subject: &Subject<'_>, form: &Form) -> Way {
    let framed = subject.headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe");
    match form.get("way") {
        _ if wants_json(subject.headers) => Way::Api,
        Some("settings") => Way::Settings,
        _ if framed || form.get("return") == Some("/.consent/done") => Way::Banner,
        _ => Way::Form,
    }
}

impl Subject<'_> {
    /// Records what was wished, and answers.
    pub(super) async fn choose(
        &self,
        store: &Store,
        form: &Form,
        wishes: &PerPurpose<Option<Wish>>,
    ) -> Result<Page, Fault> {
        let circumstances = Circumstances::of(self, form)?;
        let mark = |purpose| circumstances.mark(purpose);
        let Outcome { visitor, ended } = choose(&self.visitor, wishes, mark, circumstances.fresh);
        let mut entries: Vec<Entry> = ended.iter().map(|ended| circumstances.ends(ended)).collect();
        // Other copies of the cookie end with this choice, too.
        for other in asker::known(self.headers, &self.snapshot.seal) {
            if other.id() != self.visitor.id() && other.id() != visitor.id() {
                entries.extend(circumstances.end(store, &other));
            }
        }
        // A withdrawal of everything is recorded under the id that it ends, and nowhere else.
        if entries.is_empty() || visitor.id().is_some() {
            entries.push(circumstances.entry(visitor.id(), &visitor.choices(), None));
        }
        let mut recorded = None;
        for entry in entries {
            let (row, withdraws) = (Row::from(&entry), entry.supersedes.is_some());
            match store.record(entry).await {
                // Who is left without an id is told of their own withdrawal, and not of another copy's.
                Ok(()) if visitor.id().is_some() || recorded.is_none() => recorded = Some(row),
                Ok(()) => {}
                // An agreement that nobody can prove is none, and a withdrawal of which the process
                // that serves from now on cannot know. A refusal needs no proof: it is honoured by
                // the cookie, and the operator hears of the disk.
                Err(cause)
                    if visitor.id().is_some() || (withdraws && cause == StoreError::TakenOver) =>
                {
                    return Err(GatewayFault::NotRecorded(cause.to_string().into()).into());
                }
                Err(cause) => error!(%cause, "a refusal was honoured but not recorded"),
            }
        }
        self.answer_choice(store, form, &circumstances, &visitor, recorded.as_ref())
    }

    fn answer_choice(
        &self,
        store: &Store,
        form: &Form,
        circumstances: &Circumstances<'_>,
        visitor: &Visitor,
        recorded: Option<&Row>,
    ) -> Result<Page, Fault> {
        // The number opens the record once its consent has ended: no business of a page's scripts.
        let recorded = recorded.filter(|_| !by_script(self.headers));
        let record = recorded.map(|row| row.record.as_str());
        let mut page = if wants_json(self.headers) {
            let name = |(purpose, choice): (Purpose, &Choice)| {
                (purpose.name().to_owned(), choice.name().into())
            };
            let choices: Map<String, Value> = visitor.choices().iter().map(name).collect();
            let mut body = serde_json::json!({ "record": record, "choices": choices });
            if let Some(row) = recorded {
                let Circumstances { policy, language, .. } = circumstances;
                let face = self.snapshot.face(policy, language);
                let signed = face.and_then(|face| {
                    let now = self.conditions.now;
                    receipt(
                        row,
                        &face.statement,
                        &self.settings(),
                        store.signer(),
                        Uuid::new_v4(),
                        now,
                    )
                });
                body["receipt"] = signed.map_or(Value::Null, Value::Object);
            }
            json(&body)
        } else {
            back(form, record)?
        };
        if let Some(line) = self.cookie_line(visitor) {
            page.headers_mut().insert(SET_COOKIE, line);
        }
        Ok(page)
    }

    /// The whole address of the settings, for who keeps it: at the host that was asked, if it is the site's.
    fn settings(&self) -> String {
        let site = &self.snapshot.rules.site;
        let asked =
            Some(self.host).filter(|_| site.has_host(&self.host_name().to_ascii_lowercase()));
        let scheme = if *self.cookie == ConsentCookie::Plain { "http" } else { "https" };
        match asked.or_else(|| site.host()) {
            Some(host) => format!("{scheme}://{host}{ROOT}"),
            None => ROOT.to_owned(),
        }
    }

    /// A receipt that is given again, as a file; nothing where there is no such row.
    pub(super) async fn receipt(&self, store: &Store, record: &str) -> Result<Option<Page>, Fault> {
        // In one spelling, so that an address is not guessed by halves.
        let id = Uuid::try_parse(record).ok().filter(|id| id.to_string() == record);
        let Some(id) = id else { return Ok(None) };
        let unreadable = |cause: StoreError| GatewayFault::Unreadable(cause.to_string().into());
        let Some((row, Some(statement))) = store.row(id).await.map_err(unreadable)? else {
            return Ok(None);
        };
        let statement = serde_json::from_str(&statement)
            .map_err(|cause| GatewayFault::Unreadable(cause.to_string().into()))?;
        let now = self.conditions.now;
        let signed =
            receipt(&row, &statement, &self.settings(), store.signer(), Uuid::new_v4(), now);
        Ok(signed.map(|signed| super::download(Bytes::from(receipt::content(&signed)), record)))
    }

    /// The consent cookie, which lives as long as the last of its choices.
    fn cookie_line(&self, visitor: &Visitor) -> Option<HeaderValue> {
        let value = self.snapshot.seal.seal(visitor)?;
        let until = visitor.choices().iter().map(|(_, choice)| choice.mark().until).max()?;
        let now = self.conditions.now;
        // Whole days for the anonymous: the line, too, is the same for all who refuse today.
        let from = if visitor.id().is_some() { now } else { now.day().start() };
        let own = self.cookie;
        cookie_line(own, own.name(), value, until.0.saturating_sub(from.0))
    }
}

/// A line that sets a cookie of ours, of this name and in the scope of the consent cookie, for so long.
pub(super) fn cookie_line(
    scope: &ConsentCookie,
    name: &'static str,
    value: String,
    seconds: u64,
) -> Option<HeaderValue> {
    let mut cookie = Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX)));
    match scope {
        ConsentCookie::Plain => {}
        ConsentCookie::Host => cookie = cookie.secure(true),
        ConsentCookie::Shared(domain) => cookie = cookie.secure(true).domain(domain.clone()),
    }
    HeaderValue::from_str(&cookie.build().to_string()).ok()
}

/// Where a choice leads back to: the settings are told which record it made.
pub(super) fn with_record(path: String, record: Option<&str>) -> String {
    match record {
        Some(record) if path.starts_with(&format!("{ROOT}?")) => format!("{path}&record={record}"),
        _ => path,
    }
}
