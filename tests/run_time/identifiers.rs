//! What tags know visitors by: on which domain it is kept, and that it does not come back.

use crate::browser::AGREE;
use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::served::{self, agree, answer_banner, kept, told, withdraw};

/// The identifier that Metrica keeps, wherever it is.
const UID: &str = "return [document.cookie.match(/_ym_uid=(\\d+)/)?.[1] ?? null, \
                   JSON.parse(localStorage._ym_uid ?? 'null')]";

#[test]
fn an_identifier_that_was_withdrawn_does_not_come_back() {
    let (served, stub) = (served::start(), Stub::start());
    let told_from = |seen: usize, visitor: &Visitor<'_>| {
        visitor.wait_until("Metrica tells", || {
            told(&stub, seen).contains(&"metrica tags.html".to_owned())
        });
    };
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.bare("tags.html"));
    told_from(0, &visitor);
    let first = visitor.run(UID);
    assert!(first[0].is_string() && first[0] == first[1], "{first}");
    visitor.forget_cookies();
    let seen = stub.contacts().len();
    visitor.open(&served.bare("tags.html"));
    told_from(seen, &visitor);
    assert_eq!(visitor.run(UID), first, "by itself it does, from the storage");

    let visitor = Visitor::new(&stub, Scripts::On);
    let seen = stub.contacts().len();
    agree(&visitor, &served.page("tags.html"));
    told_from(seen, &visitor);
    let first = visitor.run(UID);
    assert!(first[0].is_string() && first[0] == first[1], "{first}");
    withdraw(&visitor, &served);
    visitor.open(&served.page("tags.html"));
    assert_eq!(visitor.run(UID), serde_json::json!([null, null]));
    visitor.open(&served.page(".consent/"));
    visitor.click("button[value=agree-all]");
    visitor.settle();
    let seen = stub.contacts().len();
    visitor.open(&served.page("tags.html"));
    told_from(seen, &visitor);
    let second = visitor.run(UID);
    assert!(second[0].is_string() && second[0] == second[1], "{second}");
    assert_ne!(second, first);
}

#[test]
fn what_is_kept_on_the_registrable_domain_goes_too() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    // Neither an address nor a secure context: as sites are that have no TLS.
    let page = served.page("tags.html").replace("127.0.0.1", "www.send-box.com");
    visitor.open(&page);
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);
    assert_eq!(kept(&visitor), [""; 0]);
    answer_banner(&visitor, AGREE);
    let wide = || {
        let cookies = visitor.cookies().into_iter();
        cookies
            .filter(|cookie| cookie.domain == ".send-box.com")
            .map(|cookie| cookie.name)
            .collect()
    };
    visitor.wait_until("Metrica runs", || {
        let wide: Vec<String> = wide();
        ["_ym_d", "_ym_isad", "_ym_uid"].iter().all(|name| wide.iter().any(|kept| kept == name))
    });
    visitor.settle();
    let seen = stub.contacts().len();
    visitor.run("window.thisPage = true");
    visitor.aside(|| {
        visitor.open(&page.replace("tags.html", ".consent/"));
        crate::served::press_withdraw(&visitor);
    });
    visitor.wait_until("the page is loaded anew", || {
        visitor.run("return window.thisPage || !document.querySelector('h1')") == false
    });
    visitor.settle();
    assert_eq!(wide(), [""; 0]);
    assert_eq!(kept(&visitor), [""; 0]);
    assert_eq!(stub.contacts()[seen..], [""; 0]);
}
