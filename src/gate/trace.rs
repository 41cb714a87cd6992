//! What was done in a page, element by element, and why.
//!
//! For operators who ask. The gate itself judges and changes the page, as it does for visitors; a
//! trace only listens, so what it tells cannot differ from what is done. In the gateway there is no
//! trace, and nothing is told.
//!
//! Where a page is cut never shows in what becomes of it, so it is given line by line, and each
//! element is found on the line where it begins.
//!
//! Why the vendor of a rule is withheld, and how all that is printed, is the command's to say.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use url::Url;

use crate::charset::{Charset, HeaderCharset, Reading, decide};
use crate::coding::{Coding, Levels};
use crate::gate::document::Document;
use crate::gate::fate::{Fate, Fates};
use crate::gate::hints;
use crate::gate::reports::Reports;
use crate::gate::stream::Stream;
use crate::html::Element;
use crate::rules::{Action, Naming, RuleSet, Spoken, Use};

/// The letters of a tag that are shown.
const TAG_CHARS_MAX: usize = 120;

/// What rules were asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// An address and what it may be used for.
    Url(String, Vec<Use>),
    /// Code that stands in the page.
    Code,
}

/// Why something is withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// What was asked about.
    pub asked: Asked,
    /// The rules that speak of it, of vendors that are withheld; those that only report where it is
    /// reported, the others where it is withheld.
    pub rules: Vec<Spoken>,
    /// What names it in lists that are not only reporting, where no rule speaks.
    pub lists: Vec<Naming>,
}

impl Ground {
    /// Why what an address may be used for is withheld.
    pub(super) fn of_url(
        rules: &RuleSet,
        fates: &Fates,
        page: &Url,
        url: &Url,
        uses: &[Use],
    ) -> Ground {
        let asked = Asked::Url(url.to_string(), uses.to_vec());
        let mut lists = rules.naming_at(page, url, uses);
        lists.retain(|naming| rules.lists()[naming.list].action == Action::Hold);
        Ground { asked, rules: withheld(fates, rules.spoken_at_url(url, uses)), lists }
    }

    /// Which rules only report what an address may be used for, if any do.
    pub(super) fn of_reported_url(
        rules: &RuleSet,
        fates: &Fates,
        url: &Url,
        uses: &[Use],
    ) -> Option<Ground> {
        let asked = Asked::Url(url.to_string(), uses.to_vec());
        let rules = reported(fates, rules.spoken_at_url(url, uses));
        (!rules.is_empty()).then(|| Ground { asked, rules, lists: Vec::new() })
    }

    /// Which rules only report code, if any do.
    pub(super) fn of_reported_code(rules: &RuleSet, fates: &Fates, code: &[u8]) -> Option<Ground> {
        let rules = reported(fates, rules.spoken_in_script(code));
        (!rules.is_empty()).then(|| Ground { asked: Asked::Code, rules, lists: Vec::new() })
    }

    /// Why code is withheld.
    pub(super) fn of_code(rules: &RuleSet, fates: &Fates, code: &[u8]) -> Ground {
        let rules = withheld(fates, rules.spoken_in_script(code));
        Ground { asked: Asked::Code, rules, lists: Vec::new() }
    }
}

/// The rules by which something is withheld.
fn withheld(fates: &Fates, mut rules: Vec<Spoken>) -> Vec<Spoken> {
    rules.retain(|rule| fates.of_rule(rule.said()) != Fate::Permit);
    rules
}

/// The rules by which something is reported that passes.
fn reported(fates: &Fates, mut rules: Vec<Spoken>) -> Vec<Spoken> {
    rules.retain(|rule| fates.only_reported(rule.said()).is_some());
    rules
}

/// What was done to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It stays in its place and does not run.
    Held,
    /// The same, and its vendor's stub stands before it.
    HeldBehindStub,
    /// It is gone, and comes with the next page after it is agreed to.
    Stripped,
    /// It is gone.
    Removed,
    /// It stays without its address.
    AddressTaken,
    /// It stays, and shows a box of ours that says what it would be.
    Boxed,
    /// It stays without an attribute of it.
    AttributeTaken,
    /// Its stylesheet stays without some addresses.
    StyleCleared,
    /// It runs, and the loader in it loads an empty file of ours.
    LedAway,
    /// What it says to load in JSON is led away or left out.
    JsonChanged,
    /// It stays without what stood in it: settings that name a vendor, or a document in which others
    /// stand too deep.
    Emptied,
    /// The elements that stood in its text are text.
    MadeText,
    /// Part of it is overwritten: it is too long to be held.
    Overwritten,
    /// Nothing: rules speak of it that only report.
    Reported,
}

impl Deed {
    /// Whether nothing of the element passes, so that nothing of it is only reported.
    pub(super) const fn is_of_all(self) -> bool {
        matches!(self, Deed::Held | Deed::HeldBehindStub | Deed::Stripped | Deed::Removed)
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Deed::Held => "held",
            Deed::HeldBehindStub => "held behind its stub",
            Deed::Stripped => "stripped",
            Deed::Removed => "removed",
            Deed::Boxed => "a box of ours shown in its place",
            Deed::AddressTaken => "address taken",
            Deed::AttributeTaken => "attribute taken",
            Deed::StyleCleared => "style cleared",
            Deed::LedAway => "led away",
            Deed::JsonChanged => "json changed",
            Deed::Emptied => "emptied",
            Deed::MadeText => "made text",
            Deed::Overwritten => "overwritten",
            Deed::Reported => "reported only",
        }
    }
}

/// An element that was changed, or a field of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line on which it begins; a field has none.
    pub line: Option<usize>,
    /// Its start tag, or the field, shortened.
    pub tag: String,
    /// What was done.
    pub deed: Deed,
    /// Why; nothing where no rule is needed for it.
    pub grounds: Vec<Ground>,
}

impl Finding {
    /// What goes of the fields that a page at `page` comes with, hints and where they lead on.
    pub fn in_fields(
        headers: &HeaderMap,
        rules: &RuleSet,
        fates: &Fates,
        page: &Url,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for lead in hints::leads(headers, page) {
            let goes = |(to, uses): &&(Url, &[Use])| {
                let reports = Reports::default();
                fates.of_url_in(rules, page, to, uses, &reports) != Fate::Permit
            };
            let ground = |(to, uses): &(Url, &[Use])| Ground::of_url(rules, fates, page, to, uses);
            let mut grounds: Vec<_> = lead.to.iter().filter(goes).map(ground).collect();
            let mut deed = Deed::Removed;
            if grounds.is_empty() {
                deed = Deed::Reported;
                let reported =
                    |(to, uses): &(Url, &[Use])| Ground::of_reported_url(rules, fates, to, uses);
                grounds = lead.to.iter().filter_map(reported).collect();
            }
            if !grounds.is_empty() {
                let tag = shortened(&[lead.name.as_str().as_bytes(), b": ", lead.said].concat());
                findings.push(Finding { line: None, tag, deed, grounds });
            }
        }
        findings
    }
}

/// What listens to the gate while it reads one page.
#[derive(Debug, Default)]
pub struct Trace(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    /// The line that is read.
    line: usize,
    /// Why the element that is looked at is withheld, so far.
    grounds: Vec<Ground>,
    /// What only is reported of it.
    reported: Vec<Ground>,
    findings: Vec<Finding>,
}

impl Trace {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another element is looked at.
    pub(super) fn begin(&self) {
        self.heard().grounds.clear();
    }

    /// Rules speak of what is withheld.
    pub(super) fn ground(&self, ground: Ground) {
        let mut heard = self.heard();
        if !heard.grounds.contains(&ground) {
            heard.grounds.push(ground);
        }
    }

    /// Rules speak of something that only report it.
    pub(super) fn reported(&self, ground: Ground) {
        let mut heard = self.heard();
        if !heard.reported.contains(&ground) {
            heard.reported.push(ground);
        }
    }

    /// An element is done with: tells what only was reported of it.
    pub(super) fn end(&self, element: &Element<'_>) {
        let grounds = std::mem::take(&mut self.heard().reported);
        if !grounds.is_empty() {
            let line = Some(self.line_of(element));
            let (tag, deed) = (shortened(element.tag()), Deed::Reported);
            self.heard().findings.push(Finding { line, tag, deed, grounds });
        }
    }

    /// Something was done to an element.
    pub(super) fn done(&self, element: &Element<'_>, deed: Deed) {
        let line = self.line_of(element);
        if deed.is_of_all() {
            self.heard().reported.clear();
        }
        self.found(line, element.tag(), deed);
    }

    /// Something was done to what is passing.
    pub(super) fn done_here(&self, tag: &[u8], deed: Deed) {
        let line = self.heard().line;
        self.found(line, tag, deed);
    }

    fn found(&self, line: usize, tag: &[u8], deed: Deed) {
        let mut heard = self.heard();
        let grounds = std::mem::take(&mut heard.grounds);
        heard.findings.push(Finding { line: Some(line), tag: shortened(tag), deed, grounds });
    }

    /// The line on which an element begins that ends on the line that is read.
    fn line_of(&self, element: &Element<'_>) -> usize {
        let within = lines(element.tag()) + lines(element.text().unwrap_or_default());
        self.heard().line.saturating_sub(within)
    }

    /// Reads the text of an element as a page of its own, line by line.
    pub(super) fn within<T>(
        &self,
        element: &Element<'_>,
        text: &[u8],
        mut read: impl FnMut(&[u8]) -> Result<(), T>,
    ) -> Result<(), T> {
        let here = self.heard().line;
        let first = self.line_of(element) + lines(element.tag());
        let mut failed = Ok(());
        for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            self.heard().line = first + number;
            failed = read(line);
            if failed.is_err() {
                break;
            }
        }
        self.heard().line = here;
        failed
    }

    /// How much was found so far.
    pub(super) fn count(&self) -> usize {
        self.heard().findings.len()
    }

    /// Makes what was found after so much the grounds of what contains it.
    pub(super) fn gather(&self, count: usize) {
        let mut heard = self.heard();
        let count = count.min(heard.findings.len());
        let inner = heard.findings.split_off(count);
        for Finding { deed, grounds, .. } in inner {
            match deed {
                Deed::Reported => heard.reported.extend(grounds),
                _ => heard.grounds.extend(grounds),
            }
        }
    }

    /// Reads a page as it would go to a visitor, and tells what was done in it.
    pub fn of_page(document: Document, charset: Charset, page: &[u8]) -> io::Result<Vec<Finding>> {
        let trace = Arc::new(Trace::default());
        let document = document.traced(Arc::clone(&trace));
        // Two bytes a letter have no lines; what they say has.
        let utf16 = matches!(charset.reading(), Reading::Utf16(_));
        let text = charset.encoding().filter(|_| utf16).map(|encoding| encoding.decode(page).0);
        let page = text.as_ref().map_or(page, |text| text.as_bytes());
        let charset = match &text {
            Some(_) => decide(&HeaderCharset::Named(encoding_rs::UTF_8), None, page, true),
            None => Some(charset),
        };
        let stream = charset.and_then(|charset| {
            Stream::new(charset, document, Coding::Identity, Levels::default())
        });
        let mut stream =
            stream.ok_or_else(|| io::Error::other("in an encoding that is not read"))?;
        let mut out = Vec::new();
        for (number, line) in page.split_inclusive(|byte| *byte == b'\n').enumerate() {
            trace.heard().line = number + 1;
            stream.take(line, &mut out)?;
            out.clear();
        }
        stream.finish(&mut out)?;
        let mut findings = std::mem::take(&mut trace.heard().findings);
        findings.sort_by_key(|finding| finding.line);
        Ok(findings)
    }
}

fn lines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// A tag on one line, and no longer than can be read.
fn shortened(tag: &[u8]) -> String {
    let text = String::from_utf8_lossy(tag);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(TAG_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
