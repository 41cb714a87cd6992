//! TLS towards the site: whom it is believed to be, and who we are.
//!
//! Without a file of its own certificates are checked against those that the system trusts, which the
//! operator's package manager keeps up to date and to which a company adds its own.
//!
//! A certificate is always checked, name and all: there is no switch that turns it off. Files are read
//! once, at start.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::origin::{Origin, Scheme};
use super::settings::TlsSettings;

/// Why a site cannot be reached by TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsRefused(String);

impl fmt::Display for TlsRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsRefused {}

/// What connections to one site begin their TLS with.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) name: ServerName<'static>,
    /// Offers HTTP/2 and HTTP/1.1.
    pub(super) any: Arc<ClientConfig>,
    /// Offers HTTP/1.1 alone: a WebSocket needs a connection of its own.
    pub(super) http1: Arc<ClientConfig>,
}

impl Tls {
    /// Reads the files that TLS with a site needs; none where it is not spoken to by TLS.
    pub(super) fn with(origin: &Origin, tls: &TlsSettings) -> Result<Option<Tls>, TlsRefused> {
        if origin.scheme != Scheme::Https {
            return Ok(None);
        }
        let name = tls.name.as_ref().unwrap_or(&origin.host).clone();
        let name = ServerName::try_from(name.clone()).map_err(|_| {
            TlsRefused(format!("`{name}`: no certificate can be for that; name a host"))
        })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots(tls.ca.as_deref())?);
        let mut any = match (&tls.certificate, &tls.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let read =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| refuse(key, &error))?;
                builder.with_client_auth_cert(chain, read).map_err(|error| refuse(key, &error))?
            }
            _ => {
                let why = "`certificate` and `key` belong together; name both, or none";
                return Err(TlsRefused(why.to_owned()));
            }
        };
        any.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut http1 = any.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(Tls { name, any: Arc::new(any), http1: Arc::new(http1) }))
    }
}

fn refuse(path: &Path, why: &dyn fmt::Display) -> TlsRefused {
    TlsRefused(format!("{}: {why}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsRefused> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| refuse(path, &error))?;
    if read.is_empty() {
        return Err(refuse(
            path,
            &"no certificate in it; PEM begins `-----BEGIN CERTIFICATE-----`",
        ));
    }
    Ok(read)
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, TlsRefused> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| refuse(path, &error))?;
        }
        return Ok(roots);
    }
    // Some of what a system trusts is older than what can be read; the rest counts.
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        let why = system.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(TlsRefused(format!(
            "the system trusts no certificates{why}; install `ca-certificates`, or name a file with `ca`"
        )));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfit_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let names = vec!["site.kz".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        std::fs::write(path("a.crt"), made.cert.pem()).unwrap();
        std::fs::write(path("a.key"), made.signing_key.serialize_pem()).unwrap();
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        std::fs::write(path("other.key"), other).unwrap();
        std::fs::write(path("empty"), "nothing").unwrap();
        let origin = Origin::parse("https://site.kz").unwrap();
        let whole = TlsSettings {
            ca: Some(path("a.crt")),
            certificate: Some(path("a.crt")),
            key: Some(path("a.key")),
            name: None,
        };
        assert!(Tls::with(&origin, &whole).unwrap().is_some());
        assert!(Tls::with(&Origin::parse("http://site.kz").unwrap(), &whole).unwrap().is_none());
        for (unfit, named) in [
            (TlsSettings { ca: Some(path("empty")), ..whole.clone() }, "empty: no certificate"),
            (TlsSettings { ca: Some(path("gone")), ..whole.clone() }, "gone: "),
            (TlsSettings { key: Some(path("other.key")), ..whole.clone() }, "other.key: "),
            (TlsSettings { key: None, ..whole.clone() }, "belong together"),
            (TlsSettings { name: Some("a b".to_owned()), ..whole.clone() }, "`a b`: "),
        ] {
            let why = Tls::with(&origin, &unfit).unwrap_err().to_string();
            assert!(why.contains(named), "{why}");
        }
    }
}
