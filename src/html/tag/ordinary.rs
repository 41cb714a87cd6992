//! Where a tag ends that is written as nearly all are.
//!
//! A tag ends at the first `>` that is in no quotes, and quotes that open a value stand behind a name
//! and an equals sign. So of a tag only quotes, `>` and `=` have to be found, sixty-four bytes at a
//! time, and not where each name and value begins and ends.
//!
//! It says nothing that the states of [`Inside`](super::Inside) would not say, and where anything is
//! unusual, nothing at all.

use super::super::find::{self, Signs, is_space};

/// A tag that is complete and written as nearly all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Ordinary {
    /// Where its name ends.
    pub(in super::super) name_end: usize,
    /// Where it ends itself, behind the `>`.
    pub(in super::super) end: usize,
    pub(in super::super) self_closing: bool,
}

/// Steps over a tag from the first letter of its name. `None` where the bytes end first or soon
/// after, and where the states have to be taken one by one.
#[inline]
pub(in super::super) fn ordinary(bytes: &[u8], at: usize) -> Option<Ordinary> {
    let name_end = find::name_end(bytes, at)?;
    let mut base = name_end;
    match bytes[name_end] {
        b'>' => return Some(Ordinary { name_end, end: name_end + 1, self_closing: false }),
        b'=' => return None,
        _ => {}
    }
    'signs: loop {
        let mut signs = Signs::at(bytes, base)?;
        // Behind the last value, or the tag's name: here no value is open.
        let mut between = 0;
        while let Some(stop) = signs.stop() {
            let byte = signs.byte(stop);
            let equals = signs.equals_before(stop);
            if byte == b'>' {
                let slash = stop > between && signs.byte(stop - 1) == b'/';
                // Behind an equals sign the slash may belong to a value without quotes.
                let end = base + stop + 1;
                let seen = Ordinary { name_end, end, self_closing: slash };
                return (!slash || equals == 0).then_some(seen);
            }
            // A name and the one equals sign that there is lead up to the quote.
            if stop < between + 2 || equals != 1 << (stop - 1) {
                return None;
            }
            let before = signs.byte(stop - 2);
            if is_space(before) || before == b'/' {
                return None;
            }
            let closed = loop {
                signs.pass();
                match signs.stop() {
                    Some(stop) if signs.byte(stop) == byte => break stop,
                    Some(_) => {}
                    None => {
                        base = find::find(byte, bytes, base + Signs::BYTES)? + 1;
                        continue 'signs;
                    }
                }
            };
            signs.pass();
            signs.forget_before(closed);
            between = closed + 1;
        }
        if between == 0 {
            return None;
        }
        base += between;
    }
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

    /// What the states say of a tag's first letter on.
    fn by_states(bytes: &[u8]) -> Option<Ordinary> {
        let (mut inside, mut name) = (Inside::TagName, NameEnd(None));
        let end = inside.advance(bytes, 0, &mut name)?;
        Some(Ordinary { name_end: name.0?, end, self_closing: inside == Inside::SelfClosing })
    }

    #[test]
    fn nearly_all_tags_are_ordinary() {
        let behind = "x".repeat(Signs::BYTES);
        let long = format!("a href=\"{}\" b='\"'\n\te f=\">'\" >", "/".repeat(200));
        for tag in ["p>", "br/>", "br />", "a href=x>", "a b c=\"d\">", "A B='c'/>", &long] {
            let bytes = format!("{tag}{behind}");
            assert!(ordinary(bytes.as_bytes(), 0).is_some(), "{tag}");
        }
        for tag in
            ["a=b>", "a b=c/>", "a b= \"c\">", "a b=\"c\"=\"d\">", "a b=c d=\"e\">", "a =\"b\">"]
        {
            let bytes = format!("{tag}{behind}");
            assert_eq!(ordinary(bytes.as_bytes(), 0), None, "{tag}");
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
        ) {
            let bytes = format!("x{}>{}", bits.concat(), "\"'>=".repeat(Signs::BYTES));
            let bytes = bytes.as_bytes();
            if let Some(seen) = ordinary(bytes, 0) {
                prop_assert_eq!(Some(seen), by_states(bytes));
            }
        }
    }
}
