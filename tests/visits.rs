//! What every visitor can do, whatever they see and hold: in Chromium and in Firefox, by mouse, by keyboard
//! alone, with scripts off, on a narrow screen, at 400 %, in the dark, with nothing that moves.
//!
//! Each journey is the same: decline, find the settings, agree there, withdraw, begin anew, agree, see what is held, have
//! it forgotten. What it meets is judged on the way: nothing leaves the screen, the focus is seen, in order and never hidden.
//!
//! `tests/run` takes a few of the circumstances, so that each is met once; `BROWSER_FLOWS=all`, as in
//! `tests/run --long`, takes all of them together. Nothing is skipped: what is missing fails and names
//! `tests/run`, which installs it.
//!
//! The journey is in `tests/visits/`; beside it stand axe-core, which judges each page, and autoconsent, which
//! answers banners for visitors.

#[path = "visits/answered.rs"]
mod answered;
#[path = "browser/mod.rs"]
#[allow(dead_code, reason = "each test in a browser uses a part of it")]
mod browser;
#[path = "browser/demo.rs"]
#[allow(dead_code, reason = "no rules of a test's own here")]
mod demo;
#[path = "visits/hand.rs"]
mod hand;
#[path = "visits/journey.rs"]
mod journey;
#[path = "visits/judged.rs"]
mod judged;

use std::fs;
use std::path::Path;

/// The languages, and where the demonstration's pages in them are.
const LANGUAGES: [(&str, &str); 3] = [("kk", "/"), ("ru", "/ru/"), ("en", "/en/")];

/// Whether all circumstances are wanted.
fn all() -> bool {
    match std::env::var("BROWSER_FLOWS") {
        Err(_) => false,
        Ok(wanted) if wanted == "all" => true,
        Ok(wanted) => panic!("BROWSER_FLOWS={wanted}: only `all` is known"),
    }
}

/// A file of a package from npm.
fn package(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/visits/node_modules").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}: run `tests/run`, which fetches it", path.display())
    })
}
