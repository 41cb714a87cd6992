//! A site behind TLS, and what a gateway has to be told of it.

use kelisim::proxy::TlsSettings;
use tempfile::TempDir;

use super::authority::Authority;
use super::gateway::{Gateway, start};
use super::site::{Site, Speaks};

/// A site with a certificate for `name`, and an authority that the gateway may be told of.
pub(crate) struct Secured {
    pub(crate) site: Site,
    _folder: TempDir,
    pub(crate) settings: TlsSettings,
}

/// Such a site, which offers these protocols.
pub(crate) fn secured(name: &str, alpn: &[&str]) -> Secured {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let site = Site::start(Speaks::Tls(authority.serves(name, alpn, None)));
    let ca = Some(authority.file(folder.path()));
    Secured { site, _folder: folder, settings: TlsSettings { ca, ..TlsSettings::default() } }
}

impl Secured {
    /// A gateway in front of it that believes its authority.
    pub(crate) fn gateway(&self) -> Gateway {
        start(&format!("https://localhost:{}", self.site.address.port()), |upstream| {
            upstream.tls = self.settings.clone();
        })
    }
}
