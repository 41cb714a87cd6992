//! `kelisim diff`: what changes between two folders of rules, and what becomes of what is named.

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

use harness::broken::{POLICY, Rules};
use harness::program::Program;
use harness::snapshot::compare;

const DAY: &str = "2026-11-22";

fn diff(old: &Rules, new: &Rules, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Program::new().arg("diff").arg(old.folder()).arg(new.folder());
    for argument in arguments.iter().chain(&["--day", DAY]) {
        program = program.arg(argument);
    }
    let (code, stdout, stderr) = program.print();
    let named = |text: String| text.replace(old.folder(), "old").replace(new.folder(), "new");
    (code, named(stdout), named(stderr))
}

fn add(rules: &Rules, name: &str, more: &str) {
    let path = rules.path(name);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{text}\n{more}")).unwrap();
}

#[test]
fn what_changes_is_told_rule_by_rule_and_then_for_visitors() {
    let (old, new) = (Rules::known(), Rules::known());
    new.change("vendors/metrica.toml", "host = \"mc.yandex.*\"", "host = \"mc.yandex.ru\"");
    new.change("vendors/metrica.toml", "is_not = [\"Ya.Maps\"]", "is_not = [\"Ya.Maps2\"]");
    new.change("vendors/google.toml", "name = \"_ga*\"", "name = \"_ga\"");
    new.change("vendors/google.toml", "name = \"Google Analytics\"", "name = \"GA\"");
    fs::remove_file(new.path("vendors/ads.toml")).unwrap();
    let vendor = "name = \"New\"\npurpose = \"analytics\"\nrecipient = \"new-one\"\n\n[[cookie]]\nname = \"_n\"\n\
                  is = [\"_n\"]\nis_not = [\"n\"]\n";
    fs::write(new.path("vendors/new.toml"), vendor).unwrap();
    new.change("site.toml", "control = \"button\"", "control = \"link\"");
    add(
        &new,
        "site.toml",
        "[[exempt]]\npath = \"/shop\"\nuntil = \"2026-12-24\"\nreason = \"a ticket\"",
    );
    new.change(POLICY, "keep_days = 30", "keep_days = 31");
    let on = [
        "--on",
        "https://mc.yandex.kz/watch/1",
        "--on",
        "https://www.googletagmanager.com/gtag/js?id=AW-1",
        "--on",
        "https://mc.yandex.ru/watch/1",
        "--on",
        "tests/explained/page.html",
    ];
    let (code, told, stderr) = diff(&old, &new, &on);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{told}");
    compare("diff", &told);
}

#[test]
fn what_a_rule_does_otherwise_is_told_with_what_follows() {
    let (old, new) = (Rules::known(), Rules::known());
    let metrica = "vendors/metrica.toml";
    new.change(
        metrica,
        "host = \"mc.yandex.*\"",
        "host = \"mc.yandex.*\"\naction = \"report-only\"",
    );
    new.change(metrica, "name = \"_ym_*\"", "name = \"_ym_*\"\naction = \"strip\"");
    new.change("vendors/ads.toml", "recipient = ", "action = \"strip\"\nrecipient = ");
    let on = [
        "--on",
        "https://mc.yandex.kz/watch/1",
        "--on",
        "https://www.googletagmanager.com/gtag/js?id=AW-1",
        "--on",
        "tests/explained/page.html",
    ];
    let (code, told, stderr) = diff(&old, &new, &on);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{told}");
    compare("diff-actions", &told);
}

#[test]
fn rules_that_say_the_same_differ_in_nothing() {
    let (old, new) = (Rules::known(), Rules::known());
    assert_eq!(diff(&old, &new, &[]), (Some(0), "nothing changes\n".to_owned(), String::new()));
    // A comment, and another order of keys.
    new.change("vendors/own.toml", "name = \"send-box.com\"", "# hello\nname = \"send-box.com\"");
    assert_eq!(diff(&old, &new, &[]).1, "nothing changes\n");
    let page = "tests/explained/page.html";
    assert_eq!(diff(&old, &new, &["--on", page]).1, format!("{page}: the same\n"));
}

#[test]
fn rules_that_have_problems_are_not_compared() {
    let (old, new) = (Rules::known(), Rules::known());
    new.change("site.toml", "control = \"button\"", "control = \"buton\"");
    let (code, told, stderr) = diff(&old, &new, &[]);
    assert_eq!((code, told.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("new/site.toml:") && stderr.contains("`button`?"), "{stderr}");
    let (code, _, stderr) = diff(&old, &old, &["--on", "no-such-page.html"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no-such-page.html: cannot be read: "), "{stderr}");
}
