//! Differences that there are.
//!
//! Each is the smallest page that shows one, among [`super::documents`], and says why it is so. The
//! others of a page's documents must be the same.
//!
//! One that is no more fails the test: what was mended is to stay mended.
//!
//! They are bounds that `src/html/tree.rs` states.

use super::gateway::Banner;
use crate::visitor::Scripts;

/// A page that differs: for browsers that run scripts or do not, with a banner or without, or always.
pub(crate) struct Known {
    page: &'static str,
    scripts: Option<Scripts>,
    pub(crate) banner: Option<Banner>,
    pub(crate) reason: &'static str,
}

/// What is known to differ in this page.
pub(crate) fn known(page: &str, scripts: Scripts) -> Option<&'static Known> {
    let is_of =
        |known: &&Known| known.page == page && known.scripts.is_none_or(|known| known == scripts);
    KNOWN.iter().find(is_of)
}

impl Known {
    /// Whether it shows in a document with this banner.
    pub(crate) fn shows(&self, banner: Banner) -> bool {
        self.banner.is_none_or(|known| known == banner)
    }
}

const KNOWN: &[Known] = &[
    Known {
        page: "a noscript that holds its own end tag",
        scripts: Some(Scripts::Off),
        banner: None,
        reason: "read with scripts on, the attribute ends the noscript, and a tag in it is one",
    },
    Known {
        page: "a noscript that ends in an attribute",
        scripts: Some(Scripts::Off),
        banner: None,
        reason: "read with scripts on, the pixel stands in a comment: it stays, and is fetched",
    },
    Known {
        page: "an svg in a frameset",
        scripts: None,
        banner: None,
        reason: "the gateway takes the svg for one, where a frameset ignores it; the frame loads",
    },
    Known {
        page: "frames",
        scripts: None,
        banner: Some(Banner::With),
        reason: "a frameset holds no banner; the white space in its texts stays",
    },
    Known {
        page: "readability-toc-missing",
        scripts: Some(Scripts::On),
        banner: Some(Banner::With),
        reason: "its policy, in a meta, would stop the banner's form, and is given our folder",
    },
];
