//! `kelisim discover`: rule files for what no rule knows.
//!
//! A running gateway is asked for what it met; or pages in files are looked through, by the same judge.
//! What is printed are drafts of rule files, one for each vendor as far as hosts tell; or, with `--json`,
//! what was met, as `kelisim diff --on` takes it.
//!
//! With `--csp` the gateway is asked for what browsers reported that pages need, and a `csp.toml` comes of it.
//!
//! Nothing that is there is written over.
//!
//! Exit code 0, whether anything was found or not; 1 where something cannot be asked, read or written.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::draft::Draft;
use super::imagined::{Imagined, Page, load, moment};
use super::needs;
use super::operator;
use crate::coding::{Coding, Levels};
use crate::config::{ADMIN, RULES};
use crate::gate::document::Document;
use crate::gate::stream::Stream;
use crate::observe::{Discovered, Discoveries, Needed};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Pages to look through instead of asking a gateway; `-` is stdin
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The admin address of a gateway that runs
    #[arg(long, env = "KELISIM_ADMIN", value_name = "ADDR", default_value_t = ADMIN)]
    admin: SocketAddr,
    /// Folder of rules; what they know is left out. For pages `rules` if not told, for a gateway its own
    #[arg(long, env = "KELISIM_RULES", value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Write each file into this folder, such as `rules/vendors`, instead of printing it
    #[arg(long, value_name = "DIR", conflicts_with = "json")]
    into: Option<PathBuf>,
    /// Print what was met instead of rules
    #[arg(long)]
    json: bool,
    /// Draft `csp.toml` instead: what pages need besides the site, as browsers reported it to the gateway.
    /// `--into` is the folder of rules then; what is approved there stays as it is
    #[arg(long, conflicts_with = "files")]
    csp: bool,
}

/// Prints or writes rules.
pub(super) fn run(options: &Options) -> ExitCode {
    match discover(options) {
        Ok(text) => super::print(&text),
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn discover(options: &Options) -> Result<String, String> {
    let Options { files, admin, rules, into, json, csp } = options;
    if *csp {
        return discover_csp(options);
    }
    let discovered = match (&files[..], rules) {
        ([], None) => ask::<Discovered>(*admin, "/discovered")?,
        ([], Some(rules)) => ask::<Discovered>(*admin, "/discovered")?.unknown_to(&load(rules)?),
        (files, rules) => look_through(files, rules.as_deref().unwrap_or(Path::new(RULES)))?,
    };
    if *json {
        return in_json(&discovered);
    }
    let drafts = Draft::all(&discovered);
    if drafts.is_empty() {
        let looked_at = discovered.looked_at;
        return Ok(format!(
            "# {looked_at} answers were looked through; rules know all that they held\n"
        ));
    }
    match into {
        Some(folder) => write_into(folder, &drafts),
        None => Ok(printed(&drafts)),
    }
}

fn in_json(told: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(told).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

/// Asks a gateway for what pages need, and drafts its approval.
fn discover_csp(Options { admin, rules, into, json, .. }: &Options) -> Result<String, String> {
    let mut needed: Needed = ask(*admin, "/needed")?;
    if let Some(rules) = rules {
        needed = needed.unapproved_by(&load(rules)?);
    }
    match into {
        _ if *json => in_json(&needed),
        Some(folder) => needs::write_into(folder, &needed),
        None => Ok(needs::printed(&needed)),
    }
}

/// All files, one behind the other.
fn printed(drafts: &[Draft]) -> String {
    let mut text = String::new();
    for Draft { file, text: draft } in drafts {
        if drafts.len() > 1 {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# ======== rules/vendors/{file}: a file of its own ========");
        }
        text.push_str(draft);
        text.push('\n');
    }
    text.truncate(text.trim_end().len() + 1);
    text
}

fn write_into(folder: &Path, drafts: &[Draft]) -> Result<String, String> {
    let mut said = String::new();
    for Draft { file, text } in drafts {
        let path = folder.join(file);
        let name = path.display();
        let opened = OpenOptions::new().write(true).create_new(true).open(&path);
        let is = match opened.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => "written; fill in name, purpose and recipient",
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                "is there already, and stays as it is"
            }
            Err(error) => return Err(format!("{name}: cannot be written: {error}")),
        };
        // Writing to a string does not fail.
        let _ = writeln!(said, "{name}: {is}");
    }
    Ok(said)
}

/// Looks pages through.
fn look_through(files: &[PathBuf], rules: &Path) -> Result<Discovered, String> {
    let scene = Imagined::nobody().scene(rules)?;
    let discoveries = Arc::new(Discoveries::default());
    for file in files {
        let page = Page::html(file.clone(), None);
        let name = page.name();
        let (bytes, charset) = page.read(&scene)?;
        let document =
            Document::new(Arc::clone(&scene.snapshot), scene.fates(), page.url(&scene)?, None)
                .in_encoding(charset.sent_in())
                .scouted(Some(discoveries.scout(&name, moment(None))));
        let stream = Stream::new(charset, document, Coding::Identity, Levels::default());
        let mut stream =
            stream.ok_or_else(|| format!("{name}: in an encoding that is not read"))?;
        let mut out = Vec::new();
        let read = stream.take(&bytes, &mut out).and_then(|()| stream.finish(&mut out));
        read.map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(discoveries.unknown_to(scene.rules()))
}

/// Asks a gateway.
fn ask<T: DeserializeOwned>(admin: SocketAddr, path: &str) -> Result<T, String> {
    let url = format!("http://{admin}{path}");
    let (status, body) = operator::ask(admin, path)?;
    let read = serde_json::from_slice(&body).ok().filter(|_| status == StatusCode::OK);
    read.ok_or_else(|| format!("{url}: is no list of discoveries ({status}); name the admin address of a gateway by --admin"))
}
