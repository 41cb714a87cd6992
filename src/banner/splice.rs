//! Markup prepared once, with places that are filled for each request.
//!
//! The banner differs between visitors in three short strings only. It is rendered when the rules
//! are loaded; a request copies bytes around those strings.
//!
//! What is written is ASCII, whatever the language: the site's page may be in windows-1251, which
//! has no Kazakh letters, so they travel as character references. Values are escaped here.
//!
//! What is rendered stands in [`layer`](super::layer).

use std::fmt::Write as _;

use super::assets;

/// Encloses the name of a place: a control character, which HTML refuses, so no wording needs it.
const EDGE: char = '\u{1}';

/// A place in the markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The form's token, as the value of an attribute.
    Token,
    /// The digest of what is shown, as the value of an attribute.
    Shown,
    /// The page to return to, as the value of an attribute.
    Return,
    /// The page to return to, as a part of a query.
    ReturnQuery,
    /// The kind of page, as the value of an attribute.
    Kind,
    /// A whole ` nonce="…"` attribute, or nothing.
    Nonce,
    /// A whole ` data-p=…` attribute: the purposes that are permitted in the page.
    Permitted,
    /// A whole ` integrity="…"` attribute of the banner's script, or nothing.
    Integrity,
    /// The same of the control's script.
    ControlIntegrity,
    /// The same of the notice's script.
    NoticeIntegrity,
    /// A whole ` data-reload` attribute, or nothing.
    Reload,
    /// The site's own origin before each path of ours, where the page has another base.
    Origin,
}

impl Place {
    const ALL: [(Self, &'static str); 12] = [
        (Self::Token, "\u{1}token\u{1}"),
        (Self::Shown, "\u{1}shown\u{1}"),
        (Self::Return, "\u{1}return\u{1}"),
        (Self::ReturnQuery, "\u{1}query\u{1}"),
        (Self::Kind, "\u{1}kind\u{1}"),
        (Self::Nonce, "\u{1}nonce\u{1}"),
        (Self::Permitted, "\u{1}permitted\u{1}"),
        (Self::Integrity, "\u{1}integrity\u{1}"),
        (Self::ControlIntegrity, "\u{1}control\u{1}"),
        (Self::NoticeIntegrity, "\u{1}notice\u{1}"),
        (Self::Reload, "\u{1}reload\u{1}"),
        (Self::Origin, "\u{1}origin\u{1}"),
    ];

    /// What stands for it in the markup that [`Prepared::new`] is given.
    pub(super) fn mark(self) -> &'static str {
        Self::ALL.iter().find(|(place, _)| *place == self).expect("every place has a mark").1
    }
}

/// The strings of one request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Values<'a> {
    pub(super) token: &'a str,
    pub(super) shown: &'a str,
    pub(super) return_to: &'a str,
    pub(super) kind: &'a str,
    pub(super) nonce: Option<&'a str>,
    pub(super) permitted: &'a str,
    pub(super) origin: &'a str,
    pub(super) by_digest: bool,
    pub(super) reload: bool,
    /// The digest of the control's script.
    pub(super) control: &'a str,
}

/// Markup cut at its places.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pieces: Vec<(String, Place)>,
    tail: String,
}

impl Prepared {
    /// Cuts the markup at the marks of its places.
    pub(super) fn new(markup: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = markup;
        let mut before = String::new();
        while let Some(at) = rest.find(EDGE) {
            before.push_str(&ascii(&rest[..at]));
            let found = Place::ALL.into_iter().find(|(_, mark)| rest[at..].starts_with(mark));
            if let Some((place, mark)) = found {
                pieces.push((std::mem::take(&mut before), place));
                rest = &rest[at + mark.len()..];
            } else {
                // A stray control character in the wording: HTML refuses it, so it is dropped.
                rest = &rest[at + EDGE.len_utf8()..];
            }
        }
        Self { pieces, tail: before + &ascii(rest) }
    }

    /// Appends the markup, its places filled.
    pub(super) fn write(&self, out: &mut Vec<u8>, values: Values<'_>) {
        for (before, place) in &self.pieces {
            out.extend_from_slice(before.as_bytes());
            match place {
                Place::Token => out.extend_from_slice(ascii(&escape(values.token)).as_bytes()),
                Place::Shown => out.extend_from_slice(ascii(&escape(values.shown)).as_bytes()),
                Place::Permitted => {
                    let permitted = ascii(&escape(values.permitted));
                    let attribute = match permitted.as_str() {
                        "" => " data-p".to_owned(),
                        several if several.contains(' ') => format!(" data-p=\"{several}\""),
                        one => format!(" data-p={one}"),
                    };
                    out.extend_from_slice(attribute.as_bytes());
                }
                Place::Origin => out.extend_from_slice(ascii(&escape(values.origin)).as_bytes()),
                Place::Return => out.extend_from_slice(ascii(&escape(values.return_to)).as_bytes()),
                Place::Kind => out.extend_from_slice(ascii(&escape(values.kind)).as_bytes()),
                Place::ReturnQuery => out.extend_from_slice(query(values.return_to).as_bytes()),
                Place::Integrity | Place::ControlIntegrity | Place::NoticeIntegrity
                    if values.by_digest =>
                {
                    let digest = match place {
                        Place::Integrity => assets::banner_js().integrity.as_str(),
                        Place::NoticeIntegrity => assets::notice_js().integrity.as_str(),
                        _ => values.control,
                    };
                    out.extend_from_slice(format!(" integrity=\"{digest}\"").as_bytes());
                }
                Place::Reload if values.reload => out.extend_from_slice(b" data-reload"),
                Place::Integrity
                | Place::ControlIntegrity
                | Place::NoticeIntegrity
                | Place::Reload => {}
                Place::Nonce => {
                    if let Some(nonce) = values.nonce {
                        let nonce = ascii(&escape(nonce));
                        out.extend_from_slice(format!(" nonce=\"{nonce}\"").as_bytes());
                    }
                }
            }
        }
        out.extend_from_slice(self.tail.as_bytes());
    }

    /// All pieces with the names of their places: the same text gives the same bytes.
    pub(super) fn source(&self) -> String {
        let mut source = String::new();
        for (before, place) in &self.pieces {
            source.push_str(before);
            source.push_str(place.mark());
        }
        source + &self.tail
    }
}

/// Percent-encodes a path for use as a value in a query; the result needs no HTML escaping.
pub(super) fn query(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("a String takes every write"),
        }
    }
    encoded
}

/// Escapes text for an attribute or an element.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Writes what is not ASCII as character references.
fn ascii(markup: &str) -> String {
    let mut written = String::with_capacity(markup.len() * 2);
    for character in markup.chars() {
        if character.is_ascii() {
            written.push(character);
        } else {
            write!(written, "&#{};", u32::from(character)).expect("a String takes every write");
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::{Place, Prepared, Values, query};

    fn written(markup: &str, return_to: &str, nonce: Option<&str>) -> String {
        let mut out = Vec::new();
        Prepared::new(markup).write(
            &mut out,
            Values { token: "t&1", shown: "5", return_to, nonce, ..Values::default() },
        );
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn values_are_escaped_where_they_stand() {
        let (token, back, asked) =
            (Place::Token.mark(), Place::Return.mark(), Place::ReturnQuery.mark());
        assert_eq!(
            written(&format!("{token}|{back}|{asked}|қ"), "/a?b=\"<&'", None),
            "t&amp;1|/a?b=&quot;&lt;&amp;&#39;|/a%3Fb%3D%22%3C%26%27|&#1179;"
        );
    }

    #[test]
    fn a_nonce_is_a_whole_attribute_or_nothing() {
        let markup = format!("<script{}>", Place::Nonce.mark());
        assert_eq!(written(&markup, "/", None), "<script>");
        assert_eq!(written(&markup, "/", Some("a\"b")), "<script nonce=\"a&quot;b\">");
    }

    #[test]
    fn a_query_value_holds_nothing_that_ends_it() {
        assert_eq!(query("/баға?a=1&b#c"), "/%D0%B1%D0%B0%D2%93%D0%B0%3Fa%3D1%26b%23c");
    }
}
