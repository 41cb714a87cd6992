//! What a page says of its own encoding.
//!
//! A page without a charset in its header may name one in a `<meta>`, which a browser looks for
//! in the first bytes before it reads any of them. What it finds there is not what a reader of
//! markup finds: it knows no scripts and no styles, and takes a `<meta` in either for one.
//!
//! The steps are those of the HTML standard (13.2.3.2, "prescan a byte stream to determine its
//! encoding"), and every byte is looked at a fixed number of times. What a `<meta>` answers does
//! not change when more bytes follow; what an XML declaration answers may.
//!
//! What outweighs the answer, and when it is final, is for [`super::decide`] to say.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use memchr::{memchr, memmem};

use super::is_utf16;

/// How much of a page is looked at. Browsers are asked not to look further (13.2.3.2), and
/// authors to keep within it (4.2.5.4).
pub const PRESCAN_BYTES: usize = 1024;

/// The encoding that a page names in its first bytes, given that no more of them come.
pub fn prescan(first: &[u8]) -> Option<&'static Encoding> {
    let first = &first[..first.len().min(PRESCAN_BYTES)];
    of_markup(first).or_else(|| of_xml_declaration(first))
}

/// The steps up to where the bytes end. An answer stands whatever follows.
pub(super) fn of_markup(first: &[u8]) -> Option<&'static Encoding> {
    // `<?x` in two bytes a letter: the one place where a page can say that it is UTF-16.
    if first.starts_with(b"<\0?\0x\0") {
        return Some(UTF_16LE);
    }
    if first.starts_with(b"\0<\0?\0x") {
        return Some(UTF_16BE);
    }
    Walk { bytes: first, at: 0 }.next_encoding().ok()
}

/// "Get an XML encoding", which counts where no `<meta>` does.
///
/// The standard lets `encoding` stand anywhere behind `<?xml`. Browsers want it inside the
/// declaration, and the standard's step that looks for the `>` has no other use.
fn of_xml_declaration(first: &[u8]) -> Option<&'static Encoding> {
    let declaration = first.strip_prefix(b"<?xml")?;
    let declaration = &declaration[..memchr(b'>', declaration)?];
    let at = memmem::find(declaration, b"encoding")? + "encoding".len();
    let value = skip_controls(&declaration[at..]).strip_prefix(b"=")?;
    let (quote, value) = skip_controls(value).split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let label = &value[..memchr(*quote, value)?];
    // A label with a space around it is good enough for a `<meta>`, and not here.
    if label.iter().any(|byte| *byte <= b' ') {
        return None;
    }
    Encoding::for_label(label).map(not_utf16)
}

fn skip_controls(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte > b' ').unwrap_or(bytes.len());
    &bytes[start..]
}

/// The "algorithm for extracting a character encoding from a meta element".
fn of_content(content: &[u8]) -> Option<&'static Encoding> {
    let mut rest = content;
    let value = loop {
        let at = rest.windows(7).position(|word| word.eq_ignore_ascii_case(b"charset"))? + 7;
        rest = rest[at..].trim_ascii_start();
        if let Some(value) = rest.strip_prefix(b"=") {
            break value.trim_ascii_start();
        }
    };
    let label = match value.split_first()? {
        // A quote that nothing matches names nothing.
        (quote @ (b'"' | b'\''), value) => &value[..memchr(*quote, value)?],
        _ => value.split(|byte| *byte == b';' || is_space(*byte)).next()?,
    };
    Encoding::for_label(label)
}

/// A page that can be read as ASCII up to here is not UTF-16, whatever it says.
fn not_utf16(encoding: &'static Encoding) -> &'static Encoding {
    if is_utf16(encoding) { UTF_8 } else { encoding }
}

fn is_meta(name: &[u8]) -> bool {
    name.len() > 4
        && name[..4].eq_ignore_ascii_case(b"meta")
        && (name[4] == b'/' || is_space(name[4]))
}

const fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// A name and a value; where there is none, an empty one.
type Attribute<'a> = (&'a [u8], &'a [u8]);

/// The bytes have ended, and the prescan with them.
struct Cut;

/// The standard's *position*.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// The loop of the prescan: on to the first `<meta>` that names an encoding.
    fn next_encoding(&mut self) -> Result<&'static Encoding, Cut> {
        loop {
            self.skip_until(|byte| byte == b'<')?;
            let rest = self.rest();
            match rest {
                // `<!-->` is a whole comment: its dashes open and close it.
                [b'<', b'!', b'-', b'-', ..] => {
                    self.at += 2 + memmem::find(&rest[2..], b"-->").ok_or(Cut)? + 2;
                }
                [b'<', name @ ..] if is_meta(name) => {
                    self.at += "<meta".len();
                    if let Some(encoding) = self.meta()? {
                        return Ok(encoding);
                    }
                }
                [b'<', b'/', letter, ..] | [b'<', letter, ..] if letter.is_ascii_alphabetic() => {
                    self.skip_until(|byte| byte == b'>' || is_space(byte))?;
                    while self.attribute()?.is_some() {}
                }
                [b'<', b'!' | b'/' | b'?', ..] => self.skip_until(|byte| byte == b'>')?,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Reads a `<meta` from behind its name, and returns the encoding if it names one.
    fn meta(&mut self) -> Result<Option<&'static Encoding>, Cut> {
        let mut seen = [false; 3];
        let mut got_pragma = false;
        // With it, the standard's null charset is told from one that nobody knows.
        let mut need_pragma = None;
        let mut charset = None;
        while let Some((name, value)) = self.attribute()? {
            let names: [&[u8]; 3] = [b"http-equiv", b"content", b"charset"];
            let Some(which) = names.iter().position(|known| known.eq_ignore_ascii_case(name))
            else {
                continue;
            };
            if std::mem::replace(&mut seen[which], true) {
                continue;
            }
            match names[which] {
                b"http-equiv" => got_pragma = value.eq_ignore_ascii_case(b"content-type"),
                b"charset" => {
                    charset = Encoding::for_label(value);
                    need_pragma = Some(false);
                }
                _ if need_pragma.is_none() => {
                    charset = of_content(value);
                    need_pragma = charset.map(|_| true);
                }
                _ => {}
            }
        }
        let counts = need_pragma.is_some_and(|needed| got_pragma || !needed);
        Ok(charset.filter(|_| counts).map(|encoding| match encoding == X_USER_DEFINED {
            true => WINDOWS_1252,
            false => not_utf16(encoding),
        }))
    }

    /// "Get an attribute", or `None` at the end of the tag. Nothing is made lower case as it is
    /// there, for nobody here minds the case.
    fn attribute(&mut self) -> Result<Option<Attribute<'a>>, Cut> {
        self.skip_until(|byte| byte != b'/' && !is_space(byte))?;
        if self.rest().starts_with(b">") {
            return Ok(None);
        }
        let start = self.at;
        // Whatever comes first belongs to the name, even a `=`.
        self.at += 1;
        self.skip_until(|byte| matches!(byte, b'=' | b'/' | b'>') || is_space(byte))?;
        let name = &self.bytes[start..self.at];
        self.skip_until(|byte| !is_space(byte))?;
        if !self.rest().starts_with(b"=") {
            return Ok(Some((name, b"")));
        }
        self.at += 1;
        self.skip_until(|byte| !is_space(byte))?;
        let quote = self.bytes[self.at];
        let is_quoted = matches!(quote, b'"' | b'\'');
        self.at += usize::from(is_quoted);
        let start = self.at;
        match is_quoted {
            true => self.skip_until(|byte| byte == quote)?,
            false => self.skip_until(|byte| byte == b'>' || is_space(byte))?,
        }
        let value = &self.bytes[start..self.at];
        self.at += usize::from(is_quoted);
        Ok(Some((name, value)))
    }

    fn skip_until(&mut self, is_it: impl Fn(u8) -> bool) -> Result<(), Cut> {
        self.at += self.rest().iter().position(|byte| is_it(*byte)).ok_or(Cut)?;
        Ok(())
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }
}

#[cfg(test)]
mod tests;
