//! What an edit does to the attributes of a tag.
//!
//! The changes are kept beside the tag and written in one pass over it: from the tag as it came
//! everything is copied but the ranges that changed. So two spaces stay two spaces, and a value in
//! single quotes that nobody touched keeps them.
//!
//! The first of two attributes of one name counts. A change must not let the second come to the
//! fore, so renaming or removing an attribute removes its duplicates; and none of what stays may run
//! together with its neighbours into something else. The property test below reads changed tags
//! back.
//!
//! Where attributes lie is found in [`super::super::tag`].

use std::borrow::Cow;

use super::super::find::is_space;
use super::super::tag::{Written, decode};

/// Changes to the attributes of one tag.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// By the attribute's place in the tag, in order.
    changed: Vec<(usize, Change)>,
    /// Names and values of new attributes.
    added: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What becomes of one attribute.
#[derive(Debug, Default)]
struct Change {
    removed: bool,
    name: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.added.is_empty()
    }

    /// The value of an attribute with the changes made so far.
    pub(super) fn value<'a>(&self, tag: Written<'a>, name: &[u8]) -> Option<Cow<'a, [u8]>> {
        if let Some((_, value)) = self.added.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            return Some(Cow::Owned(value.clone()));
        }
        let at = self.find(tag, name)?;
        if let Some(value) = self.of(at).and_then(|change| change.value.clone()) {
            return Some(Cow::Owned(value));
        }
        let written = tag.spans[at].value.clone();
        Some(written.map_or(Cow::Borrowed(b""), |written| decode(&tag.bytes[written])))
    }

    pub(super) fn set(&mut self, tag: Written<'_>, name: &[u8], value: &[u8]) {
        if let Some((_, old)) = self.added.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            *old = value.to_vec();
        } else if let Some(at) = self.find(tag, name) {
            self.of_mut(at).value = Some(value.to_vec());
        } else {
            self.added.push((name.to_vec(), value.to_vec()));
        }
    }

    pub(super) fn rename(&mut self, tag: Written<'_>, from: &[u8], to: &[u8]) {
        if from.eq_ignore_ascii_case(to) || self.value(tag, from).is_none() {
            return;
        }
        self.remove(tag, to);
        if let Some((name, _)) = self.added.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(from)) {
            *name = to.to_vec();
            return;
        }
        if let Some(at) = self.find(tag, from) {
            self.of_mut(at).name = Some(to.to_vec());
            self.remove(tag, from);
        }
    }

    pub(super) fn remove(&mut self, tag: Written<'_>, name: &[u8]) {
        self.added.retain(|(added, _)| !added.eq_ignore_ascii_case(name));
        // One pass: a tag may hold ten thousand duplicates.
        for at in 0..tag.spans.len() {
            if self.is_named(tag, at, name) {
                self.of_mut(at).removed = true;
            }
        }
    }

    /// The tag with the changes in it; `name_len` is the length of the element's name.
    pub(super) fn write(&self, tag: Written<'_>, name_len: usize) -> Vec<u8> {
        let bytes = tag.bytes;
        let mut new = Vec::with_capacity(bytes.len() + 64);
        // New attributes come first: there they cannot run into what stands before them.
        let mut from = (1 + name_len).min(bytes.len());
        new.extend_from_slice(&bytes[..from]);
        for (name, value) in &self.added {
            new.push(b' ');
            new.extend_from_slice(name);
            new.push(b'=');
            push_quoted(value, &mut new);
        }
        for (at, change) in &self.changed {
            let span = &tag.spans[*at];
            let whole = span.whole();
            if change.removed {
                let mut start = whole.start;
                let next = bytes.get(whole.end).copied();
                let follows = bytes[whole.end..].iter().find(|&&byte| !is_space(byte));
                if follows == Some(&b'=') {
                    // `b c="x" =d` without `c` must not give `b` a value.
                    new.extend_from_slice(&bytes[from..start]);
                    new.push(b'/');
                } else {
                    // The white space before it goes too, unless that would join its neighbours.
                    let apart = next.is_none_or(|byte| byte == b'>' || is_space(byte));
                    while apart && start > from && is_space(bytes[start - 1]) {
                        start -= 1;
                    }
                    new.extend_from_slice(&bytes[from..start]);
                }
                from = whole.end;
                continue;
            }
            if let Some(name) = &change.name {
                new.extend_from_slice(&bytes[from..span.name.start]);
                new.extend_from_slice(name);
                from = span.name.end;
            }
            if let Some(value) = &change.value {
                if let Some(old) = &span.value {
                    new.extend_from_slice(&bytes[from..old.start - usize::from(span.quoted)]);
                } else {
                    new.extend_from_slice(&bytes[from..span.name.end]);
                    new.push(b'=');
                }
                push_quoted(value, &mut new);
                from = whole.end;
            }
        }
        if tag.ended {
            new.extend_from_slice(&bytes[from..]);
            return new;
        }
        // Of an attribute whose end was not seen nothing remains, unless the edit gave it a value.
        let end = match tag.spans.last() {
            Some(last) if !last.ended => last.name.start,
            _ => bytes.len(),
        };
        if from < end {
            new.extend_from_slice(&bytes[from..end]);
        }
        new.push(b'>');
        new
    }

    /// The first attribute that has this name now.
    fn find(&self, tag: Written<'_>, name: &[u8]) -> Option<usize> {
        (0..tag.spans.len()).find(|at| self.is_named(tag, *at, name))
    }

    /// Whether the attribute in this place is there and has this name now.
    fn is_named(&self, tag: Written<'_>, at: usize, name: &[u8]) -> bool {
        let change = self.of(at);
        let written = &tag.bytes[tag.spans[at].name.clone()];
        let now = change.and_then(|change| change.name.as_deref()).unwrap_or(written);
        now.eq_ignore_ascii_case(name) && !change.is_some_and(|change| change.removed)
    }

    fn of(&self, at: usize) -> Option<&Change> {
        let index = self.changed.binary_search_by_key(&at, |(changed, _)| *changed).ok()?;
        Some(&self.changed[index].1)
    }

    fn of_mut(&mut self, at: usize) -> &mut Change {
        let index = self.changed.partition_point(|(changed, _)| *changed < at);
        if self.changed.get(index).is_none_or(|(changed, _)| *changed != at) {
            self.changed.insert(index, (at, Change::default()));
        }
        &mut self.changed[index].1
    }
}

fn push_quoted(value: &[u8], into: &mut Vec<u8>) {
    into.push(b'"');
    for &byte in value {
        match byte {
            b'"' => into.extend_from_slice(b"&quot;"),
            b'&' => into.extend_from_slice(b"&amp;"),
            _ => into.push(byte),
        }
    }
    into.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::tag::{Inside, Marks, spans};
    use super::*;

    struct Ignore;

    impl Marks for Ignore {}

    fn changed(tag: &str, change: impl Fn(&mut Changes, Written<'_>)) -> String {
        let mut found = Vec::new();
        spans(tag.as_bytes(), &mut found);
        let written = Written { bytes: tag.as_bytes(), spans: &found, ended: true };
        let mut changes = Changes::default();
        change(&mut changes, written);
        String::from_utf8(changes.write(written, 1)).expect("the test is in UTF-8")
    }

    #[test]
    fn only_what_changed_changes() {
        let tag = "<a  SRC = 'x' alt=y/z\tid\n>";
        assert_eq!(
            changed(tag, |c, t| c.set(t, b"src", b"\"&")),
            "<a  SRC = \"&quot;&amp;\" alt=y/z\tid\n>"
        );
        assert_eq!(
            changed(tag, |c, t| c.set(t, b"id", b"1")),
            "<a  SRC = 'x' alt=y/z\tid=\"1\"\n>"
        );
        assert_eq!(
            changed(tag, |c, t| c.set(t, b"b", b"1")),
            "<a b=\"1\"  SRC = 'x' alt=y/z\tid\n>"
        );
        assert_eq!(changed(tag, |c, t| c.remove(t, b"alt")), "<a  SRC = 'x'\tid\n>");
        assert_eq!(changed(tag, |c, t| c.rename(t, b"src", b"b")), "<a  b = 'x' alt=y/z\tid\n>");
        assert_eq!(changed(tag, |c, t| c.rename(t, b"b", b"src")), tag);
    }

    #[test]
    fn no_duplicate_takes_the_place_of_what_is_gone() {
        assert_eq!(changed("<a b=1 B=2 c>", |c, t| c.remove(t, b"b")), "<a c>");
        assert_eq!(changed("<a b=1 B=2 c=3>", |c, t| c.rename(t, b"b", b"c")), "<a c=1>");
        assert_eq!(changed("<a c=3 b=1>", |c, t| c.rename(t, b"b", b"c")), "<a c=1>");
    }

    /// What a browser makes of the attributes: first of duplicates, names in lower case.
    fn read(tag: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        spans(tag.as_bytes(), &mut found);
        let written = Written { bytes: tag.as_bytes(), spans: &found, ended: true };
        let mut read: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for span in &found {
            let name = tag.as_bytes()[span.name.clone()].to_ascii_lowercase();
            if read.iter().all(|(earlier, _)| *earlier != name) {
                let value = Changes::default().value(written, &name).expect("it was just read");
                read.push((name, value.into_owned()));
            }
        }
        read.sort();
        read
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

        #[test]
        fn a_changed_tag_reads_as_it_did_but_for_the_change(
            bits in prop::collection::vec(prop::sample::select(vec![
                " ", "/", "=", "\"", "'", "b", "c", "B", "d=1", "b=\"x\"", "c='>'", "\n", "&amp;", "=x",
            ]), 0..14),
            change in 0..4,
        ) {
            // Whichever quote is open, one of these ends the tag.
            let mut tag = format!("<a {}>\">'>", bits.concat());
            let end = Inside::TagName.advance(tag.as_bytes(), 1, &mut Ignore);
            tag.truncate(end.expect("the tag ends"));
            let mut expected = read(&tag);
            let new = changed(&tag, |c, t| match change {
                0 => c.set(t, b"b", b"n\"&amp;"),
                1 => c.remove(t, b"b"),
                2 => c.rename(t, b"b", b"n"),
                _ => c.set(t, b"n", b"n"),
            });
            let had = expected.iter().position(|(name, _)| name == b"b");
            match (change, had) {
                (0, Some(at)) => expected[at].1 = b"n\"&amp;".to_vec(),
                (0, None) => expected.push((b"b".to_vec(), b"n\"&amp;".to_vec())),
                (1, Some(at)) => drop(expected.remove(at)),
                (2, Some(at)) => expected[at].0 = b"n".to_vec(),
                (3, _) => expected.push((b"n".to_vec(), b"n".to_vec())),
                _ => {}
            }
            expected.sort();
            prop_assert_eq!(read(&new), expected, "{} became {}", tag, new);
        }
    }
}
