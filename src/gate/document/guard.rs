//! The guard's tag: before anything in the page that can run or load.
//!
//! A title, and what a page says of itself, may stand before it: nothing in them runs, and a policy in a
//! `<meta>` binds only what follows. Everything else comes behind, also where a page leaves `<head>` out.
//!
//! Fragments get none: whoever asked for one has a guard in the page that it is put into. Frames do: theirs
//! are other interfaces.
//!
//! The file is [`crate::guard`]'s.

use http::HeaderMap;

use super::super::csp;
use super::{Document, Put};
use crate::html::{Element, Namespace};
use crate::time::Day;

/// What the tag says.
#[derive(Clone, Debug)]
pub struct GuardTag {
    /// The policy version whose guard it is.
    pub policy: Day,
    /// The purposes that are permitted, with spaces between.
    pub permitted: String,
    /// What is withheld and why.
    pub withheld: String,
    /// Whether a release needs the page anew, whose policy cannot be widened.
    pub reloads: bool,
    /// The nonce of the page's policy, if it has one.
    pub nonce: Option<String>,
    /// Whether the browser said that this is a document. If it said nothing, the markup must look like a
    /// whole page.
    pub is_document: bool,
}

impl GuardTag {
    /// The same in a page that comes with these policies; nothing where no script of the page's runs.
    pub fn under(self, headers: &HeaderMap) -> Option<GuardTag> {
        if csp::texts(headers).any(csp::lets_no_script) {
            return None;
        }
        let reloads = self.reloads || csp::texts(headers).any(csp::wants_trusted_types);
        Some(GuardTag { nonce: csp::nonce(headers), reloads, ..self })
    }
}

impl Document {
    /// Puts the tag before the first element that can run or load anything, once.
    pub(super) fn put_guard(&mut self, element: &mut Element<'_>) {
        if self.guarding == Put::Done || is_quiet(element) {
            return;
        }
        let looks_whole = self.looks_whole || matches!(element.name(), b"body" | b"frameset");
        let tag = self.guard.as_ref().filter(|tag| tag.is_document || looks_whole);
        let Some(GuardTag { policy, permitted, withheld, reloads, nonce, .. }) = tag else {
            return;
        };
        let Some(guard) = self.snapshot.guard(*policy) else { return };
        let (origin, path) = (self.foreign_origin(), &guard.file.path);
        // A nonce was only taken from a policy if it is one; nothing else is anybody's to say.
        let nonce = nonce.as_ref().map(|nonce| format!(" nonce=\"{nonce}\"")).unwrap_or_default();
        let integrity = match self.hashes.ours {
            true => format!(" integrity=\"{}\"", guard.file.integrity),
            false => String::new(),
        };
        let reloads = if *reloads { " data-reload" } else { "" };
        let tag = format!(
            "<script src=\"{origin}{path}\"{nonce}{integrity} data-permit=\"{permitted}\" \
             data-withhold=\"{withheld}\"{reloads}></script>"
        );
        element.before(tag.as_bytes());
        self.guarding = Put::Done;
    }

    /// The tag for the document that stands in a frame, if scripts run there.
    pub(super) fn guard_of_frame(&self, frame: &Element<'_>) -> Option<GuardTag> {
        let may_run = frame.attribute(b"sandbox").is_none_or(|allowed| {
            let mut words = allowed.split(u8::is_ascii_whitespace);
            words.any(|word| word.eq_ignore_ascii_case(b"allow-scripts"))
        });
        let guard = self.guard.clone().filter(|_| may_run)?;
        Some(GuardTag { is_document: true, ..guard })
    }
}

/// Whether nothing can come of an element by itself.
fn is_quiet(element: &Element<'_>) -> bool {
    element.namespace() == Namespace::Html
        && match element.name() {
            b"html" | b"head" | b"title" => true,
            b"meta" => element.attribute(b"http-equiv").is_none(),
            _ => false,
        }
}
