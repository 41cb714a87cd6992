//! Comments, doctypes and CDATA sections: what `<!` opens, and what browsers take for a comment.
//!
//! A comment has six ways to end, two of them at once (`<!-->`, `<!--->`), and a page that hides a
//! script in one must have it hidden here too. The four states after `<!` inside of a comment
//! (WHATWG 13.2.5.46 to 13.2.5.49) only report errors and are left out.
//!
//! Bounds alone are found. In particular a `>` ends a doctype in each of its sixteen states, quoted
//! identifiers included, so one state stands for them all.
//!
//! Tags, and what `<` opens otherwise, are in [`super`].

use memchr::memchr;

use super::{Inside, Kind};

/// Where after `<!`, or in a bogus comment, the scanner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bang {
    /// Behind `<!`; whether foreign content makes `[CDATA[` a section.
    Opened {
        foreign: bool,
    },
    /// So many bytes into the word that opens a comment, a doctype or a CDATA section.
    Word(Word, usize),
    Comment(Dashes),
    Bogus,
    Doctype,
    /// A CDATA section, with so many `]` last seen, two at most.
    Cdata(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Comment,
    Doctype,
    Cdata,
}

/// The last bytes of a comment, as far as they may end it (WHATWG 13.2.5.43 to 13.2.5.52).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dashes {
    Start,
    StartDash,
    None,
    One,
    Two,
    TwoBang,
}

impl Bang {
    pub(super) fn inside(self) -> Inside {
        match self {
            Self::Opened { .. } | Self::Word(..) | Self::Comment(_) | Self::Bogus => {
                Inside::Comment
            }
            Self::Doctype => Inside::Doctype,
            Self::Cdata(_) => Inside::Cdata,
        }
    }

    /// Walks on from `bytes[*at]`, and says what has ended, or `None` where the bytes ended first.
    pub(super) fn advance(&mut self, bytes: &[u8], at: &mut usize) -> Option<Kind> {
        while let Some(&byte) = bytes.get(*at) {
            match *self {
                Self::Opened { foreign } => match byte {
                    b'-' => *self = Self::Word(Word::Comment, 0),
                    b'd' | b'D' => *self = Self::Word(Word::Doctype, 0),
                    b'[' if foreign => *self = Self::Word(Word::Cdata, 0),
                    _ => *self = Self::Bogus,
                },
                Self::Word(word, matched) => {
                    if !word.continues(matched, byte) {
                        *self = Self::Bogus;
                        continue;
                    }
                    *self = match matched + 1 {
                        complete if complete == word.spelt().len() => word.opens(),
                        matched => Self::Word(word, matched),
                    };
                    *at += 1;
                }
                Self::Comment(dashes) => {
                    *at += 1;
                    if byte == b'>' && dashes.may_end() {
                        return Some(Kind::Comment);
                    }
                    let next = dashes.followed_by(byte);
                    *self = Self::Comment(next);
                    if next == Dashes::None {
                        *at += memchr(b'-', &bytes[*at..])?;
                    }
                }
                Self::Bogus | Self::Doctype => {
                    *at += memchr(b'>', &bytes[*at..])? + 1;
                    return Some(match *self {
                        Self::Doctype => Kind::Doctype,
                        _ => Kind::Comment,
                    });
                }
                Self::Cdata(brackets) => {
                    match byte {
                        b'>' if brackets == 2 => {
                            *at += 1;
                            return Some(Kind::Cdata);
                        }
                        b']' => *self = Self::Cdata((brackets + 1).min(2)),
                        _ => {
                            *self = Self::Cdata(0);
                            *at += memchr(b']', &bytes[*at..])?;
                            continue;
                        }
                    }
                    *at += 1;
                }
            }
        }
        None
    }
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

    const fn opens(self) -> Bang {
        match self {
            Self::Comment => Bang::Comment(Dashes::Start),
            Self::Doctype => Bang::Doctype,
            Self::Cdata => Bang::Cdata(0),
        }
    }
}

impl Dashes {
    /// Whether a `>` here ends the comment.
    const fn may_end(self) -> bool {
        matches!(self, Self::Start | Self::StartDash | Self::Two | Self::TwoBang)
    }

    const fn followed_by(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Start, b'-') => Self::StartDash,
            (Self::StartDash | Self::One | Self::Two, b'-') => Self::Two,
            (Self::None | Self::TwoBang, b'-') => Self::One,
            (Self::Two, b'!') => Self::TwoBang,
            _ => Self::None,
        }
    }
}
