//! What rules have done with what they name: hold, strip, stub, report only.
//!
//! Each action meets each kind of rule and each verdict, by a vendor of its own ([`VENDOR`]) among the
//! shipped ones. What visitors see of it on the wire is in `tests/scenarios/actions.txt`, in a browser in
//! `tests/browser.rs`, and what operators are told in `tests/leeway.rs` and `tests/explain.rs`.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{COOKIE, LINK, SET_COOKIE};
use kelisim::demo;
use kelisim::gate::cookies::ConsentCookie;
use kelisim::gate::document::Document;
use kelisim::gate::fate::{Fates, Whose};
use kelisim::gate::first_party::{self, Instead, Own, Withheld};
use kelisim::gate::reports::Reports;
use kelisim::gate::request::{self, Destination};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::gate::tally::{Kind, Tally};
use kelisim::gate::{hints, response};
use kelisim::html;
use kelisim::policy::{
    Choice, Choices, Mark, Purpose, Record, Signal, TextDigest, Verdicts, Visitor, VisitorId,
    decide,
};
use kelisim::rules::{self, Mode, RuleFile, Use};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use url::Url;

/// A vendor with a rule of each kind.
const VENDOR: &str = include_str!("actions/vendor.toml");

const NOW: Time = Time(1_795_000_000);

/// The places of the vendor's file where something may be said: for all of it, and by each rule.
const PLACES: [&str; 6] = ["file", "url", "inline", "cookie", "path", "signature"];

/// The vendor's file with actions in some places.
fn vendor(said: &[(&str, &str)]) -> String {
    PLACES.iter().fold(VENDOR.to_owned(), |text, place| {
        let action = said.iter().find(|(at, _)| at == place);
        let line = action.map(|(_, action)| format!("action = \"{action}\"")).unwrap_or_default();
        text.replace(&format!("#{place}#"), &line)
    })
}

/// The shipped rules with these files more.
fn files(more: &[(&str, String)]) -> Vec<RuleFile> {
    let mut files = demo::rule_files();
    files.extend(more.iter().map(|(name, text)| (format!("vendors/{name}.toml"), text.clone())));
    files
}

fn load(files: &[RuleFile]) -> Arc<Snapshot> {
    let rules = rules::load("rules", files).unwrap_or_else(|problems| {
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"))
    });
    Arc::new(Snapshot::new(rules, Seal::new(SealKey { id: 1, secret: [1; 32] }, Vec::new())))
}

/// The rules with the vendor, who says this.
fn saying(said: &[(&str, &str)]) -> Arc<Snapshot> {
    load(&files(&[("tag", vendor(said))]))
}

/// Somebody who has chosen about analytics, or has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chose {
    Nothing,
    No,
    Yes,
}

impl Chose {
    const ALL: [Chose; 3] = [Chose::Nothing, Chose::No, Chose::Yes];

    fn verdicts(self, snapshot: &Snapshot) -> Verdicts<'_> {
        let conditions = snapshot.conditions(NOW, Record::Readable);
        let policy = conditions.policy.expect("one is in force");
        let mark = Mark {
            at: NOW,
            until: NOW.plus_seconds(60),
            policy: policy.in_force,
            terms: policy.terms[Purpose::Analytics].digest,
            shown: TextDigest::default(),
            signal: Signal::Silent,
        };
        let mut choices = Choices::default();
        let visitor = match self {
            Chose::Nothing => Visitor::Stranger,
            Chose::No => {
                choices.set(Purpose::Analytics, Choice::Declined(mark));
                Visitor::Anonymous { choices }
            }
            Chose::Yes => {
                choices.set(Purpose::Analytics, Choice::Agreed(mark));
                Visitor::Known { id: VisitorId(1), choices }
            }
        };
        decide(&conditions, &visitor, Signal::Silent)
    }
}

fn here() -> Url {
    "https://send-box.com/prices/".parse().expect("an address")
}

/// A page as somebody gets it, and what was counted.
fn page(snapshot: &Arc<Snapshot>, chose: Chose, page: &str) -> (String, Tally) {
    let fates = Fates::of(&snapshot.rules, &chose.verdicts(snapshot));
    let document = Document::new(Arc::clone(snapshot), fates, here(), None);
    let (out, edit) = html::rewrite(page.as_bytes(), document).expect("nothing is refused");
    (String::from_utf8(out).expect("UTF-8"), edit.tally().clone())
}

/// What was counted, as `tag script` of what was withheld and `tag script reported` of what passed.
fn counted(snapshot: &Snapshot, tally: &Tally) -> Vec<String> {
    let name = |(whose, kind, count): (Whose, Kind, u64), end: &str| {
        assert_eq!(count, 1, "{whose:?} {kind:?}");
        format!("{} {}{end}", whose.name(&snapshot.rules), kind.name())
    };
    let withheld = tally.iter().map(|one| name(one, ""));
    withheld.chain(tally.reported().map(|one| name(one, " reported"))).collect()
}

/// The stub's element.
fn stub(snapshot: &Snapshot) -> String {
    let index = snapshot.rules.vendors.iter().position(|vendor| vendor.id() == "tag");
    let stub = snapshot.stub(index.expect("it is there")).expect("it has one");
    assert!(stub.path.starts_with("/.consent/stub/tag-"), "{}", stub.path);
    assert_eq!(snapshot.stub_at(&stub.path).map(|found| &*found.body), Some(&*stub.body));
    assert_eq!(stub.body, "window.tag=window.tag||function(){};\n");
    format!("<script src=\"{}\"></script>", stub.path)
}

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

/// The field that the site gets of some cookies, what the browser still holds that is withheld, the
/// lines that reach it of those that the site sets, and what was counted.
fn cookies(snapshot: &Snapshot, chose: Chose) -> (String, Vec<Vec<u8>>, Vec<String>, Vec<String>) {
    let verdicts = chose.verdicts(snapshot);
    let (rules, own) = (&snapshot.rules, ConsentCookie::Host);
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, "a=1; _t_id=2; _ga=3".parse().expect("a field"));
    let to = request::cookies(&headers, rules, &verdicts, &own, &snapshot.seal, Mode::Enforce);
    let mut headers = HeaderMap::new();
    for line in ["a=1", "_t_id=2; Path=/"] {
        headers.append(SET_COOKIE, line.parse().expect("a field"));
    }
    let from =
        response::keep_permitted_cookies(&mut headers, rules, &verdicts, &own, Mode::Enforce);
    let kept = to.kept.map(|kept| kept.to_str().expect("ASCII").to_owned()).unwrap_or_default();
    let lines = headers.get_all(SET_COOKIE).iter();
    let lines = lines.map(|line| line.to_str().expect("ASCII").to_owned()).collect();
    let told = [counted(snapshot, &to.tally), counted(snapshot, &from)].concat();
    (kept, to.withheld, lines, told.into_iter().filter(|one| one.starts_with("tag ")).collect())
}

#[test]
fn a_cookie_passes_both_ways_and_is_not_expired_where_its_rule_only_reports() {
    // Of the file or of the rule itself; there are no more ways than to pass and not to.
    let file = ["hold", "strip", "stub"].map(|action| vec![("file", action)]);
    let own = ["hold", "strip"].map(|action| vec![("file", "report-only"), ("cookie", action)]);
    for said in file.into_iter().chain(own).chain([vec![]]) {
        let snapshot = saying(&said);
        for chose in [Chose::Nothing, Chose::No] {
            let (kept, withheld, lines, counted) = cookies(&snapshot, chose);
            assert_eq!(kept, "a=1", "{said:?}");
            assert_eq!(withheld, [&b"_t_id"[..], b"_ga"], "{said:?}");
            assert_eq!(lines, ["a=1"], "{said:?}");
            assert_eq!(counted, ["tag cookie", "tag set-cookie"], "{said:?}");
        }
    }
    for said in [vec![("file", "report-only")], vec![("file", "strip"), ("cookie", "report-only")]]
    {
        let snapshot = saying(&said);
        for chose in [Chose::Nothing, Chose::No] {
            let (kept, withheld, lines, counted) = cookies(&snapshot, chose);
            assert_eq!(kept, "a=1; _t_id=2", "{said:?}");
            // What is withheld is what is expired.
            assert_eq!(withheld, [b"_ga"], "{said:?}");
            assert_eq!(lines, ["a=1", "_t_id=2; Path=/"], "{said:?}");
            assert_eq!(counted, ["tag cookie reported", "tag set-cookie reported"], "{said:?}");
        }
        let (kept, withheld, lines, counted) = cookies(&snapshot, Chose::Yes);
        assert_eq!((kept.as_str(), lines.len()), ("a=1; _t_id=2; _ga=3", 2));
        assert!(withheld.is_empty() && counted.is_empty(), "{counted:?}");
    }
}

#[test]
fn keys_in_the_browsers_storage_stay_where_the_file_only_reports() {
    for (said, removed) in [
        (&[][..], true),
        (&[("file", "strip")], true),
        (&[("file", "stub"), ("cookie", "report-only")], true),
        (&[("file", "report-only"), ("cookie", "hold")], false),
    ] {
        let snapshot = saying(said);
        let keys = snapshot.rules.stored_keys(|_| true);
        assert_eq!(keys.iter().any(|key| key == "_t_key"), removed, "{said:?}");
    }
}

#[test]
fn hints_ahead_of_a_page_go_or_are_counted() {
    let said = "<https://t.example>; rel=preconnect, </a.css>; rel=preload; as=style";
    for (action, kept, expected) in [
        ("hold", " </a.css>; rel=preload; as=style", "tag hint"),
        ("stub", " </a.css>; rel=preload; as=style", "tag hint"),
        ("strip", " </a.css>; rel=preload; as=style", "tag hint"),
        ("report-only", said, "tag hint reported"),
    ] {
        let snapshot = saying(&[("file", action)]);
        for chose in Chose::ALL {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, said.parse().expect("a field"));
            let fates = Fates::of(&snapshot.rules, &chose.verdicts(&snapshot));
            let enforce = Mode::Enforce;
            let tally =
                hints::keep_permitted(&mut headers, &snapshot.rules, &fates, &here(), enforce);
            let left = headers.get(LINK).expect("one is the site's").to_str().expect("ASCII");
            let agreed = chose == Chose::Yes;
            assert_eq!(left.trim(), if agreed { said } else { kept.trim() }, "{action}");
            let counted = counted(&snapshot, &tally);
            assert_eq!(counted, if agreed { vec![] } else { vec![expected] }, "{action}");
        }
    }
}

/// Whose what the site serves is, in words, and what was counted.
fn own(snapshot: &Snapshot, ask: impl FnOnce(&Reports) -> Own) -> (&'static str, Vec<String>) {
    let (mut reports, mut tally) = (Reports::default(), Tally::default());
    let said = match ask(&reports) {
        Own::Site => "the site's",
        Own::Permitted => "permitted",
        Own::Withheld(Withheld { instead, tally: withheld }) => {
            tally.add_all(&withheld);
            match instead {
                Instead::Nothing => "nothing",
                Instead::Stub(code) => {
                    let code = String::from_utf8(code.to_vec()).expect("UTF-8");
                    assert!(code.contains("window.tag=window.tag||"), "{code}");
                    if code.contains("'data-consent','analytics'") { "held" } else { "stub" }
                }
            }
        }
    };
    reports.count(&mut tally);
    (said, counted(snapshot, &tally))
}

#[test]
fn what_the_site_serves_of_a_vendor_is_answered_for_it_or_passes_and_is_counted() {
    for (action, script, beacon) in [
        ("hold", "held", "nothing"),
        // What is asked for there is answered by the stub anyway.
        ("stub", "held", "nothing"),
        // Nothing is left that could be released.
        ("strip", "stub", "nothing"),
        ("report-only", "the site's", "the site's"),
    ] {
        for place in ["file", "path and signature"] {
            let of_rules = [("path", action), ("signature", action)];
            let of_file = [("file", action)];
            let snapshot = saying(if place == "file" { &of_file } else { &of_rules });
            let rules = &snapshot.rules;
            for chose in Chose::ALL {
                let fates = Fates::of(rules, &chose.verdicts(&snapshot));
                let url: Url = "https://send-box.com/tt/x".parse().expect("an address");
                let at = |destination| {
                    own(&snapshot, |to| first_party::of(rules, &fates, &url, destination, to))
                };
                let library = own(&snapshot, |to| {
                    first_party::of_library(rules, &fates, b"/* tag-library */ __tt()", to)
                });
                let counts = match (chose, action) {
                    (Chose::Yes, _) => vec![],
                    (_, "report-only") => vec!["tag own reported".to_owned()],
                    _ => vec!["tag own".to_owned()],
                };
                // What only is reported is answered alike for all.
                let (script, beacon) = match (chose, action) {
                    (Chose::Yes, "hold" | "stub" | "strip") => ("permitted", "permitted"),
                    _ => (script, beacon),
                };
                assert_eq!(at(Destination::Script), (script, counts.clone()), "{action} {chose:?}");
                assert_eq!(at(Destination::Data), (beacon, counts.clone()), "{action} {chose:?}");
                assert_eq!(library, (script, counts), "{action} {chose:?}");
            }
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
fn an_address_and_a_path_are_withheld_if_any_of_their_rules_withholds() {
    for (action, withheld) in
        [("hold", true), ("stub", true), ("strip", true), ("report-only", false)]
    {
        let other = vendor(&[("file", action)]).replace("\"Tag\"", "\"Other\"");
        let snapshot =
            load(&files(&[("tag", vendor(&[("file", "report-only")])), ("other", other)]));
        let rules = &snapshot.rules;
        let fates = Fates::of(rules, &Chose::Nothing.verdicts(&snapshot));
        let url = |text: &str| text.parse::<Url>().expect("an address");
        for used in Use::ALL {
            let fate = fates.of_url_from(rules, &here(), &url("https://t.example/x"), used);
            assert_eq!(fate.whose().is_some(), withheld, "{action} {used:?}");
        }
        let at = |of: &dyn Fn(&Reports) -> Own| own(&snapshot, of).0;
        let path = url("https://send-box.com/tt/x");
        let script = Destination::Script;
        let by_path = at(&|to| first_party::of(rules, &fates, &path, script, to));
        let by_words = at(&|to| first_party::of_library(rules, &fates, b"tag-library __tt", to));
        assert_eq!((by_path != "the site's", by_words != "the site's"), (withheld, withheld));
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
