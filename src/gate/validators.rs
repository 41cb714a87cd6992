//! Entity tags of pages that depend on consent.
//!
//! A page in two states of consent is two representations, so the site's tag is not enough:
//! ours adds a digest of all that the output depends on. On the way back, a condition that
//! names another state is dropped and the page is sent anew; one of the same state becomes
//! the site's own tag again.
//!
//! The tag is weak: bytes differ from the site's (RFC 9110 §8.8.1). Dates cannot tell states
//! apart, so `Last-Modified` is not passed on and nothing is asked by it.

use data_encoding::HEXLOWER;
use http::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use sha2::{Digest, Sha256};

use super::fields;

/// A digest of everything besides the site's own page that the output depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant([u8; 8]);

impl Variant {
    /// Digests the parts that the output depends on.
    pub fn of(parts: &[&[u8]]) -> Variant {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut digest = [0; 8];
        digest.copy_from_slice(&hash.finalize()[..8]);
        Variant(digest)
    }

    /// The beginning of every opaque tag of this variant: `k1-0123456789abcdef-`.
    fn prefix(self) -> [u8; PREFIX_CHARS] {
        let mut prefix = [b'-'; PREFIX_CHARS];
        prefix[..MARK.len()].copy_from_slice(MARK.as_bytes());
        HEXLOWER.encode_mut(&self.0, &mut prefix[MARK.len()..PREFIX_CHARS - 1]);
        prefix
    }
}

/// How tags of ours begin, and the length of the whole prefix.
const MARK: &str = "k1-";
const PREFIX_CHARS: usize = MARK.len() + 16 + 1;

/// Our tag for a representation that the site tagged, or none where it did not.
pub fn tag(upstream: &HeaderMap, variant: Variant) -> Option<HeaderValue> {
    let theirs = upstream.get(ETAG)?.as_bytes();
    let (strength, opaque) = parse(theirs)?;
    fields::value(|ours| {
        for part in [b"W/\"", &variant.prefix()[..], &[strength], opaque, b"\""] {
            ours.extend_from_slice(part);
        }
    })
}

/// What a request's `If-None-Match` becomes.
#[derive(Debug, PartialEq, Eq)]
pub enum Condition {
    /// The request has none, or none that is ours: it goes on as it came where it is not for
    /// a page, and not at all where it is.
    NotOurs,
    /// Tags of ours: those of this very state, as the site knows them.
    Ours(Option<HeaderValue>),
}

/// Translates a condition back.
pub fn untag(headers: &HeaderMap, variant: Variant) -> Condition {
    let mut found_ours = false;
    let mut theirs: Vec<u8> = Vec::new();
    for field in headers.get_all(IF_NONE_MATCH) {
        for (_, opaque) in tags(field.as_bytes()) {
            if !opaque.starts_with(MARK.as_bytes()) || opaque.len() <= PREFIX_CHARS {
                continue;
            }
            found_ours = true;
            if !opaque.starts_with(&variant.prefix()) {
                continue;
            }
            if !theirs.is_empty() {
                theirs.extend(b", ");
            }
            if opaque[PREFIX_CHARS] == b'w' {
                theirs.extend(b"W/");
            }
            theirs.push(b'"');
            theirs.extend(&opaque[PREFIX_CHARS + 1..]);
            theirs.push(b'"');
        }
    }
    match found_ours {
        false => Condition::NotOurs,
        true if theirs.is_empty() => Condition::Ours(None),
        true => Condition::Ours(HeaderValue::from_bytes(&theirs).ok()),
    }
}

/// Strength (`w` or `s`) and opaque part of an entity tag (RFC 9110 §8.8.3).
fn parse(tag: &[u8]) -> Option<(u8, &[u8])> {
    let (strength, quoted) = match tag.strip_prefix(b"W/") {
        Some(rest) => (b'w', rest),
        None => (b's', tag),
    };
    let opaque = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    (!opaque.contains(&b'"')).then_some((strength, opaque))
}

/// The entity tags of a list. A comma may stand inside one, so quotes decide.
fn tags(list: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let open = memchr::memchr(b'"', rest)?;
        let weak = rest[..open].ends_with(b"W/");
        let after = &rest[open + 1..];
        let close = memchr::memchr(b'"', after)?;
        rest = &after[close + 1..];
        Some((weak, &after[..close]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(etag: &'static str, before: Variant, after: Variant) -> Condition {
        let mut upstream = HeaderMap::new();
        upstream.insert(ETAG, HeaderValue::from_static(etag));
        let ours = tag(&upstream, before).unwrap();
        assert!(ours.as_bytes().starts_with(b"W/\"k1-"), "{ours:?}");
        let mut request = HeaderMap::new();
        request.insert(IF_NONE_MATCH, ours);
        untag(&request, after)
    }

    #[test]
    fn a_tag_comes_back_as_the_site_gave_it_in_the_same_state_alone() {
        let (agreed, declined) = (Variant::of(&[b"agreed"]), Variant::of(&[b"declined"]));
        for etag in ["\"abc\"", "W/\"a,b-c\"", "\"\""] {
            assert_eq!(
                translated(etag, agreed, agreed),
                Condition::Ours(Some(HeaderValue::from_static(etag))),
            );
            assert_eq!(translated(etag, agreed, declined), Condition::Ours(None));
        }
    }

    #[test]
    fn foreign_tags_and_no_tags_are_told_from_ours() {
        let state = Variant::of(&[b"x"]);
        let mut request = HeaderMap::new();
        assert_eq!(untag(&request, state), Condition::NotOurs);
        request.insert(IF_NONE_MATCH, HeaderValue::from_static("\"abc\", W/\"k1-\", *"));
        assert_eq!(untag(&request, state), Condition::NotOurs);
    }

    #[test]
    fn a_malformed_tag_of_the_site_gets_none_of_ours() {
        let mut upstream = HeaderMap::new();
        for malformed in ["abc", "\"a\"b\"", "\"open"] {
            upstream.insert(ETAG, HeaderValue::from_static(malformed));
            assert_eq!(tag(&upstream, Variant::of(&[])), None, "{malformed}");
        }
    }
}
