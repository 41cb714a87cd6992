//! To be forgotten (policy 3.9 to 3.11, 7.9 to 7.12).
//!
//! Everything that was agreed to is withdrawn, and what ties the record to the visitor is destroyed: under
//! every id whose cookie came along, and under one that has ended and of which a record is named
//! ([`rights::opened`]). Our cookie goes, and so do those of vendors, who are withheld from strangers; what
//! vendors' scripts have kept, the page that answers removes.
//!
//! It is on the disk before it is answered. Where that fails nothing is claimed, and what was agreed to is
//! withdrawn all the same.
//!
//! `Clear-Site-Data` is not sent: it would take what the site itself keeps, too, and sign people out.

use http::header::{HeaderValue, SET_COOKIE};
use serde_json::json;

use super::form::Form;
use super::recording::{Circumstances, cookie_line};
use super::{Page, Subject, html, rights, settings, wants_json};
use crate::banner::pages;
use crate::banner::rights as shown;
use crate::banner::view::rights::{Forgotten, Outcome};
use crate::face;
use crate::fault::{Fault, GatewayFault};
use crate::gate::asker;
use crate::gate::cookies::{self, ConsentCookie};
use crate::gate::{expiry, request};
use crate::policy::{Choice, Purpose, Visitor, decide};
use crate::rules::Mode;
use crate::store::{Forgetting, Store, StoreError};

/// Forgets whoever asks, and says what became of what.
pub(super) async fn forget(
    subject: &Subject<'_>,
    store: &Store,
    form: &Form,
) -> Result<Page, Fault> {
    let circumstances = Circumstances::of(subject, form)?;
    let known = asker::known(subject.headers, &subject.snapshot.seal);
    let withdrawals = known.iter().filter_map(|visitor| circumstances.end(store, visitor));
    let mut forgetting = Forgetting {
        withdrawals: withdrawals.collect(),
        ids: known.iter().filter_map(Visitor::id).collect(),
    };
    let not_forgotten = |cause: StoreError| GatewayFault::NotForgotten(cause.to_string().into());
    let mut rows = 0;
    let mut unread = None;
    if let Some(record) = form.get("record") {
        match rights::opened(store, record, &forgetting.ids, subject.conditions.now).await {
            Ok(Some(id)) if !forgetting.ids.contains(&id) => forgetting.ids.push(id),
            Ok(_) => {}
            Err(cause) => unread = Some(cause),
        }
    }
    // Also where it was destroyed before, and could not be cut off the log then.
    if !forgetting.ids.is_empty() || form.get("record").is_some() {
        rows = store.forget(forgetting).await.map_err(not_forgotten)?;
    }
    // What could be forgotten was; the rest is not claimed.
    if let Some(cause) = unread {
        return Err(not_forgotten(cause).into());
    }
    let mut page = answer(subject, form, &known, rows)?;
    for line in own_lines(subject).into_iter().chain(vendors_lines(subject)) {
        page.headers_mut().append(SET_COOKIE, line);
    }
    Ok(page)
}

fn answer(
    subject: &Subject<'_>,
    form: &Form,
    known: &[Visitor],
    rows: usize,
) -> Result<Page, Fault> {
    let rules = &subject.snapshot.rules;
    let policy = subject.policy()?;
    let texts = rules.texts(subject.language(form.get("lang")));
    let agreed = |purpose: &&Purpose| {
        let choices = known.iter().map(Visitor::choices);
        choices.into_iter().any(|choices| matches!(choices.of(**purpose), Some(Choice::Agreed(_))))
    };
    let stopped: Vec<_> = Purpose::ALL.iter().filter(agreed).copied().collect();
    if wants_json(subject.headers) {
        let names: Vec<_> = stopped.iter().map(|purpose| purpose.name()).collect();
        return Ok(super::json(&json!({ "forgotten": rows, "withdrawn": names })));
    }
    let logs = rights::logs(policy, rules.site.suspended);
    let cards = face::cards(rules, policy, texts);
    let outcome = Outcome { forgotten: Some(rows), ..rights::outcome(&cards, &stopped, &logs) };
    // To a stranger nobody is permitted who needs consent.
    let stranger = decide(&subject.conditions, &Visitor::Stranger, subject.signal);
    let forget = settings::stored_keys(subject.snapshot, &stranger);
    let operator = face::operator(&rules.site.operator, &texts.code);
    let view = Forgotten { outcome, operator, forget: &forget };
    Ok(html(shown::forgotten(texts, &subject.snapshot.style, &view), pages::POLICY))
}

/// The lines that take our cookie away, by each name that it came under.
fn own_lines(subject: &Subject<'_>) -> Vec<HeaderValue> {
    let share = subject.snapshot.rules.site.share.as_deref();
    let tls = *subject.cookie != ConsentCookie::Plain;
    let mut all = vec![subject.cookie.clone()];
    for found in cookies::of_request(subject.headers) {
        let is_ours = subject.snapshot.seal.open(found.value).is_some();
        let cookie = match found.name {
            b"consent" => ConsentCookie::Plain,
            b"__Host-consent" if tls => ConsentCookie::Host,
            b"__Secure-consent" if tls => match share {
                Some(domain) => ConsentCookie::Shared(domain.to_owned()),
                None => continue,
            },
            _ => continue,
        };
        if is_ours && !all.contains(&cookie) {
            all.push(cookie);
        }
    }
    all.iter().filter_map(|cookie| cookie_line(cookie, cookie.name(), String::new(), 0)).collect()
}

/// The lines that take away the cookies of vendors that came along.
fn vendors_lines(subject: &Subject<'_>) -> Vec<HeaderValue> {
    let rules = &subject.snapshot.rules;
    // Who only observes takes nothing away.
    if rules.site.mode != Mode::Enforce {
        return Vec::new();
    }
    let stranger = decide(&subject.conditions, &Visitor::Stranger, subject.signal);
    let (own, seal) = (subject.cookie, &subject.snapshot.seal);
    let cookies = request::cookies(subject.headers, rules, &stranger, own, seal, rules.site.mode);
    let asked = expiry::Asked {
        host: subject.host_name(),
        path: "/",
        tls: *own != ConsentCookie::Plain,
        framed: false,
        now: subject.conditions.now,
    };
    expiry::lines(&cookies.withheld, asked, &rules.site)
}
