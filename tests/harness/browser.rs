//! What a browser sends by itself.
//!
//! The fields are those of Chromium on a page that is served over TLS. A scenario names only those
//! that differ.

use super::expect::Failure;
use super::script::Change;
use super::text::Text;

/// The host that is asked where a scenario names none.
pub(crate) const HOST: &str = "send-box.com";

/// What Chromium sends when a person opens an address.
pub(crate) const OPENING: &[(&str, &str)] = &[
    ("Host", HOST),
    ("User-Agent", AGENT),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "ru"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Sec-Fetch-Site", "none"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-User", "?1"),
    ("Sec-Fetch-Dest", "document"),
];

/// What Chromium sends when a person submits a form of the site.
pub(crate) const SUBMITTING: &[(&str, &str)] = &[
    ("Host", HOST),
    ("User-Agent", AGENT),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "ru"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Origin", "SCHEME://send-box.com"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-User", "?1"),
    ("Sec-Fetch-Dest", "document"),
];

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/130.0.0.0 Safari/537.36";

/// The usual fields of a browser, with changes.
pub(crate) fn fields(
    usual: &[(&str, &str)],
    scheme: &str,
    changes: Vec<Change>,
) -> Result<Vec<(String, Text)>, Failure> {
    let mut fields = Vec::new();
    for (name, value) in usual {
        let value = Text::parse(&value.replace("SCHEME", scheme)).map_err(|wrong| (0, wrong))?;
        fields.push(((*name).to_owned(), value));
    }
    for (name, value) in changes {
        let place = fields.iter().position(|(field, _)| field.eq_ignore_ascii_case(&name));
        match (place, value) {
            (Some(place), Some(value)) => fields[place].1 = value,
            (Some(place), None) => {
                fields.remove(place);
            }
            (None, Some(value)) => fields.push((name, value)),
            (None, None) => return Err((0, format!("a browser sends no `{name}` here anyway"))),
        }
    }
    Ok(fields)
}
