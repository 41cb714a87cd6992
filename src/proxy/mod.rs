//! The path: one function from a request to its answer.
//!
//! [`Worker::handle`] reads as the walk that `lib.rs` lists. It takes one snapshot and keeps
//! it to the end; each step is a call into a lower floor; every failure is a
//! [`Fault`](crate::fault::Fault) and becomes a page in one place.
//!
//! A worker belongs to one thread and is shared by its connections: nothing here is locked.

mod body;
mod gunzip;
mod headers;
mod route;
mod upstream;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, SET_COOKIE, USER_AGENT,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use url::Url;

pub use body::{Body, BodyError};
pub use upstream::Upstream;

use self::body::{Changed, FromSite};
use self::headers::Origin;
use self::route::Target;
use crate::clock::Clock;
use crate::fault::{Fault, UpstreamFault, VisitorFault};
use crate::gate::cookies::ConsentCookie;
use crate::gate::document::{Document, Fates, Insertion};
use crate::gate::request::{Cookies, Destination};
use crate::gate::response::{Coding, Treatment};
use crate::gate::validators::{Condition, Variant, untag};
use crate::gate::{asker, csp, hints, request, response};
use crate::observe::{
    AccessTime, Agent, ClientAddress, Counters, Observation, Observer, PageAddress,
};
use crate::policy::{Personal, Reason, Signal, Verdicts, Visitor, decide};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::subject::form::Whom;
use crate::subject::{self, Subject};
use crate::time::Time;

/// What all connections of a thread share.
#[derive(Debug)]
pub struct Worker {
    /// The rules in force.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The record of consent.
    pub store: Arc<Store>,
    /// The purpose logs.
    pub observer: Observer,
    /// The time.
    pub clock: Clock,
    /// This thread's counters.
    pub counters: Arc<Counters>,
    /// The site.
    pub upstream: Rc<Upstream>,
}

/// The visitor's end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Their address.
    pub address: SocketAddr,
    /// Ours, as they reached it.
    pub local: SocketAddr,
    /// Whether over TLS.
    pub tls: bool,
}

/// What was read of one request before it goes anywhere.
struct Walk<'a> {
    snapshot: &'a Arc<Snapshot>,
    verdicts: &'a Verdicts<'a>,
    visitor: &'a Visitor,
    signal: Signal,
    cookie: &'a ConsentCookie,
    target: &'a Target,
    peer: Peer,
    now: Time,
}

impl Worker {
    /// Answers one request.
    pub async fn handle(&self, peer: Peer, request: Request<Incoming>) -> Response<Body> {
        let snapshot = self.snapshot.load_full();
        let now = self.clock.now();
        let (parts, body) = request.into_parts();

        let cookie = ConsentCookie::new(peer.tls, snapshot.rules.site.share.as_deref());
        let superseded = self.store.superseded();
        let visitor = asker::visitor(&parts.headers, &cookie, &snapshot.seal, superseded);
        let signal = asker::signal(&parts.headers);
        let conditions = snapshot.conditions(now, superseded.record());
        let verdicts = decide(&conditions, &visitor, signal);

        let destination = Destination::of(&parts.headers);
        let seen = observation(&parts, peer, now);
        let accept_language = subject::text_field(&parts.headers, ACCEPT_LANGUAGE.as_str());
        let texts = snapshot.rules.texts(snapshot.language(None, accept_language));
        let json = subject::wants_json(&parts.headers);
        let retry = matches!(parts.method, Method::GET | Method::HEAD)
            .then(|| parts.uri.path_and_query().map(ToString::to_string))
            .flatten()
            .and_then(|path| subject::form::local_path(&path));

        let answered = match Target::of(&parts) {
            Err(fault) => Err(fault.into()),
            Ok(target) if target.is_ours() => {
                let subject = Subject {
                    snapshot: &snapshot,
                    conditions,
                    visitor,
                    signal,
                    verdicts: &verdicts,
                    cookie: &cookie,
                    address: peer.address.ip(),
                    host: target.host(),
                    headers: &parts.headers,
                };
                let (path, query) = (target.path.path(), target.path.query().unwrap_or_default());
                let answer = subject.answer(&self.store, &parts.method, path, query, body).await;
                if answer.is_ok() && parts.method == Method::POST {
                    self.counters.choices.add(1);
                }
                answer.map(|page| page.map(Body::own))
            }
            Ok(target) => {
                let (visitor, verdicts, cookie) = (&visitor, &verdicts, &cookie);
                let walk = Walk {
                    snapshot: &snapshot,
                    verdicts,
                    visitor,
                    signal,
                    cookie,
                    target: &target,
                    peer,
                    now,
                };
                self.pass(&walk, &parts, destination, body).await
            }
        };
        let mut response = answered.unwrap_or_else(|fault| {
            self.count(&fault);
            fault.log();
            fault.response(texts, json, retry.as_deref()).map(Body::own)
        });
        if parts.method == Method::HEAD {
            // What a GET would be answered with, but for the bytes (RFC 9110 §9.3.2).
            if let Body::Own(bytes) = response.body_mut() {
                *bytes = None;
            }
        }

        let ours = parts.uri.path().starts_with(subject::ROOT);
        let document = !ours && destination.may_be_top_level() && response::is_page(&response);
        let seen = Observation { status: response.status().as_u16(), document, ..seen };
        self.observer.note(&verdicts, &seen);
        self.counters.requests.add(1);
        response
    }

    /// Takes a request to the site and its answer back, through the gate both ways.
    async fn pass(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        destination: Destination,
        body: Incoming,
    ) -> Result<Response<Body>, Fault> {
        let Walk { snapshot, verdicts, cookie, target, peer, .. } = *walk;
        if matches!(parts.method, Method::CONNECT | Method::TRACE) {
            return Err(VisitorFault::MethodNotAllowed(
                "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            )
            .into());
        }
        let rules = &snapshot.rules;
        let cookies = request::cookies(&parts.headers, rules, verdicts, cookie, &snapshot.seal);
        self.counters.request_cookies_withheld.add(cookies.withheld.len() as u64);

        // Read before anything is done at the site: a host that makes no address is refused.
        let url = page_url(target, peer.tls)?;
        let fates = Fates::of(rules, verdicts);
        let insertion = insertion(walk, parts, destination);
        let variant = variant(walk, parts, insertion.as_ref());
        let condition = untag(&parts.headers, variant);
        let headers = for_site(walk, parts, &cookies, destination, &condition);
        let head = || {
            let mut head = Request::new(());
            *head.method_mut() = parts.method.clone();
            *head.uri_mut() = target.path.clone().into();
            *head.headers_mut() = headers.clone();
            head
        };
        let (answer, lease) = self.upstream.send(head, body).await?;

        let (mut answer, incoming) = answer.into_parts();
        if answer.status == StatusCode::SWITCHING_PROTOCOLS {
            // Nobody asked for it: `Upgrade` does not travel.
            return Err(UpstreamFault::Broken("it switched protocols unasked".to_owned()).into());
        }
        answer.version = Version::HTTP_11;
        answer.headers = headers::for_visitor(answer.headers);
        let kept_back =
            response::keep_permitted_cookies(&mut answer.headers, rules, verdicts, cookie);
        self.counters.response_cookies_withheld.add(kept_back as u64);

        hints::keep_permitted(&mut answer.headers, rules, &fates, &url);
        let applies = fates.withhold_any() || insertion.is_some();
        let mut from = FromSite::new(incoming, lease);
        let mut treatment = Treatment::of(answer.status, &answer.headers, destination, applies);
        if let Treatment::Rewrite(coding) = treatment
            && from.begins_in_utf16(coding).await.map_err(|cause| broken_off(&cause))?
        {
            treatment = Treatment::Wall;
        }
        let not_modified = answer.status == StatusCode::NOT_MODIFIED
            && (destination.is_navigation() || condition != Condition::NotOurs);
        if treatment.depends_on_consent() || not_modified {
            response::make_private(&mut answer.headers, variant, treatment);
            let host = target.host_name();
            let expiring = match destination.may_be_document() {
                true => response::expiring_lines(&cookies.withheld, &host, peer.tls),
                false => Vec::new(),
            };
            for line in expiring {
                answer.headers.append(SET_COOKIE, line);
            }
        }

        let body = match treatment {
            Treatment::Pass => Body::Site(from),
            Treatment::Untouched => {
                self.counters.pages_untouched.add(1);
                Body::Site(from)
            }
            Treatment::Wall => {
                self.counters.pages_walled.add(1);
                answer.headers.append(CONTENT_SECURITY_POLICY, csp::WALL);
                Body::Site(from)
            }
            Treatment::Rewrite(coding) => {
                self.counters.pages_rewritten.add(1);
                let insertion = insertion
                    .map(|insertion| Insertion { nonce: csp::nonce(&answer.headers), ..insertion });
                if insertion.as_ref().is_some_and(|insertion| insertion.banner) {
                    self.counters.banners.add(1);
                }
                let gzip = coding == Coding::Gzip && request::takes_gzip(&parts.headers);
                answer.headers.remove(CONTENT_LENGTH);
                if !gzip {
                    answer.headers.remove(CONTENT_ENCODING);
                }
                if parts.method == Method::HEAD {
                    Body::Site(from)
                } else {
                    let document = Document::new(Arc::clone(snapshot), fates, url, insertion);
                    Body::Changed(Box::new(Changed::new(from, coding, document, gzip)))
                }
            }
        };
        Ok(Response::from_parts(answer, body))
    }

    fn count(&self, fault: &Fault) {
        match fault {
            Fault::Visitor(_) => &self.counters.faults_visitor,
            Fault::Upstream(_) => &self.counters.faults_upstream,
            Fault::Gateway(_) => &self.counters.faults_gateway,
        }
        .add(1);
    }
}

/// The header fields that go to the site.
fn for_site(
    walk: &Walk<'_>,
    parts: &Parts,
    cookies: &Cookies,
    destination: Destination,
    condition: &Condition,
) -> HeaderMap {
    let Peer { address, local, tls } = walk.peer;
    let origin = Origin { address: address.ip(), port: local.port(), tls, host: &walk.target.host };
    let mut headers = headers::for_site(&parts.headers, cookies, origin);
    match condition {
        Condition::Ours(Some(tags)) => {
            headers.insert(IF_NONE_MATCH, tags.clone());
        }
        Condition::Ours(None) => {
            headers.remove(IF_NONE_MATCH);
        }
        Condition::NotOurs => {}
    }
    if destination.is_navigation() {
        // A part of a page cannot be gated, and a page that was stored before the gateway
        // stood here must not come back by a 304.
        for name in [RANGE, IF_RANGE, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
            headers.remove(name);
        }
        if *condition == Condition::NotOurs {
            headers.remove(IF_NONE_MATCH);
        }
    }
    if destination.may_be_markup()
        && let Some(codings) = request::readable_codings(&parts.headers)
    {
        headers.insert(ACCEPT_ENCODING, codings);
    }
    headers
}

/// What is put into a page for this visitor: the banner where a question is open, else the
/// control where the site does not link the settings itself. Frames and fragments get none.
fn insertion(walk: &Walk<'_>, parts: &Parts, destination: Destination) -> Option<Insertion> {
    if !destination.may_be_top_level() {
        return None;
    }
    let policy = walk.snapshot.rules.policies.at(walk.now)?;
    let banner = walk.signal == Signal::Silent
        && walk
            .snapshot
            .rules
            .asked(policy)
            .any(|purpose| walk.verdicts.on(purpose).reason().is_some_and(Reason::asks));
    if !banner && walk.snapshot.rules.site.control == crate::rules::Control::Link {
        return None;
    }
    let whom = Whom { address: walk.peer.address.ip(), headers: &parts.headers };
    Some(Insertion {
        policy: policy.in_force,
        banner,
        token: if banner { whom.token(&walk.snapshot.seal, walk.now) } else { String::new() },
        return_to: subject::form::local_path(walk.target.path.as_str())
            .unwrap_or_else(|| "/".to_owned()),
        nonce: None,
        accept_language: subject::text_field(&parts.headers, ACCEPT_LANGUAGE.as_str()).to_owned(),
        is_document: destination == Destination::Document,
    })
}

/// All that a page depends on besides the site's own answer.
fn variant(walk: &Walk<'_>, parts: &Parts, insertion: Option<&Insertion>) -> Variant {
    let mut verdicts = String::new();
    for (purpose, verdict) in walk.verdicts.iter() {
        verdicts.push_str(purpose.name());
        verdicts.push_str(verdict.reason().map_or("permit", Reason::name));
    }
    let accept = subject::text_field(&parts.headers, ACCEPT_LANGUAGE.as_str());
    let policy = walk.snapshot.rules.policies.at(walk.now).map_or(0, |policy| policy.in_force.0);
    let shown = match insertion {
        None => 0,
        Some(insertion) if insertion.banner => 2,
        Some(_) => 1,
    };
    // A form's token holds for two days, so a stored banner is made anew each day.
    let day = if shown == 2 { walk.now.day().0 } else { 0 };
    Variant::of(&[
        &walk.snapshot.rules.generation,
        verdicts.as_bytes(),
        walk.snapshot.language(None, accept).as_bytes(),
        &policy.to_be_bytes(),
        &[shown, u8::from(walk.signal == Signal::Refuses), u8::from(walk.visitor.id().is_some())],
        &day.to_be_bytes(),
    ])
}

/// Nothing was sent to the visitor yet, so the site's failure can still be told.
fn broken_off(cause: &BodyError) -> Fault {
    UpstreamFault::Broken(cause.to_string()).into()
}

fn page_url(target: &Target, tls: bool) -> Result<Url, Fault> {
    let scheme = if tls { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{}{}", target.host(), target.path))
        .map_err(|_| VisitorFault::BadRequest("the host is no host name").into())
}

fn observation(parts: &Parts, peer: Peer, now: Time) -> Observation {
    let agent = parts.headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
    Observation {
        time: Personal::new(AccessTime(now)),
        page: Personal::new(PageAddress::of_path(parts.uri.path())),
        agent: Personal::new(Agent::of_field(agent)),
        address: Personal::new(ClientAddress(peer.address.ip())),
        status: 0,
        document: false,
    }
}

/// A page of ours for a connection that never reached [`Worker::handle`].
pub fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::own(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}
