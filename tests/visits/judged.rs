//! axe-core's judgement of every page of ours, and of the site's with something of ours in it.
//!
//! By its rules for WCAG 2.2, levels A and AA, and by those for good practice; in each language, in light and in the
//! dark, on a wide screen and a narrow one.
//!
//! The site's own part of a page is the site's: there only what is ours is judged.
//!
//! axe-core comes from npm and is not in this repository.

use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, View, Visitor};
use crate::browser::{AGREE, BANNER, DECLINE};
use crate::demo::{Demo, Ruled};
use crate::journey::{NARROW, WIDE};
use crate::{LANGUAGES, all, package};
use serde_json::json;

/// The rules: all of WCAG up to 2.2 AA, and good practice.
const RULES: [&str; 7] =
    ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];

/// What of a page is ours.
const OURS: &str = "#cc-main, #cc-open, #cc-notice";

/// What axe-core finds wrong in a part of the page that is open.
#[track_caller]
fn is_faultless(visitor: &Visitor<'_>, axe: &str, part: &str) {
    visitor.run(axe);
    // Good practice wants a page's whole content in landmarks; a part of one has only its own.
    let script = format!(
        "const done = arguments[arguments.length - 1];
        const parts = [...document.querySelectorAll({part:?})].filter((one) => one.checkVisibility());
        axe.run({{ include: parts }}, {{ runOnly: {rules}, resultTypes: ['violations'] }}).then(({{ violations, passes }}) =>
            done([passes.length > 0 && parts.length > 0, violations.map(({{ id, nodes }}) =>
                [id, ...nodes.map(({{ html, failureSummary }}) => html.slice(0, 200) + ' | ' + failureSummary)])]),
            (error) => done([String(error)]));",
        rules = json!(RULES),
    );
    let judged = visitor.wait_for(&script);
    assert_eq!(judged, json!([true, []]), "at {}: {judged:#}", visitor.address());
}

#[test]
fn axe_finds_no_fault_in_any_page_of_ours() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let axe = package("axe-core/axe.min.js");
    let visitor = Visitor::new(&stub, Scripts::On);
    let dark = View { dark: true, ..NARROW };
    let views: &[_] =
        if all() { &[WIDE, View { dark: true, ..WIDE }, NARROW, dark] } else { &[WIDE, dark] };
    for view in views {
        visitor.view(*view);
        for (code, at) in LANGUAGES {
            // Where no page says its language, the browser does.
            let agent = visitor.run("return navigator.userAgent");
            let speaks = json!({ "userAgent": agent, "acceptLanguage": code });
            visitor.devtools("Emulation.setUserAgentOverride", &speaks);
            let page = |path: &str| {
                visitor.open(&format!("{}{path}", demo.https));
                assert_eq!(visitor.attribute("html", "lang").as_deref(), Some(code), "{path}");
                is_faultless(&visitor, &axe, "html");
            };
            visitor.forget_cookies();
            // A browser that keeps no cookies, a record that nobody knows, a mistake.
            for ours in ["?notice=saved&", "me?record=0&", "forget?"] {
                page(&format!("/.consent/{ours}lang={code}"));
            }
            visitor.open(&format!("{}{at}", demo.https));
            is_faultless(&visitor, &axe, OURS);
            visitor.click(DECLINE);
            visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
            is_faultless(&visitor, &axe, OURS);
            page(&format!("/.consent/?lang={code}"));
            visitor.forget_cookies();
            visitor.open(&format!("{}{at}", demo.https));
            visitor.click(AGREE);
            visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
            for ours in ["", "done", "me", "policy", "cookies", "nothing-is-here"] {
                page(&format!("/.consent/{ours}?lang={code}"));
            }
            let headers = |headers| {
                visitor.devtools("Network.setExtraHTTPHeaders", &json!({ "headers": headers }));
            };
            visitor.devtools("Network.enable", &json!({}));
            // The browser's signal against the agreement.
            headers(json!({ "Sec-GPC": "1" }));
            page(&format!("/.consent/?lang={code}"));
            assert!(visitor.sees(".warning"), "{code}");
            headers(json!({}));
            visitor.open(&format!("{}/.consent/me?lang={code}", demo.https));
            visitor.click("form[action='/.consent/forget'] button");
            visitor
                .wait_until("it is forgotten", || visitor.address().ends_with("/.consent/forget"));
            is_faultless(&visitor, &axe, "html");
            // What stands for a frame is a page of its own, in its place.
            page(&format!("/.consent/frame?to=https%3A%2F%2Fmc.yandex.ru%2Fmap&lang={code}"));
        }
    }
    // A fault is found where there is one.
    visitor.run("document.querySelector('h1').outerHTML = '<img src=/x.png><h1></h1>'");
    let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        is_faultless(&visitor, &axe, "html");
    }));
    assert!(seen.is_err(), "a picture without a text is no fault");
}

#[test]
fn axe_finds_no_fault_in_what_comes_now_and_then() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let gateway = Ruled::announcing(&demo);
    let axe = package("axe-core/axe.min.js");
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.view(NARROW);
    for (code, at) in LANGUAGES {
        visitor.forget_cookies();
        visitor.open(&format!("{}{at}", gateway.http));
        visitor.click(AGREE);
        visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
        visitor.open(&format!("{}{at}", gateway.http));
        assert!(visitor.sees("#cc-notice"), "{code}");
        is_faultless(&visitor, &axe, OURS);
        visitor.click("#cc-notice a");
        visitor.wait_until("the version to come opens", || visitor.address().contains("/policy/"));
        is_faultless(&visitor, &axe, "html");
        visitor.open(&format!("{}/.consent/?lang={code}", gateway.http));
        visitor.click("form[action='/.consent/withdraw'] button");
        visitor.wait_until("it is withdrawn", || visitor.address().contains("notice=withdrawn"));
        assert_eq!(visitor.attribute("html", "lang").as_deref(), Some(code));
        is_faultless(&visitor, &axe, "html");
        // What stands under the code that she had is still hers to see.
        visitor.click(".rights a");
        visitor.wait_until("her data open", || visitor.address().contains("/.consent/me"));
        is_faultless(&visitor, &axe, "html");
        visitor.open(&format!("{}/.consent/me?lang={code}", gateway.http));
        is_faultless(&visitor, &axe, "html");
    }
}
