//! What the gate does in a page.
//!
//! External and inline scripts of withheld vendors are *held*: they stay where they are, inert,
//! and the banner's script can release them in document order. Pixels, frames and hints of
//! withheld vendors stay without their addresses. The banner, or the control, comes before `</body>`.
//! Where a rule says so, these go altogether, or the vendor's stub comes before a script, or nothing is
//! done and it is counted.
//!
//! A script that is held has `type="text/plain"` and `data-consent="<purpose>"`, with
//! `data-consent-type` and `data-consent-src` for what it had. One whose vendor the policy does
//! not name carries `undeclared` and is never released.
//!
//! Markup is read by [`crate::html`], addresses by the WHATWG URL rules, and which vendor they
//! belong to is said by the rules. This folder only joins the three; what it did is counted in a
//! [`super::tally`], and told to who asks by [`super::trace`].

mod amp;
mod attributes;
mod frame;
mod guard;
mod judge;
mod load;
mod maps;
mod script;
mod stub;

use std::fmt;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};
use http::HeaderMap;
use url::Url;

use self::attributes::{begins, may_act, may_begin};
pub use self::guard::GuardTag;
use self::judge::Base;
use super::csp::{self, Hashes};
use super::fate::{Fate, Fates, Whose};
use super::overlong;
use super::reports::Reports;
use super::scout::Scout;
use super::tally::{Account, Kind, Tally};
use super::trace::{Deed, Trace};
use crate::banner::Carrier;
use crate::html::{Edit, Element, Interest, Namespace, Refused, Stretch};
use crate::policy::TextDigest;
use crate::rules::Use;
use crate::snapshot::Snapshot;
use crate::time::Day;

/// What is put before `</body>`.
#[derive(Clone, Debug)]
pub struct Insertion {
    /// The policy version whose face is shown.
    pub policy: Day,
    /// The banner, or only the control.
    pub banner: bool,
    /// The version whose notice is shown, where the banner is not.
    pub notice: Option<Day>,
    /// The form's token.
    pub token: String,
    /// The page's own path and query, to return to.
    pub return_to: String,
    /// The kind of page that it is, as it is counted.
    pub kind: String,
    /// The nonce of the page's policy, if it has one.
    pub nonce: Option<String>,
    /// The purposes that are asked about and permitted, with spaces between.
    pub permitted: String,
    /// Whether the page's policy would stop what an agreement releases.
    pub reload: bool,
    /// The visitor's `Accept-Language`, for pages that do not say theirs.
    pub accept_language: String,
    /// Whether the browser said that this is a document at the top of a tab. If it said
    /// nothing, the markup must look like a whole page.
    pub is_document: bool,
}

impl Insertion {
    /// The same in a page that comes with these policies.
    #[must_use]
    pub fn under(self, headers: &HeaderMap) -> Insertion {
        let reload = self.reload || csp::texts(headers).any(csp::wants_trusted_types);
        Insertion { nonce: csp::nonce(headers), reload, ..self }
    }

    /// What is filled in of it, in a page whose base is another's if `origin` is said.
    fn carrier<'a>(&'a self, by_digest: bool, origin: &'a str) -> Carrier<'a> {
        let Insertion { return_to, kind, permitted, nonce, reload, .. } = self;
        let (nonce, reload) = (nonce.as_deref(), *reload);
        Carrier { return_to, kind, nonce, permitted, by_digest, reload, origin }
    }
}

/// Who is told that a page asks.
struct Asking(Box<Told>);

type Told = dyn Fn(&str, TextDigest) + Send + Sync;

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

/// Whether something was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    Due,
    Done,
}

/// The edit of one page.
#[derive(Debug)]
pub struct Document {
    snapshot: Arc<Snapshot>,
    fates: Fates,
    /// What relative addresses may be relative to: the page's own address, and each base that
    /// the markup names. Which one counts is the tree builder's to know (a template's does not),
    /// so an address is judged against all.
    bases: Arc<Vec<Url>>,
    base: Base,
    /// The encoding that the page is read in.
    encoding: &'static Encoding,
    /// How many documents this one stands in.
    depth: u8,
    insertion: Option<Insertion>,
    /// The guard's tag, if the page gets one.
    guard: Option<GuardTag>,
    guarding: Put,
    /// The style that hides the site's banner.
    hiding: Put,
    language: Option<String>,
    looks_whole: bool,
    /// What may not be changed in one letter.
    hashes: Hashes,
    /// Whether the element shown last is held.
    held_last: bool,
    /// Whether the next script may be the settings of an `<amp-analytics>`.
    amp_settings_follow: bool,
    tally: Account,
    /// The vendors whose stubs are in the page, by their place in the rules.
    stubs: Vec<usize>,
    /// What only is reported of the element in hand.
    reports: Reports,
    /// Who wants to know what is done and which rules speak, if anybody does.
    trace: Option<Arc<Trace>>,
    /// Who is told that this page asks, if anybody counts it.
    asking: Option<Asking>,
    /// Who is told of what no rule knows, if this page is looked through for it.
    scout: Option<Scout>,
}

impl Document {
    /// An edit for the page at `url`.
    pub fn new(
        snapshot: Arc<Snapshot>,
        fates: Fates,
        url: Url,
        insertion: Option<Insertion>,
    ) -> Document {
        Document {
            base: Base::of(&snapshot, &url),
            snapshot,
            fates,
            bases: Arc::new(vec![url]),
            encoding: UTF_8,
            depth: 0,
            hiding: Put::Due,
            insertion,
            guard: None,
            guarding: Put::Done,
            language: None,
            looks_whole: false,
            held_last: false,
            amp_settings_follow: false,
            hashes: Hashes::default(),
            tally: Account::new(),
            stubs: Vec::new(),
            reports: Reports::default(),
            trace: None,
            asking: None,
            scout: None,
        }
    }

    /// The same with a guard before all that runs.
    #[must_use]
    pub fn guarded(self, guard: Option<GuardTag>) -> Document {
        let guarding = if guard.is_some() { Put::Due } else { Put::Done };
        Document { guard, guarding, ..self }
    }

    /// The same for a page in another encoding than UTF-8.
    #[must_use]
    pub fn in_encoding(self, encoding: &'static Encoding) -> Document {
        Document { encoding, ..self }
    }

    /// The same for a page that comes under policies with digests.
    #[must_use]
    pub fn under(self, hashes: Hashes) -> Document {
        Document { hashes, ..self }
    }

    /// The same with somebody who listens.
    #[must_use]
    pub(super) fn traced(self, trace: Arc<Trace>) -> Document {
        Document { trace: Some(trace), ..self }
    }

    /// The same with somebody who is told of what no rule knows, if anybody is.
    #[must_use]
    pub fn scouted(self, scout: Option<Scout>) -> Document {
        Document { scout, ..self }
    }

    /// The same, with somebody who is told in which language, and by which text, the page asks.
    #[must_use]
    pub fn asking(self, told: impl Fn(&str, TextDigest) + Send + Sync + 'static) -> Document {
        Document { asking: Some(Asking(Box::new(told))), ..self }
    }

    /// The same, with somebody who is told what was withheld when the page is done with.
    #[must_use]
    pub fn handing_in(mut self, to: impl Fn(&Tally) + Send + Sync + 'static) -> Document {
        self.tally.hand_in(to);
        self
    }

    /// What was held, removed or put out of use.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Counts what was done to an element, and tells whoever listens.
    fn done(&mut self, element: &Element<'_>, fate: Fate, kind: Kind, deed: Deed) {
        let whose = fate.whose().unwrap_or(Whose::Unknown);
        self.done_all(element, &Tally::of(whose, kind), deed);
    }

    /// The same where it was done for several reasons at once.
    fn done_all(&mut self, element: &Element<'_>, tally: &Tally, deed: Deed) {
        self.tally.add_all(tally);
        if deed.is_of_all() {
            self.reports.forget();
        }
        if let Some(trace) = &self.trace {
            trace.done(element, deed);
        }
    }

    /// Counts what only was reported of an element, and tells whoever listens.
    fn end_element(&mut self, element: &Element<'_>) {
        self.reports.count(&mut self.tally);
        if let Some(trace) = &self.trace {
            trace.end(element);
        }
    }

    /// What was heard was no reason to do anything.
    fn forget_grounds(&self) {
        if let Some(trace) = &self.trace {
            trace.begin();
        }
    }

    /// Writes the style that hides the site's banner, once.
    fn hide(&mut self, out: &mut Vec<u8>) {
        let Some(insertion) = self.insertion.as_ref().filter(|_| self.hiding == Put::Due) else {
            return;
        };
        if !(insertion.is_document || self.looks_whole) {
            return;
        }
        if let Some(hiding) = &self.snapshot.hiding {
            hiding.write(out, insertion.carrier(self.hashes.ours, &self.foreign_origin()));
        }
        self.hiding = Put::Done;
    }

    /// The page's origin, where a base of it is another.
    fn foreign_origin(&self) -> String {
        let own = self.bases[0].origin();
        let foreign = self.bases.iter().any(|base| base.origin() != own);
        if foreign { own.ascii_serialization() } else { String::new() }
    }

    /// Writes the banner, or the notice of a new version and the control, once.
    fn insert(&mut self, out: &mut Vec<u8>) {
        self.hide(out);
        let Some(insertion) = self.insertion.take() else { return };
        if !(insertion.is_document || self.looks_whole) {
            return;
        }
        let language = self.snapshot.language(self.language.as_deref(), &insertion.accept_language);
        let policy =
            self.snapshot.rules.policies.all().iter().find(|p| p.in_force == insertion.policy);
        let Some(face) = policy.and_then(|policy| self.snapshot.face(policy, language)) else {
            return;
        };
        let origin = self.foreign_origin();
        let page = insertion.carrier(self.hashes.ours, &origin);
        match (&face.layer, &face.control) {
            (Some(layer), _) if insertion.banner => {
                layer.write(out, &insertion.token, page);
                if let Some(Asking(told)) = &self.asking {
                    told(language, face.shown);
                }
            }
            (_, control) => {
                let notice = insertion.notice.and_then(|day| self.snapshot.notice(day, language));
                if let Some(notice) = notice {
                    notice.write(out, &insertion.token, page);
                }
                if let Some(control) = control {
                    control.write(out, page);
                }
            }
        }
    }
}

impl Edit for Document {
    const BY_ATTRIBUTES: bool = true;

    fn interest(&mut self, name: &[u8]) -> Interest {
        match name {
            b"script" | b"noscript" | b"iframe" | b"style" => Interest::Whole,
            // What loads something, or says where or what.
            b"img" | b"image" | b"source" | b"input" | b"frame" | b"embed" | b"object"
            | b"link" | b"base" | b"html" | b"head" | b"body" | b"feimage" | b"use" | b"video"
            | b"audio" | b"track" | b"portal" | b"fencedframe" => Interest::Tag,
            _ if name.starts_with(b"amp-") || self.guarding == Put::Due => Interest::Tag,
            _ => Interest::Attributes,
        }
    }

    #[inline]
    fn may_matter(&self, letters: [u8; 2]) -> bool {
        may_begin(letters) || letters == *b"ht"
    }

    #[inline]
    fn matters(&self, name: &[u8], text: &[u8]) -> bool {
        // Hardly any word is a name that matters, and mostly its first letters tell.
        let Some(&[first, second]) = text.first_chunk() else { return false };
        let letters = [first.to_ascii_lowercase(), second.to_ascii_lowercase()];
        (may_begin(letters) && may_act(text, |address| self.may_lead(name, address)))
            || (letters == *b"ht" && name == b"meta" && begins(text, b"http-equiv"))
    }

    fn element(&mut self, element: &mut Element<'_>) {
        self.held_last = false;
        self.put_guard(element);
        self.forget_grounds();
        if element.name() == b"script" {
            self.script(element);
            if element.is_replaced() {
                return self.end_element(element);
            }
        }
        self.clear_attributes(element);
        match (element.name(), element.namespace()) {
            // A frameset ignores an `<svg>` that it holds, and what is in it are frames.
            (b"frame", _) => self.frame(element),
            // What stands around them stays, so only their address goes.
            (b"image" | b"feimage" | b"use", Namespace::Svg) => {
                self.clear_if_withheld(element, b"href", Use::Image);
                self.clear_if_withheld(element, b"xlink:href", Use::Image);
            }
            (_, Namespace::Svg | Namespace::MathMl) => {}
            (b"noscript", _) => self.noscript(element),
            (b"iframe", _) => self.iframe(element),
            // The tree builder takes `image` for `img` (HTML §13.2.6.4.7).
            (b"img" | b"image" | b"source", _) => self.image(element),
            (b"embed", _) => self.frame(element),
            (b"input" | b"audio" | b"track", _) => {
                self.clear_if_withheld(element, b"src", Use::Image);
            }
            (b"video", _) => {
                self.clear_if_withheld(element, b"src", Use::Image);
                self.clear_if_withheld(element, b"poster", Use::Image);
            }
            (b"object", _) => self.object(element),
            (b"portal" | b"fencedframe", _) => self.clear_if_withheld(element, b"src", Use::Frame),
            (b"link", _) => self.link(element),
            (b"meta", _) => self.meta(element),
            (b"style", _) => self.style(element),
            (b"base", _) => self.set_base(element),
            (b"html", _) => {
                self.looks_whole = true;
                if self.language.is_none() {
                    let lang = element.attribute(b"lang");
                    self.language = lang.map(|lang| String::from_utf8_lossy(&lang).into_owned());
                }
            }
            (b"head" | b"body", _) => self.looks_whole = true,
            (name, _) if name.starts_with(b"amp-") => self.amp(element),
            _ => {}
        }
        self.end_element(element);
    }

    fn stretch(&mut self, stretch: &mut Stretch<'_>) -> Result<(), Refused> {
        // What is held does not run, and is released as it came.
        let is_read = stretch.in_tag || matches!(stretch.name, b"script" | b"style");
        if self.held_last || !is_read {
            return Ok(());
        }
        self.forget_grounds();
        // A stylesheet's addresses are as bare as those in a tag.
        let in_tag = stretch.in_tag || stretch.name == b"style";
        let name = stretch.name;
        let overwritten = overlong::overwrite(stretch, |bytes| match in_tag {
            true => self.withheld_addresses(bytes),
            false => self.withheld_code(bytes),
        })?;
        self.reports.count(&mut self.tally);
        if overwritten.is_empty() {
            return Ok(());
        }
        for whose in overwritten {
            self.tally.add(whose, Kind::Inline);
        }
        if let Some(trace) = &self.trace {
            trace.done_here(&[b"<", name].concat(), Deed::Overwritten);
        }
        Ok(())
    }

    fn doctype(&mut self) {
        self.looks_whole = true;
    }

    fn end_tag(&mut self, name: &[u8], before: &mut Vec<u8>) {
        match name {
            b"head" => self.hide(before),
            b"body" | b"html" => self.insert(before),
            _ => {}
        }
    }

    fn end(&mut self, after: &mut Vec<u8>) {
        self.insert(after);
    }
}
