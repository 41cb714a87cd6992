//! The policy's versions and what is counted of answers, as the operator meets them: `kelisim check`, the admin
//! address.
//!
//! What visitors meet stands in `tests/scenarios/`: `policy_announced.txt`, `cookie_declaration.txt`.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;

use harness::broken::{POLICY, Rules};
use harness::message::Message;
use harness::program::{Gateway, Program, ask, send};
use harness::site::Site;
use kelisim::clock::Clock;
use kelisim::time::Day;

/// The shipped policy as a version of another day.
fn version(rules: &Rules, announced: &str, in_force: &str, more: &str) -> String {
    let text = fs::read_to_string(rules.path(POLICY)).unwrap();
    let text = text
        .replace("announced = \"2025-09-24\"", &format!("announced = \"{announced}\"{more}"))
        .replace("in_force = \"2025-10-01\"", &format!("in_force = \"{in_force}\""));
    let name = format!("policy/{in_force}.toml");
    fs::write(rules.path(&name), text).unwrap();
    name
}

#[test]
fn a_version_with_six_days_of_notice_is_refused_and_one_with_seven_is_not() {
    let rules = Rules::copy();
    version(&rules, "2026-11-24", "2026-12-01", "");
    let seven = rules.check();
    assert_eq!(seven.code, Some(0), "{}", seven.stderr);

    let name = version(&rules, "2026-11-25", "2026-12-01", "");
    let line = rules.change(&name, "announced = \"2026-11-25\"", "announced = \"2026-11-25\"");
    let six = rules.check();
    assert_eq!(six.code, Some(1));
    let problem = format!(
        "{name}:{line}: announced 2026-11-25, in force 2026-12-01: visitors are told 7 days ahead \
         (policy 2.3); the earliest day in force would be 2026-12-02"
    );
    assert!(six.stderr.contains(&problem), "{}", six.stderr);
}

#[test]
fn what_a_version_will_change_is_told_before_it_does() {
    let rules = Rules::copy();
    let name = version(&rules, "2026-11-23", "2026-12-01", "");
    let check = |day: &str| {
        let check = Program::new().arg("check").arg("--rules").arg(rules.folder());
        let (code, said, _) = check.arg("--day").arg(day).print();
        assert_eq!(code, Some(0));
        let line = said.lines().find(|line| line.starts_with("in force from"));
        line.map(str::to_owned)
    };
    let told = "in force from 2026-12-01, visitors are told from 2026-11-23 on: changes";
    assert_eq!(check("2026-11-22"), Some(format!("{told} the terms of no purpose")));
    rules.change(&name, "keep_days = 365", "keep_days = 180");
    rules.change(&name, "\"yandex-metrica\", \"google-analytics\"]", "\"yandex-metrica\"]");
    rules.change(&name, "section = \"4.1\"", "section = \"4.8\"");
    let changes = "contract (section), analytics (recipients, keep_days, asked again)";
    assert_eq!(check("2026-11-30"), Some(format!("{told} {changes}")));
    assert_eq!(check("2026-12-01"), None);
}

#[test]
fn a_version_that_is_read_after_the_day_it_gives_is_warned_of() {
    let (rules, site, data) = (Rules::copy(), Site::start(), tempfile::tempdir().unwrap());
    let gateway = Program::run(site.address, data.path()).arg("--rules").arg(rules.folder());
    let mut gateway = gateway.start();
    let today = Clock::System.now().day();
    let (yesterday, in_force) = (Day(today.0 - 1), today.plus_days(7));
    version(&rules, &yesterday.to_string(), &in_force.to_string(), "");
    gateway.signal("HUP");
    let line = gateway.wait_for_line("this gateway tells them from now on");
    let says = format!("the policy of {in_force} says that visitors are told since {yesterday}");
    assert!(line.contains(&says), "{line}");
    // It is in force all the same, and what is known already is not warned of again.
    gateway.wait_for_line("reloaded the rules");
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    assert_eq!(gateway.lines_with("tells them from now on"), 1);
}

#[test]
fn a_summary_is_there_in_every_language_or_not_at_all() {
    let rules = Rules::copy();
    let summary = "\nsummary = { kk = \"а\", ru = \"б\", en = \"c\" }";
    let name = version(&rules, "2026-11-20", "2026-12-01", summary);
    assert_eq!(rules.check().code, Some(0));
    is_refused(&rules, &name, ("kk = \"а\", ", ""), "summary lacks language `kk`");
}

/// A file is refused after a change, for this on the line of it.
#[track_caller]
fn is_refused(rules: &Rules, name: &str, (from, to): (&str, &str), problem: &str) {
    let line = rules.change(name, from, to);
    let refused = rules.check();
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains(&format!("{name}:{line}: {problem}")), "{}", refused.stderr);
}

#[test]
fn the_full_text_stands_where_the_operator_says_in_every_language_or_nowhere() {
    let rules = Rules::copy();
    let document = "\ndocument = { kk = \"/saiasat\", ru = \"https://send-box.com/policy\", en = \"/policy\" }";
    let name = version(&rules, "2026-11-20", "2026-12-01", document);
    assert_eq!(rules.check().code, Some(0));
    let other = ("en = \"/policy\"", "en = \"//evil.example/\"");
    is_refused(&rules, &name, other, "document in `en` is `//evil.example/`; write a path");
    let none = (", en = \"//evil.example/\"", "");
    is_refused(&rules, &name, none, "document lacks language `en`");
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                       Chrome/143.0.0.0 Safari/537.36";

/// Opens a page in Russian, with more fields.
fn open(gateway: &Gateway, site: &Site, method: &str, path: &str, more: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html\r\n\
         Sec-Fetch-Dest: document\r\n{more}Connection: close\r\n\r\n"
    );
    let visitor = send(gateway.plain, &request);
    let mut received = site.next().expect("the site is asked");
    let page = "<!doctype html><html lang=\"ru\"><body></body></html>";
    let page = if method == "HEAD" { "" } else { page };
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n";
    received.write(format!("{head}{page}").as_bytes()).expect("it is taken");
    received.cut();
    let answer = if method == "HEAD" { Vec::new() } else { visitor.read_to_the_end().body };
    String::from_utf8(answer).expect("it is text")
}

/// Submits a form, with more fields; the status.
fn submit(gateway: &Gateway, path: &str, form: &str, agent: &str) -> u16 {
    answer_to(gateway, path, form, agent).status()
}

/// Submits a form, with more fields behind the browser's; the answer.
fn answer_to(gateway: &Gateway, path: &str, form: &str, agent: &str) -> Message {
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html\r\nUser-Agent: {agent}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{form}"
    );
    ask(gateway.plain, &request)
}

/// What the admin address tells, as text.
fn get(gateway: &Gateway, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    String::from_utf8(ask(gateway.admin, &request).body).expect("it is text")
}

/// The counts that are not nought: event, language, kind of page and how often.
fn counts(gateway: &Gateway) -> Vec<(String, String, String, u64)> {
    let metrics = get(gateway, "/metrics");
    let lines = metrics.lines().filter_map(|line| line.strip_prefix("kelisim_answers_total{"));
    let read = |line: &str| {
        let (labels, count) = line.split_once("} ").expect("labels and a number");
        let label = |name: &str| {
            let from = labels.split_once(&format!("{name}=\"")).expect("each label is there").1;
            from.split('"').next().expect("it ends").to_owned()
        };
        assert_eq!(label("text").len(), 32, "{line}");
        assert_eq!(labels.split(',').count(), 4, "nothing else is kept apart: {line}");
        (label("event"), label("language"), label("page"), count.parse().expect("a number"))
    };
    lines.map(read).filter(|(.., count)| *count > 0).collect()
}

#[test]
fn what_was_asked_and_answered_is_counted_without_anybody_in_it() {
    let (rules, site, data) = (Rules::copy(), Site::start(), tempfile::tempdir().unwrap());
    let kinds = "[[page-kind]]\nname = \"prices\"\npath = \"*/prices\"\n\n[operator]";
    rules.change("site.toml", "[operator]", kinds);
    let gateway = Program::run(site.address, data.path());
    let gateway = gateway.arg("--threads").arg("2").arg("--rules").arg(rules.folder()).start();
    assert_eq!(counts(&gateway), []);
    assert!(get(&gateway, "/").contains("<h2>What visitors answered</h2><p>Nothing yet.</p>"));

    let person = format!("User-Agent: {BROWSER}\r\n");
    for _ in 0..6 {
        let page = open(&gateway, &site, "GET", "/prices?phone=77010000000", &person);
        assert!(page.contains("name=\"page\" value=\"prices\""), "{page}");
    }
    open(&gateway, &site, "GET", "/", &person);
    open(&gateway, &site, "GET", "/ivan@example.kz", &person);

    // What nobody may ever see, and what nobody looks at, is shown all the same, and not counted.
    let bot = "User-Agent: Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)\r\n";
    for (method, more) in [
        ("GET", bot.to_owned()),
        ("GET", String::new()),
        ("GET", format!("{person}Sec-Purpose: prefetch;prerender\r\n")),
        ("GET", format!("{person}Purpose: prefetch\r\n")),
        ("HEAD", person.clone()),
        ("GET", format!("{person}Sec-GPC: 1\r\n")),
    ] {
        let page = open(&gateway, &site, method, "/prices", &more);
        let asks = method == "GET" && !more.contains("GPC");
        assert_eq!(page.contains("cc-main"), asks, "{more}");
    }

    for (path, form) in [
        ("/.consent/choices", "choice=agree-all&lang=ru&page=prices"),
        ("/.consent/choices", "choice=decline-all&lang=ru&page=prices"),
        ("/.consent/choices", "choice=decline-all&lang=kk&page=ivan"),
        ("/.consent/choices", "choice=selected&analytics=agree&lang=ru&way=settings"),
        // Who withdraws what they never gave has refused.
        ("/.consent/withdraw", "lang=kk&way=settings"),
    ] {
        assert_eq!(submit(&gateway, path, form, BROWSER), 303, "{form}");
    }
    let agreed =
        answer_to(&gateway, "/.consent/choices", "choice=agree-all&lang=en&page=prices", BROWSER);
    let cookie = agreed.values("set-cookie").next().expect("a cookie");
    let cookie =
        String::from_utf8_lossy(cookie.split(|byte| *byte == b';').next().expect("a value"));
    let holding = format!("{BROWSER}\r\nCookie: {cookie}");
    for _ in 0..2 {
        // The second time there is nothing more to withdraw.
        assert_eq!(submit(&gateway, "/.consent/withdraw", "lang=ru&way=settings", &holding), 303);
    }
    // A program's answer is recorded, and not counted as a person's.
    assert_eq!(submit(&gateway, "/.consent/choices", "choice=agree-all", "curl/8.14"), 303);
    // What is refused is no answer.
    assert_eq!(submit(&gateway, "/.consent/choices", "choice=maybe", BROWSER), 422);

    let mut counted = counts(&gateway);
    counted.sort();
    let expected = [
        ("agreed", "en", "prices", 1),
        ("agreed", "ru", "prices", 1),
        ("declined", "kk", "other", 1),
        ("declined", "kk", "settings", 1),
        ("declined", "ru", "prices", 1),
        ("selected", "ru", "settings", 1),
        ("shown", "ru", "home", 1),
        ("shown", "ru", "other", 1),
        ("shown", "ru", "prices", 6),
        ("withdrawn", "ru", "settings", 1),
    ];
    let expected = expected
        .map(|(event, language, page, n)| (event.into(), language.into(), page.into(), n))
        .to_vec();
    assert_eq!(counted, expected);

    let (page, metrics) = (get(&gateway, "/"), get(&gateway, "/metrics"));
    // Six pages asked, one agreed and one declined: a half each, and a third of the pages were answered.
    let row =
        "<td>6</td><td>1 (50 %)</td><td>1 (50 %)</td><td>0 (0 %)</td><td>0</td><td>2 (33 %)</td>";
    assert!(page.contains(row), "{page}");
    for text in [&page, &metrics] {
        for personal in ["7701", "ivan", "Chrome"] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
    }
}

#[test]
fn a_kind_of_page_that_says_nothing_is_refused() {
    for (kind, problem) in [
        ("name = \"Prices\"\npath = \"/\"", "`Prices` is no name of a kind"),
        ("name = \"home\"\npath = \"/\"", "`home` is there already; take another name"),
        ("name = \"a\"\npath = \"prices\"", "begins with neither `/` nor `*`"),
        ("name = \"a\"\npath = \"/\"\nis = []", "unknown field `is`"),
    ] {
        let rules = Rules::copy();
        let entry = format!("[[page-kind]]\n{kind}\n\n[operator]");
        let line = rules.change("site.toml", "[operator]", &entry);
        let refused = rules.check();
        assert_eq!(refused.code, Some(1), "{kind}");
        let said = refused.stderr.lines().find(|line| line.contains(problem));
        let said = said.unwrap_or_else(|| panic!("{problem}: {}", refused.stderr));
        let of_entry = (line..line + 4).any(|line| said.contains(&format!("site.toml:{line}:")));
        assert!(of_entry, "{said}");
    }
}
