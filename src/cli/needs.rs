//! `rules/csp.toml` made of what pages need, to be approved.
//!
//! Each source is one entry, with how often and where it was reported. What it is only a person can say: until
//! `what` is filled in `kelisim check` refuses the file, so nothing counts that nobody has looked at.
//!
//! What stands in the file already stays as it is, byte for byte; what is new comes behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use toml::{Table, Value};

use crate::observe::{Need, Needed};
use crate::rules::{CSP_FILE, Fetch, entries};

const HEAD: &str = "\
#:schema .schema/csp.json
# What pages may reach besides the site itself, for `csp` in site.toml. Drafted by `kelisim discover --csp` from what
# browsers reported, which anybody can send: say in `what` what each is and why the site needs it, or remove it.
# docs/csp.md says what to look for.
";

/// The entries of all that is needed and does not stand in a file.
pub(super) fn draft(needed: &Needed, file: &str) -> (usize, String) {
    let known = stand_in(file);
    let mut sources: BTreeMap<&str, Vec<&Need>> = BTreeMap::new();
    let new = needed.needs.iter();
    for need in
        new.filter(|need| !known.contains(&(need.source.clone(), need.fetch.name().to_owned())))
    {
        sources.entry(&need.source).or_default().push(need);
    }
    let mut text = String::new();
    for (source, mut needs) in sources.iter().map(|(source, needs)| (source, needs.clone())) {
        needs.sort_by_key(|need| need.fetch);
        text.push('\n');
        for Need { fetch, count, page, first, last, .. } in &needs {
            let (name, page) = (fetch.name(), page.escape_debug());
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "# {name}: {count} times, first on {page} on {first}, last on {last}"
            );
        }
        let of: BTreeSet<_> = needs.iter().flat_map(|need| &need.of).collect();
        for whose in of {
            let _ = writeln!(text, "# Of {whose}: taken out again for who has not agreed to it.");
        }
        let uses = needs.iter().map(|need| Value::from(need.fetch.name())).collect();
        let _ = writeln!(
            text,
            "[[allow]]\nsource = {}\nas = {}\nwhat = \"\"",
            Value::from(*source),
            Value::Array(uses)
        );
    }
    (sources.len(), text)
}

/// Sources and uses of a file, approved or not.
fn stand_in(file: &str) -> BTreeSet<(String, String)> {
    let (entries, _) = entries(file);
    let allowed = entries.into_iter().filter(|(list, ..)| list == "allow");
    let each = allowed.flat_map(|(_, _, table): (_, _, Table)| {
        let source = table.get("source").and_then(Value::as_str).unwrap_or_default().to_owned();
        let uses = table.get("as").and_then(Value::as_array).cloned().unwrap_or_default();
        let names: Vec<_> = uses.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        names.into_iter().map(move |name| (source.clone(), name))
    });
    each.collect()
}

/// The draft, to be printed.
pub(super) fn printed(needed: &Needed) -> String {
    match draft(needed, "") {
        (0, _) => nothing(needed),
        (_, text) => format!("{HEAD}{text}{}", aside(needed)),
    }
}

/// Writes what is new behind what stands in the rules of a folder.
pub(super) fn write_into(folder: &Path, needed: &Needed) -> Result<String, String> {
    let path = folder.join(CSP_FILE);
    let name = path.display();
    let file = match std::fs::read_to_string(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{name}: cannot be read: {error}")),
    };
    let (count, text) = draft(needed, &file);
    if count == 0 {
        return Ok(nothing(needed));
    }
    let before = match file.is_empty() {
        true => HEAD,
        false if file.ends_with('\n') => "",
        false => "\n",
    };
    let opened = OpenOptions::new().create(true).append(true).open(&path);
    let written =
        opened.and_then(|mut opened| opened.write_all(format!("{before}{text}").as_bytes()));
    written.map_err(|error| format!("{name}: cannot be written: {error}"))?;
    let s = if count == 1 { "" } else { "s" };
    let mut said =
        format!("{name}: {count} source{s} to approve; say in `what` what each is, or remove it\n");
    for line in text.lines().filter(|line| line.starts_with("source = ")) {
        // Writing to a string does not fail.
        let _ = writeln!(said, "  {}", &line["source = ".len()..]);
    }
    Ok(said + &aside(needed))
}

fn nothing(needed: &Needed) -> String {
    let reports = needed.reports;
    format!("# {reports} reports were read, and nothing in them is new\n{}", aside(needed))
}

/// What was reported besides and is not to be approved.
fn aside(needed: &Needed) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    for (whose, count) in &needed.withheld {
        let _ = writeln!(text, "# left out: {whose}, withheld from who reported it: {count} times");
    }
    for (fetch, count) in &needed.others {
        let name = Fetch::name(*fetch);
        let _ = writeln!(
            text,
            "# left out: {name} of which nothing can be named, or no room: {count} times"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Day;

    #[test]
    fn what_stands_in_the_file_is_not_drafted_again_for_the_same_use() {
        let need = |source: &str, fetch| Need {
            fetch,
            source: source.to_owned(),
            count: 2,
            page: "/".to_owned(),
            first: Day(20_000),
            last: Day(20_001),
            of: Vec::new(),
        };
        let needs = vec![
            need("https://a.kz", Fetch::Script),
            need("https://a.kz", Fetch::Style),
            need("https://b.kz", Fetch::Image),
        ];
        let needed = Needed { needs, ..Needed::default() };
        let file = "[[allow]]\nsource = \"https://a.kz\"\nas = [\"script\"]\nwhat = \"\"\n\
                    [[allow]]\nsource = \"https://b.kz\"\nas = [\"font\", \"image\"]\nwhat = \"x\"\n";
        let (count, text) = draft(&needed, file);
        assert_eq!(count, 1);
        let expected = "\n# style: 2 times, first on / on 2024-10-04, last on 2024-10-05\n\
                        [[allow]]\nsource = \"https://a.kz\"\nas = [\"style\"]\nwhat = \"\"\n";
        assert_eq!(text, expected);
    }
}
