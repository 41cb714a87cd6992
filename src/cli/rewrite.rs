//! `kelisim rewrite`: what the gate makes of a page.
//!
//! For operators who wonder what becomes of a page, and for tests. The page comes from a file, goes
//! to stdout as a visitor with these choices would get it, and what was done is said on stderr.
//!
//! Exit code 0; 1 where something cannot be read, the page's encoding included.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::imagined::{Folder, Imagined, Page};
use crate::coding::{Coding, Levels};
use crate::gate::document::{Document, Insertion};
use crate::gate::stream::Stream;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    imagined: Imagined,
    #[command(flatten)]
    folder: Folder,
    /// Put in the banner as well, with a form that no gateway takes
    #[arg(long)]
    banner: bool,
}

/// Rewrites one page.
pub(super) fn run(options: &Options) -> ExitCode {
    match rewrite(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn rewrite(options: &Options) -> Result<(), String> {
    let name = options.page.name();
    let scene = options.imagined.scene(&options.folder.rules)?;
    let snapshot = &scene.snapshot;
    let (page, charset) = options.page.read(&scene)?;
    let url = options.page.url(&scene)?;
    let insertion = options.banner.then(|| Insertion {
        policy: scene.policy().in_force,
        banner: true,
        notice: None,
        kind: "other".to_owned(),
        token: String::new(),
        return_to: url.path().to_owned(),
        nonce: None,
        permitted: String::new(),
        reload: false,
        accept_language: String::new(),
        is_document: true,
    });
    let document = Document::new(Arc::clone(snapshot), scene.fates(), url, insertion)
        .in_encoding(charset.sent_in());
    let encoding = charset.encoding().map_or("an encoding that nobody names", |e| e.name());
    let stream = Stream::new(charset, document, Coding::Identity, Levels::default());
    let mut stream = stream.ok_or_else(|| {
        format!(
            "{name}: in {encoding}, which is not read: it goes out as it is, behind a strict policy"
        )
    })?;
    let mut output = Vec::new();
    let document = stream.take(&page, &mut output).and_then(|()| stream.finish(&mut output));
    let document = document.map_err(|error| format!("{name}: {error}"))?;
    io::stdout().write_all(&output).map_err(|error| format!("stdout: {error}"))?;

    let held = document.tally().total();
    let tags = if held == 1 { "tag" } else { "tags" };
    let states = match document.tally().states() {
        0 => String::new(),
        states => format!("; {states} left in a framework's state, for the run-time guard"),
    };
    eprintln!("{name}: in {encoding}; {held} {tags} held, removed or overwritten{states}");
    Ok(())
}
