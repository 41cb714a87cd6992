//! What an agreement sets free: in what order, in what form, and what comes of it.

use serde_json::json;

use crate::browser::AGREE;
use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::served::{self, answer_banner, assert_nothing_thrown, told};

#[test]
fn held_tags_come_back_in_order_and_whole() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("held.html"));
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);
    assert_eq!(visitor.run("return [ran, loaded]"), json!([[], []]));
    visitor.run("inserted.length = 0");
    answer_banner(&visitor, AGREE);
    visitor.wait_until("what the page inserted has loaded", || {
        visitor.run("return loaded.length") == 3
    });

    // What waits for a script that came before it does so: `_gat` is there.
    assert_eq!(visitor.run("return ran"), json!(["second", "_gat: function"]));
    let loaded = json!(["by attribute", "by namespace", "by property"]);
    assert_eq!(visitor.run("return loaded.sort()"), loaded);
    // A nonce is no attribute that scripts can read; `async`, integrity, and what is the site's are.
    let scripts = "return inserted.filter(one => !/^nonce=?$/.test(one))
        .map(one => one.split(' ').filter(part => !/^(nonce(=|$)|$)/.test(part)).join(' '))";
    assert_eq!(
        visitor.run(scripts),
        json!([
            "async crossorigin=anonymous data-site=kept id=first \
             src=https://www.googletagmanager.com/gtag/js?id=G-FIRST00001",
            "crossorigin integrity=sha384-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
             src=https://www.google-analytics.com/analytics.js",
            "src=https://ssl.google-analytics.com/ga.js",
        ])
    );
    assert_eq!(
        visitor.run("return typeof ga"),
        "function",
        "our own, as the signed one is another"
    );
    assert_eq!(
        visitor.run("return !!ga.loaded"),
        false,
        "a script that is not what was signed ran"
    );
    let policy = "return [...document.scripts].every(script => script.nonce === 'n0nce' || script.nonce === 'other')";
    assert_eq!(visitor.run(policy), true, "each script has its nonce");
    // Pixels go once, and are not asked for later.
    assert_eq!(
        visitor.run("return document.querySelector('#pixel').getAttribute('src')"),
        json!(null)
    );
}

#[test]
fn a_tag_that_writes_into_the_document_works_when_it_is_released() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.bare("written.html"));
    visitor.settle();
    assert_eq!(told(&stub, 0), ["ga pageview"], "by itself it does");

    let visitor = Visitor::new(&stub, Scripts::On);
    let seen = stub.contacts().len();
    visitor.open(&served.page("written.html"));
    visitor.settle();
    assert_eq!(stub.contacts()[seen..], [""; 0]);
    visitor.run("pageTracker._trackEvent('shop', 'early')");
    answer_banner(&visitor, AGREE);
    visitor.wait_until("it tells", || !told(&stub, seen).is_empty());
    visitor.settle();
    assert_eq!(told(&stub, seen), ["ga pageview"]);
    assert_eq!(visitor.text("#end").as_deref(), Some("The end"), "the page was blanked");
    assert_nothing_thrown(&visitor);
    // From now on the page's own calls are told.
    visitor.run("pageTracker._trackEvent('shop', 'later')");
    visitor
        .wait_until("the event is told", || told(&stub, seen) == ["ga pageview", "ga shop.later"]);
}

#[test]
fn a_reload_that_releases_calls_once_what_was_called_and_keeps_the_place() {
    let (served, stub) = (served::behind_a_policy(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    let goals = || {
        let hits = stub.hits_after(0);
        hits.iter().filter(|hit| hit.contains("goal%3A%2F%2F") && hit.contains("order")).count()
    };
    visitor.open(&served.page("long.html"));
    visitor.run("document.querySelector('#order').scrollIntoView({ block: 'center' })");
    visitor.click("#order");
    let place = visitor.run("window.first = true; return Math.round(scrollY)");
    assert!(place.as_i64().is_some_and(|place| place > 1000), "{place}");
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);

    answer_banner(&visitor, AGREE);
    visitor.wait_until("the goal is counted", || goals() == 1);
    assert_eq!(visitor.run("return window.first"), serde_json::Value::Null, "it was loaded anew");
    visitor.wait_until("the place is found again", || {
        visitor.run("return Math.round(scrollY)") == place
    });
    visitor.open(&served.page("long.html"));
    visitor.settle();
    assert_eq!(goals(), 1, "{:?}", stub.hits_after(0));
}
