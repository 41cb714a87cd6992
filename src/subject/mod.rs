//! Everything under `/.consent/`: what a person does about their data.
//!
//! Choose, see what holds, withdraw. Each works without script; programs get JSON. A choice is
//! durable before it is answered, and a withdrawal counts from the next request on, also if
//! the disk fails.
//!
//! Nothing here is cached, framed or indexed. What is shown is `banner`'s; what follows from
//! a wish is [`mod@choose`]'s; where a form came from is [`form`]'s.

pub mod choose;
pub mod form;
mod report;
mod settings;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use data_encoding::HEXLOWER;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    SET_COOKIE, VARY,
};
use http::{Method, Response, StatusCode};
use http_body::Body;
use serde_json::{Map, Value};
use tracing::error;
use uuid::Uuid;

pub use settings::short_code;

use self::choose::{Outcome, TERM_DAYS, Wish, choose};
use self::form::{Form, Whom, check_origin, local_path};
use self::report::REPORT_BYTES_MAX;
use crate::banner::{assets, pages, picture};
use crate::coding::Coding;
use crate::fault::{Fault, GatewayFault, VisitorFault};
use crate::gate::asker;
use crate::gate::cookies::ConsentCookie;
pub use crate::gate::csp::wall::REPORT;
use crate::observe::Needs;
use crate::policy::{
    Choice, Conditions, Mark, PerPurpose, PolicyVersion, Purpose, Signal, TextDigest, Verdicts,
    Visitor, VisitorId,
};
use crate::snapshot::Snapshot;
use crate::store::{Entry, Store, StoreError, Way};
use crate::time::DAY_SECONDS;

/// The path under which everything here lies.
pub const ROOT: &str = "/.consent/";

/// A visitor's request to us, with all that was read from it.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The rules in force.
    pub snapshot: &'a Arc<Snapshot>,
    /// The circumstances of decisions.
    pub conditions: Conditions<'a>,
    /// Who asks.
    pub visitor: Visitor,
    /// What their browser says.
    pub signal: Signal,
    /// What is decided for them.
    pub verdicts: &'a Verdicts<'a>,
    /// The consent cookie's name and scope.
    pub cookie: &'a ConsentCookie,
    /// Their address.
    pub address: IpAddr,
    /// The host that they asked, with its port.
    pub host: &'a str,
    /// Their headers.
    pub headers: &'a HeaderMap,
    /// What pages need, as browsers report it.
    pub needs: &'a Needs,
}

/// An answer of ours.
type Page = Response<Bytes>;

fn html(body: String, policy: &'static str) -> Page {
    let mut page = Response::new(Bytes::from(body));
    set(&mut page, CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut page, CONTENT_SECURITY_POLICY, policy);
    page
}

fn json(body: &Value) -> Page {
    let mut page = Response::new(Bytes::from(body.to_string()));
    set(&mut page, CONTENT_TYPE, "application/json");
    page
}

fn set(page: &mut Page, name: HeaderName, value: &'static str) {
    page.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// A header field's text; empty where it is absent or not text.
pub(crate) fn text_field<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a client asks for JSON.
pub fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).map_or(&b""[..], HeaderValue::as_bytes);
    memchr::memmem::find(accept, b"application/json").is_some()
}

impl Subject<'_> {
    /// Answers a request to a path under [`ROOT`].
    pub async fn answer<B>(
        &self,
        store: &Store,
        method: &Method,
        path: &str,
        query: &str,
        body: B,
    ) -> Result<Page, Fault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if let Some(asset) = assets::find(path).or_else(|| self.snapshot.file_at(path)) {
            allow(method, &[Method::GET, Method::HEAD], "GET, HEAD")?;
            return Ok(file(asset, self.headers));
        }
        if let Some(hiding) = self.snapshot.hiding.as_ref().filter(|hiding| hiding.path == path) {
            allow(method, &[Method::GET, Method::HEAD], "GET, HEAD")?;
            return Ok(cacheable(Bytes::from(hiding.css.clone()), "text/css; charset=utf-8"));
        }
        if let Some(logo) = self.snapshot.style.logo_at(path) {
            allow(method, &[Method::GET, Method::HEAD], "GET, HEAD")?;
            let mut page = cacheable(logo.bytes.clone(), logo.content_type);
            set(&mut page, CONTENT_SECURITY_POLICY, picture::POLICY);
            return Ok(page);
        }
        let mut page = match path {
            "/.consent" => {
                allow(method, &[Method::GET, Method::HEAD], "GET, HEAD")?;
                let mut page = Response::new(Bytes::new());
                *page.status_mut() = StatusCode::PERMANENT_REDIRECT;
                set(&mut page, LOCATION, ROOT);
                page
            }
            "/.consent/" => {
                allow(method, &[Method::GET, Method::HEAD], "GET, HEAD")?;
                settings::page(self, query)?
            }
            "/.consent/state" => {
                allow(method, &[Method::GET, Method::HEAD], "GET, HEAD")?;
                json(&self.state())
            }
            "/.consent/done" => {
                allow(method, &[Method::GET, Method::HEAD], "GET, HEAD")?;
                let language = self.language(None);
                let texts = self.snapshot.rules.texts(language);
                html(pages::done(texts, &self.snapshot.style), pages::POLICY_FRAMED)
            }
            "/.consent/choices" => {
                allow(method, &[Method::POST], "POST")?;
                let form = self.form(body).await?;
                let mut wishes = form.wishes(&self.asked()?)?;
                if form.get("choice") == Some("decline-all") {
                    wishes = self.refuse_all()?;
                }
                if self.is_outdated(&form, wishes)? {
                    return self.ask_again(&form);
                }
                self.choose(store, &form, &wishes).await?
            }
            "/.consent/withdraw" => {
                allow(method, &[Method::POST], "POST")?;
                let form = self.form(body).await?;
                let wishes = self.refuse_all()?;
                self.choose(store, &form, &wishes).await?
            }
            REPORT if self.snapshot.walls.is_some() => {
                allow(method, &[Method::POST], "POST")?;
                let body = form::whole(body, REPORT_BYTES_MAX).await?;
                report::take(self, self.needs, &body)?;
                let mut page = Response::new(Bytes::new());
                *page.status_mut() = StatusCode::NO_CONTENT;
                page
            }
            _ => return Err(VisitorFault::NotFound.into()),
        };
        set(&mut page, CACHE_CONTROL, "no-store");
        Ok(page)
    }

    /// Whom a form's token is bound to.
    pub fn whom(&self) -> Whom<'_> {
        Whom { address: self.address, headers: self.headers }
    }

    fn language(&self, asked_for: Option<&str>) -> &str {
        self.snapshot.language(asked_for, text_field(self.headers, ACCEPT_LANGUAGE.as_str()))
    }

    async fn form<B>(&self, body: B) -> Result<Form, Fault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let form = Form::read(body).await?;
        let Subject { snapshot, conditions, host, .. } = self;
        check_origin(self.whom(), host, &form, &snapshot.seal, conditions.now)?;
        Ok(form)
    }

    fn policy(&self) -> Result<&PolicyVersion, Fault> {
        self.conditions.policy.ok_or_else(|| GatewayFault::NoPolicy.into())
    }

    fn asked(&self) -> Result<Vec<Purpose>, Fault> {
        Ok(self.snapshot.rules.asked(self.policy()?).collect())
    }

    /// Refuses what is asked, and takes back whatever was agreed to, asked today or not.
    fn refuse_all(&self) -> Result<PerPurpose<Option<Wish>>, Fault> {
        let asked = self.asked()?;
        let choices = self.visitor.choices();
        Ok(PerPurpose::from_fn(|purpose| {
            let agreed = matches!(choices.of(purpose), Some(Choice::Agreed(_)));
            (agreed || asked.contains(&purpose)).then_some(Wish::Refuse)
        }))
    }

    /// Whether a form agrees to something else than what would be shown now: it lay open
    /// while the terms or the wording changed.
    fn is_outdated(&self, form: &Form, wishes: PerPurpose<Option<Wish>>) -> Result<bool, Fault> {
        let agrees = wishes.iter().any(|(_, wish)| *wish == Some(Wish::Agree));
        let language = self.language(form.get("lang"));
        let now = HEXLOWER.encode(&self.shown(self.policy()?, language).0);
        Ok(agrees && form.get("shown").is_some_and(|then| then != now))
    }

    /// Nothing is recorded, and the page that the visitor returns to asks anew.
    fn ask_again(&self, form: &Form) -> Result<Page, Fault> {
        if wants_json(self.headers) {
            let error = "the terms have changed since this form was shown; ask again";
            let mut page = json(&serde_json::json!({ "error": error }));
            *page.status_mut() = StatusCode::CONFLICT;
            return Ok(page);
        }
        back(form)
    }

    fn shown(&self, policy: &PolicyVersion, language: &str) -> TextDigest {
        self.snapshot.face(policy, language).map(|face| face.shown).unwrap_or_default()
    }

    /// `{"analytics": {"verdict": "withhold", "reason": "not-asked"}, …}`
    fn state(&self) -> Value {
        let one = |(purpose, verdict): (Purpose, &crate::policy::Verdict)| {
            let state = match verdict.reason() {
                None => serde_json::json!({ "verdict": "permit", "reason": null }),
                Some(reason) => {
                    serde_json::json!({ "verdict": "withhold", "reason": reason.name() })
                }
            };
            (purpose.name().to_owned(), state)
        };
        Value::Object(self.verdicts.iter().map(one).collect::<Map<_, _>>())
    }

    async fn choose(
        &self,
        store: &Store,
        form: &Form,
        wishes: &PerPurpose<Option<Wish>>,
    ) -> Result<Page, Fault> {
        let Subject { conditions, signal, .. } = *self;
        let policy = self.policy()?;
        let language = self.language(form.get("lang"));
        let shown = self.shown(policy, language);
        let now = conditions.now;
        let mark = |purpose: Purpose| Mark {
            at: now,
            until: now.plus_seconds(u64::from(TERM_DAYS) * DAY_SECONDS),
            policy: policy.in_force,
            terms: policy.terms[purpose].digest,
            shown,
            signal,
        };
        let fresh = VisitorId(Uuid::new_v4().as_u128());
        let Outcome { visitor, ended } = choose(&self.visitor, wishes, mark, fresh);

        let entry = |visitor, choices, supersedes| Entry {
            record: Uuid::new_v4(),
            at: now,
            policy: policy.in_force,
            choices,
            shown,
            locale: language.to_owned(),
            way: self.way(form),
            signal,
            visitor,
            supersedes,
        };
        let mut entries = Vec::new();
        if let Some(ended) = ended {
            entries.push(entry(Some(ended.id), ended.choices, Some((ended.id, ended.until))));
        }
        // Other copies of the cookie end with this choice, too.
        let seal = &self.snapshot.seal;
        for other in asker::known(self.headers, seal) {
            let is_other = other.id() != self.visitor.id() && other.id() != visitor.id();
            let counts = other.id().is_some_and(|id| !store.superseded().contains(id));
            let agreed = other.choices();
            let back = PerPurpose::from_fn(|purpose| {
                matches!(agreed.of(purpose), Some(Choice::Agreed(_))).then_some(Wish::Refuse)
            });
            let ended = choose(&other, &back, mark, fresh).ended;
            if let Some(ended) = ended.filter(|_| is_other && counts) {
                entries.push(entry(Some(ended.id), ended.choices, Some((ended.id, ended.until))));
            }
        }
        // A withdrawal of everything is recorded under the id that it ends, and nowhere else.
        if entries.is_empty() || visitor.id().is_some() {
            entries.push(entry(visitor.id(), visitor.choices(), None));
        }
        let mut record = None;
        for entry in entries {
            let (id, withdraws) = (entry.record, entry.supersedes.is_some());
            match store.record(entry).await {
                Ok(()) => record = Some(id),
                // An agreement that nobody can prove is none, and a withdrawal of which the process
                // that serves from now on cannot know. A refusal needs no proof: it is honoured by
                // the cookie, and the operator hears of the disk.
                Err(cause)
                    if visitor.id().is_some() || (withdraws && cause == StoreError::TakenOver) =>
                {
                    return Err(GatewayFault::NotRecorded(cause.to_string()).into());
                }
                Err(cause) => error!(%cause, "a refusal was honoured but not recorded"),
            }
        }
        self.receipt(form, &visitor, record)
    }

    fn receipt(&self, form: &Form, visitor: &Visitor, record: Option<Uuid>) -> Result<Page, Fault> {
        let choices = visitor.choices();
        let mut page = if wants_json(self.headers) {
            let choices: Map<String, Value> = choices
                .iter()
                .map(|(purpose, choice)| (purpose.name().to_owned(), choice.name().into()))
                .collect();
            let record = record.map(|id| id.to_string());
            json(&serde_json::json!({ "record": record, "choices": choices }))
        } else {
            back(form)?
        };
        if let Some(line) = self.cookie_line(visitor) {
            page.headers_mut().insert(SET_COOKIE, line);
        }
        Ok(page)
    }

    /// The consent cookie, which lives as long as the last of its choices.
    fn cookie_line(&self, visitor: &Visitor) -> Option<HeaderValue> {
        let value = self.snapshot.seal.seal(visitor)?;
        let until = visitor.choices().iter().map(|(_, choice)| choice.mark().until).max()?;
        let now = self.conditions.now;
        // Whole days for the anonymous: the line, too, is the same for all who refuse today.
        let from = if visitor.id().is_some() { now } else { now.day().start() };
        let seconds = until.0.saturating_sub(from.0);
        let mut cookie = Cookie::build((self.cookie.name(), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX)));
        match self.cookie {
            ConsentCookie::Plain => {}
            ConsentCookie::Host => cookie = cookie.secure(true),
            ConsentCookie::Shared(domain) => cookie = cookie.secure(true).domain(domain.clone()),
        }
        HeaderValue::from_str(&cookie.build().to_string()).ok()
    }

    fn way(&self, form: &Form) -> Way {
        let framed = self.headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe");
        match form.get("way") {
            _ if wants_json(self.headers) => Way::Api,
            Some("settings") => Way::Settings,
            _ if framed || form.get("return") == Some("/.consent/done") => Way::Banner,
            _ => Way::Form,
        }
    }
}

/// Back to the page that the form was on, if it names one of this site.
fn back(form: &Form) -> Result<Page, Fault> {
    let path = form.get("return").and_then(local_path);
    let path = HeaderValue::from_str(path.as_deref().unwrap_or(ROOT));
    let mut page = Response::new(Bytes::new());
    *page.status_mut() = StatusCode::SEE_OTHER;
    let path = path.map_err(|_| VisitorFault::BadRequest("`return` is not a path"))?;
    page.headers_mut().insert(LOCATION, path);
    Ok(page)
}

fn allow(method: &Method, allowed: &[Method], names: &'static str) -> Result<(), Fault> {
    if allowed.contains(method) {
        Ok(())
    } else {
        Err(VisitorFault::MethodNotAllowed(names).into())
    }
}

/// A stylesheet or script of ours. Its address holds its digest, so a copy never goes stale.
fn file(asset: &assets::Asset, asked: &HeaderMap) -> Page {
    let accept = asked.get_all(ACCEPT_ENCODING).iter().map(HeaderValue::as_bytes);
    let coding = Coding::for_file(accept);
    let mut page = cacheable(asset.packed(coding), asset.content_type);
    set(&mut page, VARY, "Accept-Encoding");
    if coding != Coding::Identity {
        set(&mut page, CONTENT_ENCODING, coding.name());
    }
    page
}

fn cacheable(body: Bytes, content_type: &'static str) -> Page {
    let mut page = Response::new(body);
    set(&mut page, CONTENT_TYPE, content_type);
    set(&mut page, CACHE_CONTROL, "public, max-age=31536000, immutable");
    page
}
