//! What the banner looks like in a real browser, on pages that try to have it look otherwise.
//!
//! The banner stands in pages that we did not write. Each is a page with the style of a framework, of a
//! site builder or of a chat; on each, everything of the banner has to be where it is on a bare page, and
//! look as it does there, down to the last property that the browser computes.
//!
//! That both answers are equal is measured here, too, and that the page stays where it is while the banner
//! comes and goes.
//!
//! The styles are in `tests/looks/`; Bootstrap's and Tailwind's are fetched by `tests/styles/build.js`.

#[path = "browser/mod.rs"]
#[allow(dead_code, reason = "each test in a browser uses a part of it")]
mod browser;
#[path = "browser/demo.rs"]
#[allow(dead_code, reason = "the demonstration's tests use more of it")]
mod demo;
#[path = "looks/pages.rs"]
mod pages;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use browser::broken::Rules;
use browser::stub::Stub;
use browser::visitor::{Scripts, Visitor};
use browser::{AGREE, DECLINE, Served, answer};
use demo::Demo;
use serde_json::json;

const BANNER: &str = "#cc-main .cm-wrapper";

/// The pages, behind the shipped rules.
fn served() -> Served {
    Served::start(page)
}

/// The pages, behind rules that were changed.
fn served_by(change: impl FnOnce(&Rules)) -> Served {
    Served::by(change, page)
}

/// What the site answers to a target.
fn page(target: &str) -> Vec<u8> {
    const HTML: &str = "text/html; charset=utf-8";
    match pages::page(target.trim_start_matches('/')) {
        Some(page) => answer("200 OK", HTML, "", page.as_bytes()),
        // Browsers ask for it by themselves.
        None if target == "/favicon.ico" => answer("204 No Content", HTML, "", b""),
        None => answer("404 Not Found", HTML, "", b""),
    }
}

/// A telephone, and a desk.
const SCREENS: [(u32, u32); 2] = [(320, 640), (1280, 800)];
/// The desk at 400 %, in pixels of the page.
const MAGNIFIED: (u32, u32) = (320, 256);

fn resize(visitor: &Visitor<'_>, (width, height): (u32, u32)) {
    let screen =
        json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    visitor.devtools("Emulation.setDeviceMetricsOverride", &screen);
    // They take room where a page scrolls, and not every page does.
    visitor.devtools("Emulation.setScrollbarsHidden", &json!({ "hidden": true }));
}

/// Everything of the banner that can be seen, one line for each box and property.
fn look(visitor: &Visitor<'_>) -> Vec<String> {
    let told = visitor.run(include_str!("looks/look.js"));
    let told: Vec<String> = serde_json::from_value(told).expect("a list of lines");
    assert!(told.len() > 5_000, "{} lines say too little", told.len());
    told
}

#[track_caller]
fn assert_same(on: &str, bare: &[String], styled: &[String]) {
    let (bare, styled): (BTreeSet<_>, BTreeSet<_>) =
        (bare.iter().collect(), styled.iter().collect());
    let differ: Vec<_> = styled.difference(&bare).take(20).collect();
    let missing: Vec<_> = bare.difference(&styled).take(20).collect();
    assert!(
        differ.is_empty() && missing.is_empty(),
        "on {on}: {differ:#?} instead of {missing:#?}"
    );
}

/// Whether a person who clicks at the middle of the element clicks the element.
fn can_be_clicked(visitor: &Visitor<'_>, css: &str) -> bool {
    let found = visitor.run(&format!(
        "const button = document.querySelector({css:?});
        const {{ x, y, width, height }} = button.getBoundingClientRect();
        return document.elementFromPoint(x + width / 2, y + height / 2) === button"
    ));
    found == true
}

#[test]
fn no_style_of_a_site_changes_the_banner() {
    let (served, stub) = (served(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    for screen in SCREENS {
        resize(&visitor, screen);
        visitor.open(&served.page("bare"));
        let bare = look(&visitor);
        // What browsers that answer banners look for, and search engines heed.
        let contract = visitor.run(
            "const main = document.querySelector('#cc-main');
            const box = main.querySelector('.cm-wrapper[role=dialog]');
            return [getComputedStyle(box).position, main.hasAttribute('data-nosnippet')]",
        );
        assert_eq!(contract, json!(["fixed", true]));
        for (name, _) in pages::styles() {
            visitor.open(&served.page(&name));
            assert_same(&format!("{name} at {screen:?}"), &bare, &look(&visitor));
            for answer in [AGREE, DECLINE] {
                assert!(can_be_clicked(&visitor, answer), "{answer} on {name} at {screen:?}");
            }
        }
    }
    // It is more than a look: the answer counts there.
    visitor.open(&served.page("hostile"));
    visitor.click(DECLINE);
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
}

#[test]
fn a_page_that_moves_as_a_whole_does_not_carry_the_banner_along_without_scripts() {
    let (served, stub) = (served(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::Off);
    resize(&visitor, SCREENS[1]);
    let place = || {
        let place = "const { x, y, width, height } = document.querySelector('#cc-main .cm-wrapper').getBoundingClientRect();
            return [x, y, width, height]";
        visitor.run(place)
    };
    visitor.open(&served.page("bare"));
    let bare = place();
    visitor.open(&served.page("transformed"));
    assert_eq!(place(), bare);
}

#[test]
fn agreeing_and_declining_are_equal_in_each_language_on_each_screen() {
    let (served, stub) = (served(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    let mut table = Vec::new();
    for screen in [SCREENS[0], (560, 800), (820, 1180), SCREENS[1], MAGNIFIED] {
        resize(&visitor, screen);
        for language in ["kk", "ru", "en"] {
            visitor.open(&served.page(language));
            let measured = |button: &str| {
                visitor.run(&format!(
                    "{}\nreturn measure({button:?})",
                    include_str!("looks/measure.js")
                ))
            };
            let (agree, decline) = (measured(AGREE), measured(DECLINE));
            assert_eq!(agree, decline, "{language} at {screen:?}");
            let number =
                |key: &str| agree[key].as_f64().unwrap_or_else(|| panic!("{key} in {agree}"));
            assert!(number("width") >= 100.0 && number("height") >= 44.0, "{agree}");
            assert!(number("contrast") >= 4.5, "{agree}");
            // No room is left beside them.
            let left = visitor.run(&format!(
                "const at = (one) => document.querySelector(one).getBoundingClientRect();
                const [row, agree, decline] = ['.cm__btns', {AGREE:?}, {DECLINE:?}].map(at);
                return Math.round(Math.abs(Math.min(agree.left, decline.left) - row.left)
                    + Math.abs(row.right - Math.max(agree.right, decline.right)));"
            ));
            assert_eq!(left, 0, "{language} at {screen:?}");
            // Both are on the screen before anybody scrolls.
            assert_eq!(agree["onScreen"], true, "{language} at {screen:?}");
            table.push(format!(
                "| {language} | {screen:?} | {} × {} | {} | {:.1}:1 |",
                agree["width"],
                agree["height"],
                agree["font"],
                number("contrast")
            ));
        }
    }
    println!(
        "| language | screen | size | font | contrast |\n|---|---|---|---|---|\n{}",
        table.join("\n")
    );
}

/// Milliseconds of the processor that the page has taken for scripts, styles and layout since it was opened.
/// Processor time, as a machine that does much else interrupts every task.
fn busy(visitor: &Visitor<'_>) -> f64 {
    let metrics = visitor.devtools("Performance.getMetrics", &json!({}));
    let metrics = metrics["metrics"].as_array().expect("a list").iter();
    let counted = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
    let counted = metrics.filter(|metric| counted.iter().any(|name| metric["name"] == *name));
    counted.map(|metric| metric["value"].as_f64().expect("seconds") * 1000.0).sum()
}

/// What no task may take; what all of them take together does not.
const TASK_MILLISECONDS_MAX: f64 = 50.0;

#[test]
fn each_answer_is_one_click_and_nothing_moves_or_takes_long() {
    let (served, stub) = (served(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    resize(&visitor, SCREENS[1]);
    visitor.devtools("Performance.enable", &json!({ "timeDomain": "threadTicks" }));
    for answer in [AGREE, DECLINE] {
        visitor.forget_cookies();
        visitor.open(&served.page("watched"));
        assert!(visitor.sees(BANNER));
        let came = busy(&visitor);
        visitor.click(answer);
        visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
        // Two frames later everything that moves has moved.
        visitor.run(
            "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))",
        );
        let went = busy(&visitor) - came;
        println!("{answer}: {came:.1} ms to come, {went:.1} ms to go");
        assert!(
            came < TASK_MILLISECONDS_MAX && went < TASK_MILLISECONDS_MAX,
            "{came} ms, {went} ms"
        );
        let shifts = || visitor.run("return look()");
        assert_eq!(shifts(), json!([]), "{answer}");
        let state = visitor.run("return fetch('/.consent/state').then(answer => answer.json())");
        let verdict = if answer == AGREE { "permit" } else { "withhold" };
        assert_eq!(state["analytics"]["verdict"], verdict);
        assert_ne!(state["analytics"]["reason"], "not-asked");
        // Nothing was asked of anybody else, and no font.
        let elsewhere = visitor.run(
            "return performance.getEntriesByType('resource').map(entry => entry.name)
                .filter(name => new URL(name).origin !== location.origin || /woff|font/.test(name))",
        );
        assert_eq!(elsewhere, json!([]));
        assert_eq!(visitor.run("return document.fonts.size"), 0);
        // What is looked for would be seen.
        let before = busy(&visitor);
        visitor.run(
            "setTimeout(() => {
                const end = performance.now() + 500;
                while (performance.now() < end);
                document.body.prepend(Object.assign(document.createElement('div'), { style: 'height: 200px' }));
            })",
        );
        visitor.wait_until("what moves is noticed", || shifts() != json!([]));
        visitor
            .wait_until("what takes long is", || busy(&visitor) - before > TASK_MILLISECONDS_MAX);
    }
}

#[test]
fn on_paper_there_is_no_banner_and_at_the_edge_of_a_telephone_it_keeps_its_distance() {
    let (served, stub) = (served(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    resize(&visitor, SCREENS[0]);
    visitor.open(&served.page("bare"));
    assert!(visitor.sees(BANNER));
    let below = || {
        let below = "return innerHeight - document.querySelector('#cc-main .cm-wrapper').getBoundingClientRect().bottom";
        visitor.run(below).as_f64().expect("a length")
    };
    let usual = below();
    visitor.devtools("Emulation.setSafeAreaInsetsOverride", &json!({ "insets": { "bottom": 34 } }));
    visitor.wait_until("it rises over the bar", || below() >= 34.0);
    assert!(usual < 34.0);
    visitor.devtools("Emulation.setEmulatedMedia", &json!({ "media": "print" }));
    visitor.wait_until("it is not printed", || !visitor.sees(BANNER));
}

#[test]
fn a_language_from_right_to_left_turns_the_banner_and_a_page_does_not() {
    let stub = Stub::start();
    let left_first = |visitor: &Visitor<'_>| {
        let left = |button: &str| {
            let left =
                format!("return document.querySelector({button:?}).getBoundingClientRect().x");
            visitor.run(&left).as_f64().expect("a length")
        };
        left(AGREE) < left(DECLINE)
    };
    let visitor = Visitor::new(&stub, Scripts::On);
    resize(&visitor, SCREENS[1]);
    let served = served();
    visitor.open(&served.page("rtl"));
    assert!(left_first(&visitor), "English in a page from right to left");
    let served = served_by(|rules| {
        rules.change("texts/en.toml", "name = \"English\"", "name = \"English\"\ndir = \"rtl\"");
    });
    visitor.open(&served.page("rtl"));
    assert!(!left_first(&visitor));
    assert_eq!(
        visitor.run("return getComputedStyle(document.querySelector('.cm__title')).textAlign"),
        "start"
    );
    visitor.open(&format!("{}/.consent/?lang=en", served.origin()));
    assert_eq!(
        visitor.run("return getComputedStyle(document.querySelector('main')).direction"),
        "rtl"
    );
    assert_eq!(visitor.run("return document.documentElement.scrollWidth <= innerWidth"), true);
}

#[test]
fn a_browser_that_keeps_no_cookies_is_told_so_and_the_banner_stays() {
    let (served, stub) = (served(), Stub::start());
    let visitor = Visitor::with_cookies(&stub, Scripts::On, false);
    let texts = std::fs::read_to_string("rules/texts/en.toml").expect("the texts are there");
    let texts: toml::Table = texts.parse().expect("they are TOML");
    visitor.open(&served.page("en"));
    visitor.run("window.stillTheSamePage = true");
    for answer in [AGREE, AGREE, DECLINE] {
        visitor.click(answer);
        let said = || visitor.text("#cc-main [role=alert]").unwrap_or_default();
        visitor.wait_until("it says so", || {
            said() == texts["detail"]["no_cookies"].as_str().unwrap_or("?")
        });
        visitor.run("document.querySelector('#cc-main [role=alert]').textContent = ''");
    }
    assert!(visitor.sees(BANNER));
    assert_eq!(visitor.run("return window.stillTheSamePage"), true, "it went round in a circle");
    assert_eq!(stub.contacts(), [""; 0]);
    // Without scripts nobody can find out, so it is said beforehand.
    let visitor = Visitor::with_cookies(&stub, Scripts::Off, false);
    visitor.open(&served.page("en"));
    let hint = texts["detail"]["no_cookies_hint"].as_str().expect("a text");
    assert!(visitor.text(BANNER).is_some_and(|text| text.contains(hint)));
}

#[test]
fn a_site_has_its_colours_its_corner_and_its_logo() {
    let logo = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"90\" height=\"28\"><rect width=\"90\" height=\"28\" fill=\"#a03\"/></svg>";
    let theme = "[banner]\nposition = \"right\"\nscheme = \"light\"\nradius = 0\nlogo = \"logo.svg\"\n\
                 [banner.light]\nbutton = \"#a00030\"\nlink = \"#a00030\"\n";
    let served = served_by(|rules| {
        rules.change("site.toml", "[operator]", &format!("{theme}\n[operator]"));
        std::fs::write(rules.path("logo.svg"), logo).expect("it can be written");
    });
    let stub = Stub::start();
    let visitor = Visitor::new(&stub, Scripts::On);
    resize(&visitor, SCREENS[1]);
    visitor.devtools(
        "Emulation.setEmulatedMedia",
        &json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] }),
    );
    visitor.open(&served.page("en"));
    let found = visitor.run(
        "const box = document.querySelector('#cc-main .cm-wrapper').getBoundingClientRect();
        const style = getComputedStyle(document.querySelector('#cc-main button'));
        const logo = document.querySelector('#cc-main img');
        return [innerWidth - box.right, box.width, style.backgroundColor, style.borderRadius,
            logo.naturalWidth, logo.getBoundingClientRect().height,
            getComputedStyle(document.querySelector('#cc-main .cm-wrapper')).backgroundColor]",
    );
    assert_eq!(found, json!([16, 416, "rgb(160, 0, 48)", "0px", 90, 28, "rgb(255, 255, 255)"]));
    visitor.open(&format!("{}/.consent/?lang=en", served.origin()));
    let found = visitor.run(
        "return [getComputedStyle(document.querySelector('button[value=selected]')).backgroundColor,
            document.querySelector('.logo').naturalWidth, getComputedStyle(document.documentElement).colorScheme]",
    );
    assert_eq!(found, json!(["rgb(160, 0, 48)", 90, "light"]));
    assert_eq!(visitor.console().errors, [""; 0]);
}

/// Pictures for people to look at: those of phones always, `KELISIM_PICTURES=target/pictures` takes them all
/// and keeps them there.
#[test]
fn no_two_pages_look_alike() {
    let all = std::env::var("KELISIM_PICTURES").ok();
    let folder = all.clone().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").to_owned());
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let seen = RefCell::new(BTreeMap::new());
    let (demo, stub) = (Demo::start(), Stub::start());
    let take = |visitor: &Visitor<'_>, name: &str| {
        let picture = visitor.devtools("Page.captureScreenshot", &json!({ "format": "png" }));
        let bytes =
            data_encoding::BASE64.decode(picture["data"].as_str().expect("a picture").as_bytes());
        let bytes = bytes.expect("base64");
        std::fs::write(format!("{folder}/{name}.png"), &bytes).expect("it can be written");
        // What did not come, in whichever language, looks like another that did not come.
        let other = seen.borrow_mut().insert(bytes, name.to_owned());
        assert_eq!(other, None, "{name} looks like it");
    };
    let whole = |visitor: &Visitor<'_>, (width, _): (u32, u32)| {
        let height =
            visitor.run("return document.documentElement.scrollHeight").as_u64().expect("a height");
        resize(visitor, (width, u32::try_from(height).expect("not that high")));
    };
    for (language, path) in [("kk", "/"), ("ru", "/ru/"), ("en", "/en/")] {
        for (name, screen, dark) in [
            ("320", (320, 640), false),
            ("960", (960, 560), false),
            ("1280", (1280, 800), false),
            ("1280-dark", (1280, 800), true),
            ("400-percent", MAGNIFIED, false),
        ] {
            if all.is_none() && name != "320" {
                continue;
            }
            let visitor = Visitor::new(&stub, Scripts::On);
            let scheme = if dark { "dark" } else { "light" };
            visitor.devtools(
                "Emulation.setEmulatedMedia",
                &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
            );
            resize(&visitor, screen);
            visitor.open(&format!("{}{path}", demo.https));
            take(&visitor, &format!("banner-{language}-{name}"));
            visitor.open(&format!("{}/.consent/?lang={language}", demo.https));
            take(&visitor, &format!("settings-{language}-{name}-top"));
            if screen == MAGNIFIED {
                // Its whole page is that of 320 px.
                continue;
            }
            whole(&visitor, screen);
            take(&visitor, &format!("settings-{language}-{name}"));
            if name == "320" || name == "1280" {
                resize(&visitor, screen);
                visitor.click("button[value=agree-all]");
                let saved = || visitor.sees(".notice");
                visitor.wait_until("the choice is saved", saved);
                whole(&visitor, screen);
                take(&visitor, &format!("agreed-{language}-{name}"));
                resize(&visitor, screen);
                // Those of errors are in the browser's language, whichever page one comes from.
                if language == "kk" {
                    visitor.open(&format!("{}/.consent/nothing", demo.https));
                    take(&visitor, &format!("error-{name}"));
                }
                visitor.open(&format!("{}{path}", demo.https));
                take(&visitor, &format!("control-{language}-{name}"));
                for page in ["me", "policy", "cookies"] {
                    visitor.open(&format!("{}/.consent/{page}?lang={language}", demo.https));
                    take(&visitor, &format!("{page}-{language}-{name}"));
                }
                for deed in ["withdraw", "forget"] {
                    if deed == "withdraw" {
                        visitor.open(&format!("{}/.consent/?lang={language}", demo.https));
                    }
                    let before = visitor.address();
                    visitor.click(&format!("form[action='/.consent/{deed}'] button"));
                    visitor.wait_until("it is done", || visitor.address() != before);
                    take(&visitor, &format!("{deed}-{language}-{name}"));
                }
            }
        }
    }
}
