//! Who asks, told to the site by the PROXY protocol: the first bytes of a connection to it.
//!
//! A site that speaks no HTTP header of ours may still listen to this, as may a balancer between. What
//! it is told counts for the whole connection, so such a connection serves one visitor.
//!
//! How the gateway itself is told is read by [`crate::server`].

use std::net::{IpAddr, SocketAddr};

use proxy_header::{ProxiedAddress, ProxyHeader};
use serde::{Deserialize, Serialize};

/// How it is written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Announcement {
    /// As a line of text.
    V1,
    /// As bytes.
    V2,
}

impl Announcement {
    /// What is sent for a visitor who came from one address to another.
    pub fn bytes(self, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
        let (from, to) = of_one_family(from, to);
        let header = ProxyHeader::with_address(ProxiedAddress::stream(from, to));
        let mut bytes = Vec::new();
        match self {
            Announcement::V1 => header.encode_v1(&mut bytes),
            Announcement::V2 => header.encode_v2(&mut bytes),
        }
        .expect("two addresses of one family are always written");
        bytes
    }
}

/// Both as IPv4 if they are, else both as IPv6: a trusted proxy may have come by one and name the other.
fn of_one_family(from: SocketAddr, to: SocketAddr) -> (SocketAddr, SocketAddr) {
    let with = |address: SocketAddr, ip| SocketAddr::new(ip, address.port());
    match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (with(from, a.into()), with(to, b.into())),
        (a, b) => {
            let wide = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
                IpAddr::V6(_) => ip,
            };
            (with(from, wide(a)), with(to, wide(b)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(how: Announcement, from: &str, to: &str) -> Vec<u8> {
        how.bytes(from.parse().expect("an address"), to.parse().expect("an address"))
    }

    #[test]
    fn version_1_is_a_line() {
        for (from, to, line) in [
            ("198.51.100.7:1234", "203.0.113.1:443", "TCP4 198.51.100.7 203.0.113.1 1234 443"),
            ("[::ffff:198.51.100.7]:1", "203.0.113.1:2", "TCP4 198.51.100.7 203.0.113.1 1 2"),
            ("[2001:db8::7]:1234", "[2001:db8::1]:443", "TCP6 2001:db8::7 2001:db8::1 1234 443"),
            ("198.51.100.7:1", "[2001:db8::1]:2", "TCP6 ::ffff:198.51.100.7 2001:db8::1 1 2"),
        ] {
            let expected = format!("PROXY {line}\r\n");
            assert_eq!(written(Announcement::V1, from, to), expected.as_bytes(), "{from} {to}");
        }
    }

    #[test]
    fn version_2_is_the_bytes_of_the_specification() {
        let four = written(Announcement::V2, "198.51.100.7:1234", "203.0.113.1:443");
        let head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
        let ends = [198, 51, 100, 7, 203, 0, 113, 1, 4, 210, 1, 187];
        assert_eq!(four, [&head[..], &ends].concat());
        let six = written(Announcement::V2, "[2001:db8::7]:1234", "203.0.113.1:443");
        assert_eq!(six[12..16], [0x21, 0x21, 0, 36]);
        assert_eq!(six[42..48], [0xff, 0xff, 203, 0, 113, 1], "mapped");
        assert_eq!(six.len(), 52);
    }
}
