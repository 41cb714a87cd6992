//! The way to the site and back, through the gate both ways.
//!
//! Cookies and conditions are sorted on the way there; on the way back `Set-Cookie` lines,
//! hints, caching and the page itself. Each step reads the same verdicts.
//!
//! A page waits for its first bytes before its head goes out: they may be in an encoding that
//! cannot be read, and then the head has to say so. Nothing else waits for anything.
//!
//! How bodies stream is [`super::body`]'s, how connections are used [`super::upstream`]'s.

use std::cell::LazyCell;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, EXPECT, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE, SEC_WEBSOCKET_KEY, SET_COOKIE,
};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use url::Url;

use super::announce::Ends;
use super::body::{Body, BodyError, FromSite};
use super::headers::{self, Origin};
use super::interim::Listener;
use super::onlook::{Onlooker, Watched};
use super::page::{Opened, Page};
use super::raw_target::RawTarget;
use super::route::Target;
use super::upstream::Exchange;
use super::{InForce, Peer, RAW_TARGET, Worker, tunnel};
use crate::charset::{self, Charset, Reading, Source};
use crate::coding::Coding;
use crate::fault::{Fault, UpstreamFault, VisitorFault};
use crate::gate::cookies::ConsentCookie;
use crate::gate::document::{Document, Insertion};
use crate::gate::fate::Fates;
use crate::gate::request::{Cookies, Destination};
use crate::gate::response::Treatment;
use crate::gate::validators::{Condition, Variant, untag};
use crate::gate::{csp, fields, hints, request, response};
use crate::policy::{Reason, Signal, Verdicts, Visitor};
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
        body: Incoming,
    ) -> Result<Response<Body>, Fault> {
        let Walk { snapshot, verdicts, cookie, target, peer, mode, .. } = *walk;
        let rules = &snapshot.rules;
        let seal = &snapshot.seal;
        let cookies = request::cookies(&parts.headers, rules, verdicts, cookie, seal, mode);
        self.counters.request_cookies_withheld.add(cookies.withheld.len() as u64);
        self.counters.withhold(rules, &cookies.tally);

        // Read before anything is done at the site: a host that makes no address is refused.
        let url = page_url(target, peer.tls)?;
        let fates = Fates::of(rules, verdicts);
        let insertion = insertion(walk, parts, destination);
        // Most answers are no pages and need none.
        let variant = LazyCell::new(|| variant(walk, parts, insertion.as_ref()));
        let conditional = mode == Mode::Enforce && parts.headers.contains_key(IF_NONE_MATCH);
        let condition = match conditional {
            true => untag(&parts.headers, *variant),
            false => Condition::NotOurs,
        };
        let headers = for_site(walk, parts, &cookies, destination, &condition);
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
        let head = || head_for_site(parts, target, &headers);
        let (host, path) = (target.host_name(), target.path.path());
        let ends = Ends { from: peer.address, to: peer.local };
        let exchange = Exchange { listener: walk.listener, judge: &judge };
        let ways = self.upstream.to(&walk.in_force.sites);
        let (answer, lease) = ways.send(&host, path, ends, head, body, exchange).await?;

        let (mut answer, incoming) = answer.into_parts();
        if answer.status == StatusCode::SWITCHING_PROTOCOLS {
            hints::keep_permitted(&mut answer.headers, rules, &fates, &url, mode);
            return self.switch(walk, parts, headers.get(SEC_WEBSOCKET_KEY), answer, lease);
        }
        tunnel::unswitched(parts, answer.status)?;
        leave_the_sites_connection(&mut answer)?;
        let kept_back = judge_answer(&mut answer.headers);
        self.counters.response_cookies_withheld.add(kept_back.0.total());
        self.counters.withhold(rules, &kept_back.0);
        self.counters.withhold(rules, &kept_back.1);

        let applies = fates.withhold_any() || insertion.is_some();
        let from = FromSite::new(incoming, lease);
        let mut treatment = Treatment::of(answer.status, &answer.headers, destination, applies);
        if mode == Mode::Observe {
            let page = Gated { fates, url, insertion };
            let body = self.look_on(walk, parts, &answer.headers, treatment, page, from);
            return Ok(Response::from_parts(answer, body));
        }
        let arrived = match treatment {
            Treatment::Rewrite(coding) => {
                let opened = open(from, coding, rules, &mut answer.headers).await?;
                if opened.charset.reading() == Reading::Unreadable {
                    treatment = Treatment::Wall;
                }
                Arrived::Opened(Box::new(opened))
            }
            _ => Arrived::Unopened(from),
        };
        let not_modified = answer.status == StatusCode::NOT_MODIFIED
            && (destination.is_navigation() || condition != Condition::NotOurs);
        if treatment.depends_on_consent() || not_modified {
            response::make_private(&mut answer.headers, *variant, treatment);
            let host = target.host_name();
            let expiring = match destination.may_be_document() {
                true => response::expiring_lines(&cookies.withheld, &host, peer.tls, &rules.site),
                false => Vec::new(),
            };
            for line in expiring {
                answer.headers.append(SET_COOKIE, line);
            }
        }

        let page = Gated { fates, url, insertion };
        Ok(self.send_on(walk, parts, answer, treatment, arrived, page))
    }

    /// Sends an answer on as it is to be treated.
    fn send_on(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        mut answer: http::response::Parts,
        treatment: Treatment,
        arrived: Arrived,
        gated: Gated,
    ) -> Response<Body> {
        let body = match (treatment, arrived) {
            (Treatment::Rewrite(packed), Arrived::Opened(page)) => {
                self.counters.pages_rewritten.add(1);
                let nonce = csp::nonce(&answer.headers);
                self.counters.banners.add(gated.banners());
                let insertion = gated.insertion.map(|insertion| Insertion { nonce, ..insertion });
                let coding = match packed {
                    Coding::Identity => Coding::Identity,
                    _ => request::coding_for(&parts.headers),
                };
                say_coding(&mut answer.headers, coding);
                if parts.method == Method::HEAD {
                    Body::Site(page.close())
                } else {
                    let document = self.document(walk, Gated { insertion, ..gated });
                    let document = document.in_encoding(page.charset.sent_in());
                    page.change(document, coding, walk.snapshot.rules.site.compression)
                }
            }
            (Treatment::Wall, arrived) => {
                self.counters.pages_walled.add(1);
                answer.headers.append(CONTENT_SECURITY_POLICY, csp::WALL);
                Body::Site(arrived.close())
            }
            (Treatment::Untouched, arrived) => {
                self.counters.pages_untouched.add(1);
                Body::Site(arrived.close())
            }
            (Treatment::Pass | Treatment::Rewrite(_), arrived) => Body::Site(arrived.close()),
        };
        Response::from_parts(answer, body)
    }

    /// What changes a page, and counts what it withholds.
    fn document(&self, walk: &Walk<'_>, page: Gated) -> Document {
        let Gated { fates, url, insertion } = page;
        let (counters, rules) = (Arc::clone(&self.counters), Arc::clone(walk.snapshot));
        Document::new(Arc::clone(walk.snapshot), fates, url, insertion)
            .handing_in(move |tally| counters.withhold(&rules.rules, tally))
    }

    /// Lets an answer pass as it came, and counts what would have been done with it.
    fn look_on(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        headers: &HeaderMap,
        treatment: Treatment,
        page: Gated,
        from: FromSite,
    ) -> Body {
        let counted = match treatment {
            Treatment::Pass => return Body::Site(from),
            Treatment::Wall => &self.counters.pages_walled,
            Treatment::Untouched => &self.counters.pages_untouched,
            Treatment::Rewrite(_) => &self.counters.pages_rewritten,
        };
        counted.add(1);
        if matches!(treatment, Treatment::Rewrite(_)) {
            self.counters.banners.add(page.banners());
        }
        match treatment {
            Treatment::Rewrite(coding) if parts.method != Method::HEAD => {
                let document = self.document(walk, page);
                let types = headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
                let default = walk.snapshot.rules.site.encoding;
                let header = charset::of_header(types);
                let onlooker = Onlooker::new(coding, header, default, document);
                Body::Watched(Box::new(Watched::new(from, onlooker)))
            }
            _ => Body::Site(from),
        }
    }
}

/// What a page is gated by.
struct Gated {
    fates: Fates,
    url: Url,
    insertion: Option<Insertion>,
}

impl Gated {
    /// How many banners it gets.
    fn banners(&self) -> u64 {
        u64::from(self.insertion.as_ref().is_some_and(|insertion| insertion.banner))
    }
}

/// A body of the site.
enum Arrived {
    /// Nobody has looked into it.
    Unopened(FromSite),
    /// A page, of which the first bytes were read.
    Opened(Box<Opened>),
}

impl Arrived {
    /// The body as it came.
    fn close(self) -> FromSite {
        match self {
            Arrived::Unopened(from) => from,
            Arrived::Opened(page) => page.close(),
        }
    }
}

/// Reads as much of a page as tells its encoding, and makes the header say it.
async fn open(
    from: FromSite,
    coding: Coding,
    rules: &RuleSet,
    headers: &mut HeaderMap,
) -> Result<Opened, Fault> {
    let types = headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
    let header = charset::of_header(types);
    let opened = Page::new(from, coding).open(&header, rules.site.encoding).await;
    let opened = opened.map_err(|cause| broken_off(&cause))?;
    pin_charset(headers, opened.charset);
    Ok(opened)
}

/// Makes the header say how a page that changes is packed. How long it will be, nobody knows.
fn say_coding(headers: &mut HeaderMap, coding: Coding) {
    fields::remove(headers, &[CONTENT_LENGTH]);
    match coding {
        Coding::Identity => fields::remove(headers, &[CONTENT_ENCODING]),
        _ => drop(headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()))),
    }
}

/// Makes the header say in which encoding the page was read, where it does not already: by a `<meta>`
/// that our changes may push out of a browser's sight, or in UTF-8 what was UTF-16.
fn pin_charset(headers: &mut HeaderMap, charset: Charset) {
    let Some(label) = charset.label() else { return };
    let types: Vec<_> = headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes).collect();
    let told = match charset.source() {
        Source::Bom | Source::Header => types.len() == 1 && !types[0].contains(&b','),
        Source::Meta | Source::Default | Source::Unknown => false,
    };
    if told && charset.reading() == Reading::Bytes {
        return;
    }
    let pinned = charset::pin(&types.join(&b", "[..]), label);
    if let Ok(pinned) = HeaderValue::from_bytes(&pinned) {
        headers.insert(CONTENT_TYPE, pinned);
    }
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

/// The request as it goes to the site, but for its body.
fn head_for_site(parts: &Parts, target: &Target, headers: &HeaderMap) -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = tunnel::method(parts);
    *head.uri_mut() = target.path.clone().into();
    *head.headers_mut() = headers.clone();
    // The front door says how a target was written that is no URI, and it stands under HTTP/1 alone.
    let raw = parts.headers.get(RAW_TARGET).filter(|_| parts.version <= Version::HTTP_11);
    if let Some(raw) = raw {
        head.extensions_mut().insert(RawTarget(Bytes::copy_from_slice(raw.as_bytes())));
    }
    head
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
    let policy = walk.snapshot.rules.policies.at(walk.now);
    let consent = policy.map(|policy| headers::consent(walk.verdicts, policy)).unwrap_or_default();
    let origin = Origin {
        address: address.ip(),
        port: local.port(),
        tls,
        host: &walk.target.host,
        consent: &consent,
    };
    let mut headers = headers::for_site(&parts.headers, cookies, origin);
    if parts.version < Version::HTTP_11 {
        // There it says nothing (RFC 9110 §10.1.1).
        fields::remove(&mut headers, &[EXPECT]);
    }
    tunnel::ask_for(parts, &mut headers);
    match condition {
        Condition::Ours(Some(tags)) => {
            headers.insert(IF_NONE_MATCH, tags.clone());
        }
        Condition::Ours(None) => fields::remove(&mut headers, &[IF_NONE_MATCH]),
        Condition::NotOurs => {}
    }
    if walk.mode == Mode::Observe {
        return headers;
    }
    if destination.is_navigation() {
        // A part of a page cannot be gated, and a page that was stored before the gateway
        // stood here must not come back by a 304.
        let names = [RANGE, IF_RANGE, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
        fields::remove(&mut headers, &names);
        if *condition == Condition::NotOurs {
            fields::remove(&mut headers, &[IF_NONE_MATCH]);
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
    let site = &walk.snapshot.rules.site;
    let banner = walk.signal == Signal::Silent
        && !site.banner.wins
        && walk
            .snapshot
            .rules
            .asked(policy)
            .any(|purpose| walk.verdicts.on(purpose).reason().is_some_and(Reason::asks));
    if !banner && site.control == Control::Link && walk.snapshot.hiding.is_none() {
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
    // `OPTIONS *` asks about the server as a whole.
    let path = if target.path == "*" { "/" } else { target.path.as_str() };
    Url::parse(&format!("{scheme}://{}{path}", target.host()))
        .map_err(|_| VisitorFault::BadRequest("the host is no host name").into())
}
