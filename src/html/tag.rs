//! The inside of a tag: its name, its attributes, and where it ends.
//!
//! There is one grammar here with two drivers. The scanner walks it to find the `>` that ends a
//! tag, and keeps nothing; [`spans`] walks the same states over a tag that is complete and notes
//! where names and values lie. What ends a tag and what it carries cannot disagree. Nearly all tags
//! need not be walked: [`ordinary`] sees at once where they end.
//!
//! Names and values are ranges of the tag as it came. Nothing is decoded until it is asked for, and
//! the first of two attributes of one name is the one that counts (WHATWG 13.2.5.33).
//!
//! Which bytes open a tag is [`super::scan`]'s; how a changed tag is written, [`super::element`]'s.

mod ordinary;
mod starts;

use std::borrow::Cow;
use std::ops::Range;

use super::find::{self, is_space};
pub(super) use ordinary::{Ordinary, name_end, ordinary};
pub(super) use starts::{Starts, may_have};

/// Where inside a tag the scanner stands (WHATWG 13.2.5.8 and 13.2.5.32 to 13.2.5.40).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    TagName,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    DoubleQuoted,
    SingleQuoted,
    Unquoted,
    AfterQuoted,
    SelfClosing,
}

/// What a driver of the grammar wants to know.
pub(super) trait Marks {
    /// The tag's name ends before this byte.
    fn tag_name_ended(&mut self, _at: usize) {}
    fn name_started(&mut self, _at: usize) {}
    fn name_ended(&mut self, _at: usize) {}
    fn value_started(&mut self, _at: usize, _quoted: bool) {}
    fn value_ended(&mut self, _at: usize) {}
}

impl Inside {
    /// Walks on from `bytes[at]`, and returns where the tag has ended (behind its `>`), or `None`
    /// where the bytes ended first. `self` is then where to go on, or, at the end of a tag, the
    /// state in which its `>` was met.
    ///
    /// The states are tried in the order in which an attribute goes through them, which a processor
    /// learns to expect; a jump to each would cost more than most of them do.
    #[inline]
    pub(super) fn advance(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        marks: &mut impl Marks,
    ) -> Option<usize> {
        while at < bytes.len() {
            if matches!(self, Self::TagName | Self::Name) {
                let named = *self == Self::Name;
                at = find::name_end(bytes, at)?;
                if !named && bytes[at] == b'=' {
                    // An equals sign is part of a tag's name.
                    at += 1;
                    continue;
                }
                if named {
                    marks.name_ended(at);
                } else {
                    marks.tag_name_ended(at);
                }
                *self = match bytes[at] {
                    b'>' => return Some(at + 1),
                    b'=' => Self::BeforeValue,
                    b'/' => Self::SelfClosing,
                    _ if named => Self::AfterName,
                    _ => Self::BeforeName,
                };
                at += 1;
            }
            if *self == Self::BeforeValue {
                at = find::space_end(bytes, at)?;
                *self = match bytes[at] {
                    b'"' => Self::DoubleQuoted,
                    b'\'' => Self::SingleQuoted,
                    _ => Self::Unquoted,
                };
                let quoted = *self != Self::Unquoted;
                at += usize::from(quoted);
                marks.value_started(at, quoted);
            }
            if matches!(self, Self::DoubleQuoted | Self::SingleQuoted) {
                let quote = if *self == Self::DoubleQuoted { b'"' } else { b'\'' };
                at = find::find(quote, bytes, at)?;
                marks.value_ended(at);
                *self = Self::AfterQuoted;
                at += 1;
            }
            if *self == Self::Unquoted {
                at = find::unquoted_end(bytes, at)?;
                marks.value_ended(at);
                *self = Self::BeforeName;
            }
            while let Some(&byte) = bytes.get(at) {
                at += 1;
                match byte {
                    b'>' => return Some(at),
                    b'/' => *self = Self::SelfClosing,
                    b'=' if *self == Self::AfterName => {
                        *self = Self::BeforeValue;
                        break;
                    }
                    _ if is_space(byte) => {
                        if *self != Self::AfterName {
                            *self = Self::BeforeName;
                        }
                        at = find::space_end(bytes, at)?;
                    }
                    // A first `=` is part of the name it starts (13.2.5.32).
                    _ => {
                        marks.name_started(at - 1);
                        *self = Self::Name;
                        break;
                    }
                }
            }
        }
        None
    }
}

/// Where one attribute lies in its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) name: Range<usize>,
    /// The value without its quotes; `None` for a name alone.
    pub(super) value: Option<Range<usize>>,
    pub(super) quoted: bool,
    /// Whether the tag was seen to the end of this attribute.
    pub(super) ended: bool,
}

impl Span {
    /// From the name's first byte to behind the value's closing quote.
    pub(super) fn whole(&self) -> Range<usize> {
        let end = match &self.value {
            Some(value) => value.end + usize::from(self.quoted && self.ended),
            None => self.name.end,
        };
        self.name.start..end
    }

    fn read<'a>(&self, tag: &'a [u8]) -> Attribute<'a> {
        Attribute {
            name: &tag[self.name.clone()],
            value: self.value.as_ref().map_or(b"", |value| &tag[value.clone()]),
        }
    }
}

/// A tag with the attributes found in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) spans: &'a [Span],
    /// Whether it was seen to its `>`.
    pub(super) ended: bool,
}

/// Notes in `into` where the attributes of a tag lie. `tag` starts with `<` or `</`, and may be cut
/// short.
pub(super) fn spans(tag: &[u8], into: &mut Vec<Span>) {
    into.clear();
    let name = if tag.get(1) == Some(&b'/') { 2 } else { 1 };
    let from = match ordinary_spans(tag, name, into) {
        // Nearly all tags end here.
        Some(at) if tag[at..] == *b">" => return,
        Some(at) => (Inside::BeforeName, at),
        None => (Inside::TagName, name),
    };
    spans_by_states(tag, from, into);
}

/// Notes attributes by the states, from where there is nothing open.
fn spans_by_states(tag: &[u8], (mut inside, at): (Inside, usize), into: &mut Vec<Span>) {
    if inside.advance(tag, at, &mut Noted(into)).is_none()
        && let Some(last) = into.last_mut()
        && !last.ended
    {
        match &mut last.value {
            Some(value) => value.end = tag.len(),
            None if inside == Inside::Name => last.name.end = tag.len(),
            None => {}
        }
    }
}

/// Notes attributes as long as they are written as nearly all are, `name="value"`, which takes fewer
/// steps than the states do. Says where it came upon another, or the end, with nothing open.
fn ordinary_spans(tag: &[u8], name: usize, into: &mut Vec<Span>) -> Option<usize> {
    let mut at = name_end(tag, name)?;
    loop {
        let start = find::space_end(tag, at).filter(|&start| tag[start].is_ascii_alphabetic());
        let Some(start) = start else { return Some(at) };
        let Some(end) = find::name_end(tag, start) else { return Some(at) };
        let Some(&[b'=', quote @ (b'"' | b'\'')]) = tag[end..].first_chunk() else {
            return Some(at);
        };
        let value = end + 2;
        let Some(closed) = find::find(quote, tag, value) else { return Some(at) };
        into.push(Span { name: start..end, value: Some(value..closed), quoted: true, ended: true });
        at = closed + 1;
    }
}

struct Noted<'a>(&'a mut Vec<Span>);

impl Marks for Noted<'_> {
    fn name_started(&mut self, at: usize) {
        if let Some(last) = self.0.last_mut() {
            last.ended = true;
        }
        self.0.push(Span { name: at..at, value: None, quoted: false, ended: false });
    }

    fn name_ended(&mut self, at: usize) {
        if let Some(last) = self.0.last_mut() {
            last.name.end = at;
        }
    }

    fn value_started(&mut self, at: usize, quoted: bool) {
        if let Some(last) = self.0.last_mut() {
            last.value = Some(at..at);
            last.quoted = quoted;
        }
    }

    fn value_ended(&mut self, at: usize) {
        if let Some(Span { value: Some(value), ended, .. }) = self.0.last_mut() {
            value.end = at;
            *ended = true;
        }
    }
}

/// One attribute as it stands in the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The name as it was written; browsers compare it in lower case.
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Whether this is its name; browsers read names without regard to ASCII case.
    pub fn is_named(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value as it was written, without its quotes; empty where there is none.
    pub fn raw_value(&self) -> &'a [u8] {
        self.value
    }

    /// The value as a browser reads it: character references resolved (those above ASCII to UTF-8),
    /// line ends made line feeds, NUL made U+FFFD.
    pub fn value(&self) -> Cow<'a, [u8]> {
        decode(self.value)
    }
}

/// The attributes of a tag, in order, duplicates included.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    tag: &'a [u8],
    spans: std::slice::Iter<'a, Span>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(tag: &'a [u8], spans: &'a [Span]) -> Self {
        Self { tag, spans: spans.iter() }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        Some(self.spans.next()?.read(self.tag))
    }
}

/// An attribute's value as a browser reads it.
pub(super) fn decode(raw: &[u8]) -> Cow<'_, [u8]> {
    // Most values hold nothing that is read otherwise than it is written, and stay where they are.
    if memchr::memchr2(b'\r', b'\0', raw).is_none() {
        return resolve(Cow::Borrowed(raw));
    }
    let mut plain = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                plain.push(b'\n');
            }
            b'\0' => plain.extend_from_slice("\u{FFFD}".as_bytes()),
            _ => plain.push(byte),
        }
    }
    resolve(Cow::Owned(plain))
}

/// Resolves character references.
fn resolve(value: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match memchr::memchr(b'&', &value) {
        Some(_) => htmlize::unescape_bytes_in(value, htmlize::Context::Attribute),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(tag: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        spans(tag.as_bytes(), &mut found);
        Attributes::new(tag.as_bytes(), &found)
            .map(|a| (text(a.name()), text(&a.value())))
            .collect()
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn attributes_are_read_in_every_quoting() {
        assert_eq!(
            read("<a b=\"1>2\" c='\"' d = e/f g/h =i>"),
            [pair("b", "1>2"), pair("c", "\""), pair("d", "e/f"), pair("g", ""), pair("h", "i"),]
        );
    }

    #[test]
    fn references_follow_the_rule_for_attributes() {
        assert_eq!(
            read("<a b='?x=1&copy=2&amp;y&colon;&#x2f;&sol;&period;&#128;' c=&ampx>"),
            [pair("b", "?x=1&copy=2&y://.\u{20AC}"), pair("c", "&ampx")]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(50_000) })]

        #[test]
        fn attributes_lie_where_the_states_say(
            bits in prop::collection::vec(prop::sample::select(vec![
                "a", "b=", "=", "\"", "'", ">", "/", " ", "\n", "\0", "<", "?", " c=\"d\"", " e='f'", "=\"", "='",
                " a-name-that-is-long-and-goes-on=\"and a value that is longer still\"", " G='>\"'", "/>",
            ]), 0..12),
        ) {
            let tag = format!("<x{}", bits.concat());
            let (mut seen, mut by_states) = (Vec::new(), Vec::new());
            spans(tag.as_bytes(), &mut seen);
            spans_by_states(tag.as_bytes(), (Inside::TagName, 1), &mut by_states);
            prop_assert_eq!(seen, by_states);
        }
    }

    #[test]
    fn a_tag_cut_short_shows_what_was_there() {
        assert_eq!(read("<img src=\"data:ab"), [pair("src", "data:ab")]);
        assert_eq!(read("<img sr"), [pair("sr", "")]);
    }
}
