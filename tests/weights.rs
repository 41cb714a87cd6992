//! What the gateway adds to a page, in bytes: `cargo test --test weights -- --nocapture` prints the table that
//! stands in docs/run-time.md.
//!
//! The guard and the banner are held to their bounds here, with the shipped rules. Files are weighed as they go out, in each
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

fn snapshot() -> Snapshot {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let files = kelisim::config::rule_files(&shipped).expect("the shipped rules");
    let rules = rules::load("rules", &files).expect("the rules load");
    Snapshot::new(rules, Seal::new(SealKey { id: 1, secret: [1; 32] }, Vec::new()))
}

#[test]
fn the_banner_keeps_its_weight_in_each_language() {
    let snapshot = snapshot();
    let policy = snapshot.rules.policies.all().last().expect("there is a policy");
    println!(
        "| | markup | stylesheet | script | control | sum in gzip |\n|---|---|---|---|---|---|"
    );
    for language in &snapshot.rules.site.languages {
        let face = snapshot.face(policy, language).expect("a face");
        let layer = face.layer.as_ref().expect("a banner");
        let mut markup = Vec::new();
        let page = Carrier { return_to: "/prices", ..Carrier::default() };
        layer.write(&mut markup, &"0".repeat(80), page);
        let markup = String::from_utf8(markup).expect("ASCII");
        let (style, script) = (&snapshot.style.banner.body, &assets::banner_js().body);
        let parts = [markup.as_str(), &**style, &**script, &*assets::control_js().body];
        let [markup, style, script, control] = parts.map(|part| weights(part)[1]);
        let sum = markup + style + script + control;
        println!("| {language} | {markup} | {style} | {script} | {control} | {sum} |");
        assert!(sum <= BANNER_BYTES_MAX, "{language}: {sum} bytes");
    }
}

#[test]
fn the_guard_keeps_its_weight() {
    let snapshot = snapshot();
    let policy = snapshot.rules.policies.all().last().expect("there is a policy").in_force;
    let guard = snapshot.guard(policy).expect("there is something to guard against");
    let mut table = Vec::new();
    for part in &guard.weights {
        table.push((part.name, weights(&part.code)));
    }
    table.push(("guard, stubs and release in one file", weights(&guard.file.body)));
    table.push(("banner.js", weights(&assets::banner_js().body)));
    table.push(("banner.css", weights(&snapshot.style.banner.body)));
    table.push(("control.js", weights(&assets::control_js().body)));
    println!("| | plain | gzip | brotli |\n|---|---|---|---|");
    for (name, [plain, gzip, brotli]) in &table {
        println!("| {name} | {plain} | {gzip} | {brotli} |");
    }
    let [_, _, brotli] = table[0].1;
    assert!(brotli <= GUARD_BYTES_MAX, "the guard weighs {brotli} bytes");
}
