//! The little of the tree builder that the scanner cannot do without.
//!
//! Whether `<title>` starts raw text, whether `<![CDATA[` opens a section, and whether `<script/>`
//! has a body all depend on where a tag stands: in HTML, or in `svg` and `math` (WHATWG 13.2.6).
//! [`Tree`] keeps just the open elements from the outermost `svg` or `math` inwards. Outside of
//! foreign content, which is nearly always, a tag costs one look at its name.
//!
//! `select` is read as the standard reads it since 2025 and Chromium since version 134: its content
//! is ordinary content. Browsers before that ignored most tags in it, but ran a `<script>` there
//! all the same; the two readings differ only where raw text other than a script opens inside.
//!
//! Two things are not known here, because the elements below the outermost `svg` are not kept:
//! whether the element that a stray end tag names is open ([`Tree::end_tag`] assumes it is, since
//! end tags usually match), and `frameset` documents, in which browsers ignore most tags.

mod names;

use std::borrow::Cow;

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

/// Chromium opens no element below this depth; neither do we.
const DEPTH_MAX: usize = 512;
/// No name that matters here is longer; a longer one is compared by this much of it.
const NAME_BYTES_MAX: usize = 64;

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
    namespace: Namespace,
    inner: Inner,
    /// Where its name starts in [`Tree::names`].
    name: usize,
}

/// What is open, as far as it matters.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// From the outermost `svg` or `math` inwards.
    open: Vec<Open>,
    names: Vec<u8>,
    /// Open `<template>`s outside of `open`.
    templates: usize,
    /// A `<select>` is open outside of `open`.
    select: bool,
}

impl Tree {
    /// The namespace that an element of this start tag will be in.
    #[inline]
    pub(super) fn namespace<'a>(
        &self,
        name: &[u8],
        attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>,
    ) -> Namespace {
        match self.open.last() {
            Some(open) if !reads_as_html(*open, name) && !breaks_out(name, &attribute) => {
                open.namespace
            }
            _ => match name {
                b"svg" => Namespace::Svg,
                b"math" => Namespace::MathMl,
                _ => Namespace::Html,
            },
        }
    }

    /// Takes a start tag, and says how what follows it is read.
    #[inline]
    pub(super) fn start_tag<'a>(
        &mut self,
        name: &[u8],
        self_closing: bool,
        attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>,
    ) -> Content {
        if self.open.is_empty() {
            self.html_start(name, self_closing)
        } else {
            self.nested_start(name, self_closing, attribute)
        }
    }

    /// Takes an end tag that ends no raw text.
    #[inline]
    pub(super) fn end_tag(&mut self, name: &[u8]) {
        if !self.open.is_empty() {
            self.nested_end(name);
        } else if name == b"template" {
            self.templates = self.templates.saturating_sub(1);
        } else if name == b"select" {
            self.select = false;
        }
    }

    /// Whether the next tag stands in HTML that is part of the page itself: not in a template, a
    /// `select` or foreign content.
    pub(super) fn is_plain(&self) -> bool {
        self.open.is_empty() && self.templates == 0 && !self.select
    }

    /// Whether `<![CDATA[` opens a section.
    pub(super) fn is_foreign(&self) -> bool {
        self.open.last().is_some_and(|open| open.namespace != Namespace::Html)
    }

    fn html_start(&mut self, name: &[u8], self_closing: bool) -> Content {
        match name {
            b"script" => Content::Script,
            b"title" | b"textarea" => Content::RcData,
            b"style" | b"iframe" | b"noscript" | b"noembed" | b"noframes" | b"xmp" => {
                Content::RawText
            }
            b"plaintext" => Content::PlainText,
            b"svg" | b"math" => {
                if !self_closing {
                    let svg = name == b"svg";
                    self.push(
                        if svg { Namespace::Svg } else { Namespace::MathMl },
                        Inner::Same,
                        name,
                    );
                }
                Content::Data
            }
            b"template" => {
                if self.open.is_empty() {
                    self.templates += 1;
                }
                Content::Data
            }
            // A `<select>` in a `select` ends it.
            b"select" => {
                if self.open.is_empty() {
                    self.select = !self.select;
                }
                Content::Data
            }
            _ => Content::Data,
        }
    }

    /// A start tag inside of `svg` or `math`.
    fn nested_start<'a>(
        &mut self,
        name: &[u8],
        self_closing: bool,
        attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>,
    ) -> Content {
        if let Some(&open) = self.open.last()
            && !reads_as_html(open, name)
        {
            if !breaks_out(name, &attribute) {
                if !self_closing {
                    self.push(open.namespace, inner(open.namespace, name, attribute), name);
                }
                return Content::Data;
            }
            self.break_out();
        }
        if self.open.is_empty() {
            return self.html_start(name, self_closing);
        }
        self.close_implied(name);
        let content = self.html_start(name, self_closing);
        // Raw text has no elements in it, and its end tag cannot be missed.
        let pushed = matches!(name, b"svg" | b"math") || content != Content::Data;
        if !pushed && !names::is_void(name) {
            self.push(Namespace::Html, Inner::Same, name);
        }
        content
    }

    /// An end tag inside of `svg` or `math`.
    fn nested_end(&mut self, name: &[u8]) {
        if self.is_foreign() {
            if matches!(name, b"p" | b"br") {
                self.break_out();
            } else {
                for at in (0..self.open.len()).rev() {
                    if self.open[at].namespace == Namespace::Html {
                        break;
                    }
                    if self.name(at) == &name[..name.len().min(NAME_BYTES_MAX)] {
                        self.truncate(at);
                        return;
                    }
                }
            }
        }
        self.html_end(name);
    }

    /// An end tag by the rules of "in body" (WHATWG 13.2.6.4.7).
    fn html_end(&mut self, name: &[u8]) {
        if names::is_raw(name) {
            return;
        }
        let any_other = !names::is_special(name) && !names::is_formatting(name);
        for at in (0..self.open.len()).rev() {
            let open = self.open[at];
            if open.namespace != Namespace::Html {
                // Integration points and `annotation-xml` are the bounds of every scope.
                if open.inner != Inner::Same {
                    return;
                }
                continue;
            }
            let here = self.name(at);
            if here == &name[..name.len().min(NAME_BYTES_MAX)] {
                self.truncate(at);
                return;
            }
            let bounds = if any_other {
                names::is_special(here)
            } else {
                names::bounds_scope(here) && !names::is_table_part(name)
            };
            if bounds {
                return;
            }
        }
        // Nothing between here and the page has that name. Taken to be open below, unless that is
        // known to be wrong.
        let ends_foreign = match name {
            b"template" => self.templates > 0,
            b"body" | b"html" | b"head" | b"p" | b"br" => false,
            _ => names::is_html(name),
        };
        if ends_foreign {
            self.truncate(0);
            self.end_tag(name);
        }
    }

    /// Leaves foreign content for the nearest place that reads HTML.
    fn break_out(&mut self) {
        while let Some(open) = self.open.last() {
            if open.namespace == Namespace::Html
                || matches!(open.inner, Inner::Html | Inner::MathText)
            {
                break;
            }
            self.truncate(self.open.len() - 1);
        }
    }

    /// Closes what an HTML start tag closes without an end tag.
    fn close_implied(&mut self, name: &[u8]) {
        let closed: &[&[u8]] = match name {
            b"li" => &[b"li"],
            b"dd" | b"dt" => &[b"dd", b"dt"],
            b"option" => &[b"option"],
            b"optgroup" => &[b"option", b"optgroup"],
            b"td" | b"th" => &[b"td", b"th"],
            b"tr" => &[b"td", b"th", b"tr"],
            b"tbody" | b"thead" | b"tfoot" => &[b"td", b"th", b"tr", b"tbody", b"thead", b"tfoot"],
            b"a" => &[b"a"],
            b"button" => &[b"button"],
            b"select" => &[b"select"],
            _ => &[],
        };
        if !closed.is_empty() {
            self.close(closed);
        }
        if names::closes_p(name) {
            self.close(&[b"p"]);
        }
    }

    fn close(&mut self, closed: &[&[u8]]) {
        let mut at = self.open.len();
        while at > 0 && self.open[at - 1].namespace == Namespace::Html {
            at -= 1;
            let here = self.name(at);
            if closed.contains(&here) {
                // What is closed may itself be inside of another such: a cell in a row.
                self.truncate(at);
            } else if names::is_special(here) && !matches!(here, b"address" | b"div" | b"p") {
                return;
            }
        }
    }

    fn push(&mut self, namespace: Namespace, inner: Inner, name: &[u8]) {
        if self.open.len() < DEPTH_MAX {
            self.open.push(Open { namespace, inner, name: self.names.len() });
            self.names.extend_from_slice(&name[..name.len().min(NAME_BYTES_MAX)]);
        }
    }

    fn truncate(&mut self, depth: usize) {
        if let Some(open) = self.open.get(depth) {
            self.names.truncate(open.name);
            self.open.truncate(depth);
        }
    }

    fn name(&self, at: usize) -> &[u8] {
        let end = self.open.get(at + 1).map_or(self.names.len(), |next| next.name);
        &self.names[self.open[at].name..end]
    }
}

/// Whether a start tag inside `open` follows the rules of HTML (WHATWG 13.2.6, the dispatcher).
fn reads_as_html(open: Open, name: &[u8]) -> bool {
    open.namespace == Namespace::Html
        || match open.inner {
            Inner::Same => false,
            Inner::Html => true,
            Inner::MathText => !matches!(name, b"mglyph" | b"malignmark"),
            Inner::Annotation => name == b"svg",
        }
}

/// Whether a start tag ends foreign content (WHATWG 13.2.6.5).
fn breaks_out<'a>(name: &[u8], attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>) -> bool {
    if name == b"font" {
        return [&b"color"[..], b"face", b"size"].iter().any(|name| attribute(name).is_some());
    }
    names::breaks_out(name)
}

fn inner<'a>(
    namespace: Namespace,
    name: &[u8],
    attribute: impl Fn(&[u8]) -> Option<Cow<'a, [u8]>>,
) -> Inner {
    match (namespace, name) {
        (Namespace::Svg, b"foreignobject" | b"desc" | b"title") => Inner::Html,
        (Namespace::MathMl, b"mi" | b"mo" | b"mn" | b"ms" | b"mtext") => Inner::MathText,
        (Namespace::MathMl, b"annotation-xml") => {
            let html = attribute(b"encoding").is_some_and(|encoding| {
                encoding.eq_ignore_ascii_case(b"text/html")
                    || encoding.eq_ignore_ascii_case(b"application/xhtml+xml")
            });
            if html { Inner::Html } else { Inner::Annotation }
        }
        _ => Inner::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks the tags of a document without attributes, and says where it ends up.
    fn walk(tags: &str) -> (Content, Option<Namespace>) {
        let mut tree = Tree::default();
        let mut content = Content::Data;
        for tag in tags.split_whitespace() {
            match tag.strip_prefix('/') {
                Some(name) => tree.end_tag(name.as_bytes()),
                None => content = tree.start_tag(tag.as_bytes(), false, |_| None),
            }
        }
        (content, tree.open.last().map(|open| open.namespace))
    }

    #[test]
    fn raw_text_is_raw_in_html_alone() {
        use Content::{Data, RawText, RcData, Script};
        for (tags, content) in [
            ("style", RawText),
            ("svg style", Data),
            ("svg desc style", RawText),
            ("svg title", Data),
            ("svg title title", RcData),
            ("math annotation-xml style", Data),
            ("math annotation-xml svg script", Data),
            ("math mi script", Script),
            ("select style", RawText),
            ("template style", RawText),
            ("svg /svg noscript", RawText),
            ("svg div noscript", RawText),
            ("svg g /p noscript", RawText),
        ] {
            assert_eq!(walk(tags).0, content, "{tags}");
        }
    }

    #[test]
    fn foreign_content_ends_where_a_browser_ends_it() {
        use Namespace::{Html, Svg};
        for (tags, namespace) in [
            ("svg g path /svg", None),
            ("svg g /g", Some(Svg)),
            ("svg g /b", None),
            ("svg /body", Some(Svg)),
            ("svg foreignobject div /foreignobject", Some(Html)),
            ("svg foreignobject div /div /foreignobject", Some(Svg)),
            ("svg foreignobject p div /div /foreignobject", Some(Svg)),
            ("svg foreignobject ul li li /ul /foreignobject", Some(Svg)),
            ("svg foreignobject table tr td tr td /table /foreignobject", Some(Svg)),
            ("svg foreignobject br img /foreignobject", Some(Svg)),
            ("svg foreignobject /section", Some(Svg)),
            ("template svg /template", None),
        ] {
            assert_eq!(walk(tags).1, namespace, "{tags}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let (_, namespace) = walk(&"svg g ".repeat(10 * DEPTH_MAX));
        assert_eq!(namespace, Some(Namespace::Svg));
    }
}
