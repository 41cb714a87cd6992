//! Tags in what is too long to be held.
//!
//! An inline script of a megabyte is the site's own state, not a tag, and must not wait until it is
//! whole. If nothing in its beginning matched it goes on, and the rest is looked at as it passes.
//! What matches there is overwritten with as many bytes: a name becomes another name, an address one
//! that leads nowhere, and the script around it stays a script.
//!
//! What still matches when that is done does not go on, and neither does anything behind it.
//!
//! What is shown, and in which pieces, is said in [`crate::html::Stretch`].

use std::ops::Range;

use crate::html::{OVERLAP_BYTES, Refused, Stretch};

/// Overwrites what `find` finds in the stretch, and says whose each was.
pub(super) fn overwrite<W>(
    stretch: &mut Stretch<'_>,
    find: impl Fn(&[u8]) -> Vec<(W, Range<usize>)>,
) -> Result<Vec<W>, Refused> {
    let (sent, last) = (stretch.sent, stretch.last);
    // What reaches the end may go on behind it. It comes again, unless it is too long for that.
    let counts = |found: &Range<usize>, len: usize| {
        found.end > sent && (last || found.end < len || found.start + OVERLAP_BYTES <= len)
    };
    let found = |bytes: &[u8]| {
        let mut found = find(bytes);
        found.retain(|(_, found)| counts(found, bytes.len()));
        found
    };
    let mut overwritten = Vec::new();
    for (whose, found) in found(stretch.bytes) {
        overwritten.push(whose);
        disarm(&mut stretch.bytes[found.start.max(sent)..found.end]);
    }
    if !overwritten.is_empty() && !found(stretch.bytes).is_empty() {
        return Err(Refused);
    }
    Ok(overwritten)
}

/// Makes every word another one that nothing is called. No host ends in it, and what was one string
/// or one name still is: quotes, brackets and escapes stay.
fn disarm(bytes: &mut [u8]) {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => {
                // `\u002f`, `\x2f`, `\n`: digits are part of the escape.
                at += match bytes.get(at + 1) {
                    Some(b'u') => 5,
                    Some(b'x') => 3,
                    _ => 1,
                };
            }
            byte if byte.is_ascii_digit() => bytes[at] = b'0',
            byte if byte.is_ascii_alphabetic() || byte == b'.' => bytes[at] = b'z',
            _ => {}
        }
        at += 1;
    }
}

/// Where in a tag an address starts that names a host, and how far it may go.
pub(super) fn addresses(tag: &[u8]) -> impl Iterator<Item = Range<usize>> {
    memchr::memmem::find_iter(tag, b"//").map(|start| {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>,".contains(byte);
        let rest = &tag[start..];
        start..start + rest.iter().position(ends).unwrap_or(rest.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(text: &str, sent: usize, last: bool) -> Result<(String, usize), Refused> {
        let mut bytes = text.as_bytes().to_vec();
        let mut stretch = Stretch { name: b"script", in_tag: false, bytes: &mut bytes, sent, last };
        let tag = regex::bytes::Regex::new(r"tag\.example\.com|ym\(|;;").expect("it is valid");
        let find = |bytes: &[u8]| tag.find_iter(bytes).map(|found| ((), found.range())).collect();
        let overwritten = overwrite(&mut stretch, find)?;
        Ok((String::from_utf8(bytes).expect("ASCII stays ASCII"), overwritten.len()))
    }

    #[test]
    fn what_matches_becomes_something_of_equal_length_that_leads_nowhere() {
        let text = |text: &str, sent, last| stretch(text, sent, last).expect("it is not refused");
        assert_eq!(
            text("a='//tag.example.com/x';", 0, true),
            ("a='//zzzzzzzzzzzzzzz/x';".to_owned(), 1)
        );
        assert_eq!(text("ym(1);window.ym(2)", 0, true), ("zz(1);window.zz(2)".to_owned(), 2));
        assert_eq!(text("nothing", 0, true), ("nothing".to_owned(), 0));
        // What has gone out stays; what may go on comes again.
        assert_eq!(text("ym(1)", 3, true), ("ym(1)".to_owned(), 0));
        assert_eq!(text("ym(1)", 1, true), ("yz(1)".to_owned(), 1));
        assert_eq!(text("a ym(", 0, false), ("a ym(".to_owned(), 0));
        assert_eq!(text("a ym(", 0, true), ("a zz(".to_owned(), 1));
        let long = "x".repeat(OVERLAP_BYTES);
        assert_eq!(text(&format!("ym({long}"), 0, false).1, 1);
    }

    #[test]
    fn what_cannot_be_overwritten_is_refused() {
        assert_eq!(stretch("a;;b", 0, true), Err(Refused));
        assert_eq!(stretch("a;;b", 3, true).map(|(_, count)| count), Ok(0));
    }

    #[test]
    fn escapes_stay_escapes() {
        let mut bytes = br"mc.ya\u002fya\x2fa\n9".to_vec();
        disarm(&mut bytes);
        assert_eq!(bytes, br"zzzzz\u002fzz\x2fz\n0");
    }

    #[test]
    fn addresses_end_where_a_tag_ends_them() {
        let tag = b"x='//a/b?c' y=https://d.e f=data:///g,//h";
        let found: Vec<_> = addresses(tag).map(|at| tag[at].escape_ascii().to_string()).collect();
        assert_eq!(found, ["//a/b?c", "//d.e", "///g", "//h"]);
    }
}
