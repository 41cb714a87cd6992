//! A folder for one gateway: its file of settings and its data.

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::program::Program;

/// Where a gateway and its file of settings live.
pub(crate) struct Home(pub(crate) TempDir);

impl Home {
    /// A home with these settings.
    pub(crate) fn new(settings: &str) -> Home {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("kelisim.toml"), settings).expect("it can be written");
        Home(folder)
    }

    /// A gateway with these settings in front of `site`.
    pub(crate) fn gateway(&self, site: SocketAddr) -> Program {
        let file = self.0.path().join("kelisim.toml");
        let program = Program::run(site, &self.0.path().join("data"));
        program.arg("--config").arg(file.to_str().expect("it is text"))
    }
}
