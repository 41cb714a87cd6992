//! A scenario, read.
//!
//! A line that begins at the margin is a sentence; the lines indented under it belong to it. A
//! sentence that nobody knows is an error with its file and line, so that no check is passed over.
//!
//! The sentences are listed for their readers in `tests/scenarios/README.md`.

use kelisim::time::Time;

use super::expect::{self, Failure, Wanted, text};
use super::packing::Packing;
use super::text::Text;
use super::visitor::Way;

/// A sentence of a scenario.
#[derive(Debug)]
pub(crate) struct Step {
    /// Where it stands.
    pub(crate) line: usize,
    /// What it says.
    pub(crate) act: Act,
}

/// What a sentence says.
#[derive(Debug)]
pub(crate) enum Act {
    /// `at TIME`
    At(Time),
    /// `over http`, `over tls`, `over h2`
    Over(Way),
    /// `rules FILE`, in its three forms
    Rules(String, Rules),
    /// `let NAME be TEXT`
    Let(String, Text, Damage),
    /// `<<a>> is <<b>>`, `<<a>> is not <<b>>`
    Compare(Text, bool, Text),
    /// `the gateway stops`
    GatewayStops,
    /// `the site …`
    Site(SiteAct),
    /// `NAME has COOKIES`
    Has(String, Text),
    /// `NAME asks`, `NAME opens PATH`, `NAME submits PATH FORM`
    Asks(String, Request),
    /// `NAME gets`, `NAME gets a part`
    Gets(String, bool, Vec<Wanted>),
    /// `NAME holds`
    Holds(String, Vec<Held>),
    /// `the SECTION log of DAY says`
    Log(String, String, Vec<(usize, Text)>),
    /// `the record says`
    Record(Vec<(usize, Text)>),
}

/// Where the text of a rule file comes from.
#[derive(Debug)]
pub(crate) enum Rules {
    /// The scenario has it whole.
    Whole(String),
    /// It is another file with some words changed.
    Like(String, Vec<(usize, String, String)>),
    /// There is no such file.
    Gone,
    /// Of this folder there are these files alone, named without `.toml`.
    Only(Vec<String>),
}

/// What is done to a text before it is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Damage {
    /// Nothing.
    None,
    /// The character at this place, from 1, is another.
    Changed(usize),
    /// So many characters are cut from its end.
    Cut(usize),
}

/// What the site does.
#[derive(Debug)]
pub(crate) enum SiteAct {
    /// It receives a request.
    Receives(Vec<Wanted>),
    /// It has received none.
    ReceivesNothing,
    /// It answers, whole.
    Answers(Raw, Option<Packing>),
    /// It begins an answer in pieces.
    Begins(Raw, Option<Packing>),
    /// It sends another piece.
    Continues(Text),
    /// It sends the last piece.
    Ends(Text),
    /// It cuts the connection.
    BreaksOff,
    /// It is not there.
    IsDown,
    /// It is there again.
    IsUp,
}

/// A message as a scenario writes it.
#[derive(Debug)]
pub(crate) struct Raw {
    /// The request line or status line.
    pub(crate) start: Text,
    /// The fields.
    pub(crate) fields: Vec<(String, Text)>,
    /// The body.
    pub(crate) body: Text,
}

/// What a visitor sends.
#[derive(Debug)]
pub(crate) enum Request {
    /// What is written, and nothing else but the jar's cookies and the framing.
    Raw(Raw),
    /// What a browser sends when a person opens a page.
    Opens(String, Vec<Change>),
    /// What a browser sends when a person submits a form of the site.
    Submits(String, Text, Vec<Change>),
}

/// A field that differs from what a browser usually sends: another value, or none.
pub(crate) type Change = (String, Option<Text>);

/// What a visitor's jar must hold.
#[derive(Debug)]
pub(crate) struct Held {
    /// Where the scenario says so.
    pub(crate) line: usize,
    /// The cookie's name.
    pub(crate) name: String,
    /// What about it.
    pub(crate) what: HeldWhat,
}

/// What must hold of a cookie in a jar.
#[derive(Debug)]
pub(crate) enum HeldWhat {
    /// It is not there.
    Absent,
    /// It is there.
    There,
    /// It has this value.
    Value(Text),
    /// It is kept until then.
    Until(Time),
}

type Block = Vec<(usize, String)>;

/// Reads a scenario.
pub(crate) fn parse(source: &str) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    let mut lines = source.lines().enumerate().map(|(index, line)| (index + 1, line)).peekable();
    while let Some((line, sentence)) = lines.next() {
        if sentence.trim().is_empty() || sentence.starts_with('#') {
            continue;
        }
        if sentence.starts_with(' ') {
            return Err((line, "this line is indented and belongs to no sentence".to_owned()));
        }
        let mut block: Block = Vec::new();
        while let Some((line, content)) =
            lines.next_if(|(_, next)| next.starts_with("    ") || next.trim().is_empty())
        {
            block.push((line, content.strip_prefix("    ").unwrap_or_default().to_owned()));
        }
        while block.last().is_some_and(|(_, content)| content.is_empty()) {
            block.pop();
        }
        let had_block = !block.is_empty();
        let (act, takes_block) = act(line, sentence.trim_end(), block)?;
        if had_block && !takes_block {
            return Err((line + 1, format!("`{sentence}` takes no indented lines")));
        }
        steps.push(Step { line, act });
    }
    Ok(steps)
}

/// Reads a sentence, and says whether indented lines belong to it.
fn act(line: usize, sentence: &str, block: Block) -> Result<(Act, bool), Failure> {
    let unknown = || (line, format!("unknown words: `{sentence}`"));
    let words: Vec<&str> = sentence.split(' ').collect();
    let bare = |act| Ok((act, false));
    match words.as_slice() {
        ["at", time] => bare(Act::At(time.parse().map_err(|wrong| (line, wrong))?)),
        ["over", "http"] => bare(Act::Over(Way::Plain)),
        ["over", "tls"] => bare(Act::Over(Way::Tls)),
        ["over", "h2"] => bare(Act::Over(Way::H2)),
        ["rules", ..] => rules(line, sentence, block).map(|act| (act, true)),
        ["let", name, "be", value @ ..] => bare(keep(line, name, value)?),
        [first, ..] if first.starts_with("<<") => {
            let (negated, parted) = match sentence.split_once(" is not ") {
                None => (false, sentence.split_once(" is ")),
                parted => (true, parted),
            };
            let (left, right) = parted.ok_or_else(unknown)?;
            bare(Act::Compare(text(line, left)?, negated, text(line, right)?))
        }
        ["the", "gateway", "stops"] => bare(Act::GatewayStops),
        ["the", "site", ..] => site(line, sentence, &block),
        ["the", "record", "says"] => Ok((Act::Record(texts(&block)?), true)),
        ["the", "record", "is", "empty"] => bare(Act::Record(Vec::new())),
        ["the", section, "log", "of", day, "says"] => {
            let lines = texts(&block)?;
            Ok((Act::Log((*section).to_owned(), (*day).to_owned(), lines), true))
        }
        ["the", section, "log", "of", day, "is", "empty"] => {
            bare(Act::Log((*section).to_owned(), (*day).to_owned(), Vec::new()))
        }
        [who, verb, ..] if who.starts_with(|first: char| first.is_uppercase()) => {
            visitor(line, who, verb, sentence, &block)
        }
        _ => Err(unknown()),
    }
}

fn rules(line: usize, sentence: &str, block: Block) -> Result<Act, Failure> {
    let rest = sentence.trim_start_matches("rules ");
    if let Some(file) = rest.strip_suffix(" are gone") {
        return Ok(Act::Rules(file.to_owned(), Rules::Gone));
    }
    if let Some((folder, names)) = rest.split_once(" are only ") {
        let names = names.split(", ").map(str::to_owned).collect();
        return Ok(Act::Rules(folder.to_owned(), Rules::Only(names)));
    }
    if let Some((file, like)) = rest.split_once(", as ") {
        let like = like.strip_suffix(" but").ok_or_else(|| {
            (line, format!("unknown words: `{sentence}`; write `rules FILE, as OTHER but`"))
        })?;
        let mut changes = Vec::new();
        for (line, change) in block {
            let (old, new) = change
                .split_once(" => ")
                .ok_or_else(|| (line, format!("`{change}` is no change; write `old => new`")))?;
            // A change may reach over lines: `\n` stands for their ends.
            let (old, new) = (old.replace("\\n", "\n"), new.replace("\\n", "\n"));
            changes.push((line, old, new));
        }
        return Ok(Act::Rules(file.to_owned(), Rules::Like(like.to_owned(), changes)));
    }
    let whole: Vec<String> = block.into_iter().map(|(_, content)| content).collect();
    Ok(Act::Rules(rest.to_owned(), Rules::Whole(whole.join("\n") + "\n")))
}

fn keep(line: usize, name: &str, value: &[&str]) -> Result<Act, Failure> {
    let number = |digits: &str| {
        digits.parse::<usize>().map_err(|_| (line, format!("`{digits}` is no number")))
    };
    let (value, damage) = match value {
        [value @ .., "with", "character", place, "changed"] => {
            (value, Damage::Changed(number(place)?))
        }
        [value @ .., "without", "its", "last", count] => (value, Damage::Cut(number(count)?)),
        value => (value, Damage::None),
    };
    Ok(Act::Let(name.to_owned(), text(line, &value.join(" "))?, damage))
}

fn site(line: usize, sentence: &str, block: &Block) -> Result<(Act, bool), Failure> {
    let (act, takes_block) = match sentence.trim_start_matches("the site ") {
        "receives" => (SiteAct::Receives(expect::parse(block, true).map_err(at(line))?), true),
        "receives nothing" => (SiteAct::ReceivesNothing, false),
        "answers" => (SiteAct::Answers(raw(line, block)?, None), true),
        "begins" => (SiteAct::Begins(raw(line, block)?, None), true),
        "continues" => (SiteAct::Continues(joined(line, block)?), true),
        "ends" => (SiteAct::Ends(joined(line, block)?), true),
        "breaks off" => (SiteAct::BreaksOff, false),
        "is down" => (SiteAct::IsDown, false),
        "is up" => (SiteAct::IsUp, false),
        words => {
            let packing = |words: &str| Packing::of(words).map(Some);
            let answers = words.strip_prefix("answers, in ").and_then(packing);
            let begins = words.strip_prefix("begins, in ").and_then(packing);
            match (answers, begins) {
                (Some(packing), _) => (SiteAct::Answers(raw(line, block)?, packing), true),
                (_, Some(packing)) => (SiteAct::Begins(raw(line, block)?, packing), true),
                _ => return Err((line, format!("unknown words: `{sentence}`"))),
            }
        }
    };
    Ok((Act::Site(act), takes_block))
}

fn visitor(
    line: usize,
    who: &str,
    verb: &str,
    sentence: &str,
    block: &Block,
) -> Result<(Act, bool), Failure> {
    let rest = sentence.trim_start_matches(who).trim_start().trim_start_matches(verb).trim_start();
    let who = who.to_owned();
    Ok(match (verb, rest) {
        ("has", cookies) => (Act::Has(who, text(line, cookies)?), false),
        ("asks", "") => (Act::Asks(who, Request::Raw(raw(line, block)?)), true),
        ("opens", path) if path.starts_with('/') => {
            (Act::Asks(who, Request::Opens(path.to_owned(), changes(block)?)), true)
        }
        ("submits", target) if target.starts_with('/') => {
            let (path, form) = target.split_once(' ').unwrap_or((target, ""));
            let request = Request::Submits(path.to_owned(), text(line, form)?, changes(block)?);
            (Act::Asks(who, request), true)
        }
        ("gets", "") => (Act::Gets(who, false, expect::parse(block, false)?), true),
        ("gets", "a part") => (Act::Gets(who, true, expect::parse(block, false)?), true),
        ("holds", "") => (Act::Holds(who, held(block)?), true),
        _ => return Err((line, format!("unknown words: `{sentence}`"))),
    })
}

/// Gives a failure that has no line of its own the sentence's.
fn at(line: usize) -> impl Fn(Failure) -> Failure {
    move |(own, wrong)| (if own == 0 { line } else { own }, wrong)
}

fn raw(line: usize, block: &Block) -> Result<Raw, Failure> {
    let mut lines = block.iter();
    let Some((first, start)) = lines.next() else {
        return Err((line, "the message is missing; indent it under this line".to_owned()));
    };
    let mut fields = Vec::new();
    for (line, content) in lines.by_ref() {
        if content.is_empty() {
            break;
        }
        let (name, value) = content
            .split_once(':')
            .ok_or_else(|| (*line, format!("`{content}` is no header field")))?;
        fields.push((name.to_owned(), text(*line, value.trim())?));
    }
    let body: Vec<&str> = lines.map(|(_, content)| content.as_str()).collect();
    Ok(Raw { start: text(*first, start)?, fields, body: text(line, &body.join("\n"))? })
}

fn joined(line: usize, block: &Block) -> Result<Text, Failure> {
    let lines: Vec<&str> = block.iter().map(|(_, content)| content.as_str()).collect();
    text(line, &lines.join("\n"))
}

fn texts(block: &Block) -> Result<Vec<(usize, Text)>, Failure> {
    block.iter().map(|(line, content)| Ok((*line, text(*line, content)?))).collect()
}

fn changes(block: &Block) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    for (line, content) in block {
        if let Some(name) = content.strip_prefix("no ") {
            changes.push((name.to_owned(), None));
            continue;
        }
        let (name, value) = content
            .split_once(": ")
            .ok_or_else(|| (*line, format!("`{content}` is no header field")))?;
        changes.push((name.to_owned(), Some(text(*line, value)?)));
    }
    Ok(changes)
}

fn held(block: &Block) -> Result<Vec<Held>, Failure> {
    let mut all = Vec::new();
    for (line, content) in block {
        let line = *line;
        let (name, what) = if let Some(name) = content.strip_prefix("no ") {
            (name, HeldWhat::Absent)
        } else if let Some((name, time)) = content.split_once(" until ") {
            (name, HeldWhat::Until(time.parse().map_err(|wrong| (line, wrong))?))
        } else if let Some((name, value)) = content.split_once('=') {
            (name, HeldWhat::Value(text(line, value)?))
        } else {
            (content.as_str(), HeldWhat::There)
        };
        if name.contains(' ') {
            return Err((line, format!("unknown words: `{content}`")));
        }
        all.push(Held { line, name: name.to_owned(), what });
    }
    Ok(all)
}
