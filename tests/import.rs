//! `kelisim import`, and lists of others as operators and visitors meet them.
//!
//! The lists in `tests/imported/` are our own: nobody else's is shipped. What is printed and written stands in
//! `tests/snapshots/`.

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

use harness::broken::Rules;
use harness::message::Message;
use harness::program::{Gateway, Program, ask, send, until};
use harness::site::Site;
use harness::snapshot::compare;

const FILTERS: &str = "tests/imported/our-trackers.txt";
const COOKIES: &str = "tests/imported/Our_Cookies.csv";

/// The exit code of `kelisim import`, and what it prints, with the folder called `rules`.
fn import(rules: &Rules, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Program::new().arg("import").arg("--rules").arg(rules.folder());
    for argument in arguments {
        program = program.arg(argument);
    }
    let (code, stdout, stderr) = program.print();
    let plain = |text: String| text.replace(rules.folder(), "rules");
    (code, plain(stdout), plain(stderr))
}

/// Rules into which our lists were imported.
fn with_lists(rules: Rules) -> Rules {
    let (code, _, stderr) = import(&rules, &[FILTERS, COOKIES]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    rules
}

/// A text without the days in it.
fn undated(text: &str) -> String {
    let day = regex::Regex::new(r"\d{4}-\d\d-\d\d").expect("a pattern");
    day.replace_all(text, "<day>").into_owned()
}

fn run(command: &str, rules: &Rules, arguments: &[&str]) -> String {
    let mut program = Program::new().arg(command).arg("--rules").arg(rules.folder());
    for argument in arguments {
        program = program.arg(argument);
    }
    let (code, stdout, stderr) = program.print();
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{command} {arguments:?}");
    undated(&stdout.replace(rules.folder(), "rules"))
}

#[test]
fn what_is_imported_is_said_and_written_to_be_read_and_passes_check() {
    let rules = Rules::known();
    let (code, said, stderr) = import(&rules, &[FILTERS, COOKIES]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    compare("import", &undated(&said));
    let mut written = String::new();
    for name in [
        "our-trackers.toml",
        "our-trackers.txt",
        "our-cookies-analytics.toml",
        "our-cookies-marketing.toml",
    ] {
        let text = fs::read_to_string(rules.path("lists").join(name)).expect("it was written");
        written = [written, format!("==== rules/lists/{name}\n{}", undated(&text))].concat();
    }
    assert_eq!(fs::read_dir(rules.path("lists")).expect("a folder").count(), 4);
    compare("import-written", &written);
    let checked = run("check", &rules, &[]);
    let lists: Vec<_> = checked.lines().filter(|line| line.starts_with("lists/")).collect();
    compare("import-check", &lists.join("\n"));
}

#[test]
fn a_list_that_is_there_is_overwritten_only_when_told_and_a_new_one_is_compared_by_diff() {
    let rules = with_lists(Rules::known());
    let own = rules.path("lists/our-trackers.toml");
    rules.change("lists/our-trackers.toml", "\"report-only\"", "\"hold\"");
    let edited = fs::read_to_string(&own).expect("it is there");

    let folder = tempfile::tempdir().expect("a folder");
    let newer = folder.path().join("our-trackers.txt");
    let text = fs::read_to_string(FILTERS).expect("it is there");
    let text = text.replace("||pixel.example^$image\n", "||new.example^\n||newer.example^\n");
    fs::write(&newer, text).expect("it can be written");
    let newer = newer.to_str().expect("text");

    let (code, said, stderr) = import(&rules, &[newer]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(
        stderr.starts_with("rules/lists/our-trackers.txt: is there already; `--force`"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(&own).expect("it is there"), edited);

    let before = with_lists(Rules::known());
    assert_eq!(import(&rules, &[newer, "--force"]).0, Some(0));
    assert!(fs::read_to_string(&own).expect("it is there").contains("action = \"report-only\""));
    let (code, changes, _) =
        Program::new().arg("diff").arg(before.folder()).arg(rules.folder()).print();
    assert_eq!(code, Some(0));
    assert!(changes.contains("~ lists/our-trackers.txt: 2 filters new, 1 gone\n"), "{changes}");
}

#[test]
fn what_is_no_list_is_refused_with_its_line_and_nothing_is_written() {
    let rules = Rules::known();
    let folder = tempfile::tempdir().expect("a folder");
    let header = fs::read_to_string(COOKIES).expect("it is there");
    let header = header.lines().next().expect("a line").to_owned();
    for (name, bytes, said) in [
        (
            "page.txt",
            "\n<!doctype html>\n! x\n".as_bytes().to_vec(),
            "page.txt:2: is neither a list",
        ),
        ("empty.txt", Vec::new(), "empty.txt:1: is neither a list"),
        ("latin.txt", b"! a\n||a.example^\n||\xe4.example^\n".to_vec(), "latin.txt:3: is no UTF-8"),
        (
            "hiding.txt",
            b"! a\na.example##.b\n".to_vec(),
            "hiding.txt: has no filter that the gate can use",
        ),
        (
            "columns.csv",
            b"ID,Cookie / Data Key name\n1,a\n".to_vec(),
            "columns.csv:1: lacks the column `Platform`",
        ),
        (
            "row.csv",
            format!("{header}\n1,A,Analytics,a,,,,,,0\n2,B,Analytics,b\n").into_bytes(),
            "row.csv:3: has 4 columns, and the first line names 10",
        ),
        (
            "open.csv",
            format!("{header}\n1,A,Analytics,a,,,,,,yes\n").into_bytes(),
            "open.csv:2: `Wildcard match` is `yes`; it is 0 or 1",
        ),
        (
            "none.csv",
            format!("{header}\n1,A,Functional,a,,,,,,0\n").into_bytes(),
            "none.csv: has no cookie of the categories",
        ),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).expect("it can be written");
        // A right one before it is not written either.
        let (code, stdout, stderr) = import(&rules, &[FILTERS, file.to_str().expect("text")]);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{name}: {stderr}");
        assert!(stderr.contains(said), "{name}: {stderr}");
        assert!(!rules.path("lists").exists(), "{name}");
    }
    let twice = folder.path().join("Our trackers.txt");
    fs::copy(FILTERS, &twice).expect("it can be copied");
    for (arguments, said) in [
        (&["no-such.txt"][..], "no-such.txt: cannot be read"),
        (&[FILTERS, twice.to_str().expect("text")], "another file becomes `our-trackers.txt`, too"),
        (&[FILTERS, "--rules", "tests"], "tests: is no folder of rules"),
    ] {
        let mut program = Program::new().arg("import");
        if !arguments.contains(&"--rules") {
            program = program.arg("--rules").arg(rules.folder());
        }
        for argument in arguments {
            program = program.arg(argument);
        }
        let (code, _, stderr) = program.print();
        assert!(code == Some(1) && stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_broken_list_in_the_rules_is_a_problem_with_its_line() {
    const LIST: &str = "lists/our-trackers.toml";
    const TEXT: &str = "lists/our-trackers.txt";
    const NAMES: &str = "lists/our-cookies-analytics.toml";
    for (file, old, new, said) in [
        (
            LIST,
            "\"report-only\"",
            "\"report\"",
            "unknown variant `report`, expected `report-only` or `hold`",
        ),
        (LIST, "action =", "acton =", "did you mean `action`?"),
        (LIST, "\"undeclared\"", "\"operator\"", "recipient `operator` is the site itself"),
        (LIST, "\"undeclared\"", "\"yandex-metrika\"", "did you mean `yandex-metrica`?"),
        (LIST, "purpose = \"analytics\"", "purpose = \"analitics\"", "did you mean `analytics`?"),
        (LIST, "is = [", "is = [\"https://a.example/\", ", "no filter stops `https://a.example/`"),
        (LIST, "is = [", "is = [\"a.example\", ", "example `a.example` is no address"),
        (
            LIST,
            "is_not = []",
            "is_not = [\"https://tracker.example/t.js\"]",
            "add an exception such as `@@||tracker.example^`",
        ),
        (
            TEXT,
            "||pixel.example^$image",
            "a.kz##.b",
            "the filter `a.kz##.b` hides or changes elements",
        ),
        (
            TEXT,
            "||pixel.example^$image",
            "||a.kz^$ping",
            "is for requests alone that pages do not name",
        ),
        (
            TEXT,
            "||pixel.example^$image",
            "||a.kz^$imge",
            "has an option or a pattern that cannot be read",
        ),
        (NAMES, "name = \"oc_uid\"", "name = \"oc uid\"", "`oc uid` is no cookie name"),
        (NAMES, "is = [\"oc_uid\"]", "is = [\"oc_id\"]", "does not match its example `oc_id`"),
    ] {
        let rules = with_lists(Rules::known());
        let line = rules.change(file, old, new);
        let ended = rules.check();
        assert_eq!(ended.code, Some(1), "{new}");
        let problem = format!("{}/{file}:{line}: ", rules.folder());
        // An entry's own problem stands at its first line.
        let above = format!("{}/{file}:{}: ", rules.folder(), line - 1);
        let above2 = format!("{}/{file}:{}: ", rules.folder(), line.saturating_sub(2));
        let told = ended.stderr.lines().find(|told| told.contains(said));
        let told = told.unwrap_or_else(|| panic!("{new}: {}", ended.stderr));
        assert!([problem, above, above2].iter().any(|at| told.starts_with(at)), "{line}: {told}");
        assert!(ended.stderr.contains("1 problem in "), "{}", ended.stderr);
    }
    let broken = |change: &dyn Fn(&Rules), said: &str| {
        let rules = with_lists(Rules::known());
        change(&rules);
        let stderr = rules.check().stderr;
        assert!(stderr.contains(said), "{stderr}");
    };
    let write = |rules: &Rules, name: &str, text: &str| {
        fs::write(rules.path(name), text).expect("it can be written");
    };
    broken(
        &|rules| fs::remove_file(rules.path(LIST)).expect("it is there"),
        "our-trackers.txt: has no `our-trackers.toml` beside it",
    );
    broken(
        &|rules| {
            rules.change(LIST, "is = ", "# is = ");
            fs::remove_file(rules.path(TEXT)).expect("it is there");
        },
        "names nothing; put filters into `our-trackers.txt`",
    );
    broken(&|rules| write(rules, TEXT, "! nothing\n"), "our-trackers.txt: has no filter");
    broken(&|rules| write(rules, "lists/a.csv", ""), "lists/a.csv: is no list");
    broken(
        &|rules| {
            let text = fs::read_to_string(rules.path(NAMES)).expect("it is there");
            for number in 0..16 {
                write(rules, &format!("lists/a{number}.toml"), &text);
            }
        },
        "holds 19 lists; there may be 16",
    );
    broken(
        &|rules| {
            let text = fs::read_to_string(rules.path(NAMES)).expect("it is there");
            let more = "[[cookie]]\nname = \"oc_uid\"\nis = [\"oc_uid\"]\nis_not = [\"a\"]\n";
            write(rules, NAMES, &format!("{text}\n{more}"));
        },
        "the same name stands on line ",
    );
}

const PAGE: &str = "<!doctype html><html><head><link rel=preconnect href=https://tracker.example></head><body>\
    <script src=\"https://tracker.example/t.js\"></script><script src=\"https://tracker.example/harmless.js\"></script>\
    <img src=\"https://pixel.example/1\"><script src=\"https://pixel.example/x.js\"></script>\
    <img src=\"https://cdn.example/count.gif?1\"><img src=\"/count.gif?1\"><img src=//my.send-box.com/count.gif?1>\
    <iframe src=//frame.example/f></iframe><script src=//elsewhere.example/a.js></script>\
    <iframe srcdoc=\"<img src=https://pixel.example/2>\"></iframe><noscript><img src=https://pixel.example/3></noscript>\
    </body></html>";

/// The page, and what the site receives and the visitor gets of cookies.
fn visit(gateway: &Gateway, site: &Site) -> (String, String, Message) {
    let request = "GET / HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html\r\nCookie: oc_uid=1; oc_seg_a=2; theme=dark\r\n\
         Sec-Fetch-Dest: document\r\nConnection: close\r\n\r\n";
    let visitor = send(gateway.plain, request);
    let mut received = site.next().expect("the site is asked");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nSet-Cookie: oc_uid=3\r\nSet-Cookie: xad5=3\r\n\
         Link: <https://tracker.example>; rel=preconnect, </a.css>; rel=preload\r\nContent-Length: {}\r\n\r\n{PAGE}",
        PAGE.len()
    );
    received.write(answer.as_bytes()).expect("it is taken");
    let sent =
        received.request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let sent = sent.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    let answer = visitor.read_to_the_end();
    (String::from_utf8_lossy(&answer.body).into_owned(), sent.unwrap_or_default(), answer)
}

fn field(message: &Message, name: &str) -> Vec<String> {
    let fields = message.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    fields.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

fn metrics(gateway: &Gateway) -> String {
    let message =
        ask(gateway.admin, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    String::from_utf8_lossy(&message.body).into_owned()
}

/// What a counter counted of lists.
fn counted(gateway: &Gateway, counter: &str) -> Vec<String> {
    let metrics = metrics(gateway);
    let lines = metrics.lines().filter_map(|line| line.strip_prefix(counter));
    lines.filter(|line| line.contains("\"lists/")).map(str::to_owned).collect()
}

#[test]
fn a_list_only_counts_until_it_is_told_to_hold_and_then_withholds_the_same() {
    let (rules, site) = (with_lists(Rules::known()), Site::start());
    let data = tempfile::tempdir().expect("a folder");
    let gateway =
        Program::run(site.address, data.path()).arg("--rules").arg(rules.folder()).start();

    let (page, sent, answer) = visit(&gateway, &site);
    let banner =
        page.find("<div id=cc-main").or_else(|| page.find("<link rel=stylesheet href=\"/.consent"));
    // Vendors' files withhold, so the page and the frame in it have a guard; all else is as it was.
    let guard = regex::Regex::new("<script src=(?:\"|&quot;)/.consent/guard-.*?</script>");
    let without = guard.expect("an expression").replace_all(&page, "");
    assert!(without.starts_with(PAGE.strip_suffix("</body></html>").expect("its end")), "{page}");
    assert!(banner.is_some() || page.contains("/.consent/"), "{page}");
    assert_eq!(sent, "oc_uid=1; oc_seg_a=2; theme=dark");
    assert_eq!(field(&answer, "set-cookie").len(), 2);
    assert_eq!(
        field(&answer, "link"),
        ["<https://tracker.example>; rel=preconnect, </a.css>; rel=preload"]
    );
    let reported = counted(&gateway, "kelisim_reported_total");
    let expected = [
        "{list=\"lists/our-cookies-analytics\",kind=\"cookie\"} 2",
        "{list=\"lists/our-cookies-analytics\",kind=\"set-cookie\"} 1",
        "{list=\"lists/our-cookies-marketing\",kind=\"set-cookie\"} 1",
        "{list=\"lists/our-trackers\",kind=\"script\"} 1",
        "{list=\"lists/our-trackers\",kind=\"image\"} 4",
        "{list=\"lists/our-trackers\",kind=\"frame\"} 1",
        "{list=\"lists/our-trackers\",kind=\"hint\"} 2",
    ];
    assert_eq!(reported, expected);
    assert_eq!(counted(&gateway, "kelisim_withheld_total"), [""; 0]);
    let status = ask(gateway.admin, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let status = String::from_utf8_lossy(&status.body).into_owned();
    for said in [
        "<td>lists/our-trackers</td><td>7 filters</td><td>report-only</td>",
        "<td>image</td><td>4</td>",
    ] {
        assert!(status.contains(said), "{said}: {status}");
    }

    // A list that is broken is not put into force.
    let filters = fs::read_to_string(rules.path("lists/our-trackers.txt")).expect("it is there");
    for name in ["our-trackers", "our-cookies-analytics", "our-cookies-marketing"] {
        rules.change(&format!("lists/{name}.toml"), "\"report-only\"", "\"hold\"");
    }
    fs::write(rules.path("lists/our-trackers.txt"), format!("{filters}a.kz##.b\n"))
        .expect("it can be written");
    gateway.signal("HUP");
    until("the reload is refused", || metrics(&gateway).contains("kelisim_reload_refused 1\n"));
    assert!(visit(&gateway, &site).0.contains("<img src=\"https://pixel.example/1\">"));

    fs::write(rules.path("lists/our-trackers.txt"), filters).expect("it can be written");
    gateway.signal("HUP");
    until("the reload is in force", || metrics(&gateway).contains("kelisim_reload_refused 0\n"));
    let (page, sent, answer) = visit(&gateway, &site);
    let held = "<script type=\"text/plain\" data-consent=\"undeclared\" data-consent-src=\"https://tracker.example/t.js\"></script>";
    assert!(page.contains(held), "{page}");
    for stays in [
        "<script src=\"https://tracker.example/harmless.js\"></script>",
        "<script src=\"https://pixel.example/x.js\"></script>",
        "<img src=\"/count.gif?1\"><img src=//my.send-box.com/count.gif?1>",
        "<script src=//elsewhere.example/a.js></script>",
        "<img>\"></iframe><noscript><img></noscript>",
    ] {
        assert!(page.contains(stays), "{stays}: {page}");
    }
    for goes in [
        "https://tracker.example\"",
        "https://tracker.example>",
        "pixel.example/1",
        "cdn.example",
        "frame.example",
    ] {
        assert!(!page.contains(goes), "{goes}: {page}");
    }
    assert_eq!(sent, "theme=dark");
    let set = field(&answer, "set-cookie");
    assert!(
        !set.iter().any(|line| line.starts_with("oc_uid=3") || line.starts_with("xad5")),
        "{set:?}"
    );
    assert!(set.iter().any(|line| line.starts_with("oc_uid=;")), "{set:?}");
    assert_eq!(field(&answer, "link"), ["</a.css>; rel=preload"]);
    let expected: Vec<_> = expected.iter().map(|line| line.replace("{list=", "{vendor=")).collect();
    assert_eq!(counted(&gateway, "kelisim_withheld_total"), expected);
}

#[test]
fn explain_names_the_list_the_filter_and_its_line() {
    let rules = with_lists(Rules::known());
    let explain = |arguments: &[&str]| {
        format!("$ kelisim explain {}\n{}", arguments.join(" "), run("explain", &rules, arguments))
    };
    let tracker = &["--url", "https://tracker.example/t.js", "--as", "script"][..];
    let mut told = vec![
        explain(tracker),
        explain(&["--url", "https://tracker.example/harmless.js", "--as", "script"]),
        explain(&["--url", "https://cdn.example/count.gif?1", "--as", "image"]),
        explain(&["--url", "https://send-box.com/count.gif?1", "--as", "image"]),
        explain(&["--cookie", "oc_seg_a"]),
        explain(&["--cookie", "_ym_uid"]),
    ];
    rules.change("lists/our-trackers.toml", "\"report-only\"", "\"hold\"");
    rules.change("lists/our-cookies-analytics.toml", "\"report-only\"", "\"hold\"");
    told.push("==== action = \"hold\"\n".to_owned());
    told.push(explain(tracker));
    told.push(explain(&["--cookie", "oc_seg_a", "--choices", "all"]));
    // The operator's own rule speaks of it, and the visitor agreed.
    told.push(explain(&[
        "--url",
        "https://mc.yandex.ru/watch/1",
        "--as",
        "image",
        "--choices",
        "all",
    ]));
    let page = tempfile::NamedTempFile::with_suffix(".html").expect("a file");
    fs::write(&page, PAGE).expect("it can be written");
    let page = page.path().to_str().expect("text");
    told.push(explain(&["--html", page]).replace(page, "page.html"));
    // With a recipient that the policy names, agreement counts.
    rules.change("lists/our-trackers.toml", "\"undeclared\"", "\"yandex-metrica\"");
    told.push("==== recipient = \"yandex-metrica\"\n".to_owned());
    told.push(explain(tracker));
    let agreed = [tracker, &["--choices", "analytics"]].concat();
    told.push(explain(&agreed));
    compare("explain-lists", &told.join("\n"));
}
