//! What rules have done with what stands in no page: cookies, keys in the browser's storage, hints ahead of a
//! page, and what the site itself serves of a vendor.
//!
//! What they have done in pages is in `tests/actions.rs`.

#[allow(dead_code, reason = "each of two tests uses a part of it")]
mod actions {
    pub(crate) mod saying;
}

use actions::saying::{Chose, cookies, counted, files, here, load, saying, vendor};
use http::HeaderMap;
use http::header::LINK;
use kelisim::gate::fate::Fates;
use kelisim::gate::first_party::{self, Instead, Own, Withheld};
use kelisim::gate::hints;
use kelisim::gate::reports::Reports;
use kelisim::gate::request::Destination;
use kelisim::gate::tally::Tally;
use kelisim::rules::{Mode, Use};
use kelisim::snapshot::Snapshot;
use url::Url;

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
