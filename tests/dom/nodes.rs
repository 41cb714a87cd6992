//! A document as Chromium has built it, flattened into a list.
//!
//! A list in document order with depths says all that a tree says, and two of them are compared
//! row by row. Template contents, inline documents of frames and the markup in `<noscript>` stand
//! in it as if they were children, below a row of kind [`Kind::Markup`].
//!
//! No two texts that are neighbours stay apart: Chromium cuts long ones, and where an element goes
//! its neighbours meet.
//!
//! The list is made by `nodes.js` in the page; what is expected of it is in [`super::expected`].

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Node {
    pub(crate) depth: usize,
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    /// The local name of an element; the mode of a document.
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Of texts and comments; of markup as it stands in the page; the encoding of a document.
    pub(crate) data: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Document,
    Doctype,
    Element,
    Text,
    Comment,
    Instruction,
    Markup,
}

impl Node {
    pub(crate) fn is_html(&self, name: &str) -> bool {
        self.is(name) && self.namespace == "http://www.w3.org/1999/xhtml"
    }

    /// Whether it is an element of this name in any namespace.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.kind == Kind::Element && self.name == name
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Appends a row; a text that follows a text becomes part of it.
pub(crate) fn append(list: &mut Vec<Node>, node: Node) {
    match list.last_mut() {
        Some(last)
            if node.kind == Kind::Text && last.kind == Kind::Text && last.depth == node.depth =>
        {
            last.data.push_str(&node.data);
        }
        _ => list.push(node),
    }
}

/// The rows below the one at `at`.
pub(crate) fn below(list: &[Node], at: usize) -> &[Node] {
    let rest = &list[at + 1..];
    &rest[..rest.iter().position(|node| node.depth <= list[at].depth).unwrap_or(rest.len())]
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Node { depth, kind, namespace, name, attributes, data } = self;
        let space = namespace.rsplit('/').next().unwrap_or_default().replace("xhtml", "");
        write!(out, "{}{kind:?} {space} {name}", "  ".repeat((*depth).min(20)))?;
        for (name, value) in attributes {
            write!(out, " {name}={value:?}")?;
        }
        match data.chars().count() {
            0 => Ok(()),
            1..=300 => write!(out, " {data:?}"),
            count => {
                let start: String = data.chars().take(200).collect();
                write!(out, " {start:?} and so on, {count} letters")
            }
        }
    }
}
