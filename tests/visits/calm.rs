//! The banner comes and goes without a jolt: nothing shifts, and nothing holds the page up.
//!
//! Chromium measures both by itself: layout shifts, which are to be none, and tasks of more than 50 ms.
//!
//! Others use the processors while a test runs, and any task may then be long, or a stylesheet late; what a page
//! does by itself it does each time. So of some visits one has to be calm.
//!
//! How large what we add is stands in `tests/weights.rs`.

use crate::LANGUAGES;
use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::browser::{AGREE, BANNER, DECLINE};
use crate::demo::Demo;
use serde_json::{Value, json};

/// Visits of which one has to be calm.
const VISITS: usize = 5;

/// Notes what happens from now on, and what has happened in this page before.
const WATCH: &str = "
    window.shifts = []; window.long = [];
    const note = (type, list, what) => new PerformanceObserver((seen) => list.push(...seen.getEntries().map(what)))
        .observe({ type, buffered: true });
    note('layout-shift', shifts, ({ value, hadRecentInput, sources }) =>
        [value, hadRecentInput, ...sources.map(({ node }) => node && node.outerHTML.slice(0, 100))]);
    note('longtask', long, ({ duration }) => duration);";

/// What was noted, once all has been painted.
const NOTED: &str = "
    const done = arguments[arguments.length - 1];
    requestAnimationFrame(() => setTimeout(() => done([shifts, long]), 100));";

#[test]
fn nothing_shifts_and_nothing_takes_long_when_the_banner_comes_and_goes() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    for answer in [DECLINE, AGREE] {
        for (_, at) in LANGUAGES {
            let mut noted: Vec<Value> = Vec::new();
            let calm = (0..VISITS).any(|_| {
                visitor.forget_cookies();
                visitor.open(&format!("{}{at}", demo.https));
                visitor.run(WATCH);
                visitor.click(answer);
                visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
                noted.push(visitor.wait_for(NOTED));
                noted.last() == Some(&json!([[], []]))
            });
            assert!(calm, "{answer} at {at}: shifts, and tasks in ms: {noted:#?}");
        }
    }
    // What is noted is there to be noted.
    visitor.run(
        "setTimeout(() => {
            const until = performance.now() + 80;
            while (performance.now() < until);
            document.body.prepend(Object.assign(document.createElement('p'), { style: 'height: 300px' }));
        });",
    );
    visitor.wait_until("the shift and the task are seen", || {
        let seen = visitor.wait_for(NOTED);
        [&seen[0], &seen[1]].iter().all(|list| list.as_array().is_some_and(|list| !list.is_empty()))
    });
}
