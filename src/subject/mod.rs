//! Everything under `/.consent/`: what a person does about their data.
//!
//! Choose, see what holds and what is held, keep a receipt, withdraw, be forgotten. Each works without
//! script; programs get JSON. A choice is durable before it is answered, and a withdrawal counts from the
//! next request on, also if the disk fails.
//!
//! Nothing here is cached, framed or indexed, and what is held about a person is shown to no script of a
//! page. What is shown is `banner`'s; what follows from a wish is [`mod@choose`]'s; where a form came from is
//! [`form`]'s; what a receipt is [`receipt`]'s.

pub mod choose;
mod cookies;
mod counting;
mod forget;
pub mod form;
mod in_page;
mod notice;
mod policy;
pub mod receipt;
mod recording;
mod report;
mod rights;
mod settings;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, VARY,
};
use http::{Method, Response, StatusCode};
use http_body::Body;
use serde_json::{Map, Value};

pub use settings::short_code;

use self::choose::Wish;
use self::form::{Form, Whom, check_origin, local_path};
use self::recording::with_record;
use self::report::REPORT_BYTES_MAX;
use crate::banner::{assets, pages, picture, rights as shown};
use crate::coding::Coding;
use crate::fault::{Fault, GatewayFault, VisitorFault};
use crate::gate::asker;
use crate::gate::attestation::Attestation;
use crate::gate::cookies::ConsentCookie;
pub use crate::gate::csp::wall::REPORT;
use crate::observe::{Counters, Discoveries, Event, Needs};
use crate::policy::{
    Choice, Conditions, PerPurpose, PolicyVersion, Purpose, Signal, TextDigest, Verdicts, Visitor,
};
use crate::rules::Mode;
use crate::snapshot::Snapshot;
use crate::store::Store;

/// The path under which everything here lies.
pub const ROOT: &str = "/.consent/";

/// What a site says of its support of the browsers' signal, where they look for it
/// (Global Privacy Control, "GPC Support Resource").
const GPC: &str = "/.well-known/gpc.json";

/// Where the keys are published that sign receipts.
const KEY: &str = "/.well-known/consent-key";

/// Whether a path is ours: under [`ROOT`], or where others look for something of ours.
pub fn is_ours(path: &str) -> bool {
    path.starts_with(ROOT) || path == ROOT.trim_end_matches('/') || [GPC, KEY].contains(&path)
}

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
    /// What was met, cookies among it.
    pub discoveries: &'a Discoveries,
    /// What is counted.
    pub counters: &'a Counters,
}

/// The methods by which something is seen.
const READ: [Method; 2] = [Method::GET, Method::HEAD];

/// What a visitor does by a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Choose,
    Withdraw,
    CloseNotice,
    Forget,
}

/// What is done by who posts to a path, if anything.
fn deed(path: &str) -> Option<Deed> {
    match path {
        "/.consent/choices" => Some(Deed::Choose),
        "/.consent/withdraw" => Some(Deed::Withdraw),
        "/.consent/notice" => Some(Deed::CloseNotice),
        shown::FORGET => Some(Deed::Forget),
        _ => None,
    }
}

/// An answer of ours.
type Page = Response<Bytes>;

fn html(body: String, policy: &'static str) -> Page {
    let mut page = Response::new(Bytes::from(body));
    set(&mut page, CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut page, CONTENT_SECURITY_POLICY, policy);
    // An address of ours may name a record, which is no business of the page that is opened next.
    set(&mut page, REFERRER_POLICY, "strict-origin");
    page
}

fn json(body: &Value) -> Page {
    let mut page = Response::new(Bytes::from(body.to_string()));
    set(&mut page, CONTENT_TYPE, "application/json");
    page
}

/// A file to keep, named after a record.
fn download(body: Bytes, record: &str) -> Page {
    let mut page = Response::new(body);
    set(&mut page, CONTENT_TYPE, "application/ld+json");
    let name = format!("attachment; filename=\"{}{record}.json\"", shown::RECEIPT_FILE);
    if let Ok(name) = HeaderValue::from_str(&name) {
        page.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    page
}

fn set(page: &mut Page, name: HeaderName, value: &'static str) {
    page.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// A header field's text; empty where it is absent or not text.
pub(crate) fn text_field<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a script of a page asks, and no person, by what browsers say of every request. It would learn there
/// whom it runs for.
pub(crate) fn by_script(headers: &HeaderMap) -> bool {
    let mode = headers.get("sec-fetch-mode");
    mode.is_some_and(|mode| mode != "navigate")
}

/// Whether a client asks for JSON.
pub fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).map_or(&b""[..], HeaderValue::as_bytes);
    memchr::memmem::find(accept, b"application/json").is_some()
}

impl Subject<'_> {
    /// Answers a request to a path under [`ROOT`], or to another that [is ours](is_ours).
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
        if let Some(file) = self.file(path) {
            allow(method, &READ, "GET, HEAD")?;
            return Ok(file);
        }
        let mut page = match deed(path) {
            Some(deed) => {
                allow(method, &[Method::POST], "POST")?;
                self.act(store, deed, body).await?
            }
            None if path == REPORT && self.snapshot.walls.is_some() => {
                allow(method, &[Method::POST], "POST")?;
                let body = form::whole(body, REPORT_BYTES_MAX).await?;
                report::take(self, self.needs, &body)?;
                let mut page = Response::new(Bytes::new());
                *page.status_mut() = StatusCode::NO_CONTENT;
                page
            }
            None => {
                // Nothing follows from what is seen, so it may be found before the method is looked at.
                let page = self.see(store, path, query).await?;
                allow(method, &READ, "GET, HEAD")?;
                page
            }
        };
        set(&mut page, CACHE_CONTROL, "no-store");
        Ok(page)
    }

    /// A file of ours, which is the same for everybody.
    fn file(&self, path: &str) -> Option<Page> {
        if let Some(asset) = assets::find(path).or_else(|| self.snapshot.file_at(path)) {
            return Some(file(asset, self.headers));
        }
        if let Some(hiding) = self.snapshot.hiding.as_ref().filter(|hiding| hiding.path == path) {
            return Some(cacheable(Bytes::from(hiding.css.clone()), "text/css; charset=utf-8"));
        }
        let logo = self.snapshot.style.logo_at(path)?;
        let mut page = cacheable(logo.bytes.clone(), logo.content_type);
        set(&mut page, CONTENT_SECURITY_POLICY, picture::POLICY);
        Some(page)
    }

    /// What is to be seen at a path.
    async fn see(&self, store: &Store, path: &str, query: &str) -> Result<Page, Fault> {
        Ok(match path {
            "/.consent" => {
                let mut page = Response::new(Bytes::new());
                *page.status_mut() = StatusCode::PERMANENT_REDIRECT;
                set(&mut page, LOCATION, ROOT);
                page
            }
            ROOT => settings::page(self, query)?,
            path if policy::is_version(path) => policy::page(self, path, query)?,
            cookies::COOKIES | cookies::FRAGMENT => cookies::page(self, path, query)?,
            "/.consent/banner" => in_page::banner(self, query)?,
            "/.consent/frame" => in_page::frame(self, query)?,
            "/.consent/kelisim.d.ts" => in_page::types(),
            "/.consent/state" => json(&self.state()),
            GPC => json(&self.signal_support()),
            KEY => json(&store.signer().published()),
            "/.consent/done" => {
                let texts = self.snapshot.rules.texts(self.language(None));
                html(pages::done(texts, &self.snapshot.style), pages::POLICY_FRAMED)
            }
            shown::ME if !wants_json(self.headers) => {
                self.for_persons()?;
                rights::page(self, store, query).await?
            }
            shown::ME | shown::ME_JSON => {
                self.for_persons()?;
                rights::json(self, store, query).await?
            }
            path if path.starts_with(shown::RECEIPT) => {
                self.for_persons()?;
                let record = &path[shown::RECEIPT.len()..];
                self.receipt(store, record).await?.ok_or(VisitorFault::NotFound)?
            }
            _ => return Err(VisitorFault::NotFound.into()),
        })
    }

    /// Does what a form asks for.
    async fn act<B>(&self, store: &Store, deed: Deed, body: B) -> Result<Page, Fault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let form = self.form(body).await?;
        let (wishes, event) = match deed {
            Deed::CloseNotice => return notice::dismiss(self, &form),
            Deed::Forget => return forget::forget(self, store, &form).await,
            // Who had agreed to nothing has refused; who has withdrawn already has nothing more to.
            Deed::Withdraw if !self.agrees(store) => {
                if self.visitor.choices().withdrew() && !wants_json(self.headers) {
                    return back(&form, None);
                }
                (self.refuse_all()?, Event::Declined)
            }
            Deed::Withdraw => (self.refuse_all()?, Event::Withdrawn),
            Deed::Choose => {
                // What may not be said is refused by name, whatever it is.
                let wishes = form.wishes(&self.asked()?)?;
                match form.get("choice") {
                    Some("agree-all") => (wishes, Event::Agreed),
                    Some("decline-all") => (self.refuse_all()?, Event::Declined),
                    _ => (wishes, Event::Selected),
                }
            }
        };
        self.check_attestation(wishes)?;
        if self.is_outdated(&form, wishes)? {
            return self.ask_again(&form);
        }
        let page = self.choose(store, &form, &wishes).await?;
        self.count(&form, event);
        Ok(page)
    }

    /// Whether anything is agreed to under any of the cookies that came along.
    fn agrees(&self, store: &Store) -> bool {
        asker::known(self.headers, &self.snapshot.seal).iter().any(|known| {
            let counts = known.id().is_some_and(|id| !store.superseded().contains(id));
            counts && known.choices().agrees()
        })
    }

    /// Refuses a script of a page.
    fn for_persons(&self) -> Result<(), Fault> {
        match by_script(self.headers) {
            true => Err(VisitorFault::ForPersons.into()),
            false => Ok(()),
        }
    }

    /// The host that they asked, without its port.
    fn host_name(&self) -> &str {
        self.host.rsplit_once(':').map_or(self.host, |(host, _)| host)
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

    /// Refuses an agreement that no person made. A script may refuse, and take back.
    fn check_attestation(&self, wishes: PerPurpose<Option<Wish>>) -> Result<(), Fault> {
        let agrees = wishes.iter().any(|(_, wish)| *wish == Some(Wish::Agree));
        match Attestation::of(self.headers) {
            Attestation::Unattested if agrees => Err(VisitorFault::Unattested.into()),
            _ => Ok(()),
        }
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
        back(form, None)
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

    /// `{"gpc": true, "lastUpdate": "2025-10-01"}`: whether the signal counts here, and since when that
    /// has been said: with the policy in force. A gate that only observes withholds nothing, so there
    /// the signal does not count.
    fn signal_support(&self) -> Value {
        let acts = self.snapshot.rules.site.mode == Mode::Enforce;
        match self.conditions.policy {
            Some(policy) => {
                serde_json::json!({ "gpc": acts, "lastUpdate": policy.in_force.to_string() })
            }
            None => serde_json::json!({ "gpc": acts }),
        }
    }
}

/// Back to the page that the form was on, if it names one of this site.
fn back(form: &Form, record: Option<&str>) -> Result<Page, Fault> {
    let path = form.get("return").and_then(local_path).unwrap_or_else(|| ROOT.to_owned());
    let path = HeaderValue::from_str(&with_record(path, record));
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
