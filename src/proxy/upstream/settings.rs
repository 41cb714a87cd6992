//! What operators set about the servers behind the gateway: `[upstreams.NAME]` and `[[route]]`.
//!
//! `upstream = "URL"` is the short form: one server with nothing else set, which takes what no route
//! takes. What belongs to all servers alike, such as how long a connection may take to be made, stands
//! in `[timeouts]`.
//!
//! That a value is fit for itself is seen where it is read; that all of it fits together sees
//! [`super::Sites::new`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::group::Balance;
use super::origin::{Origin, Scheme};
use super::route::HostPattern;
use crate::proxy::Announcement;
use crate::settings::{Count, Kind, Setting, Span, settings};

/// Groups of servers by their names.
pub type Upstreams = BTreeMap<String, UpstreamSettings>;

settings! {
    /// Servers that are asked in turn for the same.
    pub struct UpstreamSettings {
        /// Where they are: `http://HOST:PORT`, `https://…` with HTTP/2 where they choose it, `h2c://…` for
        /// HTTP/2 without TLS
        servers: Vec<Origin> = Vec::new(), like vec![Origin {
            scheme: Scheme::Https,
            host: "app.internal".to_owned(),
            port: 443,
        }];
        /// "round-robin", one after the other; "least-connections", the one with the fewest requests under
        /// way
        balance: Balance = Balance::RoundRobin;
        /// Requests under way at one server; over HTTP/1 and for a WebSocket each takes a connection
        connections: Count<1, 1_000_000> = Count::of(10_000);
        /// Requests that wait where no server takes more; beyond that 503
        pending: Count<0, 1_000_000> = Count::of(1_000);
        /// How long they wait; then 503
        queue: Span = Span::of_secs(5);
        /// Of a hundred requests so many may be sent again, where that can do no harm
        retries: Count<0, 100> = Count::of(20);
        /// How long an HTTP/2 connection with open requests may be silent before it is asked whether it lives;
        /// without an answer for as long again it is given up
        ping: Span = Span::of_secs(10);
        /// How often names are looked up again
        resolve: Span = Span::of_secs(30);
        /// "v1" or "v2": each connection begins with the PROXY protocol, which says who asks, and serves one
        /// request; not with `h2c://`
        proxy_protocol: Option<Announcement> = None, like Some(Announcement::V2);
        /// TLS with `https://` servers
        tls: TlsSettings = TlsSettings::default(), like TlsSettings::example();
        /// How servers are checked; not at all without a path
        health: HealthSettings = HealthSettings::default(), like HealthSettings::example();
        /// When a server is left out that does not answer
        ejection: EjectionSettings = EjectionSettings::default();
    }
}

settings! {
    /// TLS with `https://` servers.
    pub struct TlsSettings {
        /// PEM file of the authorities that are believed, instead of those that the system trusts
        ca: Option<PathBuf> = None, like Some(PathBuf::from("ca.crt"));
        /// PEM file of the certificate that is shown where a server asks for one, with its chain
        certificate: Option<PathBuf> = None, like Some(PathBuf::from("client.crt"));
        /// PEM file of its key
        key: Option<PathBuf> = None, like Some(PathBuf::from("client.key"));
        /// The name that certificates of servers have to be for; each one's own host if not set
        name: Option<String> = None, like Some("app.internal".to_owned());
    }
}

settings! {
    /// How servers are checked.
    pub struct HealthSettings {
        /// What they are asked for; an answer from 200 to 399 passes
        path: Option<String> = None, like Some("/health".to_owned());
        /// The host that is named; each one's own if not set
        host: Option<String> = None, like Some("app.internal".to_owned());
        /// The time between two checks
        interval: Span = Span::of_secs(5);
        /// How long a check may take
        timeout: Span = Span::of_secs(2);
        /// So many that pass in a row bring a server back
        rise: Count<1, 1000> = Count::of(2);
        /// So many that fail in a row take it out; at the start the first one does
        fall: Count<1, 1000> = Count::of(3);
    }
}

settings! {
    /// When a server is left out that does not answer.
    pub struct EjectionSettings {
        /// After so many requests in a row; never with 0
        failures: Count<0, 1_000_000> = Count::of(5);
        /// For how long; checks that pass end it earlier
        time: Span = Span::of_secs(10);
    }
}

settings! {
    /// Which requests go where: the first route that fits decides.
    pub struct Route {
        /// The host, without its port; `*.site.kz` is every host under it; any if not set
        host: Option<HostPattern> = None, like Some(HostPattern::Is("shop.site.kz".to_owned()));
        /// What the path begins with, as it was sent; `/api` is `/api` and all under it; any if not set
        path: Option<String> = None, like Some("/api".to_owned());
        /// The name of the group
        upstream: String = String::new();
    }
}

/// Settings that are written as text.
macro_rules! texts {
    ($($Type:ty: $parse:expr, $write:expr);+ $(;)?) => {
        $(impl Setting for $Type {
            const KIND: Kind = Kind::Text;
        }

        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$Type, D::Error> {
                let text = String::deserialize(from)?;
                $parse(&text).map_err(|why| D::Error::custom(format_args!("`{text}`: {why}")))
            }
        }

        impl Serialize for $Type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(&$write(self))
            }
        })+
    };
}

texts! {
    Origin: Origin::parse, Origin::url;
    HostPattern: HostPattern::parse, HostPattern::text;
    Balance: Balance::parse, |balance: &Balance| balance.name();
    Announcement: Announcement::parse, |how: &Announcement| how.name();
}
