//! The shipped rules against the tables of public facts on trackers.
//!
//! Every address, cookie and key in storage that a table gives one of our vendors has to be told by a
//! rule of that vendor, and by nobody else's. What is no vendor's of ours, or of another kind, is listed here
//! with the reason.
//!
//! The tables lie beside the project, in `../shared/facts`, and are read there. Where the folder is
//! missing there is nothing to compare with.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use kelisim::demo;
use kelisim::rules::{self, RuleSet, Use};
use url::Url;

/// The vendors of the tables, and the recipient that our rules give each.
const VENDORS: [(&str, &str); 25] = [
    ("bitrix", "1c-bitrix"),
    ("bitrix24", "bitrix24"),
    ("clarity", "clarity"),
    ("cloudflare", "cloudflare"),
    ("firebase", "google-analytics"),
    ("google_ads", "google-ads"),
    ("google_ga", "google-analytics"),
    ("google_ga.js", "google-analytics"),
    ("google_ga4", "google-analytics"),
    ("google_gtm", "google-analytics"),
    ("google_optimize", "google-analytics"),
    ("google_sgtm", "google-analytics"),
    ("google_ua", "google-analytics"),
    ("hotjar", "hotjar"),
    ("liveinternet", "liveinternet"),
    ("meta", "meta"),
    ("roistat", "roistat"),
    ("tiktok", "tiktok"),
    ("tilda", "tilda"),
    ("vk_mailru", "vk"),
    ("yandex_ads", "yandex-ads"),
    ("yandex_metrica", "yandex-metrica"),
    ("yandex_ytm", "yandex-metrica"),
    ("zero_kz", "zero-kz"),
    // Not in the tables' list of hosts, but in that of keys.
    ("google", "google-ads"),
];

/// Vendors of the tables that are not ours, or that no address or name tells.
const OTHERS: [(&str, &str); 4] = [
    ("google_gtg", "a path of the site's own"),
    ("google_doubleclick", "cookies of another domain"),
    ("yandex", "cookies of another domain"),
    ("sourcebuster", "a library of the site's own, which sends nothing"),
];

/// Addresses of our vendors that no rule tells, and why.
const HOSTS_LEFT: [(&str, &str); 2] = [
    ("firebase.googleapis.com", "serves all of Firebase; its analytics is told by its script"),
    ("firebaseinstallations.googleapis.com", "the same"),
];

/// Cookies of our vendors that no rule tells, and why.
const COOKIES_LEFT: [(&str, &str); 1] =
    [("BITRIX_SM_LAST_VISIT", "the site's own, and functional")];

/// What a table gives one of our vendors and our rules give another, and why.
const ELSEWHERE: [(&str, &str, &str); 1] =
    [("https://td.doubleclick.net/td/rul/", "google-ads", "remarketing, so the stricter")];

fn table(name: &str) -> Option<Vec<Vec<String>>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/facts");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    let text = fs::read_to_string(folder.join(name)).expect("the table can be read");
    let rows = text.lines().skip(1).filter(|line| !line.is_empty());
    Some(rows.map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

fn shipped() -> RuleSet {
    rules::load("rules", &demo::rule_files()).expect("the shipped rules load")
}

/// The recipient of a vendor of the tables; nothing for one that is not ours.
fn recipient(vendor: &str) -> Option<&'static str> {
    let found = VENDORS.iter().find(|(name, _)| *name == vendor).map(|(_, recipient)| *recipient);
    let other = OTHERS.iter().any(|(name, _)| *name == vendor);
    assert!(found.is_some() != other, "`{vendor}` is either ours or not; say so in tests/facts.rs");
    found
}

/// What a pattern of the tables stands for: `{a,b}` and `(a|b)` are one of them, `(a)?` and `[a]` may
/// be missing, `<…>` and `*` are anything.
fn variants(pattern: &str) -> Vec<String> {
    let Some(at) = pattern.find(['{', '(', '[', '<', '*']) else { return vec![pattern.to_owned()] };
    let (head, rest) = pattern.split_at(at);
    let inside = |end: char| rest[1..].split_once(end).expect("what opens closes");
    let (choices, tail) = match rest.as_bytes()[0] {
        b'*' => (vec!["x"], &rest[1..]),
        b'<' => {
            let (name, tail) = inside('>');
            (vec![if name.contains("tld") { "kz" } else { "1" }], tail)
        }
        b'{' => {
            let (list, tail) = inside('}');
            (list.split(',').collect(), tail)
        }
        b'[' => {
            let (optional, tail) = inside(']');
            (vec!["", optional], tail)
        }
        _ => {
            let (list, tail) = inside(')');
            let mut choices: Vec<_> = list.split('|').collect();
            let optional = tail.strip_prefix('?');
            choices.extend(optional.map(|_| ""));
            (choices, optional.unwrap_or(tail))
        }
    };
    let tails = variants(tail);
    let joined = choices
        .iter()
        .flat_map(|choice| tails.iter().map(move |tail| format!("{head}{choice}{tail}")));
    joined.collect()
}

/// The uses in a page that a kind of the table tells; for requests of scripts, whichever it may be.
fn uses(kind: &str) -> Vec<Use> {
    let told = [("script", Use::Script), ("img", Use::Image), ("iframe", Use::Frame)];
    let uses: Vec<_> =
        told.into_iter().filter(|(word, _)| kind.contains(word)).map(|(_, used)| used).collect();
    match uses.is_empty() {
        true => vec![Use::Script, Use::Image, Use::Frame],
        false => uses,
    }
}

#[test]
fn every_address_is_told_by_a_rule_of_its_vendor() {
    let Some(rows) = table("hosts.tsv") else { return };
    let rules = shipped();
    let undeclared: BTreeSet<_> = rules.never_declared().map(|(_, recipient)| recipient).collect();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for row in rows {
        let [vendor, _, hosts, paths, kind, ..] = &row[..] else { panic!("{row:?}: six columns") };
        let Some(recipient) = recipient(vendor) else { continue };
        let left = |host: &&str| {
            // Paths of the site's own are told by their content.
            host.starts_with("SAME ORIGIN") || HOSTS_LEFT.iter().any(|(left, _)| left == host)
        };
        let hosts = hosts.split(", ").filter(|host| !left(host)).flat_map(variants);
        let hosts: BTreeSet<_> = hosts.collect();
        let paths = paths.split(", ").filter(|path| path.starts_with('/')).flat_map(variants);
        // What is on every path of the site's alone is no vendor's host.
        let paths: BTreeSet<_> = paths.filter(|path| !path.starts_with("/cdn-cgi/")).collect();
        let (mut hosts_told, mut paths_told) = (BTreeSet::new(), BTreeSet::new());
        for host in &hosts {
            for path in &paths {
                let url: Url = format!("https://{host}{path}").parse().expect("an address");
                let at_url = |used| rules.at_url(&url, used);
                let elsewhere = ELSEWHERE.iter().find(|(address, ..)| *address == url.as_str());
                let recipient = elsewhere.map_or(recipient, |(_, recipient, _)| recipient);
                for found in uses(kind).into_iter().flat_map(at_url) {
                    let by = rules.vendors[found].recipient.0.as_str();
                    if by == recipient {
                        hosts_told.insert(host);
                        paths_told.insert(path);
                    } else if undeclared.contains(by) || !undeclared.contains(recipient) {
                        // The stricter counts: one that is declared changes nothing for one that is not.
                        wrong.push(format!("{url} is also told as {by}'s"));
                    }
                }
                tried += 1;
            }
        }
        // A table's line lists hosts and paths, not which of them belong together.
        for host in hosts.iter().filter(|host| !hosts_told.contains(host)) {
            // A line with no path says nothing of how it is used.
            if !(paths.len() == 1 && paths.contains("/") && rules.names_host(host)) {
                wrong.push(format!("{vendor}: no rule tells {host} ({kind})"));
            }
        }
        let everywhere = |path: &&String| path.as_str() == "/";
        for path in paths.iter().filter(|path| !paths_told.contains(path) && !everywhere(path)) {
            if !hosts.is_empty() {
                wrong.push(format!("{vendor}: no rule tells {path} ({kind})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 250, "only {tried} addresses were tried");
}

#[test]
fn every_cookie_is_told_by_a_rule_of_its_vendor() {
    let Some(rows) = table("cookies.tsv") else { return };
    let rules = shipped();
    let (mut wrong, mut told) = (Vec::new(), 0);
    for row in rows {
        let [name, matched, vendor, party, category, ..] = &row[..] else {
            panic!("{row:?}: eight columns")
        };
        let name = if matched == "prefix" { format!("{name}x1") } else { name.clone() };
        let found: BTreeSet<_> = rules
            .with_cookie(name.as_bytes())
            .map(|vendor| rules.vendors[vendor].recipient.0.as_str())
            .collect();
        let own = recipient(vendor).filter(|_| party.starts_with("1st"));
        let left = COOKIES_LEFT.iter().any(|(left, _)| *left == name);
        let expected = match (own, category.as_str()) {
            // Server-side tagging serves both; the table says which.
            (Some("google-analytics"), "marketing") => Some("google-ads"),
            (own, _) => own,
        };
        let expected: BTreeSet<_> = expected.filter(|_| !left).into_iter().collect();
        // A cookie of another domain is never seen here, and its name may be the site's own.
        if found != expected {
            wrong.push(format!("`{name}` ({vendor}) is told by {found:?}, not {expected:?}"));
        }
        told += expected.len();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(told > 40, "only {told} cookies were told");
}

#[test]
fn every_key_in_storage_is_told_by_a_rule_of_its_vendor() {
    let Some(rows) = table("storage-keys.tsv") else { return };
    let rules = shipped();
    let (mut wrong, mut told) = (Vec::new(), 0);
    for row in rows {
        let [store, keys, vendor, ..] = &row[..] else { panic!("{row:?}: five columns") };
        // Databases and workers have no keys.
        if !["localStorage", "sessionStorage"].contains(&store.as_str()) {
            continue;
        }
        let recipient = recipient(vendor).expect("a vendor of ours");
        let of_recipient = |vendor: usize| rules.vendors[vendor].recipient.0 == recipient;
        // One line of Google's stands for Analytics and Ads.
        let of_google = |vendor: usize| rules.vendors[vendor].recipient.0.starts_with("google-");
        let patterns = match vendor.as_str() {
            "google" => rules.stored_keys(of_google),
            _ => rules.stored_keys(of_recipient),
        };
        // `^_ym` is a beginning, and what stands in brackets behind a key says what it is for.
        let keys = keys.split([',', '|']).map(|key| key.split(" (").next().unwrap_or(key).trim());
        for key in keys.flat_map(|key| variants(&key.replace('^', ""))) {
            let covers = |pattern: &String| match pattern.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => key == *pattern,
            };
            if !patterns.iter().any(covers) {
                wrong.push(format!("{vendor}: no rule tells the key {key}"));
            }
            told += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(told > 20, "only {told} keys were told");
}

#[test]
fn patterns_of_the_tables_are_read_as_they_are_meant() {
    for (pattern, expected) in [
        ("mc.yandex.{ru,kz}", &["mc.yandex.ru", "mc.yandex.kz"][..]),
        ("/watch/<id>[/1]", &["/watch/1", "/watch/1/1"]),
        ("/conversion(_async)?.js", &["/conversion_async.js", "/conversion.js"]),
        ("www.google.<cctld incl. kz>", &["www.google.kz"]),
        ("/gtag/js?id=(G|GT)-", &["/gtag/js?id=G-", "/gtag/js?id=GT-"]),
        ("/*/fbevents.js", &["/x/fbevents.js"]),
    ] {
        assert_eq!(variants(pattern), expected, "{pattern}");
    }
}
