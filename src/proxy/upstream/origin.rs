//! Where a site is and how it is spoken to: `http://`, `https://` or `h2c://`.
//!
//! `https://` sites choose HTTP/2 or HTTP/1.1 in the handshake (ALPN). Without TLS nobody chooses:
//! `http://` is HTTP/1.1, and `h2c://` is HTTP/2 by prior knowledge (RFC 9113 §3.3), as gRPC servers
//! speak it.

use std::fmt;
use std::net::SocketAddr;

/// How a site is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP/1.1 in the clear.
    Http,
    /// HTTP/2 in the clear.
    Http2,
    /// TLS, in which the site chooses.
    Https,
}

impl Scheme {
    const ALL: [Scheme; 3] = [Scheme::Http, Scheme::Http2, Scheme::Https];

    /// As it is written before `://`.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Http2 => "h2c",
            Scheme::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        if self == Scheme::Https { 443 } else { 80 }
    }

    /// What a request says that goes there (RFC 9113 §8.3.1).
    pub(super) fn of_requests(self) -> http::uri::Scheme {
        if self == Scheme::Https { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP }
    }
}

/// A site's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Its name or address; IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Origin {
    /// A site that speaks HTTP/1.1 in the clear.
    pub fn http(address: SocketAddr) -> Origin {
        let host = address.ip().to_string();
        Origin { scheme: Scheme::Http, host, port: address.port() }
    }

    /// Reads `SCHEME://HOST[:PORT]`; the error says what would be right.
    pub fn parse(text: &str) -> Result<Origin, &'static str> {
        let split = text.split_once("://").ok_or("not an address; write `http://HOST:PORT`")?;
        let scheme = Scheme::ALL.into_iter().find(|scheme| scheme.name() == split.0);
        let scheme =
            scheme.ok_or("write `http://`, `https://`, or `h2c://` for HTTP/2 without TLS")?;
        // The library knows how hosts are written behind schemes that it knows.
        let url = url::Url::parse(&format!("http://{}", split.1))
            .map_err(|_| "not an address; write `http://HOST:PORT`")?;
        let more = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
        if url.path() != "/" || more || url.password().is_some() {
            return Err("give scheme, host and port alone; paths pass as visitors ask for them");
        }
        let host = url.host_str().ok_or("it names no host")?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        // A port that is the default of `http` is left out by the library, whatever the scheme.
        let said = split.1.trim_end_matches('/').ends_with(":80").then_some(80);
        let port = url.port().or(said).unwrap_or(scheme.default_port());
        Ok(Origin { scheme, host: host.to_owned(), port })
    }
}

impl Origin {
    /// As it is written in the settings.
    pub fn url(&self) -> String {
        format!("{}://{self}", self.scheme.name())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_how_where_and_which_port() {
        for (text, scheme, shown) in [
            ("http://127.0.0.1:3000", Scheme::Http, "127.0.0.1:3000"),
            ("http://site.kz", Scheme::Http, "site.kz:80"),
            ("https://Site.kz", Scheme::Https, "site.kz:443"),
            ("https://site.kz:80/", Scheme::Https, "site.kz:80"),
            ("https://site.kz:8443/", Scheme::Https, "site.kz:8443"),
            ("h2c://[::1]:50051", Scheme::Http2, "[::1]:50051"),
        ] {
            let origin = Origin::parse(text).unwrap();
            assert_eq!((origin.scheme, origin.to_string().as_str()), (scheme, shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_would_be_right() {
        for (text, right) in [
            ("site.kz", "http://HOST:PORT"),
            ("ftp://site.kz", "https://"),
            ("http://site.kz/path", "alone"),
            ("https://u@site.kz", "alone"),
            ("h2c://", "HOST"),
        ] {
            let why = Origin::parse(text).unwrap_err();
            assert!(why.contains(right), "{text}: {why}");
        }
    }
}
