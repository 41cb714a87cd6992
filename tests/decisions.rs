//! The decision against its table, `tests/decisions.txt`.
//!
//! Every combination of purpose, basis, choice, signal and circumstance is decided, and must be
//! answered by exactly one row of the table, with that row's answer.

use kelisim::policy::{
    Basis, Categories, Category, Choice, Choices, Conditions, Keep, Mark, PerPurpose,
    PolicyVersion, Purpose, Reason, Recipient, RecipientId, Record, Signal, Terms, TermsDigest,
    TextDigest, Verdict, Visitor, VisitorId, decide,
};
use kelisim::time::{DAY_SECONDS, Day, Time};

const NOW: Time = Time(20_000 * DAY_SECONDS);
const VENDOR: &str = "yandex-metrica";

/// Words of each column, in the table's order.
const COLUMNS: [(&str, &[&str]); 10] = [
    ("policy", &["yes", "no"]),
    ("vendor", &["declared", "undeclared"]),
    ("stopped", &["yes", "no"]),
    ("basis", &["contract", "consent", "legal-obligation", "legitimate-interest"]),
    ("choice", &["none", "agreed", "declined", "withdrawn", "nameless"]),
    ("term", &["running", "over"]),
    ("terms", &["same", "changed"]),
    ("then", &["silent", "refuses"]),
    ("now", &["silent", "refuses"]),
    ("record", &["readable", "unreadable"]),
];

struct Row {
    line: usize,
    words: Vec<String>,
    answer: String,
}

impl Row {
    fn holds(&self, case: &[&str]) -> bool {
        self.words.iter().zip(case).all(|(word, actual)| match word.as_str() {
            "any" => true,
            "chosen" => *actual != "none",
            word => word == *actual,
        })
    }
}

fn table() -> Vec<Row> {
    let text = include_str!("decisions.txt");
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (words, answer) = line.split_once("->").expect("a row has an arrow");
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        assert_eq!(words.len(), COLUMNS.len(), "line {line_number}: one word for each column");
        for (word, (column, known)) in words.iter().zip(COLUMNS) {
            let special = word == "any" || (column == "choice" && word == "chosen");
            assert!(
                special || known.contains(&word.as_str()),
                "line {line_number}: {column} {word}"
            );
        }
        rows.push(Row { line: line_number, words, answer: answer.trim().to_owned() });
    }
    rows
}

fn signal(word: &str) -> Signal {
    if word == "silent" { Signal::Silent } else { Signal::Refuses }
}

/// Decides one case, given by a word for each column, and says the answer as the table does.
fn decided(purpose: Purpose, case: &[&str]) -> String {
    let [policy, vendor, stopped, basis, choice, term, terms, then, now, record] = case else {
        panic!("a case has a word for each column")
    };
    let basis = Basis::ALL.into_iter().find(|b| b.name() == *basis).unwrap();
    let recipients = match *vendor {
        "declared" => vec![Recipient { id: RecipientId(VENDOR.to_owned()), country: "RU".into() }],
        _ => Vec::new(),
    };
    let of = |of: Purpose| {
        let collects = [Category::IpAddress].into_iter().collect();
        // The others differ in all, so that an answer read from a wrong place shows.
        if of == purpose {
            Terms::new(of, "4.x".into(), basis, collects, recipients.clone(), Keep::Days(1))
        } else {
            Terms::new(
                of,
                "4.y".into(),
                Basis::Contract,
                Categories::NONE,
                Vec::new(),
                Keep::UntilMet,
            )
        }
    };
    let version =
        PolicyVersion { announced: Day(1), in_force: Day(8), terms: PerPurpose::from_fn(of) };
    let digest = version.terms[purpose].digest;
    let mark = Mark {
        at: Time(NOW.0 - DAY_SECONDS),
        // A term ends with its last second: at that very moment it is over.
        until: if *term == "running" { Time(NOW.0 + 1) } else { NOW },
        policy: Day(8),
        terms: if *terms == "same" { digest } else { TermsDigest([9; 16]) },
        shown: TextDigest::default(),
        signal: signal(then),
    };
    let mut choices = Choices::default();
    let known = Visitor::Known { id: VisitorId(1), choices };
    let visitor = match *choice {
        "none" if *then == "silent" => Visitor::Stranger,
        "none" => known,
        "agreed" => {
            choices.set(purpose, Choice::Agreed(mark));
            Visitor::Known { id: VisitorId(1), choices }
        }
        "nameless" => {
            choices.set(purpose, Choice::Agreed(mark));
            Visitor::Anonymous { choices }
        }
        "declined" => {
            choices.set(purpose, Choice::Declined(mark));
            Visitor::Anonymous { choices }
        }
        _ => {
            choices.set(purpose, Choice::Withdrawn(mark));
            Visitor::Anonymous { choices }
        }
    };
    let mut suspended = PerPurpose::default();
    suspended[purpose] = *stopped == "yes";
    let conditions = Conditions {
        policy: (*policy == "yes").then_some(&version),
        now: NOW,
        suspended,
        record: if *record == "readable" { Record::Readable } else { Record::Unreadable },
    };
    let verdicts = decide(&conditions, &visitor, signal(now));
    let of_vendor = verdicts.of(purpose, &RecipientId(VENDOR.to_owned()));
    if *vendor == "declared" && *policy == "yes" {
        assert_eq!(
            of_vendor,
            *verdicts.on(purpose),
            "a declared vendor's verdict is its purpose's"
        );
    }
    let verdict = if *policy == "no" { *verdicts.on(purpose) } else { of_vendor };
    if *policy == "no" {
        assert!(
            matches!(of_vendor, Verdict::Withhold(_)),
            "without a policy no vendor is permitted"
        );
    }
    match verdict {
        Verdict::Permit(permit) => {
            assert_eq!(permit.purpose(), purpose);
            assert!(permit.collects().contains(Category::IpAddress));
            "permit".to_owned()
        }
        Verdict::Withhold(reason) => format!("withhold {reason}"),
    }
}

/// All combinations of one word from each column.
fn cases() -> Vec<Vec<&'static str>> {
    COLUMNS.iter().fold(vec![Vec::new()], |cases, (_, words)| {
        cases
            .iter()
            .flat_map(|case| words.iter().map(move |word| [case.as_slice(), &[*word]].concat()))
            .collect()
    })
}

#[test]
fn every_case_is_answered_by_exactly_one_row() {
    let rows = table();
    let mut used = vec![false; rows.len()];
    let mut decided_cases = 0;
    for case in cases() {
        let holding: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].holds(&case)).collect();
        let lines: Vec<usize> = holding.iter().map(|row| rows[*row].line).collect();
        assert_eq!(holding.len(), 1, "{case:?} is answered by lines {lines:?}");
        let row = &rows[holding[0]];
        used[holding[0]] = true;
        for purpose in Purpose::ALL {
            let answer = decided(purpose, &case);
            assert_eq!(answer, row.answer, "{purpose} {case:?}, line {}", row.line);
            decided_cases += 1;
        }
    }
    for (row, used) in rows.iter().zip(used) {
        assert!(used, "line {} answers no case", row.line);
    }
    println!("{decided_cases} cases, {} rows", rows.len());
}

#[test]
fn every_reason_stands_in_the_table() {
    let rows = table();
    for reason in Reason::ALL {
        let answer = format!("withhold {reason}");
        assert!(rows.iter().any(|row| row.answer == answer), "no row says `{answer}`");
    }
}

#[test]
fn the_shipped_policy_rests_on_the_bases_that_it_states() {
    // Policy 5.2.
    let rules = kelisim::rules::load("rules", &kelisim::demo::rule_files()).unwrap();
    let policy = &rules.policies.all()[0];
    for (purpose, section, basis) in [
        (Purpose::Contract, "4.1", Basis::Contract),
        (Purpose::Operation, "4.2", Basis::Contract),
        (Purpose::Analytics, "4.3", Basis::Consent),
        (Purpose::Scoring, "4.4", Basis::Contract),
        (Purpose::Marketing, "4.5", Basis::Consent),
        (Purpose::SubjectRequests, "4.6", Basis::LegitimateInterest),
        (Purpose::Security, "4.7", Basis::LegitimateInterest),
    ] {
        let terms = &policy.terms[purpose];
        assert_eq!((terms.section.as_str(), terms.basis), (section, basis), "{purpose}");
    }
    // 3.6: both analytics recipients, for 4.3 and for no other purpose.
    for recipient in ["yandex-metrica", "google-analytics"] {
        let recipient = RecipientId(recipient.to_owned());
        for (purpose, terms) in policy.terms.iter() {
            assert_eq!(terms.declares(&recipient), purpose == Purpose::Analytics, "{purpose}");
        }
    }
    // The banner asks about 4.3 alone.
    assert_eq!(rules.asked(policy).collect::<Vec<_>>(), [Purpose::Analytics]);
}
