//! Browsers that answer banners for their visitors: DuckDuckGo's autoconsent, as npm has it, with its own rules.
//!
//! It refuses the banner in each language, and that refusal counts as any other.
//!
//! It runs in the page as in its own tests: its messages are answered there as its browsers answer them.
//!
//! Consent-O-Matic is in no registry. What its rule for banners of this make has it look for and click is done here step by
//! step.
//!
//! autoconsent comes from npm and is not in this repository.

use crate::browser::BANNER;
use crate::browser::stub::Stub;
use crate::browser::visitor::{Scripts, Visitor};
use crate::demo::Demo;
use crate::{LANGUAGES, package};
use serde_json::{Value, json};

/// autoconsent's program and rules.
struct Autoconsent {
    program: String,
    rules: String,
}

impl Autoconsent {
    fn new() -> Autoconsent {
        let file = |name: &str| package(&format!("@duckduckgo/autoconsent/{name}"));
        Autoconsent {
            program: file("dist/autoconsent.playwright.js"),
            rules: file("rules/rules.json"),
        }
    }

    /// Has it answer the banner of the open page, and says what it told its browser: kinds of messages, with
    /// the banner's name in its rules and what came of it.
    fn answers(&self, visitor: &Visitor<'_>, action: &str) -> Vec<Value> {
        let config = json!({
            "enabled": true, "autoAction": action, "enablePrehide": false, "detectRetries": 20,
            "isMainWorld": true,
        });
        visitor.run(&format!(
            "window.told = [];
            window.autoconsentSendMessage = async (message) => {{
                if (message.type !== 'report') told.push([message.type, message.cmp, message.result]);
                const answer = (more) => setTimeout(() => autoconsentReceiveMessage(more), 0);
                if (message.type === 'init') answer({{ type: 'initResp', config: {config}, rules: {} }});
                if (message.type === 'eval') answer({{ type: 'evalResp', id: message.id, result: eval(message.code) }});
            }};
            {}",
            self.rules, self.program
        ));
        let told = || visitor.run("return window.told").as_array().cloned().unwrap_or_default();
        let result = format!("{action}Result");
        visitor.wait_until("autoconsent is done", || {
            told().iter().any(|message| message[0] == result.as_str())
        });
        told()
    }
}

/// What the gateway holds for the visitor of the open page.
fn state(visitor: &Visitor<'_>) -> Value {
    visitor.wait_for(
        "const done = arguments[arguments.length - 1];
        fetch('/.consent/state').then((answer) => answer.json()).then(({ analytics }) => done(analytics))",
    )
}

#[test]
fn autoconsent_refuses_the_banner_in_each_language() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let autoconsent = Autoconsent::new();
    let visitor = Visitor::new(&stub, Scripts::On);
    for (_, at) in LANGUAGES {
        visitor.forget_cookies();
        visitor.open(&format!("{}{at}", demo.https));
        assert!(visitor.sees(BANNER));
        let told = autoconsent.answers(&visitor, "optOut");
        assert!(told.contains(&json!(["optOutResult", "cookieconsent3", true])), "{at}: {told:?}");
        visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
        assert_eq!(state(&visitor)["reason"], "declined", "{at}");
        visitor.open(&format!("{}{at}prices", demo.https));
        assert!(!visitor.sees(BANNER), "nobody is asked twice");
        visitor.settle();
        assert_eq!(stub.contacts(), [""; 0], "{at}");
    }
}

#[test]
fn what_autoconsent_agrees_to_is_not_recorded() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let autoconsent = Autoconsent::new();
    let visitor = Visitor::new(&stub, Scripts::On);
    for (_, at) in LANGUAGES {
        visitor.forget_cookies();
        visitor.open(&format!("{}{at}", demo.https));
        let told = autoconsent.answers(&visitor, "optIn");
        assert!(told.contains(&json!(["optInResult", "cookieconsent3", true])), "{at}: {told:?}");
        visitor.settle();
        assert_eq!(
            state(&visitor),
            json!({ "verdict": "withhold", "reason": "not-asked" }),
            "{at}"
        );
        visitor.open(&format!("{}{at}prices", demo.https));
        assert!(visitor.sees(BANNER), "the question stands, at {at}");
        visitor.settle();
        assert_eq!(stub.contacts(), [""; 0], "{at}");
    }
}

/// Its rule `GLS` of October 2025, for every site: what has to be there, what has to be seen, what opens choices, what
/// saves them. Between the last two it sets the boxes of the purposes, of which a banner of ours has none.
#[test]
fn consent_o_matic_refuses_the_banner_by_its_rule() {
    let (demo, stub) = (Demo::start(), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    for (_, at) in LANGUAGES {
        visitor.forget_cookies();
        visitor.open(&format!("{}{at}", demo.https));
        let steps = visitor.run(
            "const find = (css) => document.querySelector(css);
            const found = [!!find('#cc--main'), find('#cm').offsetHeight > 0, !!find('#c-s-bn'), !!find('.b-ex')];
            find('#cm').style.setProperty('opacity', '0', 'important');
            find('#s-sv-bn').click();
            return found",
        );
        assert_eq!(steps, json!([true, true, false, false]), "{at}");
        visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
        assert_eq!(state(&visitor)["reason"], "declined", "{at}");
        visitor.settle();
        assert_eq!(stub.contacts(), [""; 0], "{at}");
    }
}
