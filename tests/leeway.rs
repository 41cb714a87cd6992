//! What `site.toml` lets the operator do otherwise, as the operator sees it: `check`, the admin address, reload.
//!
//! What visitors see of it is in `tests/scenarios/` (observe, exempt, unlisted, site_banner).

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

use std::fs;

use harness::broken::{METRICA, Rules};
use harness::message::Message;
use harness::program::{Gateway, Program, ask, send};
use harness::site::Site;
use harness::snapshot::compare;
use kelisim::clock::Clock;

const PAGE: &str = "<!doctype html><html><head><link rel=preconnect href=//mc.yandex.ru></head><body>\
    <script src=\"https://mc.yandex.ru/metrika/tag.js\"></script><script>ym(101234567,'init',{})</script>\
    <noscript><img src=\"https://mc.yandex.ru/watch/1\"></noscript></body></html>";

fn get(gateway: &Gateway, path: &str) -> Message {
    ask(gateway.admin, &format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

/// A page of the site, as a stranger with one of Google's cookies gets it.
fn visit(gateway: &Gateway, site: &Site, path: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html\r\nCookie: _ga=1\r\n\
         Sec-Fetch-Dest: document\r\nConnection: close\r\n\r\n"
    );
    let visitor = send(gateway.plain, &request);
    let mut received = site.next().expect("the site is asked");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nSet-Cookie: _ym_uid=1\r\n\
         Link: <https://www.google-analytics.com>; rel=preconnect\r\nContent-Length: {}\r\n\r\n{PAGE}",
        PAGE.len()
    );
    received.write(answer.as_bytes()).expect("it is taken");
    text(&visitor.read_to_the_end())
}

/// A day so many days from now.
fn in_days(days: u32) -> String {
    Clock::System.now().day().plus_days(days).to_string()
}

fn start(rules: &Rules, site: &Site, data: &tempfile::TempDir) -> Gateway {
    Program::run(site.address, data.path()).arg("--rules").arg(rules.folder()).start()
}

/// Adds to the end of `site.toml`.
fn add(rules: &Rules, more: &str) {
    let path = rules.path("site.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{text}\n{more}")).unwrap();
}

fn exempt(path: &str, until: &str, reason: &str) -> String {
    format!("[[exempt]]\npath = \"{path}\"\nuntil = \"{until}\"\nreason = \"{reason}\"\n")
}

/// The counters of what is withheld.
fn withheld(gateway: &Gateway) -> Vec<String> {
    let metrics = text(&get(gateway, "/metrics"));
    let lines = metrics.lines().filter(|line| line.starts_with("kelisim_withheld_total"));
    lines.map(|line| line.replace("kelisim_withheld_total", "")).collect()
}

#[test]
fn the_same_is_counted_by_vendor_and_kind_whether_the_gate_acts_or_observes() {
    let counted = [true, false].map(|observes| {
        let (rules, site) = (Rules::copy(), Site::start());
        if observes {
            rules.change("site.toml", "# mode = \"observe\"", "mode = \"observe\"");
        }
        let data = tempfile::tempdir().unwrap();
        let mut gateway = start(&rules, &site, &data);
        let seen = visit(&gateway, &site, "/");
        assert_eq!(seen == PAGE, observes, "{seen}");
        // The body may be with the visitor before it is counted.
        let metrics = text(&get(&gateway, "/metrics"));
        assert!(metrics.contains("kelisim_pages_rewritten_total 1\n"), "{metrics}");
        assert!(metrics.contains("kelisim_banners_total 1\n"), "{metrics}");
        assert!(metrics.contains("kelisim_request_cookies_withheld_total 1\n"), "{metrics}");
        assert!(metrics.contains("kelisim_response_cookies_withheld_total 1\n"), "{metrics}");
        assert!(
            metrics.contains(&format!("kelisim_observes {}\n", u8::from(observes))),
            "{metrics}"
        );
        let counted = withheld(&gateway);
        gateway.signal("TERM");
        let warned = gateway.wait().stderr.contains("the site is not protected");
        assert_eq!(warned, observes);
        counted
    });
    assert_eq!(counted[0], counted[1]);
    let expected = [
        "{vendor=\"google-analytics\",kind=\"hint\"} 1",
        "{vendor=\"google-analytics\",kind=\"cookie\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"script\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"inline\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"image\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"hint\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"set-cookie\"} 1",
    ];
    assert_eq!(counted[0], expected);
}

#[test]
fn what_a_rule_only_reports_passes_is_counted_and_stands_in_red_at_the_admin_address() {
    let (rules, site) = (Rules::copy(), Site::start());
    let line = rules.change(
        METRICA,
        "recipient = \"yandex-metrica\"",
        "action = \"report-only\"\nrecipient = \"yandex-metrica\"",
    );
    let warning = format!("{METRICA}:{line}: `action = &quot;report-only&quot;`, Yandex.Metrica");
    let data = tempfile::tempdir().unwrap();
    let mut gateway = start(&rules, &site, &data);
    let seen = visit(&gateway, &site, "/");
    // But for the banner, which asks about the others, all is there.
    let (before, _) = PAGE.split_once("</body>").expect("it has an end");
    let (head, body) = before.split_once("</head>").expect("it has a head");
    let (guard, others) = seen.split_once("</script>").expect("the guard is there for the others");
    let (start, rest) = head.split_once("<head>").expect("it begins");
    assert!(guard.starts_with(&format!("{start}<head><script src=\"/.consent/guard-")), "{seen}");
    assert!(others.starts_with(rest) && others.contains(body), "{seen}");
    let metrics = text(&get(&gateway, "/metrics"));
    let reported = metrics.lines().filter_map(|line| line.strip_prefix("kelisim_reported_total"));
    let expected = [
        "{vendor=\"yandex-metrica\",kind=\"script\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"inline\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"image\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"hint\"} 1",
        "{vendor=\"yandex-metrica\",kind=\"set-cookie\"} 1",
    ];
    assert_eq!(reported.collect::<Vec<_>>(), expected);
    let google =
        ["hint", "cookie"].map(|kind| format!("{{vendor=\"google-analytics\",kind=\"{kind}\"}} 1"));
    assert_eq!(withheld(&gateway), google);

    let status = text(&get(&gateway, "/"));
    assert!(status.contains("The site is protected, but for what these rules name:"), "{status}");
    let red = status.split("<p class=\"bad\"").skip(1).any(|red| red.contains(&warning));
    assert!(red, "{warning}: {status}");
    assert!(status.contains("<td>yandex-metrica</td><td>script</td><td>1</td>"), "{status}");
    gateway.signal("TERM");
    let said = gateway.wait().stderr;
    assert!(said.contains("Yandex.Metrica: what ") && said.contains("not withheld: "), "{said}");
}

/// A page that has one of each shape in which a tag can stand.
const SHAPES: &str = "<!doctype html><html><head>\
    <meta http-equiv=refresh content=\"9;url=https://mc.yandex.ru/watch/1\">\
    <script type=importmap>{\"imports\":{\"t\":\"https://mc.yandex.ru/metrika/tag.js\"}}</script>\
    <script type=speculationrules>{\"prefetch\":[{\"urls\":[\"https://mc.yandex.ru/a\"]}]}</script>\
    <link rel=stylesheet href=https://mc.yandex.ru/watch/2>\
    <style>p{background:url(https://mc.yandex.ru/watch/3),url(//mc.yandex.ru/watch/4)}</style></head>\
    <body onload=\"load('https://mc.yandex.ru/metrika/tag.js')\">\
    <div style=\"background:url(https://mc.yandex.ru/watch/5)\">\
    <a href=/b ping=https://mc.yandex.ru/watch/6>b</a><img src=/c.gif data-src=https://mc.yandex.ru/watch/7>\
    <video src=/d.mp4 poster=https://mc.yandex.ru/watch/8></video>\
    <iframe srcdoc=\"<img src=https://mc.yandex.ru/watch/9>\"></iframe>\
    <iframe src=\"javascript:load('https://mc.yandex.ru/metrika/tag.js')\"></iframe>\
    <object data=https://mc.yandex.ru/e></object><amp-analytics type=metrika></amp-analytics>\
    <script>document.documentElement.className='js';s.src='https://mc.yandex.ru/metrika/tag.js'</script>\
    <script src=\"/metrics/gtag/js?id=G-ABC1234567\"></script>\
    <script id=__NEXT_DATA__ type=application/json>{\"a\":\"https://mc.yandex.ru/metrika/tag.js\"}</script>\
    </body></html>";

/// A build of a counter, by its words.
const LIBRARY: &str = "(function(){var h='https://mc.yandex.'+d;\
    if('_ym_uid_request'===n(c.data,\"_ym\"))p({__ym:1})})()";

/// What the visitor gets who asks so, where the site has this answer; nothing where it is not asked.
fn exchange(gateway: &Gateway, site: &Site, asked: &str, answer: Option<(&str, &str)>) -> String {
    let request = format!("{asked}\r\nHost: send-box.com\r\nConnection: close\r\n\r\n");
    let visitor = send(gateway.plain, &request);
    if let Some((fields, body)) = answer {
        let mut received = site.next().expect("the site is asked");
        let length = body.len();
        let answer =
            format!("HTTP/1.1 200 OK\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{body}");
        received.write(answer.as_bytes()).expect("it is taken");
    }
    let seen = visitor.read_to_the_end();
    assert!(site.unexpected().is_none(), "{asked}");
    let fields = seen.headers.iter().map(|(name, value)| {
        format!("{}: {}\n", name.to_ascii_lowercase(), String::from_utf8_lossy(value))
    });
    format!("{}\n{}", fields.collect::<String>(), text(&seen))
}

#[test]
fn whatever_the_gate_would_do_is_counted_the_same_and_not_done_where_it_observes() {
    let counted = [true, false].map(|observes| {
        let (rules, site) = (Rules::copy(), Site::start());
        if observes {
            rules.change("site.toml", "# mode = \"observe\"", "mode = \"observe\"");
        }
        let data = tempfile::tempdir().unwrap();
        let mut gateway = start(&rules, &site, &data);
        let page = "Content-Type: text/html; charset=utf-8\r\nRefresh: 9; url=https://mc.yandex.ru/a\r\n\
                    Link: <https://mc.yandex.ru/watch/1>; rel=stylesheet";
        let asked = "GET /shapes HTTP/1.1\r\nAccept: text/html\r\nSec-Fetch-Dest: document";
        let seen = exchange(&gateway, &site, asked, Some((page, SHAPES)));
        assert_eq!(seen.ends_with(SHAPES), observes, "{seen}");
        assert_eq!(seen.contains("refresh: 9; url=https://mc.yandex.ru/a"), observes, "{seen}");

        let script = "Content-Type: text/javascript\r\nCache-Control: public, max-age=9\r\nETag: \"v1\"";
        let asked = "GET /js/a.js HTTP/1.1\r\nSec-Fetch-Dest: script\r\nAccept-Encoding: gzip";
        let seen = exchange(&gateway, &site, asked, Some((script, LIBRARY)));
        assert_eq!(seen.ends_with(LIBRARY), observes, "{seen}");
        assert_eq!(seen.contains("cache-control: public, max-age=9\n"), observes, "{seen}");
        let asked = "GET /metrics/gtag/js?id=G-ABC1234567 HTTP/1.1\r\nSec-Fetch-Dest: script";
        let seen = exchange(&gateway, &site, asked, observes.then_some((script, "gtag()")));
        assert_eq!(seen.ends_with("gtag()"), observes, "{seen}");
        let asked = "POST /metrics/g/collect?v=2&tid=G-ABC1234567 HTTP/1.1\r\nSec-Fetch-Dest: empty\r\n\
                     Content-Length: 0";
        let seen = exchange(&gateway, &site, asked, observes.then_some(("X-Site: 1", "ok")));
        assert_eq!(seen.ends_with("ok"), observes, "{seen}");

        // What trackers keep in the browser is theirs meanwhile.
        let asked = "GET /.consent/ HTTP/1.1\r\nAccept: text/html";
        let seen = exchange(&gateway, &site, asked, None);
        assert_eq!(seen.contains("/.consent/forget-"), !observes, "{seen}");

        let metrics = text(&get(&gateway, "/metrics"));
        let counted = metrics.lines().filter(|line| {
            let names = ["withheld", "tags_", "pages_"];
            names.iter().any(|name| line.starts_with("kelisim_") && line.contains(name))
        });
        let counted: Vec<String> = counted.map(ToOwned::to_owned).collect();
        gateway.signal("TERM");
        gateway.wait();
        counted
    });
    assert_eq!(counted[0], counted[1]);
    for expected in [
        "kelisim_own_paths_withheld_total 2",
        "kelisim_libraries_withheld_total 1",
        "kelisim_tags_withheld_total 17",
        "kelisim_tags_in_states_total 1",
        "kelisim_withheld_total{vendor=\"google-analytics\",kind=\"script\"} 1",
        "kelisim_withheld_total{vendor=\"google-analytics\",kind=\"own\"} 2",
        "kelisim_withheld_total{vendor=\"yandex-metrica\",kind=\"script\"} 2",
        "kelisim_withheld_total{vendor=\"yandex-metrica\",kind=\"inline\"} 3",
        "kelisim_withheld_total{vendor=\"yandex-metrica\",kind=\"image\"} 6",
        "kelisim_withheld_total{vendor=\"yandex-metrica\",kind=\"frame\"} 1",
        "kelisim_withheld_total{vendor=\"yandex-metrica\",kind=\"hint\"} 3",
        "kelisim_withheld_total{vendor=\"yandex-metrica\",kind=\"refresh\"} 2",
        "kelisim_withheld_total{vendor=\"yandex-metrica\",kind=\"beacon\"} 1",
        "kelisim_withheld_total{vendor=\"yandex-metrica\",kind=\"own\"} 1",
    ] {
        assert!(counted[0].iter().any(|line| line == expected), "{expected}\n{:#?}", counted[0]);
    }
}

#[test]
fn the_admin_address_says_in_red_what_is_not_protected_and_runs_no_script() {
    let (rules, site, data) = (Rules::copy(), Site::start(), tempfile::tempdir().unwrap());
    let mut gateway = start(&rules, &site, &data);
    let status = get(&gateway, "/");
    assert_eq!(status.status(), 200);
    assert_eq!(status.values("content-type").next(), Some(&b"text/html; charset=utf-8"[..]));
    assert!(text(&status).contains("The site is protected."), "{}", text(&status));
    assert!(!text(&status).contains("class=\"bad\""));

    // What the rules say is shown, not run.
    add(&rules, &exempt("/shop", &in_days(3), "<script>alert(1)</script>"));
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    let page = text(&get(&gateway, "/"));
    let red =
        format!("<p class=\"bad\" role=\"alert\"><strong>Not protected until {}:", in_days(3));
    assert!(page.contains(&red), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"), "{page}");
    assert!(text(&get(&gateway, "/metrics")).contains("kelisim_exemptions 1\n"));
    assert_eq!(visit(&gateway, &site, "/shop/a"), PAGE);
    assert_ne!(visit(&gateway, &site, "/prices"), PAGE);

    rules.change("site.toml", "# mode = \"observe\"", "mode = \"observe\"");
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    let page = text(&get(&gateway, "/"));
    assert!(page.contains("<strong>The site is not protected.</strong>"), "{page}");
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let found = get(&gateway, "/");
    let sent = found.values("content-security-policy").next().expect("it has one");
    assert!(sent.starts_with(policy.as_bytes()));

    // A reload that is refused is told with its problems, until one succeeds.
    rules.change("site.toml", "control = \"button\"", "control = \"buton\"");
    gateway.signal("HUP");
    gateway.wait_for_line("nothing was reloaded");
    let page = text(&get(&gateway, "/"));
    assert!(page.contains("refused") && page.contains("did you mean `button`?"), "{page}");
    assert!(text(&get(&gateway, "/metrics")).contains("kelisim_reload_refused 1\n"));
    rules.change("site.toml", "control = \"buton\"", "control = \"button\"");
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    assert!(!text(&get(&gateway, "/")).contains("refused"));
}

#[test]
fn an_exemption_ends_within_ninety_days_or_is_refused_by_check_start_and_reload() {
    let (rules, site, data) = (Rules::copy(), Site::start(), tempfile::tempdir().unwrap());
    let mut gateway = start(&rules, &site, &data);
    add(&rules, &exempt("/shop", &in_days(91), "a ticket"));
    let ended = rules.check();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let said = "`/shop` is exempt until";
    assert!(ended.stderr.contains(said) && ended.stderr.contains("end it by"), "{}", ended.stderr);

    gateway.signal("HUP");
    gateway.wait_for_line(said);
    assert_ne!(visit(&gateway, &site, "/shop"), PAGE);
    let other = tempfile::tempdir().unwrap();
    let program = Program::run(site.address, other.path()).arg("--rules").arg(rules.folder());
    assert_eq!(program.end().code, Some(1));

    rules.change("site.toml", &in_days(91), &in_days(90));
    assert_eq!(rules.check().code, Some(0));
}

#[test]
fn no_exemption_counts_that_the_record_does_not_know_of() {
    let (rules, site, data) = (Rules::copy(), Site::start(), tempfile::tempdir().unwrap());
    let mut gateway = start(&rules, &site, &data);
    gateway.signal("TERM");
    gateway.wait();
    let record = data.path().join("consent.db");
    let good = fs::read(&record).unwrap();
    for ending in ["-wal", "-shm"] {
        // Gone already where the gateway closed the file.
        let _ = fs::remove_file(data.path().join(format!("consent.db{ending}")));
    }
    fs::write(&record, "this is no database\n".repeat(500)).unwrap();

    add(&rules, &exempt("/shop", &in_days(3), "a ticket"));
    let mut gateway = start(&rules, &site, &data);
    assert_ne!(visit(&gateway, &site, "/shop"), PAGE);
    let page = text(&get(&gateway, "/"));
    assert!(page.contains("It does not count yet: it could not be recorded"), "{page}");
    gateway.signal("HUP");
    gateway.wait_for_line("nothing was reloaded");
    assert_ne!(visit(&gateway, &site, "/shop"), PAGE);

    fs::write(&record, good).unwrap();
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    assert_eq!(visit(&gateway, &site, "/shop"), PAGE);
}

#[test]
fn a_page_that_cannot_be_unpacked_or_read_passes_all_the_same_while_the_gate_observes() {
    let (rules, site, data) = (Rules::copy(), Site::start(), tempfile::tempdir().unwrap());
    rules.change("site.toml", "# mode = \"observe\"", "mode = \"observe\"");
    let gateway = start(&rules, &site, &data);
    for head in ["Content-Encoding: gzip", "Content-Type: text/html; charset=iso-2022-jp", "X: y"] {
        let request = "GET / HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
        let visitor = send(gateway.plain, request);
        let mut received = site.next().expect("the site is asked");
        let head = match head.starts_with("Content-Type") {
            true => head.to_owned(),
            false => format!("Content-Type: text/html\r\n{head}"),
        };
        let answer =
            format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len());
        received.write(answer.as_bytes()).expect("it is taken");
        assert_eq!(text(&visitor.read_to_the_end()), PAGE, "{head}");
    }
    let counted = withheld(&gateway).join("\n");
    assert!(counted.contains("{vendor=\"yandex-metrica\",kind=\"script\"} 1"), "{counted}");
}

/// What `kelisim check` prints on a day, with the folder of rules called `rules`.
fn check(rules: &Rules, day: &str) -> String {
    let program = Program::new().arg("check").arg("--rules").arg(rules.folder());
    let (code, stdout, stderr) = program.arg("--day").arg(day).print();
    let said = format!("{stdout}{stderr}").replace(rules.folder(), "rules");
    format!("$ kelisim check --day {day}\nexit code {}\n{said}", code.expect("it ends by itself"))
}

#[test]
fn check_says_what_is_wrong_and_warns_of_what_takes_protection_away() {
    let rules = Rules::known();
    let mut told = vec![check(&rules, "2026-11-22")];
    add(&rules, &exempt("/shop", "2026-12-24", "ticket 481"));
    add(&rules, "[[site-banner]]\naction = \"win\"\n");
    rules.change("site.toml", "control = ", "mode = \"observe\"\ncontrol = ");
    for day in ["2026-11-22", "2026-12-24", "2026-08-01"] {
        told.push(check(&rules, day));
    }
    add(&rules, &exempt("/shop", "2026-12-24", " "));
    add(&rules, "[[exempt]]\npath = \"/a\"\nuntil = \"24.12.2026\"\n");
    add(&rules, "[[site-banner]]\naction = \"hide\"\nselector = \"body\"\n");
    add(&rules, "[unlisted]\nscript = \"pass\"\n");
    rules.change("vendors/own.toml", "is = [\"sb_session\"]", "is = [\"sb_sesion\"]");
    rules.change("texts/en.toml", "decline = ", "declin = ");
    told.push(check(&rules, "2026-11-22"));
    compare("check", &told.join("\n"));
}
