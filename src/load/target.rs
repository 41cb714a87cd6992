//! Whom a load test may be run against.
//!
//! A load test that is pointed at the wrong host is an attack on it. So it goes to this machine alone,
//! unless whoever runs it says by name that the host is theirs; and the name is compared with what was
//! given, so that a line from a shell's history does not do for another host.
//!
//! Certificates of this machine are not looked at: they are made for tests. Those of others are.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use url::{Host, Url};

/// Where requests go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address that connections are made to.
    pub(super) address: SocketAddr,
    /// The host that is asked for, with its port where it is not the usual one.
    pub(super) authority: String,
    /// The name in the certificate; none without TLS.
    pub(super) tls: Option<ServerName<'static>>,
}

/// Why there is no test.
#[derive(Debug)]
pub enum TargetError {
    /// It is no address that can be asked.
    Address(String),
    /// The name leads nowhere.
    Unresolved(String, std::io::Error),
    /// It is not this machine, and nobody said that it is theirs.
    NotOwned {
        /// Its host.
        host: String,
        /// Where that leads.
        leads_to: SocketAddr,
    },
    /// Another host was said to be theirs.
    OtherOwned {
        /// The target's host.
        host: String,
        /// The one that was named.
        named: String,
    },
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::Address(given) => {
                write!(f, "target `{given}`: an origin is asked, such as `https://127.0.0.1:8443`")
            }
            TargetError::Unresolved(host, error) => write!(f, "target `{host}`: {error}"),
            TargetError::NotOwned { host, leads_to } => write!(
                f,
                "target `{host}` leads to {leads_to}, which is not this machine: a load test of a \
                 host of others is an attack. If it is yours, say `--i-own-this-host {host}`"
            ),
            TargetError::OtherOwned { host, named } => write!(
                f,
                "`--i-own-this-host {named}` does not name the target's host, which is `{host}`"
            ),
        }
    }
}

impl std::error::Error for TargetError {}

/// The origin that is asked.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl Target {
    /// The target at an origin, which is this machine or a host that is said to be one's own. With `host`
    /// that one is asked for at this address.
    pub fn new(
        origin: &str,
        host: Option<&str>,
        owned: Option<&str>,
    ) -> Result<Target, TargetError> {
        let wrong = || TargetError::Address(origin.to_owned());
        let url = Url::parse(origin).map_err(|_| wrong())?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        let name = url.host_str().filter(|_| is_bare).ok_or_else(wrong)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(wrong)?;
        let leads_to = |error| TargetError::Unresolved(name.clone(), error);
        let plain = name.trim_start_matches('[').trim_end_matches(']');
        let mut addresses = (plain, port).to_socket_addrs().map_err(leads_to)?;
        let nothing = || std::io::Error::other("the name leads to no address");
        let address = addresses.next().ok_or_else(|| leads_to(nothing()))?;
        let elsewhere = [address].into_iter().chain(addresses).find(|to| !to.ip().is_loopback());
        match (owned, elsewhere) {
            (Some(named), _) if named != name => {
                return Err(TargetError::OtherOwned { host: name, named: named.to_owned() });
            }
            (None, Some(leads_to)) => return Err(TargetError::NotOwned { host: name, leads_to }),
            _ => {}
        }
        let asked = host.unwrap_or(&name);
        let known = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let server_name = match Host::parse(asked).map_err(|_| wrong())? {
            Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(ip)),
            Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(ip)),
            Host::Domain(name) => ServerName::try_from(name).map_err(|_| wrong())?,
        };
        Ok(Target {
            address,
            authority: format!("{asked}{known}"),
            tls: tls.then_some(server_name),
        })
    }

    /// How TLS is begun with it, for one protocol.
    pub(super) fn tls_config(&self, protocol: &[u8]) -> Result<Arc<rustls::ClientConfig>, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS: {error}"))?;
        let mut config = if self.address.ip().is_loopback() {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(OfThisMachine(provider)))
                .with_no_client_auth()
        } else {
            let mut roots = rustls::RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            builder.with_root_certificates(roots).with_no_client_auth()
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Arc::new(config))
    }
}

/// Believes any certificate: the connection does not leave this machine.
#[derive(Debug)]
struct OfThisMachine(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for OfThisMachine {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_unless_a_host_is_said_to_be_ones_own() {
        for origin in ["http://127.0.0.1:8080", "https://127.0.0.1:8443/", "http://[::1]:80"] {
            assert!(Target::new(origin, None, None).is_ok(), "{origin}");
        }
        let said = |origin, owned| {
            Target::new(origin, None, owned).map(drop).map_err(|error| error.to_string())
        };
        let refused = said("https://198.51.100.7", None).expect_err("it is of others");
        assert!(refused.contains("--i-own-this-host 198.51.100.7"), "{refused}");
        assert_eq!(said("https://198.51.100.7", Some("198.51.100.7")), Ok(()));
        let other = said("http://127.0.0.1", Some("send-box.com")).expect_err("another's name");
        assert!(other.contains("which is `127.0.0.1`"), "{other}");
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for given in
            ["127.0.0.1:80", "ftp://127.0.0.1", "http://127.0.0.1/page", "http://a@127.0.0.1"]
        {
            let error = Target::new(given, None, None).expect_err("no origin").to_string();
            assert!(error.contains(given), "{error}");
        }
    }

    #[test]
    fn another_host_may_be_asked_for_at_an_address() {
        let target = Target::new("https://127.0.0.1:8443", Some("send-box.com"), None);
        let target = target.expect("this machine");
        assert_eq!(target.authority, "send-box.com:8443");
        assert_eq!(target.tls, ServerName::try_from("send-box.com").ok());
    }
}
