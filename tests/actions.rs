//! What rules have done with what they name: hold, strip, stub, report only.
//!
//! Each action meets each kind of rule and each verdict, by a vendor of its own (`actions/vendor.toml`) among
//! the shipped ones; here in pages, what stands in none in `tests/actions_beside_pages.rs`. What visitors see
//! of it on the wire is in `tests/scenarios/actions.txt`, in a browser in `tests/browser.rs`, and what
//! operators are told in `tests/leeway.rs` and `tests/explain.rs`.

#[allow(dead_code, reason = "each of two tests uses a part of it")]
mod actions {
    pub(crate) mod saying;
}

use actions::saying::{Chose, NOW, cookies, counted, files, load, page, saying, stub, vendor};
use kelisim::gate::fate::Fates;
use kelisim::policy::Purpose;
use kelisim::snapshot::Snapshot;

/// What a page may hold of the vendor: its kind, how it is written, and how it is held; nothing where it
/// goes.
const SHAPES: [(&str, &str, Option<&str>); 10] = [
    (
        "script",
        "<script async src=\"https://t.example/tag.js\"></script>",
        Some(
            "<script type=\"text/plain\" data-consent=\"analytics\" async \
             data-consent-src=\"https://t.example/tag.js\"></script>",
        ),
    ),
    (
        "inline",
        "<script>tag.start(1)</script>",
        Some("<script type=\"text/plain\" data-consent=\"analytics\">tag.start(1)</script>"),
    ),
    (
        "script",
        "<script src=\"/tt/tag.js\"></script>",
        Some(
            "<script type=\"text/plain\" data-consent=\"analytics\" data-consent-src=\"/tt/tag.js\"></script>",
        ),
    ),
    ("image", "<img src=\"https://t.example/1.gif\">", Some("<img>")),
    ("image", "<img src=\"/tt/1.gif\">", Some("<img>")),
    ("image", "<img src=\"/tt/1.gif\" srcset=\"/tt/2.gif 2x\">", Some("<img>")),
    ("frame", "<iframe src=\"https://t.example/frame\"></iframe>", Some("<iframe></iframe>")),
    ("hint", "<link rel=preconnect href=\"https://t.example\">", Some("<link rel=preconnect>")),
    ("refresh", "<meta http-equiv=refresh content=\"1;url=https://t.example/\">", None),
    ("image", "<link rel=icon href=\"https://t.example/i.png\">", Some("<link rel=icon>")),
];

#[test]
fn each_action_does_what_it_says_with_whatever_a_page_holds_for_each_choice() {
    for action in ["", "hold", "strip", "stub", "report-only"] {
        let said = [("file", action)];
        let snapshot = saying(if action.is_empty() { &[] } else { &said });
        for chose in Chose::ALL {
            for (kind, shape, held) in SHAPES {
                let (out, tally) = page(&snapshot, chose, &format!("a{shape}b"));
                let counted = counted(&snapshot, &tally);
                let (becomes, counts) = match (chose, action, held) {
                    (Chose::Yes, ..) => (shape.to_owned(), None),
                    (_, "report-only", _) => (shape.to_owned(), Some(" reported")),
                    (_, "strip", _) | (.., None) => (String::new(), Some("")),
                    (_, "stub", Some(held)) if matches!(kind, "inline" | "script") => {
                        (stub(&snapshot) + held, Some(""))
                    }
                    (.., Some(held)) => (held.to_owned(), Some("")),
                };
                // What is cut away between two letters leaves them apart.
                assert_eq!(out, format!("a{becomes}b"), "{action} {chose:?} {shape}");
                // What is fetched and shown counts as a hint where it goes with its `<link>`; and what
                // leads on by itself may be used in several ways, which is a hint where it passes.
                let kind = match (kind, counts) {
                    ("image", Some("")) if shape.starts_with("<link") => "hint",
                    ("refresh", Some(" reported")) => "hint",
                    (kind, _) => kind,
                };
                let expected: Vec<_> =
                    counts.iter().map(|end| format!("tag {kind}{end}")).collect();
                assert_eq!(counted, expected, "{action} {chose:?} {shape}");
            }
        }
    }
}

#[test]
fn in_foreign_markup_only_what_has_its_end_in_sight_is_stripped() {
    let snapshot = saying(&[("file", "strip")]);
    for (shape, left) in [
        (
            "<math><script src=https://t.example/x><mtext></script></math>",
            "<math><script type=\"text/plain\" data-consent=\"analytics\" data-consent-src=https://t.example/x><mtext></script></math>",
        ),
        ("<svg><script>tag.start(1)</script></svg>", "<svg></svg>"),
        ("<svg><frame src=https://t.example/x></frame></svg>", "<svg><frame></frame></svg>"),
    ] {
        assert_eq!(page(&snapshot, Chose::Nothing, shape).0, left);
    }
}

#[test]
fn a_vendor_that_no_policy_names_is_stripped_or_stubbed_for_good() {
    for (action, expected) in [
        ("strip", ""),
        (
            "stub",
            "STUB<script type=\"text/plain\" data-consent=\"undeclared\">tag.start(1)</script>",
        ),
        ("report-only", "<script>tag.start(1)</script>"),
    ] {
        let text = vendor(&[("file", action)]).replace("\"yandex-metrica\"", "\"nobody-at-all\"");
        let snapshot = load(&files(&[("tag", text)]));
        for chose in Chose::ALL {
            let (out, _) = page(&snapshot, chose, "<script>tag.start(1)</script>");
            assert_eq!(out, expected.replace("STUB", &stub(&snapshot)), "{chose:?}");
        }
    }
}

#[test]
fn a_rule_overrules_its_file_and_each_kind_is_overruled_by_itself() {
    let inline = "<script>tag.start(1)</script>";
    let script = "<script src=\"https://t.example/tag.js\"></script>";
    let path = "<script src=\"/tt/tag.js\"></script>";
    for (own, gone) in [("url", script), ("inline", inline), ("path", path)] {
        let snapshot = saying(&[("file", "report-only"), (own, "strip")]);
        for shape in [inline, script, path] {
            let (out, _) = page(&snapshot, Chose::Nothing, shape);
            assert_eq!(out, if shape == gone { "" } else { shape }, "{own}");
        }
        let snapshot = saying(&[("file", "strip"), (own, "report-only")]);
        for shape in [inline, script, path] {
            let (out, _) = page(&snapshot, Chose::Nothing, shape);
            assert_eq!(out, if shape == gone { shape } else { "" }, "{own}");
        }
    }
}

#[test]
fn a_path_of_the_sites_file_does_as_the_vendors_file_says_or_otherwise_for_itself() {
    for (file, own, expected) in [
        ("strip", "", ""),
        ("strip", "action = \"report-only\"\n", "<script src=\"/xx/a.js\"></script>"),
        ("report-only", "", "<script src=\"/xx/a.js\"></script>"),
        ("report-only", "action = \"strip\"\n", ""),
    ] {
        let mut files = files(&[("tag", vendor(&[("file", file)]))]);
        let (_, site) = files.iter_mut().find(|(name, _)| name == "site.toml").expect("it ships");
        let more = format!(
            "[[path]]\nvendor = \"tag\"\npath = \"/xx/*\"\n{own}is = [\"/xx/a\"]\nis_not = [\"/x\"]\n"
        );
        site.push_str(&more);
        let snapshot = load(&files);
        let (out, _) = page(&snapshot, Chose::Nothing, "<script src=\"/xx/a.js\"></script>");
        assert_eq!(out, expected, "{file} {own}");
    }
}

/// The actions with what each makes of an inline script.
fn strictness(snapshot: &Snapshot) -> [(&'static str, String); 4] {
    let held = "<script type=\"text/plain\" data-consent=\"analytics\">tag.start(1)</script>";
    [
        ("report-only", "<script>tag.start(1)</script>".to_owned()),
        ("stub", stub(snapshot) + held),
        ("hold", held.to_owned()),
        ("strip", String::new()),
    ]
}

#[test]
fn of_several_rules_the_strictest_counts_whoever_says_it_and_in_whatever_order() {
    let names = ["report-only", "stub", "hold", "strip"];
    for (one, first) in names.iter().enumerate() {
        for (other, second) in names.iter().enumerate() {
            // Two rules of one vendor: the second speaks of the same script.
            let again = format!(
                "[[inline]]\npattern = '''\\btag\\.st'''\naction = \"{second}\"\nis = [\"tag.st\"]\n\
                 is_not = [\"a\"]\n\n[[cookie]]\nname = \"_t_id\"\naction = \"{}\"\nis = [\"_t_id\"]\n\
                 is_not = [\"a\"]\n\n[stub]",
                second.replace("stub", "hold"),
            );
            let of_one = vendor(&[("inline", first), ("cookie", &first.replace("stub", "hold"))])
                .replace("[stub]", &again);
            // Two vendors, in the order of their files' names.
            let beside = |action| vendor(&[("file", action)]).replace("\"Tag\"", "\"Other\"");
            for files in [
                files(&[("tag", of_one)]),
                files(&[("tag", vendor(&[("file", first)])), ("zother", beside(second))]),
                files(&[("aother", beside(second)), ("tag", vendor(&[("file", first)]))]),
            ] {
                let snapshot = load(&files);
                let expected = &strictness(&snapshot)[one.max(other)].1;
                let (out, tally) = page(&snapshot, Chose::Nothing, "<script>tag.start(1)</script>");
                let without_stubs = |text: &str| match text.split_once("<script type") {
                    Some((stubs, held)) => (!stubs.is_empty(), held.to_owned()),
                    None => (false, text.to_owned()),
                };
                assert_eq!(without_stubs(&out), without_stubs(expected), "{first} {second}");
                // What is withheld is not told to have passed.
                let passes = one.max(other) == 0;
                assert_eq!(tally.total() == 0, passes, "{first} {second}");
                assert_eq!(tally.reported().count() > 0, passes, "{first} {second}");
                let (kept, withheld, lines, _) = cookies(&snapshot, Chose::Nothing);
                assert_eq!(kept.contains("_t_id"), passes, "{first} {second}");
                assert_eq!(withheld.iter().any(|name| name == b"_t_id"), !passes);
                assert_eq!(lines.len(), 1 + usize::from(passes), "{first} {second}");
            }
        }
    }
}

#[test]
fn code_of_the_site_beside_a_loader_runs_whether_the_loader_is_held_or_stripped() {
    let mixed = "<script>initMenu();s.src='https://t.example/tag.js';document.title='a'</script>";
    let outs = ["hold", "strip", "stub"].map(|action| {
        let snapshot = saying(&[("file", action)]);
        page(&snapshot, Chose::Nothing, mixed).0
    });
    assert!(outs[0].starts_with("<script>initMenu();s.src='https://send-box.com/.consent/empty-"));
    assert!(outs.iter().all(|out| *out == outs[0]), "{outs:?}");
    let snapshot = saying(&[("file", "report-only")]);
    assert_eq!(page(&snapshot, Chose::Nothing, mixed).0, mixed);
}

#[test]
fn a_stub_comes_once_in_a_page_and_runs_wherever_its_script_would_have() {
    let snapshot = saying(&[("file", "stub")]);
    let stub = stub(&snapshot);
    let inline = "<script>tag.start(1)</script>";
    let held = "<script type=\"text/plain\" data-consent=\"analytics\">tag.start(1)</script>";
    let nonce = stub.replace("></script>", " nonce=\"aGk=\"></script>");
    let held_nonce = held.replace("\">tag", "\" nonce=\"aGk=\">tag");
    let absolute = stub.replace("/.consent", "https://send-box.com/.consent");
    let href = stub.replace("src=", "href=");
    for (given, expected) in [
        (format!("{inline}<p>{inline}"), format!("{stub}{held}<p>{held}")),
        // What runs under the policy that the script runs under.
        (inline.replace(">tag", " nonce=\"aGk=\">tag"), format!("{nonce}{held_nonce}")),
        (
            inline.replace(">tag", " nonce='\"x'>tag"),
            format!("{stub}{}", held.replace("\">tag", "\" nonce='\"x'>tag")),
        ),
        // In a template nothing runs, and each copy of it needs what comes behind.
        (
            format!("<template>{inline}</template>{inline}{inline}"),
            format!("<template>{stub}{held}</template>{stub}{held}{held}"),
        ),
        (
            format!("<base href=https://other.example/>{inline}"),
            format!("<base href=https://other.example/>{absolute}{held}"),
        ),
        (format!("<svg>{inline}</svg>{inline}"), format!("<svg>{href}{held}</svg>{stub}{held}")),
        // A document in a document has no window but its own.
        (
            format!("<iframe srcdoc='{inline}'></iframe>{inline}"),
            format!(
                "<iframe srcdoc=\"{}\"></iframe>{stub}{held}",
                format!("{stub}{held}").replace('&', "&amp;").replace('"', "&quot;")
            ),
        ),
        // Data is not code, and needs none.
        ("<script type=text/x>tag.start(1)</script>".to_owned(), String::new()),
    ] {
        let (out, _) = page(&snapshot, Chose::Nothing, &given);
        assert_eq!(out, if expected.is_empty() { given } else { expected });
    }
}

#[test]
fn where_rules_of_two_vendors_say_stub_of_one_script_both_stubs_come() {
    let other = vendor(&[("file", "stub")]).replace("\"Tag\"", "\"Other\"");
    let snapshot = load(&files(&[("tag", vendor(&[("file", "stub")])), ("zother", other)]));
    let place = |name| snapshot.rules.vendors.iter().position(|vendor| vendor.id() == name);
    let path = |name| &snapshot.stub(place(name).expect("it is there")).expect("it has one").path;
    let stubs = ["tag", "zother"].map(|name| format!("<script src=\"{}\"></script>", path(name)));
    for given in ["<script>tag.start(1)</script>", "<script src=//t.example/tag.js></script>"] {
        let (out, _) = page(&snapshot, Chose::Nothing, given);
        let held = out.strip_prefix(&stubs.concat()).unwrap_or_else(|| panic!("{out}"));
        assert!(held.starts_with("<script type=\"text/plain\""), "{out}");
    }
}

#[test]
fn what_is_stripped_goes_with_all_of_it_however_long_and_counts_once() {
    let snapshot = saying(&[("file", "strip")]);
    let strip = |text: &str| page(&snapshot, Chose::Nothing, text);
    let long = format!("a<script>tag.start(1);{}</script>b", "x".repeat(3 << 20));
    assert_eq!(strip(&long).0, "ab");
    assert_eq!(strip("a<script>tag.start(1)").0, "a");
    let (out, tally) =
        strip("a<script src=//t.example/x onload='tag.start(1)' data-a=//t.example/y></script>b");
    assert_eq!((out.as_str(), tally.total()), ("ab", 1));
    // Of a tag that has no end to look at nobody knows whose it is: it stays, and does not run.
    let endless = format!("<script src=//t.example/x a={}></script>", "x".repeat(3 << 20));
    assert!(
        strip(&endless).0.starts_with("<script type=\"text/plain\" data-consent=\"undeclared\"")
    );
    // What a `<` stands before does not become another tag.
    let (out, _) = strip("<<script>tag.start(1)</script>script src=//t.example/x></script>");
    assert_eq!(strip(&out).0, out);
    assert!(!out.contains("<script src"), "{out}");
}

#[test]
fn long_scripts_pass_byte_for_byte_where_the_rule_only_reports() {
    let snapshot = saying(&[("file", "report-only")]);
    let long = format!("<script>{}tag.start(1)</script>", "x();".repeat(1 << 19));
    let (out, tally) = page(&snapshot, Chose::Nothing, &long);
    assert!(out == long, "{} of {} bytes", out.len(), long.len());
    assert_eq!(counted(&snapshot, &tally), ["tag inline reported"]);
    // And is overwritten where another rule withholds it.
    let snapshot = load(&files(&[
        ("tag", vendor(&[("file", "report-only")])),
        ("other", vendor(&[]).replace("\"Tag\"", "\"Other\"")),
    ]));
    let (out, tally) = page(&snapshot, Chose::Nothing, &long);
    assert!(!out.contains("tag.start"), "it is overwritten");
    assert_eq!(counted(&snapshot, &tally), ["other inline"]);
}

#[test]
fn nobody_is_asked_about_what_only_is_reported_and_its_pages_are_left_alone() {
    let only = |action: &str| {
        let mut files = files(&[("tag", vendor(&[("file", action)]))]);
        files.retain(|(name, _)| {
            !name.starts_with("vendors/")
                || ["vendors/tag.toml", "vendors/own.toml"].contains(&name.as_str())
        });
        // A recipient whose tags no file recognises would be a problem.
        let (_, policy) =
            files.iter_mut().find(|(name, _)| name.starts_with("policy/")).expect("it ships");
        *policy = policy.replace("\"yandex-metrica\", \"google-analytics\"", "\"yandex-metrica\"");
        load(&files)
    };
    for (action, asked) in [("hold", true), ("stub", true), ("strip", true), ("report-only", false)]
    {
        let snapshot = only(action);
        let policy = snapshot.rules.policies.at(NOW).expect("one is in force");
        let asks = snapshot.rules.asked(policy).any(|purpose| purpose == Purpose::Analytics);
        assert_eq!(asks, asked, "{action}");
        let fates = Fates::of(&snapshot.rules, &Chose::Nothing.verdicts(&snapshot));
        assert_eq!(fates.withhold_any(), asked, "{action}");
        assert_eq!(snapshot.rules.only_reported(NOW).len(), usize::from(!asked), "{action}");
    }
}

#[test]
fn each_rule_that_takes_protection_away_is_warned_of_with_its_line() {
    let warned = |said: &[(&str, &str)]| {
        let snapshot = saying(said);
        let warnings = snapshot.rules.warnings(NOW);
        assert_eq!(warnings, snapshot.rules.only_reported(NOW));
        warnings
    };
    assert!(warned(&[("file", "strip"), ("url", "hold")]).is_empty());
    // What the file says is told once; the key in the storage follows it.
    assert_eq!(
        warned(&[("file", "report-only"), ("inline", "hold")]),
        [
            "not withheld: rules/vendors/tag.toml:4: `action = \"report-only\"`, Tag: what 5 of its rules \
             name passes, and is counted"
        ]
    );
    assert_eq!(
        warned(&[("url", "report-only"), ("cookie", "report-only")]),
        [
            "not withheld: rules/vendors/tag.toml:6: [[url]] host `t.example`, Tag: it only reports, so what \
             it names passes",
            "not withheld: rules/vendors/tag.toml:18: [[cookie]] `_t_*`, Tag: it only reports, so what it \
             names passes",
        ]
    );
}
