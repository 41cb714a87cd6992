//! Tags without attributes, and where they leave the tree.

use super::*;

/// Walks the tags of a document without attributes, and says where it ends up.
fn walk(tags: &str) -> (Content, Option<Namespace>) {
    let mut tree = Tree::default();
    let mut content = Content::Data;
    for tag in tags.split_whitespace() {
        if let Some(name) = tag.strip_prefix('/') {
            tree.end_tag(Key::of(name.as_bytes()));
        } else {
            let key = Key::of(tag.as_bytes());
            content = tree.start_tag(key, false, |_| None);
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
        ("svg g /b", Some(Svg)),
        ("b svg g /b", None),
        ("p b /p p svg /b", Some(Html)),
        ("p b /p /b p svg /b", Some(Svg)),
        ("p b i /p svg /i", None),
        ("table td svg /tr", Some(Html)),
        ("table td svg /tbody", Some(Html)),
        ("table tr td svg /tbody", Some(Html)),
        ("b div svg /b", Some(Svg)),
        ("noindex svg g /noindex", None),
        ("noindex div svg /noindex", Some(Svg)),
        ("p svg /div", Some(Svg)),
        ("div p svg /div", None),
        ("ul li svg /ul", None),
        ("table tr td svg /table", None),
        ("table tr td svg /div", Some(Svg)),
        ("p b div svg /p", Some(Html)),
        ("select option svg /select", None),
        ("svg /body", Some(Svg)),
        ("svg foreignobject div /foreignobject", Some(Html)),
        ("svg foreignobject div /div /foreignobject", Some(Svg)),
        ("svg foreignobject p div /div /foreignobject", Some(Svg)),
        ("svg foreignobject ul li li /ul /foreignobject", Some(Svg)),
        ("svg foreignobject table tr td tr td /table /foreignobject", Some(Svg)),
        ("svg foreignobject br img /foreignobject", Some(Svg)),
        ("svg foreignobject /section", Some(Svg)),
        ("svg a i svg /a", Some(Svg)),
        ("svg font i svg /font", Some(Svg)),
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
