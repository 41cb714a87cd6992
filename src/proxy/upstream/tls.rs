//! TLS towards the site: whom it is believed to be, and who we are.
//!
//! Without a file of its own certificates are checked against those that the system trusts, which the
//! operator's package manager keeps up to date and to which a company adds its own.
//!
//! A certificate is always checked, name and all: there is no switch that turns it off. Files are read
//! at start and on reload, once for each group.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};

use super::origin::{Origin, Scheme};
use super::settings::{TlsSettings, UpstreamSettings};

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
    pub(super) papers: Papers,
}

impl Tls {
    /// TLS with one server, by the papers of its group; none where it is not spoken to by TLS.
    pub(super) fn with(
        origin: &Origin,
        tls: &TlsSettings,
        papers: Option<&Papers>,
    ) -> Result<Option<Tls>, TlsRefused> {
        let Some(papers) = papers.filter(|_| origin.scheme == Scheme::Https) else {
            return Ok(None);
        };
        let name = tls.name.as_ref().unwrap_or(&origin.host).clone();
        let name = ServerName::try_from(name.clone()).map_err(|_| {
            TlsRefused(format!("`{name}`: no certificate can be for that; name a host"))
        })?;
        Ok(Some(Tls { name, papers: papers.clone() }))
    }

    /// Whether the same servers are believed and shown the same.
    pub(super) fn is(&self, other: &Tls) -> bool {
        (&self.name, &self.papers.digest) == (&other.name, &other.papers.digest)
    }
}

/// Whom the servers of a group are believed to be, and who we are: what their files said.
#[derive(Clone, Debug)]
pub(super) struct Papers {
    /// Offers HTTP/2 and HTTP/1.1.
    pub(super) any: Arc<ClientConfig>,
    /// Offers HTTP/1.1 alone: a WebSocket needs a connection of its own.
    pub(super) http1: Arc<ClientConfig>,
    /// Of all that was read: files of one name may hold something else tomorrow.
    digest: [u8; 32],
}

impl Papers {
    /// Reads the files that TLS with a group needs; none where no server of it is spoken to by TLS.
    pub(super) fn of(upstream: &UpstreamSettings) -> Result<Option<Papers>, TlsRefused> {
        let is_secured = |origin: &Origin| origin.scheme == Scheme::Https;
        if !upstream.servers.iter().any(is_secured) {
            return Ok(None);
        }
        let tls = &upstream.tls;
        let mut digest = Sha256::new();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots(tls.ca.as_deref(), &mut digest)?);
        let mut any = match (&tls.certificate, &tls.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let read =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| refuse(key, &error))?;
                for certificate in &chain {
                    add(&mut digest, certificate);
                }
                add(&mut digest, read.secret_der());
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
        let digest = digest.finalize().into();
        Ok(Some(Papers { any: Arc::new(any), http1: Arc::new(http1), digest }))
    }
}

/// Adds something to a digest, with its length: what follows is told from it.
fn add(digest: &mut Sha256, der: &[u8]) {
    digest.update(der.len().to_be_bytes());
    digest.update(der);
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

fn roots(ca: Option<&Path>, digest: &mut Sha256) -> Result<RootCertStore, TlsRefused> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        for certificate in certificates(path)? {
            add(digest, &certificate);
            roots.add(certificate).map_err(|error| refuse(path, &error))?;
        }
        return Ok(roots);
    }
    // Some of what a system trusts is older than what can be read; the rest counts.
    let system = rustls_native_certs::load_native_certs();
    for certificate in &system.certs {
        add(digest, certificate);
    }
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
        let with = |url: &str, tls: &TlsSettings| {
            let origin = Origin::parse(url).unwrap();
            let servers = vec![origin.clone()];
            let upstream =
                UpstreamSettings { servers, tls: tls.clone(), ..UpstreamSettings::default() };
            Papers::of(&upstream).and_then(|papers| Tls::with(&origin, tls, papers.as_ref()))
        };
        let whole = TlsSettings {
            ca: Some(path("a.crt")),
            certificate: Some(path("a.crt")),
            key: Some(path("a.key")),
            name: None,
        };
        let first = with("https://site.kz", &whole).unwrap().unwrap();
        assert!(first.is(&with("https://site.kz", &whole).unwrap().unwrap()));
        assert!(with("http://site.kz", &whole).unwrap().is_none());
        let stranger = TlsSettings { certificate: None, key: None, ..whole.clone() };
        assert!(!first.is(&with("https://site.kz", &stranger).unwrap().unwrap()));
        for (unfit, named) in [
            (TlsSettings { ca: Some(path("empty")), ..whole.clone() }, "empty: no certificate"),
            (TlsSettings { ca: Some(path("gone")), ..whole.clone() }, "gone: "),
            (TlsSettings { key: Some(path("other.key")), ..whole.clone() }, "other.key: "),
            (TlsSettings { key: None, ..whole.clone() }, "belong together"),
            (TlsSettings { name: Some("a b".to_owned()), ..whole.clone() }, "`a b`: "),
        ] {
            let why = with("https://site.kz", &unfit).unwrap_err().to_string();
            assert!(why.contains(named), "{why}");
        }
    }
}
