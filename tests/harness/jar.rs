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
    until: Option<Time>,
}

impl Kept {
    fn goes_to(&self, host: &str, now: Time) -> bool {
        let there =
            host == self.host || (self.for_domain && host.ends_with(&format!(".{}", self.host)));
        there && self.until.is_none_or(|until| until > now)
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
            until: None,
        });
    }

    /// Takes a `Set-Cookie` line, as it came from `host` at `now`.
    pub(crate) fn take(&mut self, line: &[u8], host: &str, tls: bool, now: Time) {
        let mut parts = line.split(|byte| *byte == b';');
        let (name, value) = split(parts.next().unwrap_or_default(), b'=');
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        let (mut until, mut domain, mut secure, mut root) = (None, None, false, false);
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
                b"path" => root = value == "/",
                _ => {}
            }
        }
        let foreign = domain
            .as_ref()
            .is_some_and(|domain| host != domain && !host.ends_with(&format!(".{domain}")));
        let broken_promise = (name.starts_with(b"__Host-")
            && !(secure && root && domain.is_none()))
            || (name.starts_with(b"__Secure-") && !secure);
        if foreign || broken_promise || (secure && !tls) {
            return;
        }
        self.put(Kept {
            name: name.to_vec(),
            value: value.to_vec(),
            for_domain: domain.is_some(),
            host: domain.unwrap_or_else(|| host.to_owned()),
            until,
        });
        self.cookies.retain(|kept| kept.until.is_none_or(|until| until > now));
    }

    fn put(&mut self, new: Kept) {
        let same = |kept: &&mut Kept| {
            (&kept.name, &kept.host, kept.for_domain) == (&new.name, &new.host, new.for_domain)
        };
        match self.cookies.iter_mut().find(same) {
            Some(kept) => *kept = new,
            None => self.cookies.push(new),
        }
    }

    /// The `Cookie` line for a host; empty where no cookie goes there.
    pub(crate) fn line(&self, host: &str, now: Time) -> Vec<u8> {
        let mut line = Vec::new();
        for kept in self.cookies.iter().filter(|kept| kept.goes_to(host, now)) {
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
