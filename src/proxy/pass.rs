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
    IF_UNMODIFIED_SINCE, RANGE, SEC_WEBSOCKET_KEY, SET_COOKIE, VIA,
};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use url::Url;

use super::announce::Ends;
use super::body::{Body, BodyError, FromSite};
use super::headers::{self, Origin};
use super::interim::Listener;
use super::paced::Paced;
use super::page::{Opened, Page};
use super::raw_target::RawTarget;
use super::route::Target;
use super::upstream::Exchange;
use super::whole::Whole;
use super::{InForce, Peer, RAW_TARGET, Worker, script, tunnel};
use crate::charset::{self, Charset, Reading, Source};
use crate::coding::Coding;
use crate::fault::{Fault, UpstreamFault, VisitorFault};
use crate::gate::cookies::ConsentCookie;
use crate::gate::document::{Document, Insertion};
use crate::gate::fate::Fates;
use crate::gate::first_party::{self, Instead, Own};
use crate::gate::request::{Cookies, Destination};
use crate::gate::response::Treatment;
use crate::gate::validators::{Condition, Variant, untag};
use crate::gate::{csp, expiry, fields, hints, request, response};
use crate::policy::{Reason, Signal, Verdicts, Visitor};
use crate::rules::RuleSet;
use crate::snapshot::Snapshot;
use crate::subject;
use crate::subject::form::Whom;
use crate::time::Time;

/// What was read of one request before it goes anywhere.
pub(super) struct Walk<'a> {
    pub(super) in_force: &'a InForce,
    pub(super) snapshot: &'a Arc<Snapshot>,
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
        let Walk { snapshot, verdicts, cookie, target, peer, .. } = *walk;
        let rules = &snapshot.rules;
        let cookies = request::cookies(&parts.headers, rules, verdicts, cookie, &snapshot.seal);
        self.counters.request_cookies_withheld.add(cookies.withheld.len() as u64);

        // Read before anything is done at the site: a host that makes no address is refused.
        let url = page_url(target, peer.tls)?;
        let fates = Fates::of(rules, verdicts);
        let own = first_party::of(rules, &fates, &url, destination);
        if let Own::Withheld(instead) = own {
            return Ok(self.withhold(walk, parts, body, instead).await);
        }
        let insertion = insertion(walk, parts, destination);
        // Most answers are no pages and need none.
        let variant = LazyCell::new(|| variant(walk, parts, insertion.as_ref()));
        let condition = match parts.headers.contains_key(IF_NONE_MATCH) {
            true => untag(&parts.headers, *variant),
            false => Condition::NotOurs,
        };
        let mut headers = for_site(walk, parts, &cookies, destination, &condition);
        self.scripts.prepare(walk, parts, destination, &condition, &mut headers);
        let body = walk.in_force.sizes.bound(&url, body)?;
        // What is said ahead is for the same visitor as the answer, and the same hold for it.
        let judge = |headers: HeaderMap| {
            let mut headers = headers::for_visitor(headers);
            response::keep_permitted_cookies(&mut headers, rules, verdicts, cookie);
            hints::keep_permitted(&mut headers, rules, &fates, &url);
            headers
        };
        let head = || head_for_site(parts, target, &headers);
        let (host, path) = (target.host_name(), target.path.path());
        let ends = Ends { from: peer.address, to: peer.local };
        let exchange = Exchange { listener: walk.listener, judge: &judge };
        let ways = self.upstream.to(&walk.in_force.sites);
        let (answer, lease) = ways.send(&host, path, ends, head, body, exchange).await?;

        let (mut answer, incoming) = answer.into_parts();
        let incoming = Whole::new(incoming, answer.version);
        if answer.status == StatusCode::SWITCHING_PROTOCOLS {
            hints::keep_permitted(&mut answer.headers, rules, &fates, &url);
            return self.switch(walk, parts, headers.get(SEC_WEBSOCKET_KEY), answer, lease);
        }
        tunnel::unswitched(parts, answer.status)?;
        leave_the_sites_connection(&mut answer)?;
        let kept_back =
            response::keep_permitted_cookies(&mut answer.headers, rules, verdicts, cookie);
        self.counters.response_cookies_withheld.add(kept_back as u64);

        hints::keep_permitted(&mut answer.headers, rules, &fates, &url);
        let applies = fates.withhold_any() || insertion.is_some();
        let from = FromSite::new(incoming, lease);
        let treatment = Treatment::of(answer.status, &answer.headers, destination, applies);
        let (treatment, arrived) = match treatment {
            Treatment::Rewrite(coding) => {
                let opened = open(from, coding, rules, &mut answer.headers).await?;
                match opened.charset.reading() {
                    Reading::Unreadable => (Treatment::Wall, Arrived::Unopened(opened.close())),
                    _ => (treatment, Arrived::Opened(Box::new(opened))),
                }
            }
            Treatment::Pass => {
                let looked = self.look(walk, parts, destination, &fates, &answer, from).await?;
                (treatment, looked)
            }
            _ => (treatment, Arrived::Unopened(from)),
        };
        let is_vendors = own == Own::Permitted || arrived.is_vendors();
        let not_modified = answer.status == StatusCode::NOT_MODIFIED
            && (destination.is_navigation() || condition != Condition::NotOurs);
        if treatment.depends_on_consent() || not_modified || is_vendors {
            response::make_private(&mut answer.headers, *variant, treatment);
            if destination.may_be_document() {
                let asked = expiry::Asked {
                    host: &host,
                    path,
                    tls: peer.tls,
                    framed: destination == Destination::Frame,
                    now: walk.now,
                };
                for line in expiry::lines(&cookies.withheld, asked, &rules.site) {
                    answer.headers.append(SET_COOKIE, line);
                }
            }
        } else if kept_back > 0 {
            response::make_unshared(&mut answer.headers);
        }

        let page = (url, fates, insertion);
        Ok(self.send_on(walk, parts, answer, (treatment, arrived), page))
    }

    /// Answers for what the site serves of a withheld vendor, without the site.
    async fn withhold(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        body: Paced,
        instead: Instead,
    ) -> Response<Body> {
        self.counters.own_paths_withheld.add(1);
        // Who waits to be asked for their body is not asked.
        if !walk.listener.waits() {
            script::discard(body).await;
        }
        instead.response(&parts.method, &parts.headers).map(Body::own)
    }

    /// Looks whether a body that is no page is a vendor's library.
    async fn look(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        destination: Destination,
        fates: &Fates,
        answer: &http::response::Parts,
        from: FromSite,
    ) -> Result<Arrived, Fault> {
        let rules = &walk.snapshot.rules;
        let (status, headers) = (answer.status, &answer.headers);
        let path = walk.target.path.path();
        if !first_party::may_be_library(rules, &parts.method, status, headers, destination, path) {
            return Ok(Arrived::Unopened(from));
        }
        let looked = script::look(from, headers).await;
        let (code, from) = looked.map_err(|cause| broken_off(&cause))?;
        let Some(code) = code else { return Ok(Arrived::Unopened(from)) };
        Ok(match first_party::of_library(rules, fates, &code) {
            Own::Site => {
                self.scripts.learn(walk, headers);
                Arrived::Unopened(from)
            }
            Own::Permitted => Arrived::Library(from),
            Own::Withheld(instead) => Arrived::Withheld(instead),
        })
    }

    /// The answer as it goes to the visitor.
    fn send_on(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        mut answer: http::response::Parts,
        (treatment, arrived): (Treatment, Arrived),
        (url, fates, insertion): (Url, Fates, Option<Insertion>),
    ) -> Response<Body> {
        let snapshot = walk.snapshot;
        let body = match (treatment, arrived) {
            (_, Arrived::Withheld(instead)) => {
                self.counters.libraries_withheld.add(1);
                Body::own(instead.replace(&mut answer.headers))
            }
            (Treatment::Rewrite(packed), Arrived::Opened(page)) => {
                self.counters.pages_rewritten.add(1);
                let nonce = csp::nonce(&answer.headers);
                let insertion = insertion.map(|insertion| Insertion { nonce, ..insertion });
                if insertion.as_ref().is_some_and(|insertion| insertion.banner) {
                    self.counters.banners.add(1);
                }
                let coding = match packed {
                    Coding::Identity => Coding::Identity,
                    _ => request::coding_for(&parts.headers),
                };
                say_coding(&mut answer.headers, coding);
                if parts.method == Method::HEAD {
                    Body::Site(page.close())
                } else {
                    let document = Document::new(Arc::clone(snapshot), fates, url, insertion);
                    let hashes = csp::Hashes::of(&answer.headers);
                    let document = document.under(hashes).in_encoding(page.charset.sent_in());
                    page.change(document, coding, snapshot.rules.site.compression, &self.counters)
                }
            }
            (Treatment::Wall, arrived) => {
                self.counters.pages_walled.add(1);
                answer.headers.append(CONTENT_SECURITY_POLICY, csp::WALL);
                arrived.close()
            }
            (Treatment::Untouched, arrived) => {
                self.counters.pages_untouched.add(1);
                arrived.close()
            }
            (Treatment::Pass | Treatment::Rewrite(_), arrived) => arrived.close(),
        };
        Response::from_parts(answer, body)
    }
}

/// A body of the site.
enum Arrived {
    /// Nobody has looked into it, or it is the site's own.
    Unopened(FromSite),
    /// A page, of which the first bytes were read.
    Opened(Box<Opened>),
    /// A vendor's library, who may have it.
    Library(FromSite),
    /// A withheld vendor's library, which goes no further.
    Withheld(Instead),
}

impl Arrived {
    /// Whether it is a vendor's library.
    fn is_vendors(&self) -> bool {
        matches!(self, Arrived::Library(_) | Arrived::Withheld(_))
    }

    /// The body as it came, as far as it may go on.
    fn close(self) -> Body {
        match self {
            Arrived::Unopened(from) | Arrived::Library(from) => Body::Site(from),
            Arrived::Opened(page) => Body::Site(page.close()),
            Arrived::Withheld(_) => Body::Own(None),
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
    if let Some(via) = &walk.in_force.via {
        headers.append(VIA, via.told(parts.version));
    }
    match condition {
        Condition::Ours(Some(tags)) => {
            headers.insert(IF_NONE_MATCH, tags.clone());
        }
        Condition::Ours(None) => fields::remove(&mut headers, &[IF_NONE_MATCH]),
        Condition::NotOurs => {}
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
    // `OPTIONS *` asks about the server as a whole.
    let path = if target.path == "*" { "/" } else { target.path.as_str() };
    Url::parse(&format!("{scheme}://{}{path}", target.host()))
        .map_err(|_| VisitorFault::BadRequest("the host is no host name").into())
}
