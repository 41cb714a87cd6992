//! The path: one function from a request to its answer.
//!
//! [`Worker::handle`] reads as the walk that `lib.rs` lists. It is given what is in force and holds to
//! it to the end; each step is a call into a lower floor; every failure is a
//! [`Fault`] and becomes a page in one place.
//!
//! A worker belongs to one thread and is shared by its connections: nothing here is locked.

mod announce;
mod answer;
mod body;
mod cdn;
mod client;
mod headers;
mod in_force;
mod interim;
mod onlook;
mod paced;
mod page;
mod pass;
mod rate;
mod raw_target;
mod route;
mod scouting;
mod script;
mod tunnel;
mod upload;
mod upstream;
mod variant;
mod via;
mod wall;
mod whole;

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{ACCEPT_LANGUAGE, CONNECTION, HeaderName, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;

pub use announce::{Announcement, Ends};
pub use body::{Body, BodyError};
pub use cdn::Network;
pub use client::Trusted;
pub use in_force::{Current, InForce};
pub use interim::Ahead;
pub use paced::Window;
pub use rate::{FORGET, Rates, holding};
pub use scouting::Scouting;
pub use script::Scripts;
pub use tunnel::Tunnels;
pub use upload::{BodyLimit, Sizes};
pub use upstream::{
    Balance, EjectionSettings, HealthSettings, HostPattern, Local, Origin, Plan, Resolver, Route,
    Scheme, Sites, SitesError, TlsRefused, TlsSettings, Upstream, UpstreamSettings, Upstreams,
    watch,
};
pub use variant::State;
pub use via::Via;

use self::interim::Listener;
use self::paced::Paced;
use self::pass::Walk;
use self::rate::Asked;
use self::route::Target;
use self::whole::Whole;
use crate::clock::Clock;
use crate::fault::{Fault, VisitorFault};
use crate::gate::asker;
use crate::gate::cookies::ConsentCookie;
use crate::gate::fate::Fates;
use crate::gate::known::Known;
use crate::gate::request::Destination;
use crate::gate::validators::Variant;
use crate::gate::{fields, response};
use crate::observe::{
    AccessTime, Agent, ClientAddress, Counters, Needs, Observation, Observer, PageAddress,
};
use crate::policy::{Outline, Personal, decide};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::subject::{self, Subject};
use crate::time::Time;

/// The field in which the front door says how a target was written that is no URI. No visitor can
/// send it, and it goes no further than to the request line for the site.
pub const RAW_TARGET: &str = "kelisim-raw-target";

/// What the front door calls `Expect` where a body is kept back until it is asked for: hyper would
/// ask for it of itself. No visitor can send it.
pub const EXPECTS: &str = "kelisim-expects";

/// What all connections of a thread share.
#[derive(Debug)]
pub struct Worker {
    /// What is in force.
    pub current: Arc<Current>,
    /// The record of consent.
    pub store: Arc<Store>,
    /// The purpose logs.
    pub observer: Observer,
    /// The time.
    pub clock: Clock,
    /// This thread's counters.
    pub counters: Arc<Counters>,
    /// This thread's connections to the sites.
    pub upstream: Upstream,
    /// The WebSockets of this thread.
    pub tunnels: Tunnels,
    /// The fates of vendors' tags that this thread has read.
    pub fates: Known<Outline, Fates>,
    /// The variants of pages that it has told.
    pub variants: Known<State, Variant>,
    /// Scripts that this thread has looked into.
    pub scripts: Scripts,
    /// What this thread looks through for what no rule knows.
    pub scouting: Scouting,
    /// What pages need, as browsers report it.
    pub needs: Arc<Needs>,
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

/// What the front door knows of a request's connection, and hyper does not.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// HTTP/1, and what goes ahead of an answer. How fast bodies come is seen to.
    Http1(&'a Ahead),
    /// HTTP/2, and whether the visitor may send anything.
    Http2(&'a Window),
}

impl Worker {
    /// Answers one request that came this way, by what is in force when it begins.
    pub async fn handle(
        &self,
        in_force: &InForce,
        peer: Peer,
        request: Request<Incoming>,
        way: Way<'_>,
    ) -> Response<Body> {
        let InForce { snapshot, trusted, rates, .. } = in_force;
        let now = self.clock.now();
        let (mut parts, body) = request.into_parts();
        let body = Whole::new(body, parts.version);
        let (ahead, body) = match way {
            Way::Http1(ahead) => (Some(ahead), Paced::elsewhere(body)),
            Way::Http2(window) => {
                (None, Paced::new(body, window, &in_force.bounds, &self.counters))
            }
        };
        if parts.version > Version::HTTP_11 {
            // Under HTTP/1 alone the front door writes them.
            let ours = [RAW_TARGET, EXPECTS].map(HeaderName::from_static);
            fields::remove(&mut parts.headers, &ours);
        }
        let listener = Listener::new(ahead, &parts);
        let peer = trusted.visitor(peer, &parts.headers);

        let cookie = ConsentCookie::new(peer.tls, snapshot.rules.site.share.as_deref());
        let superseded = self.store.superseded();
        let visitor = asker::visitor(&parts.headers, &cookie, &snapshot.seal, superseded);
        let signal = asker::signal(&parts.headers);
        let conditions = snapshot.conditions(now, superseded.record());
        let verdicts = decide(&conditions, &visitor, signal);

        let destination = Destination::of(&parts.headers);
        let seen = observation(&parts, peer, now);
        let target = Target::of(&parts);
        let ours = target.as_ref().is_ok_and(Target::is_ours);
        let asked = Asked::of(&parts.method, ours, parts.uri.path());
        let admitted = rates.admit(peer.address.ip(), asked);
        let target = target.and_then(|target| admitted.map(|()| target));
        let answered = match target {
            Err(fault) => Err(fault.into()),
            Ok(target) if ours => {
                let subject = Subject {
                    snapshot,
                    conditions,
                    visitor,
                    signal,
                    verdicts: &verdicts,
                    cookie: &cookie,
                    address: peer.address.ip(),
                    host: target.host(),
                    headers: &parts.headers,
                    needs: &self.needs,
                    discoveries: self.scouting.discoveries(),
                    counters: &self.counters,
                };
                // There is no site whose word on it would have to be heard.
                listener.ask_for_body().await;
                let (path, query) = (target.path.path(), target.path.query().unwrap_or_default());
                // Boxed, so that those who ask the site have no room for it.
                let answer = subject.answer(&self.store, &parts.method, path, query, body);
                let answer = Box::pin(answer).await;
                if asked == Asked::Report && answer.is_ok() {
                    self.counters.csp_reports.add(1);
                }
                answer.map(|page| page.map(Body::own))
            }
            Ok(target) => {
                let (visitor, verdicts, cookie) = (&visitor, &verdicts, &cookie);
                let recorded = self.store.exemptions_recorded();
                let mode = snapshot.rules.site.mode_at(target.path.path(), now, recorded);
                let walk = Walk {
                    in_force,
                    snapshot,
                    mode,
                    verdicts,
                    visitor,
                    signal,
                    cookie,
                    target: &target,
                    peer,
                    now,
                    listener: &listener,
                };
                self.pass(&walk, &parts, destination, body).await
            }
        };
        let mut response = answered.unwrap_or_else(|fault| {
            self.count(&fault);
            fault.log();
            answer_to(&fault, snapshot, &parts)
        });
        if listener.waits() {
            // Nobody has asked for the body: whether it comes all the same, only its sender knows.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if parts.method == Method::HEAD {
            // What a GET would be answered with, but for the bytes (RFC 9110 §9.3.2).
            if let Body::Own(bytes) = response.body_mut() {
                *bytes = None;
            }
        }

        let document = !ours && destination.may_be_top_level() && response::is_page(&response);
        let seen = Observation { status: response.status().as_u16(), document, ..seen };
        self.observer.note(&verdicts, &seen);
        self.counters.requests.add(1);
        response
    }

    fn count(&self, fault: &Fault) {
        match fault {
            Fault::Visitor(VisitorFault::TooManyRequests(_)) => {
                self.counters.requests_over_rate.add(1);
            }
            Fault::Visitor(VisitorFault::TooManyChoices(_)) => {
                self.counters.choices_over_rate.add(1);
            }
            Fault::Visitor(VisitorFault::TooManyReports(_)) => {
                self.counters.csp_reports_over_rate.add(1);
            }
            Fault::Visitor(VisitorFault::BodyTooLarge(_)) => self.counters.bodies_too_large.add(1),
            _ => {}
        }
        match fault {
            Fault::Visitor(_) => &self.counters.faults_visitor,
            Fault::Upstream(_) => &self.counters.faults_upstream,
            Fault::Gateway(_) => &self.counters.faults_gateway,
        }
        .add(1);
    }
}

/// What a visitor gets instead of an answer.
fn answer_to(fault: &Fault, snapshot: &Snapshot, parts: &Parts) -> Response<Body> {
    let accept_language = subject::text_field(&parts.headers, ACCEPT_LANGUAGE.as_str());
    let texts = snapshot.rules.texts(snapshot.language(None, accept_language));
    let again = matches!(parts.method, Method::GET | Method::HEAD);
    let path = parts.uri.path_and_query().filter(|_| again);
    let retry = path.and_then(|path| subject::form::local_path(path.as_str()));
    let json = subject::wants_json(&parts.headers);
    fault.response(texts, &snapshot.style, json, retry.as_deref()).map(Body::own)
}

fn observation(parts: &Parts, peer: Peer, now: Time) -> Observation<'_> {
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
