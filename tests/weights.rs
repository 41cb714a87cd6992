//! What the gateway adds to a page, in bytes: `cargo test --test weights -- --nocapture` prints the table that
//! stands in docs/run-time.md.
//!
//! The guard and the banner are held to their bounds here, with the shipped rules; what stays after a choice is by
//! `src/banner/control.rs`. Files are weighed as they go out, in each
//! coding; markup as it stands in a page.

use std::path::Path;

use kelisim::banner::{Carrier, assets};
use kelisim::coding::{Coding, Levels, whole};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::rules;
use kelisim::snapshot::Snapshot;

/// What the guard may weigh in brotli, with the shipped rules.
const GUARD_BYTES_MAX: usize = 3_000;

/// What the banner may weigh in gzip in any language: markup, stylesheet, scripts.
const BANNER_BYTES_MAX: usize = 8_000;

const BEST: Levels = Levels { zstd: 19, br: 11, gzip: 9 };

/// Plain, in gzip, in brotli.
fn weights(code: &str) -> [usize; 3] {
    let packed = |coding| whole(code.as_bytes(), coding, BEST).len();
    [code.len(), packed(Coding::Gzip), packed(Coding::Brotli)]
}

fn shipped() -> Snapshot {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let files = kelisim::config::rule_files(&shipped).expect("the shipped rules");
    let rules = rules::load("rules", &files).expect("the rules load");
    Snapshot::new(rules, Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]))
}

#[test]
fn the_guard_and_the_banner_keep_their_weight() {
    let snapshot = shipped();
    let policy = snapshot.rules.policies.all().last().expect("there is a policy");
    let guard = snapshot.guard(policy.in_force).expect("there is something to guard against");
    let mut table = Vec::new();
    for part in &guard.weights {
        table.push((part.name.to_owned(), weights(&part.code)));
    }
    let [_, _, of_guard] = table[0].1;
    table.push(("all of them in one file".to_owned(), weights(&guard.file.body)));
    let of_files = [assets::banner_js(), &snapshot.style.banner].map(|file| weights(&file.body));
    table.push(("banner.js".to_owned(), of_files[0]));
    table.push(("banner.css".to_owned(), of_files[1]));
    let mut banners = Vec::new();
    for language in &snapshot.rules.site.languages {
        let face = snapshot.face(policy, language).expect("each language has a face");
        let mut banner = Vec::new();
        let page = Carrier { return_to: "/", ..Carrier::default() };
        face.layer.as_ref().expect("4.3 is asked").write(&mut banner, &"t".repeat(43), page);
        let banner = weights(&String::from_utf8(banner).expect("ASCII"));
        table.push((format!("banner, {language}"), banner));
        banners.push(banner[1] + of_files[0][1] + of_files[1][1]);
        let control = face.control.as_ref().expect("the shipped rules want one");
        table.push((format!("control, {language}"), weights(&control.file.body)));
    }
    println!("| | plain | gzip | brotli |\n|---|---|---|---|");
    for (name, [plain, gzip, brotli]) in &table {
        println!("| {name} | {plain} | {gzip} | {brotli} |");
    }
    println!("the banner with its files, in gzip: {banners:?}");
    assert!(of_guard <= GUARD_BYTES_MAX, "the guard weighs {of_guard} bytes");
    assert!(banners.iter().all(|bytes| *bytes <= BANNER_BYTES_MAX), "{banners:?}");
}
