//! A scenario, played.
//!
//! Sentence after sentence, on one thread: what a sentence needs has happened before the next one
//! begins. The gateway is started by the first request, and stopped before anybody reads what it has
//! written.
//!
//! A request that the scenario does not speak of is a failure: that is how a leak would look.

use std::collections::BTreeMap;

use kelisim::app::Running;
use kelisim::clock::Clock;
use kelisim::rules::RuleFile;

use super::browser::{self, HOST, OPENING, SUBMITTING};
use super::expect::{self, Failure, Wanted};
use super::gateway::{Home, shipped_rules};
use super::message::{Message, chunk};
use super::packing::{Packer, Packing};
use super::record;
use super::script::{self, Act, Damage, Held, HeldWhat, Raw, Request, Rules, SiteAct};
use super::site::{Received, Site};
use super::text::{Text, Values};
use super::visitor::{Exchange, Visitor, Way, path_of};

/// Plays a scenario; the failure names its file and line.
pub(crate) fn run(file: &str, source: &str) -> Result<(), String> {
    let placed = |(line, wrong): Failure| format!("{file}:{line}: {wrong}");
    let steps = script::parse(source).map_err(placed)?;
    let mut play = Play::new().map_err(|wrong| format!("{file}: {wrong}"))?;
    let mut last = 0;
    for step in steps {
        last = step.line;
        play.act(step.act)
            .map_err(|(line, wrong)| placed((if line == 0 { step.line } else { line }, wrong)))?;
    }
    play.end().map_err(|wrong| placed((last, wrong)))
}

struct Play {
    clock: Clock,
    rules: Vec<RuleFile>,
    gateway: Option<Running>,
    home: Home,
    way: Way,
    visitors: BTreeMap<String, Visitor>,
    received: Option<Received>,
    packer: Option<Packer>,
    values: Values,
    site: Site,
}

/// A failure at the line of the sentence.
fn here(wrong: impl Into<String>) -> Failure {
    (0, wrong.into())
}

impl Play {
    fn new() -> Result<Self, String> {
        let site = Site::start();
        Ok(Self {
            clock: Clock::standing_at("2026-11-22T10:00:00Z".parse()?),
            rules: shipped_rules()?,
            gateway: None,
            home: Home::new(site.address)?,
            way: Way::Plain,
            visitors: BTreeMap::new(),
            received: None,
            packer: None,
            values: Values::new(),
            site,
        })
    }

    fn act(&mut self, act: Act) -> Result<(), Failure> {
        match act {
            Act::At(time) => self.clock.set(time),
            Act::Over(way) => self.way = way,
            Act::Rules(file, rules) => self.write_rules(file, rules)?,
            Act::Let(name, text, damage) => {
                let text = text.bytes(&self.values).map_err(here)?;
                self.values.insert(name, damaged(text, damage)?);
            }
            Act::Compare(left, negated, right) => {
                let (one, other) = (
                    left.bytes(&self.values).map_err(here)?,
                    right.bytes(&self.values).map_err(here)?,
                );
                if (one == other) == negated {
                    let (one, other) = (one.escape_ascii(), other.escape_ascii());
                    let not = if negated { "not " } else { "" };
                    return Err(here(format!("expected {not}the same\n    {one}\n    {other}")));
                }
            }
            Act::GatewayStops => self.stop(),
            Act::Site(act) => self.site(act)?,
            Act::Has(who, cookies) => {
                let cookies = cookies.bytes(&self.values).map_err(here)?;
                let jar = &mut self.visitors.entry(who).or_default().jar;
                for pair in cookies.split(|byte| *byte == b';') {
                    jar.write(pair, HOST);
                }
            }
            Act::Asks(who, request) => self.ask(&who, request)?,
            Act::Gets(who, part, wanted) => self.get(&who, part, &wanted)?,
            Act::Holds(who, held) => self.holds(&who, &held)?,
            Act::Log(section, day, lines) => {
                self.stop();
                let written = record::log(&self.home.data(), &section, &day).map_err(here)?;
                self.compare_lines(&lines, &written)?;
            }
            Act::Record(lines) => {
                self.stop();
                let rows = record::rows(&self.home.data()).map_err(here)?;
                self.compare_lines(&lines, &rows)?;
            }
        }
        Ok(())
    }

    /// Nothing may be left that nobody looked at.
    fn end(mut self) -> Result<(), String> {
        if let Some((who, _)) = self.visitors.iter().find(|(_, visitor)| visitor.open.is_some()) {
            return Err(format!("nobody looked at what {who} got"));
        }
        self.nothing_unexpected()?;
        self.stop();
        Ok(())
    }

    fn stop(&mut self) {
        if let Some(running) = self.gateway.take() {
            running.stop();
        }
    }

    fn running(&mut self) -> Result<&Running, Failure> {
        if self.gateway.is_none() {
            self.gateway = Some(self.home.start(&self.rules, &self.clock).map_err(here)?);
        }
        self.gateway.as_ref().ok_or_else(|| here("the gateway does not run"))
    }

    fn write_rules(&mut self, file: String, rules: Rules) -> Result<(), Failure> {
        if self.gateway.is_some() {
            return Err(here("rules are read at start; write `the gateway stops` before this"));
        }
        let text = match rules {
            Rules::Gone => None,
            Rules::Only(names) => {
                let known = |name: &String| {
                    let path = format!("{file}/{name}.toml");
                    self.rules.iter().any(|(rules, _)| *rules == path)
                };
                if let Some(name) = names.iter().find(|name| !known(name)) {
                    return Err(here(format!("there is no `{file}/{name}.toml`")));
                }
                self.rules.retain(|(name, _)| match name.split_once('/') {
                    Some((folder, name)) if folder == file => {
                        names.iter().any(|only| format!("{only}.toml") == name)
                    }
                    _ => true,
                });
                return Ok(());
            }
            Rules::Whole(text) => Some(text),
            Rules::Like(other, changes) => {
                let found = self.rules.iter().find(|(name, _)| *name == other);
                let (_, text) = found.ok_or_else(|| here(format!("there is no `{other}`")))?;
                let mut text = text.clone();
                for (line, old, new) in changes {
                    if text.matches(&old).count() != 1 {
                        let times = text.matches(&old).count();
                        return Err((line, format!("`{old}` stands in {other} {times} times")));
                    }
                    text = text.replacen(&old, &new, 1);
                }
                Some(text)
            }
        };
        self.rules.retain(|(name, _)| *name != file);
        self.rules.extend(text.map(|text| (file, text)));
        Ok(())
    }

    fn ask(&mut self, who: &str, request: Request) -> Result<(), Failure> {
        let now = self.clock.now();
        let tls = self.way != Way::Plain;
        let jar = &self.visitors.entry(who.to_owned()).or_default().jar;
        let mut values = self.values.clone();
        let scheme = if tls { "https" } else { "http" };
        let host = match &request {
            Request::Raw(raw) => raw.fields.iter().find(|(name, _)| name == "Host"),
            _ => None,
        };
        let host = match host {
            Some((_, host)) => host.bytes(&values).map_err(here)?,
            None => HOST.as_bytes().to_vec(),
        };
        let host = String::from_utf8_lossy(&host).into_owned();
        let (start, fields, body) = match request {
            Request::Raw(raw) => (raw.start, raw.fields, raw.body),
            Request::Opens(path, changes) => {
                let start = Text::parse(&format!("GET {path} HTTP/1.1")).map_err(here)?;
                (start, browser::fields(OPENING, scheme, changes)?, Text::parse("").map_err(here)?)
            }
            Request::Submits(path, form, changes) => {
                let start = Text::parse(&format!("POST {path} HTTP/1.1")).map_err(here)?;
                (start, browser::fields(SUBMITTING, scheme, changes)?, form)
            }
        };
        let names = |name: &str| fields.iter().any(|(field, _)| field.eq_ignore_ascii_case(name));
        let mut bytes = start.bytes(&values).map_err(here)?;
        let line = jar.line(host.split(':').next().unwrap_or_default(), &path_of(&bytes), now);
        values.insert("jar".to_owned(), line);
        bytes.extend(b"\r\n");
        if !names("Host") {
            bytes.extend(format!("Host: {HOST}\r\n").bytes());
        }
        for (name, value) in &fields {
            bytes.extend(format!("{name}: ").bytes());
            bytes.extend(value.bytes(&values).map_err(here)?);
            bytes.extend(b"\r\n");
        }
        if !names("Cookie") && !values["jar"].is_empty() {
            bytes.extend(b"Cookie: ");
            bytes.extend(&values["jar"]);
            bytes.extend(b"\r\n");
        }
        let body = body.bytes(&values).map_err(here)?;
        if !names("Content-Length") && !names("Transfer-Encoding") && !body.is_empty() {
            bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(body);

        let way = self.way;
        let trust = match way {
            Way::Plain => None,
            Way::Tls => Some(self.home.trust(&[]).map_err(here)?),
            Way::H2 => Some(self.home.trust(&[b"h2"]).map_err(here)?),
        };
        let running = self.running()?;
        let to = if tls { running.tls[0] } else { running.plain[0] };
        let exchange = match (way, trust) {
            (Way::H2, Some(trust)) => Exchange::send_h2(to, trust, &bytes),
            (_, trust) => Exchange::send(to, trust, &bytes).map_err(here)?,
        };
        let visitor = self.visitors.entry(who.to_owned()).or_default();
        if visitor.open.replace(exchange).is_some() {
            return Err(here(format!("nobody looked at what {who} got before")));
        }
        Ok(())
    }

    fn get(&mut self, who: &str, part: bool, wanted: &[Wanted]) -> Result<(), Failure> {
        let now = self.clock.now();
        let visitor = self.visitors.entry(who.to_owned()).or_default();
        let Some(mut exchange) = visitor.open.take() else {
            return Err(here(format!("{who} has asked nothing")));
        };
        if part {
            loop {
                let so_far = exchange.so_far();
                let checked = match &so_far {
                    Some(message) => expect::check(wanted, message, &mut self.values),
                    None => Err(here("the head of the answer has not come")),
                };
                let Err((line, disappointment)) = checked else { break };
                match exchange.more() {
                    Ok(true) => {}
                    Ok(false) => return Err((line, disappointment)),
                    Err(wrong) => return Err((line, format!("{wrong}: {disappointment}"))),
                }
            }
            visitor.open = Some(exchange);
            return Ok(());
        }
        while exchange.more().map_err(|wrong| {
            let came = exchange.so_far().map(|message| expect::shown(&message).to_string());
            here(format!("{wrong}; what came:\n{}", came.unwrap_or_default()))
        })? {}
        let message = exchange.so_far().unwrap_or_default();
        if message.start.is_empty() && !expect::breaks_off(wanted) {
            return Err(here("the gateway closed the connection without an answer"));
        }
        if !message.whole && !expect::breaks_off(wanted) {
            return Err(here(format!("the answer ended before its end:\n{message}")));
        }
        for line in message.values("set-cookie") {
            visitor.jar.take(line, &exchange.host, &exchange.path, exchange.tls, now);
        }
        expect::check(wanted, &message, &mut self.values)
            .map_err(|(line, wrong)| (line, explained(&message, wrong)))?;
        self.received = None;
        self.nothing_unexpected().map_err(here)
    }

    fn nothing_unexpected(&self) -> Result<(), String> {
        match self.site.unexpected() {
            None => Ok(()),
            Some(received) => Err(format!(
                "the site received what the scenario does not speak of:\n{}",
                received.request
            )),
        }
    }

    fn site(&mut self, act: SiteAct) -> Result<(), Failure> {
        match act {
            SiteAct::Receives(wanted) => {
                let Some(received) = self.site.next() else {
                    return Err(here("the site received nothing"));
                };
                expect::check(&wanted, &received.request, &mut self.values)?;
                self.received = Some(received);
            }
            SiteAct::ReceivesNothing => self.nothing_unexpected().map_err(here)?,
            SiteAct::Answers(raw, packing) => {
                let mut body = raw.body.bytes(&self.values).map_err(here)?;
                if let Some(packing) = packing {
                    let mut packer = packing.packer();
                    let broken = |error: std::io::Error| here(error.to_string());
                    body = packer.piece(&body).map_err(broken)?;
                    body.extend(packer.finish().map_err(broken)?);
                }
                let framed = raw.fields.iter().any(|(name, _)| {
                    name.eq_ignore_ascii_case("content-length")
                        || name.eq_ignore_ascii_case("transfer-encoding")
                });
                let start = raw.start.source();
                let bodiless = start.contains(" 304") || start.contains(" 204");
                let length =
                    (!framed && !bodiless).then(|| format!("Content-Length: {}", body.len()));
                let mut bytes = self.head(&raw, packing, length.as_deref())?;
                bytes.extend(body);
                self.answer(&bytes)?;
            }
            SiteAct::Begins(raw, packing) => {
                let head = self.head(&raw, packing, Some("Transfer-Encoding: chunked"))?;
                self.packer = packing.map(Packing::packer);
                self.answer(&head)?;
                self.piece(&raw.body)?;
            }
            SiteAct::Continues(text) => self.piece(&text)?,
            SiteAct::Ends(text) => {
                self.piece(&text)?;
                let rest = match self.packer.take() {
                    None => Vec::new(),
                    Some(packer) => packer.finish().map_err(|error| here(error.to_string()))?,
                };
                self.answer(&[chunk(&rest), b"0\r\n\r\n".to_vec()].concat())?;
            }
            SiteAct::BreaksOff => match &self.received {
                Some(received) => received.cut(),
                None => return Err(here("the site has received nothing")),
            },
            SiteAct::IsDown => self.site.go_down(),
            SiteAct::IsUp => self.site.go_up(),
        }
        Ok(())
    }

    fn head(
        &self,
        raw: &Raw,
        packing: Option<Packing>,
        framing: Option<&str>,
    ) -> Result<Vec<u8>, Failure> {
        let mut bytes = raw.start.bytes(&self.values).map_err(here)?;
        for (name, value) in &raw.fields {
            bytes.extend(format!("\r\n{name}: ").bytes());
            bytes.extend(value.bytes(&self.values).map_err(here)?);
        }
        if let Some(packing) = packing {
            bytes.extend(format!("\r\nContent-Encoding: {}", packing.coding()).bytes());
        }
        if let Some(framing) = framing {
            bytes.extend(format!("\r\n{framing}").bytes());
        }
        bytes.extend(b"\r\n\r\n");
        Ok(bytes)
    }

    fn piece(&mut self, text: &Text) -> Result<(), Failure> {
        let mut bytes = text.bytes(&self.values).map_err(here)?;
        if let Some(packer) = &mut self.packer {
            bytes = packer.piece(&bytes).map_err(|error| here(error.to_string()))?;
        }
        self.answer(&chunk(&bytes))
    }

    fn answer(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.received {
            Some(received) => received.write(bytes).map_err(here),
            None => Err(here("the site has received nothing that it could answer")),
        }
    }

    fn holds(&mut self, who: &str, all: &[Held]) -> Result<(), Failure> {
        let now = self.clock.now();
        let jar = &self.visitors.entry(who.to_owned()).or_default().jar;
        for Held { line, name, what } in all {
            let found = jar.get(name.as_bytes(), HOST, now);
            let came = match found {
                None => format!("no `{name}`"),
                Some((value, None)) => format!("{name}={}", value.escape_ascii()),
                Some((value, Some(until))) => {
                    format!("{name}={} until {until}", value.escape_ascii())
                }
            };
            let right = match what {
                HeldWhat::Absent => found.is_none(),
                HeldWhat::There => found.is_some(),
                HeldWhat::Until(time) => found.is_some_and(|(_, until)| until == Some(*time)),
                HeldWhat::Value(text) => match found {
                    None => false,
                    Some((value, _)) => {
                        text.is(value, &mut self.values).map_err(|wrong| (*line, wrong))?
                    }
                },
            };
            if !right {
                return Err((*line, format!("{who} holds {came}")));
            }
        }
        Ok(())
    }

    fn compare_lines(
        &mut self,
        expected: &[(usize, Text)],
        came: &[String],
    ) -> Result<(), Failure> {
        let all = || format!("\n    {}", came.join("\n    "));
        for (index, (line, text)) in expected.iter().enumerate() {
            let same = match came.get(index) {
                None => false,
                Some(came) => {
                    text.is(came.as_bytes(), &mut self.values).map_err(|wrong| (*line, wrong))?
                }
            };
            if !same {
                return Err((
                    *line,
                    format!("expected `{}`; what is there:{}", text.source(), all()),
                ));
            }
        }
        if came.len() > expected.len() {
            return Err(here(format!(
                "expected {} lines; what is there:{}",
                expected.len(),
                all()
            )));
        }
        Ok(())
    }
}

/// A gateway that a failed scenario leaves behind is stopped: it holds a port and a folder.
impl Drop for Play {
    fn drop(&mut self) {
        // The visitors first: the gateway would wait for them.
        self.visitors.clear();
        if let Some(received) = &self.received {
            received.cut();
        }
        self.site.go_down();
        self.stop();
    }
}

fn explained(message: &Message, wrong: String) -> String {
    let shown = expect::shown(message);
    if shown.body == message.body { wrong } else { format!("{wrong}\n  unpacked:\n{shown}") }
}

fn damaged(mut text: Vec<u8>, damage: Damage) -> Result<Vec<u8>, Failure> {
    match damage {
        Damage::None => {}
        Damage::Changed(place) => {
            let short = here(format!("it has only {} characters", text.len()));
            let byte = text.get_mut(place.wrapping_sub(1)).ok_or(short)?;
            *byte = if *byte == b'A' { b'B' } else { b'A' };
        }
        Damage::Cut(count) => text.truncate(text.len().saturating_sub(count)),
    }
    Ok(text)
}
