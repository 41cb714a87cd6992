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
//! raw text are in [`raw`], those inside a tag in [`super::tag`].

mod raw;

use memchr::memchr;

use super::tag::{Inside as InTag, Marks};
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
    Opened,
    EndTagOpened,
    RawOpened,
    /// `</` and so many bytes of the name that ends the raw text.
    RawName(usize),
    Tag {
        inside: InTag,
        end: bool,
    },
    Bang,
    /// So many bytes of the word that opens a comment, a doctype or a CDATA section.
    Word(Word, usize),
    Comment(Dashes),
    Bogus,
    Doctype,
    /// A CDATA section, with so many `]` last seen.
    Cdata(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Comment,
    Doctype,
    Cdata,
}

impl Word {
    const fn spelt(self) -> &'static [u8] {
        match self {
            Self::Comment => b"--",
            Self::Doctype => b"doctype",
            Self::Cdata => b"[CDATA[",
        }
    }

    fn continues(self, matched: usize, byte: u8) -> bool {
        let expected = self.spelt()[matched];
        byte == expected || (self == Self::Doctype && byte.eq_ignore_ascii_case(&expected))
    }

    const fn opens(self) -> State {
        match self {
            Self::Comment => State::Comment(Dashes::Start),
            Self::Doctype => State::Doctype,
            Self::Cdata => State::Cdata(0),
        }
    }
}

/// The last bytes of a comment, as far as they may end it (WHATWG 13.2.5.43 to 13.2.5.52). The four
/// states after `<!` inside a comment only report errors and are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dashes {
    Start,
    StartDash,
    None,
    One,
    Two,
    TwoBang,
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

    /// Reads what comes next as `content`, until an end tag of the lower-case name `closed_by`. To
    /// be called between two pieces, when no markup is open. After that end tag the scanner is back
    /// at [`Content::Data`].
    pub fn read_as(&mut self, content: Content, closed_by: &[u8]) {
        self.content = content;
        self.raw = Raw::closed_by(closed_by);
    }

    /// Reads what comes next as the inside of a CDATA section.
    pub fn read_cdata(&mut self) {
        self.state = State::Cdata(0);
    }

    /// Whether `<![CDATA[` opens a section, as it does in foreign content, or a bogus comment.
    pub fn set_foreign(&mut self, foreign: bool) {
        self.foreign = foreign;
    }

    /// What is open between this byte and the next.
    pub fn inside(&self) -> Inside {
        match self.state {
            State::Text => Inside::Text,
            State::Opened | State::EndTagOpened | State::RawOpened | State::RawName(_) => {
                Inside::Undecided
            }
            State::Tag { .. } => Inside::Tag,
            State::Bang | State::Word(..) | State::Comment(_) | State::Bogus => Inside::Comment,
            State::Doctype => Inside::Doctype,
            State::Cdata(_) => Inside::Cdata,
        }
    }

    /// How what is not markup is read at present.
    pub fn content(&self) -> Content {
        self.content
    }

    /// The next step through the input, of which `bytes` is what has come so far.
    pub fn next(&mut self, bytes: &[u8]) -> Piece {
        let mut continues = self.state != State::Text;
        let mut start = 0;
        let mut at = 0;
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
        Piece {
            kind,
            start,
            end: at,
            continues,
            name_len: self.name_len,
        }
    }

    /// Where the next `<` that may open markup stands.
    #[inline]
    fn skip_text(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        match self.content {
            Content::Data => {
                let opened = at + memchr(b'<', &bytes[at..])?;
                self.state = State::Opened;
                Some(opened)
            }
            Content::PlainText => None,
            Content::RcData | Content::RawText => {
                let opened = at + memchr(b'<', &bytes[at..])?;
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
                State::Tag { mut inside, end } => {
                    let before = *at;
                    let mut name = NameEnd(None);
                    let ended = inside.advance(bytes, *at, &mut name);
                    self.name_len += match name.0 {
                        Some(name_end) => name_end - before,
                        None if inside == InTag::TagName => bytes.len() - before,
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
                    return Some(Kind::StartTag {
                        self_closing: inside == InTag::SelfClosing,
                    });
                }
                State::Opened => match byte {
                    _ if byte.is_ascii_alphabetic() => self.open_tag(false),
                    b'/' => self.step(at, State::EndTagOpened),
                    b'!' => self.step(at, State::Bang),
                    b'?' => self.step(at, State::Bogus),
                    _ => self.state = State::Text,
                },
                State::EndTagOpened => match byte {
                    _ if byte.is_ascii_alphabetic() => self.open_tag(true),
                    b'>' => {
                        self.step(at, State::Text);
                        return Some(Kind::Nothing);
                    }
                    _ => self.state = State::Bogus,
                },
                State::RawOpened => match byte {
                    b'/' => self.step(at, State::RawName(0)),
                    _ => {
                        self.raw.opened_no_tag(byte);
                        self.state = State::Text;
                    }
                },
                State::RawName(matched) => {
                    if self.raw.name_continues(matched, byte) {
                        self.step(at, State::RawName(matched + 1));
                    } else if self.raw.name_ends(matched, byte) {
                        self.name_len = matched;
                        self.state = State::Tag {
                            inside: InTag::BeforeName,
                            end: true,
                        };
                    } else {
                        self.raw.opened_no_tag(b'/');
                        self.state = State::Text;
                    }
                }
                State::Bang => {
                    let word = match byte {
                        b'-' => Some(Word::Comment),
                        b'd' | b'D' => Some(Word::Doctype),
                        b'[' if self.foreign => Some(Word::Cdata),
                        _ => None,
                    };
                    match word {
                        Some(word) => self.step(at, State::Word(word, 1)),
                        None => self.state = State::Bogus,
                    }
                }
                State::Word(word, matched) => {
                    if !word.continues(matched, byte) {
                        self.state = State::Bogus;
                    } else if matched + 1 == word.spelt().len() {
                        self.step(at, word.opens());
                    } else {
                        self.step(at, State::Word(word, matched + 1));
                    }
                }
                State::Comment(dashes) => {
                    if dashes.comment(bytes, at, &mut self.state) {
                        return Some(Kind::Comment);
                    }
                }
                // A `>` ends a doctype in every one of its states, quoted identifiers included.
                State::Bogus | State::Doctype => {
                    let kind = if self.state == State::Bogus {
                        Kind::Comment
                    } else {
                        Kind::Doctype
                    };
                    *at += memchr(b'>', &bytes[*at..])?;
                    self.step(at, State::Text);
                    return Some(kind);
                }
                State::Cdata(brackets) => match byte {
                    b'>' if brackets == 2 => {
                        self.step(at, State::Text);
                        return Some(Kind::Cdata);
                    }
                    b']' => self.step(at, State::Cdata((brackets + 1).min(2))),
                    _ => {
                        self.state = State::Cdata(0);
                        *at += memchr(b']', &bytes[*at..])?;
                    }
                },
            }
        }
        None
    }

    fn step(&mut self, at: &mut usize, state: State) {
        *at += 1;
        self.state = state;
    }

    fn open_tag(&mut self, end: bool) {
        self.name_len = 0;
        self.state = State::Tag {
            inside: InTag::TagName,
            end,
        };
    }
}

impl Dashes {
    /// Walks on inside a comment, and says whether it has ended.
    fn comment(self, bytes: &[u8], at: &mut usize, state: &mut State) -> bool {
        let byte = bytes[*at];
        let ends = match self {
            Self::Start | Self::StartDash | Self::Two | Self::TwoBang => byte == b'>',
            Self::None | Self::One => false,
        };
        *at += 1;
        if ends {
            *state = State::Text;
            return true;
        }
        let next = match (self, byte) {
            (Self::Start, b'-') => Self::StartDash,
            (Self::StartDash | Self::One | Self::Two, b'-') => Self::Two,
            (Self::None | Self::TwoBang, b'-') => Self::One,
            (Self::Two, b'!') => Self::TwoBang,
            _ => {
                *at += memchr(b'-', &bytes[*at..]).unwrap_or(bytes.len() - *at);
                Self::None
            }
        };
        *state = State::Comment(next);
        false
    }
}

/// Notes only where the tag's name ends.
struct NameEnd(Option<usize>);

impl Marks for NameEnd {
    fn tag_name_ended(&mut self, at: usize) {
        self.0 = Some(at);
    }

    fn name_started(&mut self, _at: usize) {}

    fn name_ended(&mut self, _at: usize) {}

    fn value_started(&mut self, _at: usize, _quoted: bool) {}

    fn value_ended(&mut self, _at: usize) {}
}
