//! What a browser would load from `mc.yandex.ru`, in a page as it goes out.
//!
//! The reader of markup is the gate's own; which scripts run, and where addresses lead, is read from
//! the standard once more, and in the page's encoding. A browser with scripts is meant: what is in
//! `noscript` is text to it.

use kelisim::charset::Charset;
use kelisim::html::{Edit, Element, Interest, Namespace, rewrite};
use url::Url;

/// Where nothing may lead.
const HOST: &str = "mc.yandex.ru";

/// How deep frames in frames are looked into; the gate empties those below.
const DEPTH_MAX: usize = 6;

/// An edit that changes nothing and notes what would be loaded.
pub struct Looker {
    pub found: Vec<String>,
    charset: Charset,
    /// Relative to what addresses may be: the page's own address, and each base so far.
    bases: Vec<Url>,
    depth: usize,
}

impl Looker {
    pub fn new(url: Url, charset: Charset) -> Looker {
        Looker { found: Vec::new(), charset, bases: vec![url], depth: 0 }
    }

    /// Reads a page, or the document in a frame.
    pub fn look(&mut self, text: &[u8]) {
        let inner = Looker {
            found: Vec::new(),
            charset: self.charset,
            bases: self.bases.clone(),
            depth: self.depth + 1,
        };
        let (_, inner) = rewrite(text, inner).expect("nothing is refused");
        self.found.extend(inner.found);
    }

    /// The bytes as a browser's letters: what is not UTF-8 may still be a host's name.
    fn letters(&self, bytes: &[u8]) -> String {
        let label = self.charset.label();
        match self.charset.encoding().filter(|encoding| Some(encoding.name()) == label) {
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            None => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    fn leads_there(&self, address: &[u8]) -> bool {
        let address = self.letters(address);
        let mut urls = self.bases.iter().filter_map(|base| base.join(&address).ok());
        urls.any(|url| url.host_str() == Some(HOST))
    }

    fn note(&mut self, element: &Element<'_>, attribute: &[u8]) {
        let Some(address) = element.attribute(attribute) else { return };
        if self.leads_there(&address) {
            self.found.push(element.tag().escape_ascii().to_string());
        }
    }
}

impl Edit for Looker {
    fn interest(&mut self, name: &[u8]) -> Interest {
        match name {
            // Not the whole of scripts: what stands in one in SVG is looked at as well.
            b"script" | b"img" | b"image" | b"iframe" | b"base" => Interest::Tag,
            _ => Interest::Pass,
        }
    }

    fn element(&mut self, element: &mut Element<'_>) {
        match (element.name(), element.namespace()) {
            (b"script", Namespace::Html) if runs(element) => self.note(element, b"src"),
            (b"script", Namespace::Svg) if runs(element) => {
                self.note(element, b"href");
                self.note(element, b"xlink:href");
            }
            (b"img" | b"image", Namespace::Html) => self.note(element, b"src"),
            (b"iframe", Namespace::Html) => match element.attribute(b"srcdoc") {
                // The inline document hides the address.
                Some(inner) if self.depth < DEPTH_MAX => self.look(&inner),
                Some(_) => {}
                None => self.note(element, b"src"),
            },
            (b"base", Namespace::Html) => {
                let href = element.attribute(b"href").map(|href| self.letters(&href));
                let base = href.and_then(|href| self.bases[0].join(&href).ok());
                let base = base.filter(|base| !matches!(base.scheme(), "data" | "javascript"));
                self.bases.extend(base);
            }
            _ => {}
        }
    }
}

/// Whether a script runs (HTML §4.12.1.1, "prepare the script element", steps 8 to 12).
fn runs(element: &Element<'_>) -> bool {
    let kind = match (element.attribute(b"type"), element.attribute(b"language")) {
        (Some(kind), _) if kind.is_empty() => return true,
        (Some(kind), _) => kind.trim_ascii().to_ascii_lowercase(),
        (None, Some(language)) if !language.is_empty() => {
            [&b"text/"[..], &language].concat().to_ascii_lowercase()
        }
        (None, _) => return true,
    };
    if kind == b"module" {
        return true;
    }
    // The JavaScript media types (MIME Sniffing §4.6).
    let words: &[&[u8]] = match kind.split_at_checked(5) {
        Some((b"text/", word)) => match word.strip_prefix(b"javascript") {
            Some(version) => return matches!(version, b"" | [b'1', b'.', b'0'..=b'5']),
            None => return TEXT.contains(&word),
        },
        _ => &APPLICATION,
    };
    kind.strip_prefix(b"application/").is_some_and(|word| words.contains(&word))
}

const APPLICATION: [&[u8]; 4] = [b"ecmascript", b"javascript", b"x-ecmascript", b"x-javascript"];
const TEXT: [&[u8]; 5] =
    [b"ecmascript", b"jscript", b"livescript", b"x-ecmascript", b"x-javascript"];
