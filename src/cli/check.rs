//! `kelisim check`: everything that is wrong with the rules, at once.
//!
//! What takes protection away without being wrong is warned of, and what a version of the policy that is not yet in
//! force will change is told. Exit code 0 with a summary, 1 with one line for each problem.

use std::path::Path;
use std::process::ExitCode;

use super::imagined::moment;
use crate::config::rule_files;
use crate::policy::{Basis, Part, Policies, PolicyVersion, Purpose};
use crate::rules::{self, List};
use crate::time::Day;

/// Reads the rules and plays their examples.
pub(super) fn run(folder: &Path, day: Option<Day>) -> ExitCode {
    let files = match rule_files(folder) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let root = folder.display().to_string();
    let now = moment(day);
    let read = rules::load(root.trim_end_matches('/'), &files).and_then(|rules| {
        let problems = rules.problems_on(now.day());
        if problems.is_empty() { Ok(rules) } else { Err(problems) }
    });
    match read {
        Ok(rules) => {
            let (vendors, versions) = (rules.vendors.len(), rules.policies.all().len());
            let languages = rules.site.languages.join(", ");
            println!("{root}: {} files, no problem", files.len());
            println!("{vendors} vendors, {versions} policy versions, languages {languages}");
            for list in rules.lists() {
                let List { id, name, action, origin, .. } = list;
                println!("{id}: {name}, {}, {}; {origin}", list.extent(), action.name());
            }
            for (name, recipient) in rules.never_declared() {
                println!("always withheld: {name} (`{recipient}` is in no policy)");
            }
            for version in rules.policies.all() {
                if version.in_force.start() > now {
                    println!("{}", to_come(&rules.policies, version));
                }
            }
            for warning in rules.warnings(now) {
                println!("warning: {warning}");
            }
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("{problem}");
            }
            let s = if problems.len() == 1 { "" } else { "s" };
            eprintln!("{} problem{s} in {root}", problems.len());
            ExitCode::FAILURE
        }
    }
}

/// From when visitors are told of a version, and what it changes of the one before it.
fn to_come(policies: &Policies, version: &PolicyVersion) -> String {
    let PolicyVersion { announced, in_force, terms } = version;
    let changes = |purpose: Purpose| {
        let parts = terms[purpose].changes_from(&policies.before(version)?.terms[purpose]);
        let names: Vec<_> = parts.into_iter().map(Part::name).collect();
        let again = if terms[purpose].basis == Basis::Consent { ", asked again" } else { "" };
        (!names.is_empty()).then(|| format!("{purpose} ({}{again})", names.join(", ")))
    };
    let changes: Vec<_> = Purpose::ALL.into_iter().filter_map(changes).collect();
    let changes =
        if changes.is_empty() { "the terms of no purpose".to_owned() } else { changes.join(", ") };
    format!("in force from {in_force}, visitors are told from {announced} on: changes {changes}")
}
