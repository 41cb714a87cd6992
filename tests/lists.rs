//! What lists of others say of addresses, however often and of however many they are asked.
//!
//! How they come to be, and what becomes of what they name, is in `tests/import.rs`.

use std::path::Path;

use kelisim::config::rule_files;
use kelisim::rules::{self, RuleFile, RuleSet, Use};
use url::Url;

/// The shipped rules with these filters.
fn loaded(filters: &str) -> RuleSet {
    let mut files: Vec<RuleFile> = rule_files(Path::new("rules")).expect("the shipped rules");
    let list = "name = \"x\"\nsource = \"x\"\nlicence = \"x\"\nimported = \"2026-11-23\"\npurpose = \"analytics\"\n\
                recipient = \"undeclared\"\naction = \"hold\"\n";
    files.push(("lists/x.toml".to_owned(), list.to_owned()));
    files.push(("lists/x.txt".to_owned(), filters.to_owned()));
    rules::load("rules", &files).expect("they load")
}

#[test]
fn a_list_says_the_same_cold_and_kept_in_bounded_memory() {
    let filters: Vec<_> =
        (0..500).map(|n| format!("||t{n}.example^$third-party\n/track{n}/*$image\n")).collect();
    let filters = filters.concat() + "@@||t7.example/ok/\n";
    let rules = loaded(&filters);
    let pages = ["https://send-box.com/", "https://my.send-box.com/a"]
        .map(|page| page.parse::<Url>().expect("an address"));
    let urls = |n: usize| {
        let tail = "x".repeat(n % 700);
        let url = match n % 4 {
            0 => format!("https://t{}.example/{tail}?{n}", n % 600),
            1 => format!("https://cdn.example/track{}/{n}{tail}", n % 600),
            2 => format!("https://t7.example/ok/{n}"),
            _ => format!("https://good{n}.example/{tail}"),
        };
        url.parse::<Url>().expect("an address")
    };
    let answer = |rules: &RuleSet, n: usize| {
        let used = Use::ALL[n % 3];
        rules.listed_at(&pages[n % 2], &urls(n), &[used]).iter().count()
    };
    let first: Vec<_> = (0..20_000).map(|n| answer(&rules, n)).collect();
    assert!(rules.answers_bytes() <= 4 << 20, "{}", rules.answers_bytes());
    assert!(rules.answers_bytes() > 2 << 20, "{}: nothing was turned out", rules.answers_bytes());
    let stopped = first.iter().sum::<usize>();
    assert!((3_000..12_000).contains(&stopped), "{stopped}");
    // Again: some are kept, others were turned out.
    assert_eq!(first, (0..20_000).map(|n| answer(&rules, n)).collect::<Vec<_>>());
    // And each asked of rules that were asked nothing before.
    for n in (0..20_000).step_by(2_003) {
        assert_eq!(first[n], answer(&loaded(&filters), n), "{}", urls(n));
    }
}
