//! `kelisim check`: everything that is wrong with the rules, at once.
//!
//! Exit code 0 with a summary, 1 with one line for each problem.

use std::path::Path;
use std::process::ExitCode;

use crate::config::rule_files;
use crate::rules;

/// Reads the rules and plays their examples.
pub(super) fn run(folder: &Path) -> ExitCode {
    let files = match rule_files(folder) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let root = folder.display().to_string();
    match rules::load(root.trim_end_matches('/'), &files) {
        Ok(rules) => {
            let (vendors, versions) = (rules.vendors.len(), rules.policies.all().len());
            let languages = rules.site.languages.join(", ");
            println!("{root}: {} files, no problem", files.len());
            println!("{vendors} vendors, {versions} policy versions, languages {languages}");
            for (name, recipient) in rules.never_declared() {
                println!("always withheld: {name} (`{recipient}` is in no policy)");
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
