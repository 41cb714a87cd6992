//! TLS: certificates by name, HTTP/2 and HTTP/1.1 by ALPN.
//!
//! Certificates lie in one folder as `<name>.crt` and `<name>.key`, PEM. Which one a visitor
//! gets is decided by the names that it is valid for; without a name, or with one that none
//! is for, they get the first, and their browser says what is wrong.
//!
//! TLS 1.2 and 1.3, with rustls' own choice of suites.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Why TLS cannot be served.
#[derive(Debug)]
pub enum TlsError {
    /// The folder cannot be read.
    Folder(PathBuf, std::io::Error),
    /// The folder holds no certificate.
    Empty(PathBuf),
    /// A file cannot be used; says why.
    File(PathBuf, String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Folder(path, error) => write!(f, "{}: {error}", path.display()),
            TlsError::Empty(path) => write!(
                f,
                "{}: no certificate; `--listen-tls` needs `<name>.crt` and `<name>.key` there",
                path.display()
            ),
            TlsError::File(path, why) => write!(f, "{}: {why}", path.display()),
        }
    }
}

/// The certificates that are served. They can be replaced while connections are made.
#[derive(Debug)]
pub struct Certificates(ArcSwap<ByName>);

impl Certificates {
    /// Puts others in their place.
    pub fn replace(&self, others: ByName) {
        self.0.store(Arc::new(others));
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default().to_ascii_lowercase();
        Some(self.0.load().find(&name))
    }
}

/// Certificates by the names that they are for.
#[derive(Debug)]
pub struct ByName {
    names: HashMap<String, Arc<CertifiedKey>>,
    first: Arc<CertifiedKey>,
}

impl ByName {
    fn find(&self, name: &str) -> Arc<CertifiedKey> {
        // A wildcard stands for one label (RFC 9525 §6.3).
        let wildcard = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let found = self.names.get(name).or_else(|| self.names.get(&wildcard?));
        Arc::clone(found.unwrap_or(&self.first))
    }

    /// Reads the certificates of a folder.
    pub fn read(folder: &Path) -> Result<ByName, TlsError> {
        let entries = std::fs::read_dir(folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| TlsError::Folder(folder.to_owned(), error))?;
        let mut paths: Vec<PathBuf> = entries
            .into_iter()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "crt"))
            .collect();
        paths.sort();

        let mut names = HashMap::new();
        let mut first = None;
        for path in paths {
            let key = Arc::new(read(&path)?);
            for name in names_of(&key) {
                names.entry(name).or_insert_with(|| Arc::clone(&key));
            }
            // A file may be named for its host: that name counts too.
            if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
                names.entry(stem.to_ascii_lowercase()).or_insert_with(|| Arc::clone(&key));
            }
            first.get_or_insert(key);
        }
        let first = first.ok_or_else(|| TlsError::Empty(folder.to_owned()))?;
        Ok(ByName { names, first })
    }
}

/// What serves the certificates of a folder, and the certificates themselves.
pub fn server_config(folder: &Path) -> Result<(Arc<ServerConfig>, Arc<Certificates>), TlsError> {
    let certificates = Arc::new(Certificates(ArcSwap::from_pointee(ByName::read(folder)?)));
    let config = config(Arc::clone(&certificates) as Arc<dyn ResolvesServerCert>);
    Ok((Arc::new(config), certificates))
}

fn config(certificates: Arc<dyn ResolvesServerCert>) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider serves TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn read(certificate: &Path) -> Result<CertifiedKey, TlsError> {
    let refuse =
        |path: &Path, why: &dyn fmt::Display| TlsError::File(path.to_owned(), why.to_string());
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(|error| refuse(certificate, &error))?;
    if chain.is_empty() {
        return Err(refuse(
            certificate,
            &"no certificate in it; PEM begins `-----BEGIN CERTIFICATE-----`",
        ));
    }
    let path = certificate.with_extension("key");
    let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| refuse(&path, &error))?;
    let key = aws_lc_rs::sign::any_supported_type(&key).map_err(|error| refuse(&path, &error))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(certified)
        }
        Err(_) => Err(refuse(&path, &format!("not the key of {}", certificate.display()))),
    }
}

/// The DNS names of a certificate.
fn names_of(key: &CertifiedKey) -> Vec<String> {
    let leaf = key.end_entity_cert().ok();
    let Some(leaf) = leaf.and_then(|leaf| webpki::EndEntityCert::try_from(leaf).ok()) else {
        return Vec::new();
    };
    leaf.valid_dns_names().map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, stem: &str, names: &[&str]) -> rcgen::KeyPair {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        std::fs::write(folder.join(format!("{stem}.crt")), made.cert.pem()).unwrap();
        std::fs::write(folder.join(format!("{stem}.key")), made.signing_key.serialize_pem())
            .unwrap();
        made.signing_key
    }

    #[test]
    fn a_certificate_is_found_by_the_names_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", &["send-box.com", "*.send-box.com"]);
        let key = read(&folder.path().join("a.crt")).unwrap();
        assert_eq!(names_of(&key), ["send-box.com", "*.send-box.com"]);
        assert!(server_config(folder.path()).is_ok());
    }

    #[test]
    fn unfit_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(server_config(folder.path()), Err(TlsError::Empty(_))));
        write(folder.path(), "a", &["a.kz"]);
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        std::fs::write(folder.path().join("a.key"), other).unwrap();
        let error = server_config(folder.path()).unwrap_err().to_string();
        assert!(error.contains("a.key: not the key of"), "{error}");
        std::fs::write(folder.path().join("a.crt"), "nothing").unwrap();
        let error = server_config(folder.path()).unwrap_err().to_string();
        assert!(error.contains("a.crt: no certificate"), "{error}");
    }
}
