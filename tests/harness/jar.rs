//! A visitor's cookies, kept as a browser keeps them.
//!
//! What a browser refuses is refused here: a prefix without what it promises, `Secure` over plain
//! HTTP, a domain that is not the host's (RFC 6265bis §5.7). So a scenario sees what a person's
//! browser would hold, and not what the gateway meant.

use kelisim::time::Time;

#[derive(Clone, Debug)]
struct Kept {
    name: Vec<u8>,
    value: Vec<u8>,
    /// The host that set it, or the domain that it is for.
    host: String,
    for_domain: bool,
    path: String,
    /// Whether it is kept apart for what stands around the site: itself, in all that is tested here.
    partitioned: bool,
    until: Option<Time>,
}

impl Kept {
    fn goes_to(&self, host: &str, now: Time) -> bool {
        let there =
            host == self.host || (self.for_domain && host.ends_with(&format!(".{}", self.host)));
        there && self.until.is_none_or(|until| until > now)
    }

    /// RFC 6265 §5.1.4.
    fn goes_along_for(&self, path: &str) -> bool {
        path.strip_prefix(&self.path).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        })
    }

    /// What tells it from other cookies (RFC 6265bis §5.7).
    fn identity(&self) -> (&[u8], &str, bool, &str, bool) {
        (&self.name, &self.host, self.for_domain, &self.path, self.partitioned)
    }
}

/// The cookies of one browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar {
    cookies: Vec<Kept>,
}

impl Jar {
    /// What a script of the page would write with `document.cookie`.
    pub(crate) fn write(&mut self, pair: &[u8], host: &str) {
        let (name, value) = split(pair, b'=');
        self.put(Kept {
            name: name.trim_ascii().to_vec(),
            value: value.trim_ascii().to_vec(),
            host: host.to_owned(),
            for_domain: false,
            path: "/".to_owned(),
            partitioned: false,
            until: None,
        });
    }

    /// Takes a `Set-Cookie` line, as it came from `host` for `path` at `now`.
    pub(crate) fn take(&mut self, line: &[u8], host: &str, path: &str, tls: bool, now: Time) {
        let mut parts = line.split(|byte| *byte == b';');
        let (name, value) = split(parts.next().unwrap_or_default(), b'=');
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        let (mut until, mut domain, mut secure, mut partitioned) = (None, None, false, false);
        // Without one it is the folder that was asked for (RFC 6265 §5.1.4).
        let folder = path.rfind('/').filter(|at| *at > 0).map_or("/", |at| &path[..at]);
        let mut path = folder.to_owned();
        for attribute in parts {
            let (key, value) = split(attribute, b'=');
            let value = String::from_utf8_lossy(value.trim_ascii()).into_owned();
            match key.trim_ascii().to_ascii_lowercase().as_slice() {
                b"max-age" => {
                    let seconds: i64 = value.parse().unwrap_or(0);
                    until = Some(match u64::try_from(seconds) {
                        Ok(seconds) if seconds > 0 => now.plus_seconds(seconds),
                        _ => Time(0),
                    });
                }
                b"domain" => domain = Some(value.trim_start_matches('.').to_ascii_lowercase()),
                b"secure" => secure = true,
                b"partitioned" => partitioned = true,
                b"path" if value.starts_with('/') => path = value,
                b"path" => folder.clone_into(&mut path),
                _ => {}
            }
        }
        let foreign = domain
            .as_ref()
            .is_some_and(|domain| host != domain && !host.ends_with(&format!(".{domain}")));
        let broken_promise = (name.starts_with(b"__Host-")
            && !(secure && path == "/" && domain.is_none()))
            || ((name.starts_with(b"__Secure-") || partitioned) && !secure);
        if foreign || broken_promise || (secure && !tls) {
            return;
        }
        self.put(Kept {
            name: name.to_vec(),
            value: value.to_vec(),
            for_domain: domain.is_some(),
            host: domain.unwrap_or_else(|| host.to_owned()),
            path,
            partitioned,
            until,
        });
        self.cookies.retain(|kept| kept.until.is_none_or(|until| until > now));
    }

    fn put(&mut self, new: Kept) {
        match self.cookies.iter_mut().find(|kept| kept.identity() == new.identity()) {
            Some(kept) => *kept = new,
            None => self.cookies.push(new),
        }
    }

    /// The `Cookie` line for a path of a host; empty where no cookie goes there.
    pub(crate) fn line(&self, host: &str, path: &str, now: Time) -> Vec<u8> {
        let mut line = Vec::new();
        let goes = |kept: &&Kept| kept.goes_to(host, now) && kept.goes_along_for(path);
        for kept in self.cookies.iter().filter(goes) {
            if !line.is_empty() {
                line.extend(b"; ");
            }
            line.extend(&kept.name);
            line.push(b'=');
            line.extend(&kept.value);
        }
        line
    }

    /// The value of a cookie that goes to `host`, and until when it is kept.
    pub(crate) fn get(&self, name: &[u8], host: &str, now: Time) -> Option<(&[u8], Option<Time>)> {
        self.cookies
            .iter()
            .find(|kept| kept.name == name && kept.goes_to(host, now))
            .map(|kept| (kept.value.as_slice(), kept.until))
    }
}

fn split(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == at) {
        Some(place) => (&bytes[..place], &bytes[place + 1..]),
        None => (bytes, b""),
    }
}
