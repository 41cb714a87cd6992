//! What the gate does in a page.
//!
//! External and inline scripts of withheld vendors are *held*: they stay where they are, inert,
//! and the banner's script can release them in document order. Pixels, frames and hints of
//! withheld vendors go. The banner, or the control, comes before `</body>`.
//!
//! A script that is held has `type="text/plain"` and `data-consent="<purpose>"`, with
//! `data-consent-type` and `data-consent-src` for what it had. One whose vendor the policy does
//! not name carries `undeclared` and is never released.
//!
//! Markup is read by [`crate::html`], addresses and code are judged by `gate::judge`. This file only
//! joins the two.

use std::cell::Cell;
use std::sync::Arc;

use encoding_rs::Encoding;
use url::Url;

use super::address::{Glance, glance};
use super::fate::{Fate, Fates, Whose};
use super::hints::{is_hint, loads_script};
use super::inert::Script;
use super::judge::Judge;
use super::overlong;
use super::tally::{Account, Kind, Tally};
use super::trace::{Deed, Trace};
use crate::banner::Carrier;
use crate::html::{Edit, Element, Interest, Namespace, Refused, Rewriter, Stretch, rewrite};
use crate::policy::Reason;
use crate::rules::Use;
use crate::snapshot::Snapshot;
use crate::time::Day;

/// How deep documents may stand in each other (`srcdoc` in `srcdoc`); below, they are emptied.
const DEPTH_MAX: u8 = 4;

/// What is put before `</body>`.
#[derive(Clone, Debug)]
pub struct Insertion {
    /// The policy version whose face is shown.
    pub policy: Day,
    /// The banner, or only the control.
    pub banner: bool,
    /// The form's token.
    pub token: String,
    /// The page's own path and query, to return to.
    pub return_to: String,
    /// The nonce of the page's policy, if it has one.
    pub nonce: Option<String>,
    /// The visitor's `Accept-Language`, for pages that do not say theirs.
    pub accept_language: String,
    /// Whether the browser said that this is a document at the top of a tab. If it said
    /// nothing, the markup must look like a whole page.
    pub is_document: bool,
}

/// The edit of one page.
#[derive(Debug)]
pub struct Document {
    judge: Judge,
    /// How many documents this one stands in.
    depth: u8,
    insertion: Option<Insertion>,
    /// Whether the style that hides the site's banner is still to be put in.
    hides: bool,
    language: Option<String>,
    looks_whole: bool,
    /// Whether the element shown last is held.
    held_last: bool,
    tally: Account,
}

impl Document {
    /// An edit for the page at `url`.
    pub fn new(
        snapshot: Arc<Snapshot>,
        fates: Fates,
        url: Url,
        insertion: Option<Insertion>,
    ) -> Document {
        Document::of(Judge::new(snapshot, fates, url), 0, insertion)
    }

    fn of(judge: Judge, depth: u8, insertion: Option<Insertion>) -> Document {
        Document {
            judge,
            depth,
            hides: insertion.is_some(),
            insertion,
            language: None,
            looks_whole: false,
            held_last: false,
            tally: Account::new(),
        }
    }

    /// The same for a page in another encoding than UTF-8.
    #[must_use]
    pub fn in_encoding(self, encoding: &'static Encoding) -> Document {
        Document { judge: self.judge.in_encoding(encoding), ..self }
    }

    /// The same with somebody who listens.
    #[must_use]
    pub(super) fn traced(mut self, trace: Arc<Trace>) -> Document {
        self.judge.trace = Some(trace);
        self
    }

    /// The same, with somebody who is told what was withheld when the page is done with.
    #[must_use]
    pub fn handing_in(mut self, to: impl Fn(&Tally) + Send + Sync + 'static) -> Document {
        self.tally.hand_in(to);
        self
    }

    /// What was held, removed or overwritten.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// An edit for a document that stands inside this one.
    fn inner(&self) -> Document {
        Document::of(self.judge.clone(), self.depth + 1, None)
    }

    /// Counts what was done to an element, and tells whoever listens.
    fn done(&mut self, element: &Element<'_>, fate: Fate, kind: Kind, deed: Deed) {
        self.tally.add(fate.whose().unwrap_or(Whose::Unknown), kind);
        if let Some(trace) = &self.judge.trace {
            trace.done(element, deed);
        }
    }

    fn script(&mut self, element: &mut Element<'_>) {
        let script = Script::of(element);
        if !script.runs {
            // Only the gate may promise a script to the banner's release.
            if element.attribute(b"data-consent").is_some() {
                element.remove_attribute(b"data-consent");
            }
            return;
        }
        let code = element.code();
        let text = code.as_ref().map_or(&b""[..], |code| &code.text);
        let mut fate = self.judge.of_code(text);
        let mut kind = Kind::Inline;
        for source in script.sources.into_iter().flatten() {
            kind = Kind::Script;
            fate = fate.or_stricter(self.judge.of_attribute(source, Use::Script));
        }
        // A start tag that is longer than what is held: its address may stand in the rest. And in
        // SVG what follows of a script is not shown again.
        let in_svg = element.namespace() == Namespace::Svg;
        let closed = element.tag().ends_with(b"/>");
        let unseen = in_svg && !closed && (element.is_cut() || element.text().is_none());
        if !element.is_tag_complete() || unseen {
            fate = Fate::Undeclared(Whose::Unknown);
        }
        let purpose = match fate {
            Fate::Permit => None,
            Fate::Hold(purpose, _) => Some(purpose.name()),
            Fate::Undeclared(_) => Some(Reason::Undeclared.name()),
        };
        if let Some(purpose) = purpose {
            Script::hold(element, purpose);
            self.held_last = true;
            self.done(element, fate, kind, Deed::Held);
        }
        // What stands in a script by itself is not shown by itself, and may be a pixel.
        if code.as_ref().is_some_and(|code| code.holds_elements) {
            element.set_text(escaped(text));
            self.done(element, Fate::Permit, Kind::Inline, Deed::MadeText);
        }
    }

    /// The fate of what the address in an attribute leads to.
    fn fate_by(&self, element: &Element<'_>, attribute: &[u8], used: Use) -> Fate {
        let address = element.written(attribute);
        address.map_or(Fate::Permit, |address| self.judge.of_attribute(address, used))
    }

    /// Removes an element whose address belongs to a withheld vendor.
    fn remove_if_withheld(&mut self, element: &mut Element<'_>, attribute: &[u8], used: Use) {
        let fate = self.fate_by(element, attribute, used);
        if fate != Fate::Permit {
            element.remove();
            self.done(element, fate, Kind::of(used), Deed::Removed);
        }
    }

    /// Takes the address of an element that has to stay, because of what stands inside it or
    /// what it does besides.
    fn clear_if_withheld(&mut self, element: &mut Element<'_>, attribute: &[u8], used: Use) {
        let fate = self.fate_by(element, attribute, used);
        if fate != Fate::Permit {
            element.remove_attribute(attribute);
            self.done(element, fate, Kind::of(used), Deed::AddressTaken);
        }
    }

    fn image(&mut self, element: &mut Element<'_>) {
        let fate = self.fate_of_image(element);
        if fate != Fate::Permit {
            element.remove();
            self.done(element, fate, Kind::Image, Deed::Removed);
        }
    }

    /// The fate of a picture: by its address, and by each of its candidates for other screens (HTML
    /// §4.8.4.2.1).
    fn fate_of_image(&self, element: &Element<'_>) -> Fate {
        let candidates = element.attribute(b"srcset").unwrap_or_default();
        let candidates = candidates
            .split(|b| *b == b',')
            .filter_map(|part| part.trim_ascii().split(u8::is_ascii_whitespace).next())
            .filter(|candidate| !candidate.is_empty())
            .map(|candidate| self.judge.of_url(candidate, Use::Image));
        candidates.fold(self.fate_by(element, b"src", Use::Image), Fate::or_stricter)
    }

    fn iframe(&mut self, element: &mut Element<'_>) {
        // A document in an attribute that is longer than what is held has no end to look at.
        if !element.is_tag_complete() {
            element.remove();
            return self.done(element, Fate::Permit, Kind::Frame, Deed::Removed);
        }
        // A frame's inline document hides its `src` (HTML §4.8.5).
        let Some(inner) = element.attribute(b"srcdoc") else {
            if !self.data_frame(element) {
                self.remove_if_withheld(element, b"src", Use::Frame);
            }
            return;
        };
        let rewritten = (self.depth < DEPTH_MAX).then(|| rewrite(&inner, self.inner()));
        let Some(Ok((rewritten, edit))) = rewritten else {
            element.set_attribute(b"srcdoc", b"");
            return self.done(element, Fate::Permit, Kind::Frame, Deed::Emptied);
        };
        if rewritten != *inner {
            element.set_attribute(b"srcdoc", &rewritten);
            self.tally.add_all(&edit.tally);
        }
    }

    /// A frame whose document stands in its address goes if anything in it would. Says whether it is
    /// gone.
    fn data_frame(&mut self, element: &mut Element<'_>) -> bool {
        let Some(address) = element.written(b"src") else { return false };
        if glance(address.raw_value()) != Glance::Unclear {
            return false;
        }
        let address = address.value();
        let address = String::from_utf8_lossy(&address);
        let Ok(url) = self.judge.page().join(&address) else { return false };
        if url.scheme() != "data" || self.depth >= DEPTH_MAX {
            return false;
        }
        let data = data_url::DataUrl::process(url.as_str()).ok();
        let Some((inner, _)) = data.and_then(|data| data.decode_to_vec().ok()) else {
            return false;
        };
        let before = self.judge.trace.as_ref().map(|trace| trace.count());
        let whose = rewrite(&inner, self.inner()).map_or(Some(Whose::Unknown), |(_, edit)| {
            edit.tally.iter().next().map(|(whose, _, _)| whose)
        });
        if let (Some(trace), Some(before)) = (&self.judge.trace, before) {
            trace.gather(before);
        }
        let Some(whose) = whose else { return false };
        element.remove();
        self.done(element, Fate::Undeclared(whose), Kind::Frame, Deed::Removed);
        true
    }

    /// What a browser without scripts would read as markup: its pixels and frames go, the
    /// rest stays.
    fn noscript(&mut self, element: &mut Element<'_>) {
        if !element.is_tag_complete() {
            element.remove();
            return self.done(element, Fate::Permit, Kind::Image, Deed::Removed);
        }
        let Some(inner) = element.text().filter(|text| !text.is_empty()) else { return };
        let Ok((rewritten, edit)) = self.rewrite_within(element, inner) else {
            element.remove();
            return self.done(element, Fate::Permit, Kind::Image, Deed::Removed);
        };
        // What there may be more of than is held, nobody reads with scripts on: it goes.
        if edit.tally.total() > 0 || element.is_cut() {
            element.set_text(rewritten);
            self.tally.add_all(&edit.tally);
        }
    }

    /// Changes the text of an element as a document of its own.
    fn rewrite_within(
        &self,
        element: &Element<'_>,
        text: &[u8],
    ) -> Result<(Vec<u8>, Document), Refused> {
        let Some(trace) = &self.judge.trace else { return rewrite(text, self.inner()) };
        let mut rewritten = Vec::new();
        let mut out = |bytes: &[u8]| rewritten.extend_from_slice(bytes);
        let mut rewriter = Rewriter::new(self.inner());
        trace.within(element, text, |line| rewriter.write(line, &mut out))?;
        let edit = rewriter.end(&mut out)?;
        Ok((rewritten, edit))
    }

    fn link(&mut self, element: &mut Element<'_>) {
        let Some(rel) = element.attribute(b"rel") else { return };
        if !is_hint(&rel) {
            return;
        }
        let mut fate = self.fate_by(element, b"href", Use::Link);
        if loads_script(&rel, &element.attribute(b"as").unwrap_or_default()) {
            fate = fate.or_stricter(self.fate_by(element, b"href", Use::Script));
        }
        if fate != Fate::Permit {
            element.remove();
            self.done(element, fate, Kind::Hint, Deed::Removed);
        }
    }

    /// Writes the style that hides the site's banner, once.
    fn hide(&mut self, out: &mut Vec<u8>) {
        let Some(insertion) = self.insertion.as_ref().filter(|_| self.hides) else { return };
        if !(insertion.is_document || self.looks_whole) {
            return;
        }
        if let Some(hiding) = &self.judge.snapshot.hiding {
            hiding.write(out, carrier(insertion, &self.foreign_origin()));
        }
        self.hides = false;
    }

    /// The page's origin, where a base of it is another.
    fn foreign_origin(&self) -> String {
        let own = self.judge.page().origin();
        let foreign = self.judge.bases.iter().any(|base| base.origin() != own);
        if foreign { own.ascii_serialization() } else { String::new() }
    }

    /// Writes the banner or the control, once.
    fn insert(&mut self, out: &mut Vec<u8>) {
        self.hide(out);
        let Some(insertion) = self.insertion.take() else { return };
        if !(insertion.is_document || self.looks_whole) {
            return;
        }
        let snapshot = &self.judge.snapshot;
        let language = snapshot.language(self.language.as_deref(), &insertion.accept_language);
        let policy = snapshot.rules.policies.all().iter().find(|p| p.in_force == insertion.policy);
        let Some(face) = policy.and_then(|policy| snapshot.face(policy, language)) else {
            return;
        };
        let origin = self.foreign_origin();
        let page = carrier(&insertion, &origin);
        match (&face.layer, &face.control) {
            (Some(layer), _) if insertion.banner => layer.write(out, &insertion.token, page),
            (_, Some(control)) => control.write(out, page),
            _ => {}
        }
    }
}

fn carrier<'a>(insertion: &'a Insertion, origin: &'a str) -> Carrier<'a> {
    let Insertion { return_to, nonce, .. } = insertion;
    Carrier { return_to, nonce: nonce.as_deref(), origin }
}

/// Text as markup.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut markup = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'&' => markup.extend_from_slice(b"&amp;"),
            b'<' => markup.extend_from_slice(b"&lt;"),
            _ => markup.push(byte),
        }
    }
    markup
}

impl Edit for Document {
    fn interest(&mut self, name: &[u8]) -> Interest {
        match name {
            b"script" | b"noscript" | b"iframe" => Interest::Whole,
            b"img" | b"image" | b"source" | b"input" | b"frame" | b"embed" | b"object"
            | b"link" | b"base" | b"html" | b"head" | b"body" | b"feimage" | b"use" => {
                Interest::Tag
            }
            _ => Interest::Pass,
        }
    }

    fn element(&mut self, element: &mut Element<'_>) {
        self.held_last = false;
        if let Some(trace) = &self.judge.trace {
            trace.begin();
        }
        match (element.name(), element.namespace()) {
            (b"script", _) => self.script(element),
            // A frameset ignores an `<svg>` that it holds, and what is in it are frames.
            (b"frame", _) => self.remove_if_withheld(element, b"src", Use::Frame),
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
            (b"embed", _) => self.remove_if_withheld(element, b"src", Use::Frame),
            (b"input", _) => self.clear_if_withheld(element, b"src", Use::Image),
            (b"object", _) => self.clear_if_withheld(element, b"data", Use::Frame),
            (b"link", _) => self.link(element),
            (b"base", _) => {
                if let Some(href) = element.attribute(b"href") {
                    self.judge.add_base(&href);
                }
            }
            (b"html", _) => {
                self.looks_whole = true;
                if self.language.is_none() {
                    let lang = element.attribute(b"lang");
                    self.language = lang.map(|lang| String::from_utf8_lossy(&lang).into_owned());
                }
            }
            (b"head" | b"body", _) => self.looks_whole = true,
            _ => {}
        }
    }

    fn stretch(&mut self, stretch: &mut Stretch<'_>) -> Result<(), Refused> {
        // What is held does not run, and is released as it came.
        if self.held_last || (!stretch.in_tag && stretch.name != b"script") {
            return Ok(());
        }
        let (in_tag, name) = (stretch.in_tag, stretch.name);
        let Judge { snapshot, fates, .. } = &self.judge;
        let whose = Cell::new(Whose::Unknown);
        let withheld = |vendor: usize| {
            let withheld = fates.of_vendor(vendor).whose();
            whose.set(withheld.unwrap_or(whose.get()));
            withheld.is_some()
        };
        let overwritten = overlong::overwrite(stretch, |bytes| match in_tag {
            true => overlong::addresses(bytes)
                .filter(|at| self.judge.leads_to_withheld(&bytes[at.clone()]))
                .collect(),
            false => snapshot.rules.spans_in_script(bytes, withheld),
        })?;
        for _ in 0..overwritten {
            self.tally.add(whose.get(), Kind::Inline);
        }
        if let (Some(trace), true) = (&self.judge.trace, overwritten > 0) {
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
