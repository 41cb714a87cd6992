//! The scripts that our markup names, and what any file of ours is.
//!
//! They are compiled in, what runs in the site's pages as `tests/frameworks/shorten.js` shortens it, and their addresses carry a digest of their content: a browser may keep
//! them for a year, and a new version is a new address.
//!
//! They are the same for every visitor and every choice, so they say nothing about anybody.
//!
//! Who asks for them: the banner ([`layer`](super::layer)), our pages ([`pages`](super::pages)), and
//! loaders that the gate has led away from a tag. Vendors' stubs, which the rules write, are made into
//! such files here, too, and stylesheets, which follow from the site's theme ([`style`](super::style)).

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};

use crate::coding::{self, Coding, Levels};

/// A file that the gateway serves from under `/.consent/`.
///
/// It is packed when somebody first asks for it so, as well as can be: it is asked for by every visitor, and
/// made once.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Where it is served, such as `/.consent/banner-0a1b2c3d.css`.
    pub path: String,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its content, UTF-8.
    pub body: Cow<'static, str>,
    /// The digest of its content, as a policy (CSP) and an `integrity` attribute name it: `sha256-…`.
    pub integrity: String,
    packed: [OnceLock<Bytes>; 4],
}

/// Files are packed once.
const BEST: Levels = Levels { zstd: 19, br: 11, gzip: 9 };

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

static BANNER_JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("banner", "js", JS, include_str!("assets/min/banner.js")));
static EMPTY_JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("empty", "js", JS, include_str!("assets/empty.js")));
static FORGET_JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("forget", "js", JS, include_str!("assets/forget.js")));
static NOTICE_JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("notice", "js", JS, include_str!("assets/notice.js")));
static HELD_JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("held", "js", JS, include_str!("assets/held.js")));

impl Asset {
    fn new(
        stem: &str,
        ending: &str,
        content_type: &'static str,
        body: impl Into<Cow<'static, str>>,
    ) -> Self {
        let body = body.into();
        let digest = Sha256::digest(&*body);
        let integrity = format!("sha256-{}", BASE64.encode(&digest));
        let digest = HEXLOWER.encode(&digest[..4]);
        let dash = if stem.is_empty() { "" } else { "-" };
        let path = format!("/.consent/{stem}{dash}{digest}.{ending}");
        Self { path, content_type, body, integrity, packed: Default::default() }
    }

    /// Its content in a coding.
    pub fn packed(&self, coding: Coding) -> Bytes {
        let place = match coding {
            Coding::Zstd => 1,
            Coding::Brotli => 2,
            Coding::Gzip => 3,
            Coding::Identity | Coding::Deflate => 0,
        };
        let packed = self.packed[place].get_or_init(|| match place {
            0 => Bytes::copy_from_slice(self.body.as_bytes()),
            _ => coding::whole(self.body.as_bytes(), coding, BEST).into(),
        });
        packed.clone()
    }

    /// A stylesheet that follows from the theme.
    pub(super) fn stylesheet(stem: &str, css: String) -> Self {
        Self::new(stem, "css", CSS, css)
    }

    /// A script that follows from the rules, which goes by this name, or by its digest alone.
    pub fn script(name: &str, code: String) -> Self {
        // The name is for people alone; a file's may hold anything.
        let plain = |letter: char| match letter {
            '/' => '/',
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '-',
        };
        let name: String = name.chars().map(plain).collect();
        Self::new(&name, "js", JS, code)
    }
}

/// The asset at this path, if there is one.
pub fn find(path: &str) -> Option<&'static Asset> {
    all().into_iter().find(|asset| asset.path == path)
}

/// All of them, such as for an archive of what was shown.
pub fn all() -> [&'static Asset; 5] {
    [banner_js(), empty_js(), forget_js(), held_js(), notice_js()]
}

/// The script of the banner.
pub fn banner_js() -> &'static Asset {
    &BANNER_JS
}

/// The scripts that are put into the site's pages, whoever their visitors are.
pub fn scripts_in_pages() -> [&'static Asset; 2] {
    [banner_js(), notice_js()]
}

/// The script that stands where a loader would load a withheld tag.
pub fn empty_js() -> &'static Asset {
    &EMPTY_JS
}

/// The script of the settings, which empties the browser's storage of what may not be kept.
pub fn forget_js() -> &'static Asset {
    &FORGET_JS
}

/// The script of the notice of a new version, which closes it without leaving the page.
pub fn notice_js() -> &'static Asset {
    &NOTICE_JS
}

/// The script of the box for a frame that is withheld, by which the page around it asks.
pub fn held_js() -> &'static Asset {
    &HELD_JS
}

#[cfg(test)]
mod tests {
    use super::{all, banner_js, find};

    #[test]
    fn an_asset_is_found_at_its_own_address_only() {
        for asset in all() {
            assert_eq!(find(&asset.path).expect("its own path").body, asset.body);
        }
        assert!(find("/.consent/banner-00000000.js").is_none());
        assert!(find("/.consent/banner.js").is_none());
        assert_eq!(banner_js().path.len(), "/.consent/banner-0a1b2c3d.js".len());
    }

    #[test]
    fn assets_are_ascii_so_that_a_page_of_any_encoding_may_name_them() {
        for asset in all() {
            assert!(asset.body.is_ascii(), "{}", asset.path);
        }
    }
}
