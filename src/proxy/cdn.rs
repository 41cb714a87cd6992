//! Networks as operators name them: `10.0.0.0/8`, or a CDN by its name.
//!
//! A CDN asks from dozens of networks that nobody likes to copy by hand; a single one forgotten makes
//! all its visitors one person. What the CDNs publish lies in `cdn.toml`, with its source and its age.
//!
//! A name that is unknown is an error: it is never read as "nobody", nor as "everybody".

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::settings::{Kind, Setting};

/// What CDNs publish.
const PUBLISHED: &str = include_str!("cdn.toml");

/// One CDN; its source and the age of the list are for who compares them.
#[derive(Deserialize)]
struct Cdn {
    networks: Vec<IpNet>,
}

fn published() -> BTreeMap<String, Cdn> {
    toml::from_str(PUBLISHED).expect("a test reads the list")
}

/// A network, or those of a CDN, as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    named: String,
    networks: Vec<IpNet>,
}

impl Network {
    /// The networks that are meant by these.
    pub fn all(named: &[Network]) -> Vec<IpNet> {
        named.iter().flat_map(|network| network.networks.iter().copied()).collect()
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(named: &str) -> Result<Network, String> {
        let whole = |networks| Network { named: named.to_owned(), networks };
        if let Ok(network) = named.parse() {
            return Ok(whole(vec![network]));
        }
        let mut cdns = published();
        if let Some(cdn) = cdns.remove(named) {
            return Ok(whole(cdn.networks));
        }
        let what = "no network such as 10.0.0.0/8, nor a CDN";
        let near = cdns.keys().map(|name| (strsim::osa_distance(name, named), name)).min();
        Err(match near {
            Some((distance, name)) if distance <= 3 => {
                format!("`{named}` is {what}; did you mean `{name}`?")
            }
            _ => {
                let known: Vec<_> = cdns.keys().map(String::as_str).collect();
                format!("`{named}` is {what}; CDNs known by name are {}", known.join(", "))
            }
        })
    }
}

impl Setting for Network {
    const KIND: Kind = Kind::Text;
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.named)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Network, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Network;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a network such as \"10.0.0.0/8\", or a CDN's name")
            }

            // Here, and not after it was read: so the error knows its place in the file.
            fn visit_str<E: Error>(self, named: &str) -> Result<Network, E> {
                named.parse().map_err(E::custom)
            }
        }
        from.deserialize_str(Reader)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Trusted;

    #[test]
    fn every_published_network_is_one_and_stands_there_once() {
        let mut all = Vec::new();
        let table: toml::Table = PUBLISHED.parse().expect("TOML");
        for (name, cdn) in published() {
            assert!(cdn.networks.len() > 20, "{name}");
            let text = |key: &str| table[&name][key].as_str().expect("text").to_owned();
            assert!(text("source").starts_with("https://") && text("as_of").len() == 7, "{name}");
            all.extend(cdn.networks);
        }
        let written: Vec<_> = all.iter().map(IpNet::trunc).collect();
        assert_eq!(written, all, "host bits are set");
        for (at, network) in all.iter().enumerate() {
            let inside = |other: &IpNet| other.contains(network);
            let elsewhere = all.iter().enumerate().find(|(place, o)| *place != at && inside(o));
            // Fastly itself lists what lies in a wider network of its own.
            assert!(elsewhere.is_none_or(|(_, other)| other != network), "{network} twice");
        }
    }

    #[test]
    fn a_cdn_is_trusted_by_its_name() {
        let named = ["cloudflare", "10.0.0.0/8"].map(|name| name.parse().expect("it is known"));
        let trusted = Trusted::new(Network::all(&named));
        for (address, is_trusted) in [
            ("104.16.1.1", true),
            ("172.71.255.1", true),
            ("2606:4700::1", true),
            ("10.1.2.3", true),
            ("151.101.1.1", false),
            ("104.28.0.1", false),
            ("2a04:4e42::1", false),
        ] {
            assert_eq!(trusted.contains(address.parse().expect("one")), is_trusted, "{address}");
        }
    }

    #[test]
    fn what_is_unknown_is_refused_with_what_would_be_right() {
        for (named, said) in [
            ("cloudfare", "did you mean `cloudflare`?"),
            ("Fastly", "did you mean `fastly`?"),
            ("akamai-edge", "CDNs known by name are cloudflare, fastly"),
            ("10.0.0.0/64", "no network such as 10.0.0.0/8"),
            ("", "no network such as 10.0.0.0/8"),
        ] {
            let error = named.parse::<Network>().expect_err(named);
            assert!(error.contains(said) && error.contains(&format!("`{named}`")), "{error}");
        }
    }
}
