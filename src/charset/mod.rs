//! In which encoding a browser will read a page.
//!
//! A page is changed byte by byte, which is right where every ASCII byte is an ASCII letter:
//! in UTF-8, and in most of what came before it. It is wrong in UTF-16, which has to be made
//! UTF-8 first, and in ISO-2022-JP, where an escape sequence makes other letters of the bytes
//! of markup. So the gate has to know what the browser will take the page for.
//!
//! What is decided from the first bytes stays decided whatever follows (WHATWG HTML 13.2.3.2:
//! byte order mark, header, `<meta>`, then what is local). Browsers differ in the details, and
//! read `<meta>` elements past the first bytes too; a charset in the header ends all that. So
//! whoever changes a page pins [`Charset::label`] with [`pin`], and where there is no label,
//! [`disarm`]s the page.
//!
//! `header` reads the charset of `Content-Type`, `prescan` the `<meta>`, and `transcode` makes
//! UTF-8 of UTF-16. Which labels there are is for the Encoding standard to say.

mod header;
mod prescan;
mod transcode;

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::memchr2;

pub use header::{HeaderCharset, of_header, pin};
pub use prescan::{PRESCAN_BYTES, prescan};
pub use transcode::Transcoder;

/// What a browser reads a page in, as far as anybody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset {
    encoding: Option<&'static Encoding>,
    source: Source,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The page's byte order mark.
    Bom,
    /// The charset of its `Content-Type`.
    Header,
    /// The page itself, in a `<meta>` or an XML declaration.
    Meta,
    /// The operator, for pages that do not say.
    Default,
    /// Nobody: the browser guesses.
    Unknown,
}

/// How a page has to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// By bytes.
    Bytes,
    /// Through a [`Transcoder`], then by bytes.
    Utf16(ByteOrder),
    /// Not at all.
    Unreadable,
}

/// Which byte of a letter in UTF-16 comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// The lesser.
    Little,
    /// The greater.
    Big,
}

impl Charset {
    /// The encoding of the page as it came. `None` if nobody says, or the header contradicts
    /// itself.
    pub fn encoding(&self) -> Option<&'static Encoding> {
        self.encoding
    }

    /// Who says so.
    pub fn source(&self) -> Source {
        self.source
    }

    /// How the page has to be read.
    pub fn reading(&self) -> Reading {
        match self.encoding {
            Some(encoding) if encoding == UTF_16LE => Reading::Utf16(ByteOrder::Little),
            Some(encoding) if encoding == UTF_16BE => Reading::Utf16(ByteOrder::Big),
            Some(encoding) if encoding.is_ascii_compatible() => Reading::Bytes,
            None if self.source == Source::Unknown => Reading::Bytes,
            _ => Reading::Unreadable,
        }
    }

    /// The encoding of the page as it is sent on. Of one that nobody names, a browser's most likely
    /// guess.
    pub fn sent_in(&self) -> &'static Encoding {
        match (self.reading(), self.encoding) {
            (Reading::Utf16(_), _) => UTF_8,
            (_, encoding) => encoding.unwrap_or(WINDOWS_1252),
        }
    }

    /// The charset to pin in the header of the page as it is sent on: of what was UTF-16, UTF-8.
    /// `None` where the page is not changed, and where nobody knows it.
    pub fn label(&self) -> Option<&'static str> {
        match self.reading() {
            Reading::Bytes => self.encoding.map(Encoding::name),
            Reading::Utf16(_) => Some(UTF_8.name()),
            Reading::Unreadable => None,
        }
    }
}

/// Decides from the first bytes of a page, whatever it was packed in being undone. `None` asks
/// for more bytes, as these could still turn out to mean something else; `at_end` says that no
/// more come. An answer is the same for all longer beginnings of the page.
///
/// With a charset in the header one byte is enough, unless it may begin a byte order mark.
/// Without one, [`PRESCAN_BYTES`] are, or fewer that name one.
pub fn decide(
    header: &HeaderCharset,
    default: Option<&'static Encoding>,
    first: &[u8],
    at_end: bool,
) -> Option<Charset> {
    let decided = |encoding, source| Some(Charset { encoding, source });
    if let Some((encoding, _)) = Encoding::for_bom(first) {
        return decided(Some(encoding), Source::Bom);
    }
    let marks: [&[u8]; 3] = [b"\xEF\xBB\xBF", b"\xFE\xFF", b"\xFF\xFE"];
    if !at_end && marks.iter().any(|mark| mark.starts_with(first)) {
        return None;
    }
    match header {
        HeaderCharset::Named(encoding) => return decided(Some(*encoding), Source::Header),
        HeaderCharset::Conflicting => return decided(None, Source::Header),
        HeaderCharset::Unnamed => {}
    }
    let is_all = at_end || first.len() >= PRESCAN_BYTES;
    let first = &first[..first.len().min(PRESCAN_BYTES)];
    let named = if is_all { prescan(first) } else { prescan::of_markup(first) };
    match (named, default) {
        (Some(encoding), _) => decided(Some(encoding), Source::Meta),
        (None, _) if !is_all => None,
        (None, Some(encoding)) => decided(Some(encoding), Source::Default),
        (None, None) => decided(None, Source::Unknown),
    }
}

/// A chunk of a page whose encoding nobody names, without the bytes by which a browser may come
/// to read other markup in it than we do. Nothing is copied where there are none.
///
/// An escape (0x1B) is what makes a guesser say ISO-2022-JP, and a page in a frame may get that
/// encoding from the page around it. Without escapes, all markup in it is in ASCII. A NUL in
/// every other byte is what makes Firefox say UTF-16. Neither has a use in a page. Both become
/// 0x1A, a control that means nothing to markup, so that no byte moves.
pub fn disarm(chunk: &[u8]) -> Cow<'_, [u8]> {
    let Some(at) = memchr2(0x1B, 0, chunk) else { return Cow::Borrowed(chunk) };
    let mut chunk = chunk.to_vec();
    for byte in &mut chunk[at..] {
        if matches!(byte, 0x1B | 0) {
            *byte = 0x1A;
        }
    }
    Cow::Owned(chunk)
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

#[cfg(test)]
mod tests;
