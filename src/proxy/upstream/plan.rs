//! Which groups of servers there are and which requests go to which, seen to fit together.
//!
//! All that can be wrong without looking at a file is found here, so that `kelisim config` finds it too.

use std::fmt;

use http::uri::{Authority, PathAndQuery};

use super::origin::{Origin, Scheme};
use super::route::takes_all;
use super::settings::{HealthSettings, Route, UpstreamSettings, Upstreams};
use super::tls::TlsRefused;

/// The name of the group that `upstream = "URL"` stands for.
const UNNAMED: &str = "upstream";

/// Groups of servers, and the ways to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The groups with their names.
    pub(super) groups: Vec<(String, UpstreamSettings)>,
    /// Routes in the order in which they are tried, with the place of their group.
    pub(super) routes: Vec<(Route, usize)>,
    /// The place of the group that takes what no route takes.
    pub(super) fallback: usize,
}

/// Why there is no way to the sites behind the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SitesError {
    /// No server is set at all.
    NoSite,
    /// A group has no server.
    NoServer(String),
    /// A group is told who asks, and has a server that shares its connections.
    Announced(String),
    /// A group has the name that is none.
    Unnamed,
    /// A group has a name that is no word.
    Name(String),
    /// A group cannot be reached by TLS; says which and why.
    Tls(String, TlsRefused),
    /// A route goes to a group that does not exist.
    Route(String),
    /// A path of a route or a check does not begin with `/`.
    Path(String),
    /// A check asks for what cannot be asked for; says what.
    Check(String),
    /// There are several groups, and requests that no route takes.
    Fallback,
}

impl fmt::Display for SitesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SitesError::NoSite => f.write_str(
                "the site is not named; give `--upstream http://HOST:PORT`, or `[upstreams.NAME]`",
            ),
            SitesError::NoServer(name) => {
                write!(f, "`upstreams.{name}`: no servers; give `servers = [\"http://HOST:PORT\"]`")
            }
            SitesError::Announced(name) => write!(
                f,
                "`upstreams.{name}`: `proxy-protocol` is for a connection of one visitor; write `http://` or \
                 `https://` instead of `h2c://`"
            ),
            SitesError::Unnamed => write!(
                f,
                "`upstreams.{UNNAMED}`: that is what `{UNNAMED} = \"URL\"` is called; name it otherwise"
            ),
            SitesError::Name(name) => write!(
                f,
                "`upstreams.{name:?}`: no name; write letters, digits, `-` and `_`, such as `shop-2`"
            ),
            SitesError::Tls(name, why) => write!(f, "`upstreams.{name}`: {why}"),
            SitesError::Route(name) if name.is_empty() => {
                f.write_str("a route goes nowhere; give `upstream = \"NAME\"`")
            }
            SitesError::Route(name) => {
                write!(f, "a route goes to `{name}`; there is no `[upstreams.{name}]`")
            }
            SitesError::Path(path) => {
                write!(f, "`path = \"{path}\"`: it begins with no `/`; write `/{path}`")
            }
            SitesError::Check(what) => {
                write!(f, "`{what}` cannot be asked for by health checks; write a path and a host")
            }
            SitesError::Fallback => f.write_str(
                "some requests go nowhere; end with a `[[route]]` without host and path, or give \
                 `upstream`",
            ),
        }
    }
}

impl std::error::Error for SitesError {}

impl Plan {
    /// Groups and routes as they were set. What no route takes goes to `upstream`, or else to the only
    /// group.
    pub fn new(
        upstream: Option<&Origin>,
        upstreams: &Upstreams,
        routes: &[Route],
    ) -> Result<Plan, SitesError> {
        if upstreams.contains_key(UNNAMED) {
            return Err(SitesError::Unnamed);
        }
        let mut groups: Vec<(String, UpstreamSettings)> =
            upstreams.iter().map(|(name, upstream)| (name.clone(), upstream.clone())).collect();
        if let Some(origin) = upstream {
            let servers = vec![origin.clone()];
            let unnamed = UpstreamSettings { servers, ..UpstreamSettings::default() };
            groups.push((UNNAMED.to_owned(), unnamed));
        }
        for (name, upstream) in &groups {
            let of_word = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if name.is_empty() || !name.chars().all(of_word) {
                return Err(SitesError::Name(name.clone()));
            }
            if upstream.servers.is_empty() {
                return Err(SitesError::NoServer(name.clone()));
            }
            let shares = |origin: &Origin| origin.scheme == Scheme::Http2;
            if upstream.proxy_protocol.is_some() && upstream.servers.iter().any(shares) {
                return Err(SitesError::Announced(name.clone()));
            }
            begins_at_root(upstream.health.path.as_ref())?;
            can_be_asked_for(&upstream.health)?;
        }
        let way = |route: &Route| {
            begins_at_root(route.path.as_ref())?;
            let place = groups.iter().position(|(name, _)| *name == route.upstream);
            let place = place.ok_or_else(|| SitesError::Route(route.upstream.clone()))?;
            Ok((route.clone(), place))
        };
        let routes = routes.iter().map(way).collect::<Result<Vec<_>, SitesError>>()?;
        let general = routes.iter().find(|(route, _)| takes_all(route));
        let fallback = match (general, upstream, groups.len()) {
            (_, _, 0) => return Err(SitesError::NoSite),
            (Some((_, place)), ..) => *place,
            (None, Some(_), count) => count - 1,
            (None, None, 1) => 0,
            (None, None, _) => return Err(SitesError::Fallback),
        };
        Ok(Plan { groups, routes, fallback })
    }
}

fn begins_at_root(path: Option<&String>) -> Result<(), SitesError> {
    match path {
        Some(path) if !path.starts_with('/') => Err(SitesError::Path(path.clone())),
        _ => Ok(()),
    }
}

fn can_be_asked_for(health: &HealthSettings) -> Result<(), SitesError> {
    let unfit_path = health.path.as_ref().filter(|path| path.parse::<PathAndQuery>().is_err());
    let unfit_host = health.host.as_ref().filter(|host| host.parse::<Authority>().is_err());
    match unfit_path.or(unfit_host) {
        Some(what) => Err(SitesError::Check(what.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Announcement;

    #[test]
    fn what_does_not_fit_together_is_refused_with_what_would_be_right() {
        let group = |servers: &[&str]| {
            let servers = servers.iter().map(|url| Origin::parse(url).unwrap()).collect();
            UpstreamSettings { servers, ..UpstreamSettings::default() }
        };
        let groups = |names: &[&str]| -> Upstreams {
            names.iter().map(|name| ((*name).to_owned(), group(&["http://a:1"]))).collect()
        };
        let route = |path: Option<&str>, upstream: &str| Route {
            path: path.map(str::to_owned),
            upstream: upstream.to_owned(),
            ..Route::default()
        };
        let site = Origin::parse("http://site:1").unwrap();
        let mut unchecked = groups(&["a"]);
        unchecked.get_mut("a").unwrap().health.path = Some("health".to_owned());
        let mut no_host = groups(&["a"]);
        no_host.get_mut("a").unwrap().health.host = Some("a b".to_owned());
        let mut told: Upstreams = [("a".to_owned(), group(&["http://a:1", "h2c://b:1"]))].into();
        told.get_mut("a").unwrap().proxy_protocol = Some(Announcement::V1);
        let empty: Upstreams = [("a".to_owned(), group(&[]))].into();
        for (site, groups, routes, said) in [
            (None, groups(&[]), vec![], "--upstream http://HOST:PORT"),
            (None, empty, vec![], "`upstreams.a`: no servers; give `servers = [\"http"),
            (Some(&site), groups(&["upstream"]), vec![], "name it otherwise"),
            (None, groups(&["a\"b"]), vec![], "letters, digits"),
            (
                None,
                told,
                vec![],
                "`upstreams.a`: `proxy-protocol` is for a connection of one visitor",
            ),
            (None, unchecked, vec![], "write `/health`"),
            (None, no_host, vec![], "`a b` cannot be asked for"),
            (Some(&site), groups(&["a"]), vec![route(Some("x"), "a")], "write `/x`"),
            (Some(&site), groups(&["a"]), vec![route(None, "b")], "there is no `[upstreams.b]`"),
            (Some(&site), groups(&["a"]), vec![route(None, "")], "upstream = \"NAME\""),
            (None, groups(&["a", "b"]), vec![], "end with a `[[route]]` without host and path"),
            (None, groups(&["a", "b"]), vec![route(Some("/"), "a")], "some requests go nowhere"),
        ] {
            let error = Plan::new(site, &groups, &routes).unwrap_err().to_string();
            assert!(error.contains(said), "{error} does not say {said}");
        }
        for (site, groups, routes, fallback) in [
            (Some(&site), groups(&[]), vec![], 0),
            (Some(&site), groups(&["a", "b"]), vec![route(Some("/a"), "a")], 2),
            (Some(&site), groups(&["a"]), vec![route(Some("/u"), "upstream"), route(None, "a")], 0),
            (None, groups(&["a"]), vec![], 0),
            (None, groups(&["a", "b"]), vec![route(None, "b")], 1),
        ] {
            assert_eq!(Plan::new(site, &groups, &routes).unwrap().fallback, fallback);
        }
    }
}
