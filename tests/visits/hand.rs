//! How a visitor does what they want: with the mouse, or with the keyboard alone.
//!
//! Who has no mouse goes from one thing to the next and has to see where they are (WCAG 2.4.7), in an order
//! that makes sense (2.4.3), and not below what lies over it (2.4.11). That is judged at every step.
//!
//! The way there is always forward, and is gone back for as far as the test says.

use crate::browser::visitor::Visitor;
use serde_json::{Value, json};

/// Keys as WebDriver names them.
const TAB: char = '\u{e004}';
const SHIFT: char = '\u{e008}';
const ENTER: char = '\u{e007}';
const RIGHT: char = '\u{e014}';

/// Steps until something is said to be out of reach.
const STEPS_MAX: usize = 80;

/// What a visitor acts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hand {
    Mouse,
    Keyboard,
}

/// Where the focus is.
#[derive(Debug, PartialEq)]
struct Stop {
    /// Its place in the document; nothing where nothing has the focus.
    place: Option<u64>,
    /// Whether it is what was looked for.
    wanted: bool,
    /// What it says.
    name: String,
}

/// A radio button is often drawn by its label: then that is what is looked at.
const FOCUS: &str = "
    const at = document.activeElement;
    if (!at || at === document.body || at === document.documentElement) return null;
    const drawn = [at, at.closest('label')].filter(Boolean);
    const marked = drawn.some((element) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
        return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
    });
    const seen = drawn.some((element) => {
        const { left, top, width, height } = element.getBoundingClientRect();
        return [0.1, 0.3, 0.5, 0.7, 0.9].some((x) => [0.1, 0.5, 0.9].some((y) => {
            const hit = document.elementFromPoint(left + width * x, top + height * y);
            return element.contains(hit);
        }));
    });
    return {
        place: [...document.querySelectorAll('*')].indexOf(at),
        wanted: at.matches(CSS), marked, seen,
        name: (at.innerText || at.value || at.name || at.localName).trim(),
    };";

/// What has the focus, which has to be seen.
#[track_caller]
fn focus(visitor: &Visitor<'_>, css: &str) -> Stop {
    let found = visitor.run(&FOCUS.replace("CSS", &format!("{css:?}")));
    let name = found["name"].as_str().unwrap_or_default().to_owned();
    if !found.is_null() {
        assert_eq!(
            found["marked"],
            true,
            "the focus is not seen on {name:?}, {}",
            visitor.address()
        );
        assert_eq!(
            found["seen"],
            true,
            "{name:?} is hidden with the focus on it, {}",
            visitor.address()
        );
    }
    Stop { place: found["place"].as_u64(), wanted: found["wanted"] == Value::Bool(true), name }
}

/// Goes forward to the element, from where the focus is.
#[track_caller]
fn go_to(visitor: &Visitor<'_>, css: &str) {
    let mut passed: Vec<Stop> = Vec::new();
    for _ in 0..STEPS_MAX {
        let stop = focus(visitor, css);
        let wanted = stop.wanted;
        if let Some(before) = passed.last() {
            // Past the last element the focus is the browser's own, and then begins anew.
            let forward = stop.place.is_none() || before.place < stop.place;
            assert!(forward, "from {before:?} back to {stop:?}, {}", visitor.address());
        }
        passed.push(stop);
        if wanted {
            return;
        }
        visitor.press(TAB, None);
    }
    panic!("no way to {css} at {}: {passed:#?}", visitor.address());
}

impl Hand {
    /// Presses a button, or follows a link, of a page that has loaded.
    #[track_caller]
    pub(crate) fn press(self, visitor: &Visitor<'_>, css: &str) {
        loaded(visitor);
        match self {
            Hand::Mouse => visitor.click(css),
            Hand::Keyboard => {
                go_to(visitor, css);
                visitor.press(ENTER, None);
            }
        }
    }

    /// Chooses one of a group of two: only one of them is on the way, the other beside it.
    #[track_caller]
    pub(crate) fn choose(self, visitor: &Visitor<'_>, group: &str, value: &str) {
        loaded(visitor);
        let wanted = format!("{group}[value={value}]");
        match self {
            Hand::Mouse => visitor.click(&wanted),
            Hand::Keyboard => {
                go_to(visitor, group);
                if !focus(visitor, &wanted).wanted {
                    visitor.press(RIGHT, None);
                }
                assert!(focus(visitor, &wanted).wanted, "the arrow leads elsewhere");
            }
        }
    }
}

/// Waits for the page to have its stylesheets, as a person does.
fn loaded(visitor: &Visitor<'_>) {
    visitor
        .wait_until("the page loads", || visitor.run("return document.readyState") == "complete");
}

/// The elements below `css` that have the focus one after the other, from the first to the last and back. Past the
/// last the focus is the browser's own, where a driver cannot follow it in each: so the page is opened again.
#[track_caller]
pub(crate) fn order(visitor: &Visitor<'_>, css: &str) -> Vec<String> {
    let inside = format!("{css} *");
    let mut there = Vec::new();
    go_to(visitor, &inside);
    loop {
        let stop = focus(visitor, &inside);
        if !stop.wanted {
            break;
        }
        there.push(stop.name);
        visitor.press(TAB, None);
    }
    visitor.open(&visitor.address());
    go_to(visitor, &inside);
    for _ in 1..there.len() {
        visitor.press(TAB, None);
    }
    let mut back = Vec::new();
    for _ in 0..there.len() {
        back.push(focus(visitor, &inside).name);
        visitor.press(TAB, Some(SHIFT));
    }
    back.reverse();
    assert_eq!(there, back, "the way back is another, {}", visitor.address());
    there
}

/// Nothing of the page has to be looked for beyond the right edge (WCAG 1.4.10).
#[track_caller]
pub(crate) fn nothing_leaves_the_screen(visitor: &Visitor<'_>) {
    let wide = visitor.run(
        "const wide = [...document.querySelectorAll('#cc-main, #cc-main *, body')]
            .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0
                && getComputedStyle(element).overflowX !== 'visible');
        const page = document.scrollingElement;
        if (page.scrollWidth > innerWidth) wide.push(page);
        return wide.map((element) => [element.localName, element.id, element.scrollWidth, innerWidth])",
    );
    assert_eq!(wide, json!([]), "at {}", visitor.address());
}
