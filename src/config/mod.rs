//! What is set: addresses, the site, folders, threads, bounds.
//!
//! Flags win over `KELISIM_*` variables, which win over `kelisim.toml`, which wins over the
//! defaults. The file is read again on reload; the few settings that only a new process can change are
//! listed in [`fixed`]. What visitors are asked and told is not here but in `rules/`.
//!
//! A setting that is unknown or unfit is an error that names it: nothing is guessed and
//! nothing is read and then not used.
//!
//! How a setting is defined and how one is added is told in [`crate::settings`]; which of them are
//! flags, too, in [`flags`].

pub mod fixed;
pub mod flags;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use data_encoding::BASE64;
use http::HeaderValue;
use ipnet::IpNet;

use crate::bounds::{Bounds, Discovery, Limits, Timeouts};
use crate::proxy::{
    BodyLimit, Network, Origin, Plan, Resolver, Route, Sizes, UpstreamSettings, Upstreams, Via,
};
use crate::rules::{RuleFile, is_picture, with_fix};
use crate::settings::{Count, settings, write};
use crate::tls::Tls;

settings! {
    /// kelisim.toml. Flags win over KELISIM_* variables, which win over this file, which wins over the
    /// defaults. SIGHUP reads it again, with the rules and the certificates, all or nothing. A reload is
    /// refused that changes what only a new process can: listen, listen-tls, admin, data, threads and
    /// limits.backlog. A restart puts them into force, and `kelisim run --take-over` without one.
    pub struct Settings {
        /// The site: `http://HOST:PORT`, `https://…`, or `h2c://…` for HTTP/2 without TLS; where there are
        /// several, what no route takes
        ["URL"]
        upstream: Option<Origin> = None, like Some(Origin::http(SITE));
        /// Addresses for plain HTTP; 127.0.0.1:8080 if none for TLS are named either
        ["ADDR"]
        listen: Option<Vec<SocketAddr>> = None, like Some(vec![PLAIN]);
        /// Addresses for TLS with HTTP/2 and HTTP/1.1
        ["ADDR"]
        listen_tls: Vec<SocketAddr> = Vec::new();
        /// Folder of certificates: NAME.crt and NAME.key, PEM
        ["DIR"]
        certs: PathBuf = PathBuf::from("certs");
        /// Folder of rules
        ["DIR"]
        rules: PathBuf = PathBuf::from(RULES);
        /// Folder of the record of consent, the logs and the keys
        ["DIR"]
        data: PathBuf = PathBuf::from("data");
        /// Address of health and metrics
        ["ADDR"]
        admin: SocketAddr = ADMIN;
        /// Networks of proxies that are believed about whom they ask for; CDNs by their names, cloudflare or
        /// fastly
        ["CIDR|CDN"]
        trust: Vec<Network> = Vec::new();
        /// Networks of proxies that say by the PROXY protocol who comes, and have to
        ["CIDR|CDN"]
        proxy_protocol: Vec<Network> = Vec::new();
        /// The name that this gateway is told the site by, in `Via`; nothing is told without one
        via: Option<Via> = None, like Some("kelisim".parse().expect("a name"));
        /// Threads that serve; one for each core if not told
        ["N"]
        threads: Option<Count<1, 1024>> = None, like Some(Count::of(4));
        /// How TLS is served to visitors
        tls: Tls = Tls::default(), like Tls::example();
        /// How long anything may take: "10s", "500ms", "1m 30s"; from "1ms" to "24h"
        timeouts: Timeouts = Timeouts::default();
        /// How much there may be of anything
        limits: Limits = Limits::default();
        /// Which pages, and which answers that set cookies, are looked through for what no rule knows
        discovery: Discovery = Discovery::default();
        /// Servers behind the gateway, in groups by any name
        upstreams: Upstreams = Upstreams::new(),
            like Upstreams::from([("NAME".to_owned(), UpstreamSettings::example())]);
        /// Which requests go where; of several routes the first that fits decides
        route: Vec<Route> = Vec::new(), like vec![Route {
            upstream: "NAME".to_owned(),
            ..Route::example()
        }];
        /// How long bodies of requests may be, by path; without a bound where none is named
        body: Vec<BodyLimit> = Vec::new(), like vec![BodyLimit::example()];
    }
}

/// Why a setting cannot be used.
#[derive(Debug)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// All that is set, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The site, or of several what no route takes.
    pub upstream: Option<Origin>,
    /// Groups of servers by their names.
    pub upstreams: Upstreams,
    /// Which requests go to which.
    pub route: Vec<Route>,
    /// Who looks up the names of servers.
    pub resolver: Resolver,
    /// Addresses for plain HTTP.
    pub listen: Vec<SocketAddr>,
    /// Addresses for TLS.
    pub listen_tls: Vec<SocketAddr>,
    /// The folder of certificates.
    pub certs: PathBuf,
    /// The folder of rules.
    pub rules: PathBuf,
    /// The folder of the record, the logs and the keys.
    pub data: PathBuf,
    /// The address of health and metrics.
    pub admin: SocketAddr,
    /// Networks of proxies that are believed about whom they ask for.
    pub trust: Vec<IpNet>,
    /// Networks of proxies that say by the PROXY protocol who comes.
    pub proxy_protocol: Vec<IpNet>,
    /// The name that this gateway is told the site by.
    pub via: Option<Via>,
    /// The `Strict-Transport-Security` of answers over TLS.
    pub hsts: Option<HeaderValue>,
    /// Threads that serve.
    pub threads: usize,
    /// How long anything may take, and how much there may be.
    pub bounds: Arc<Bounds>,
    /// How long bodies of requests may be.
    pub sizes: Sizes,
}

const SITE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);
const PLAIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// The address of health and metrics where none is named.
pub const ADMIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9180);

/// As many as there were when the process began: a reload must not find that it needs more threads.
static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// The folder of rules where none is named.
pub const RULES: &str = "rules";

impl Settings {
    /// Reads `kelisim.toml`.
    pub fn read(path: &Path) -> Result<Settings, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("{}: {error}", path.display())))?;
        Settings::parse(&path.display().to_string(), &text)
    }

    /// Reads the text of the file that is called `name`.
    pub fn parse(name: &str, text: &str) -> Result<Settings, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let line = text[..span.start].matches('\n').count() + 1;
            let (given, said) = (&text[span], with_fix(error.message()));
            // Some errors say what would be right and not what was given.
            let named =
                given.is_empty() || given.contains('\n') || said.contains(given.trim_matches('"'));
            let given = if named { String::new() } else { format!("`{given}`: ") };
            ConfigError(format!("{name}:{line}: {given}{said}"))
        })
    }

    /// Settings whose values that are chosen at start are filled in.
    #[must_use]
    pub fn filled(mut self) -> Settings {
        self.threads.get_or_insert(Count::of(*CORES));
        let plain = if self.listen_tls.is_empty() { vec![PLAIN] } else { Vec::new() };
        self.listen.get_or_insert(plain);
        self
    }

    /// The settings as a file that says the same, each with its documentation.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        write::to_toml(self)
            .map_err(|error| ConfigError(format!("a setting cannot be written: {error}")))
    }

    /// Fills in what is open and checks what was given.
    pub fn config(self) -> Result<Config, ConfigError> {
        // Each by its name: what is added here and not used does not compile.
        let Settings {
            upstream,
            listen,
            listen_tls,
            certs,
            rules,
            data,
            admin,
            trust,
            proxy_protocol,
            via,
            threads,
            tls,
            timeouts,
            limits,
            discovery,
            upstreams,
            route,
            body,
        } = self.filled();
        Plan::new(upstream.as_ref(), &upstreams, &route)
            .map_err(|error| ConfigError(error.to_string()))?;
        let listen = listen.unwrap_or_default();
        if listen.is_empty() && listen_tls.is_empty() {
            let text =
                "`listen` and `listen-tls` are empty; name an address, such as 127.0.0.1:8080";
            return Err(ConfigError(text.to_owned()));
        }
        Ok(Config {
            upstream,
            upstreams,
            route,
            resolver: Resolver::System,
            listen,
            listen_tls,
            certs,
            rules,
            data,
            admin,
            trust: Network::all(&trust),
            proxy_protocol: Network::all(&proxy_protocol),
            via,
            hsts: tls.hsts_value().map_err(ConfigError)?,
            threads: threads.map_or(1, Count::get),
            bounds: Arc::new(Bounds { timeouts, limits, discovery }),
            sizes: Sizes::new(body).map_err(ConfigError)?,
        })
    }
}

/// Reads the files of a rules folder: `site.toml` and what lies in `policy`, `vendors`,
/// `texts`; pictures in base64. Anything else in these folders is handed over too, to be refused by name.
pub fn rule_files(folder: &Path) -> io::Result<Vec<RuleFile>> {
    let mut files = Vec::new();
    let named = |path: &Path, error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    let mut read = |name: String, path: &Path| -> io::Result<()> {
        let text = if is_picture(&name) {
            std::fs::read(path).map(|picture| BASE64.encode(&picture))
        } else {
            std::fs::read_to_string(path)
        };
        files.push((name, text.map_err(|error| named(path, error))?));
        Ok(())
    };
    for entry in sorted(folder).map_err(|error| named(folder, error))? {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') || name == "README.md" {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            for inner in sorted(&path).map_err(|error| named(&path, error))? {
                let file = inner.file_name().to_string_lossy().into_owned();
                if !file.starts_with('.') && !file.ends_with('~') {
                    read(format!("{name}/{file}"), &inner.path())?;
                }
            }
        } else {
            read(name, &path)?;
        }
    }
    Ok(files)
}

fn sorted(folder: &Path) -> io::Result<Vec<std::fs::DirEntry>> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    Ok(entries)
}
