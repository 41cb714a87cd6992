//! What the gateway makes of a page, by `kelisim rewrite`.
//!
//! The very binary is run: what it prints is what a visitor with these choices would get.
//!
//! The header that would go with it names the encoding that the page was read in, as the proxy pins
//! it: what was UTF-16 goes on as UTF-8.
//!
//! What is expected of it is in [`super::expected`].

use super::origin::Page;
use kelisim::charset;
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// What the visitor has agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Choices {
    Nothing,
    Everything,
}

/// Whether the visitor is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Banner {
    Without,
    With,
}

/// The page as it goes to this visitor.
pub(crate) fn rewrite(page: &Page, choices: Choices, banner: Banner) -> Page {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kelisim"));
    command.args(["rewrite", "-", "--content-type", &page.content_type, "--choices"]);
    command.arg(match choices {
        Choices::Nothing => "none",
        Choices::Everything => "all",
    });
    command.arg("--rules").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"));
    if banner == Banner::With {
        command.arg("--banner");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("cargo has built the binary");
    let mut input = process.stdin.take().expect("the input is piped");
    // It reads all before it writes any, so neither waits for the other.
    input.write_all(&page.body).expect("the command reads its input");
    drop(input);
    let output = process.wait_with_output().expect("a child can be waited for");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Page { content_type: content_type(page), body: output.stdout }
}

fn content_type(page: &Page) -> String {
    let header = charset::of_header([page.content_type.as_bytes()]);
    let charset = charset::decide(&header, None, &page.body, true);
    match charset.expect("the end of a page tells its encoding").label() {
        Some(label) => {
            let pinned = charset::pin(page.content_type.as_bytes(), label);
            String::from_utf8(pinned).expect("labels are ASCII")
        }
        None => page.content_type.clone(),
    }
}
