//! Taking fields out of a header without moving the others, and writing values for new ones.
//!
//! `HeaderMap::remove` puts the last field where the removed one stood. Whoever compares requests or
//! answers by the order of their fields would find another one than was sent, so here the map is
//! built anew.
//!
//! Most requests get half a dozen of values written. They stand behind each other in memory that the thread
//! keeps for it: one by one, each would take memory of its own.

use std::cell::RefCell;

use bytes::BytesMut;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// How much memory is taken at once for values. It is free again when none of those in it is used any more.
const ROOM_BYTES: usize = 8 * 1024;

/// With less than this left, room is made before a value is written.
const ROOM_BYTES_MIN: usize = 512;

thread_local! {
    static ROOM: RefCell<BytesMut> = RefCell::default();
}

/// The value that `write` writes; nothing if that is none (RFC 9110 §5.5).
pub fn value(write: impl FnOnce(&mut BytesMut)) -> Option<HeaderValue> {
    ROOM.with_borrow_mut(|room| {
        // What a writer that panicked has left is no part of anybody else's value.
        room.clear();
        if room.capacity() < ROOM_BYTES_MIN {
            room.reserve(ROOM_BYTES);
        }
        write(room);
        HeaderValue::from_maybe_shared(room.split().freeze()).ok()
    })
}

/// Removes the fields of these names.
pub fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    if names.iter().any(|name| headers.contains_key(name)) {
        retain(headers, |name, _| !names.contains(name));
    }
}

/// Removes the fields of names that `is` tells.
pub fn remove_all(headers: &mut HeaderMap, is: impl Fn(&HeaderName) -> bool) {
    if headers.keys().any(&is) {
        retain(headers, |name, _| !is(name));
    }
}

/// Keeps the lines for which `keeps` says so, as it leaves them.
pub fn retain(
    headers: &mut HeaderMap,
    mut keeps: impl FnMut(&HeaderName, &mut HeaderValue) -> bool,
) {
    let before = std::mem::take(headers);
    headers.reserve(before.keys_len());
    let mut last = None;
    for (name, mut value) in before {
        // Of several lines of one name only the first comes with it.
        last = name.or(last);
        if let Some(name) = last.as_ref().filter(|name| keeps(name, &mut value)) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_by_themselves_however_long_they_are() {
        let lengths = [0, 1, 300, ROOM_BYTES_MIN, 7_000, ROOM_BYTES, 3 * ROOM_BYTES, 5];
        let written: Vec<_> = lengths
            .iter()
            .map(|length| value(|room| room.extend(std::iter::repeat_n(b'x', *length))))
            .collect();
        let found: Vec<_> =
            written.iter().flatten().map(|value| (value.len(), value.to_str().unwrap())).collect();
        assert_eq!(found.iter().map(|(length, _)| *length).collect::<Vec<_>>(), lengths);
        assert!(found.iter().all(|(_, text)| text.bytes().all(|byte| byte == b'x')));
        assert_eq!(value(|room| room.extend_from_slice(b"a\nb")), None);
        let broken = std::panic::catch_unwind(|| {
            value(|room| {
                room.extend_from_slice(b"someone's");
                panic!("a writer that breaks");
            })
        });
        assert!(broken.is_err());
        assert_eq!(value(|room| room.extend_from_slice(b"ab")).unwrap(), "ab");
    }

    #[test]
    fn what_stays_keeps_its_place() {
        let mut headers = HeaderMap::new();
        for name in ["a", "b", "c", "a", "d"] {
            headers.append(name, HeaderValue::from_static("1"));
        }
        let (a, b) = (HeaderName::from_static("a"), HeaderName::from_static("b"));
        let names = |headers: &HeaderMap| -> Vec<String> {
            headers.iter().map(|(name, _)| name.to_string()).collect()
        };
        remove(&mut headers, &[b]);
        assert_eq!(names(&headers), ["a", "a", "c", "d"], "the place of a name is its first");
        let mut first = true;
        retain(&mut headers, |name, _| *name != a || std::mem::take(&mut first));
        assert_eq!(names(&headers), ["a", "c", "d"]);
    }
}
