//! What a load test does: who comes, how often, and what they ask for.
//!
//! A scenario is a file that operators write (`benches/load/*.toml` has some to begin with). It names
//! no host: the same one is run against a demonstration today and a deployment tomorrow.
//!
//! Everything is checked when it is read, and all that is wrong is said at once.

use std::time::Duration;

use serde::Deserialize;

/// So many kinds of visitors are enough for any site.
const KINDS_MAX: usize = 32;

/// What is asked for in a second, at most; one machine does not ask more.
const RATE_MAX: u32 = 1_000_000;

/// How many connections are held, at most.
const CONNECTIONS_MAX: u32 = 60_000;

/// How long a test may take, in seconds.
const SECONDS_MAX: u32 = 24 * 60 * 60;

/// A load test.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows, in a line.
    pub what: String,
    /// How requests come.
    pub pace: Pace,
    /// For how long.
    pub lasts: Duration,
    /// How long before that, uncounted.
    pub warm_up: Duration,
    /// How often the gateway is told to read its rules anew meanwhile.
    pub reload_every: Option<Duration>,
    /// Who comes.
    pub kinds: Vec<Kind>,
}

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So many in a second, whether or not the ones before are answered.
    Open(u32),
    /// On so many connections, each as soon as the one before is answered.
    Closed(u32),
}

/// One kind of visitors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kind {
    /// What the report calls them.
    pub name: String,
    /// How many of them come, beside the shares of the other kinds.
    #[serde(default = "one")]
    pub share: u32,
    /// What they have chosen.
    #[serde(default)]
    pub consent: Consent,
    /// Which HTTP they speak.
    #[serde(default)]
    pub protocol: Protocol,
    /// What they ask for, in turn.
    pub pages: Vec<String>,
    /// Their `Accept-Encoding`.
    #[serde(default = "encodings")]
    pub accept_encoding: String,
    /// After how many requests they leave, and another comes on a connection of their own.
    pub leave_after: Option<u32>,
    /// How many bytes of an answer they take in a second.
    pub bytes_per_second: Option<u32>,
    /// They open a WebSocket, and say something in it instead of asking for pages again.
    pub messages: Option<Messages>,
}

/// What is said in a WebSocket, which the site has to say back.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Messages {
    /// How long one is, in bytes.
    pub bytes: usize,
    /// How many each connection says in a second.
    pub per_second: u32,
}

/// What a visitor has chosen.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// Nothing yet.
    #[default]
    None,
    /// They agreed to all.
    Agreed,
    /// They declined all.
    Declined,
}

/// Which HTTP a visitor speaks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum Protocol {
    /// One request at a time on a connection.
    #[default]
    #[serde(rename = "http/1.1")]
    Http1,
    /// Many at a time; over TLS alone, as browsers do.
    #[serde(rename = "h2")]
    Http2,
}

/// The file, before it is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    what: String,
    rate: Option<u32>,
    connections: Option<u32>,
    seconds: u32,
    #[serde(default)]
    warm_up_seconds: u32,
    reload_every_seconds: Option<u32>,
    #[serde(rename = "visitor")]
    kinds: Vec<Kind>,
}

impl Scenario {
    /// Reads a scenario, or says everything that is wrong with it. `name` is what the file is called.
    pub fn read(name: &str, text: &str) -> Result<Scenario, String> {
        let file: File = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        let mut wrong = Vec::new();
        let pace = match (file.rate, file.connections) {
            (Some(rate), None) => Pace::Open(rate),
            (None, Some(connections)) => Pace::Closed(connections),
            _ => {
                wrong.push(
                    "say either `rate` (requests a second) or `connections` (so many at once)"
                        .to_owned(),
                );
                Pace::Closed(1)
            }
        };
        let scenario = Scenario {
            what: file.what,
            pace,
            lasts: Duration::from_secs(file.seconds.into()),
            warm_up: Duration::from_secs(file.warm_up_seconds.into()),
            reload_every: file.reload_every_seconds.map(|every| Duration::from_secs(every.into())),
            kinds: file.kinds,
        };
        scenario.look(&mut wrong);
        all_right(&wrong.into_iter().map(|wrong| format!("{name}: {wrong}")).collect::<Vec<_>>())
            .map(|()| scenario)
    }

    /// Puts another pace or length in the place of what the file says.
    pub fn paced(&mut self, pace: Option<Pace>, lasts: Option<Duration>) -> Result<(), String> {
        self.pace = pace.unwrap_or(self.pace);
        self.lasts = lasts.unwrap_or(self.lasts);
        let mut wrong = Vec::new();
        self.look(&mut wrong);
        all_right(&wrong)
    }

    /// Whether it can be done.
    fn look(&self, wrong: &mut Vec<String>) {
        let mut must = |holds: bool, say: &dyn Fn() -> String| {
            if !holds {
                wrong.push(say());
            }
        };
        let bound = |what: &str, max: u32| format!("`{what}` has to be from 1 to {max}");
        match self.pace {
            Pace::Open(rate) => {
                must((1..=RATE_MAX).contains(&rate), &|| bound("rate", RATE_MAX));
            }
            Pace::Closed(count) => must((1..=CONNECTIONS_MAX).contains(&count), &|| {
                bound("connections", CONNECTIONS_MAX)
            }),
        }
        let seconds = 1..=u64::from(SECONDS_MAX);
        must(seconds.contains(&self.lasts.as_secs()), &|| bound("seconds", SECONDS_MAX));
        must(self.warm_up.as_secs() <= u64::from(SECONDS_MAX), &|| {
            format!("`warm-up-seconds` has to be at most {SECONDS_MAX}")
        });
        must(self.reload_every.is_none_or(|every| seconds.contains(&every.as_secs())), &|| {
            bound("reload-every-seconds", SECONDS_MAX)
        });
        let count = self.kinds.len();
        must((1..=KINDS_MAX).contains(&count), &|| {
            format!("there are {count} `[[visitor]]`; 1 to {KINDS_MAX} can come")
        });
        for (at, kind) in self.kinds.iter().enumerate() {
            let Kind { name, .. } = kind;
            must(self.kinds[..at].iter().all(|other| other.name != *name), &|| {
                format!("two visitors are called `{name}`; the report could not tell them apart")
            });
            must((1..=RATE_MAX).contains(&kind.share), &|| {
                format!("visitor `{name}`: {}", bound("share", RATE_MAX))
            });
            must(!kind.pages.is_empty(), &|| format!("visitor `{name}` asks for no `pages`"));
            for page in &kind.pages {
                let plain =
                    page.starts_with('/') && page.bytes().all(|byte| byte.is_ascii_graphic());
                must(plain, &|| {
                    format!(
                        "visitor `{name}`: page `{page}` has to be a path, such as `/prices?a=1`"
                    )
                });
            }
            must(http::HeaderValue::from_str(&kind.accept_encoding).is_ok(), &|| {
                format!("visitor `{name}`: `accept-encoding` cannot be sent in a header")
            });
            must(kind.leave_after != Some(0), &|| {
                format!("visitor `{name}`: `leave-after` has to be at least 1")
            });
            must(kind.bytes_per_second != Some(0), &|| {
                format!("visitor `{name}`: `bytes-per-second` has to be at least 1")
            });
            if let Some(Messages { bytes, per_second }) = kind.messages {
                must((8..=64 * 1024).contains(&bytes), &|| {
                    format!("visitor `{name}`: `messages.bytes` has to be from 8 to 65536")
                });
                must((1..=1000).contains(&per_second), &|| {
                    format!("visitor `{name}`: `messages.per-second` has to be from 1 to 1000")
                });
                must(kind.protocol == Protocol::Http1 && kind.pages.len() == 1, &|| {
                    format!("visitor `{name}`: a WebSocket takes one page, over http/1.1")
                });
                must(matches!(self.pace, Pace::Closed(_)), &|| {
                    format!(
                        "visitor `{name}`: WebSockets stay open, so say `connections`, not `rate`"
                    )
                });
            }
        }
    }

    /// The place in `kinds` of whoever comes as the `turn`-th: shares are kept in every stretch of turns.
    pub(super) fn kind_at(&self, turn: u64) -> usize {
        let all: u64 = self.kinds.iter().map(|kind| u64::from(kind.share)).sum();
        // Turns are strewn over the shares, so that no kind comes in a block.
        let mut place = turn.wrapping_mul(stride(all)) % all;
        let mut kinds = self.kinds.iter().enumerate();
        loop {
            let (at, kind) = kinds.next().expect("a place is below the sum of all shares");
            let share = u64::from(kind.share);
            if place < share {
                return at;
            }
            place -= share;
        }
    }
}

fn all_right(wrong: &[String]) -> Result<(), String> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// A step that comes by each of `all` places before it comes by one again.
fn stride(all: u64) -> u64 {
    // Near the golden section, which leaves no gaps. One always will do.
    (1..=(all * 618 / 1000).max(1)).rev().find(|step| gcd(*step, all) == 1).unwrap_or(1)
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

fn one() -> u32 {
    1
}

/// What browsers send over TLS.
fn encodings() -> String {
    "gzip, deflate, br, zstd".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str =
        "what = \"w\"\nrate = 100\nseconds = 1\n[[visitor]]\nname = \"a\"\npages = [\"/\"]\n";

    #[test]
    fn a_scenario_says_who_comes_and_how_often() {
        let scenario = Scenario::read("s.toml", FIRST).expect("it is whole");
        assert_eq!(scenario.pace, Pace::Open(100));
        let [kind] = &scenario.kinds[..] else { panic!("{scenario:?}") };
        assert_eq!((kind.share, kind.consent, kind.protocol), (1, Consent::None, Protocol::Http1));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let text = "what = \"w\"\nrate = 1\nconnections = 1\nseconds = 0\n\
            [[visitor]]\nname = \"a\"\npages = [\"prices\"]\nleave-after = 0\n\
            [[visitor]]\nname = \"a\"\npages = []\nmessages = { bytes = 1, per-second = 1 }\n";
        let wrong = Scenario::read("s.toml", text).expect_err("nothing of it is right");
        for part in [
            "say either `rate` (requests a second) or `connections`",
            "`seconds` has to be from 1 to 86400",
            "visitor `a`: page `prices` has to be a path",
            "visitor `a`: `leave-after` has to be at least 1",
            "two visitors are called `a`",
            "visitor `a` asks for no `pages`",
            "`messages.bytes` has to be from 8 to 65536",
        ] {
            assert!(wrong.contains(part), "{part}\n{wrong}");
        }
        let unknown = FIRST.replace("rate", "rates");
        assert!(Scenario::read("s.toml", &unknown).expect_err("unknown").contains("rates"));
    }

    #[test]
    fn shares_are_kept_in_every_stretch_of_turns() {
        let more = "[[visitor]]\nname = \"b\"\nshare = 3\npages = [\"/\"]\n";
        let scenario = Scenario::read("s.toml", &format!("{FIRST}{more}")).expect("it is whole");
        for from in 0..9 {
            let firsts = (from..from + 8).filter(|turn| scenario.kind_at(*turn) == 0).count();
            assert_eq!(firsts, 2, "{from}");
        }
    }

    #[test]
    fn the_scenarios_that_come_along_can_be_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load");
        let mut count = 0;
        for file in std::fs::read_dir(folder).expect("there are some") {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("text");
            Scenario::read(&path.display().to_string(), &text).expect("it is whole");
            count += 1;
        }
        assert!(count >= 7, "{count}");
    }
}
