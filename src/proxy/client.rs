//! Whose request it is, when somebody stands between the visitor and the gateway.
//!
//! A CDN or a balancer says for whom it asks in `X-Forwarded-For` and `X-Forwarded-Proto`. Anybody can
//! write that, so it counts only from addresses that the operator trusts, and of a chain only as far
//! as trusted addresses speak: the visitor is the first from the right whom nobody trusts.
//!
//! What the site is told is made anew from this, in [`super::headers`].

use std::net::{IpAddr, SocketAddr};

use http::header::HeaderMap;
use ipnet::IpNet;

use super::Peer;

/// The addresses that are believed about others.
#[derive(Clone, Debug, Default)]
pub struct Trusted(Vec<IpNet>);

impl Trusted {
    /// These networks.
    pub fn new(networks: Vec<IpNet>) -> Trusted {
        Trusted(networks)
    }

    /// Whether an address is one of them, IPv4 in IPv6 too.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The visitor whom a peer speaks for, if it may: else the peer itself.
    pub(super) fn visitor(&self, peer: Peer, headers: &HeaderMap) -> Peer {
        let mut visitor = peer;
        visitor.address.set_ip(peer.address.ip().to_canonical());
        if !self.contains(visitor.address.ip()) {
            return visitor;
        }
        let chain: Vec<&[u8]> = values(headers, "x-forwarded-for").collect();
        for named in chain.into_iter().rev() {
            // Behind what is no address nobody can be believed.
            let Some(address) = address(named) else { break };
            visitor.address = address;
            if !self.contains(address.ip()) {
                break;
            }
        }
        let port = match values(headers, "x-forwarded-proto").last() {
            Some(b"https") => Some((true, 443)),
            Some(b"http") => Some((false, 80)),
            _ => None,
        };
        if let Some((tls, port)) = port {
            visitor.tls = tls;
            let told = values(headers, "x-forwarded-port").last().and_then(number);
            visitor.local.set_port(told.unwrap_or(port));
        }
        visitor
    }
}

/// The entries of a list, over all its fields.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let fields = headers.get_all(name).into_iter();
    fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
}

fn number(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An address as proxies write it: with or without a port, IPv6 with or without brackets.
fn address(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = match bare.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, 0),
        Err(_) => text.parse().ok()?,
    };
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who it is that `peer` speaks for with these fields: address, TLS, port.
    fn seen(trusted: &[&str], peer: &str, fields: &[(&'static str, &str)]) -> (String, bool, u16) {
        let trusted = trusted.iter().map(|network| network.parse().expect("a network"));
        let trusted = Trusted::new(trusted.collect());
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().expect("a value"));
        }
        let address = SocketAddr::new(peer.parse().expect("an address"), 4321);
        let local = SocketAddr::from(([127, 0, 0, 1], 8080));
        let visitor = trusted.visitor(Peer { address, local, tls: false }, &headers);
        (visitor.address.ip().to_string(), visitor.tls, visitor.local.port())
    }

    #[test]
    fn who_is_not_trusted_speaks_for_nobody() {
        let fields = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https")];
        let itself = ("203.0.113.9".to_owned(), false, 8080);
        assert_eq!(seen(&[], "203.0.113.9", &fields), itself);
        assert_eq!(seen(&["10.0.0.0/8", "fd00::/8"], "203.0.113.9", &fields), itself);
        assert_eq!(seen(&[], "::ffff:203.0.113.9", &fields), itself);
    }

    #[test]
    fn the_visitor_is_the_first_from_the_right_whom_nobody_trusts() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        for (chain, visitor) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            (&["1.1.1.1", "198.51.100.7, 10.2.3.4"], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7,10.2.3.4 , fd00::2"], "198.51.100.7"),
            (&["10.9.9.9, 10.8.8.8"], "10.9.9.9"),
            (&["198.51.100.7:5555"], "198.51.100.7"),
            (&["[2001:db8::1]:5555"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["198.51.100.7, unknown"], "10.1.1.1"),
            (&["198.51.100.7, unknown, 10.2.3.4"], "10.2.3.4"),
            (&[""], "10.1.1.1"),
            (&[], "10.1.1.1"),
        ] {
            let fields: Vec<_> = chain.iter().map(|chain| ("x-forwarded-for", *chain)).collect();
            assert_eq!(seen(&trusted, "10.1.1.1", &fields).0, visitor, "{chain:?}");
        }
    }

    #[test]
    fn whoever_ends_tls_says_so() {
        let trusted = ["10.0.0.0/8"];
        for (fields, tls, port) in [
            (&[("x-forwarded-proto", "https")][..], true, 443),
            (&[("x-forwarded-proto", "https"), ("x-forwarded-port", "8443")], true, 8443),
            (&[("x-forwarded-proto", "https"), ("x-forwarded-port", "x")], true, 443),
            (&[("x-forwarded-proto", "https, http")], false, 80),
            (&[("x-forwarded-proto", "gopher")], false, 8080),
            (&[("x-forwarded-port", "8443")], false, 8080),
        ] {
            let (_, seen_tls, seen_port) = seen(&trusted, "10.1.1.1", fields);
            assert_eq!((seen_tls, seen_port), (tls, port), "{fields:?}");
        }
    }
}
