//! `kelisim explain`: which rule speaks, what the verdict is, and why.
//!
//! What it prints stands in `tests/snapshots/`, by rules of its own in `tests/explained/`: the shipped ones
//! change. That it tells what is done is shown on real pages by the shipped rules.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod snapshot;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use harness::broken::Rules;
use harness::program::Program;
use harness::snapshot::compare;
use kelisim::charset;
use kelisim::gate::document::Document;
use kelisim::gate::fate::{Fate, Fates};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::gate::trace::{Asked, Deed, Trace};
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::rules::Use;
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use kelisim::{demo, html, rules};

/// What `kelisim explain` prints, with the folder of rules called `rules`.
fn explain(rules: &Rules, arguments: &[&str]) -> String {
    let mut program = Program::new().arg("explain").arg("--rules").arg(rules.folder());
    for argument in arguments {
        program = program.arg(argument);
    }
    let (code, stdout, stderr) = program.print();
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
    format!(
        "$ kelisim explain {}\n{}",
        arguments.join(" "),
        stdout.replace(rules.folder(), "rules")
    )
}

#[test]
fn the_chain_from_rule_to_verdict_is_told_for_addresses_and_cookies() {
    let rules = Rules::known();
    let told = [
        &["--url", "https://mc.yandex.kz/watch/1", "--as", "image"][..],
        &["--url", "https://mc.yandex.kz/watch/1", "--as", "image", "--choices", "analytics"],
        &["--url", "https://www.googletagmanager.com/gtag/js?id=AW-1", "--choices", "all"],
        &["--url", "https://example.com/a.js"],
        &["--cookie", "_ym_uid"],
        &["--cookie", "_ym_uid", "--choices", "all"],
        &["--cookie", "sb_session"],
        &["--cookie", "unknown"],
        &["--url", "https://send-box.com/counter/tag.js"],
        &["--url", "https://send-box.com/counter/tag.js", "--as", "script", "--choices", "all"],
        &["--key", "_ym_uid"],
        &["--key", "_ym_uid", "--choices", "analytics"],
        &["--key", "cart"],
        &["--script", "tests/explained/library.js"],
        &["--script", "tests/explained/library.js", "--choices", "analytics"],
        &["--script", "tests/explained/page.html"],
    ];
    let told: Vec<_> = told.iter().map(|arguments| explain(&rules, arguments)).collect();
    compare("explain", &told.join("\n"));

    rules.change("site.toml", "control = ", "suspended = [\"analytics\"]\ncontrol = ");
    let told = explain(&rules, &["--cookie", "_ym_uid", "--choices", "all"]);
    assert!(told.contains("withheld: `analytics` is suspended in site.toml (suspended)"), "{told}");
}

#[test]
fn each_element_of_a_page_that_is_changed_is_told_with_its_line_and_its_rule() {
    let rules = Rules::known();
    let told = [
        &["--html", "tests/explained/page.html"][..],
        &["--html", "tests/explained/page.html", "--choices", "all"],
    ];
    let told: Vec<_> = told.iter().map(|arguments| explain(&rules, arguments)).collect();
    compare("explain-html", &told.join("\n"));

    // Fields count as well: hints, where the answer leads on, and what may not be changed.
    let fields = [
        "Link: </site.css>; rel=preload; as=style, <https://mc.yandex.ru>; rel=preconnect",
        "Refresh: 3; url=https://mc.yandex.ru/watch/1",
        "Content-Security-Policy: script-src 'sha256-YQ=='; style-src 'sha256-YQ=='",
    ];
    let mut arguments = vec!["--html", "tests/explained/page.html"];
    arguments.extend(fields.iter().flat_map(|field| ["--header", *field]));
    compare("explain-fields", &explain(&rules, &arguments));

    // A base is the page's own: of a relative address nothing can be told without it.
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.html");
    fs::write(&page, "\n<script src=/metrika/tag.js></script>").expect("it can be written");
    let page = page.to_str().expect("text");
    assert!(explain(&rules, &["--html", page]).ends_with(": 0 elements changed\n"));
    let there = explain(&rules, &["--html", page, "--page", "https://mc.yandex.ru/"]);
    assert!(there.contains(":2: held: <script src=/metrika/tag.js>"), "{there}");
    assert!(there.contains("script: https://mc.yandex.ru/metrika/tag.js"), "{there}");

    let utf16: Vec<u8> = "\u{feff}ਅ\n<script src=//mc.yandex.ru/></script>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(page, utf16).expect("it can be written");
    assert!(explain(&rules, &["--html", page]).contains(":2: held: "));
}

#[test]
fn what_a_rule_has_done_is_told_where_it_is_not_just_held() {
    let rules = Rules::known();
    let metrica = "vendors/metrica.toml";
    let page = "tests/explained/page.html";
    let of_all = [
        &["--url", "https://mc.yandex.kz/watch/1", "--as", "script"][..],
        &["--url", "https://send-box.com/counter/tag.js", "--as", "script"],
        &["--cookie", "_ym_uid"],
        &["--key", "_ym_uid"],
        &["--script", "tests/explained/library.js"],
        &["--html", page, "--header", "Link: <https://mc.yandex.ru>; rel=preconnect"],
        &["--html", page, "--choices", "analytics"],
    ];
    let recipient = "recipient = \"yandex-metrica\"";
    let mut before = recipient.to_owned();
    let mut told = Vec::new();
    for action in ["strip", "stub", "report-only"] {
        let after = format!("{recipient}\naction = \"{action}\"");
        rules.change(metrica, &before, &after);
        before = after;
        told.push(format!("==== action = \"{action}\"\n"));
        told.extend(of_all.iter().map(|arguments| explain(&rules, arguments)));
    }
    // Of several rules that speak the strictest counts, and each is told with what it says.
    rules.change(metrica, &before, recipient);
    rules.change(metrica, "name = \"_ym_uid\"", "name = \"_ym_uid\"\naction = \"report-only\"");
    told.push("==== one rule only reports\n".to_owned());
    told.push(explain(&rules, &["--cookie", "_ym_uid"]));
    compare("explain-actions", &told.join("\n"));
}

#[test]
fn what_no_rule_knows_is_told_as_unlisted_where_it_is_withheld() {
    let rules = Rules::known();
    let site = fs::read_to_string(rules.path("site.toml")).expect("it was copied");
    let unlisted = "[unlisted]\nscripts = \"withhold\"\ncookies = \"withhold\"\n";
    fs::write(rules.path("site.toml"), format!("{site}\n{unlisted}")).expect("it can be written");
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.html");
    let text = "<script src=/a.js></script><script src=//cdn.example/b.js></script>";
    fs::write(&page, text).expect("it can be written");
    let page = page.to_str().expect("text");
    let told = [
        &["--url", "https://cdn.example/b.js"][..],
        &["--cookie", "theme", "--choices", "all"],
        &["--cookie", "sb_session"],
        &["--html", page],
    ];
    let told: Vec<_> = told.iter().map(|arguments| explain(&rules, arguments)).collect();
    compare("explain-unlisted", &told.join("\n").replace(page, "page.html"));

    // And where nothing is done about it, that is told.
    let exempt = "[[exempt]]\npath = \"/shop\"\nuntil = \"2026-12-24\"\nreason = \"x\"\n";
    fs::write(rules.path("site.toml"), format!("{site}\n{exempt}")).expect("it can be written");
    let there =
        |url: &str| explain(&rules, &["--html", page, "--page", url, "--day", "2026-11-22"]);
    let said = "nothing of this is done: rules/site.toml:16: `/shop` is exempt until 2026-12-24\n";
    assert!(there("https://send-box.com/shop/a").ends_with(said));
    assert!(!there("https://send-box.com/prices").contains("nothing of this is done"));
}

#[test]
fn what_cannot_be_explained_is_said_with_what_could() {
    for (arguments, said) in [
        (&["--html", "no-such-page.html"][..], "no-such-page.html: cannot be read: "),
        (&["--choices", "x", "--cookie", "a"], "`--choices x`: no such purpose; name `none`"),
        (&[], "required"),
        (&["--url", "https://a.kz/", "--cookie", "a"], "cannot be used with"),
        (&["--cookie", "a", "--as", "script"], "cannot be used with"),
        (&["--cookie", "a", "--day", "2020-01-01"], "no policy version is in force yet"),
        (&["--script", "no-such.js"], "no-such.js: cannot be read: "),
        (&["--html", "a", "--header", "Link"], "`Link` is no field; write its name, a colon"),
        (&["--key", "a", "--header", "Link: <b>"], "cannot be used with"),
    ] {
        let mut program = Program::new().arg("explain");
        for argument in arguments {
            program = program.arg(argument);
        }
        let (code, stdout, stderr) = program.print();
        assert!(code != Some(0) && stdout.is_empty(), "{arguments:?}: {code:?} {stdout}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

/// The pages in a folder, and in those below it.
fn pages_in(folder: &Path, pages: &mut Vec<(PathBuf, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|ending| ending == "html") {
            let page = fs::read(&path).expect("it can be read");
            pages.push((path, page));
        } else if path.is_dir() {
            pages_in(&path, pages);
        }
    }
}

/// Pages of all kinds: real ones where there are any, every form of every snippet, and our own.
fn pages() -> Vec<(PathBuf, Vec<u8>)> {
    let mut pages = Vec::new();
    for folder in ["../shared/data/pages", "tests/corpus", "tests/explained"] {
        pages_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut pages);
    }
    let own = ["en.html"].map(PathBuf::from);
    pages.extend(own.map(|name| (name, OTHER.as_bytes().to_vec())));
    pages
}

/// Shapes that the other pages do not have.
const OTHER: &str = "<script>\n\n</script\n><base href=//mc.yandex.ru><input type=image\nsrc=/a>\n\
    <object data=/b><embed\n src=/c></object><img\n\nsrc=/d><noscript>\n\n<img src=/e>\n<img src=/f></noscript>\n\
    <svg>\n<script href=/g />\n<script>\nYa.Metrika\n</script></svg><script>\nnew Ya.Metrika(1)//unended";

#[test]
fn what_is_told_is_what_is_done() {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    let seal = Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]);
    let snapshot = Arc::new(Snapshot::new(rules, seal));
    let conditions = snapshot.conditions(Time(1_795_000_000), Record::Readable);
    let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
    let fates = Fates::of(&snapshot.rules, &verdicts);
    let (mut changed, mut findings_in_all) = (0, 0);
    for (path, page) in pages() {
        let here: url::Url = "https://send-box.com/a/b".parse().expect("an address");
        let header = charset::of_header([&b"text/html; charset=utf-8"[..]]);
        let charset = charset::decide(&header, None, &page, true).expect("it is told");
        let document = || Document::new(Arc::clone(&snapshot), fates.clone(), here.clone(), None);
        let (out, edit) = html::rewrite(&page, document()).expect("nothing is refused");
        let findings = Trace::of_page(document(), charset, &page).expect("it can be read");
        let at = |line: usize| page.split(|b| *b == b'\n').nth(line - 1).unwrap_or_default();

        assert_eq!(findings.is_empty(), out == page, "{}", path.display());
        // Of a style each address counts, and of a frame each thing in it.
        let counted = edit.tally().total();
        let several = |deed| matches!(deed, Deed::StyleCleared | Deed::Removed);
        let one_each = !findings.iter().any(|finding| several(finding.deed));
        let all = findings.len() as u64;
        assert!(all == counted || (!one_each && all < counted), "{}: {all}", path.display());
        for finding in &findings {
            let name = finding.tag.split([' ', '>']).next().expect("a tag has a name");
            let line =
                String::from_utf8_lossy(at(finding.line.expect("it is in the page"))).into_owned();
            // What stands in an attribute has the line of its element, or of its first letters.
            let inner = finding.deed == Deed::Removed && line.contains("srcdoc");
            assert!(line.contains(name) || inner, "{}: {finding:?}\n{line}", path.display());
            assert!(!finding.grounds.is_empty() || finding.deed == Deed::MadeText, "{finding:?}");
            for ground in &finding.grounds {
                assert!(!ground.rules.is_empty(), "{finding:?}");
                if let Asked::Url(url, uses) = &ground.asked {
                    let url = url.parse().expect("it was read");
                    let of = |used: &Use| fates.of_url_from(&snapshot.rules, &here, &url, *used);
                    assert!(uses.iter().any(|used| of(used) != Fate::Permit), "{finding:?}");
                }
            }
        }
        changed += usize::from(!findings.is_empty());
        findings_in_all += findings.len();
    }
    assert!(changed >= 60 && findings_in_all >= 150, "{changed} pages, {findings_in_all} findings");
}
