//! Taking fields out of a header without moving the others.
//!
//! `HeaderMap::remove` puts the last field where the removed one stood. Whoever compares requests or
//! answers by the order of their fields would find another one than was sent, so here the map is
//! built anew.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Removes the fields of these names.
pub fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    if names.iter().any(|name| headers.contains_key(name)) {
        retain(headers, |name, _| !names.contains(name));
    }
}

/// Keeps the lines for which `keeps` says so, as it leaves them.
pub fn retain(
    headers: &mut HeaderMap,
    mut keeps: impl FnMut(&HeaderName, &mut HeaderValue) -> bool,
) {
    let mut kept = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in headers.iter() {
        let mut value = value.clone();
        if keeps(name, &mut value) {
            kept.append(name, value);
        }
    }
    *headers = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

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
