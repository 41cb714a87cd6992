//! What a site's own code may ask of us: `window.kelisim`. It can ask and refuse; only a person agrees.

use serde_json::json;

use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::browser::{AGREE, BANNER, DECLINE};
use crate::served::{self, agree, answer_banner, assert_nothing_thrown};

/// The link that the control's script makes.
const CONTROL: &str = "#cc-open";

/// Where the settings lead back to.
fn way_back(visitor: &Visitor<'_>) -> serde_json::Value {
    visitor.run("return document.querySelector('a.back').getAttribute('href')")
}

fn heard(visitor: &Visitor<'_>) -> serde_json::Value {
    visitor.run("return heard.splice(0)")
}

#[test]
fn a_site_hears_what_is_answered_and_may_ask_again_and_refuse() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("asking.html"));
    assert_eq!(heard(&visitor), json!(["ready withhold not-asked", "kelisim:ready withhold"]));
    // Who subscribes late is told as well, others' events are nobody's, and who has left hears nothing.
    visitor.run(
        "window.late = [];
        kelisim.on('ready', (state) => late.push(state.contract.verdict));
        kelisim.on('ready', () => late.push('left'))();
        document.dispatchEvent(new CustomEvent('kelisim:choice', { detail: { analytics: { verdict: 'permit', reason: null } } }));",
    );
    visitor.wait_until("it is told", || visitor.run("return late") == json!(["permit"]));
    assert_eq!(heard(&visitor), json!(["kelisim:choice permit"]));

    // A refusal by script counts, and the banner goes.
    let state = visitor.run("return kelisim.decline()");
    assert_eq!(state["analytics"], json!({ "verdict": "withhold", "reason": "declined" }));
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
    assert_eq!(heard(&visitor), json!(["choice withhold declined", "kelisim:choice withhold"]));
    assert!(visitor.sees(CONTROL));

    // Somebody wants it now. The banner takes the keyboard, and gives it back.
    visitor.click("#wants");
    visitor.wait_until("the banner comes", || visitor.sees(AGREE));
    visitor.wait_until("it has the keyboard", || {
        visitor.run("return document.activeElement.matches('#cc-main [role=dialog]')") == true
    });
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);
    answer_banner(&visitor, AGREE);
    visitor.wait_until("who asked is answered", || {
        visitor.run("return window.answered?.analytics.verdict") == "permit"
    });
    visitor.wait_until("the tag runs", || !stub.hits_after(0).is_empty());
    assert_eq!(
        heard(&visitor),
        json!([
            "choice permit null",
            "kelisim:choice permit",
            "release permit null",
            "kelisim:release permit"
        ])
    );
    assert_eq!(visitor.run("return document.activeElement.id"), "wants");
    // Who has agreed is not asked.
    let state = visitor.run("return kelisim.ask(['analytics'])");
    assert_eq!(state["analytics"]["verdict"], "permit");
    assert!(!visitor.sees(BANNER));

    visitor.run("kelisim.withdraw()");
    visitor.wait_until("the page is loaded anew", || {
        visitor.run("return window.heard?.[0]") == "ready withhold withdrawn"
    });
    assert_nothing_thrown(&visitor);
}

#[test]
fn a_script_is_told_what_it_asked_wrong_and_changes_nothing_of_ours() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("asking.html"));
    let said = |script: &str| {
        let script = format!(
            "return (async () => {{ try {{ return await ({script}); }} catch (error) {{ return error.message; }} }})()"
        );
        visitor.run(&script)
    };
    assert_eq!(
        said("kelisim.ask(['analytics', 'analitics'])"),
        "`analitics` is nothing that this site asks for; it asks for: analytics"
    );
    assert_eq!(
        said("kelisim.ask('contract')"),
        "`contract` is nothing that this site asks for; it asks for: analytics"
    );
    assert_eq!(
        said("kelisim.on('chosen', () => {})"),
        "unknown event `chosen`; there are: ready, choice, release, withdraw"
    );
    assert_eq!(
        said("kelisim.on('choice')"),
        "who hears of `choice` is a function; this is: undefined"
    );
    let changed = "'use strict'; const kept = kelisim; const caught = [];
        for (const change of [() => { window.kelisim = {}; }, () => { delete window.kelisim; },
            () => { kelisim.state = () => {}; }, () => { kelisim.agree = () => {}; }])
            try { change(); } catch (error) { caught.push(error.name); }
        return [kept === kelisim, Object.keys(kelisim), caught]";
    let names = json!(["state", "open", "ask", "decline", "withdraw", "on"]);
    let errors = vec!["TypeError"; 4];
    assert_eq!(visitor.run(changed), json!([true, names, errors]));
    // What a site is given of it is what it was told, and stays so.
    let state = visitor.run(
        "return kelisim.state().then((state) => {
            try { state.analytics.verdict = 'permit'; } catch {}
            return [state.analytics.verdict, Object.isFrozen(state)];
        })",
    );
    assert_eq!(state, json!(["withhold", true]));
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);
}

#[test]
fn the_control_is_in_sight_wherever_a_choice_was_made_and_leads_there_and_back() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("away.html?a=1"));
    assert!(!visitor.sees(CONTROL), "the banner is a way to the settings itself");
    answer_banner(&visitor, DECLINE);
    // On a page with a policy, too, of which it needs no more than its script.
    for page in ["away.html?a=1", "held.html"] {
        visitor.open(&served.page(page));
        let place = visitor.run(
            "const { left, bottom, width, height } = document.querySelector('#cc-open').getBoundingClientRect();
            const { position, backgroundColor } = getComputedStyle(document.querySelector('#cc-open'));
            return [position, backgroundColor, left >= 0, bottom <= innerHeight, width >= 24, height >= 24]",
        );
        let expected = json!(["fixed", "rgb(255, 255, 255)", true, true, true, true]);
        assert_eq!(place, expected, "{page}");
    }
    // A site may have changed its address since.
    visitor.run("history.replaceState(null, '', '/anew.html?b=2')");
    visitor.click(CONTROL);
    visitor.wait_until("the settings open", || visitor.sees("a.back"));
    assert!(visitor.address().contains("lang=en"), "{}", visitor.address());
    assert_eq!(way_back(&visitor), "/anew.html?b=2");

    let plain = Visitor::new(&stub, Scripts::Off);
    agree(&plain, &served.page("away.html?a=1"));
    plain.click("noscript a");
    plain.wait_until("the settings open", || plain.sees("a.back"));
    assert_eq!(way_back(&plain), "/away.html?a=1");
}

#[test]
fn a_frame_in_a_box_is_shown_by_a_person_alone_once_or_always() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    visitor.open(&served.page("asking.html"));
    answer_banner(&visitor, DECLINE);
    visitor.open(&served.page("asking.html"));
    visitor.run("document.querySelector('#late').src = 'https://mc.yandex.ru/late'");
    for frame in ["#map", "#late"] {
        visitor.wait_until("the box is there", || {
            visitor.within(frame, || visitor.sees("a[data-purpose=analytics]"))
        });
    }
    let size = "const { width, height } = document.querySelector('#map').getBoundingClientRect(); return [width, height]";
    assert_eq!(visitor.run(size), json!([640, 360]));
    // A script that presses the link gets nowhere.
    visitor.run("document.querySelector('#map').contentDocument.querySelector('a').click()");
    visitor.settle();
    assert_eq!(stub.contacts(), [""; 0]);

    visitor.within("#map", || visitor.click(".ways a"));
    visitor.wait_until("that frame is loaded", || {
        stub.hits_after(0).iter().any(|hit| hit.ends_with("mc.yandex.ru/map"))
    });
    visitor.settle();
    assert!(!stub.hits_after(0).iter().any(|hit| !hit.ends_with("mc.yandex.ru/map")), "that alone");
    let state = visitor.run("return kelisim.state()");
    assert_eq!(state["analytics"]["reason"], "declined", "nothing is agreed to");

    visitor.within("#late", || visitor.click("a[data-purpose]"));
    visitor.wait_until("the banner asks", || visitor.sees(AGREE));
    answer_banner(&visitor, AGREE);
    visitor.wait_until("the frame is shown", || {
        stub.hits_after(0).iter().any(|hit| hit.ends_with("mc.yandex.ru/late"))
    });
    visitor.wait_until("the tag runs", || {
        stub.hits_after(0).iter().any(|hit| hit.ends_with("/metrika/tag.js"))
    });
    assert_nothing_thrown(&visitor);
}

#[test]
fn with_scripts_off_a_box_shows_its_frame_once_or_leads_to_the_settings() {
    let (served, stub) = (served::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::Off);
    visitor.open(&served.page("asking.html"));
    visitor.click(DECLINE);
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
    visitor.within("#map", || visitor.click(".ways a"));
    visitor.wait_until("that frame is loaded", || {
        stub.hits_after(0).iter().any(|hit| hit.ends_with("mc.yandex.ru/map"))
    });
    visitor.open(&served.page("asking.html"));
    visitor.within("#map", || visitor.click("a[data-purpose]"));
    visitor.wait_until("the settings open", || visitor.sees("a.back"));
    assert_eq!(way_back(&visitor), "/asking.html");
}
