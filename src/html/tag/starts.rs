//! Where the attributes of a tag may begin, at a glance.
//!
//! On most elements few attributes matter, and hardly any tag has one of those. So the edit is asked
//! about all that may be one before the tag is taken apart: of an ordinary tag those whose first letters
//! say so, noted on the way to its end; of any other tag all of them.
//!
//! Every name of an attribute is seen. In a tag that is not ordinary words in values may be taken for
//! one: a name stands behind white space, a slash or the quote that ends a value (WHATWG 13.2.5.32 to
//! 13.2.5.39), but not all that stands there is one.
//!
//! Which names matter is the edit's to say.

use std::ops::Range;

use super::super::find::{self, is_space, name_starts};

/// So many names are noted of one tag.
const PLACES: usize = 4;

/// Takes note of names on the way to the end of their tag.
#[derive(Debug)]
pub(in super::super) struct Starts<F> {
    /// Whether those that begin with these two letters, in lower case, may matter; nothing if nobody
    /// wants to know.
    may_matter: Option<F>,
    noted: Noted,
}

/// Where the names stand in a tag that may matter.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Noted {
    places: [usize; PLACES],
    count: usize,
    /// Whether there may be others.
    unclear: bool,
}

impl Starts<fn([u8; 2]) -> bool> {
    /// Of names that nobody wants to know.
    #[inline]
    pub(in super::super) fn unwanted() -> Self {
        Starts::of(None)
    }
}

impl<F: Fn([u8; 2]) -> bool> Starts<F> {
    /// Of names that may matter by their first two letters; of none, all remain to be looked at.
    #[inline]
    pub(in super::super) fn of(may_matter: Option<F>) -> Self {
        let unclear = may_matter.is_none();
        Starts { may_matter, noted: Noted { places: [0; PLACES], count: 0, unclear } }
    }

    /// Takes what stands before the equals sign of a value: white space and a name, mostly.
    #[inline]
    pub(super) fn name(&mut self, bytes: &[u8], before: Range<usize>) {
        let Some(may_matter) = &self.may_matter else { return };
        let mut at = before.start;
        while is_space(bytes[at]) {
            at += 1;
        }
        let noted = &mut self.noted;
        if at == before.start || find::name_end(bytes, at) != Some(before.end) {
            noted.unclear = true;
        } else if may_matter([bytes[at], bytes[at + 1]].map(|letter| letter.to_ascii_lowercase())) {
            match noted.places.get_mut(noted.count) {
                Some(place) => *place = at,
                None => noted.unclear = true,
            }
            noted.count += 1;
        }
    }

    /// Takes what stands before the end of a tag: nothing, mostly, or a slash.
    #[inline]
    pub(super) fn rest(&mut self, bytes: &[u8], rest: Range<usize>) {
        let none = |byte: &u8| is_space(*byte) || *byte == b'/';
        if self.may_matter.is_some() && !bytes[rest].iter().all(none) {
            self.noted.unclear = true;
        }
    }

    #[inline]
    pub(in super::super) fn noted(self) -> Noted {
        self.noted
    }
}

impl Noted {
    /// Whether an attribute of the tag, which stands at `tag` in `bytes` and has a name up to `name_end`,
    /// may matter. Of each that may be one, the rest of the tag is given.
    #[inline]
    pub(in super::super) fn may_have(
        &self,
        bytes: &[u8],
        tag: Range<usize>,
        name_end: usize,
        matters: impl Fn(&[u8]) -> bool,
    ) -> bool {
        if self.unclear {
            return may_have(&bytes[tag.clone()], name_end - tag.start, matters);
        }
        self.places.iter().take(self.count).any(|place| matters(&bytes[*place..tag.end]))
    }
}

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

    use super::super::super::find::Signs;
    use super::super::{ordinary, spans};
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

    /// Whether an attribute may matter of the tag that `bytes` begins with, as noted on the way to its end.
    fn noted(bytes: &[u8], begin: [u8; 2]) -> Option<bool> {
        let mut starts = Starts::of(Some(|letters| letters == begin));
        let end = ordinary(&mut Signs::at(bytes, 0)?, 2, &mut starts)?.end;
        Some(starts.noted().may_have(bytes, 0..end, 2, |text| {
            text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(&begin))
        }))
    }

    #[test]
    fn of_an_ordinary_tag_only_names_are_looked_at() {
        let behind = "x".repeat(Signs::BYTES);
        for (tag, expected) in [
            ("<a>", false),
            ("<a href=\"b on c\" class='on' />", false),
            ("<a\n\tb=\"\" ONload=\"\">", true),
            ("<a b=\"\"onload=\"\">", true),
            ("<a b=\"\" onload>", true),
            ("<a b onload=\"\">", true),
            ("<a/onload=\"\">", true),
            ("<a data-a=\"\" on=\"\">", true),
            (&format!("<a {} onload=\"\">", "of=\"\" ".repeat(9)), true),
            (&format!("<a {} on=\"\">", "og=\"a\" ".repeat(99)), true),
        ] {
            assert_eq!(noted(format!("{tag}{behind}").as_bytes(), *b"on"), Some(expected), "{tag}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(50_000) })]

        #[test]
        fn no_name_is_passed_over_on_the_way(
            bits in prop::collection::vec(prop::sample::select(vec![
                "on", "ON=\"a\"", " x", " ", "\n", "/", "\t\t", "=\"b\"", "='c'", " onclick=\"d\"", " class='on'",
                " a=\"b c d e f g h i j k l m n o p q r s t u v w x y z and on for more than a window\"", "\0", "é",
                " o=\"\"", " on", " data-on=\"\"",
            ]), 0..9),
            apart in prop::sample::select(vec![" ", "\n", "/"]),
        ) {
            let bytes = format!("<a{apart}{}>{}", bits.concat(), "'=<>\"".repeat(Signs::BYTES));
            let bytes = bytes.as_bytes();
            let Some(noted) = noted(bytes, *b"on") else { return Ok(()) };
            let mut found = Vec::new();
            spans(bytes, &mut found);
            let has = found.iter().any(|span| {
                bytes[span.name.clone()].get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"on"))
            });
            prop_assert!(noted || !has, "{}", bytes.escape_ascii());
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
