//! A vendor with a rule of each kind, what its rules may say, and what visitors have chosen.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{COOKIE, SET_COOKIE};
use kelisim::demo;
use kelisim::gate::cookies::ConsentCookie;
use kelisim::gate::document::Document;
use kelisim::gate::fate::{Fates, Whose};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::gate::tally::{Kind, Tally};
use kelisim::gate::{request, response};
use kelisim::html;
use kelisim::policy::{
    Choice, Choices, Mark, Purpose, Record, Signal, TextDigest, Verdicts, Visitor, VisitorId,
    decide,
};
use kelisim::rules::{self, Mode, RuleFile};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use url::Url;

/// A vendor with a rule of each kind.
pub(crate) const VENDOR: &str = include_str!("vendor.toml");

pub(crate) const NOW: Time = Time(1_795_000_000);

/// The places of the vendor's file where something may be said: for all of it, and by each rule.
pub(crate) const PLACES: [&str; 6] = ["file", "url", "inline", "cookie", "path", "signature"];

/// The vendor's file with actions in some places.
pub(crate) fn vendor(said: &[(&str, &str)]) -> String {
    PLACES.iter().fold(VENDOR.to_owned(), |text, place| {
        let action = said.iter().find(|(at, _)| at == place);
        let line = action.map(|(_, action)| format!("action = \"{action}\"")).unwrap_or_default();
        text.replace(&format!("#{place}#"), &line)
    })
}

/// The shipped rules with these files more.
pub(crate) fn files(more: &[(&str, String)]) -> Vec<RuleFile> {
    let mut files = demo::rule_files();
    files.extend(more.iter().map(|(name, text)| (format!("vendors/{name}.toml"), text.clone())));
    files
}

pub(crate) fn load(files: &[RuleFile]) -> Arc<Snapshot> {
    let rules = rules::load("rules", files).unwrap_or_else(|problems| {
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"))
    });
    Arc::new(Snapshot::new(rules, Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[])))
}

/// The rules with the vendor, who says this.
pub(crate) fn saying(said: &[(&str, &str)]) -> Arc<Snapshot> {
    load(&files(&[("tag", vendor(said))]))
}

/// Somebody who has chosen about analytics, or has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chose {
    Nothing,
    No,
    Yes,
}

impl Chose {
    pub(crate) const ALL: [Chose; 3] = [Chose::Nothing, Chose::No, Chose::Yes];

    pub(crate) fn verdicts(self, snapshot: &Snapshot) -> Verdicts<'_> {
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

pub(crate) fn here() -> Url {
    "https://send-box.com/prices/".parse().expect("an address")
}

/// A page as somebody gets it, and what was counted.
pub(crate) fn page(snapshot: &Arc<Snapshot>, chose: Chose, page: &str) -> (String, Tally) {
    let fates = Fates::of(&snapshot.rules, &chose.verdicts(snapshot));
    let document = Document::new(Arc::clone(snapshot), fates, here(), None);
    let (out, edit) = html::rewrite(page.as_bytes(), document).expect("nothing is refused");
    (String::from_utf8(out).expect("UTF-8"), edit.tally().clone())
}

/// What was counted, as `tag script` of what was withheld and `tag script reported` of what passed.
pub(crate) fn counted(snapshot: &Snapshot, tally: &Tally) -> Vec<String> {
    let name = |(whose, kind, count): (Whose, Kind, u64), end: &str| {
        assert_eq!(count, 1, "{whose:?} {kind:?}");
        format!("{} {}{end}", whose.name(&snapshot.rules), kind.name())
    };
    let withheld = tally.iter().map(|one| name(one, ""));
    withheld.chain(tally.reported().map(|one| name(one, " reported"))).collect()
}

/// The stub's element.
pub(crate) fn stub(snapshot: &Snapshot) -> String {
    let index = snapshot.rules.vendors.iter().position(|vendor| vendor.id() == "tag");
    let stub = snapshot.stub(index.expect("it is there")).expect("it has one");
    assert!(stub.path.starts_with("/.consent/stub/tag-"), "{}", stub.path);
    assert_eq!(snapshot.file_at(&stub.path).map(|found| &*found.body), Some(&*stub.body));
    assert!(stub.body.contains("window.tag=window.tag||function(){};\n"), "{}", stub.body);
    format!("<script src=\"{}\"></script>", stub.path)
}

/// The field that the site gets of some cookies, what the browser still holds that is withheld, the
/// lines that reach it of those that the site sets, and what was counted.
pub(crate) fn cookies(
    snapshot: &Snapshot,
    chose: Chose,
) -> (String, Vec<Vec<u8>>, Vec<String>, Vec<String>) {
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
