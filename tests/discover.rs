//! What no rule knows, as the operator sees it: the admin address, `kelisim discover`, the rules that come of it.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod home;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;
use std::process::Command;

use harness::broken::Rules;
use harness::home::Home;
use harness::program::{Gateway, Program, ask, send};
use harness::site::Site;
use kelisim::observe::Discovered;

/// A page with one of each kind that no rule knows, beside what rules know and what is the site's own.
const PAGE: &str = "<!doctype html><html><head><link rel=preconnect href=//fonts.widgets.example>\
    <script src=\"https://mc.yandex.ru/metrika/tag.js\"></script><script src=/own.js></script>\
    <script src=https://static.send-box.com/own.js></script><script src=https://send-box.com/own.js></script>\
    <script src=\"https://cdn.widgets.example/w.js?user=ivan\"></script></head><body>\
    <script>var s=document.createElement('script');s.src='https://load.widgets.example/'+id;put(s)</script>\
    <script>var help='https://help.widgets.example/'</script>\
    <script>self.__next_f.push([1,\"s.src='https://state.widgets.example/'\"])</script>\
    <iframe src=https://maps.town.com.kz/f></iframe><iframe srcdoc=\"<img src=//p.town.com.kz/i.gif>\"></iframe>\
    <noscript><img src=https:\\\\p.town.com.kz/i.gif?id=1></noscript><a href=https://links.example/>a</a>\
    <template><base href=https://base.example/></template></body></html>";

/// What stands in it: kind, name, how often.
const IN_PAGE: [(&str, &str, u64); 6] = [
    ("script", "cdn.widgets.example", 1),
    ("inline", "load.widgets.example", 1),
    ("image", "p.town.com.kz", 2),
    ("frame", "maps.town.com.kz", 1),
    ("hint", "base.example", 1),
    ("hint", "fonts.widgets.example", 1),
];

fn visit(gateway: &Gateway, site: &Site, path: &str, cookies: &str, more: &str) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html\r\n{cookies}\
         Sec-Fetch-Dest: document\r\nConnection: close\r\n\r\n"
    );
    let visitor = send(gateway.plain, &request);
    let mut received = site.next().expect("the site is asked");
    let length = PAGE.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n{more}Content-Length: {length}\r\n\r\n{PAGE}"
    );
    received.write(answer.as_bytes()).expect("it is taken");
    visitor.read_to_the_end();
}

/// What the admin address tells, as text.
fn get(gateway: &Gateway, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    String::from_utf8(ask(gateway.admin, &request).body).expect("it is text")
}

fn discovered(text: &str) -> Discovered {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Kind, name and count, sorted as the kinds are.
fn found(discovered: &Discovered) -> Vec<(&'static str, &str, u64)> {
    let mut found: Vec<_> = discovered.found.iter().collect();
    found.sort_by_key(|found| (found.kind, found.name.clone()));
    found.iter().map(|found| (found.kind.name(), found.name.as_str(), found.count)).collect()
}

fn discover(arguments: &[&str]) -> (Option<i32>, String, String) {
    let program = Program::new().arg("discover");
    arguments.iter().fold(program, |program, argument| program.arg(argument)).print()
}

/// Fills in what only the operator can say.
fn fill_in(rules: &Rules, file: &str, purpose: &str, recipient: &str) {
    for (key, value) in [("name", "Somebody"), ("purpose", purpose), ("recipient", recipient)] {
        rules.change(file, &format!("{key} = \"\""), &format!("{key} = \"{value}\""));
    }
}

#[test]
fn what_a_gateway_met_becomes_rules_and_is_met_no_more() {
    let (rules, site, data) = (Rules::copy(), Site::start(), tempfile::tempdir().unwrap());
    let mut gateway =
        Program::run(site.address, data.path()).arg("--rules").arg(rules.folder()).start();
    let cookies = "Cookie: _ga=1; theme=dark; visit_12345678=secret; consent=x\r\n";
    let set = "Set-Cookie: chat=secret; Path=/\r\nSet-Cookie: _ym_uid=1\r\nLink: <https://early.widgets.example>; rel=preconnect\r\n";
    visit(&gateway, &site, "/shop/7654321?phone=77010000000", cookies, set);
    let told = get(&gateway, "/discovered");
    let all = discovered(&told);
    let mut expected = IN_PAGE.to_vec();
    expected.insert(5, ("hint", "early.widgets.example", 1));
    expected.extend([("cookie", "theme", 1), ("cookie", "visit_*", 1), ("set-cookie", "chat", 1)]);
    assert_eq!(found(&all), expected);
    // The page, and the answer that set cookies.
    assert_eq!((all.looked_at, all.others.len()), (2, 0));
    assert!(all.found.iter().all(|found| found.page == "/shop/*" && found.first == found.last));
    let page = get(&gateway, "/");
    for text in [&told, &page] {
        for personal in ["ivan", "secret", "7701", "7654321", "12345678"] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
    }
    for (_, name, _) in found(&all) {
        assert!(page.contains(&format!("<td>{name}</td>")), "{name} in {page}");
    }

    // It is made files of, of which none is complete.
    let (admin, folder) = (gateway.admin.to_string(), rules.path("vendors"));
    let folder = folder.to_str().unwrap();
    let recorded = data.path().join("found.json").to_str().unwrap().to_owned();
    fs::write(&recorded, discover(&["--admin", &admin, "--json"]).1).unwrap();
    let files = ["base-example.toml", "town-com-kz.toml", "widgets-example.toml", "cookies.toml"];
    let (code, said, stderr) = discover(&["--admin", &admin, "--into", folder]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let lines = files
        .map(|file| format!("{folder}/{file}: written; fill in name, purpose and recipient\n"));
    assert_eq!(said, lines.concat());
    let refused = rules.check();
    assert_eq!(refused.code, Some(1));
    for file in files {
        let said = |what: &str| {
            refused.stderr.lines().any(|line| line.contains(file) && line.contains(what))
        };
        assert!(said("purpose"), "{file}: {}", refused.stderr);
    }
    // What is printed is the same, and what is there is not written over.
    let (_, printed, _) = discover(&["--admin", &admin]);
    for file in files {
        let text = fs::read_to_string(rules.path("vendors").join(file)).unwrap();
        assert!(printed.contains(&text), "{text}\nis not in\n{printed}");
    }
    fill_in(&rules, "vendors/base-example.toml", "analytics", "base");
    fill_in(&rules, "vendors/town-com-kz.toml", "analytics", "town");
    fill_in(&rules, "vendors/widgets-example.toml", "marketing", "widgets");
    fill_in(&rules, "vendors/cookies.toml", "operation", "operator");
    let (_, said, _) = discover(&["--admin", &admin, "--into", folder]);
    assert_eq!(
        said.matches("is there already, and stays as it is\n").count(),
        files.len(),
        "{said}"
    );

    // Filled in they are rules, whose work can be told beforehand.
    let checked = rules.check();
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let (code, differs, stderr) = Program::new()
        .arg("diff")
        .arg("rules")
        .arg(rules.folder())
        .arg("--on")
        .arg(&recorded)
        .print();
    assert_eq!(code, Some(0), "{stderr}");
    for line in [
        "cdn.widgets.example (script, 1 times): passes → withheld for good",
        "load.widgets.example (inline, 1 times): passes → withheld for good",
        "p.town.com.kz (image, 2 times): passes → withheld for good",
    ] {
        assert!(differs.lines().any(|is| is == line), "`{line}` is not in\n{differs}");
    }
    assert!(!differs.contains("theme ("), "{differs}");

    // The gateway does not know them yet; what they know can be left out all the same.
    let (_, said, _) = discover(&["--admin", &admin, "--rules", rules.folder()]);
    assert_eq!(said, "# 2 answers were looked through; rules know all that they held\n");
    assert_eq!(found(&discovered(&get(&gateway, "/discovered"))), expected);

    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    assert_eq!(found(&discovered(&get(&gateway, "/discovered"))), []);
    assert!(get(&gateway, "/").contains("<p>Nothing.</p>"));
    visit(&gateway, &site, "/shop", cookies, set);
    assert_eq!(found(&discovered(&get(&gateway, "/discovered"))), []);
    let (code, said, _) = discover(&["--admin", &admin]);
    assert_eq!(code, Some(0));
    assert_eq!(said, "# 4 answers were looked through; rules know all that they held\n");
}

#[test]
fn pages_in_files_are_looked_through_whether_the_unlisted_pass_or_not() {
    let (rules, folder) = (Rules::copy(), tempfile::tempdir().unwrap());
    let file = folder.path().join("page.html");
    fs::write(&file, PAGE).unwrap();
    let file = file.to_str().unwrap();
    let passing = discover(&[file, file, "--rules", rules.folder(), "--json"]);
    let from_stdin = Command::new(env!("CARGO_BIN_EXE_kelisim"))
        .args(["discover", "-", file, "--json", "--rules", rules.folder()])
        .stdin(fs::File::open(file).unwrap())
        .output()
        .unwrap();
    let from_stdin = String::from_utf8(from_stdin.stdout).unwrap();
    assert_eq!(found(&discovered(&from_stdin)), found(&discovered(&passing.1)));
    let twice = IN_PAGE.map(|(kind, name, count)| (kind, name, 2 * count));
    assert_eq!(found(&discovered(&passing.1)), twice);
    let site = rules.path("site.toml");
    let text = fs::read_to_string(&site).unwrap();
    fs::write(
        &site,
        format!("{text}\n[unlisted]\nscripts = \"withhold\"\nexcept = [\"maps.town.com.kz\"]\n"),
    )
    .unwrap();
    let (_, withheld, _) = discover(&[file, "--rules", rules.folder(), "--json"]);
    let expected: Vec<_> = IN_PAGE.into_iter().filter(|(kind, ..)| *kind != "frame").collect();
    assert_eq!(found(&discovered(&withheld)), expected);

    let (code, text, _) = discover(&[file, "--rules", rules.folder()]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("# ======== rules/vendors/base-example.toml"), "{text}");
    let (code, _, stderr) = discover(&["no-such-page.html"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no-such-page.html: cannot be read"), "{stderr}");
}

#[test]
fn as_many_pages_are_looked_through_as_the_settings_say() {
    for (settings, expected) in
        [("one-in = 0\nfirst = 0", 0), ("one-in = 2\nfirst = 1", 3), ("", 4)]
    {
        let (home, site) = (Home::new(&format!("[discovery]\n{settings}\n")), Site::start());
        let gateway = home.gateway(site.address).start();
        for _ in 0..4 {
            visit(&gateway, &site, "/", "", "");
        }
        let met = discovered(&get(&gateway, "/discovered"));
        assert_eq!(met.looked_at, expected, "{settings}");
        let counts = met.found.iter().map(|found| found.count).max().unwrap_or_default();
        // The pixels.
        assert_eq!(counts, 2 * expected, "{settings}");
    }
}

#[test]
fn what_is_no_gateway_is_told_so() {
    let site = Site::start();
    let asked = std::thread::spawn({
        let address = site.address.to_string();
        move || discover(&["--admin", &address])
    });
    let mut received = site.next().expect("it is asked");
    received.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").expect("it is taken");
    let (code, _, stderr) = asked.join().expect("it ends");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is no list of discoveries"), "{stderr}");
}
