//! The script, put together from its parts.
//!
//! The sources, in `assets/`, are written to be read. What is compiled in is in `assets/min/`: the same,
//! shortened by esbuild (`tests/frameworks/shorten.js`, which `tests/run` has compare the two). Of stubs,
//! which stand in the rules, only what people need is left out: comments that have a line to themselves,
//! and the space at the beginning of lines.
//!
//! Rules travel as lists of globs and become expressions in the browser: that is shorter than the
//! expressions, and it can be read.

use serde_json::json;

use crate::policy::{PolicyVersion, Purpose};
use crate::rules::{ConsentMode, Group, RuleSet};

const GUARD: &str = include_str!("assets/min/guard.js");
const STUBS: &str = include_str!("assets/min/stubs.js");
const STATE: &str = include_str!("assets/min/state.js");
const API: &str = include_str!("assets/min/api.js");

/// A part of the script, and what it is.
#[derive(Clone, Debug)]
pub struct Weight {
    /// What it is for.
    pub name: &'static str,
    /// Its code.
    pub code: String,
}

/// The script of a page, in its parts.
pub(super) fn of_page(rules: &RuleSet, policy: &PolicyVersion, groups: &[Group]) -> Vec<Weight> {
    let told: Vec<_> = groups.iter().map(told).collect();
    let guard = format!(
        "(()=>{{const permitted=document.currentScript.dataset.permit.split(' '),RULES={};{}",
        json!(told),
        GUARD
    );
    let mut until = serde_json::Map::new();
    for vendor in &rules.vendors {
        if let Some(name) = rules.until(vendor, policy) {
            until.insert(vendor.id().to_owned(), name.into());
        }
    }
    let mut stubs = lent(&json!(until), rules.site.consent_mode);
    // Who only is looked at is not switched off.
    for vendor in rules.vendors.iter().filter(|vendor| vendor.withholds()) {
        let (Some(stub), Some(until)) = (vendor.stub(), rules.until(vendor, policy)) else {
            continue;
        };
        stubs.push_str(&called(vendor.id(), until, stub));
    }
    let purposes = Purpose::ALL.map(Purpose::name).join(" ");
    let asked: Vec<_> = rules.asked(policy).map(Purpose::name).collect();
    let known = format!("const PURPOSES={}.split(' '),ASKED={};", json!(purposes), json!(asked));
    let state = format!("{known}{STATE}");
    let api = format!("{API}install(window);\n}})();\n");
    vec![
        Weight { name: "guard", code: guard },
        Weight { name: "stubs", code: stubs },
        Weight { name: "release", code: state },
        Weight { name: "interface", code: api },
    ]
}

/// Stubs of vendors, by their names, without a page's guard; where that has defined the same, they do
/// nothing. The global object is `window` to them, also in a worker.
pub(super) fn of_stubs<'a>(stubs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let lent = lent(&json!({}), ConsentMode::Site);
    let called: String = stubs.map(|(vendor, stub)| called(vendor, "", stub)).collect();
    format!("((window)=>{{'use strict';\nconst permitted=[];\n{lent}{called}}})(self);\n")
}

/// What stubs are lent, with what releases each vendor.
fn lent(until: &serde_json::Value, mode: ConsentMode) -> String {
    let site = mode == ConsentMode::Site;
    format!("const VENDORS={until},SITE={site};\n{STUBS}")
}

/// One stub, with what it is lent.
fn called(vendor: &str, until: &str, stub: &str) -> String {
    let (vendor, until) = (json!(vendor), json!(until));
    format!("((k)=>{{\n{}}})(lend({vendor},{until}));\n", packed(stub))
}

/// A group of rules, as the guard reads it.
fn told(group: &Group) -> [String; 4] {
    let Group { until, addresses, cookies, keys } = group;
    let list = |globs: &[String]| globs.join(" ");
    [(*until).to_owned(), list(addresses), list(cookies), list(keys)]
}

/// Without what only people need.
fn packed(code: &str) -> String {
    let lines = code.lines().map(str::trim);
    let kept = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    kept.flat_map(|line| [line, "\n"]).collect()
}
