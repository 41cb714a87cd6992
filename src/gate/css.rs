//! Addresses that a stylesheet makes a browser fetch.
//!
//! `url(…)`, the strings of `image-set(…)`, and what `@import` names. A picture of one pixel in a
//! background counts a visit like any other, and needs no script.
//!
//! Read as far as this takes of CSS Syntax 3: comments, strings, names and their escapes. An address
//! that goes is put out of use in its place by one that browsers know as invalid and fetch nothing
//! for; around it nothing moves.
//!
//! Whose an address is, is for [`super::document`] to say.

use std::borrow::Cow;
use std::ops::Range;

use super::address::is_data;
use super::among;

/// What stands for an address that is gone (CSS Values 4 §4.5.4: what `url()` resolves to that is
/// invalid).
const NOWHERE: &[u8] = b"about:invalid";

/// A stylesheet, or the value of a `style` attribute, without the addresses of which `goes` says why
/// they go; nothing where there are none. Says of each that went why.
pub(super) fn without<W>(
    css: &[u8],
    goes: impl Fn(&[u8]) -> Option<W>,
) -> Option<(Vec<u8>, Vec<W>)> {
    if stays(css, |address| goes(address).is_some()) {
        return None;
    }
    let mut left = Vec::new();
    let (mut from, mut gone) = (0, Vec::new());
    for at in addresses(css) {
        if let Some(why) = goes(&unescaped(&css[at.clone()])) {
            left.extend_from_slice(&css[from..at.start]);
            left.extend_from_slice(NOWHERE);
            from = at.end;
            gone.push(why);
        }
    }
    left.extend_from_slice(&css[from..]);
    (!gone.is_empty()).then_some((left, gone))
}

/// Whether it can be seen without reading it that nothing goes: all that it names an address with is a
/// plain `url(…)`, and none of these goes, not even from a comment or a text.
fn stays(css: &[u8], goes: impl Fn(&[u8]) -> bool) -> bool {
    let escapes = memchr::memchr(b'\\', css).is_some();
    memchr::memchr2_iter(b'(', b'@', css).all(|at| match css[at] {
        b'(' => match function_before(&css[..at], escapes) {
            Some(Named::Url) => {
                let behind = css[at + 1..].trim_ascii_start();
                let quote = behind.first().filter(|first| matches!(first, b'"' | b'\''));
                let address = &behind[usize::from(quote.is_some())..];
                let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'()\\".contains(byte);
                let len = address.iter().take_while(|byte| is_plain(byte)).count();
                let ends = address.get(len) == quote.or(Some(&b')'));
                (ends || is_data(&address[..len])) && !goes(&address[..len])
            }
            Some(Named::Other) => true,
            None => false,
        },
        // `@import`, as it is or with an escape.
        _ => !matches!(css.get(at + 1), Some(b'i' | b'I' | b'\\')),
    })
}

/// What a function is to us.
enum Named {
    Url,
    Other,
}

/// A backslash, six digits, and the end of a line.
const ESCAPE_BYTES_MAX: usize = 9;

/// Whether the name has an escape in it that text ends with. The white space behind one belongs to it, so
/// a name may seem to be several.
fn has_escape(text: &[u8]) -> bool {
    let is_part = |byte: &&u8| is_name(**byte) || byte.is_ascii_whitespace();
    text.iter().rev().take_while(is_part).any(|byte| *byte == b'\\')
}

/// What function it is whose name ends here; nothing where its name has an escape, or it takes addresses
/// of other kinds. `escapes` says whether there may be any escape.
fn function_before(css: &[u8], escapes: bool) -> Option<Named> {
    let ends = |word: &[u8]| {
        css.len() >= word.len() && css[css.len() - word.len()..].eq_ignore_ascii_case(word)
    };
    // Only what stands right before the bracket can be an escape of one of its last letters.
    let near = &css[css.len().saturating_sub(3 * ESCAPE_BYTES_MAX)..];
    let escaped = || escapes && near.contains(&b'\\') && has_escape(near);
    if ends(b"src") || ends(b"set") || escaped() {
        return None;
    }
    Some(if ends(b"url") { Named::Url } else { Named::Other })
}

/// What a string means next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing to us.
    Other,
    /// An address; what follows it in `url(…)` is none.
    Address,
    /// An address, and so are all that follow.
    Addresses,
}

/// What may mean something here. All else is between names, or part of one: nine tenths of a sheet.
static MEANS: [bool; 256] = among(b"/\"'([{)]};@\\");

/// Where the addresses stand, without quotes.
fn addresses(css: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Of each open bracket, what the strings right in it are.
    let mut open: Vec<Place> = Vec::new();
    let mut import = false;
    // Where what was read last ends: no name begins before it.
    let mut from = 0;
    let mut at = 0;
    loop {
        at += css[at..].iter().take_while(|byte| !MEANS[usize::from(**byte)]).count();
        let Some(&byte) = css.get(at) else { break };
        match byte {
            b'/' if css[at..].starts_with(b"/*") => {
                let end = memchr::memmem::find(&css[at + 2..], b"*/");
                at = end.map_or(css.len(), |end| at + 2 + end + 2);
            }
            b'"' | b'\'' => {
                let end = string_end(css, at);
                let place = open.last_mut();
                if import || place.as_ref().is_some_and(|place| **place != Place::Other) {
                    found.push(at + 1..end);
                }
                if let Some(place @ Place::Address) = place {
                    *place = Place::Other;
                }
                import = false;
                at = (end + 1).min(css.len());
            }
            b'(' | b'\\' => {
                let before = css[from..at].iter().rev().take_while(|byte| is_name(**byte)).count();
                let name = at - before..name_end(css, at);
                at = name.end;
                if css.get(at) == Some(&b'(') {
                    at += 1;
                    import = false;
                    if name.is_empty() {
                        open.push(Place::Other);
                    } else {
                        let name = unescaped(&css[name]).to_ascii_lowercase();
                        at = function(css, at, &name, &mut open, &mut found);
                    }
                }
            }
            b'[' | b'{' => {
                open.push(Place::Other);
                import = false;
                at += 1;
            }
            b')' | b']' | b'}' => {
                open.pop();
                at += 1;
            }
            b';' => {
                import = false;
                at += 1;
            }
            b'@' => {
                let end = name_end(css, at + 1);
                import = unescaped(&css[at + 1..end]).eq_ignore_ascii_case(b"import");
                at = end.max(at + 1);
            }
            _ => at += 1,
        }
        from = at;
    }
    found
}

/// Behind the bracket of a function. Says where to read on.
fn function(
    css: &[u8],
    inside: usize,
    name: &[u8],
    open: &mut Vec<Place>,
    found: &mut Vec<Range<usize>>,
) -> usize {
    let start = inside + css[inside..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let quoted = matches!(css.get(start), Some(b'"' | b'\''));
    if name != b"url" || quoted {
        open.push(match name {
            b"url" | b"src" => Place::Address,
            _ if name.ends_with(b"image-set") => Place::Addresses,
            _ => Place::Other,
        });
        return inside;
    }
    let mut end = start;
    while let Some(&byte) = css.get(end) {
        match byte {
            b')' => break,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    let end = end.min(css.len());
    let len = css[start..end].trim_ascii_end().len();
    found.push(start..start + len);
    (end + 1).min(css.len())
}

/// Where a string ends that begins at `at`: at its quote, or, if it is broken, at the line's end.
fn string_end(css: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(&byte) = css.get(end) {
        match byte {
            b'\\' => end += 2,
            b'\n' | b'\x0c' | b'\r' => break,
            _ if byte == css[at] => break,
            _ => end += 1,
        }
    }
    end.min(css.len())
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'\\') || !byte.is_ascii()
}

fn name_end(css: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = css.get(at) {
        match byte {
            b'\\' => {
                let digits = hex_digits(&css[at + 1..]);
                at += 1 + digits.max(1);
                // The white space that ends an escape of digits belongs to it.
                at += usize::from(digits > 0 && css.get(at).is_some_and(u8::is_ascii_whitespace));
            }
            _ if is_name(byte) => at += 1,
            _ => break,
        }
    }
    at.min(css.len())
}

/// How many digits an escape has.
fn hex_digits(text: &[u8]) -> usize {
    text.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count()
}

/// The text without its escapes (CSS Syntax 3 §4.3.7): `\2f` and `\/` are a slash.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let digits = hex_digits(rest);
        if digits == 0 {
            // The end of a line is left out, and anything else stands for itself.
            if matches!(rest.first(), Some(b'\n' | b'\r' | b'\x0c')) {
                rest = &rest[1..];
            }
            continue;
        }
        let letter = std::str::from_utf8(&rest[..digits])
            .ok()
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER);
        plain.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[digits..];
        if rest.first().is_some_and(u8::is_ascii_whitespace) {
            rest = &rest[1..];
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(css: &str) -> Vec<String> {
        let read =
            |at: Range<usize>| String::from_utf8_lossy(&unescaped(&css.as_bytes()[at])).into();
        addresses(css.as_bytes()).into_iter().map(read).collect()
    }

    #[test]
    fn what_a_browser_would_fetch_is_found_and_texts_are_not() {
        for (css, expected) in [
            ("a{background:url(/x.png)}", &["/x.png"][..]),
            ("background: URL( '//a/b' ) , url(\"c\")", &["//a/b", "c"]),
            ("a{b:url( //a/b?c=(1\\) )}", &["//a/b?c=(1)"]),
            ("@import '//a/b.css' print; c{content:'//d'}", &["//a/b.css"]),
            ("@IMPORT url(//a) screen;@import\"//b\"", &["//a", "//b"]),
            ("a{b:image-set('x' 1x, url(y) 2x);c:-webkit-image-set(\"z\" 1x)}", &["x", "y", "z"]),
            ("a{b:\\75 rl(//\\6d c)}", &["//mc"]),
            ("/* url(//a) */ b{c:'url(//d)';e:f\\\"url(g);h:url(i)}", &["i"]),
            ("a{b:'unended\n;c:url(d)}", &["d"]),
            ("url(", &[""]),
            ("@import", &[]),
            ("a{content:\"\\", &[]),
            ("a{b:curl(//x)}", &[]),
            ("@import ; 'a'", &[]),
            ("a{b:url('' '//a')}", &[""]),
        ] {
            assert_eq!(found(css), expected, "{css}");
        }
    }

    #[test]
    fn a_sheet_that_nothing_goes_from_is_mostly_seen_to_be_one() {
        let goes = |address: &[u8]| memchr::memmem::find(address, b"//t").is_some();
        for css in [
            "a{b:rgba(0,0,0,.5) calc(1px + var(--c));content:'\\e601'}@media (min-width:1px){d{e:f}}",
            "a{b:url(/x.png) no-repeat, url('//s/y.png')}",
            "@font-face{src:url(data:font/woff;base64,d09G) , URL( \"data:a,%3Csvg xmlns='b' c='d(e)'%3E\")}",
        ] {
            assert!(stays(css.as_bytes(), goes), "{css}");
        }
        for css in [
            "a{b:url(//t/x)}",
            "/* url(//t/x) */",
            "a{b:\\75 rl(//s)}",
            "a{b:\\75\\72 \\6c(//s)}",
            "a{b:url(//s\\/t)}",
            "@import '//s'",
            "@\\69mport '//s'",
            "a{b:image-set('//s' 1x)}",
            "a{b:url(",
        ] {
            assert!(!stays(css.as_bytes(), goes), "{css}");
        }
    }

    #[test]
    fn what_goes_leaves_everything_else_in_its_place() {
        let goes = |address: &[u8]| address.ends_with(b"/t").then_some(());
        let css = b"a{b:url( \"//x/t\" ) c;d:url(//x/t);e:url(/f)}@import '//x/t' g;";
        let (left, gone) = without(css, goes).expect("some go");
        let expected = "a{b:url( \"about:invalid\" ) c;d:url(about:invalid);e:url(/f)}\
                        @import 'about:invalid' g;";
        assert_eq!((String::from_utf8_lossy(&left).as_ref(), gone.len()), (expected, 3));
        assert_eq!(without(b"a{b:url(/f)}", goes), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

        #[test]
        fn however_it_is_written_nothing_is_read_twice_and_what_is_left_has_none(
            bits in prop::collection::vec(prop::sample::select(vec![
                "url(", "@import ", "'", "\"", ")", "(", "//t", "\\", "/*", "*/", "{", "}", ";", " ", "\n", "a", "image-set(", "\\74 ", "\\75 rl(", "data:", "URL('",
            ]), 0..20),
        ) {
            let css = bits.concat();
            let found = addresses(css.as_bytes());
            // What stands in its own address is nobody's.
            let goes = |address: &[u8]| {
                !is_data(address) && memchr::memmem::find(address, b"//t").is_some()
            };
            let any_goes = found.iter().any(|at| goes(&unescaped(&css.as_bytes()[at.clone()])));
            prop_assert!(!(any_goes && stays(css.as_bytes(), goes)), "{}", css);
            prop_assert!(found.windows(2).all(|two| two[0].end <= two[1].start), "{found:?}");
            let why = |address: &[u8]| goes(address).then_some(());
            if let Some((left, _)) = without(css.as_bytes(), why) {
                let again = without(&left, why);
                prop_assert!(again.is_none(), "{} became {}", css, left.escape_ascii());
            }
        }
    }
}
