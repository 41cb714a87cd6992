//! What sites call of withheld tags: it is there, it answers, it waits, and it is bounded.

use serde_json::json;

use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::browser::{AGREE, BANNER, DECLINE};
use crate::served::{self, agree, answer_banner, assert_nothing_thrown, kept, told};

/// Callbacks that have come, each name once and sorted, and those that are still awaited.
const CALLED: &str = "return [awaited.filter(name => !called.includes(name)), called.length]";

#[test]
fn whatever_a_site_calls_before_a_choice_throws_nothing_and_is_answered_once_and_later() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("calls.html"));
    assert_nothing_thrown(&visitor);
    visitor.wait_until("each callback comes", || {
        visitor.run("return awaited.every(name => called.includes(name))") == true
    });
    // As many as there are, under their names alone: none twice, none at once, each as whom it was told.
    let once = visitor.run("return awaited.length");
    assert_eq!(visitor.run(CALLED), json!([[], once]), "{}", visitor.run("return called"));
    assert!(once.as_u64().is_some_and(|count| count > 30), "callbacks are awaited: {once}");
    let hidden = "return document.documentElement.classList.contains('async-hide')";
    assert_eq!(visitor.run(hidden), false, "a page that hides until its experiments run is shown");
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);
    assert_eq!(kept(&visitor), [""; 0]);

    // What was called reaches the tags, and none of the callbacks is called again.
    answer_banner(&visitor, AGREE);
    visitor.wait_until("the tags are told", || told(&stub, 0).len() > 10);
    visitor.settle();
    assert_nothing_thrown(&visitor);
    assert_eq!(visitor.run(CALLED), json!([[], once]), "{}", visitor.run("return called"));
}

#[test]
fn forms_and_links_that_wait_for_a_callback_lead_on() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    let waiting = ["metrica", "counter", "hit", "gtag", "layer", "ga", "gaq"];
    let all_lead_on = |when: &str| {
        for name in waiting {
            visitor.open(&served.page("tags.html"));
            // Without a mouse: the banner may lie over it.
            visitor.run(&format!("document.querySelector('#by-{name}').click()"));
            visitor.wait_until(&format!("{name} leads on {when}"), || visitor.sees("#away"));
        }
    };
    all_lead_on("before a choice");
    visitor.open(&served.page("tags.html"));
    answer_banner(&visitor, DECLINE);
    all_lead_on("after a refusal");
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);

    // With the tags themselves, too.
    let visitor = Visitor::new(&stub, Scripts::On);
    agree(&visitor, &served.page("tags.html"));
    for name in waiting {
        visitor.open(&served.page("tags.html"));
        visitor.run(&format!("document.querySelector('#by-{name}').click()"));
        visitor.wait_until(&format!("{name} leads on"), || visitor.sees("#away"));
    }
}

#[test]
fn what_was_called_is_told_in_order_after_an_agreement_as_without_a_gateway() {
    let (served, stub) = (served::start(), Stub::start());
    let without_signals = |told: Vec<String>| -> Vec<String> {
        let plain = |hit: String| hit.split(" G1").next().unwrap_or_default().to_owned();
        told.into_iter().map(plain).filter(|hit| !hit.starts_with("meta")).collect()
    };
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.bare("tags.html"));
    visitor.settle();
    let straight = told(&stub, 0);
    assert!(straight.contains(&"meta ViewContent".to_owned()), "{straight:?}");
    let straight = without_signals(straight);
    assert_eq!(
        straight,
        [
            "analytics pageview",
            "analytics event.shop.late",
            "ga pageview",
            "ga shop.late",
            "gtag page_view",
            "gtag late",
            "metrica tags.html",
            "metrica late",
        ]
    );

    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("tags.html"));
    visitor.settle();
    let seen = stub.contacts().len();
    answer_banner(&visitor, AGREE);
    // Straight at the site `ym` was not there yet when the page called it first.
    let mut expected = straight;
    expected.insert(7, "metrica early".to_owned());
    visitor.wait_until("all is told", || told(&stub, seen).len() >= expected.len());
    visitor.settle();
    assert_eq!(without_signals(told(&stub, seen)), expected);
    assert_nothing_thrown(&visitor);
    // Of what is never agreed to, nothing.
    let hits = stub.hits_after(seen);
    assert!(!hits.iter().any(|hit| hit.contains("facebook")), "{hits:?}");
}

#[test]
fn after_a_refusal_nothing_that_was_called_is_ever_told() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("tags.html"));
    answer_banner(&visitor, DECLINE);
    visitor.run("ym(101234567, 'reachGoal', 'afterwards'); gtag('event', 'afterwards')");
    assert_nothing_thrown(&visitor);
    visitor.open(&served.page("tags.html"));
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);
    assert_eq!(kept(&visitor), [""; 0]);
    let stored = visitor.run("return [localStorage.length, Object.keys(sessionStorage).sort()]");
    assert_eq!(stored, json!([0, ["left", "shown"]]), "nothing but what the page itself stored");
}

#[test]
fn of_too_many_calls_the_newest_wait() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("tags.html"));
    visitor.run(
        "for (let n = 0; n < 1000; n++) {
            ym(101234567, 'reachGoal', 'n' + n);
            gtag('event', 'n' + n);
            ga('send', 'event', 'shop', 'n' + n);
            _gaq.push(['_trackEvent', 'shop', 'n' + n]);
            fbq('track', 'n' + n);
        }",
    );
    let waits = visitor.run(
        "const of = (queue, name) => [queue.length, name([...queue].find(one => /^n/.test(name(one)))), name([...queue].at(-1))];
        return [of(ym.a, one => one[2]), of(dataLayer.slice(1), one => one[1]), of(ga.q, one => one[3]),
            of(_gaq, one => one[2]), of(fbq.queue, one => one[1])]",
    );
    assert_eq!(waits, json!(vec![json!([500, "n500", "n999"]); 5]));
    visitor.open(&served.page("tags.html"));
    // Of so many beacons at once Chromium loses some, and says that it took them.
    visitor.run(
        "navigator.sendBeacon = () => false;
        for (let n = 0; n < 1000; n++) ym(101234567, 'reachGoal', 'n' + n)",
    );
    let seen = stub.contacts().len();
    answer_banner(&visitor, AGREE);
    let of = |vendor: &str| {
        let told = told(&stub, seen).into_iter();
        told.filter(|hit| hit.starts_with(vendor)).collect::<Vec<_>>()
    };
    visitor.wait_until("the newest are told", || of("metrica").len() >= 501);
    let mut expected = vec!["metrica tags.html".to_owned()];
    expected.extend((500..1000).map(|n| format!("metrica n{n}")));
    assert_eq!(of("metrica"), expected);
}

#[test]
fn tags_answer_to_the_names_that_their_loaders_give_them_and_maps_stay() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("renamed.html"));
    assert_nothing_thrown(&visitor);
    visitor.wait_until("callbacks come under each name", || {
        visitor.run("return back.sort()") == json!(["metrica", "shopLayer", "tagLayer", "tracker"])
    });
    assert_eq!(visitor.run("return maps"), json!(["undefined", "undefined", ""]));
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);

    let expected = [
        "analytics pageview",
        "analytics event.shop.late",
        "gtag page_view G101",
        "gtag late G101",
        "metrica renamed.html",
        "metrica late",
    ];
    answer_banner(&visitor, AGREE);
    visitor.wait_until("all is told", || told(&stub, 0).len() >= expected.len());
    visitor.settle();
    assert_eq!(told(&stub, 0), expected);
    // The container's own events, by the layer of its name.
    let events = |of: &str| stub.contacts().iter().any(|hit| hit.contains(of));
    assert!(events("/a?v=3&id=GTM-RUNTIME") && events("/a?v=3&id=GTM-RUNTIME&e=late"));
    assert_eq!(visitor.run("return back.length"), 4, "no callback comes twice");
    visitor.wait_until("the banner is gone", || !visitor.sees(BANNER));
    assert_nothing_thrown(&visitor);
}
