//! One journey through all that a visitor can decide, in many circumstances.
//!
//! Whatever the browser, the hand and the screen, each step has to lead where it says: the banner goes, the settings
//! know what was chosen, the trackers hear of nobody who did not agree and of everybody who did.
//!
//! A visitor without scripts goes the same way; their pages come anew where others' change in place.
//!
//! How a step is done, and what is looked at on the way, is in [`super::hand`].

use crate::browser::stub::Stub;
use crate::browser::visitor::{Browser, Scripts, View, Visitor};
use crate::browser::{AGREE, BANNER, DECLINE};
use crate::demo::Demo;
use crate::hand::{Hand, nothing_leaves_the_screen, order};
use crate::{LANGUAGES, all};

/// A desk's screen.
pub(crate) const WIDE: View = View { width: 1280, height: 900, zoom: 1, dark: false, still: false };
/// A small phone's.
pub(crate) const NARROW: View = View { width: 320, height: 640, ..WIDE };
/// A desk's at 400 %: 320 × 256 pixels of the page's own.
pub(crate) const ZOOMED: View = View { width: 1280, height: 1024, zoom: 4, ..WIDE };

/// With scripts off it is a plain link.
const CONTROL: &str = "#cc-open, noscript > a";
const OPTIONS: &str = "input[name=analytics]";
const SAVE: &str = "button[value=selected]";
const WITHDRAW: &str = "form[action='/.consent/withdraw'] button";
const BACK: &str = "a.back";
const MY_DATA: &str = "a[href^='/.consent/me?']";
const FORGET: &str = "form[action='/.consent/forget'] button";

/// A tag that asks for something with scripts and without.
const METRICA: &str = "mc.yandex.ru/";

/// The circumstances of a journey.
#[derive(Clone, Copy, Debug)]
struct Way {
    hand: Hand,
    view: View,
    /// Where the page is, in one of the three languages.
    at: &'static str,
}

/// A browser with its trackers, in front of the demonstration.
struct Journey<'a> {
    demo: &'a Demo,
    stub: &'a Stub,
    visitor: &'a Visitor<'a>,
    scripts: Scripts,
    way: Way,
}

impl Journey<'_> {
    fn goes_well(&self) {
        let Journey { demo, visitor, way: Way { hand, view, at }, .. } = self;
        // The page before may say farewell.
        visitor.open("about:blank");
        visitor.settle();
        visitor.forget_cookies();
        visitor.view(*view);
        let page = format!("{}{at}prices", demo.https);

        // Declined in one step, where the question is.
        let seen = self.stub.contacts().len();
        visitor.open(&page);
        assert!(visitor.sees(BANNER), "nobody was asked");
        self.judge();
        self.is_in_sight(&[AGREE, DECLINE]);
        hand.press(visitor, DECLINE);
        visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
        assert_eq!(visitor.address(), page);

        // Agreed to where the settings are, which are found by what stands in each page.
        hand.press(visitor, CONTROL);
        visitor.wait_until("the settings open", || visitor.sees(SAVE));
        self.judge();
        let checked = |value: &str| {
            visitor
                .run(&format!("return document.querySelector('{OPTIONS}[value={value}]').checked"))
        };
        assert_eq!(checked("decline"), true, "what was chosen is not shown");
        assert!(!visitor.sees(WITHDRAW), "there is nothing to withdraw");
        visitor.settle();
        assert_eq!(self.stub.contacts()[seen..], [""; 0], "a refusal is told");
        hand.choose(visitor, OPTIONS, "agree");
        hand.press(visitor, SAVE);
        visitor.wait_until("it is saved", || visitor.sees(WITHDRAW));
        assert_eq!(checked("agree"), true, "what was chosen is not shown");
        self.judge();
        hand.press(visitor, BACK);
        visitor.wait_until("the tags run", || self.tracked_since(seen));
        assert_eq!(visitor.address(), page);

        // Withdrawn in no more steps than it was agreed to in.
        hand.press(visitor, CONTROL);
        visitor.wait_until("the settings open", || visitor.sees(WITHDRAW));
        hand.press(visitor, WITHDRAW);
        visitor.wait_until("it is withdrawn", || visitor.sees(SAVE) && !visitor.sees(WITHDRAW));
        self.judge();
        visitor.settle();
        let seen = self.stub.contacts().len();
        hand.press(visitor, BACK);
        visitor.wait_until("the page comes back", || visitor.address() == page);
        assert!(!visitor.sees(BANNER), "nobody is asked twice");
        visitor.settle();
        assert_eq!(self.stub.contacts()[seen..], [""; 0], "a withdrawal does not count");

        // Agreed to in one step, as if nothing had been chosen.
        visitor.forget_cookies();
        visitor.open(&page);
        hand.press(visitor, AGREE);
        visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
        visitor.wait_until("the tags run", || self.tracked_since(seen));
        assert_eq!(visitor.address(), page);

        // Seen, and forgotten in one step: then it is as if nobody had ever been there.
        hand.press(visitor, CONTROL);
        visitor.wait_until("the settings open", || visitor.sees(SAVE));
        hand.press(visitor, MY_DATA);
        visitor.wait_until("what is held is shown", || visitor.sees(FORGET) && !visitor.sees(SAVE));
        self.judge();
        hand.press(visitor, FORGET);
        visitor.wait_until("it is forgotten", || visitor.address().ends_with("/.consent/forget"));
        self.judge();
        visitor.settle();
        let seen = self.stub.contacts().len();
        visitor.open(&page);
        assert!(visitor.sees(BANNER), "somebody is remembered");
        visitor.settle();
        assert_eq!(self.stub.contacts()[seen..], [""; 0], "what is forgotten still counts");
    }

    /// What holds for every page of ours, and for the site's with something of ours in it.
    #[track_caller]
    fn judge(&self) {
        nothing_leaves_the_screen(self.visitor);
        if self.way.view.still && self.scripts == Scripts::On {
            let moving = self.visitor.run("return document.getAnimations().length");
            assert_eq!(moving, 0, "something moves at {}", self.visitor.address());
        }
    }

    /// These are seen without being looked for. At 400 % there is no room for that: there they are reached.
    #[track_caller]
    fn is_in_sight(&self, buttons: &[&str]) {
        for button in buttons.iter().filter(|_| self.way.view.zoom == 1) {
            let seen = self.visitor.run(&format!(
                "const button = document.querySelector({button:?});
                const {{ left, top, right, bottom }} = button.getBoundingClientRect();
                const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
                return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight
                    && button.contains(hit)"
            ));
            assert_eq!(seen, true, "{button} is out of sight");
        }
    }

    fn tracked_since(&self, seen: usize) -> bool {
        self.stub.hits_after(seen).iter().any(|hit| hit.contains(METRICA))
    }
}

/// Goes each way, in a browser that is started once.
fn go(browser: Browser, scripts: Scripts, ways: &[Way]) {
    let stub = Stub::start();
    let visitor = Visitor::with(browser, &stub, scripts);
    for way in ways {
        // Each has a gateway of its own, which takes so many choices a minute from one address and no more.
        let demo = Demo::start();
        // A failure names the last.
        println!("{browser:?}, scripts {scripts:?}: {way:?}");
        Journey { demo: &demo, stub: &stub, visitor: &visitor, scripts, way: *way }.goes_well();
    }
}

/// All that there are, or those few.
fn ways(few: &[Way]) -> Vec<Way> {
    if !all() {
        return few.to_vec();
    }
    let mut ways = Vec::new();
    for hand in [Hand::Mouse, Hand::Keyboard] {
        for view in [WIDE, NARROW, ZOOMED] {
            for (dark, still) in [(false, false), (true, true)] {
                let view = View { dark, still, ..view };
                ways.extend(LANGUAGES.map(|(_, at)| Way { hand, view, at }));
            }
        }
    }
    ways
}

#[test]
fn in_chromium_every_way_leads_where_it_says() {
    let dark = View { dark: true, still: true, ..NARROW };
    let few = [
        Way { hand: Hand::Keyboard, view: dark, at: "/" },
        Way { hand: Hand::Mouse, view: ZOOMED, at: "/ru/" },
    ];
    go(Browser::Chromium, Scripts::On, &ways(&few));
}

#[test]
fn in_firefox_every_way_leads_where_it_says() {
    let still = View { dark: true, still: true, ..ZOOMED };
    let few = [
        Way { hand: Hand::Mouse, view: NARROW, at: "/" },
        Way { hand: Hand::Keyboard, view: still, at: "/en/" },
    ];
    go(Browser::Firefox, Scripts::On, &ways(&few));
}

#[test]
fn without_scripts_every_way_leads_where_it_says() {
    let browsers: &[_] =
        if all() { &[Browser::Chromium, Browser::Firefox] } else { &[Browser::Firefox] };
    for browser in browsers {
        go(*browser, Scripts::Off, &ways(&[Way { hand: Hand::Keyboard, view: WIDE, at: "/ru/" }]));
    }
}

#[test]
fn the_focus_goes_through_the_banner_in_the_order_of_its_buttons() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let browsers: &[_] =
        if all() { &[Browser::Chromium, Browser::Firefox] } else { &[Browser::Chromium] };
    for browser in browsers {
        let visitor = Visitor::with(*browser, &stub, Scripts::On);
        for (_, at) in LANGUAGES {
            visitor.open(&format!("{}{at}", demo.https));
            let shown = visitor.run(
                "return [...document.querySelectorAll('#cc-main button, #cc-main a')].map((one) => one.innerText.trim())",
            );
            assert_eq!(serde_json::json!(order(&visitor, BANNER)), shown, "{browser:?} at {at}");
        }
    }
}
