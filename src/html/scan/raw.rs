//! The text of `script`, `style`, `title` and their like, up to the end tag that closes it.
//!
//! Only an end tag of the element's own name ends raw text, and in a script not every one of those:
//! between `<!--` and `-->` a `<script` hides the next `</script>` (WHATWG 13.2.5.15 to 13.2.5.31).
//! Pages from the time of browsers without scripts still rely on it.
//!
//! A script's escapes are decided byte by byte and kept in [`Escape`], so they survive any cut.
//!
//! What the scanner does with the tag it finds is in [`super`].

use memchr::{memchr, memchr2};

use super::super::find::is_space;
use super::super::name::Key;

/// Longer than any raw-text element's name.
const NAME_BYTES_MAX: usize = 16;

/// What ends the raw text, and how far a script has escaped it.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    name: [u8; NAME_BYTES_MAX],
    name_len: usize,
    key: Key,
    escape: Escape,
}

/// How a script's text is escaped; each variant is a state of WHATWG 13.2.5.18 to 13.2.5.31.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    No,
    /// Before the `!` of `<!`.
    Opened,
    Start,
    StartDash,
    Escaped(Dashes),
    /// After `<` and so many letters of `script`; `None` once they are another word.
    DoubleStart(Option<usize>),
    Double(Dashes),
    DoubleOpened,
    /// After `</` and so many letters of `script`.
    DoubleEnd(Option<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dashes {
    None,
    One,
    Two,
}

impl Dashes {
    const fn and_one(self) -> Self {
        match self {
            Self::None => Self::One,
            Self::One | Self::Two => Self::Two,
        }
    }
}

impl Raw {
    /// Raw text that ends with an end tag of this name, in either case. A name no element of raw
    /// text could have closes nothing.
    pub(super) fn closed_by(name: &[u8]) -> Self {
        let mut raw = Self::default();
        if name.len() <= NAME_BYTES_MAX {
            raw.name[..name.len()].copy_from_slice(name);
            raw.name.make_ascii_lowercase();
            raw.name_len = name.len();
            raw.key = Key::of(name);
        }
        raw
    }

    /// How long the end tag is that bytes begin with behind its `<`, if it is written as most are.
    pub(super) fn end_tag(&self, bytes: &[u8]) -> Option<usize> {
        let &[b'/', name @ ..] = bytes.first_chunk::<9>()? else { return None };
        Some("/>".len() + self.key.begins(name)?)
    }

    /// Whether `byte` is the next of the name after `matched` of its bytes.
    pub(super) fn name_continues(&self, matched: usize, byte: u8) -> bool {
        matched < self.name_len && self.name[matched] == byte.to_ascii_lowercase()
    }

    /// Whether the name is complete and `byte` ends it.
    pub(super) fn name_ends(&self, matched: usize, byte: u8) -> bool {
        matched == self.name_len && matched > 0 && (is_space(byte) || matches!(byte, b'/' | b'>'))
    }

    /// A `<` opened no end tag: `byte` follows it, not yet consumed.
    pub(super) fn opened_no_tag(&mut self, byte: u8) {
        self.escape = match self.escape {
            Escape::No if byte == b'!' => Escape::Opened,
            Escape::Escaped(_) if byte.is_ascii_alphabetic() => Escape::DoubleStart(Some(0)),
            Escape::Escaped(_) => Escape::Escaped(Dashes::None),
            other => other,
        };
    }

    /// Where in a script the next `<` stands that may open its end tag.
    pub(super) fn skip_script(&mut self, bytes: &[u8], mut at: usize) -> Option<usize> {
        while let Some(&byte) = bytes.get(at) {
            match self.escape {
                Escape::No => return Some(at + memchr(b'<', &bytes[at..])?),
                Escape::Opened => {
                    self.escape = Escape::Start;
                    at += 1;
                }
                Escape::Start => match byte {
                    b'-' => {
                        self.escape = Escape::StartDash;
                        at += 1;
                    }
                    _ => self.escape = Escape::No,
                },
                Escape::StartDash => match byte {
                    b'-' => {
                        self.escape = Escape::Escaped(Dashes::Two);
                        at += 1;
                    }
                    _ => self.escape = Escape::No,
                },
                Escape::Escaped(dashes) => {
                    match byte {
                        b'<' => return Some(at),
                        b'-' => self.escape = Escape::Escaped(dashes.and_one()),
                        b'>' if dashes == Dashes::Two => self.escape = Escape::No,
                        _ => {
                            self.escape = Escape::Escaped(Dashes::None);
                            at += memchr2(b'-', b'<', &bytes[at..])?;
                            continue;
                        }
                    }
                    at += 1;
                }
                Escape::DoubleStart(matched) => {
                    let (ended, next) = word(matched, byte);
                    self.escape = match (ended, next) {
                        (false, _) => Escape::DoubleStart(next),
                        (true, Some(_)) => Escape::Double(Dashes::None),
                        (true, None) => Escape::Escaped(Dashes::None),
                    };
                    at += usize::from(!ended || is_word_end(byte));
                }
                Escape::Double(dashes) => {
                    match byte {
                        b'<' => self.escape = Escape::DoubleOpened,
                        b'-' => self.escape = Escape::Double(dashes.and_one()),
                        b'>' if dashes == Dashes::Two => self.escape = Escape::No,
                        _ => {
                            self.escape = Escape::Double(Dashes::None);
                            at += memchr2(b'-', b'<', &bytes[at..])?;
                            continue;
                        }
                    }
                    at += 1;
                }
                Escape::DoubleOpened => {
                    if byte == b'/' {
                        self.escape = Escape::DoubleEnd(Some(0));
                        at += 1;
                    } else {
                        self.escape = Escape::Double(Dashes::None);
                    }
                }
                Escape::DoubleEnd(matched) => {
                    let (ended, next) = word(matched, byte);
                    self.escape = match (ended, next) {
                        (false, _) => Escape::DoubleEnd(next),
                        (true, Some(_)) => Escape::Escaped(Dashes::None),
                        (true, None) => Escape::Double(Dashes::None),
                    };
                    at += usize::from(!ended || is_word_end(byte));
                }
            }
        }
        None
    }
}

const SCRIPT: &[u8] = b"script";

/// One byte of the word after `<` or `</` in an escaped script: whether it ended, and how many
/// letters of `script` it has (all of them, if it ended as that word).
fn word(matched: Option<usize>, byte: u8) -> (bool, Option<usize>) {
    if byte.is_ascii_alphabetic() {
        let next = matched.filter(|&m| SCRIPT.get(m) == Some(&byte.to_ascii_lowercase()));
        return (false, next.map(|m| m + 1));
    }
    let is_script = is_word_end(byte) && matched == Some(SCRIPT.len());
    (true, is_script.then_some(SCRIPT.len()))
}

const fn is_word_end(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}

#[cfg(test)]
mod tests {
    use super::super::{Content, Kind, Scanner};

    /// The script's text, up to the end tag that ends it.
    fn script(input: &str) -> &str {
        let mut scanner = Scanner::new();
        scanner.read_as(Content::Script, b"script");
        let piece = scanner.next(input.as_bytes(), 0);
        assert!(matches!(piece.kind, Kind::EndTag | Kind::Text), "{input}: {piece:?}");
        &input[..piece.start]
    }

    #[test]
    fn a_script_ends_where_its_escapes_let_it() {
        for (text, rest) in [
            ("a", "</script>b</script>"),
            ("a</scripty></scrip>", "</SCRIPT\n>"),
            ("<!--", "</script>-->"),
            ("<!--<script></script>-->", "</script>"),
            ("<!--<script></script>", "</script>"),
            ("<!--<scripty></scripty>", "</script></script>"),
            ("<!--<script>--><!--", "</script></script>"),
            ("<!--<script </script/", "</script></script>"),
            ("<!-<script>", "</script>"),
            ("<!!--<script>", "</script>"),
            ("<!--></x><script>", "</script></script>"),
            ("<!----</><script></script>", "</script>"),
            ("<!--a--<b><script></script>", "</script>"),
        ] {
            assert_eq!(script(&format!("{text}{rest}")), text);
        }
    }
}
