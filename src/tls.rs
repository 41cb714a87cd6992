//! TLS: certificates by name, HTTP/2 and HTTP/1.1 by ALPN.
//!
//! Certificates lie in one folder as `<name>.crt` and `<name>.key`, PEM. Which one a visitor
//! gets is decided by the names that it is valid for; without a name, or with one that none
//! is for, they get the first, and their browser says what is wrong.
//!
//! TLS 1.2 and 1.3, with rustls' own choice of suites and key exchanges, the one that withstands quantum
//! computers first. A visitor who comes back shows a ticket (RFC 5077, RFC 8446 §2.2), which any thread
//! can read; the keys that seal them are changed every six hours and are on no disk. Certificates are
//! never changed: others make another [`Served`], and a connection keeps the one that it began with.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderValue;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::settings::settings;

/// Why TLS cannot be served.
#[derive(Debug)]
pub enum TlsError {
    /// The folder cannot be read.
    Folder(PathBuf, std::io::Error),
    /// The folder holds no certificate.
    Empty(PathBuf),
    /// A file cannot be used; says why.
    File(PathBuf, String),
    /// There are no keys to seal tickets with.
    Tickets(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Folder(path, error) => write!(f, "{}: {error}", path.display()),
            TlsError::Empty(path) => write!(
                f,
                "{}: no certificate; `listen-tls` needs `<name>.crt` and `<name>.key` there",
                path.display()
            ),
            TlsError::Tickets(error) => write!(f, "tickets cannot be sealed: {error}"),
            TlsError::File(path, why) => write!(f, "{}: {why}", path.display()),
        }
    }
}

settings! {
    /// How TLS is served to visitors.
    pub struct Tls {
        /// The `Strict-Transport-Security` of answers over TLS that have none of their own: browsers then
        /// come by TLS alone, for so many seconds, so begin with few
        hsts: Option<String> = None, like Some("max-age=31536000; includeSubDomains".to_owned());
    }
}

impl Tls {
    /// The field's value, checked (RFC 6797 §6.1).
    pub fn hsts_value(&self) -> Result<Option<HeaderValue>, String> {
        let Some(text) = &self.hsts else { return Ok(None) };
        let fault = || {
            format!(
                "`tls.hsts = {text:?}`: write `max-age=SECONDS`, then `; includeSubDomains` or `; preload`"
            )
        };
        let mut directives = text.split(';').map(str::trim);
        let seconds = directives.next().and_then(|first| first.strip_prefix("max-age="));
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = seconds.filter(|seconds| number(seconds));
        seconds.and_then(|seconds| seconds.parse::<u32>().ok()).ok_or_else(fault)?;
        if directives.any(|other| !matches!(other, "includeSubDomains" | "preload")) {
            return Err(fault());
        }
        HeaderValue::from_str(text).map(Some).map_err(|_| fault())
    }
}

/// What TLS is served with.
#[derive(Clone, Debug)]
pub struct Served {
    /// What the library is told.
    pub config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
}

impl Served {
    /// With the certificates of a folder, and new keys that seal tickets.
    pub fn read(folder: &Path) -> Result<Served, TlsError> {
        let certificates = Arc::new(Certificates::read(folder)?);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider serves TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificates) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // All suites are good ones, and of two good ones auditors want the server to choose.
        config.ignore_client_order = true;
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Tickets)?;
        Ok(Served { config: Arc::new(config), certificates })
    }

    /// The same with the certificates that lie in a folder now: tickets stay good.
    pub fn renewed(&self, folder: &Path) -> Result<Served, TlsError> {
        let certificates = Arc::new(Certificates::read(folder)?);
        let mut config = ServerConfig::clone(&self.config);
        config.cert_resolver = Arc::clone(&certificates) as Arc<dyn ResolvesServerCert>;
        Ok(Served { config: Arc::new(config), certificates })
    }

    /// The certificate that is shown to who asks for this name.
    pub fn shown_to(&self, name: &str) -> Arc<Certificate> {
        self.certificates.find(&name.to_ascii_lowercase())
    }
}

/// A certificate and what it is for.
#[derive(Debug)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    names: Vec<String>,
}

impl Certificate {
    /// Whether it is for a host. One that it is not for is asked for by mistake: a browser uses a
    /// connection for every host that its certificate is for, and for no other (RFC 9110 §7.4).
    pub fn is_for(&self, host: &str) -> bool {
        // A name in full ends with a dot, which is not said in TLS (RFC 6066 §3).
        let host = host.strip_suffix('.').unwrap_or(host);
        // A wildcard stands for one label (RFC 9525 §6.3).
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(under) => parent.is_some_and(|parent| parent.eq_ignore_ascii_case(under)),
            None => name.eq_ignore_ascii_case(host),
        })
    }
}

/// Certificates by the names that they are for.
#[derive(Debug)]
struct Certificates {
    names: HashMap<String, Arc<Certificate>>,
    first: Arc<Certificate>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default().to_ascii_lowercase();
        Some(Arc::clone(&self.find(&name).key))
    }
}

impl Certificates {
    fn find(&self, name: &str) -> Arc<Certificate> {
        let wildcard = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let found = self.names.get(name).or_else(|| self.names.get(&wildcard?));
        Arc::clone(found.unwrap_or(&self.first))
    }

    /// Reads the certificates of a folder.
    fn read(folder: &Path) -> Result<Certificates, TlsError> {
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
            let mut its = names_of(&key);
            // A file may be named for its host: that name counts too.
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            its.extend(stem.map(str::to_ascii_lowercase));
            let certificate = Arc::new(Certificate { key, names: its });
            for name in &certificate.names {
                names.entry(name.clone()).or_insert_with(|| Arc::clone(&certificate));
            }
            first.get_or_insert(certificate);
        }
        let first = first.ok_or_else(|| TlsError::Empty(folder.to_owned()))?;
        Ok(Certificates { names, first })
    }
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
        assert!(Served::read(folder.path()).is_ok());
    }

    #[test]
    fn a_host_is_one_of_a_certificates_names_or_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "www.send-box.kz", &["send-box.com", "*.send-box.com"]);
        let certificate = Served::read(folder.path()).unwrap().shown_to("");
        for host in ["send-box.com", "Send-Box.com", "a.send-box.com.", "www.send-box.kz"] {
            assert!(certificate.is_for(host), "{host}");
        }
        for host in ["a.b.send-box.com", "xsend-box.com", "com", "", "send-box.kz", "127.0.0.1"] {
            assert!(!certificate.is_for(host), "{host}");
        }
    }

    #[test]
    fn a_lasting_promise_of_tls_is_checked() {
        let value = |text: &str| Tls { hsts: Some(text.to_owned()) }.hsts_value();
        assert_eq!(Tls::default().hsts_value(), Ok(None));
        for fit in ["max-age=0", "max-age=31536000; includeSubDomains; preload"] {
            assert_eq!(value(fit), Ok(Some(HeaderValue::from_str(fit).unwrap())));
        }
        for unfit in [
            "",
            "31536000",
            "max-age=",
            "max-age=1y",
            "max-age=+5",
            "max-age=1; includesubdomain",
            "max-age=1;",
        ] {
            let error = value(unfit).unwrap_err();
            assert!(error.contains("max-age=SECONDS") && error.contains(unfit), "{error}");
        }
    }

    #[test]
    fn unfit_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Served::read(folder.path()), Err(TlsError::Empty(_))));
        write(folder.path(), "a", &["a.kz"]);
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        std::fs::write(folder.path().join("a.key"), other).unwrap();
        let error = Served::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("a.key: not the key of"), "{error}");
        std::fs::write(folder.path().join("a.crt"), "nothing").unwrap();
        let error = Served::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("a.crt: no certificate"), "{error}");
    }
}
