//! The style that hides a banner which the site has already.
//!
//! It is a file of ours like the banner's own, so that a site's policy (CSP) which lets those in lets it
//! in too. Its address holds a digest of its content.
//!
//! What it hides is said in `site.toml`; where in a page it is named is the gate's business.

use data_encoding::HEXLOWER;
use maud::html;
use sha2::{Digest, Sha256};

use super::layer::{Carrier, ours, prepare};
use super::splice::{Place, Prepared};

/// A stylesheet, with the element that names it.
#[derive(Debug)]
pub struct Hiding {
    /// Where it is served.
    pub path: String,
    /// Its content.
    pub css: String,
    element: Prepared,
}

impl Hiding {
    /// Prepares a stylesheet.
    pub fn new(css: String) -> Hiding {
        let digest = HEXLOWER.encode(&Sha256::digest(&css)[..4]);
        let path = format!("/.consent/site-banner-{digest}.css");
        let element = prepare(html! {
            link rel="stylesheet" href=(ours(&path)) data-nonce=(Place::Nonce.mark());
        });
        Hiding { path, css, element }
    }

    /// Appends the element that names it.
    pub fn write(&self, out: &mut Vec<u8>, page: Carrier<'_>) {
        self.element.write(out, page.values());
    }
}
