//! The style, as far as a machine can read it.
//!
//! Floors: imports only go down. Size: no file grows past what one idea needs. Time: only
//! `clock` reads it (clippy holds that, too). Words that promise work later are not shipped.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A module may import from its own floor and those below.
const FLOORS: [(&str, &[&str]); 7] = [
    ("words", &["time", "policy"]),
    (
        "tools",
        &["rules", "html", "coding", "charset", "banner", "superseded", "settings", "bounds"],
    ),
    ("gate", &["gate", "guard", "face", "fault", "snapshot"]),
    ("disk, clock", &["clock", "deadline", "store", "observe", "tls"]),
    ("pages", &["subject", "admin"]),
    ("path", &["proxy"]),
    (
        "house",
        &["config", "reload", "handover", "server", "demo", "load", "app", "cli", "lib", "main"],
    ),
];

/// Lines of one source file, tests included.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, endings));
        } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The module that a file belongs to: `src/gate/seal.rs` is of `gate`.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn floor_of(module: &str) -> usize {
    FLOORS.iter().position(|(_, modules)| modules.contains(&module)).unwrap_or_else(|| {
        panic!("`{module}` stands on no floor; add it to tests/tidy.rs and lib.rs")
    })
}

/// The modules that a file's code names as `crate::…`, also several in braces.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in code.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for letter in list.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut name)),
                    letter if depth == 0 => name.push(letter),
                    _ => {}
                }
            }
            found.push(name);
        } else {
            found.push(part.to_owned());
        }
    }
    let name = |text: String| -> String {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    found.into_iter().map(name).filter(|name| !name.is_empty()).collect()
}

/// Code without comments and without its tests: tests may reach up for examples.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn imports_only_go_down() {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for path in files(&root().join("src"), &["rs"]) {
        let own = module(&path);
        let floor = floor_of(&own);
        seen.insert(own, floor);
        for import in imports(&code(&fs::read_to_string(&path).unwrap())) {
            if floor_of(&import) > floor {
                wrong.push(format!("{}: imports `{import}`, a floor above", path.display()));
            }
        }
    }
    // Read aloud, so that a failing run shows the house.
    for (number, (name, modules)) in FLOORS.iter().enumerate() {
        println!("floor {number} {name}: {}", modules.join(", "));
        for module in *modules {
            assert!(seen.contains_key(*module), "`{module}` is on floor {number} and has no file");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_read_as_they_are_written() {
    let code = "use crate::policy::{A, B};\nuse crate::{rules, server::{self, x}};\nlet y = crate::time::Time(0);";
    assert_eq!(imports(code), ["policy", "rules", "server", "time"]);
}

#[test]
fn the_pure_floors_know_no_clock_file_or_socket() {
    let impure = ["std::fs", "std::net::Tcp", "tokio::", "std::thread", "SystemTime", "Instant"];
    for path in files(&root().join("src"), &["rs"]) {
        if floor_of(&module(&path)) > 2 {
            continue;
        }
        let code = code(&fs::read_to_string(&path).unwrap());
        for word in impure {
            assert!(!code.contains(word), "{}: `{word}` on a pure floor", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_one_thing() {
    for path in files(&root().join("src"), &["rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{}: no module doc", path.display());
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{}: {lines} lines; is it still one thing?", path.display());
    }
    for path in files(&root().join("src"), &["rs"]) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        for vague in ["utils", "util", "common", "helpers", "misc"] {
            assert_ne!(name, vague, "{}: a name that says nothing", path.display());
        }
    }
}

#[test]
fn nothing_unfinished_is_shipped() {
    // Spelt in halves, so that this file does not find itself.
    let words =
        [["to", "do!("], ["unimple", "mented!("], ["FIX", "ME"], ["dbg", "!("], [".unw", "rap()"]];
    let shipped = files(&root().join("src"), &["rs", "js", "css"]).into_iter();
    for path in shipped.filter(|path| !path.ends_with("tests.rs")) {
        let code = code(&fs::read_to_string(&path).unwrap());
        for word in words.iter().map(|halves| halves.concat()) {
            assert!(!code.contains(&word), "{}: `{word}`", path.display());
        }
    }
}

#[test]
fn the_top_level_holds_what_is_known_and_nothing_else() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "Dockerfile",
        "LICENSE",
        "README.md",
        "benches",
        "certs",
        "docker-compose.yml",
        "docs",
        "rules",
        "src",
        "tests",
        // Made by building and running, and ignored by git.
        "target",
        "data",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || known.contains(&name.as_str()),
            "`{name}` at the top level"
        );
    }
    for required in [
        "Cargo.toml",
        "src",
        "rules",
        "certs",
        "tests",
        "benches",
        "docker-compose.yml",
        "README.md",
    ] {
        assert!(root().join(required).exists(), "`{required}` is missing");
    }
}
