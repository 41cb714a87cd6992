//! The little of the tree builder that the scanner cannot do without.
//!
//! Whether `<title>` starts raw text, whether `<![CDATA[` opens a section, and whether `<script/>`
//! has a body all depend on where a tag stands: in HTML, or in `svg` and `math` (WHATWG 13.2.6).
//! [`Tree`] therefore keeps the stack of open elements (13.2.4.2), as the names of those that are
//! not void: what a stray end tag closes inside of `svg` depends on what is open around it. Outside
//! of foreign content, which is nearly always, a tag costs a look or two at its name.
//!
//! `select` is read as the standard reads it since 2025 and Chromium since version 134: its content
//! is ordinary content. Browsers before that ignored most tags in it, but ran a `<script>` there
//! all the same; the two readings differ only where raw text other than a script opens inside.
//!
//! Formatting elements that a later paragraph continues, and what a table implies, are kept as far as
//! they stand around an `svg` or `math`: not moved about as the adoption agency and foster parents do.
//! The mode of `frameset` documents, in which browsers ignore most tags, is not known here.

mod names;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::name::Key;
use super::scan::Content;

/// The namespace an element is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// HTML, where `script`, `style` and their like hold raw text.
    Html,
    /// SVG.
    Svg,
    /// MathML.
    MathMl,
}

/// Chromium nests no element below this depth; neither do we. What is opened below is not kept.
const DEPTH_MAX: usize = 512;

/// More formatting elements than this are not continued.
const FORMATTING_MAX: usize = 32;

/// What foreign content lets an open element's children be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    /// What the element is.
    Same,
    /// HTML: an HTML integration point (`foreignObject`, `desc`, SVG's `title`).
    Html,
    /// HTML but for `mglyph` and `malignmark`: a MathML text integration point.
    MathText,
    /// The `annotation-xml` that holds MathML, and HTML never: only `svg` leaves it.
    Annotation,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    key: Key,
    namespace: Namespace,
    inner: Inner,
}

/// What is open: the stack of the tree builder, from the outermost element inwards.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    open: Vec<Open>,
    /// How many of them are foreign.
    foreign: usize,
    /// How many of them are a `p`.
    paragraphs: usize,
    /// Formatting elements that ended with something around them and not by themselves: what comes
    /// next continues them (13.2.4.3).
    formatting: Vec<Key>,
}

impl Tree {
    /// The namespace that an element of this start tag will be in.
    #[inline]
    pub(super) fn namespace<'a>(
        &self,
        key: Key,
        attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>,
    ) -> Namespace {
        match self.foreign_here(key) {
            Some(open) if !breaks_out(key, &attribute) => open.namespace,
            _ => match key {
                names::SVG => Namespace::Svg,
                names::MATH => Namespace::MathMl,
                _ => Namespace::Html,
            },
        }
    }

    /// Takes a start tag, and says how what follows it is read.
    #[inline]
    pub(super) fn start_tag<'a>(
        &mut self,
        key: Key,
        self_closing: bool,
        attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>,
    ) -> Content {
        if let Some(open) = self.foreign_here(key) {
            if !breaks_out(key, &attribute) {
                if !self_closing {
                    self.push(key, open.namespace, inner(open.namespace, key, attribute));
                }
                return Content::Data;
            }
            self.truncate(self.broken_out());
        }
        if self.opens(key) {
            return Content::Data;
        }
        self.html_start(key, self_closing)
    }

    /// Takes a start tag of HTML if it only opens an element, as most do, and says whether it did.
    #[expect(clippy::inline_always, reason = "a twentieth fewer instructions on dense pages")]
    #[inline(always)]
    pub(super) fn opens(&mut self, key: Key) -> bool {
        if self.paragraphs > 0 && names::closes_p(key) {
            self.close_p();
        }
        let plain = names::is_plain(key);
        if plain {
            self.push(key, Namespace::Html, Inner::Same);
        }
        plain
    }

    /// Takes an end tag if it closes the innermost element, as most do, and says whether it did.
    #[inline]
    pub(super) fn closes(&mut self, key: Key) -> bool {
        let innermost = self.open.last().is_some_and(|open| open.key == key);
        if innermost {
            self.pop();
        }
        innermost
    }

    /// Takes an end tag whose name eight bytes begin with, if it closes the innermost element and is
    /// written as most are. Says how long its name is.
    #[inline]
    pub(super) fn closes_by(&mut self, bytes: [u8; 8]) -> Option<usize> {
        let len = self.open.last()?.key.begins(bytes)?;
        self.pop();
        Some(len)
    }

    /// Takes an end tag that ends no raw text.
    #[inline]
    pub(super) fn end_tag(&mut self, key: Key) {
        if self.closes(key) {
            return;
        }
        let depth = self.depth_after(key);
        if depth == self.open.len() {
            // The end tag of what would have been continued: it is not.
            self.formatting.retain(|formatting| *formatting != key);
        }
        self.truncate(depth);
    }

    /// How many elements will be open after an end tag of this name.
    pub(super) fn depth_after(&self, key: Key) -> usize {
        let depth = self.open.len();
        if !self.is_foreign() {
            return self.html_end(key, depth);
        }
        if matches!(key, names::P | names::BR) {
            return self.html_end(key, self.broken_out());
        }
        for at in (0..depth).rev() {
            if self.open[at].namespace == Namespace::Html {
                break;
            }
            if self.open[at].key == key {
                return at;
            }
        }
        self.html_end(key, depth)
    }

    /// Whether a start tag leaves the foreign content that it stands in.
    pub(super) fn breaks_out<'a>(
        &self,
        key: Key,
        attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>,
    ) -> bool {
        self.foreign_here(key).is_some() && breaks_out(key, &attribute)
    }

    /// Whether the next tag stands in HTML that is part of the page itself: not in a template, a
    /// `select` or foreign content.
    pub(super) fn is_plain(&self) -> bool {
        let apart = |open: &Open| matches!(open.key, names::TEMPLATE | names::SELECT);
        self.foreign == 0 && !self.open.iter().any(apart)
    }

    /// Writes the end tags of what is open and would not let an element behind it be by itself: what
    /// is put into a form that the page never ends becomes part of that form.
    pub(super) fn close_off(&self, into: &mut Vec<u8>) {
        for open in self.open.iter().rev() {
            let end_tag: &[u8] = match open.key {
                names::A => b"</a>",
                names::BUTTON => b"</button>",
                names::FORM => b"</form>",
                names::MATH => b"</math>",
                names::OBJECT => b"</object>",
                names::SELECT => b"</select>",
                names::SVG => b"</svg>",
                names::TEMPLATE => b"</template>",
                _ => continue,
            };
            into.extend_from_slice(end_tag);
        }
    }

    /// Whether every open element is HTML.
    #[inline]
    pub(super) fn is_html(&self) -> bool {
        self.foreign == 0
    }

    /// Whether `<![CDATA[` opens a section.
    #[inline]
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign > 0 && self.open.last().is_some_and(|open| open.namespace != Namespace::Html)
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// The element that the next start tag is read by the rules for foreign content in, if it is.
    #[inline]
    fn foreign_here(&self, key: Key) -> Option<Open> {
        if self.foreign == 0 {
            return None;
        }
        self.open.last().copied().filter(|open| !reads_as_html(*open, key))
    }

    /// A start tag that may do more than open an element.
    fn html_start(&mut self, key: Key, self_closing: bool) -> Content {
        use names::{
            BODY, DD, DT, HEAD, HTML, IFRAME, LI, MATH, NOEMBED, NOFRAMES, NOSCRIPT, OPTGROUP,
            OPTION, PLAINTEXT, SCRIPT, SELECT, STYLE, SVG, TBODY, TD, TEXTAREA, TFOOT, TH, THEAD,
            TITLE, TR, XMP,
        };
        match key {
            SCRIPT => return Content::Script,
            TITLE | TEXTAREA => return Content::RcData,
            STYLE | IFRAME | NOSCRIPT | NOEMBED | NOFRAMES | XMP => return Content::RawText,
            PLAINTEXT => return Content::PlainText,
            SVG | MATH => {
                self.continue_formatting();
                if !self_closing {
                    let svg = key == SVG;
                    let namespace = if svg { Namespace::Svg } else { Namespace::MathMl };
                    self.push(key, namespace, Inner::Same);
                }
            }
            // There is one of each at most, and they end with the page.
            HTML | HEAD | BODY => {}
            // A `<select>` in a `select` ends it.
            SELECT if self.close(&[SELECT]) => {}
            _ if names::is_void(key) => {}
            _ => {
                match key {
                    LI => self.close(&[LI]),
                    DD | DT => self.close(&[DD, DT]),
                    OPTION => self.close(&[OPTION]),
                    OPTGROUP => self.close(&[OPTION, OPTGROUP]),
                    TD | TH => self.close(&[TD, TH]),
                    TR => self.close(&[TD, TH, TR]),
                    TBODY | THEAD | TFOOT => self.close(&[TD, TH, TR, TBODY, THEAD, TFOOT]),
                    _ => false,
                };
                self.open_implied(key);
                self.push(key, Namespace::Html, Inner::Same);
            }
        }
        Content::Data
    }

    /// An end tag by the rules of "in body" (WHATWG 13.2.6.4.7), with so many elements open. Says
    /// how many are after it.
    fn html_end(&self, key: Key, depth: usize) -> usize {
        if names::is_raw(key) {
            return depth;
        }
        let ordinary = !names::is_special(key);
        let template = key == names::TEMPLATE;
        for at in (0..depth).rev() {
            let open = self.open[at];
            if open.namespace != Namespace::Html {
                // Integration points and `annotation-xml` are the bounds of every scope.
                if open.inner != Inner::Same && !template {
                    return depth;
                }
                continue;
            }
            if open.key == key {
                return at;
            }
            let bounds = if ordinary {
                names::is_special(open.key)
            } else if template {
                false
            } else if names::is_table_part(key) {
                matches!(open.key, names::TABLE | names::TEMPLATE)
            } else {
                names::bounds_scope(open.key)
            };
            if bounds {
                return depth;
            }
        }
        depth
    }

    /// How many elements are open after foreign content is left for the nearest place that reads
    /// HTML.
    fn broken_out(&self) -> usize {
        let reads_html = |open: &Open| {
            open.namespace == Namespace::Html || matches!(open.inner, Inner::Html | Inner::MathText)
        };
        self.open.iter().rposition(reads_html).map_or(0, |at| at + 1)
    }

    /// Closes the innermost `p`, if it is in button scope.
    fn close_p(&mut self) {
        for at in (0..self.open.len()).rev() {
            let open = self.open[at];
            if open.namespace == Namespace::Html {
                if open.key == names::P {
                    return self.truncate(at);
                }
                if names::bounds_scope(open.key) || open.key == names::BUTTON {
                    return;
                }
            } else if open.inner != Inner::Same {
                return;
            }
        }
    }

    /// Opens the formatting elements again that what is next continues. Nothing depends on it before
    /// there is foreign content.
    fn continue_formatting(&mut self) {
        for key in std::mem::take(&mut self.formatting) {
            self.push(key, Namespace::Html, Inner::Same);
        }
    }

    /// Opens what a table implies around a row or a cell.
    fn open_implied(&mut self, key: Key) {
        let innermost = |tree: &Self| tree.open.last().map(|open| open.key);
        if matches!(key, names::TD | names::TH | names::TR) && innermost(self) == Some(names::TABLE)
        {
            self.push(names::TBODY, Namespace::Html, Inner::Same);
        }
        let group = matches!(innermost(self), Some(names::TBODY | names::THEAD | names::TFOOT));
        if matches!(key, names::TD | names::TH) && group {
            self.push(names::TR, Namespace::Html, Inner::Same);
        }
    }

    /// Closes what a start tag closes without an end tag, and says whether there was any.
    fn close(&mut self, closed: &[Key]) -> bool {
        let mut found = false;
        let mut at = self.open.len();
        while at > 0 && self.open[at - 1].namespace == Namespace::Html {
            at -= 1;
            let here = self.open[at].key;
            if closed.contains(&here) {
                // What is closed may itself be inside of another such: a cell in a row.
                self.truncate(at);
                found = true;
            } else if names::is_special(here)
                && !matches!(here, names::ADDRESS | names::DIV | names::P)
            {
                break;
            }
        }
        found
    }

    #[inline]
    fn push(&mut self, key: Key, namespace: Namespace, inner: Inner) {
        if self.open.len() < DEPTH_MAX {
            self.foreign += usize::from(namespace != Namespace::Html);
            self.paragraphs += usize::from(key == names::P);
            self.open.push(Open { key, namespace, inner });
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        self.foreign -= usize::from(open.namespace != Namespace::Html);
        self.paragraphs -= usize::from(open.key == names::P);
        Some(open)
    }

    fn truncate(&mut self, depth: usize) {
        while self.open.len() > depth
            && let Some(open) = self.pop()
        {
            // What is left open at this depth is the one that ends by itself; and an `a` of SVG formats
            // nothing.
            let continued = self.open.len() > depth
                && open.namespace == Namespace::Html
                && names::is_formatting(open.key);
            if continued && self.formatting.len() < FORMATTING_MAX {
                self.formatting.push(open.key);
            }
        }
    }
}

/// Whether a start tag inside `open` follows the rules of HTML (WHATWG 13.2.6, the dispatcher).
fn reads_as_html(open: Open, key: Key) -> bool {
    open.namespace == Namespace::Html
        || match open.inner {
            Inner::Same => false,
            Inner::Html => true,
            Inner::MathText => !matches!(key, names::MGLYPH | names::MALIGNMARK),
            Inner::Annotation => key == names::SVG,
        }
}

/// Whether a start tag ends foreign content (WHATWG 13.2.6.5).
fn breaks_out<'a>(key: Key, attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>) -> bool {
    if key == names::FONT {
        return [&b"color"[..], b"face", b"size"].iter().any(|name| attribute(name).is_some());
    }
    names::breaks_out(key)
}

fn inner<'a>(
    namespace: Namespace,
    key: Key,
    attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>,
) -> Inner {
    use names::{ANNOTATION_XML, DESC, FOREIGNOBJECT, MI, MN, MO, MS, MTEXT, TITLE};
    match (namespace, key) {
        (Namespace::Svg, FOREIGNOBJECT | DESC | TITLE) => Inner::Html,
        (Namespace::MathMl, MI | MO | MN | MS | MTEXT) => Inner::MathText,
        (Namespace::MathMl, ANNOTATION_XML) => {
            let html = attribute(b"encoding").is_some_and(|encoding| {
                encoding.eq_ignore_ascii_case(b"text/html")
                    || encoding.eq_ignore_ascii_case(b"application/xhtml+xml")
            });
            if html { Inner::Html } else { Inner::Annotation }
        }
        _ => Inner::Same,
    }
}
