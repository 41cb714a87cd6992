//! The policy of approved hosts, as an operator meets it: reports become a draft, the draft is approved or
//! refused, and what is told is what goes out. And reports as nobody should send them.
//!
//! What goes out with which answers is in `tests/scenarios/csp_*.txt`, what browsers make of it in
//! `tests/csp_sites.rs`.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;
    pub(crate) mod snapshot;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fmt::Write;
use std::fs;

use allocation_counter::measure;
use harness::broken::Rules;
use harness::message::Message;
use harness::program::{Gateway, Program, ask, send};
use harness::site::Site;
use harness::snapshot::compare;
use http::{HeaderMap, StatusCode};
use kelisim::demo;
use kelisim::gate::fate::{Fate, Fates};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::observe::Needed;
use kelisim::policy::{
    Choice, Choices, Conditions, Mark, PolicyVersion, Purpose, Record, Signal, TextDigest, Visitor,
    VisitorId, decide,
};
use kelisim::rules::{self, Csp, Use};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use regex::Regex;
use serde_json::json;
use tempfile::TempDir;

const REPORT: &str = "application/csp-report";
const REPORTS: &str = "application/reports+json";

/// A gateway by these rules.
struct Started {
    gateway: Gateway,
    site: Site,
    _data: TempDir,
}

fn start(rules: &Rules) -> Started {
    let (site, data) = (Site::start(), tempfile::tempdir().expect("a folder"));
    let gateway =
        Program::run(site.address, data.path()).arg("--rules").arg(rules.folder()).start();
    Started { gateway, site, _data: data }
}

fn learning() -> Rules {
    let rules = Rules::copy();
    rules.change("site.toml", "# csp = \"learn\"", "csp = \"learn\"");
    rules
}

impl Started {
    fn post(&self, kind: &str, body: &str) -> Message {
        let length = body.len();
        let request = format!(
            "POST /.consent/report HTTP/1.1\r\nHost: send-box.com\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        ask(self.gateway.plain, &request)
    }

    /// Reports that a page would fetch something, and returns the status of the answer.
    fn report(&self, page: &str, directive: &str, fetched: &str) -> u16 {
        let report = json!({ "csp-report": {
            "document-uri": page, "referrer": "https://mail.example/?secret", "effective-directive": directive,
            "blocked-uri": fetched, "script-sample": "secret", "original-policy": "default-src 'self'",
        }});
        self.post(REPORT, &report.to_string()).status()
    }

    fn needed(&self) -> Needed {
        let request = "GET /needed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        serde_json::from_slice(&ask(self.gateway.admin, request).body).expect("it is told")
    }

    fn discover(&self, more: &[&str]) -> String {
        let admin = self.gateway.admin.to_string();
        let program = Program::new().arg("discover").arg("--csp").arg("--admin").arg(&admin);
        let (code, stdout, stderr) = more.iter().fold(program, |run, arg| run.arg(arg)).print();
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        stdout
    }

    /// The policy that a page comes with.
    fn sent(&self, name: &str) -> String {
        let request = "GET / HTTP/1.1\r\nHost: send-box.com\r\nSec-Fetch-Dest: document\r\n\
                       Connection: close\r\n\r\n";
        let visitor = send(self.gateway.plain, request);
        let mut received = self.site.next().expect("the site is asked");
        let page = "<!doctype html><html><body></body></html>";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}",
            page.len()
        );
        received.write(answer.as_bytes()).expect("it is taken");
        let answer = visitor.read_to_the_end();
        let sent: Vec<_> = answer.values(name).collect();
        assert_eq!(sent.len(), 1, "{name} in {:?}", answer.headers);
        String::from_utf8_lossy(sent[0]).into_owned()
    }
}

/// Days change, and so does the folder.
fn steady(text: &str, rules: &Rules) -> String {
    let days = Regex::new(r"\d{4}-\d\d-\d\d").expect("a pattern");
    days.replace_all(text, "DAY").replace(rules.folder(), "rules")
}

#[test]
fn reports_become_a_draft_that_counts_when_each_entry_is_approved() {
    let rules = learning();
    let mut started = start(&rules);
    let page = "https://send-box.com/shop/7654321?phone=77010000000";
    for (directive, fetched) in [
        ("script-src-elem", "inline"),
        ("style-src-attr", "inline"),
        ("script-src", "eval"),
        ("script-src-elem", "https://cdn.widgets.example/w.js?user=ivan"),
        ("style-src-elem", "https://cdn.widgets.example/w.css"),
        ("style-src-elem", "https://cdn.widgets.example/other.css"),
        ("font-src", "data"),
        ("worker-src", "blob"),
        ("connect-src", "wss://live.example:8443/socket?id=1"),
        ("form-action", "https://pay.example/order/1"),
        // Rules name some of what is there: the folder, or the file.
        ("script-src-elem", "https://cdn.jsdelivr.net/npm/swiper@11/swiper.js?v=1"),
        // Of vendors who are withheld, for good or until they are agreed to.
        ("script-src-elem", "https://mc.yandex.ru/metrika/tag.js"),
        ("connect-src", "https://mc.yandex.ru/watch/1"),
        ("img-src", "https://www.facebook.com/tr?id=1"),
        // What may be somebody's, what an extension puts there, and what is the site's own.
        ("script-src-elem", "https://cdn.jsdelivr.net/u/7654321/x.js"),
        ("script-src-elem", "chrome-extension://abcdef/x.js"),
        ("script-src-elem", "https://send-box.com/own.js"),
        ("frame-ancestors", "https://other.example/"),
    ] {
        assert_eq!(started.report(page, directive, fetched), 204, "{directive} {fetched}");
    }
    let told = serde_json::to_string(&started.needed()).expect("it can be written");
    for personal in
        ["ivan", "secret", "7701", "7654321", "referrer", "mail.example", "pay.example/"]
    {
        assert!(!told.contains(personal), "{personal} in {told}");
    }
    let printed = started.discover(&[]);
    compare("discover-csp", &steady(&printed, &rules));

    // Written, it is refused until somebody has said what each is.
    let said = started.discover(&["--into", rules.folder()]);
    assert!(said.contains("csp.toml: 8 sources to approve"), "{said}");
    let problems = rules.check();
    assert!(problems.stderr.contains("`data:` is a draft: say in `what`"), "{}", problems.stderr);
    assert_eq!(
        started.discover(&["--into", rules.folder()]).lines().next(),
        Some("# 15 reports were read, and nothing in them is new")
    );
    let drafted = fs::read_to_string(rules.path("csp.toml")).expect("it was written");
    fs::write(rules.path("csp.toml"), drafted.replace("what = \"\"", "what = \"known\""))
        .expect("it can be written");
    started.gateway.signal("HUP");
    started.gateway.wait_for_line("reloaded");
    assert_eq!(started.needed().needs, [], "what is approved is no longer told");
    let sent = started.sent("Content-Security-Policy-Report-Only");
    for part in [
        "script-src 'self' 'unsafe-eval' 'unsafe-inline' https://cdn.jsdelivr.net/npm/swiper@11/ https://cdn.widgets.example;",
        "connect-src 'self' wss://live.example:8443;",
        "worker-src 'self' blob:;",
        "form-action 'self' https://pay.example;",
    ] {
        assert!(sent.contains(part), "{part} in {sent}");
    }

    // What is new comes behind what was approved.
    let approved = fs::read_to_string(rules.path("csp.toml")).expect("it is there");
    assert_eq!(started.report(page, "img-src", "https://pics.example/a.png"), 204);
    started.discover(&["--into", rules.folder()]);
    let grown = fs::read_to_string(rules.path("csp.toml")).expect("it is there");
    let new = grown.strip_prefix(&approved).expect("what was approved stays as it was");
    assert!(
        new.contains("source = \"https://pics.example\"\nas = [\"image\"]\nwhat = \"\""),
        "{new}"
    );
}

#[test]
fn who_sends_what_is_no_report_or_too_much_changes_nothing() {
    let started = start(&learning());
    let page = "https://send-box.com/";
    assert_eq!(started.post(REPORT, &"x".repeat(64 * 1024 + 1)).status(), 413);
    assert_eq!(started.post("application/json", "{}").status(), 400);
    assert_eq!(started.post("text/plain", "{}").status(), 400);
    assert_eq!(started.post(REPORT, "{\"csp-report\":").status(), 400);
    assert_eq!(started.post(REPORTS, "{}").status(), 400);
    let get = "GET /.consent/report HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n";
    assert_eq!(ask(started.gateway.plain, get).status(), 405);
    // Of another site, of nothing, and what no policy can name.
    assert_eq!(started.report("https://other.example/", "script-src", "https://x.example/"), 204);
    assert_eq!(started.report("about:blank", "script-src", "https://x.example/"), 204);
    assert_eq!(started.report(page, "x; script-src *", "https://x.example/"), 204);
    assert_eq!(started.needed(), Needed::default());
    assert_eq!(started.report(page, "script-src", "https://*.x.example; script-src *"), 204);
    assert_eq!(started.report(page, "img-src", "https://[::1]/"), 204);
    let needed = started.needed();
    assert_eq!((needed.needs.len(), needed.others.len()), (0, 2), "{needed:?}");

    // Names that are made up push out each other, and not what is met often.
    for _ in 0..3 {
        assert_eq!(started.report(page, "script-src", "https://often.example/x.js"), 204);
    }
    for body in 0..20 {
        let flood: Vec<_> = (0..40)
            .map(|number| {
                json!({ "type": "csp-violation", "age": 1, "url": page, "body": {
                    "documentURL": page, "effectiveDirective": "script-src-elem",
                    "blockedURL": format!("https://n{body}x{number}.example/a.js"), "sample": "secret",
                }})
            })
            .collect();
        assert_eq!(
            started.post(REPORTS, &serde_json::Value::from(flood).to_string()).status(),
            204
        );
    }
    let needed = started.needed();
    assert_eq!(needed.needs.len(), 200);
    let first = &needed.needs[0];
    assert_eq!((first.source.as_str(), first.count), ("https://often.example", 3));

    // An address has its rate, and who reports too much may still choose.
    assert!((0..60).any(|_| started.report(page, "img-src", "https://a.example/") == 429));
    let body = "choice=decline-all&return=/";
    let choose = format!(
        "POST /.consent/choices HTTP/1.1\r\nHost: send-box.com\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(started.gateway.plain, &choose).status(), 303);
}

#[test]
fn nothing_is_heard_where_no_policy_goes_out() {
    let started = start(&Rules::copy());
    assert_eq!(started.report("https://send-box.com/", "img-src", "https://a.example/"), 404);
}

/// An entry of `csp.toml`.
fn allow(source: &str, uses: &str) -> String {
    format!("[[allow]]\nsource = \"{source}\"\nas = [{uses}]\nwhat = \"x\"\n")
}

#[test]
fn what_would_let_a_vendor_pass_is_refused_with_the_rule_and_what_is_right() {
    let rules = Rules::copy();
    rules.change("site.toml", "# csp = \"learn\"", "csp = \"enforce\"");
    let problems = rules.check().stderr;
    let missing =
        "csp.toml: is missing, and `csp = \"enforce\"` of site.toml stops what is not approved";
    assert!(problems.contains(missing), "{problems}");
    let mut said = String::new();
    for (source, uses) in [
        ("https://*.yandex.ru", "\"script\""),
        ("https://*.google-analytics.com", "\"connect\""),
        ("https://cdn.jsdelivr.net", "\"script\""),
        ("https://cdn.jsdelivr.net", "\"font\""),
        ("https://cdn.jsdelivr.net/npm/", "\"script\""),
        ("https://www.googletagmanager.com/gtag/", "\"script\""),
        ("https:", "\"image\""),
        ("cdn.example", "\"image\""),
        ("'unsafe-inline'", "\"image\""),
        ("https://cdn.example", ""),
        ("https://cdn.example", "\"scripts\""),
    ] {
        fs::write(rules.path("csp.toml"), allow(source, uses)).expect("it can be written");
        let ended = rules.check();
        let verdict = if ended.stderr.is_empty() { "approved" } else { ended.stderr.trim_end() };
        // Writing to a string does not fail.
        let _ = writeln!(said, "{source} as {uses}: {}", steady(verdict, &rules));
    }
    let many: String = (0..100)
        .map(|n| allow(&format!("https://cdn{n}.example.kz"), "\"script\", \"style\""))
        .collect();
    fs::write(rules.path("csp.toml"), many).expect("it can be written");
    let _ = writeln!(said, "a hundred hosts: {}", steady(rules.check().stderr.trim_end(), &rules));
    compare("check-csp", &said);
}

#[test]
fn what_explain_tells_of_the_policy_is_what_goes_out() {
    let rules = Rules::copy();
    fs::create_dir_all(rules.path("lists")).expect("a folder");
    let list = "name = \"Theirs\"\nsource = \"t.txt\"\nlicence = \"ours\"\nimported = \"2026-11-20\"\n\
                purpose = \"analytics\"\nrecipient = \"undeclared\"\naction = \"hold\"\n";
    fs::write(rules.path("lists/theirs.toml"), list).expect("it can be written");
    fs::write(rules.path("lists/theirs.txt"), "||listed.example^\n").expect("it can be written");
    let approved = [
        allow("'unsafe-inline'", "\"script\""),
        allow("https://mc.yandex.ru", "\"script\", \"connect\""),
        allow("https://www.facebook.com/tr", "\"image\""),
        allow("https://listed.example", "\"script\""),
        allow("https://cdn.example", "\"script\""),
    ];
    fs::write(rules.path("csp.toml"), approved.concat()).expect("it can be written");
    let explain = |choices| {
        let program = Program::new().arg("explain").arg("--csp").arg("--choices").arg(choices);
        let (code, stdout, stderr) = program.arg("--rules").arg(rules.folder()).print();
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        stdout
    };
    assert!(explain("none").starts_with("pages come with no policy of ours"));
    let mut off = "# csp = \"learn\"".to_owned();
    for (csp, name) in
        [("learn", "Content-Security-Policy-Report-Only"), ("enforce", "Content-Security-Policy")]
    {
        let on = format!("csp = \"{csp}\"");
        rules.change("site.toml", &off, &on);
        off = on;
        let told = explain("none");
        let first = told.lines().next().expect("it tells");
        let (field, value) = first.split_once(": ").expect("a field");
        assert!(field.eq_ignore_ascii_case(name), "{first}");
        // Over TLS an endpoint is named besides.
        let plain = value.strip_suffix("; report-to kelisim").expect("an endpoint");
        assert_eq!(start(&rules).sent(name), plain);
    }
    let told = format!("{}\n{}", explain("none"), explain("analytics"));
    compare("explain-csp", &steady(&told, &rules));

    // A wildcard may not hide what a list withholds.
    fs::write(rules.path("lists/theirs.txt"), "||a.listed.example^\n").expect("it can be written");
    fs::write(rules.path("csp.toml"), allow("https://*.listed.example", "\"script\""))
        .expect("it can be written");
    let problems = rules.check().stderr;
    let covers = "covers what a list withholds (";
    assert!(
        problems.contains(covers) && problems.contains("theirs.txt:1: `||a.listed.example^`"),
        "{problems}"
    );
}

/// Somebody who has agreed to these purposes.
fn agreed_to(purposes: &[Purpose], policy: &PolicyVersion, now: Time) -> Visitor {
    let mut choices = Choices::default();
    for purpose in purposes {
        choices.set(
            *purpose,
            Choice::Agreed(Mark {
                at: now,
                until: now.plus_seconds(1000),
                policy: policy.in_force,
                terms: policy.terms[*purpose].digest,
                shown: TextDigest::default(),
                signal: Signal::Silent,
            }),
        );
    }
    Visitor::Known { id: VisitorId(1), choices }
}

#[test]
fn a_policy_lets_pass_what_the_gate_lets_pass_and_costs_a_request_no_memory() {
    let site: Vec<_> = demo::rule_files_with(Csp::Enforce)
        .into_iter()
        .map(|(name, text)| match name.as_str() {
            // A vendor that no policy names, beside those of the demonstration.
            "csp.toml" => (name, text + &allow("https://www.facebook.com/tr", "\"image\"")),
            _ => (name, text),
        })
        .collect();
    let rules = rules::load("demo", &site).expect("they are right");
    let seal = Seal::new(&SealKey { id: 1, secret: [0; 32] }, &[]);
    let snapshot = Snapshot::new(rules, seal);
    let (rules, walls) = (&snapshot.rules, snapshot.walls.as_ref().expect("it is enforced"));
    let now: Time = "2026-11-22T10:00:00Z".parse().expect("a moment");
    let policy = rules.policies.at(now).expect("one is in force");
    let page = "https://send-box.com/".parse().expect("an address");
    let mut passed = 0;
    for purposes in [&[][..], &[Purpose::Marketing], &[Purpose::Analytics], &Purpose::ALL] {
        for (policy, visitor) in [
            (Some(policy), agreed_to(purposes, policy, now)),
            (None, agreed_to(purposes, policy, now)),
        ] {
            let conditions = Conditions { policy, ..snapshot.conditions(now, Record::Readable) };
            let verdicts = decide(&conditions, &visitor, Signal::Silent);
            let fates = Fates::of(rules, &verdicts);
            let (_, value) = walls.for_visitor(policy, &verdicts).field(false);
            let value = value.to_str().expect("it is text");
            for (source, address) in [
                ("https://mc.yandex.ru", "https://mc.yandex.ru/metrika/tag.js"),
                (
                    "https://www.googletagmanager.com/gtm.js",
                    "https://www.googletagmanager.com/gtm.js?id=GTM-1",
                ),
                (
                    "https://www.googletagmanager.com/gtag/",
                    "https://www.googletagmanager.com/gtag/js?id=G-1",
                ),
                ("https://www.facebook.com/tr", "https://www.facebook.com/tr"),
            ] {
                let url = address.parse().expect("an address");
                let used = if source.ends_with("tr") { Use::Image } else { Use::Script };
                let passes = fates.of_url_from(rules, &page, &url, used) == Fate::Permit;
                assert_eq!(value.contains(source), passes, "{source}, {purposes:?}: {value}");
                passed += usize::from(passes);
            }
            let put = |headers: &mut HeaderMap| {
                walls.for_visitor(policy, &verdicts).put(headers, StatusCode::OK, false, true);
            };
            // The first that takes a value makes it shareable.
            put(&mut HeaderMap::new());
            let mut headers = HeaderMap::with_capacity(16);
            let cost = measure(|| put(&mut headers));
            assert_eq!((cost.count_total, headers.len()), (0, 2));
        }
    }
    assert_eq!(passed, 6, "three for each of the two who agreed");
}
