//! What is decided in one tab, and what a page learns of it that lies open or comes back.

use serde_json::{Value, json};

use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::browser::{AGREE, BANNER, DECLINE, Served};
use crate::served::{
    self, agree, answer_banner, assert_nothing_thrown, kept, press_withdraw, told, withdraw,
};

/// Whether the tags of the page are held.
const HELD: &str = "return !!document.querySelector('script[data-consent]')";

#[test]
fn a_withdrawal_in_another_tab_stops_the_tags_of_this_one() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    agree(&visitor, &served.page("tags.html"));
    visitor.wait_until("all tags run", || told(&stub, 0).len() >= 9);
    visitor.settle();
    let names = kept(&visitor);
    for name in ["__utma", "_ga", "_ga_RUNTIME001", "_gid", "_ym_d", "_ym_uid"] {
        assert!(names.iter().any(|kept| kept == name), "{name} in {names:?}");
    }
    visitor
        .run("window.thisPage = true; localStorage.basket = 5; localStorage._ym_retryReqs = '[]'");
    let seen = stub.contacts().len();
    visitor.aside(|| withdraw(&visitor, &served));
    visitor.wait_until("the page is loaded anew", || {
        visitor.run("return window.thisPage || !document.querySelector('h1')") == false
    });
    visitor.settle();
    assert_eq!(stub.contacts()[seen..], [""; 0], "also what a tag sends as the page ends");
    assert_eq!(kept(&visitor), [""; 0]);
    assert_eq!(visitor.run("return localStorage.basket"), "5", "what is the site's stays");

    // How the page before was left: switched off, told, and under a policy of its own.
    let left = visitor.run("return sessionStorage.left");
    let left: Value = serde_json::from_str(left.as_str().unwrap_or_default()).expect("JSON");
    assert_eq!((&left["counter"], &left["tag"]), (&json!(true), &json!(true)));
    assert_eq!(left["said"], json!(["default denied", "update granted", "update denied"]));
    let policy = left["policy"].as_str().unwrap_or_default();
    assert!(policy.starts_with("default-src 'self'"), "{left}");
    // The page is as for somebody who withdrew: its tags are held, and can be called.
    visitor.run("ym(101234567, 'reachGoal', 'afterwards')");
    assert_nothing_thrown(&visitor);
    visitor.settle();
    assert_eq!(stub.contacts()[seen..], [""; 0]);
}

#[test]
fn a_page_on_which_nothing_ran_is_not_loaded_anew() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    agree(&visitor, &served.page("tags.html"));
    visitor.open(&served.page("away.html"));
    visitor.run("window.thisPage = true");
    visitor.aside(|| withdraw(&visitor, &served));
    visitor.wait_until("the page knows of it", || {
        visitor.run("document.cookie = '_ym_uid=1'; return document.cookie.includes('_ym_uid')")
            == false
    });
    assert_eq!(visitor.run("return window.thisPage"), true);
    assert_eq!(kept(&visitor), [""; 0]);
}

#[test]
fn a_page_that_loaded_more_than_browsers_remember_is_loaded_anew() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    agree(&visitor, &served.page("away.html"));
    visitor.run("window.thisPage = true; for (let n = 0; n < 300; n++) fetch('/watch.js?' + n)");
    visitor.wait_until("the browser's list is full", || {
        visitor.run("return performance.getEntriesByType('resource').length") == 250
    });
    visitor.aside(|| withdraw(&visitor, &served));
    visitor.wait_until("the page is loaded anew", || {
        visitor.run("return window.thisPage || !document.querySelector('h1')") == false
    });
}

#[test]
fn an_agreement_in_another_tab_releases_the_tags_of_this_one() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("tags.html"));
    assert!(visitor.sees(BANNER));
    visitor.run("window.thisPage = true; ym(101234567, 'reachGoal', 'before')");
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);
    visitor.aside(|| {
        visitor.open(&served.page("away.html"));
        answer_banner(&visitor, AGREE);
    });
    visitor.wait_until("the tags of this page run, too", || {
        told(&stub, 0).contains(&"metrica before".to_owned())
    });
    visitor.wait_until("nobody is asked twice", || !visitor.sees(BANNER));
    assert_eq!(visitor.run("return window.thisPage"), true, "the page was loaded anew");
    assert_nothing_thrown(&visitor);
}

#[test]
fn a_page_from_after_a_refusal_waits_for_the_next_and_its_forms_go_on() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("away.html"));
    answer_banner(&visitor, DECLINE);
    visitor.open(&served.page("tags.html"));
    visitor.aside(|| {
        visitor.open(&served.page(".consent/"));
        visitor.click("button[value=agree-all]");
        visitor.settle();
    });
    assert_eq!(visitor.run(HELD), true);
    visitor.run("document.querySelector('#by-metrica').click()");
    visitor.wait_until("the form is sent", || visitor.sees("#away"));
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);
    visitor.open(&served.page("tags.html"));
    visitor.wait_until("the next page has its tags", || {
        told(&stub, 0).contains(&"metrica late".to_owned())
    });
}

#[test]
fn pages_wait_to_be_gone_back_to_with_our_scripts_in_them() {
    let (served, stub) = (served::start(), Stub::start());
    for choice in ["none", "a refusal", "an agreement"] {
        let visitor = Visitor::new(&stub, Scripts::On);
        visitor.open(&served.page("anew.html"));
        match choice {
            "a refusal" => answer_banner(&visitor, DECLINE),
            "an agreement" => answer_banner(&visitor, AGREE),
            _ => {}
        }
        visitor.settle();
        go_and_come_back(&visitor, &served, || {});
        assert_eq!(visitor.run("return sessionStorage.shown"), "anew back ", "{choice}");
        let reasons =
            "return performance.getEntriesByType('navigation')[0].notRestoredReasons ?? null";
        assert_eq!(visitor.run(reasons), Value::Null, "{choice}");
    }
}

#[test]
fn a_page_that_comes_back_knows_what_was_withdrawn_meanwhile() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    agree(&visitor, &served.page("tags.html"));
    visitor.wait_until("all tags run", || told(&stub, 0).len() >= 9);
    visitor.open(&served.page(".consent/"));
    visitor.settle();
    let seen = stub.contacts().len();
    press_withdraw(&visitor);
    visitor.back();
    visitor.back();
    visitor.wait_until("the page is back", || visitor.sees("#form"));
    // Chromium drops the page that waits when it is told of the choice, and loads it anew.
    assert_eq!(visitor.run("return sessionStorage.shown"), "anew anew ");
    visitor.settle();
    assert_eq!(visitor.run(HELD), true);
    assert_eq!(stub.contacts()[seen..], [""; 0]);
    assert_eq!(kept(&visitor), [""; 0]);
}

#[test]
fn a_page_that_comes_back_asks_by_itself_what_holds() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    agree(&visitor, &served.page("anew.html"));
    visitor.wait_until("the tag runs", || !told(&stub, 0).is_empty());
    visitor.settle();
    let seen = stub.contacts().len();
    // As when the choice has run out: nobody tells the page that waits.
    go_and_come_back(&visitor, &served, || visitor.forget_cookies());
    visitor.wait_until("the page is loaded anew", || {
        visitor.run("return sessionStorage.shown") == "anew back anew "
    });
    visitor.wait_until("the visitor is asked", || visitor.sees(BANNER));
    visitor.settle();
    assert_eq!(visitor.run(HELD), true);
    assert_eq!(stub.contacts()[seen..], [""; 0]);
    assert_eq!(kept(&visitor), [""; 0]);
}

/// Goes to another site and back, and does something there.
fn go_and_come_back(visitor: &Visitor<'_>, served: &Served, there: impl FnOnce()) {
    visitor.open(&served.bare("away.html"));
    there();
    visitor.back();
    visitor.wait_until("the page is back", || !visitor.sees("#away") && visitor.sees("h1"));
}
