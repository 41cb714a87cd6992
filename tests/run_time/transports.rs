//! A library that no rule knows runs at once, and tries every way out that Metrica tries.

use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::browser::{AGREE, DECLINE};
use crate::served::{self, answer_banner, kept};

/// The ways in their order, as they are seen by who is told.
const WAYS: [&str; 5] = [
    "POST mc.yandex.ru/watch/101234567/1?browser-info",
    "POST mc.yandex.ru/watch/101234567/1?browser-info",
    "GET mc.yandex.ru/watch/101234567/1?wmode=7",
    "GET mc.yandex.ru/watch/101234567/1?wmode=5",
    "GET mc.yandex.ru/watch/101234567/1?wmode=0",
];

#[test]
fn each_way_out_is_closed_until_the_visitor_agrees() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    let pages: Vec<_> = (0..WAYS.len()).map(|n| format!("library.html?closed={n}")).collect();
    let told = |page: &str, way: &str| {
        let seen = stub.contacts().len();
        visitor.open(page);
        visitor.settle();
        let hits = stub.hits_after(seen);
        let by = |start: &str| hits.iter().any(|hit| hit.starts_with(start));
        assert!(by(way) && by("GET mc.yandex.ru/solid.ws"), "{way} at {page}: {hits:?}");
    };
    for (page, way) in pages.iter().zip(WAYS) {
        told(&served.bare(page), way);
    }
    for choice in ["none", "a refusal", "an agreement"] {
        let visitor = Visitor::new(&stub, Scripts::On);
        let seen = stub.contacts().len();
        visitor.open(&served.page("away.html"));
        match choice {
            "a refusal" => answer_banner(&visitor, DECLINE),
            "an agreement" => answer_banner(&visitor, AGREE),
            _ => {}
        }
        for (page, way) in pages.iter().zip(WAYS) {
            let before = stub.contacts().len();
            visitor.open(&served.page(page));
            visitor.settle();
            let hits = stub.hits_after(before);
            let by_way = hits.iter().any(|hit| hit.starts_with(way));
            assert_eq!(by_way, choice == "an agreement", "{way} after {choice}: {hits:?}");
        }
        if choice == "an agreement" {
            continue;
        }
        assert_eq!(stub.contacts()[seen..], [""; 0], "after {choice}");
        assert_eq!(kept(&visitor), [""; 0], "after {choice}");
    }
}
