//! The way to the site and back, through the gate both ways.
//!
//! Cookies and conditions are sorted on the way there; on the way back `Set-Cookie` lines,
//! hints, caching and the page itself. Each step reads the same verdicts.
//!
//! Where the operator only observes, or the page is exempt, each step counts what it would do and does
//! nothing; the body is [`super::onlook`]'s then.
//!
//! What comes back is opened and sent on by [`super::answer`]; how connections are used is
//! [`super::upstream`]'s.

use std::cell::LazyCell;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_LENGTH, EXPECT, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, SET_COOKIE, VIA,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use url::Url;

use super::announce::Ends;
use super::answer::{Gated, whose};
use super::body::{Body, FromSite};
use super::headers::{self, Origin};
use super::interim::Listener;
use super::paced::Paced;
use super::raw_target::RawTarget;
use super::route::Target;
use super::upstream::Exchange;
use super::variant::Shown;
use super::wall::Behind;
use super::whole::Whole;
use super::{InForce, Peer, RAW_TARGET, Worker, script, tunnel};
use crate::fault::{Fault, UpstreamFault, VisitorFault};
use crate::gate::cookies::ConsentCookie;
use crate::gate::csp::wall::Walls;
use crate::gate::document::{GuardTag, Insertion};
use crate::gate::fate::Fates;
use crate::gate::first_party::{self, Instead, Own};
use crate::gate::reports::Reports;
use crate::gate::request::{Cookies, Destination};
use crate::gate::response::Treatment;
use crate::gate::validators::{Condition, untag};
use crate::gate::{asker, expiry, fields, hints, request, response};
use crate::guard::Guard;
use crate::policy::{PolicyVersion, Purpose, Reason, Signal, Verdicts, Visitor};
use crate::rules::{Control, Mode, RuleSet};
use crate::snapshot::Snapshot;
use crate::subject;
use crate::subject::form::Whom;
use crate::time::Time;

/// What was read of one request before it goes anywhere.
pub(super) struct Walk<'a> {
    pub(super) in_force: &'a InForce,
    pub(super) snapshot: &'a Arc<Snapshot>,
    /// Whether what is not permitted is withheld, or only counted.
    pub(super) mode: Mode,
    pub(super) verdicts: &'a Verdicts<'a>,
    pub(super) visitor: &'a Visitor,
    pub(super) signal: Signal,
    pub(super) cookie: &'a ConsentCookie,
    pub(super) target: &'a Target,
    pub(super) peer: Peer,
    pub(super) now: Time,
    /// Who is told what the site says ahead of its answer.
    pub(super) listener: &'a Listener<'a>,
}

impl Worker {
    /// Takes a request to the site and its answer back, through the gate both ways.
    pub(super) async fn pass(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        destination: Destination,
        body: Paced,
    ) -> Result<Response<Body>, Fault> {
        let Walk { snapshot, mode, verdicts, cookie, target, peer, .. } = *walk;
        let (rules, seal) = (&snapshot.rules, &snapshot.seal);
        let cookies = request::cookies(&parts.headers, rules, verdicts, cookie, seal, mode);
        self.counters.request_cookies_withheld.add(cookies.withheld.len() as u64);
        self.counters.withhold(rules, &cookies.tally);

        // Read before anything is done at the site: a host that makes no address is refused.
        let url = page_url(target, peer.tls)?;
        let path = target.path.path();
        let outline = verdicts.outline();
        let fates = || (outline, Fates::of(rules, verdicts));
        let fates = self.fates.of(rules, |other| *other == outline, fates);
        let own = match self.own(rules, &fates, &url, destination) {
            Own::Withheld(withheld) if mode == Mode::Enforce => {
                return Ok(withhold(walk, parts, body, withheld.instead).await);
            }
            own => own,
        };
        let insertion = insertion(walk, parts, destination);
        // Most answers are no pages and need none.
        let shown = Shown::of(insertion.as_ref());
        let variant = LazyCell::new(|| self.variant(walk, parts, shown, outline));
        let conditional = mode == Mode::Enforce && parts.headers.contains_key(IF_NONE_MATCH);
        let condition = match conditional {
            true => untag(&parts.headers, *variant),
            false => Condition::NotOurs,
        };
        let behind = Behind::of(walk);
        let to_site = ToSite {
            cookies: &cookies,
            condition: &condition,
            destination,
            may_be_worker: behind.may_be_worker(parts, path),
            key: tunnel::key(parts),
        };
        let body = walk.in_force.sizes.bound(&url, body)?;
        let judge_answer = |headers: &mut HeaderMap| {
            let cookies = response::keep_permitted_cookies(headers, rules, verdicts, cookie, mode);
            (cookies, hints::keep_permitted(headers, rules, &fates, &url, mode))
        };
        // What is said ahead is for the same visitor as the answer, and the same hold for it.
        let judge = |headers: HeaderMap| {
            let mut headers = headers::for_visitor(headers);
            judge_answer(&mut headers);
            headers
        };
        let host = target.host_name();
        let ends = Ends { from: peer.address, to: peer.local };
        let exchange = Exchange { listener: walk.listener, judge: &judge };
        let ways = self.upstream.to(&walk.in_force.sites);
        let (answer, lease) = ways
            .send(&host, path, ends, || self.head_for_site(walk, parts, &to_site), body, exchange)
            .await?;

        let (mut answer, incoming) = answer.into_parts();
        let incoming = Whole::new(incoming, answer.version);
        if answer.status == StatusCode::SWITCHING_PROTOCOLS {
            hints::keep_permitted(&mut answer.headers, rules, &fates, &url, mode);
            return self.switch(walk, parts, to_site.key.as_ref(), answer, lease);
        }
        tunnel::unswitched(parts, answer.status)?;
        leave_the_sites_connection(&mut answer)?;
        self.scouting.look_at_set_cookies(walk, &answer.headers);
        let (kept_back, led) = judge_answer(&mut answer.headers);
        self.counters.response_cookies_withheld.add(kept_back.total());
        self.counters.withhold(rules, &kept_back);
        self.counters.withhold(rules, &led);

        let applies = fates.withhold_any() || insertion.is_some();
        let from = FromSite::new(incoming, lease);
        let walled = behind.is_there();
        let treatment = Treatment::of(answer.status, &answer.headers, destination, applies, walled);
        let scout = self.scouting.of_page(walk, parts, &answer, treatment, &url);
        let guard = guard(walk, &fates, destination, treatment, answer.status);
        let gated = Gated { destination, fates, url, insertion, guard, scout };
        if mode == Mode::Observe {
            let body = match own {
                // The site would not have been asked.
                Own::Withheld(_) => Body::Site(from),
                _ => self.look_on(walk, parts, &answer, treatment, gated, from),
            };
            return Ok(Response::from_parts(answer, body));
        }
        let (treatment, arrived) =
            self.open(walk, parts, &mut answer, treatment, &gated, from).await?;
        let is_vendors = matches!(own, Own::Permitted) || arrived.is_vendors();
        let not_modified = answer.status == StatusCode::NOT_MODIFIED
            && (destination.is_navigation() || condition != Condition::NotOurs);
        let runs = behind.runs(parts, &answer);
        if treatment.depends_on_consent() || not_modified || is_vendors || behind.keeps(runs) {
            response::make_private(&mut answer.headers, *variant, treatment);
            expire(walk, &cookies, destination, &host, &mut answer.headers);
        } else if kept_back.total() > 0 {
            response::make_unshared(&mut answer.headers);
        }

        if not_modified {
            gated.let_ours_in(walk, &mut answer.headers);
        }
        let stored = not_modified.then_some(condition != Condition::NotOurs);
        let mut response = self.send_on(walk, parts, answer, (treatment, arrived), gated);
        behind.put(&mut response, treatment, runs, stored);
        Ok(response)
    }
}

/// Expires withheld cookies that came along, with what may be a document.
fn expire(
    walk: &Walk<'_>,
    cookies: &Cookies,
    destination: Destination,
    host: &str,
    headers: &mut HeaderMap,
) {
    if !destination.may_be_document() {
        return;
    }
    let asked = expiry::Asked {
        host,
        path: walk.target.path.path(),
        tls: walk.peer.tls,
        framed: destination == Destination::Frame,
        now: walk.now,
    };
    for line in expiry::lines(&cookies.withheld, asked, &walk.snapshot.rules.site) {
        headers.append(SET_COOKIE, line);
    }
}

/// Answers for what the site serves of a withheld vendor, without the site.
async fn withhold(walk: &Walk<'_>, parts: &Parts, body: Paced, instead: Instead) -> Response<Body> {
    // Who waits to be asked for their body is not asked.
    if !walk.listener.waits() {
        script::discard(body).await;
    }
    instead.response(&parts.method, &parts.headers).map(Body::own)
}

/// Takes from an answer what belongs to the connection that it came by.
fn leave_the_sites_connection(answer: &mut http::response::Parts) -> Result<(), UpstreamFault> {
    if headers::is_packed_for_transfer(&answer.headers) {
        let cause = "its body comes in a transfer coding that nobody asked for";
        return Err(UpstreamFault::Broken(cause.to_owned()));
    }
    answer.version = Version::HTTP_11;
    answer.headers = headers::for_visitor(std::mem::take(&mut answer.headers));
    if answer.status == StatusCode::NO_CONTENT {
        // RFC 9110 §8.6.
        fields::remove(&mut answer.headers, &[CONTENT_LENGTH]);
    }
    Ok(())
}

impl Worker {
    /// Whose an address of the site's is; counts what is withheld.
    fn own(&self, rules: &RuleSet, fates: &Fates, url: &Url, destination: Destination) -> Own {
        let ask = |reports: &Reports| first_party::of(rules, fates, url, destination, reports);
        let own = whose(&self.counters, rules, ask);
        if let Own::Withheld(withheld) = &own {
            self.counters.own_paths_withheld.add(1);
            self.counters.withhold(rules, &withheld.tally);
        }
        own
    }
}

/// What the request for the site is made from, besides the visitor's own.
struct ToSite<'a> {
    cookies: &'a Cookies,
    condition: &'a Condition,
    destination: Destination,
    /// Whether a policy has to go with what comes, if it is a worker's code.
    may_be_worker: bool,
    /// The key for a WebSocket on a stream.
    key: Option<HeaderValue>,
}

impl Worker {
    /// The request as it goes to the site, but for its body.
    fn head_for_site(&self, walk: &Walk<'_>, parts: &Parts, to_site: &ToSite<'_>) -> Request<()> {
        let ToSite { condition, destination, may_be_worker, .. } = *to_site;
        let mut headers = for_site(walk, parts, to_site);
        if walk.mode == Mode::Enforce {
            make_readable(parts, destination, may_be_worker, condition, &mut headers);
            self.scripts.prepare(walk, parts, destination, condition, &mut headers);
        }
        let mut head = Request::new(());
        *head.method_mut() = tunnel::method(parts);
        *head.uri_mut() = walk.target.path.clone().into();
        *head.headers_mut() = headers;
        // The front door says how a target was written that is no URI, and it stands under HTTP/1 alone.
        let raw = parts.headers.get(RAW_TARGET).filter(|_| parts.version <= Version::HTTP_11);
        if let Some(raw) = raw {
            head.extensions_mut().insert(RawTarget(Bytes::copy_from_slice(raw.as_bytes())));
        }
        head
    }
}

/// The header fields that go to the site.
fn for_site(walk: &Walk<'_>, parts: &Parts, to_site: &ToSite<'_>) -> HeaderMap {
    let Peer { address, local, tls } = walk.peer;
    let policy = walk.snapshot.rules.policies.at(walk.now);
    let consent = policy.and_then(|policy| headers::consent(walk.verdicts, policy));
    let origin =
        Origin { address: address.ip(), port: local.port(), tls, host: &walk.target.host, consent };
    let mut headers = headers::for_site(&parts.headers, to_site.cookies, origin);
    if parts.version < Version::HTTP_11 {
        // There it says nothing (RFC 9110 §10.1.1).
        fields::remove(&mut headers, &[EXPECT]);
    }
    tunnel::ask_for(parts, to_site.key.as_ref(), &mut headers);
    if let Some(via) = &walk.in_force.via {
        headers.append(VIA, via.told(parts.version));
    }
    match to_site.condition {
        Condition::Ours(Some(tags)) => {
            headers.insert(IF_NONE_MATCH, tags.clone());
        }
        Condition::Ours(None) => fields::remove(&mut headers, &[IF_NONE_MATCH]),
        Condition::NotOurs => {}
    }
    headers
}

/// Makes the fields for the site such that a page that comes can be read.
fn make_readable(
    parts: &Parts,
    destination: Destination,
    worker: bool,
    condition: &Condition,
    headers: &mut HeaderMap,
) {
    if destination.is_navigation() || worker {
        // A part of a page cannot be gated, and a page that was stored before the gateway
        // stood here must not come back by a 304.
        let names = [RANGE, IF_RANGE, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
        fields::remove(headers, &names);
        if *condition == Condition::NotOurs {
            fields::remove(headers, &[IF_NONE_MATCH]);
        }
    }
    if destination.may_be_markup()
        && let Some(codings) = request::readable_codings(&parts.headers)
    {
        headers.insert(ACCEPT_ENCODING, codings);
    }
}

/// What is put into a page for this visitor: the banner where a question is open, else the
/// notice of a new version where they have not read it, and the control where the site does not link the
/// settings itself. Frames and fragments get none.
fn insertion(walk: &Walk<'_>, parts: &Parts, destination: Destination) -> Option<Insertion> {
    if !destination.may_be_top_level() {
        return None;
    }
    let policy = walk.snapshot.rules.policies.at(walk.now)?;
    let site = &walk.snapshot.rules.site;
    let banner = walk.signal == Signal::Silent
        && !site.banner.wins
        && walk
            .snapshot
            .rules
            .asked(policy)
            .any(|purpose| walk.verdicts.on(purpose).reason().is_some_and(Reason::asks));
    // One thing at a time: while a question is open the notice waits for its answer.
    let policies = &walk.snapshot.rules.policies;
    let due = || asker::notice_due(&parts.headers, walk.cookie, policies, walk.now);
    let notice = if banner { None } else { due() };
    let has_form = banner || notice.is_some();
    if !has_form && site.control == Control::Link && walk.snapshot.hiding.is_none() {
        return None;
    }
    let whom = Whom { address: walk.peer.address.ip(), headers: &parts.headers };
    Some(Insertion {
        policy: policy.in_force,
        banner,
        notice,
        token: if has_form { whom.token(&walk.snapshot.seal, walk.now) } else { String::new() },
        return_to: subject::form::local_path(walk.target.path.as_str())
            .unwrap_or_else(|| "/".to_owned()),
        kind: site.page_kind(walk.target.path.path()).to_owned(),
        nonce: None,
        permitted: permitted(walk, policy),
        reload: walk.snapshot.walls.as_ref().is_some_and(Walls::enforce),
        accept_language: subject::text_field(&parts.headers, ACCEPT_LANGUAGE.as_str()).to_owned(),
        is_document: destination == Destination::Document,
    })
}

/// The purposes that are asked about and permitted.
fn permitted(walk: &Walk<'_>, policy: &PolicyVersion) -> String {
    let asked = walk.snapshot.rules.asked(policy);
    let permitted = asked.filter(|purpose| walk.verdicts.on(*purpose).reason().is_none());
    permitted.map(Purpose::name).collect::<Vec<_>>().join(" ")
}

/// What runs first in a document, where anything may be withheld in it.
fn guard(
    walk: &Walk<'_>,
    fates: &Fates,
    destination: Destination,
    treatment: Treatment,
    status: StatusCode,
) -> Option<GuardTag> {
    // A page that is as it was has the one that it came with, and its policies have to let that in.
    let is_page = matches!(treatment, Treatment::Rewrite(_)) || status == StatusCode::NOT_MODIFIED;
    if !(is_page && fates.withhold_any() && destination.may_be_document()) {
        return None;
    }
    let rules = &walk.snapshot.rules;
    let policy = rules.policies.at(walk.now)?.in_force;
    let guard = walk.snapshot.guard(policy)?;
    Some(GuardTag {
        policy,
        permitted: guard.permitted(walk.verdicts),
        withheld: Guard::withheld(walk.verdicts),
        reloads: walk.snapshot.walls.as_ref().is_some_and(Walls::enforce),
        nonce: None,
        is_document: matches!(destination, Destination::Document | Destination::Frame),
    })
}

fn page_url(target: &Target, tls: bool) -> Result<Url, Fault> {
    let scheme = if tls { "https" } else { "http" };
    // `OPTIONS *` asks about the server as a whole.
    let path = if target.path == "*" { "/" } else { target.path.as_str() };
    Url::parse(&[scheme, "://", target.host(), path].concat())
        .map_err(|_| VisitorFault::BadRequest("the host is no host name").into())
}
