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
//! Markup is read by [`crate::html`], addresses by the WHATWG URL rules, and which vendor they
//! belong to is said by the rules. This file only joins the three.

use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};
use url::Url;

use super::address::{Glance, glance, is_data};
use super::fate::{Fate, Fates};
use super::hints::is_hint;
use super::inert::Script;
use super::overlong;
use crate::banner::Carrier;
use crate::html::{Attribute, Edit, Element, Interest, Namespace, Refused, Stretch, rewrite};
use crate::policy::Reason;
use crate::rules::Use;
use crate::snapshot::Snapshot;
use crate::time::Day;

/// How deep documents may stand in each other (`srcdoc` in `srcdoc`); below, they are emptied.
const DEPTH_MAX: u8 = 4;

/// How many bases of one page are looked at. A page has one; more are a mistake or an attack.
const BASES_MAX: usize = 8;

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

/// Where relative addresses may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Base {
    /// To hosts that no rule speaks of.
    Elsewhere,
    /// To a host that a rule speaks of, or, of a base without one, nobody knows where.
    Named,
    /// There are more bases than are looked at.
    Unknown,
}

impl Base {
    fn of(snapshot: &Snapshot, url: &Url) -> Base {
        match url.host_str() {
            Some(host) if !snapshot.rules.names_host(host) => Base::Elsewhere,
            _ => Base::Named,
        }
    }
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
    language: Option<String>,
    looks_whole: bool,
    /// Whether the element shown last is held.
    held_last: bool,
    held: u64,
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
            insertion,
            language: None,
            looks_whole: false,
            held_last: false,
            held: 0,
        }
    }

    /// The same for a page in another encoding than UTF-8.
    #[must_use]
    pub fn in_encoding(self, encoding: &'static Encoding) -> Document {
        Document { encoding, ..self }
    }

    /// How many elements were held or removed.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Whether an address without its scheme is a withheld vendor's, whatever it is used for.
    fn leads_to_withheld(&self, address: &[u8]) -> bool {
        let uses = [Use::Script, Use::Image, Use::Frame, Use::Link];
        uses.into_iter().any(|used| self.fate_of_url(address, used) != Fate::Permit)
    }

    /// Whether it can be seen at a glance that no rule speaks of where an address leads.
    fn leads_elsewhere(&self, address: &[u8]) -> bool {
        let elsewhere = match glance(address) {
            Glance::Relative => self.base == Base::Elsewhere,
            Glance::Host(host) => !self.snapshot.rules.names_host(&host),
            Glance::Unclear => false,
        };
        elsewhere && !self.snapshot.rules.may_be_first_party(address)
    }

    /// What becomes of what an attribute leads to.
    fn fate_at(&self, address: Attribute<'_>, used: Use) -> Fate {
        if self.leads_elsewhere(address.raw_value()) {
            return Fate::Permit;
        }
        self.fate_of_url(&address.value(), used)
    }

    fn fate_of_url(&self, address: &[u8], used: Use) -> Fate {
        if self.leads_elsewhere(address) || (is_data(address) && used != Use::Script) {
            return Fate::Permit;
        }
        // What a browser makes of letters beyond ASCII depends on the page's encoding, and may be
        // nothing (a soft hyphen) or ASCII (a letter of double width).
        let (read, _) = UTF_8.decode_without_bom_handling(address);
        let mut fate = self.fate_of_read(&read, used);
        if self.encoding != UTF_8 && !address.is_ascii() {
            let (read, _) = self.encoding.decode_without_bom_handling(address);
            fate = fate.or_stricter(self.fate_of_read(&read, used));
        }
        fate
    }

    fn fate_of_read(&self, address: &str, used: Use) -> Fate {
        // What no browser can load needs no verdict.
        let urls = self.bases.iter().filter_map(|base| base.join(address).ok());
        let fates = urls.map(|url| {
            let of_url = self.fates.of_url(&self.snapshot.rules, &url, used);
            match (used, url.scheme()) {
                (Use::Script, "data") => of_url.or_stricter(self.fate_of_data(url.as_str())),
                _ => of_url,
            }
        });
        // A base that was not looked at might lead anywhere.
        let unknown = self.base == Base::Unknown && Url::parse(address).is_err();
        let least = if unknown { Fate::Undeclared } else { Fate::Permit };
        fates.fold(least, Fate::or_stricter)
    }

    /// Code that stands in its own address: some caches make inline scripts so.
    fn fate_of_data(&self, url: &str) -> Fate {
        let body = data_url::DataUrl::process(url).ok().and_then(|data| data.decode_to_vec().ok());
        body.map_or(Fate::Permit, |(code, _)| self.fate_of_code(&code))
    }

    fn fate_of_code(&self, code: &[u8]) -> Fate {
        self.fates.strictest(self.snapshot.rules.in_script(code))
    }

    /// An edit for a document that stands inside this one.
    fn inner(&self) -> Document {
        Document {
            snapshot: Arc::clone(&self.snapshot),
            fates: self.fates.clone(),
            bases: Arc::clone(&self.bases),
            base: self.base,
            encoding: self.encoding,
            depth: self.depth + 1,
            insertion: None,
            language: None,
            looks_whole: false,
            held_last: false,
            held: 0,
        }
    }

    fn script(&mut self, element: &mut Element<'_>) {
        let code = element.code();
        let text = code.as_ref().map_or(&b""[..], |code| &code.text);
        // What stands in a script by itself is not shown by itself, and may be a pixel.
        if code.as_ref().is_some_and(|code| code.holds_elements) {
            element.set_text(escaped(text));
            self.held += 1;
        }
        let script = Script::of(element);
        if !script.runs {
            // Only the gate may promise a script to the banner's release.
            if element.attribute(b"data-consent").is_some() {
                element.remove_attribute(b"data-consent");
            }
            return;
        }
        let mut fate = self.fate_of_code(text);
        for source in script.sources.into_iter().flatten() {
            fate = fate.or_stricter(self.fate_at(source, Use::Script));
        }
        // A start tag that is longer than what is held: its address may stand in the rest. And in
        // SVG what follows of a script is not shown again.
        let in_svg = element.namespace() == Namespace::Svg;
        let closed = element.tag().ends_with(b"/>");
        let unseen = in_svg && !closed && (element.is_cut() || element.text().is_none());
        if !element.is_tag_complete() || unseen {
            fate = Fate::Undeclared;
        }
        let purpose = match fate {
            Fate::Permit => return,
            Fate::Hold(purpose) => purpose.name(),
            Fate::Undeclared => Reason::Undeclared.name(),
        };
        Script::hold(element, purpose);
        self.held_last = true;
        self.held += 1;
    }

    /// Whether the address in an attribute belongs to a withheld vendor.
    fn withholds(&self, element: &Element<'_>, attribute: &[u8], used: Use) -> bool {
        let address = element.written(attribute);
        address.is_some_and(|address| self.fate_at(address, used) != Fate::Permit)
    }

    /// Removes an element whose address belongs to a withheld vendor.
    fn remove_if_withheld(&mut self, element: &mut Element<'_>, attribute: &[u8], used: Use) {
        if self.withholds(element, attribute, used) {
            element.remove();
            self.held += 1;
        }
    }

    /// Takes the address of an element that has to stay, because of what stands inside it or
    /// what it does besides.
    fn clear_if_withheld(&mut self, element: &mut Element<'_>, attribute: &[u8], used: Use) {
        if self.withholds(element, attribute, used) {
            element.remove_attribute(attribute);
            self.held += 1;
        }
    }

    fn image(&mut self, element: &mut Element<'_>) {
        if self.names_withheld_image(element) {
            element.remove();
            self.held += 1;
        }
    }

    /// Whether a picture may be fetched from a withheld vendor: by its address, or by one of
    /// its candidates for other screens (HTML §4.8.4.2.1).
    fn names_withheld_image(&self, element: &Element<'_>) -> bool {
        let withheld = |address: &[u8]| self.fate_of_url(address, Use::Image) != Fate::Permit;
        let candidates = element.attribute(b"srcset").unwrap_or_default();
        let mut candidates = candidates
            .split(|b| *b == b',')
            .filter_map(|part| part.trim_ascii().split(u8::is_ascii_whitespace).next())
            .filter(|candidate| !candidate.is_empty());
        self.withholds(element, b"src", Use::Image) || candidates.any(withheld)
    }

    fn iframe(&mut self, element: &mut Element<'_>) {
        // A document in an attribute that is longer than what is held has no end to look at.
        if !element.is_tag_complete() {
            element.remove();
            self.held += 1;
            return;
        }
        // A frame's inline document hides its `src` (HTML §4.8.5).
        let Some(inner) = element.attribute(b"srcdoc") else {
            self.data_frame(element);
            return self.remove_if_withheld(element, b"src", Use::Frame);
        };
        if self.depth >= DEPTH_MAX {
            element.set_attribute(b"srcdoc", b"");
            self.held += 1;
            return;
        }
        let Ok((rewritten, edit)) = rewrite(&inner, self.inner()) else {
            element.set_attribute(b"srcdoc", b"");
            self.held += 1;
            return;
        };
        if rewritten != *inner {
            element.set_attribute(b"srcdoc", &rewritten);
            self.held += edit.held;
        }
    }

    /// A frame whose document stands in its address goes if anything in it would.
    fn data_frame(&mut self, element: &mut Element<'_>) {
        let Some(address) = element.written(b"src") else { return };
        if glance(address.raw_value()) != Glance::Unclear {
            return;
        }
        let address = address.value();
        let address = String::from_utf8_lossy(&address);
        let Ok(url) = self.bases[0].join(&address) else { return };
        if url.scheme() != "data" || self.depth >= DEPTH_MAX {
            return;
        }
        let data = data_url::DataUrl::process(url.as_str()).ok();
        let Some((inner, _)) = data.and_then(|data| data.decode_to_vec().ok()) else { return };
        let held = rewrite(&inner, self.inner()).map_or(1, |(_, edit)| edit.held);
        if held > 0 {
            element.remove();
            self.held += held;
        }
    }

    /// What a browser without scripts would read as markup: its pixels and frames go, the
    /// rest stays.
    fn noscript(&mut self, element: &mut Element<'_>) {
        if !element.is_tag_complete() {
            return element.remove();
        }
        let Some(inner) = element.text().filter(|text| !text.is_empty()) else { return };
        let Ok((rewritten, edit)) = rewrite(inner, self.inner()) else { return element.remove() };
        // What there may be more of than is held, nobody reads with scripts on: it goes.
        if edit.held > 0 || element.is_cut() {
            element.set_text(rewritten);
            self.held += edit.held;
        }
    }

    fn link(&mut self, element: &mut Element<'_>) {
        let Some(rel) = element.attribute(b"rel") else { return };
        if is_hint(&rel) {
            self.remove_if_withheld(element, b"href", Use::Link);
        }
    }

    fn set_base(&mut self, element: &Element<'_>) {
        let Some(href) = element.attribute(b"href") else { return };
        // A base that is no address, or one of these, leaves the page's own in place (HTML §4.2.3).
        let base = self.bases[0].join(&String::from_utf8_lossy(&href)).ok();
        let base = base.filter(|base| !matches!(base.scheme(), "data" | "javascript"));
        let Some(base) = base.filter(|base| !self.bases.contains(base)) else { return };
        if self.bases.len() == BASES_MAX {
            self.base = Base::Unknown;
        } else {
            self.base = self.base.max(Base::of(&self.snapshot, &base));
            Arc::make_mut(&mut self.bases).push(base);
        }
    }

    /// Writes the banner or the control, once.
    fn insert(&mut self, out: &mut Vec<u8>) {
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
        let own = self.bases[0].origin();
        let foreign = self.bases.iter().any(|base| base.origin() != own);
        let origin = if foreign { own.ascii_serialization() } else { String::new() };
        let page = Carrier {
            return_to: &insertion.return_to,
            nonce: insertion.nonce.as_deref(),
            origin: &origin,
        };
        match (&face.layer, &face.control) {
            (Some(layer), _) if insertion.banner => layer.write(out, &insertion.token, page),
            (_, Some(control)) => control.write(out, page),
            _ => {}
        }
    }
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
            (b"base", _) => self.set_base(element),
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
        let in_tag = stretch.in_tag;
        let rules = &self.snapshot.rules;
        let withheld = |vendor: usize| self.fates.of_vendor(vendor) != Fate::Permit;
        self.held += overlong::overwrite(stretch, |bytes| match in_tag {
            true => overlong::addresses(bytes)
                .filter(|at| self.leads_to_withheld(&bytes[at.clone()]))
                .collect(),
            false => rules.spans_in_script(bytes, withheld),
        })?;
        Ok(())
    }

    fn doctype(&mut self) {
        self.looks_whole = true;
    }

    fn end_tag(&mut self, name: &[u8], before: &mut Vec<u8>) {
        if matches!(name, b"body" | b"html") {
            self.insert(before);
        }
    }

    fn end(&mut self, after: &mut Vec<u8>) {
        self.insert(after);
    }
}
