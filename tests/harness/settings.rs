//! All settings, one row for each, and files that set one of them.

use kelisim::settings::{Entry, Kind};

/// Each setting with a value that is not its default.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("upstream", "\"http://127.0.0.1:2\""),
    ("listen", "[\"127.0.0.1:3\"]"),
    ("listen-tls", "[\"127.0.0.1:4\"]"),
    ("certs", "\"/etc/kelisim/certs\""),
    ("rules", "\"/etc/kelisim/rules\""),
    ("data", "\"/var/lib/kelisim\""),
    ("admin", "\"127.0.0.1:5\""),
    ("trust", "[\"10.0.0.0/8\"]"),
    ("proxy-protocol", "[\"10.1.0.0/16\"]"),
    ("via", "\"kelisim\""),
    ("threads", "1000"),
    ("tls.hsts", "\"max-age=60\""),
    ("timeouts.head", "\"11s\""),
    ("timeouts.idle", "\"12s\""),
    ("timeouts.body", "\"13s\""),
    ("timeouts.write", "\"14s\""),
    ("timeouts.handshake", "\"15s\""),
    ("timeouts.ping", "\"16s\""),
    ("timeouts.connect", "\"17s\""),
    ("timeouts.answer", "\"18s\""),
    ("timeouts.rest", "\"19s\""),
    ("timeouts.drain", "\"20s\""),
    ("limits.connections", "21"),
    ("limits.connections-per-address", "121"),
    ("limits.requests-per-address", "122"),
    ("limits.burst-per-address", "123"),
    ("limits.choices-per-address", "124"),
    ("limits.backlog", "22"),
    ("limits.streams", "23"),
    ("limits.stream-window", "\"24KiB\""),
    ("limits.connection-window", "\"250KiB\""),
    ("limits.body-rate", "26"),
    ("limits.resting", "27"),
    ("discovery.one-in", "41"),
    ("discovery.first", "42"),
    ("upstreams.NAME.servers", "[\"https://127.0.0.1:28\"]"),
    ("upstreams.NAME.balance", "\"least-connections\""),
    ("upstreams.NAME.connections", "29"),
    ("upstreams.NAME.pending", "30"),
    ("upstreams.NAME.queue", "\"31s\""),
    ("upstreams.NAME.retries", "32"),
    ("upstreams.NAME.ping", "\"40s\""),
    ("upstreams.NAME.resolve", "\"33s\""),
    ("upstreams.NAME.proxy-protocol", "\"v2\""),
    ("upstreams.NAME.tls.ca", "\"ca.crt\""),
    ("upstreams.NAME.tls.certificate", "\"client.crt\""),
    ("upstreams.NAME.tls.key", "\"client.key\""),
    ("upstreams.NAME.tls.name", "\"site.kz\""),
    ("upstreams.NAME.health.path", "\"/health\""),
    ("upstreams.NAME.health.host", "\"site.kz\""),
    ("upstreams.NAME.health.interval", "\"34s\""),
    ("upstreams.NAME.health.timeout", "\"35s\""),
    ("upstreams.NAME.health.rise", "36"),
    ("upstreams.NAME.health.fall", "37"),
    ("upstreams.NAME.ejection.failures", "38"),
    ("upstreams.NAME.ejection.time", "\"39s\""),
    ("route[].host", "\"*.site.kz\""),
    ("route[].path", "\"/api\""),
    ("route[].upstream", "\"upstream\""),
    ("body[].path", "\"/upload\""),
    ("body[].bytes", "\"10GiB\""),
];

/// The names of all settings with the path of their table: `timeouts.head`, in each of many groups
/// `group.NAME.size`, in each table of a list `route[].path`.
pub(crate) fn names(path: &str, entries: Vec<Entry>) -> Vec<String> {
    let mut found = Vec::new();
    for entry in entries {
        let path = format!("{path}{}", entry.name);
        match entry.kind {
            Kind::Text | Kind::Number | Kind::List => found.push(path),
            Kind::Table(entries) => found.extend(names(&format!("{path}."), entries())),
            Kind::Named(entries) => found.extend(names(&format!("{path}.NAME."), entries())),
            Kind::Each(entries) => found.extend(names(&format!("{path}[]."), entries())),
        }
    }
    found
}

/// A group with nothing else set. It has two servers: some settings say what becomes of the other.
pub(crate) const GROUP: &str =
    "upstreams.NAME.servers = [\"http://127.0.0.1:2\", \"http://127.0.0.1:3\"]\n";

/// A file with one setting, in front of some site.
pub(crate) fn file(name: &str, value: &str) -> String {
    let site = if name == "upstream" { "" } else { "upstream = \"http://127.0.0.1:1\"\n" };
    // What servers and routes are of no use without.
    if name == "upstreams.NAME.servers" {
        return format!("{site}{name} = {value}\n");
    }
    if name.starts_with("upstreams.") {
        return format!("{site}{GROUP}{name} = {value}\n");
    }
    if let Some(name) = name.strip_prefix("route[].") {
        let to = if name == "upstream" { "" } else { "upstream = \"NAME\"\n" };
        return format!("{site}{GROUP}[[route]]\n{to}{name} = {value}\n");
    }
    match name.rsplit_once('.') {
        Some((section, name)) => match section.strip_suffix("[]") {
            Some(list) => format!("{site}[[{list}]]\n{name} = {value}\n"),
            None => format!("{site}[{section}]\n{name} = {value}\n"),
        },
        None => format!("{site}{name} = {value}\n"),
    }
}
