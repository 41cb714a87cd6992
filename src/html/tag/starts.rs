//! Where the attributes of a tag may begin, at a glance.
//!
//! On most elements few attributes matter, and hardly any tag has one of those. So the edit is asked
//! about all that may be one before the tag is taken apart.
//!
//! Every name of an attribute is seen, and with it words in values: a name stands behind white space, a
//! slash or the quote that ends a value (WHATWG 13.2.5.32 to 13.2.5.39), but not all that stands there
//! is one. Whether a quote opens or ends a value is not looked into: behind `=` it may do either.
//!
//! Which names matter is the edit's to say.

use super::super::find::name_starts;

/// Whether what `tag` has behind its name, at `from`, may be an attribute that matters. Of each that may
/// be one, the rest of the tag is given.
#[inline]
pub(in super::super) fn may_have(tag: &[u8], from: usize, matters: impl Fn(&[u8]) -> bool) -> bool {
    let mut at = from + 1;
    while at < tag.len() {
        let (mut found, bytes) = name_starts(tag, at);
        while found != 0 {
            let place = at + found.trailing_zeros() as usize;
            found &= found - 1;
            if matters(&tag[place..]) {
                return true;
            }
        }
        at += bytes;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::spans;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        #[test]
        fn no_attribute_that_matters_is_overlooked(
            bits in prop::collection::vec(prop::sample::select(vec![
                "on", "ON", "x=", "=", "\"", "'", "/", " ", "\n", "\t", "\r", "\x0c", "\0", "a", "onclick=b", "class='on'",
                "data-a=\"b c d e f g h i j k l m n o p\"", "x", "é",
            ]), 0..12),
        ) {
            let tag = format!("<a {}>", bits.concat());
            let tag = tag.as_bytes();
            let mut found = Vec::new();
            spans(tag, &mut found);
            let matters = |text: &[u8]| text[..2].eq_ignore_ascii_case(b"on");
            let has = found.iter().any(|span| {
                tag[span.name.clone()].get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"on"))
            });
            prop_assert!(may_have(tag, 2, matters) || !has, "{}", tag.escape_ascii());
        }
    }

    #[test]
    fn nearly_all_tags_have_none() {
        let matters = |text: &[u8]| {
            [b"on", b"da"].into_iter().any(|start| text[..2].eq_ignore_ascii_case(start))
        };
        for tag in [
            "<p>",
            "<a href='/b-on'>",
            "<a class=\"button second long enough to fill a block\" href=b>",
        ] {
            assert!(!may_have(tag.as_bytes(), 2, matters), "{tag}");
        }
        for tag in [
            "<a onclick=b>",
            "<a b='c'ONx>",
            "<a/on>",
            "<a b data-c>",
            "<a b='c=' d='on'>",
            "<a x='c='on'>",
        ] {
            assert!(may_have(tag.as_bytes(), 2, matters), "{tag}");
        }
    }
}
