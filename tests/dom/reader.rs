//! A Chromium that reads pages and tells what it has understood.
//!
//! A page is loaded from [`super::origin`] as any page is, and when it has loaded, `nodes.js` is run
//! in it by WebDriver, which no page's policy stops.
//!
//! A page that has led elsewhere, or has fetched anything at all, fails the test: it would not be
//! known what was read.
//!
//! The browser itself is [`crate::visitor`]'s.

use super::{
    nodes::Node,
    origin::{Origin, Page},
};
use crate::{
    stub::Stub,
    visitor::{Scripts, Visitor},
};

pub(crate) struct Reader<'a> {
    visitor: Visitor<'a>,
    stub: &'a Stub,
    origin: Origin,
    script: String,
}

impl<'a> Reader<'a> {
    /// A browser with scripts on reads `<noscript>` as text, one with scripts off as markup.
    pub(crate) fn new(stub: &'a Stub, scripts: Scripts) -> Self {
        let scripting = (scripts == Scripts::On).to_string();
        let script = include_str!("nodes.js").replace("SCRIPTING", &scripting);
        Self { visitor: Visitor::new(stub, scripts), stub, origin: Origin::start(), script }
    }

    /// The document that the browser makes of the page.
    pub(crate) fn read(&self, page: &Page) -> Vec<Node> {
        self.origin.put(page);
        self.visitor.open(&self.origin.url);
        let list = self.run(&self.script);
        assert_eq!(self.visitor.address(), self.origin.url, "the page has led elsewhere");
        assert_eq!(self.origin.requests(), ["/page"], "asked for of the site");
        assert_eq!(self.stub.hits_after(0), [""; 0], "asked for of trackers");
        serde_json::from_str(&list).expect("`nodes.js` returns a list of nodes")
    }

    /// What a script says about the page that is open.
    pub(crate) fn run(&self, script: &str) -> String {
        let said = self.visitor.run(script);
        said.as_str().unwrap_or_else(|| panic!("{script}: {said}")).to_owned()
    }
}
