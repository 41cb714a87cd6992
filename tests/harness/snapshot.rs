//! Texts that commands print, compared letter by letter with what they printed when somebody last looked.
//!
//! `KELISIM_BLESS=1 cargo test` writes them anew; `git diff` then shows what has changed.

use std::fs;
use std::path::PathBuf;

/// Compares a text with `tests/snapshots/<name>.txt`.
pub(crate) fn compare(name: &str, text: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os("KELISIM_BLESS").is_some() {
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(&path, text).expect("it can be written");
        return;
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "{} is not what was printed; look at it, and bless it with KELISIM_BLESS=1\n\n{}",
        path.display(),
        difference(&known, text),
    );
}

/// The first lines that differ.
fn difference(known: &str, text: &str) -> String {
    let (mut known, mut text) = (known.lines(), text.lines());
    loop {
        match (known.next(), text.next()) {
            (None, None) => return "only line ends differ".to_owned(),
            (one, other) if one == other => {}
            (one, other) => {
                return format!("- {}\n+ {}", one.unwrap_or("(end)"), other.unwrap_or("(end)"));
            }
        }
    }
}
