//! Where a tag ends that is written as nearly all are.
//!
//! A tag ends at the first `>` that is in no quotes, and quotes that open a value stand behind a name
//! and an equals sign. So of a tag only quotes, `>` and `=` have to be found, all that are in a window
//! at once, and not where each name and value begins and ends.
//!
//! It says nothing that the states of [`Inside`](super::Inside) would not say, and where anything is
//! unusual, nothing at all.

use super::super::find::{self, Signs, is_space};
use super::Starts;

/// Longer tags are not ordinary.
const LEN_MAX: usize = 64 * 1024;

/// A tag that is complete and written as nearly all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Ordinary {
    /// Where it ends, behind the `>`.
    pub(in super::super) end: usize,
    pub(in super::super) self_closing: bool,
}

/// Where the name of a tag ends that has none but usual letters.
#[inline]
pub(in super::super) fn name_end(bytes: &[u8], at: usize) -> Option<usize> {
    // An equals sign is part of the name.
    find::name_end(bytes, at).filter(|end| bytes[*end] != b'=')
}

/// Steps over the rest of a tag whose name ends at `name_end`, at a byte that ends names. `signs` are
/// those around the name or its end, and then those around the end of the tag. `None` where the bytes
/// end first or soon after, and where the states have to be taken one by one. `starts` is told of the
/// names of attributes.
#[expect(clippy::inline_always, reason = "a sixth fewer instructions on dense pages")]
#[inline(always)]
pub(in super::super) fn ordinary<F: Fn([u8; 2]) -> bool>(
    signs: &mut Signs<'_>,
    name_end: usize,
    starts: &mut Starts<F>,
) -> Option<Ordinary> {
    let bytes = signs.bytes();
    if bytes[name_end] == b'>' {
        return Some(Ordinary { end: name_end + 1, self_closing: false });
    }
    // Behind the last value, or the tag's name: here no value is open.
    let mut between = name_end - signs.start();
    signs.pass_stops_before(between);
    signs.pass_equals_before(between);
    loop {
        let next = 'window: {
            while let Some(stop) = signs.stop() {
                let byte = signs.byte(stop);
                if byte == b'>' {
                    let slash = stop > between && signs.byte(stop - 1) == b'/';
                    starts.rest(bytes, signs.start() + between..signs.start() + stop);
                    // Behind an equals sign the slash may belong to a value without quotes.
                    let end = signs.start() + stop + 1;
                    let seen = Ordinary { end, self_closing: slash };
                    return (!slash || signs.equals() > stop).then_some(seen);
                }
                // A name and the one equals sign that there is lead up to the quote.
                if stop < between + 2 || signs.equals() + 1 != stop {
                    return None;
                }
                let before = signs.byte(stop - 2);
                if is_space(before) || before == b'/' {
                    return None;
                }
                starts.name(bytes, signs.start() + between..signs.start() + signs.equals());
                let closed = loop {
                    signs.pass_stop();
                    match signs.stop() {
                        Some(stop) if signs.byte(stop) == byte => break stop,
                        Some(_) => {}
                        None => {
                            let behind = signs.start() + Signs::BYTES;
                            break 'window find::find(byte, bytes, behind)? + 1;
                        }
                    }
                };
                signs.pass_stop();
                between = closed + 1;
                signs.pass_equals_before(between);
            }
            signs.start() + between
        };
        *signs = next_signs(signs, next, name_end)?;
        between = 0;
    }
}

/// The signs from `next` on, where no value is open.
#[inline]
fn next_signs<'a>(signs: &Signs<'a>, mut next: usize, name_end: usize) -> Option<Signs<'a>> {
    let bytes = signs.bytes();
    if next == signs.start() {
        // Pages that are indented inside of tags have white space to fill a window.
        next = find::space_end(bytes, next)?;
        if next == signs.start() {
            return None;
        }
    }
    if next - name_end <= LEN_MAX { Signs::at(bytes, next) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Inside, Marks};
    use super::*;

    struct NameEnd(Option<usize>);

    impl Marks for NameEnd {
        fn tag_name_ended(&mut self, at: usize) {
            self.0 = Some(at);
        }
    }

    /// What the states say of a tag's first letter on, and where its name ends.
    fn by_states(bytes: &[u8], at: usize) -> Option<(usize, Ordinary)> {
        let (mut inside, mut name) = (Inside::TagName, NameEnd(None));
        let end = inside.advance(bytes, at, &mut name)?;
        Some((name.0?, Ordinary { end, self_closing: inside == Inside::SelfClosing }))
    }

    /// What is seen of the tag whose name begins at `at`, by signs that start at `start`.
    fn seen(bytes: &[u8], start: usize, at: usize) -> Option<(usize, Ordinary)> {
        let name_end = name_end(bytes, at)?;
        let mut signs = Signs::at(bytes, start)?;
        Some((name_end, ordinary(&mut signs, name_end, &mut Starts::unwanted())?))
    }

    #[test]
    fn nearly_all_tags_are_ordinary() {
        let behind = "x".repeat(Signs::BYTES);
        let long = format!("a href=\"{}\" b='\"'\n\te f=\">'\" >", "/".repeat(200));
        for tag in ["p>", "br/>", "br />", "a href=x>", "a b c=\"d\">", "A B='c'/>", &long] {
            let bytes = format!("{tag}{behind}");
            assert!(seen(bytes.as_bytes(), 0, 0).is_some(), "{tag}");
        }
        for tag in
            ["a=b>", "a b=c/>", "a b= \"c\">", "a b=\"c\"=\"d\">", "a b=c d=\"e\">", "a =\"b\">"]
        {
            let bytes = format!("{tag}{behind}");
            assert_eq!(seen(bytes.as_bytes(), 0, 0), None, "{tag}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100_000) })]

        #[test]
        fn it_says_what_the_states_say(
            bits in prop::collection::vec(prop::sample::select(vec![
                "a", "b=", "=", "\"", "'", ">", "/", " ", "\n", "\0", "<", "c=\"d\"", " e='f'", "=\"", "='", "/>",
                "?", "\u{b}", "-", "long-name-and-then-some", " data-x=\"a>b'c/d=e\"",
                "=\"https://example.com/a/rather/long/address?that=reaches&behind=one+window\"",
            ]), 0..12),
            before in 0..2 * Signs::BYTES,
        ) {
            let text = "'=<>\"".repeat(Signs::BYTES);
            let bytes = format!("{}x{}>{text}", &text[..before], bits.concat());
            let bytes = bytes.as_bytes();
            for start in [0, before.saturating_sub(Signs::BYTES - 1), before] {
                if let Some(seen) = seen(bytes, start, before) {
                    prop_assert_eq!(Some(seen), by_states(bytes, before));
                }
            }
        }
    }
}
