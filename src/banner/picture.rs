//! A picture of the site's that we serve: its logo.
//!
//! It comes from `rules/` and goes out under `/.consent/`, so that the banner asks no other host for
//! anything. Its address holds a digest of its content.
//!
//! It is what its name says, and small: everybody loads it who has not chosen yet. As a page of its own it
//! may do nothing, whatever stands in it: an SVG can hold scripts.
//!
//! Which file it is, `site.toml` says.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// How large a picture may be, in bytes.
pub const PICTURE_BYTES_MAX: usize = 20_000;

/// The `Content-Security-Policy` beside a picture.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// A kind of picture that every browser shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Svg,
    Png,
    Webp,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Svg, Kind::Png, Kind::Webp];

    fn ending(self) -> &'static str {
        match self {
            Kind::Svg => ".svg",
            Kind::Png => ".png",
            Kind::Webp => ".webp",
        }
    }

    fn of(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| name.ends_with(kind.ending()))
    }

    /// Whether a file begins like one of this kind.
    fn begins(self, bytes: &[u8]) -> bool {
        match self {
            Kind::Svg => {
                let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
                [&b"<svg"[..], b"<?xml", b"<!--"].iter().any(|start| text.starts_with(start))
                    && memchr::memmem::find(text, b"<svg").is_some()
            }
            Kind::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            Kind::Webp => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        }
    }
}

/// Whether a file of this name is a picture.
pub fn is_picture(name: &str) -> bool {
    Kind::of(name).is_some()
}

/// A picture, ready to be served.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Its file's name.
    pub name: String,
    /// Where it is served, such as `/.consent/logo-0a1b2c3d.svg`.
    pub path: String,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: Bytes,
}

impl Picture {
    /// Reads a picture, whose kind its name tells; says what is wrong with it.
    pub fn read(name: &str, bytes: Vec<u8>) -> Result<Picture, String> {
        let Some(kind) = Kind::of(name) else {
            return Err(
                "is no picture that every browser shows; take .svg, .png or .webp".to_owned()
            );
        };
        if !kind.begins(&bytes) {
            let ending = kind.ending();
            return Err(format!(
                "does not begin as a file that ends in {ending} does; save it anew"
            ));
        }
        if bytes.len() > PICTURE_BYTES_MAX {
            let size = bytes.len();
            return Err(format!(
                "has {size} bytes and may have {PICTURE_BYTES_MAX}: everybody loads it who has not chosen \
                 yet; take a smaller one, it is shown 28 pixels high"
            ));
        }
        let content_type = match kind {
            Kind::Svg => "image/svg+xml",
            Kind::Png => "image/png",
            Kind::Webp => "image/webp",
        };
        let digest = HEXLOWER.encode(&Sha256::digest(&bytes)[..4]);
        let path = format!("/.consent/logo-{digest}{}", kind.ending());
        let name = name.to_owned();
        Ok(Picture { name, path, content_type, bytes: bytes.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::{PICTURE_BYTES_MAX, Picture};

    #[test]
    fn a_picture_is_what_its_name_says_and_small() {
        let svg = b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>";
        let png = b"\x89PNG\r\n\x1a\n....";
        for (name, bytes, path) in [
            ("logo.svg", &svg[..], ".svg"),
            ("a.png", &png[..], ".png"),
            ("a.webp", b"RIFF....WEBPVP8 ", ".webp"),
        ] {
            let picture = Picture::read(name, bytes.to_vec()).expect("a picture");
            assert!(picture.path.starts_with("/.consent/logo-") && picture.path.ends_with(path));
        }
        for (name, bytes, wrong) in [
            ("logo.gif", &b"GIF89a"[..], "take .svg"),
            ("logo.svg", png, "ends in .svg"),
            ("logo.png", svg, "ends in .png"),
            ("logo.svg", b"<html><svg></svg>", "ends in .svg"),
            ("logo.png", &[png.to_vec(), vec![0; PICTURE_BYTES_MAX]].concat(), "has 20012 bytes"),
        ] {
            let problem = Picture::read(name, bytes.to_vec()).expect_err("it is refused");
            assert!(problem.contains(wrong), "{name}: {problem}");
        }
    }

    #[test]
    fn another_content_is_another_address() {
        let path = |text: &str| Picture::read("a.svg", text.into()).expect("a picture").path;
        assert_ne!(path("<svg/>"), path("<svg />"));
    }
}
