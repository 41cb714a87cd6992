//! Pages of React, Vue and Next.js in a real browser: hydrated, with their tags withheld.
//!
//! A framework compares the server's page with what it would have made itself, and makes anew what it
//! misses: a pixel that is taken from the page comes back, and is asked for. So what is withheld has to
//! stay in its place, without its address, and no framework may find anything to put right.
//!
//! Each page is visited straight at its site first: that shows which tags it has, and what its console
//! says by itself. Nothing is skipped: without the built pages the tests fail and name `tests/run`.
//!
//! The pages are in `tests/frameworks/`, the browser is driven by `tests/browser/`.

#[path = "browser/mod.rs"]
#[allow(dead_code, reason = "each test in a browser uses a part of it")]
mod browser;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use browser::stub::Stub;
use browser::visitor::{Scripts, Visitor};
use browser::{AGREE, BANNER, DECLINE, Served, answer};

/// What the built pages of a framework show that it is alive, besides what they do.
const REACT: &str = "Object.keys(add).some(key => key.startsWith('__reactProps$'))";
const VUE: &str = "!!root.__vue_app__";

/// The attributes that the gate takes, adds or changes on what it withholds.
const OURS: [&str; 6] =
    ["src", "href", "type", "data-consent", "data-consent-src", "data-consent-type"];

/// A framework's built pages, behind the gateway.
fn served(framework: &str) -> Served {
    let folder = built().join(framework);
    Served::start(move |target| file(&folder, target))
}

/// Where the pages are, if they are there and no older than their sources.
fn built() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = package.join("target/frameworks");
    let time = |path: &Path| path.metadata().and_then(|about| about.modified()).ok();
    let made = time(&built.join("built"));
    assert!(
        made.is_some_and(|made| made >= newest(&package.join("tests/frameworks"))),
        "the pages in {} are missing or older than tests/frameworks: run `tests/run`, which makes them, \
         or, with node and npm at hand, `node tests/frameworks/build.js`",
        built.display()
    );
    built
}

/// When the newest file below a folder was changed.
fn newest(folder: &Path) -> SystemTime {
    let entries = fs::read_dir(folder).expect("the sources are there").map_while(Result::ok);
    let times = entries.map(|entry| match entry.path() {
        path if path.is_dir() => newest(&path),
        path => path.metadata().and_then(|about| about.modified()).expect("files have a time"),
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// What a server of files answers, with a hint in each page's head.
fn file(folder: &Path, target: &str) -> Vec<u8> {
    let path = target.split('?').next().unwrap_or_default().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let (kind, hint) = match path.rsplit('.').next() {
        Some("html") => {
            ("text/html; charset=utf-8", "Link: <https://mc.yandex.ru>; rel=preconnect\r\n")
        }
        Some("js") => ("text/javascript; charset=utf-8", ""),
        _ => ("text/plain; charset=utf-8", ""),
    };
    let (status, body) = match fs::read(folder.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    answer(status, kind, hint, &body)
}

/// A page of a framework.
#[derive(Clone, Copy)]
struct Page {
    path: &'static str,
    /// What the page says of itself when it has come to life.
    framework: &'static str,
    /// What the framework leaves in a page that lives.
    sign: &'static str,
    /// Which of its tags an agreement releases on the spot.
    at_once: &'static [&'static str],
}

impl Page {
    /// Uses the page `times` over, and sees that it lives and that its elements are the server's.
    #[track_caller]
    fn works(self, visitor: &Visitor<'_>, times: usize) {
        visitor.wait_until("the page comes to life", || {
            visitor.attribute("html", "data-hydrated").as_deref() == Some(self.framework)
        });
        assert_eq!(visitor.run(&format!("return {}", self.sign)), true, "{}", self.sign);
        let before = visitor.text("#count").and_then(|count| count.parse::<usize>().ok());
        let before = before.expect("the page has a count");
        for _ in 0..times {
            visitor.click("#add");
        }
        let count = (before + times).to_string();
        visitor.wait_until("the clicks count", || visitor.text("#count") == Some(count.clone()));
        visitor.type_into("#name", "ab");
        visitor.wait_until("the field has its state", || {
            let typed = visitor.run("return document.querySelector('#name').value");
            let greeting = visitor.text("#greeting").unwrap_or_default();
            typed.as_str().is_some_and(|typed| greeting == format!("Hello, {typed}"))
        });
        // A released script is another element than the one that was held.
        let anew = "return [...document.querySelectorAll('main, main :not(script)')]
            .filter(element => !element.fromServer).map(element => element.outerHTML)";
        assert_eq!(visitor.run(anew), serde_json::json!([]), "made anew at {}", visitor.address());
    }
}

/// What the page reported as an error, without the addresses by which two visits differ.
fn errors(visitor: &Visitor<'_>, origin: SocketAddr) -> BTreeSet<String> {
    let console = visitor.console();
    let errors = console.errors.iter();
    errors
        // A development build tells which attributes differ, and puts nothing right for it.
        .filter(|error| !tells_of_ours(error, &console.warnings))
        .map(|error| error.replace(&origin.to_string(), "site"))
        .collect()
}

/// Whether an error says no more than that what is withheld has other attributes than the framework
/// would have given it.
fn tells_of_ours(error: &str, warnings: &[String]) -> bool {
    let is_ours = |line: &str| {
        let name: String = line
            .trim_start()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        OURS.contains(&name.as_str())
    };
    if error.contains("some attributes of the server rendered HTML didn't match") {
        let lines = error.split("\\n").skip_while(|line| !line.starts_with("  ")).skip(1);
        let differ: Vec<_> = lines.filter_map(|line| line.strip_prefix(['+', '-'])).collect();
        return !differ.is_empty() && differ.into_iter().all(is_ours);
    }
    if error.contains("Hydration completed but contains mismatches.") {
        let mut told = warnings.iter().filter(|warning| warning.contains("mismatch")).peekable();
        return told.peek().is_some()
            && told.all(|warning| {
                warning.contains("Hydration attribute mismatch")
                    && warning.split("expected on client: ").nth(1).is_some_and(is_ours)
            });
    }
    false
}

/// The tags that every page here has; what they are asked for by.
const TAGS: [&str; 3] = [
    "GET mc.yandex.ru/metrika/tag.js",
    "GET www.googletagmanager.com/gtm.js?id=GTM-FRAME1",
    "GET www.googletagmanager.com/gtag/js?id=G-FRAME0000",
];

fn asked(stub: &Stub, seen: usize, tags: &[&str]) -> bool {
    let hits = stub.hits_after(seen);
    tags.iter().all(|tag| hits.iter().any(|hit| hit.starts_with(tag)))
}

/// The four visits: at the site, undecided, after a refusal, after an agreement.
fn hydrates_as_without_the_gateway(folder: &str, page: Page) {
    let served = served(folder);
    let straight = {
        let stub = Stub::start();
        let visitor = Visitor::new(&stub, Scripts::On);
        visitor.open(&format!("http://{}/{}", served.site, page.path));
        page.works(&visitor, 2);
        visitor.settle();
        assert!(asked(&stub, 0, &TAGS), "{:?}", stub.contacts());
        for pixel in ["GET www.facebook.com/tr?", "GET www.googletagmanager.com/ns.html"] {
            assert!(stub.hits_after(0).iter().any(|hit| hit.starts_with(pixel)), "{pixel}");
        }
        errors(&visitor, served.site)
    };
    let gateway = served.gateway.plain;
    let url = format!("http://{gateway}/{}", page.path);
    let no_new_error = |visitor: &Visitor<'_>| {
        let new = &errors(visitor, gateway) - &straight;
        assert_eq!(new, BTreeSet::new(), "at {}", visitor.address());
    };

    let stub = Stub::start();
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&url);
    page.works(&visitor, 2);
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0], "undecided");
    visitor.click(DECLINE);
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
    page.works(&visitor, 1);
    visitor.open(&url);
    assert!(!visitor.sees(BANNER), "nobody is asked twice");
    page.works(&visitor, 1);
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0], "after a refusal");
    no_new_error(&visitor);

    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&url);
    page.works(&visitor, 1);
    visitor.click(AGREE);
    visitor.wait_until("the tags run", || asked(&stub, 0, page.at_once));
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
    page.works(&visitor, 1);
    visitor.wait_until("the goal is counted", || {
        stub.hits_after(0).iter().any(|hit| hit.contains("goal%3A%2F%2F"))
    });
    // What the policy does not name comes to nobody.
    let undeclared = |hit: &String| hit.contains("facebook");
    assert!(!stub.contacts().iter().any(undeclared), "{:?}", stub.contacts());
    no_new_error(&visitor);

    // From now on pages come with their tags as the site wrote them.
    visitor.settle();
    let seen = stub.contacts().len();
    visitor.open(&url);
    page.works(&visitor, 1);
    visitor.settle();
    assert!(asked(&stub, seen, &TAGS), "{:?}", stub.hits_after(seen));
    no_new_error(&visitor);
}

#[test]
fn a_page_in_react_hydrates_with_its_tags_withheld() {
    for path in ["production.html", "development.html"] {
        hydrates_as_without_the_gateway(
            "react",
            Page { path, framework: "react", sign: REACT, at_once: &TAGS },
        );
    }
}

#[test]
fn a_page_in_vue_hydrates_with_its_tags_withheld() {
    for path in ["production.html", "development.html"] {
        hydrates_as_without_the_gateway(
            "vue",
            Page { path, framework: "vue", sign: VUE, at_once: &TAGS },
        );
    }
}

#[test]
fn a_page_in_next_hydrates_with_its_tags_withheld() {
    // One of its tags stands in a `beforeInteractive`: a queue that Next.js reads once, as it starts.
    let at_once = &TAGS[..2];
    hydrates_as_without_the_gateway(
        "next",
        Page { path: "", framework: "next", sign: REACT, at_once },
    );
}

/// Pages that are rendered in the browser: nothing to hydrate, and tags that the page's own code inserts.
#[test]
fn pages_in_angular_and_jquery_work_with_what_they_insert_withheld() {
    for folder in ["angular", "jquery"] {
        let served = served(folder);
        let stub = Stub::start();
        let visitor = Visitor::new(&stub, Scripts::On);
        let inserted = [
            "GET mc.yandex.ru/watch/101234567",
            "GET www.googletagmanager.com/gtag/js?id=G-FRAME00002",
        ];
        let works = |url: &str| {
            visitor.open(url);
            visitor.wait_until("the page comes to life", || {
                visitor.attribute("html", "data-hydrated").as_deref() == Some(folder)
            });
            visitor.click("#add");
            visitor
                .wait_until("the click counts", || visitor.text("#count").as_deref() == Some("1"));
            visitor.type_into("#name", "ab");
            visitor.wait_until("the field has its state", || {
                visitor.text("#greeting").as_deref() == Some("Hello, ab")
            });
            visitor.settle();
        };
        works(&format!("http://{}/production.html", served.site));
        assert!(asked(&stub, 0, &TAGS[1..]) && asked(&stub, 0, &inserted), "{:?}", stub.contacts());
        let straight = errors(&visitor, served.site);

        visitor.forget_cookies();
        let gateway = served.gateway.plain;
        let url = format!("http://{gateway}/production.html");
        let seen = stub.contacts().len();
        works(&url);
        assert_eq!(stub.contacts()[seen..], [""; 0], "{folder}: undecided");
        visitor.click(AGREE);
        visitor.wait_until("the tags run", || asked(&stub, seen, &TAGS[1..]));
        visitor.wait_until("what was inserted runs", || asked(&stub, seen, &inserted[1..]));
        let new = &errors(&visitor, gateway) - &straight;
        assert_eq!(new, BTreeSet::new(), "{folder}");
    }
}

/// React finds its `<script async src>` and its hints by their address, and Vue sets each address that is
/// bound to a value; Next.js does what its state tells. The guard takes all of it.
#[test]
fn what_a_framework_makes_anew_from_its_state_is_withheld_until_it_is_agreed_to() {
    for (folder, released) in [
        ("react", &["GET www.googletagmanager.com/gtag/js?id=G-FRAME00002"][..]),
        ("vue", &[]),
        ("next", &["GET www.googletagmanager.com/gtag/js?id=G-FRAME00002"]),
    ] {
        let served = served(folder);
        let stub = Stub::start();
        let visitor = Visitor::new(&stub, Scripts::On);
        visitor.open(&format!("http://{}/inserted.html", served.gateway.plain));
        visitor.wait_until("the page comes to life", || {
            visitor.attribute("html", "data-hydrated").as_deref() == Some(folder)
        });
        visitor.settle();
        assert_eq!(stub.contacts(), [""; 0], "{folder}");
        visitor.click(AGREE);
        visitor.wait_until("what was inserted runs", || asked(&stub, 0, released));
    }
}
