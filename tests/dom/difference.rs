//! Where a page differs from what it must be.
//!
//! Two lists are walked side by side. The first row that differs is said, with what stands before it
//! and behind it in both: what follows a first difference is mostly its consequence.
//!
//! The banner is cut out before: four elements that stand together at one place, and what their
//! markup says about themselves is `src/banner/layer.rs`'s.
//!
//! What a page must be is worked out in [`super::expected`].

use super::{
    expected::Expected,
    nodes::{Node, append, below},
};
use std::fmt::Write;

/// Rows that are shown before and behind a difference.
const BEFORE: usize = 4;
const BEHIND: usize = 3;

/// The first difference, with its surroundings; `None` if there is none.
pub(crate) fn first(expected: &Expected, page: &[Node]) -> Option<String> {
    for at in 0..expected.nodes.len().max(page.len()) {
        let what = match expected.nodes.get(at).map(|_| expected.at(at, page)) {
            None => "the page goes on",
            Some(Err(what)) => what,
            Some(Ok(node)) if page.get(at) == Some(&node) => continue,
            Some(Ok(_)) if at == page.len() => "the page ends",
            Some(Ok(_)) => "another row",
        };
        let mut text = format!("row {at}: {what}\n");
        for (title, list) in [("expected", &expected.nodes[..]), ("came out", page)] {
            for (row, node) in list.iter().enumerate().skip(at.saturating_sub(BEFORE)) {
                let mark = if row == at { '>' } else { ' ' };
                if row <= at + BEHIND {
                    let _ = writeln!(text, "{title} {mark}{node}");
                }
            }
        }
        return Some(text);
    }
    None
}

/// The page without the banner, and the rows that stand behind where it was; `None` if there is no
/// banner, or not all of it stands together.
///
/// How deep its elements stand may differ: the first may belong to a paragraph or a head, which the
/// second ends.
pub(crate) fn without_banner(page: &[Node]) -> Option<(Vec<Node>, Vec<Node>)> {
    let ours = |node: &Node, name: &str, attribute: &str, value: &str| {
        let is_value = |found: &str| found == value || found.contains(&format!("/{value}-"));
        node.is_html(name) && node.attribute(attribute).is_some_and(is_value)
    };
    let mut rest = Vec::new();
    let mut at = page.iter().position(|node| ours(node, "link", "href", "banner"))?;
    page[..at].iter().for_each(|node| append(&mut rest, node.clone()));
    for (name, attribute, value) in [
        ("link", "href", "banner"),
        ("div", "id", "cc-main"),
        ("script", "data-p", ""),
        ("script", "src", "banner"),
    ] {
        if name == "div" && page.get(at)?.is_html("body") {
            append(&mut rest, page[at].clone());
            at += 1;
        }
        if !ours(page.get(at)?, name, attribute, value) {
            return None;
        }
        if name == "div" && !is_whole(below(page, at)) {
            return None;
        }
        at += 1 + below(page, at).len();
    }
    page[at..].iter().for_each(|node| append(&mut rest, node.clone()));
    Some((rest, page[at..].to_vec()))
}

/// Whether the banner has its form, and in it the two buttons and the way to the settings.
fn is_whole(banner: &[Node]) -> bool {
    let Some(form) = banner.iter().position(|node| node.is_html("form")) else { return false };
    let roles = below(banner, form).iter().filter_map(|node| node.attribute("data-role"));
    roles.eq(["all", "necessary", "show"])
}
