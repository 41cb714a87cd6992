//! Rule files made of what no rule knows, to be edited.
//!
//! Hosts under one domain are taken for one vendor's: its file has a rule for each of them. Whose a cookie
//! is its name does not tell, so all cookies stand in one file, to be moved where they belong.
//!
//! A file is complete but for what only the operator can say: who that is, what for, and how the policy
//! names them. Until those are filled in, `kelisim check` refuses it.

use std::collections::BTreeMap;
use std::fmt::Write;

use toml::Value;

use crate::gate::tally::Kind;
use crate::observe::{Discovered, Found};
use crate::policy::Purpose;
use crate::rules::HostPattern;

/// A rule file to edit.
pub(super) struct Draft {
    /// Its name in `rules/vendors/`.
    pub(super) file: String,
    /// What stands in it.
    pub(super) text: String,
}

/// Everything that was met under one name.
type Entries<'a> = BTreeMap<&'a str, Vec<&'a Found>>;

impl Draft {
    /// The files that all of it takes.
    pub(super) fn all(discovered: &Discovered) -> Vec<Draft> {
        let mut vendors: BTreeMap<String, Entries<'_>> = BTreeMap::new();
        let mut cookies = Entries::new();
        for found in &discovered.found {
            if found.is_cookie() {
                cookies.entry(&found.name).or_default().push(found);
            } else if HostPattern::parse(&found.name).is_ok() {
                let hosts = vendors.entry(domain(&found.name)).or_default();
                hosts.entry(&found.name).or_default().push(found);
            }
        }
        let mut drafts: Vec<_> =
            vendors.iter().map(|(domain, hosts)| of_hosts(domain, hosts)).collect();
        if !cookies.is_empty() {
            drafts.push(of_cookies(&cookies));
        }
        drafts
    }
}

/// What hosts of one vendor most likely have in common: the last two labels, or three where the last is a
/// country's and the one before is short (`com.kz`, `co.uk`).
fn domain(host: &str) -> String {
    let labels: Vec<_> = host.split('.').collect();
    let is_number = labels.iter().all(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    let kept = match labels[..] {
        _ if is_number => labels.len(),
        [.., second, last] if second.len() <= 3 && last.len() == 2 => 3,
        _ => 2,
    };
    labels[labels.len().saturating_sub(kept)..].join(".")
}

fn of_hosts(domain: &str, hosts: &Entries<'_>) -> Draft {
    let mut text = head(&format!("What pages load from {domain}, which no rule knew."));
    for (host, met) in hosts {
        let [is, is_not] = [format!("https://{host}/"), format!("https://{host}.example/")];
        say(&mut text, met);
        rule(&mut text, "url", "host", &quoted(host), [&quoted(&is), &quoted(&is_not)]);
    }
    let in_scripts = hosts.iter().filter(|(host, met)| {
        host.contains('.') && met.iter().any(|found| found.kind == Kind::Inline)
    });
    for (host, _) in in_scripts {
        let _ = writeln!(
            text,
            "\n# A script in a page names it. Better examples are the script, and one that is not."
        );
        let code = |host: &str| format!("'''s.src=\"https://{host}/\"'''");
        let pattern = format!("'''\\b{}\\b'''", regex::escape(host));
        let other = format!("{}.example", host.replace('.', "-"));
        rule(&mut text, "inline", "pattern", &pattern, [&code(host), &code(&other)]);
    }
    Draft { file: format!("{}.toml", domain.replace('.', "-")), text }
}

fn of_cookies(cookies: &Entries<'_>) -> Draft {
    let mut text = head(
        "Cookies that no rule knew. Move each to the file of whom it belongs to; those of the site's own belong\n\
         # to a file with `recipient = \"operator\"`, and always travel.",
    );
    for (name, met) in cookies {
        let (is, is_not) = match name.strip_suffix('*') {
            Some(start) => (format!("{start}1"), unlike(start)),
            None => ((*name).to_owned(), format!("{name}-other")),
        };
        say(&mut text, met);
        rule(&mut text, "cookie", "name", &quoted(name), [&quoted(&is), &quoted(&is_not)]);
    }
    Draft { file: "cookies.toml".to_owned(), text }
}

/// A name that does not begin so.
fn unlike(start: &str) -> String {
    let mut shorter = start.to_owned();
    shorter.pop();
    match shorter.is_empty() {
        false => shorter,
        true if start == "x" => "y".to_owned(),
        true => "x".to_owned(),
    }
}

fn head(what: &str) -> String {
    let purposes: Vec<_> = Purpose::ALL.iter().map(|purpose| purpose.name()).collect();
    format!(
        "#:schema ../.schema/vendor.json\n# {what}\n#\n\
         # Fill in these three, keep the rules that are right, and ask `kelisim check`.\n\
         name = \"\" # who that is\n\
         purpose = \"\" # {}\n\
         recipient = \"\" # as the policy names it; who is named in no policy is withheld from everybody\n",
        purposes.join(", ")
    )
}

/// Says as what something was met.
fn say(text: &mut String, met: &[&Found]) {
    text.push('\n');
    for Found { kind, count, page, first, last, .. } in met {
        let (kind, page) = (kind.name(), page.escape_debug());
        // Writing to a string does not fail.
        let _ =
            writeln!(text, "# {kind}: {count} times, first on {page} at {first}, last at {last}");
    }
}

fn rule(text: &mut String, list: &str, key: &str, value: &str, [is, is_not]: [&str; 2]) {
    let _ = writeln!(text, "[[{list}]]\n{key} = {value}\nis = [{is}]\nis_not = [{is_not}]");
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_grouped_by_what_looks_like_one_owner() {
        for (host, expected) in [
            ("cdn.a.com", "a.com"),
            ("a.com", "a.com"),
            ("x.shop.com.kz", "shop.com.kz"),
            ("x.long.kz", "long.kz"),
            ("10.0.0.1", "10.0.0.1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(domain(host), expected);
        }
    }

    #[test]
    fn no_name_begins_like_what_it_is_unlike() {
        for start in ["_ga_", "n", "x", "not"] {
            assert!(!unlike(start).starts_with(start), "{start}");
        }
    }
}
