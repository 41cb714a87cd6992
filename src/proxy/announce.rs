//! Who asks, told to the site by the PROXY protocol: the first bytes of a connection to it.
//!
//! A site that looks into no header of ours may still listen to this, as may a balancer between. What
//! it is told counts for the whole connection, so each request has one of its own.
//!
//! How the gateway itself is told is read by [`crate::server`].

use std::net::{IpAddr, SocketAddr};

use proxy_header::{ProxiedAddress, ProxyHeader};

/// The two ends of a visitor's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The visitor's address.
    pub from: SocketAddr,
    /// The address that they reached.
    pub to: SocketAddr,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// As a line of text.
    V1,
    /// As bytes.
    V2,
}

impl Announcement {
    /// As it is written in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Announcement::V1 => "v1",
            Announcement::V2 => "v2",
        }
    }

    /// Reads what [`Announcement::name`] writes; the error says what would be right.
    pub fn parse(text: &str) -> Result<Announcement, &'static str> {
        let all = [Announcement::V1, Announcement::V2];
        let found = all.into_iter().find(|how| how.name() == text);
        found.ok_or("write `v1` or `v2`")
    }

    /// What is sent for a visitor.
    pub fn of_visitor(self, ends: Ends) -> Vec<u8> {
        let (from, to) = of_one_family(ends.from, ends.to);
        self.written(&ProxyHeader::with_address(ProxiedAddress::stream(from, to)))
    }

    /// What is sent where the gateway asks for itself.
    pub fn of_ourselves(self) -> Vec<u8> {
        self.written(&ProxyHeader::with_local())
    }

    fn written(self, header: &ProxyHeader<'_>) -> Vec<u8> {
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
        let address = |text: &str| text.parse().expect("an address");
        how.of_visitor(Ends { from: address(from), to: address(to) })
    }

    #[test]
    fn nobody_is_announced_where_nobody_asks() {
        assert_eq!(Announcement::V1.of_ourselves(), b"PROXY UNKNOWN\r\n");
        assert_eq!(Announcement::V2.of_ourselves(), b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
        for how in [Announcement::V1, Announcement::V2] {
            assert_eq!(Announcement::parse(how.name()), Ok(how));
        }
        assert_eq!(Announcement::parse("2"), Err("write `v1` or `v2`"));
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
