//! What Google's tags are told that they may do (Consent Mode v2).

use serde_json::json;

use crate::browser::AGREE;
use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::served::{self, agree, answer_banner, told};

/// What stands in the layer, in order: commands by their name and what they are about.
const LAYER: &str = "return dataLayer.map(item => item[0] === 'consent' ? item[0] + ' ' + item[1] : item[0] || Object.keys(item)[0])";

/// Everything that a tag was told of consent.
const SAID: &str = "return dataLayer.filter(item => item[0] === 'consent').map(item => item[2])";

#[test]
fn the_first_hit_says_that_only_analytics_is_agreed_to_and_so_does_the_next_page() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.bare("tags.html"));
    visitor.settle();
    let plain = "gtag page_view G1--".to_owned();
    assert!(told(&stub, 0).contains(&plain), "by itself the site says nothing");

    let visitor = Visitor::new(&stub, Scripts::On);
    let gtag = |seen: usize| {
        let told = told(&stub, seen).into_iter();
        told.filter(|hit| hit.starts_with("gtag")).collect::<Vec<_>>()
    };
    let expected = ["gtag page_view G101", "gtag late G101"];
    visitor.open(&served.page("tags.html"));
    assert_eq!(visitor.run(LAYER), json!(["consent default", "js", "config", "event"]));
    let seen = stub.contacts().len();
    answer_banner(&visitor, AGREE);
    visitor.wait_until("the hits of this page come", || gtag(seen).len() >= 2);
    assert_eq!(gtag(seen), expected);
    assert_eq!(
        visitor.run(LAYER).as_array().expect("a list")[..2],
        ["consent default", "consent update"]
    );
    let (no, yes) = ("denied", "granted");
    let signals = |analytics: &str| {
        json!({
            "ad_storage": no, "ad_user_data": no, "ad_personalization": no, "analytics_storage": analytics,
            "functionality_storage": no, "personalization_storage": no, "security_storage": yes,
        })
    };
    assert_eq!(visitor.run(SAID), json!([signals(no), signals(yes)]));

    visitor.settle();
    let seen = stub.contacts().len();
    visitor.open(&served.page("tags.html"));
    visitor.wait_until("the hits of the next page come", || gtag(seen).len() >= 2);
    assert_eq!(gtag(seen), expected);
    assert_eq!(
        visitor.run(LAYER),
        json!(["consent default", "consent update", "js", "config", "event"])
    );
    assert_eq!(visitor.run(SAID), json!([signals(yes), signals(yes)]));
}

#[test]
fn a_site_that_puts_a_list_of_its_own_in_the_place_of_the_layer_says_it_too() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("anew.html"));
    assert_eq!(visitor.run(LAYER), json!(["consent default", "pageType", "js", "config"]));
    for what in ["the agreement", "the next page"] {
        let seen = stub.contacts().len();
        match what {
            "the agreement" => answer_banner(&visitor, AGREE),
            _ => visitor.open(&served.page("anew.html")),
        }
        visitor.wait_until("the hit comes", || !told(&stub, seen).is_empty());
        assert_eq!(told(&stub, seen), ["gtag page_view G101"], "after {what}");
        visitor.settle();
    }
}

#[test]
fn what_the_site_says_itself_counts_less_than_ours_or_alone() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    let begin = ["consent default", "consent update", "consent default", "js"];
    for page in ["of the choice", "after it"] {
        let seen = stub.contacts().len();
        visitor.open(&served.page("own-consent.html"));
        if page == "of the choice" {
            answer_banner(&visitor, AGREE);
        }
        visitor.wait_until("the hit comes", || !told(&stub, seen).is_empty());
        assert_eq!(told(&stub, seen), ["gtag page_view G101"], "on the page {page}");
        assert_eq!(visitor.run(LAYER).as_array().expect("a list")[..4], begin, "{page}");
        visitor.settle();
    }

    let visitor = Visitor::new(&stub, Scripts::On);
    let served = served::with("consent-mode = \"site\"");
    let seen = stub.contacts().len();
    visitor.open(&served.page("own-consent.html"));
    assert_eq!(visitor.run(LAYER), json!(["consent default", "js", "config"]));
    visitor.settle();
    assert_eq!(stub.contacts()[seen..], [""; 0], "withheld all the same");
    answer_banner(&visitor, AGREE);
    visitor.wait_until("the hit comes", || !told(&stub, seen).is_empty());
    assert_eq!(told(&stub, seen), ["gtag page_view G111"]);
    assert_eq!(visitor.run(LAYER), json!(["consent default", "js", "config"]));
}

#[test]
fn metricas_own_tag_manager_is_never_loaded() {
    let (served, stub) = (served::start(), Stub::start());
    let managers = |seen: usize| {
        stub.hits_after(seen).iter().filter(|hit| hit.contains("/ytm-config/")).count()
    };
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.bare("tags.html"));
    visitor.settle();
    assert_eq!(managers(0), 1, "by itself it is");

    let visitor = Visitor::new(&stub, Scripts::On);
    let seen = stub.contacts().len();
    agree(&visitor, &served.page("tags.html"));
    for _ in 0..2 {
        visitor.wait_until("Metrica runs", || !told(&stub, seen).is_empty());
        visitor.settle();
        assert_eq!(managers(seen), 0);
        visitor.open(&served.page("tags.html"));
    }
}
