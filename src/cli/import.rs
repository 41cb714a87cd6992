//! `kelisim import`: lists of others become files in `rules/lists/`, to read and edit.
//!
//! What a file is is told by its content: filters in the syntax of Adblock Plus, such as EasyPrivacy, or
//! the CSV of the Open Cookie Database. All files are read before anything is written, and nothing that is
//! there already is overwritten unless told.
//!
//! A list begins with `action = "report-only"`: it counts, and changes nothing until the operator says so.
//! Whose it is and under which terms is stated, in the file and on the screen. Nothing is fetched.
//!
//! How lists are asked is in [`crate::rules`]. Exit code 0; 1 where something cannot be read or written.

mod cookies;
mod filters;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use toml::Value;

use super::imagined::{Folder, read};
use crate::clock::Clock;
use crate::time::Day;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// A list of filters (EasyPrivacy and its like), or the CSV of the Open Cookie Database
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Overwrite lists of the same name, with what was edited in them
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    folder: Folder,
}

/// A file that was given.
struct Given<'a> {
    /// Its name as it was given.
    path: String,
    /// Its name without folders.
    name: String,
    text: &'a str,
    today: Day,
}

/// A file that is written, by its name in `rules/lists/`.
struct Written {
    name: String,
    text: String,
}

/// What became of a file.
struct Imported {
    written: Vec<Written>,
    /// What is said about it.
    said: String,
}

/// Imports all files, or none.
pub(super) fn run(options: &Options) -> ExitCode {
    match import(options) {
        Ok(said) => super::print(&said),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn import(options: &Options) -> Result<String, String> {
    let today = Clock::System.now().day();
    let mut said = String::new();
    let mut written: Vec<Written> = Vec::new();
    for file in &options.files {
        let imported = imported(file, today)?;
        said.push_str(&imported.said);
        for one in imported.written {
            if written.iter().any(|other| other.name == one.name) {
                return Err(format!(
                    "{}: another file becomes `{}`, too; give one of them another name",
                    file.display(),
                    one.name
                ));
            }
            written.push(one);
        }
    }
    let folder = options.folder.rules.join("lists");
    if let Some(there) = written.iter().map(|one| folder.join(&one.name)).find(|at| at.exists())
        && !options.force
    {
        return Err(format!(
            "{}: is there already; `--force` overwrites it, with what was edited in it",
            there.display()
        ));
    }
    if !options.folder.rules.join("site.toml").exists() {
        return Err(format!(
            "{}: is no folder of rules, as it has no `site.toml`; name yours by `--rules`",
            options.folder.rules.display()
        ));
    }
    write_all(&folder, &written)?;
    for one in &written {
        say(&mut said, &format!("wrote {}", folder.join(&one.name).display()));
    }
    say(
        &mut said,
        "they only report until `action = \"hold\"` is set in them; `kelisim check` says whether all fits",
    );
    Ok(said)
}

fn write_all(folder: &Path, written: &[Written]) -> Result<(), String> {
    let told =
        |at: &Path, error: std::io::Error| format!("{}: cannot be written: {error}", at.display());
    std::fs::create_dir_all(folder).map_err(|error| told(folder, error))?;
    for Written { name, text } in written {
        let at = folder.join(name);
        std::fs::write(&at, text).map_err(|error| told(&at, error))?;
    }
    Ok(())
}

fn imported(file: &Path, today: Day) -> Result<Imported, String> {
    let path = file.display().to_string();
    let bytes = read(file).map_err(|error| format!("{path}: cannot be read: {error}"))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count();
        format!("{path}:{line}: is no UTF-8; lists are text in UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let given = Given { path, name, text, today };
    if cookies::is_database(text) {
        cookies::import(&given)
    } else if filters::is_list(text) {
        filters::import(&given)
    } else {
        let line = 1 + text.lines().take_while(|line| line.trim().is_empty()).count();
        Err(format!(
            "{}:{line}: is neither a list of filters, with lines such as `||tracker.example^` or \
             `! Title: …`, nor the CSV of the Open Cookie Database, whose first line names \
             `Cookie / Data Key name`",
            given.path
        ))
    }
}

impl Given<'_> {
    /// The name of its list: of its file's, what can stand in a file's name anywhere.
    fn list(&self) -> String {
        let stem = self.name.rsplit_once('.').map_or(self.name.as_str(), |(stem, _)| stem);
        let mut list = String::new();
        for letter in stem.chars() {
            if letter.is_ascii_alphanumeric() {
                list.push(letter.to_ascii_lowercase());
            } else if !list.ends_with('-') && !list.is_empty() {
                list.push('-');
            }
        }
        let list = list.trim_end_matches('-');
        if list.is_empty() { "list".to_owned() } else { list.to_owned() }
    }
}

/// What every list's file begins with.
struct Head<'a> {
    name: &'a str,
    homepage: Option<&'a str>,
    licence: &'a str,
    purpose: &'a str,
    /// Addresses that it stops.
    is: &'a [String],
}

impl Head<'_> {
    fn text(&self, given: &Given<'_>) -> String {
        let mut text = String::from("#:schema ../.schema/list.json\n");
        for line in [
            "# A list of others, imported. It is asked only where no file of `vendors` speaks, of what other hosts serve.",
            "#",
            "# action: `report-only` counts what the list names, and it passes; `hold` withholds it until its purpose is",
            "# agreed to, and for good where the policy does not name the recipient for that purpose.",
        ] {
            say(&mut text, line);
        }
        let mut put = |key: &str, value: Value| say(&mut text, &format!("{key} = {value}"));
        put("\nname", self.name.into());
        put("source", given.name.as_str().into());
        if let Some(homepage) = self.homepage {
            put("homepage", homepage.into());
        }
        put("licence", self.licence.into());
        put("imported", given.today.to_string().into());
        put("purpose", self.purpose.into());
        put("recipient", "undeclared".into());
        put("action", "report-only".into());
        if !self.is.is_empty() {
            text.push_str(
                "\n# Addresses that it stops, and such as it must not: with a newer list that does, `check` fails.\n",
            );
            let mut put = |key: &str, value: Value| say(&mut text, &format!("{key} = {value}"));
            put("is", self.is.to_vec().into());
            put("is_not", Value::Array(Vec::new()));
        }
        text
    }
}

fn say(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}
