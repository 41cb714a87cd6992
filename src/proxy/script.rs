//! Scripts of the site, of which some may be a vendor's library.
//!
//! Which they are is told by their first bytes, so those are waited for before the head goes out: no
//! browser runs a script before its last byte, and what was read goes on as it came. A site that
//! pauses is not waited for long.
//!
//! A browser may hold a library from before the gateway stood here, and ask whether it is still the
//! same. What a 304 would bring back to life nobody sees, so such a condition goes on only for what
//! was looked into before and is nobody's; else the script is asked for whole. [`Scripts`] remembers.
//!
//! What becomes of a library is [`crate::gate::first_party`]'s to say.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;

use http::HeaderMap;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use http::request::Parts;
use http_body_util::{BodyExt, Limited};

use super::body::{BodyError, FromSite};
use super::paced::Paced;
use super::page::Page;
use super::pass::Walk;
use crate::coding::Coding;
use crate::gate::request::Destination;
use crate::gate::validators::Condition;
use crate::gate::{fields, first_party, request};
use crate::rules::SIGNATURE_BYTES;

/// How many versions of scripts are remembered. Then all are forgotten, and looked into again.
const REMEMBERED_MAX: usize = 8192;

/// How much of a body is read that nobody wants, so that its connection can be used again.
const UNWANTED_BYTES_MAX: usize = 64 * 1024;

/// Versions of scripts that were looked into and are nobody's library.
#[derive(Debug, Default)]
pub struct Scripts {
    known: RefCell<HashSet<u64>>,
    hash: RandomState,
}

impl Scripts {
    /// Makes the fields for the site such that what comes can be looked into.
    pub(super) fn prepare(
        &self,
        walk: &Walk<'_>,
        asked: &Parts,
        destination: Destination,
        condition: &Condition,
        headers: &mut HeaderMap,
    ) {
        let named = || first_party::is_script_file(walk.target.path.path());
        let may_be_script = destination == Destination::Script || named();
        if !may_be_script || !walk.snapshot.rules.has_signatures() {
            return;
        }
        if let Some(codings) = request::readable_codings(&asked.headers) {
            headers.insert(ACCEPT_ENCODING, codings);
        }
        // A tag outweighs a date (RFC 9110 §13.1.3).
        let conditions = [(IF_NONE_MATCH, ETAG), (IF_MODIFIED_SINCE, LAST_MODIFIED)];
        let first = conditions.iter().find(|(field, _)| headers.contains_key(field));
        let is_known = first.is_some_and(|(field, of)| {
            headers.get(field).is_some_and(|value| self.knows(walk, of, value))
        });
        if *condition == Condition::NotOurs && !is_known {
            fields::remove(headers, &[IF_NONE_MATCH, IF_MODIFIED_SINCE]);
        }
    }

    /// Remembers a script that is nobody's, by what the site tells its versions apart by.
    pub(super) fn learn(&self, walk: &Walk<'_>, headers: &HeaderMap) {
        let mut known = self.known.borrow_mut();
        for field in [ETAG, LAST_MODIFIED] {
            if let Some(value) = headers.get(&field) {
                if known.len() >= REMEMBERED_MAX {
                    known.clear();
                }
                known.insert(self.version(walk, &field, value));
            }
        }
    }

    fn knows(&self, walk: &Walk<'_>, field: &HeaderName, value: &HeaderValue) -> bool {
        self.known.borrow().contains(&self.version(walk, field, value))
    }

    fn version(&self, walk: &Walk<'_>, field: &HeaderName, value: &HeaderValue) -> u64 {
        let generation = walk.snapshot.rules.generation;
        let (host, path) = (walk.target.host(), walk.target.path.as_str());
        self.hash.hash_one((generation, host, path, field.as_str(), value.as_bytes()))
    }
}

/// Reads as much of a body as tells a library, and gives it back with the body as it came. Of what is
/// packed in a way that we cannot read nothing is read.
pub(super) async fn look(
    from: FromSite,
    headers: &HeaderMap,
) -> Result<(Option<Vec<u8>>, FromSite), BodyError> {
    let codings = headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
    match Coding::of_body(codings) {
        None => Ok((None, from)),
        Some(coding) => {
            let (first, from) = Page::new(from, coding).look(SIGNATURE_BYTES).await?;
            Ok((Some(first), from))
        }
    }
}

/// Reads a body that nobody wants.
pub(super) async fn discard(body: Paced) {
    let mut body = pin!(Limited::new(body, UNWANTED_BYTES_MAX));
    while let Some(Ok(_)) = body.frame().await {}
}
