//! Where tags, comments and text begin and end.
//!
//! [`Scanner`] is the tokenizer of WHATWG 13.2.5 without its tokens: it says how far each piece of
//! the input goes and what it is, and leaves the bytes where they are. What a tag carries is read
//! later, and only from the tags somebody asks about.
//!
//! It stops at any byte and goes on at the next: [`Scanner::next`] is given the input chunk by
//! chunk, and the pieces it names, joined, are the input. It never looks back, so what it cannot
//! tell yet (`<`, `</scri`, an unfinished tag) it names [`Kind::Partial`].
//!
//! Which text follows a start tag is the tree builder's to say ([`Scanner::read_as`]). The states of
//! raw text are in `scan/raw.rs`, those of comments in `scan/bang.rs`, those inside a tag in `tag.rs`.

mod bang;
mod raw;

use super::find::{Signs, find};
use super::tag::{self, Inside as InTag, Marks};
use bang::Bang;
use raw::Raw;

/// How the scanner reads what is not markup (WHATWG 13.2.5.1 to 13.2.5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Ordinary content: every tag counts.
    Data,
    /// `title` and `textarea`: only their own end tag counts.
    RcData,
    /// `style`, `iframe`, `noscript`…: only their own end tag counts.
    RawText,
    /// `script`: as raw text, and `<!-- <script>` hides an end tag.
    Script,
    /// `plaintext`: nothing counts any more.
    PlainText,
}

/// What a piece of the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text to the end of the bytes given.
    Text,
    /// A start tag.
    StartTag {
        /// Whether it ends in `/>`.
        self_closing: bool,
    },
    /// An end tag.
    EndTag,
    /// A comment of any ending, bogus ones included.
    Comment,
    /// A doctype.
    Doctype,
    /// `<![CDATA[…]]>` in foreign content.
    Cdata,
    /// `</>`, of which browsers make nothing.
    Nothing,
    /// Something that has not ended, or cannot be told yet; [`Scanner::inside`] says what.
    Partial,
}

/// One step through the input: text, then at most one piece of markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What the markup is.
    pub kind: Kind,
    /// Where the markup starts in the bytes given; what is before it is text.
    pub start: usize,
    /// Where it ends, and where the next step begins.
    pub end: usize,
    /// Whether the markup started in the [`Kind::Partial`] pieces before this one. If it did not,
    /// those pieces were text.
    pub continues: bool,
    /// For a tag, how long its name is.
    pub name_len: usize,
}

/// What a [`Kind::Partial`] piece ended in. At the end of the input this is what a browser makes of
/// it: [`Inside::Undecided`] is text, [`Inside::Tag`] is dropped, the rest end there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Nothing is open: text.
    Text,
    /// `<`, `</`, or what may yet be the end tag of raw text.
    Undecided,
    /// A tag.
    Tag,
    /// A comment, or what can only become one if the input ends here (`<!`, `<!-`, `<!DOC`).
    Comment,
    /// A doctype.
    Doctype,
    /// A CDATA section.
    Cdata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// Behind `<`.
    Opened,
    /// Behind `</`.
    EndTagOpened,
    /// Behind `<` in raw text.
    RawOpened,
    /// Behind `</` and so many bytes of the name that ends the raw text.
    RawName(usize),
    Tag {
        inside: InTag,
        end: bool,
    },
    Bang(Bang),
}

/// The tokenizer's state between two bytes.
#[derive(Clone, Debug)]
pub struct Scanner {
    state: State,
    content: Content,
    raw: Raw,
    foreign: bool,
    name_len: usize,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// A scanner at the start of a document.
    pub fn new() -> Self {
        Self {
            state: State::Text,
            content: Content::Data,
            raw: Raw::default(),
            foreign: false,
            name_len: 0,
        }
    }

    /// Reads what comes next as `content`, until an end tag of the name `closed_by`. To
    /// be called between two pieces, when no markup is open. After that end tag the scanner is back
    /// at [`Content::Data`].
    pub fn read_as(&mut self, content: Content, closed_by: &[u8]) {
        self.content = content;
        self.raw = Raw::closed_by(closed_by);
    }

    /// Reads what comes next as the inside of a CDATA section.
    pub fn read_cdata(&mut self) {
        self.state = State::Bang(Bang::Cdata(0));
    }

    /// Whether `<![CDATA[` opens a section, as it does in foreign content, or a bogus comment.
    pub fn set_foreign(&mut self, foreign: bool) {
        self.foreign = foreign;
    }

    /// Whether ordinary content goes on, with nothing open.
    #[inline]
    pub(super) fn is_in_data(&self) -> bool {
        self.state == State::Text && self.content == Content::Data
    }

    /// What is open between this byte and the next.
    pub fn inside(&self) -> Inside {
        match self.state {
            State::Text => Inside::Text,
            State::Opened | State::EndTagOpened | State::RawOpened | State::RawName(_) => {
                Inside::Undecided
            }
            State::Tag { .. } => Inside::Tag,
            State::Bang(bang) => bang.inside(),
        }
    }

    /// How what is not markup is read at present.
    pub fn content(&self) -> Content {
        self.content
    }

    /// The next step through the input, from `bytes[from]` on.
    #[inline]
    pub fn next(&mut self, bytes: &[u8], from: usize) -> Piece {
        let continues = self.state != State::Text;
        let (mut start, mut at) = (from, from);
        if !continues && self.content == Content::Data {
            let Some(opened) = find(b'<', bytes, from) else {
                return Piece::text(bytes.len());
            };
            if let Some(piece) = ordinary(bytes, opened) {
                return piece;
            }
            self.state = State::Opened;
            start = opened;
            at = opened + 1;
        }
        self.step_by_step(bytes, start, at, continues)
    }

    /// As [`Scanner::next`], by the states: from `at`, where markup may have been opened at `start`.
    fn step_by_step(
        &mut self,
        bytes: &[u8],
        mut start: usize,
        mut at: usize,
        mut continues: bool,
    ) -> Piece {
        let kind = loop {
            if self.state == State::Text {
                continues = false;
                let Some(opened) = self.skip_text(bytes, at) else {
                    start = bytes.len();
                    at = start;
                    break Kind::Text;
                };
                start = opened;
                at = opened + 1;
                if self.state == State::RawOpened
                    && let Some(len) = self.raw.end_tag(&bytes[at..])
                {
                    self.state = State::Text;
                    self.content = Content::Data;
                    self.name_len = len - "/>".len();
                    at += len;
                    break Kind::EndTag;
                }
            }
            match self.markup(bytes, &mut at) {
                Some(kind) => break kind,
                None if self.state == State::Text => {}
                None => {
                    at = bytes.len();
                    break Kind::Partial;
                }
            }
        };
        Piece { kind, start, end: at, continues, name_len: self.name_len }
    }

    /// Where the next `<` that may open markup stands.
    #[inline]
    fn skip_text(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        match self.content {
            Content::Data => {
                let opened = find(b'<', bytes, at)?;
                self.state = State::Opened;
                Some(opened)
            }
            Content::PlainText => None,
            Content::RcData | Content::RawText => {
                let opened = find(b'<', bytes, at)?;
                self.state = State::RawOpened;
                Some(opened)
            }
            Content::Script => {
                let opened = self.raw.skip_script(bytes, at)?;
                self.state = State::RawOpened;
                Some(opened)
            }
        }
    }

    /// Walks on inside markup. `None` where the bytes ended, or, back at [`State::Text`], where the
    /// markup turned out to be text.
    #[inline]
    fn markup(&mut self, bytes: &[u8], at: &mut usize) -> Option<Kind> {
        while let Some(&byte) = bytes.get(*at) {
            match self.state {
                State::Text => return None,
                State::Tag { inside, end } => return self.tag(inside, end, bytes, at),
                State::Opened => match byte {
                    _ if byte.is_ascii_alphabetic() => {
                        self.name_len = 0;
                        return self.tag(InTag::TagName, false, bytes, at);
                    }
                    b'/' => self.step(at, State::EndTagOpened),
                    b'!' => self.step(at, State::Bang(Bang::Opened { foreign: self.foreign })),
                    b'?' => self.step(at, State::Bang(Bang::Bogus)),
                    _ => self.state = State::Text,
                },
                State::EndTagOpened => match byte {
                    _ if byte.is_ascii_alphabetic() => {
                        self.name_len = 0;
                        return self.tag(InTag::TagName, true, bytes, at);
                    }
                    b'>' => {
                        self.step(at, State::Text);
                        return Some(Kind::Nothing);
                    }
                    _ => self.state = State::Bang(Bang::Bogus),
                },
                State::RawOpened if byte == b'/' => self.step(at, State::RawName(0)),
                State::RawOpened => {
                    self.raw.opened_no_tag(byte);
                    self.state = State::Text;
                }
                State::RawName(matched) => {
                    if self.raw.name_continues(matched, byte) {
                        self.step(at, State::RawName(matched + 1));
                    } else if self.raw.name_ends(matched, byte) {
                        self.name_len = matched;
                        return self.tag(InTag::BeforeName, true, bytes, at);
                    } else {
                        self.raw.opened_no_tag(b'/');
                        self.state = State::Text;
                    }
                }
                State::Bang(mut bang) => {
                    let ended = bang.advance(bytes, at);
                    self.state = if ended.is_some() { State::Text } else { State::Bang(bang) };
                    return ended;
                }
            }
        }
        None
    }

    /// Walks on inside a tag.
    #[inline]
    fn tag(&mut self, mut inside: InTag, end: bool, bytes: &[u8], at: &mut usize) -> Option<Kind> {
        let mut name = NameEnd(None);
        let ended = inside.advance(bytes, *at, &mut name);
        self.name_len += match name.0 {
            Some(name_end) => name_end - *at,
            None if inside == InTag::TagName => bytes.len() - *at,
            None => 0,
        };
        let Some(ended) = ended else {
            self.state = State::Tag { inside, end };
            return None;
        };
        *at = ended;
        self.state = State::Text;
        if end {
            self.content = Content::Data;
            return Some(Kind::EndTag);
        }
        Some(Kind::StartTag { self_closing: inside == InTag::SelfClosing })
    }

    fn step(&mut self, at: &mut usize, state: State) {
        *at += 1;
        self.state = state;
    }
}

impl Piece {
    fn text(end: usize) -> Piece {
        Piece { kind: Kind::Text, start: end, end, continues: false, name_len: 0 }
    }
}

/// The tag that `<` at `start` opens in ordinary content, if it is complete and nothing in it is
/// unusual. It is what [`Scanner::next`] would say in [`Content::Data`] with nothing open.
#[inline]
pub(super) fn ordinary(bytes: &[u8], start: usize) -> Option<Piece> {
    let end_tag = *bytes.get(start + 1)? == b'/';
    let name = start + 1 + usize::from(end_tag);
    if !bytes.get(name)?.is_ascii_alphabetic() {
        return None;
    }
    let name_end = tag::name_end(bytes, name)?;
    let name_len = name_end - name;
    let signs = &mut Signs::at(bytes, start)?;
    let tag = tag::ordinary(signs, name_end, &mut tag::Starts::unwanted())?;
    let kind = match end_tag {
        false => Kind::StartTag { self_closing: tag.self_closing },
        true => Kind::EndTag,
    };
    Some(Piece { kind, start, end: tag.end, continues: false, name_len })
}

/// Notes only where the tag's name ends.
struct NameEnd(Option<usize>);

impl Marks for NameEnd {
    fn tag_name_ended(&mut self, at: usize) {
        self.0 = Some(at);
    }
}
