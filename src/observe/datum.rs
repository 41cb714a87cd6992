//! The personal data that a gateway sees, each under the category of policy 6.1.
//!
//! They are locked where they arrive; a log gets at them by a permit alone.
//!
//! Page addresses lose their query when they are made: names, phones and e-mails turn up
//! there, and no log of ours may hold them (6.1). Parts of a path that look like one are
//! masked, and so are ids: that of a receipt would tie a line to a row of the record.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::policy::{Category, Datum};
use crate::time::Time;

/// The network address of the visitor's device.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl Datum for ClientAddress {
    const CATEGORY: Category = Category::IpAddress;
}

/// When a page was asked for.
#[derive(Clone, Copy, Debug)]
pub struct AccessTime(pub Time);

impl Datum for AccessTime {
    const CATEGORY: Category = Category::AccessTime;
}

/// The address of a page of the site: its path.
#[derive(Clone, Debug)]
pub struct PageAddress<'a>(Cow<'a, str>);

impl Datum for PageAddress<'_> {
    const CATEGORY: Category = Category::PageAddress;
}

/// The longest path that is kept, in bytes.
const PATH_BYTES_MAX: usize = 512;

/// A run of so many digits may be a telephone number.
const PHONE_DIGITS_MIN: usize = 10;

/// The shortest form in which an id (RFC 9562) is written.
const ID_LETTERS_MIN: usize = 32;

impl PageAddress<'_> {
    /// Takes a path without its query.
    pub fn of_path(path: &str) -> PageAddress<'_> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut end = path.len().min(PATH_BYTES_MAX);
        while !path.is_char_boundary(end) {
            end -= 1;
        }
        let path = &path[..end];
        if !path.split('/').any(looks_personal) {
            return PageAddress(path.into());
        }
        let masked = |segment| if looks_personal(segment) { "*" } else { segment };
        PageAddress(path.split('/').map(masked).collect::<Vec<_>>().join("/").into())
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.0
    }
}

fn looks_personal(segment: &str) -> bool {
    // As it is meant, not as it is written: `%2B7%20701…` is a telephone number, too.
    let segment = Cow::<[u8]>::from(percent_decode_str(segment));
    // An id that nobody could guess is somebody's: a record of consent, an order, a session.
    let is_id = segment.len() >= ID_LETTERS_MIN && Uuid::try_parse_ascii(&segment).is_ok();
    if is_id || segment.contains(&b'@') {
        return true;
    }
    let mut digits = 0;
    for byte in &*segment {
        match byte {
            b'0'..=b'9' => digits += 1,
            // Telephone numbers are written with these between their digits.
            b'-' | b'+' | b'(' | b')' | b'.' | b'_' | b' ' => {}
            _ => digits = 0,
        }
        if digits >= PHONE_DIGITS_MIN {
            return true;
        }
    }
    false
}

/// The `User-Agent` that a browser or program sent.
#[derive(Clone, Debug)]
pub struct Agent<'a> {
    text: Cow<'a, str>,
    /// The family, once it was asked for: more than one log may.
    family: OnceCell<&'static str>,
}

impl Datum for Agent<'_> {
    const CATEGORY: Category = Category::Browser;
}

/// The longest agent that is kept, in bytes.
const AGENT_BYTES_MAX: usize = 512;

/// Families by the mark that tells them, the telling ones first: every browser claims to be
/// several others.
const FAMILIES: [(&str, &str); 12] = [
    ("bot", "bot"),
    ("spider", "bot"),
    ("YaBrowser/", "Yandex Browser"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("Mozilla/", "other browser"),
];

impl Agent<'_> {
    /// Takes the field as it was sent.
    pub fn of_field(value: &[u8]) -> Agent<'_> {
        let value = &value[..value.len().min(AGENT_BYTES_MAX)];
        let text = str::from_utf8(value).map(Cow::Borrowed);
        let text = text.unwrap_or_else(|_| String::from_utf8_lossy(value));
        Agent { text, family: OnceCell::new() }
    }

    /// The field's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The browser's family, which thousands share.
    pub fn family(&self) -> &'static str {
        static MARKS: LazyLock<Vec<(Finder<'_>, &str)>> = LazyLock::new(|| {
            FAMILIES.iter().map(|(mark, family)| (Finder::new(mark), *family)).collect()
        });
        self.family.get_or_init(|| {
            let mut marks = MARKS.iter();
            let found = marks.find(|(mark, _)| mark.find(self.text.as_bytes()).is_some());
            found.map_or("program", |(_, family)| family)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_phones_and_mails_do_not_reach_a_log() {
        let of = |path| PageAddress::of_path(path).path().to_owned();
        assert_eq!(of("/prices?phone=77011234567#x"), "/prices");
        assert_eq!(of("/contacts/+7-701-123-45-67/edit"), "/contacts/*/edit");
        assert_eq!(of("/u/a%40b.kz"), "/u/*");
        let receipt = "/.consent/receipt/82e6b740-18da-4948-8b54-214f70a10497";
        assert_eq!(of(receipt), "/.consent/receipt/*");
        assert_eq!(of("/contacts/+7%20701%20123%2045%2067/edit"), "/contacts/*/edit");
        assert_eq!(of("/c/%2B7%28701%29123-45-67"), "/c/*");
        assert_eq!(of("/news/2026-11-22/item-42"), "/news/2026-11-22/item-42");
        assert!(of(&"ә".repeat(600)).len() <= PATH_BYTES_MAX);
    }

    #[test]
    fn a_family_is_told_by_its_own_mark() {
        let of = |text: &str| Agent::of_field(text.as_bytes()).family();
        let chrome =
            "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
        assert_eq!(of(chrome), "Chrome");
        assert_eq!(of(&format!("{chrome} YaBrowser/24.1")), "Yandex Browser");
        assert_eq!(of(&format!("{chrome} Edg/130.0")), "Edge");
        assert_eq!(of("Mozilla/5.0 (compatible; Googlebot/2.1)"), "bot");
        assert_eq!(of("curl/8.5.0"), "program");
    }
}
