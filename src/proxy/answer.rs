//! What becomes of the site's answer: opened, looked into, sent on.
//!
//! A page waits for its first bytes before its head goes out: they may be in an encoding that
//! cannot be read, and then the head has to say so. A script waits for those that tell a vendor's
//! library. Nothing else waits for anything.
//!
//! What the answer's fields may keep was judged before ([`super::pass`]); how bodies stream is
//! [`super::body`]'s.

use std::sync::Arc;

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use http::request::Parts;
use http::response as head;
use http::{Method, Response};
use url::Url;

use super::body::{Body, BodyError, FromSite};
use super::page::{Opened, Page};
use super::pass::Walk;
use super::{Worker, script};
use crate::charset::{self, Charset, Reading, Source};
use crate::coding::Coding;
use crate::fault::{Fault, UpstreamFault};
use crate::gate::csp::ours::{Fields, Ours};
use crate::gate::document::{Document, GuardTag, Insertion};
use crate::gate::fate::Fates;
use crate::gate::first_party::{self, Own, Withheld};
use crate::gate::reports::Reports;
use crate::gate::request::Destination;
use crate::gate::response::Treatment;
use crate::gate::scout::Scout;
use crate::gate::tally::Tally;
use crate::gate::{csp, fields, request};
use crate::observe::{Counters, Event, is_persons};
use crate::policy::TextDigest;
use crate::rules::RuleSet;

/// A page shorter than this is not worth packing that the site did not pack.
const PACKED_BYTES_MIN: u64 = 512;

impl Worker {
    /// Opens a page, and looks into what may be a library. What cannot be read is walled.
    pub(super) async fn open(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        answer: &mut head::Parts,
        treatment: Treatment,
        gated: &Gated,
        from: FromSite,
    ) -> Result<(Treatment, Arrived), Fault> {
        let arrived = match treatment {
            Treatment::Rewrite(coding) => {
                let types = answer.headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
                let (header, default) =
                    (charset::of_header(types), walk.snapshot.rules.site.encoding);
                let opened = Box::pin(Page::new(from, coding).open(&header, default)).await;
                let opened = opened.map_err(|cause| broken_off(&cause))?;
                pin_charset(&mut answer.headers, opened.charset);
                if opened.charset.reading() == Reading::Unreadable {
                    return Ok((Treatment::Wall, Arrived::Unopened(opened.close())));
                }
                Arrived::Opened(Box::new(opened))
            }
            Treatment::Pass => self.look(walk, parts, answer, gated, from).await?,
            _ => Arrived::Unopened(from),
        };
        Ok((treatment, arrived))
    }

    /// Looks whether a body that is no page is a vendor's library.
    async fn look(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        answer: &head::Parts,
        gated: &Gated,
        from: FromSite,
    ) -> Result<Arrived, Fault> {
        let (rules, headers) = (&walk.snapshot.rules, &answer.headers);
        if !gated.may_be_library(walk, parts, answer) {
            return Ok(Arrived::Unopened(from));
        }
        let looked = Box::pin(script::look(from, headers)).await;
        let (code, from) = looked.map_err(|cause| broken_off(&cause))?;
        let Some(code) = code else { return Ok(Arrived::Unopened(from)) };
        let own = |reports: &Reports| first_party::of_library(rules, &gated.fates, &code, reports);
        Ok(match whose(&self.counters, rules, own) {
            Own::Site => {
                self.scripts.learn(walk, headers);
                Arrived::Unopened(from)
            }
            Own::Permitted => Arrived::Library(from),
            Own::Withheld(withheld) => Arrived::Withheld(withheld),
        })
    }

    /// The answer as it goes to the visitor.
    pub(super) fn send_on(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        mut answer: head::Parts,
        (treatment, arrived): (Treatment, Arrived),
        gated: Gated,
    ) -> Response<Body> {
        let body = match (treatment, arrived) {
            (_, Arrived::Withheld(withheld)) => {
                self.counters.libraries_withheld.add(1);
                self.counters.withhold(&walk.snapshot.rules, &withheld.tally);
                Body::own(withheld.instead.replace(&mut answer.headers))
            }
            (Treatment::Rewrite(packed), Arrived::Opened(page)) => {
                self.counters.pages_rewritten.add(1);
                self.counters.banners.add(gated.banners());
                let rules = &walk.snapshot.rules;
                let coding = match packed {
                    Coding::Identity if !packs_plain(rules, &answer.headers) => Coding::Identity,
                    _ => request::coding_for(&parts.headers),
                };
                say_coding(&mut answer.headers, coding);
                let fields = gated.fields_with_ours(walk, &answer.headers);
                let ours = fields.as_ref().is_some_and(|fields| fields.by_digest);
                let body = if parts.method == Method::HEAD {
                    Body::Site(page.close())
                } else {
                    let hashes = csp::Hashes { ours, ..csp::Hashes::of(&answer.headers) };
                    let told = self.told_of_asking(parts, &gated);
                    let document = self.document(walk, &answer.headers, gated).under(hashes);
                    let document = match told {
                        Some(told) => document.asking(told),
                        None => document,
                    };
                    let document = document.in_encoding(page.charset.sent_in());
                    page.change(document, coding, walk.snapshot.rules.site.compression)
                };
                if let Some(fields) = fields {
                    fields.replace(&mut answer.headers);
                }
                body
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

    /// Who counts that a page asks, where a person may see it.
    fn told_of_asking(
        &self,
        parts: &Parts,
        gated: &Gated,
    ) -> Option<impl Fn(&str, TextDigest) + Send + Sync + use<>> {
        let insertion = gated.insertion.as_ref().filter(|insertion| insertion.banner)?;
        if !is_persons(&parts.headers) {
            return None;
        }
        let (counters, kind) = (Arc::clone(&self.counters), insertion.kind.clone());
        Some(move |language: &str, text| counters.answer(Event::Shown, language, &kind, text))
    }

    /// What changes a page that comes with these fields, and counts what it withholds.
    pub(super) fn document(&self, walk: &Walk<'_>, headers: &HeaderMap, gated: Gated) -> Document {
        let Gated { fates, url, insertion, guard, scout, .. } = gated;
        let guard = guard.and_then(|guard| guard.under(headers));
        let insertion = insertion.map(|insertion| insertion.under(headers));
        let (counters, snapshot) = (Arc::clone(&self.counters), Arc::clone(walk.snapshot));
        Document::new(Arc::clone(walk.snapshot), fates, url, insertion)
            .guarded(guard)
            .under(csp::Hashes::of(headers))
            .scouted(scout)
            .handing_in(move |tally| {
                counters.tags_withheld.add(tally.total());
                counters.tags_in_states.add(tally.states());
                counters.withhold(&snapshot.rules, tally);
            })
    }
}

/// Asks whose something of the site's is, and counts what only is reported of it.
pub(super) fn whose(
    counters: &Counters,
    rules: &RuleSet,
    ask: impl FnOnce(&Reports) -> Own,
) -> Own {
    let mut reports = Reports::default();
    let own = ask(&reports);
    let mut tally = Tally::default();
    reports.count(&mut tally);
    counters.withhold(rules, &tally);
    own
}

/// What an answer is gated by.
pub(super) struct Gated {
    pub(super) destination: Destination,
    pub(super) fates: Fates,
    pub(super) url: Url,
    pub(super) insertion: Option<Insertion>,
    /// What runs first in it, if it is a page and anything does.
    pub(super) guard: Option<GuardTag>,
    /// Who looks through it for what no rule knows, if anybody does.
    pub(super) scout: Option<Scout>,
}

impl Gated {
    /// How many banners a page gets.
    pub(super) fn banners(&self) -> u64 {
        u64::from(self.insertion.as_ref().is_some_and(|insertion| insertion.banner))
    }

    /// The site's own policies with what our elements need there, if they need anything.
    fn fields_with_ours(&self, walk: &Walk<'_>, headers: &HeaderMap) -> Option<Fields> {
        // Most sites have none.
        headers.get(CONTENT_SECURITY_POLICY)?;
        let insertion = self.insertion.clone().map(|insertion| insertion.under(headers));
        let guard = self.guard.clone().and_then(|guard| guard.under(headers));
        Ours::of(walk.snapshot, &self.url, insertion.as_ref(), guard.as_ref())
            .let_into_fields(headers)
    }

    /// Lets our elements into the policies of an answer that says that the page is as it was.
    pub(super) fn let_ours_in(&self, walk: &Walk<'_>, headers: &mut HeaderMap) {
        if let Some(fields) = self.fields_with_ours(walk, headers) {
            fields.replace(headers);
        }
    }

    /// Whether the answer has to be looked into for a vendor's library.
    pub(super) fn may_be_library(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        answer: &head::Parts,
    ) -> bool {
        let (rules, path) = (&walk.snapshot.rules, walk.target.path.path());
        let (status, headers) = (answer.status, &answer.headers);
        first_party::may_be_library(rules, &parts.method, status, headers, self.destination, path)
    }
}

/// A body of the site.
pub(super) enum Arrived {
    /// Nobody has looked into it, or it is the site's own.
    Unopened(FromSite),
    /// A page, of which the first bytes were read.
    Opened(Box<Opened>),
    /// A vendor's library, who may have it.
    Library(FromSite),
    /// A withheld vendor's library, which goes no further.
    Withheld(Withheld),
}

impl Arrived {
    /// Whether it is a vendor's library.
    pub(super) fn is_vendors(&self) -> bool {
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

/// Whether a page that came unpacked is packed.
fn packs_plain(rules: &RuleSet, headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    rules.site.packs_plain && length.is_none_or(|bytes: u64| bytes >= PACKED_BYTES_MIN)
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

/// Nothing was sent to the visitor yet, so the site's failure can still be told.
fn broken_off(cause: &BodyError) -> Fault {
    UpstreamFault::Broken(cause.to_string()).into()
}
