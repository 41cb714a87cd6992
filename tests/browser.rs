//! The demonstration in a real browser: what reaches the trackers, and what the browser keeps.
//!
//! Chromium opens `kelisim demo` with every tracker host leading to a counting stub. A gateway that
//! looks right in its own tests may still leak: browsers preconnect, read `<noscript>`, keep a jar.
//!
//! Nothing is skipped: without Chromium the tests fail and name `tests/run`, which installs it.
//! The same visit straight at the site does reach the trackers, so these checks can fail.
//!
//! The parts are in `tests/browser/`: the trackers (`stub`), the visitor, the driver, the process.

#[allow(dead_code, reason = "tests/visits.rs uses more of it")]
mod browser {
    pub(crate) mod demo;
    pub(crate) mod driver;
    pub(crate) mod marionette;
    pub(crate) mod stub;
    pub(crate) mod visitor;
    pub(crate) mod webdriver;
}

use std::collections::BTreeSet;

use browser::{
    demo::{Demo, METRICA, Ruled},
    stub::Stub,
    visitor::{Scripts, Visitor},
};

const BANNER: &str = "#cc-main";
const AGREE: &str = "#cc-main button[value=agree-all]";
const DECLINE: &str = "#cc-main button[value=decline-all]";
const NOTICE: &str = "#cc-notice";
const CLOSE: &str = "#cc-notice button";
const WITHDRAW: &str = "form[action='/.consent/withdraw'] button";

/// What a page with all its tags cannot do without asking for: the three scripts, and both hits.
const TAGS: [&str; 5] = [
    "GET mc.yandex.ru/metrika/tag.js",
    "GET www.googletagmanager.com/gtm.js?id=GTM-DEMO01",
    "GET www.googletagmanager.com/gtag/js?id=G-DEMO000001",
    "POST mc.yandex.ru/watch/12345678/1?",
    "POST www.google-analytics.com/g/collect?",
];

/// The cookies that analytics could know the visitor by: the site's own, and any of another host.
fn analytics(visitor: &Visitor<'_>) -> Vec<String> {
    let known =
        |name: &str| ["_ym", "_ga", "_gid", "FPID"].iter().any(|start| name.starts_with(start));
    let cookies = visitor.cookies().into_iter();
    let mut names: Vec<_> =
        cookies.filter(|c| known(&c.name) || c.domain != "127.0.0.1").map(|c| c.name).collect();
    names.sort();
    names
}

/// The page just opened has told no tracker anything, and the browser holds nothing of theirs.
#[track_caller]
fn assert_untracked(stub: &Stub, visitor: &Visitor<'_>) {
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0], "at {}", visitor.address());
    assert_eq!(analytics(visitor), [""; 0], "at {}", visitor.address());
}

/// Which of the tags have not been asked for since there were `seen` contacts.
fn missing_tags(stub: &Stub, seen: usize) -> Vec<&'static str> {
    let hits = stub.hits_after(seen);
    TAGS.into_iter().filter(|tag| !hits.iter().any(|hit| hit.starts_with(tag))).collect()
}

fn agree(stub: &Stub, visitor: &Visitor<'_>) {
    let seen = stub.contacts().len();
    visitor.click(AGREE);
    visitor.wait_until("all tags run", || missing_tags(stub, seen).is_empty());
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
}

#[test]
fn without_the_gateway_the_site_tracks_its_visitors() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&format!("{}/", demo.site));
    // No hit is awaited: were this too short for hits, "no hits" would prove nothing elsewhere.
    visitor.settle();
    assert_eq!(missing_tags(&stub, 0), [""; 0], "{:?}", stub.contacts());
    let cookies = analytics(&visitor);
    for name in ["FPID", "_ga", "_ga_DEMO000001", "_ym_d", "_ym_uid"] {
        assert!(cookies.iter().any(|cookie| cookie == name), "{name} in {cookies:?}");
    }
    visitor.open(&format!("{}/prices", demo.site));
    let seen = stub.contacts().len();
    visitor.click("#order");
    visitor.wait_until("the goal is counted", || {
        stub.hits_after(seen).iter().any(|hit| hit.contains("goal%3A%2F%2F"))
    });
}

#[test]
fn without_the_gateway_a_visitor_without_scripts_is_tracked_too() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::Off);
    visitor.open(&format!("{}/", demo.site));
    visitor.settle();
    let hits = stub.hits_after(0);
    for pixel in
        ["GET mc.yandex.ru/watch/12345678", "GET www.googletagmanager.com/ns.html?id=GTM-DEMO01"]
    {
        assert!(hits.iter().any(|hit| hit == pixel), "{pixel} in {hits:?}");
    }
}

#[test]
fn a_first_visit_tells_the_trackers_nothing() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    for origin in [&demo.https, &demo.http] {
        visitor.open(&format!("{origin}/en/"));
        assert!(visitor.sees(BANNER), "the banner at {origin}");
        assert_untracked(&stub, &visitor);

        // The site itself works as ever, its session included.
        visitor.open(&format!("{origin}/en/sign-in"));
        visitor.type_into("[name=login]", "Aigul");
        visitor.type_into("[name=password]", "x");
        visitor.click("#sign-in button");
        visitor.wait_until("the cabinet opens", || {
            visitor.text("#greeting").as_deref() == Some("Hello, Aigul")
        });
        assert_untracked(&stub, &visitor);
        visitor.click("#sign-out button");
        visitor.wait_until("the session ends", || {
            !visitor.cookies().iter().any(|cookie| cookie.name == "sb_session")
        });
    }
}

#[test]
fn cookies_from_before_stop_travelling_and_then_go() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    for name in ["_ym_uid", "_ga", "sb_lang"] {
        visitor.plant(&demo.https, name);
    }
    visitor.open(&format!("{}/debug/cookies", demo.https));
    assert_eq!(visitor.text("body").as_deref(), Some("sb_lang=planted"), "what the site received");
    visitor.open(&format!("{}/", demo.https));
    assert_untracked(&stub, &visitor);
}

#[test]
fn a_refusal_tells_the_trackers_nothing_and_is_remembered() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&format!("{}/ru/", demo.https));
    visitor.click(DECLINE);
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
    assert_untracked(&stub, &visitor);
    visitor.open(&format!("{}/ru/prices", demo.https));
    assert!(!visitor.sees(BANNER), "nobody is asked twice");
    assert_untracked(&stub, &visitor);
}

#[test]
fn an_agreement_releases_the_tags_without_a_reload() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&format!("{}/", demo.https));
    assert_untracked(&stub, &visitor);
    visitor.run("window.stillTheSamePage = true");
    agree(&stub, &visitor);
    assert_eq!(visitor.run("return window.stillTheSamePage"), true, "the page was loaded anew");
    let cookies = analytics(&visitor);
    for name in ["_ga", "_ga_DEMO000001", "_ym_d", "_ym_uid"] {
        assert!(cookies.iter().any(|cookie| cookie == name), "{name} in {cookies:?}");
    }

    // In document order: the container's snippet, gtag's script, Metrica's snippet.
    let began = visitor.run(
        "return performance.getEntriesByType('resource').map(entry => entry.name)
            .filter(name => /gtm\\.js|gtag\\/js|tag\\.js/.test(name))
            .map(name => new URL(name).pathname)",
    );
    assert_eq!(began, serde_json::json!(["/gtm.js", "/gtag/js", "/metrika/tag.js"]));
    let commands = visitor.run(
        "return dataLayer.map(item => item.event || item[0])
            .filter(name => ['gtm.js', 'js', 'config'].includes(name))",
    );
    // gtag's own commands only fill a queue, so they ran with the page; nobody read the queue
    // until the agreement.
    assert_eq!(commands, serde_json::json!(["js", "config", "gtm.js"]));

    // From now on pages come with their tags as the site wrote them.
    visitor.settle();
    let seen = stub.contacts().len();
    visitor.open(&format!("{}/en/prices", demo.https));
    visitor.settle();
    assert_eq!(missing_tags(&stub, seen), [""; 0], "{:?}", stub.hits_after(seen));
    assert!(!visitor.sees(BANNER), "nobody is asked twice");
    visitor.open(&format!("{}/debug/cookies", demo.https));
    let received = visitor.text("body").unwrap_or_default();
    assert!(
        received.contains("_ga=") && received.contains("_ym_uid="),
        "the site received {received}"
    );
}

#[test]
fn what_the_site_calls_is_there_before_the_agreement_and_is_counted_after_it() {
    let (demo, stub) = (Demo::start(), Stub::start());
    for action in ["stub", "hold"] {
        let gateway = Ruled::start(&demo, METRICA, action);
        let visitor = Visitor::new(&stub, Scripts::On);
        let seen = stub.contacts().len();
        visitor.open(&format!("{}/", gateway.http));
        visitor.settle();
        assert_eq!(stub.contacts()[seen..], [""; 0], "{action}");
        assert_eq!(analytics(&visitor), [""; 0], "{action}");
        assert_eq!(visitor.run("return typeof ym"), "function", "{action}");
        visitor.run("ym(12345678, 'reachGoal', 'early'); window.stillTheSamePage = true");

        // The real one takes over what was called meanwhile.
        let seen = stub.contacts().len();
        agree(&stub, &visitor);
        visitor.wait_until("the early goal is counted", || {
            stub.hits_after(seen).iter().any(|hit| hit.ends_with("%2Fearly"))
        });
        assert_eq!(visitor.run("return window.stillTheSamePage"), true, "the page was loaded anew");
    }
}

#[test]
fn what_is_stripped_is_not_in_the_page_and_comes_with_the_next_after_the_agreement() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let gateway = Ruled::start(&demo, METRICA, "strip");
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&format!("{}/", gateway.http));
    assert_untracked(&stub, &visitor);
    let held =
        "return [...document.scripts].filter(script => script.text.includes('mc.yandex')).length";
    assert_eq!(visitor.run(held), 0);
    visitor.click(AGREE);
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
    visitor.settle();
    let of_metrica = |seen: usize| {
        stub.hits_after(seen).iter().any(|hit| hit.contains("mc.yandex.ru/metrika/tag.js"))
    };
    assert!(!of_metrica(0), "nothing was left to be released: {:?}", stub.contacts());
    let seen = stub.contacts().len();
    visitor.open(&format!("{}/", gateway.http));
    visitor.wait_until("the next page has it", || of_metrica(seen));
}

#[test]
fn a_released_tag_that_writes_into_the_document_leaves_the_page_standing() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&format!("{}/", demo.https));
    // Held as the gate holds it. Without the shim such a tag would blank a page that has loaded;
    // it writes in pieces, and what it writes has a script of its own.
    visitor.run(
        r#"const held = document.createElement('script');
        held.type = 'text/plain';
        held.dataset.consent = 'analytics';
        held.text = "document.write('<p id=\"writ');"
            + "document.write('ten\">by a tag</p><scr' + 'ipt>window.ran = 1</scr' + 'ipt>');";
        document.querySelector('main').append(held);
        const never = held.cloneNode(true);
        never.dataset.consent = 'undeclared';
        never.text = 'window.never = 1';
        held.before(never);
        window.stillTheSamePage = true"#,
    );
    agree(&stub, &visitor);
    visitor.wait_until("what was written stands", || visitor.text("#written").is_some());
    assert_eq!(visitor.run("return window.ran"), 1, "the script that was written ran");
    let kept = "return !!document.querySelector('main h1') && window.stillTheSamePage";
    assert_eq!(visitor.run(kept), true, "the page was blanked");
    assert_eq!(visitor.run("return 'never' in window"), false, "an undeclared tag ran");
    let restored = "return Object.hasOwn(document, 'write')";
    assert_eq!(visitor.run(restored), false, "the browser's own `write` is back");
}

#[test]
fn agreeing_and_declining_look_the_same_in_each_language() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    for path in ["/", "/ru/", "/en/"] {
        visitor.open(&format!("{}{path}", demo.https));
        let look = |button: &str| {
            visitor.run(&format!(
                "const button = document.querySelector({button:?});
                const {{ width, height }} = button.getBoundingClientRect();
                const style = getComputedStyle(button);
                return [width > 0, width, height, style.font, style.color, style.backgroundColor,
                    style.border, style.opacity]"
            ))
        };
        assert_eq!(look(AGREE)[0], true, "the buttons have a size at {path}");
        assert_eq!(look(AGREE), look(DECLINE), "at {path}");
    }
}

#[test]
fn a_withdrawal_counts_from_the_next_page_on() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&format!("{}/en/", demo.https));
    agree(&stub, &visitor);
    visitor.settle();

    // What trackers keep there brings their deleted cookies back.
    let kept = || {
        visitor.run("return Object.keys(localStorage).concat(Object.keys(sessionStorage)).sort()")
    };
    visitor.run("localStorage.basket = '5'; sessionStorage._ym_debugger_state = '1'; sessionStorage._year = 1");
    visitor.open(&format!("{}/.consent/", demo.https));
    visitor.settle();
    assert_eq!(kept(), serde_json::json!(["_year", "_ym_debugger_state", "_ym_uid", "basket"]));
    let seen = stub.contacts().len();
    visitor.click(WITHDRAW);
    visitor.wait_until("the withdrawal is answered", || !visitor.sees(WITHDRAW));
    visitor.wait_until("their keys go, the site's stay", || {
        kept() == serde_json::json!(["_year", "basket"])
    });
    visitor.open(&format!("{}/en/prices", demo.https));
    visitor.settle();
    assert_eq!(stub.contacts()[seen..], [""; 0]);
    assert_eq!(analytics(&visitor), [""; 0]);
    visitor.open(&format!("{}/debug/cookies", demo.https));
    assert_eq!(visitor.text("body").as_deref(), Some("sb_lang=en"), "what the site received");
}

#[test]
fn without_scripts_nothing_is_told_and_the_form_works() {
    let (demo, stub) = (Demo::start(), Stub::start());
    for answer in [DECLINE, AGREE] {
        let visitor = Visitor::new(&stub, Scripts::Off);
        visitor.open(&format!("{}/ru/prices", demo.https));
        assert!(
            visitor.text("#messages").is_none_or(|text| text.is_empty()),
            "scripts are off indeed"
        );
        assert_untracked(&stub, &visitor);
        assert!(visitor.sees(BANNER));
        // An ordinary form: the click leads away and comes back to the page it was made on.
        let seen = stub.contacts().len();
        visitor.click(answer);
        visitor.wait_until("the page comes back without banner", || {
            visitor.sees("#order") && !visitor.sees(BANNER)
        });
        assert_eq!(visitor.address(), format!("{}/ru/prices", demo.https));
        visitor.settle();
        let pixel =
            stub.hits_after(seen).iter().any(|hit| hit == "GET mc.yandex.ru/watch/12345678");
        assert_eq!(pixel, answer == AGREE, "{:?}", stub.contacts());
    }
}

#[test]
fn the_console_shows_no_error_that_the_site_does_not_make_itself() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let errors = |visitor: &Visitor<'_>, origin: &str| -> BTreeSet<String> {
        visitor.settle();
        let errors = visitor.console().errors.into_iter();
        errors.map(|error| error.replace(origin, "")).collect()
    };
    let read = |visitor: &Visitor<'_>, origin: &str| {
        for path in ["/", "/ru/prices", "/en/sign-in"] {
            visitor.open(&format!("{origin}{path}"));
        }
        visitor.open(&format!("{origin}/prices"));
        // Without a mouse: the banner may lie over it.
        visitor.run("document.querySelector('#order').click()");
        visitor.wait_until("it leads on", || visitor.sees("#sign-in"));
        errors(visitor, origin)
    };
    let straight = read(&Visitor::new(&stub, Scripts::On), &demo.site);
    for (answer, origin) in [(DECLINE, &demo.http), (AGREE, &demo.https)] {
        let visitor = Visitor::new(&stub, Scripts::On);
        let undecided = read(&visitor, origin);
        visitor.open(&format!("{origin}/"));
        visitor.click(answer);
        visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
        let answered = &errors(&visitor, origin) | &read(&visitor, origin);
        assert_eq!(&(&undecided | &answered) - &straight, BTreeSet::new(), "after {answer}");
        visitor.run("console.error('seen')");
        assert!(!errors(&visitor, origin).is_empty(), "an error is seen");
    }
}

#[test]
fn behind_an_enforced_policy_the_site_works_and_tags_come_with_the_page_anew() {
    let (demo, stub) = (Demo::start_with(&["--csp", "enforce"]), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    for origin in [&demo.http, &demo.https] {
        visitor.open(&format!("{origin}/en/prices"));
        assert_untracked(&stub, &visitor);
        assert_eq!(visitor.console().errors, [""; 0], "at {origin}");
    }
    visitor.run("window.stillTheSamePage = true");
    agree(&stub, &visitor);
    assert_eq!(visitor.run("return 'stillTheSamePage' in window"), false, "no policy was widened");
    visitor.settle();
    assert_eq!(visitor.console().errors, [""; 0], "what was agreed to is not stopped");
}

#[test]
fn the_banner_speaks_the_language_of_the_page() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    for (path, code) in [("/", "kk"), ("/ru/", "ru"), ("/en/", "en")] {
        let texts = std::fs::read_to_string(format!(
            "{}/rules/texts/{code}.toml",
            env!("CARGO_MANIFEST_DIR")
        ));
        let texts: toml::Table =
            texts.expect("the texts are there").parse().expect("the texts are TOML");
        visitor.open(&format!("{}{path}", demo.https));
        assert_eq!(visitor.attribute(BANNER, "lang").as_deref(), Some(code));
        for (css, key) in [("#cc-main h2", "title"), (AGREE, "agree"), (DECLINE, "decline")] {
            assert_eq!(
                visitor.text(css).as_deref(),
                texts["banner"][key].as_str(),
                "{key} at {path}"
            );
        }
    }
    assert_untracked(&stub, &visitor);
}

#[test]
fn the_notice_of_a_new_version_goes_at_a_click_and_the_page_stays() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let gateway = Ruled::announcing(&demo);
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&format!("{}/", gateway.http));
    assert!(visitor.sees(BANNER) && !visitor.sees(NOTICE), "one thing at a time");
    visitor.click(DECLINE);
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));

    visitor.open(&format!("{}/", gateway.http));
    assert!(visitor.sees(NOTICE) && !visitor.sees(BANNER));
    assert_eq!(visitor.attribute(NOTICE, "lang").as_deref(), Some("kk"));
    // It covers neither the control nor anything outside the window, and it has moved nothing.
    let within = "const n = document.querySelector('#cc-notice').getBoundingClientRect();
        const c = document.querySelector('#cc-open').getBoundingClientRect();
        return n.left >= 0 && n.top >= 0 && n.right <= innerWidth && n.bottom <= c.top";
    assert_eq!(visitor.run(within), true);
    let shifts = "return new Promise((done) => {
        const seen = [];
        const of = ({ value, sources }) => [value, ...sources.map(({ node }) => node && (node.id || node.outerHTML || node.data))];
        const observer = new PerformanceObserver((list) => seen.push(...list.getEntries().map(of)));
        observer.observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => done(seen), 200);
    })";
    assert_eq!(visitor.run(shifts), serde_json::json!([]));
    visitor.run("window.typed = 'a form that is half filled in'");
    visitor.click(CLOSE);
    visitor.wait_until("the notice goes", || !visitor.sees(NOTICE));
    assert_eq!(visitor.run("return window.typed"), "a form that is half filled in");
    assert_eq!(visitor.run("return document.activeElement.id"), "cc-open");
    let cookies = visitor.cookies();
    assert!(cookies.iter().any(|cookie| cookie.name == "consent-notice"), "{cookies:?}");
    assert_eq!(visitor.run("return document.cookie.includes('consent')"), false);
    visitor.open(&format!("{}/", gateway.http));
    assert!(!visitor.sees(NOTICE));
    assert_eq!(visitor.console().errors, [""; 0]);
}

#[test]
fn the_notice_of_a_new_version_goes_at_a_click_without_scripts_too() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let gateway = Ruled::announcing(&demo);
    let visitor = Visitor::new(&stub, Scripts::Off);
    visitor.open(&format!("{}/en/prices", gateway.http));
    visitor.click(DECLINE);
    visitor.wait_until("the notice comes", || visitor.sees(NOTICE));
    visitor.click("#cc-notice a");
    visitor.wait_until("the new version opens", || {
        visitor.text("main").is_some_and(|text| text.contains("Now: No longer than 180 days"))
    });
    visitor.open(&format!("{}/en/prices", gateway.http));
    visitor.click(CLOSE);
    visitor.wait_until("the notice goes", || !visitor.sees(NOTICE));
    assert_eq!(visitor.address(), format!("{}/en/prices", gateway.http));
}
