//! `kelisim rewrite`: what an operator sees of a page.

use std::io::Write;
use std::process::{Command, Output, Stdio};

const TAG: &str = "<script src=\"https://mc.yandex.ru/metrika/tag.js\"></script>";
const HELD: &str = "<script type=\"text/plain\" data-consent=\"analytics\" \
                    data-consent-src=\"https://mc.yandex.ru/metrika/tag.js\"></script>";

/// Gives a page to the command, by stdin.
fn rewrite(page: &[u8], options: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kelisim"))
        .args(["rewrite", "-"])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("KELISIM_RULES")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it has a stdin");
    // A command that refuses its options does not read.
    let _ = stdin.write_all(page);
    drop(stdin);
    child.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_page_is_shown_as_visitors_with_these_choices_get_it() {
    let page = format!("<!doctype html><body>{TAG}<p>");
    for (choices, tag) in [("none", HELD), ("all", TAG), ("analytics", TAG), ("marketing", HELD)] {
        let Output { status, stdout, stderr } = rewrite(page.as_bytes(), &["--choices", choices]);
        assert!(status.success(), "{}", text(&stderr));
        assert_eq!(text(&stdout), format!("<!doctype html><body>{tag}<p>"), "{choices}");
        let held = if tag == HELD { "1 tag held" } else { "0 tags held" };
        assert!(text(&stderr).contains(held), "{}", text(&stderr));
    }
}

#[test]
fn the_banner_is_shown_where_it_is_asked_for() {
    let page = b"<!doctype html><html lang=ru><body><p></body>";
    let with = text(&rewrite(page, &["--banner"]).stdout);
    assert!(
        with.contains("<div id=\"cc-main\" lang=\"ru\"") && with.ends_with("</body>"),
        "{with}"
    );
    assert_eq!(rewrite(page, &[]).stdout, page);
}

#[test]
fn relative_addresses_are_those_of_the_page() {
    let page = b"<script src=/js/own.js></script>";
    assert_eq!(rewrite(page, &[]).stdout, page);
    let there = rewrite(page, &["--url", "https://mc.yandex.ru/x"]);
    assert!(text(&there.stdout).contains("text/plain"));
}

#[test]
fn the_encoding_is_what_a_browser_would_take() {
    let utf16: Vec<u8> =
        format!("\u{feff}{TAG}ё").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let Output { stdout, stderr, .. } = rewrite(&utf16, &[]);
    assert_eq!(text(&stdout), format!("{HELD}ё"));
    assert!(text(&stderr).contains("in UTF-16LE"), "{}", text(&stderr));
    let of = ["--content-type", "text/html; charset=windows-1251"];
    assert!(text(&rewrite(TAG.as_bytes(), &of).stderr).contains("in windows-1251"));
}

#[test]
fn what_cannot_be_done_is_said_with_what_could() {
    for (options, said) in [
        (
            &["--choices", "analitics"][..],
            "`--choices analitics`: no such purpose; name `none`, `all`",
        ),
        (
            &["--content-type", "text/html; charset=iso-2022-jp"],
            "in ISO-2022-JP, which is not read",
        ),
        (&["--rules", "no/such/folder"], "no/such/folder"),
        (&["--url", "nowhere"], "invalid value 'nowhere'"),
    ] {
        let Output { status, stdout, stderr } = rewrite(b"<p>", options);
        assert!(!status.success() && stdout.is_empty(), "{options:?}");
        assert!(text(&stderr).contains(said), "{options:?}: {}", text(&stderr));
    }
    let missing = Command::new(env!("CARGO_BIN_EXE_kelisim"))
        .args(["rewrite", "no-such-page.html"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program starts");
    let said = text(&missing.stderr);
    assert!(said.starts_with("no-such-page.html: cannot be read: "), "{said}");
}
