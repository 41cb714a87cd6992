//! `kelisim check`: everything that is wrong with the rules, at once.
//!
//! What takes protection away without being wrong is warned of. Exit code 0 with a summary, 1 with one line for each problem.

use std::path::Path;
use std::process::ExitCode;

use super::imagined::moment;
use crate::config::rule_files;
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
