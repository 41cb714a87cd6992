//! What a page must be after the gateway, worked out from the original.
//!
//! The addresses of withheld trackers go: those of pixels, frames and hints, of a form's picture, an
//! embedded object, a sound, a beacon, or what a script of the page would load later. A script that is
//! held keeps its place and its code. Nothing else changes, and no element goes.
//!
//! All but one thing follows from the original and [`super::trackers`] alone. Which inline scripts
//! are held is the gateway's to say; it has to have a reason, and each that it holds has to be the
//! original's, in its place, with its attributes.
//!
//! The comparison is in [`super::difference`].

use super::{
    gateway::Choices,
    nodes::{Kind, Node, append, below},
    trackers::{Bases, code_may_be_withheld},
};
use data_url::DataUrl;
use regex::{Captures, Regex};

/// Link types that make a browser contact a host.
const FETCHED: [&str; 8] = [
    "preconnect",
    "dns-prefetch",
    "preload",
    "prefetch",
    "modulepreload",
    "prerender",
    "stylesheet",
    "icon",
];

/// Elements with what they lose and keep their place for.
const CLEARED: [(&str, &[&str]); 9] = [
    ("input", &["src"]),
    ("object", &["data", "classid", "codebase"]),
    ("video", &["src", "poster"]),
    ("audio", &["src"]),
    ("track", &["src"]),
    ("body", &["background"]),
    ("a", &["ping"]),
    ("amp-pixel", &["src"]),
    ("amp-analytics", &["type"]),
];

/// The vendors of `<amp-analytics>` that the policy names.
const AMP: [&str; 3] = ["metrika", "gtag", "googleanalytics"];

/// Where the file lies that a loader beside code of the site is led to.
const EMPTY: &str = "/.consent/empty-";

/// Where a script's address may stand; the first that is there is kept for the release.
const SOURCES: [&str; 3] = ["src", "href", "xlink:href"];

/// A page as it should come out.
pub(crate) struct Expected {
    pub(crate) nodes: Vec<Node>,
    /// How many elements lose an address.
    pub(crate) gone: usize,
    /// For each row, whether anything went below it.
    changed: Vec<bool>,
    bases: Bases,
    choices: Choices,
}

impl Expected {
    pub(crate) fn of(original: &[Node], choices: Choices) -> Expected {
        let named = original.iter().filter(|node| node.is_html("base"));
        let bases = Bases::new(named.filter_map(|base| base.attribute("href")));
        let mut expected =
            Expected { nodes: Vec::new(), gone: 0, changed: Vec::new(), bases, choices };
        // The rows that the next one stands in.
        let mut open: Vec<usize> = Vec::new();
        for node in original {
            open.retain(|at| expected.nodes[*at].depth < node.depth);
            let (node, changed) = expected.cleared(node);
            if changed {
                expected.gone += 1;
                for at in &open {
                    expected.changed[*at] = true;
                }
            }
            append(&mut expected.nodes, node);
            expected.changed.resize(expected.nodes.len(), false);
            open.push(expected.nodes.len() - 1);
        }
        expected
    }

    /// The addresses that an element loses.
    fn taken(&self, node: &Node) -> &'static [&'static str] {
        let withheld =
            |name| node.attribute(name).is_some_and(|url| self.bases.withheld(url, self.choices));
        let candidate = |name| {
            node.attribute(name)
                .is_some_and(|list| self.bases.withheld_candidate(list, self.choices))
        };
        let is = |names: &[&str]| names.iter().any(|name| node.is_html(name));
        if is(&["img", "source"]) {
            match (withheld("src"), candidate("srcset")) {
                (true, true) => &["src", "srcset"],
                (true, false) => &["src"],
                (false, true) => &["srcset"],
                (false, false) => &[],
            }
        } else if is(&["iframe"]) {
            // An inline document hides the address.
            let hidden = node.attributes.contains_key("srcdoc");
            if withheld("src") && !hidden { &["src"] } else { &[] }
        } else if is(&["frame", "embed"]) {
            if withheld("src") { &["src"] } else { &[] }
        } else if is(&["link"]) {
            let rel = node.attribute("rel").unwrap_or_default().to_ascii_lowercase();
            let fetched = rel.split_ascii_whitespace().any(|word| FETCHED.contains(&word));
            match (fetched && withheld("href"), fetched && candidate("imagesrcset")) {
                (true, true) => &["href", "imagesrcset"],
                (true, false) => &["href"],
                (false, true) => &["imagesrcset"],
                (false, false) => &[],
            }
        } else {
            &[]
        }
    }

    /// The node without what it may not have, and whether it had that.
    fn cleared(&self, node: &Node) -> (Node, bool) {
        let mut node = node.clone();
        // What was UTF-16 goes on as UTF-8.
        if node.kind == Kind::Document && node.data.starts_with("UTF-16") {
            "UTF-8".clone_into(&mut node.data);
        }
        // Nobody but the gateway promises a script to the release.
        if node.is("script") && !runs(&node) {
            let promised = node.attributes.remove("data-consent").is_some();
            return (node, promised);
        }
        let withheld = |name: &str, value: &str| match name {
            "type" => self.choices == Choices::Nothing && AMP.contains(&value),
            "ping" => value.split_whitespace().any(|url| self.bases.withheld(url, self.choices)),
            _ => self.bases.withheld(value, self.choices),
        };
        let of = CLEARED.iter().find(|(name, _)| node.is_html(name));
        let mut goes: Vec<String> =
            of.map_or(&[][..], |(_, names)| names).iter().map(|name| (*name).to_owned()).collect();
        goes.retain(|name| node.attribute(name).is_some_and(|value| withheld(name, value)));
        let kept_for_scripts = |(name, value): (&String, &String)| {
            let is_kept = name.starts_with("data-") && !name.starts_with("data-consent");
            let is_whole = value.contains("//") && !value.starts_with("data:");
            (is_kept && is_whole && withheld(name, value)).then(|| name.clone())
        };
        goes.extend(node.attributes.iter().filter_map(kept_for_scripts));
        let taken = self.taken(&node).iter().map(|name| (*name).to_owned());
        goes.extend(taken.filter(|name| node.attributes.contains_key(name)));
        for name in &goes {
            node.attributes.remove(name);
        }
        (node, !goes.is_empty())
    }

    /// The code with every whole address of a tracker led to the empty file.
    fn led_away(&self, code: &str) -> String {
        let address = Regex::new(r#"(?P<scheme>https?:)?//[^"'`<>\s]+(?P<quote>["'`])"#);
        let led = |found: &Captures<'_>| {
            let whole = &found[0];
            let own = if found.name("scheme").is_some() { "https:" } else { "" };
            match self.bases.withheld(&whole[..whole.len() - 1], self.choices) {
                true => format!("{own}//send-box.com{EMPTY}.js?{}", &found["quote"]),
                false => whole.to_owned(),
            }
        };
        address.expect("it is valid").replace_all(code, led).into_owned()
    }

    /// What must stand at `at` of the page as it came out, or what is wrong with what stands there.
    pub(crate) fn at(&self, at: usize, page: &[Node]) -> Result<Node, &'static str> {
        let mut node = self.nodes[at].clone();
        let Some(found) = page.get(at) else { return Ok(node) };
        if node.kind == Kind::Markup && found.kind == Kind::Markup && node.data != found.data {
            if !self.changed[at] && !below(page, at).iter().any(is_held) {
                return Err(
                    "what stands in the element is written otherwise, and nothing in it has to change",
                );
            }
            node.data.clone_from(&found.data);
        }
        if node.kind == Kind::Text && found.data.contains(EMPTY) {
            // A loader beside code of the site is led to an empty file, and nothing else is changed.
            return match same_code(&self.led_away(&node.data), &found.data) {
                true => Ok(found.clone()),
                false => Err("a script is changed in more than the address of a tag"),
            };
        }
        if !node.is("script") || !runs(&node) {
            return Ok(node);
        }
        let mut sources = SOURCES.iter().filter_map(|name| node.attribute(name));
        let must = sources.clone().any(|url| self.bases.withheld(url, self.choices));
        if !is_held(found) {
            return if must { Err("a tracker's script is not held") } else { Ok(node) };
        }
        let code: String = below(&self.nodes, at).iter().map(|node| node.data.as_str()).collect();
        let data = sources.find_map(code_in_address).unwrap_or_default();
        if !must && ![code, data].iter().any(|code| code_may_be_withheld(code, self.choices)) {
            return Err("a script is held for no reason");
        }
        let purpose = found.attribute("data-consent").unwrap_or_default();
        if purpose != "undeclared" && (purpose, self.choices) != ("analytics", Choices::Nothing) {
            return Err("a script is held for a purpose that was agreed to, or is none");
        }
        hold(&mut node, purpose);
        Ok(node)
    }
}

/// Whether two codes are the same but for the digest in the file's name, or two maps say the same.
fn same_code(one: &str, other: &str) -> bool {
    let name = Regex::new(&format!(r"{EMPTY}[0-9a-f]*\.js\??")).expect("it is valid");
    let alike = |code: &str| name.replace_all(code, EMPTY).into_owned();
    let (one, other) = (alike(one), alike(other));
    let map = |code: &str| serde_json::from_str::<serde_json::Value>(code).ok();
    one == other || (map(&one).is_some() && map(&one) == map(&other))
}

/// Whether a browser would run the script (HTML 4.12.1), of the types that the pages here have.
fn runs(script: &Node) -> bool {
    let kind = match (script.attribute("type"), script.attribute("language")) {
        (Some(kind), _) => kind.trim_ascii().to_ascii_lowercase(),
        (None, Some(language)) if !language.is_empty() => {
            format!("text/{}", language.to_ascii_lowercase())
        }
        (None, _) => String::new(),
    };
    let empty = kind.is_empty() && script.attribute("type").unwrap_or_default().is_empty();
    let ends = ["javascript", "ecmascript", "jscript", "livescript"];
    let numbered = kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    empty || kind == "module" || ends.iter().any(|end| numbered.ends_with(end))
}

/// Code that stands in its own address.
fn code_in_address(address: &str) -> Option<String> {
    let (code, _) = DataUrl::process(address).ok()?.decode_to_vec().ok()?;
    Some(String::from_utf8_lossy(&code).into_owned())
}

pub(crate) fn is_held(node: &Node) -> bool {
    let inert = node.attribute("type") == Some("text/plain");
    node.is("script") && inert && node.attributes.contains_key("data-consent")
}

/// Does to a script what the gate does.
fn hold(script: &mut Node, purpose: &str) {
    let attributes = &mut script.attributes;
    let kind = attributes.remove("type");
    let mut sources =
        SOURCES.iter().filter_map(|name| attributes.remove(*name)).collect::<Vec<_>>();
    let first = (!sources.is_empty()).then(|| sources.swap_remove(0));
    for (name, value) in [
        ("data-consent-type", kind),
        ("data-consent-src", first),
        ("data-consent", Some(purpose.to_owned())),
        ("type", Some("text/plain".to_owned())),
    ] {
        // What the page itself wrote there goes.
        attributes.remove(name);
        attributes.extend(value.map(|value| (name.to_owned(), value)));
    }
}
