//! The gateway under test: the library, in this process.
//!
//! It listens on free ports, on plain HTTP and on TLS with a certificate made for the occasion. Its
//! folder of data outlives it, so a scenario can stop it and start it again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kelisim::app::{Running, start_with};
use kelisim::clock::Clock;
use kelisim::config::Settings;
use kelisim::proxy::Origin;
use kelisim::rules::RuleFile;
use kelisim::settings::Count;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;

/// What a gateway needs besides its rules, kept from one start to the next.
pub(crate) struct Home {
    folder: TempDir,
    site: SocketAddr,
}

impl Home {
    /// A home for a gateway in front of `site`.
    pub(crate) fn new(site: SocketAddr) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let certs = folder.path().join("certs");
        let names = ["send-box.com".to_owned(), "*.send-box.com".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
        std::fs::create_dir(&certs)
            .and_then(|()| std::fs::write(certs.join("site.crt"), made.cert.pem()))
            .and_then(|()| std::fs::write(certs.join("site.key"), made.signing_key.serialize_pem()))
            .map_err(|error| error.to_string())?;
        Ok(Self { folder, site })
    }

    /// The folder of the record and the logs.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the gateway.
    pub(crate) fn start(&self, rules: &[RuleFile], clock: &Clock) -> Result<Running, String> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings {
            upstream: Some(Origin::http(self.site)),
            listen: Some(vec![any]),
            listen_tls: vec![any],
            admin: any,
            certs: self.folder.path().join("certs"),
            data: self.data(),
            rules: PathBuf::from("rules"),
            threads: Some(Count::of(1)),
            ..Settings::default()
        };
        let config = settings.config().map_err(|error| error.to_string())?;
        start_with(&config, rules, clock).map_err(|error| error.to_string())
    }

    /// What a browser that trusts the gateway's certificate speaks, `alpn` being `h2` or nothing.
    pub(crate) fn trust(&self, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, String> {
        let certificate = self.folder.path().join("certs/site.crt");
        let mut roots = RootCertStore::empty();
        let read =
            CertificateDer::from_pem_file(&certificate).map_err(|error| error.to_string())?;
        roots.add(read).map_err(|error| error.to_string())?;
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

/// The rules that the package ships.
pub(crate) fn shipped_rules() -> Result<Vec<RuleFile>, String> {
    kelisim::config::rule_files(Path::new("rules")).map_err(|error| error.to_string())
}
