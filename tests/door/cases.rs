//! The cases of `tests/door/cases.txt`, read.
//!
//! A case is a name, what must become of it, and the bytes that are sent. Its words are explained
//! at the head of that file.
//!
//! Reading is strict, and every mistake is told with its line: a case that is read wrongly would
//! prove nothing, and nobody would see it.

use super::escapes::unescape;

/// One connection: what is sent, and what must become of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The line of its name.
    pub(crate) line: usize,
    /// Its name.
    pub(crate) name: String,
    /// What must become of it.
    pub(crate) outcome: Outcome,
    /// Whether it is about where messages begin and end, and for whom they are.
    pub(crate) framing: bool,
    /// What the upstream must have got: request lines, field lines, bodies.
    pub(crate) sees: Vec<Vec<u8>>,
    /// Fields that the upstream must not have got.
    pub(crate) lacks: Vec<String>,
    /// All that is sent.
    pub(crate) bytes: Vec<u8>,
}

/// What must become of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// So many requests reach the upstream, and are answered by it.
    Pass(usize),
    /// The first `after` pass. The next is answered with this status and reaches nobody, and the
    /// connection is closed.
    Refuse { status: u16, after: usize },
    /// The first `after` pass. Of the next, the upstream may get a part, but never its end, nor
    /// anything that follows; the connection is closed.
    Cut { after: usize },
}

impl Outcome {
    /// How many requests pass.
    pub(crate) fn passing(self) -> usize {
        match self {
            Outcome::Pass(requests) => requests,
            Outcome::Refuse { after, .. } | Outcome::Cut { after } => after,
        }
    }

    /// How many answers come, with that which refuses.
    pub(crate) fn answers(self) -> usize {
        self.passing() + usize::from(self.refuses())
    }

    /// Whether something is refused.
    pub(crate) fn refuses(self) -> bool {
        !matches!(self, Outcome::Pass(_))
    }

    /// Its kind, for counting.
    pub(crate) fn kind(self) -> String {
        match self {
            Outcome::Pass(_) => "pass".to_owned(),
            Outcome::Refuse { status, .. } => format!("refuse {status}"),
            Outcome::Cut { .. } => "refuse cut".to_owned(),
        }
    }
}

/// A case that is still being read.
#[derive(Default)]
struct Draft {
    line: usize,
    name: String,
    outcome: Option<(Outcome, bool)>,
    sees: Vec<Vec<u8>>,
    lacks: Vec<String>,
    bytes: Vec<u8>,
}

/// Reads all cases, or says everything that is wrong with them.
pub(crate) fn parse(text: &str) -> Result<Vec<Case>, Vec<String>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut wrong = Vec::new();
    let mut draft: Option<Draft> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let read = if line.starts_with('#') || line.is_empty() {
            Ok(())
        } else if line.ends_with(char::is_whitespace) {
            Err("white space at the end of a line cannot be seen; write `\\x20`".to_owned())
        } else if let Some(name) = line.strip_prefix("== ") {
            let next = Draft { line: number, name: name.to_owned(), ..Draft::default() };
            let before = draft.replace(next);
            wrong.extend(before.and_then(|before| finish(before, &mut cases).err()));
            let twice = cases.iter().find(|case| case.name == name).map(|case| case.line);
            twice.map_or(Ok(()), |line| Err(format!("line {line} has a case of this name")))
        } else if let Some(draft) = &mut draft {
            read(draft, line)
        } else {
            Err("a case begins with `== NAME`".to_owned())
        };
        wrong.extend(read.err().map(|error| format!("{number}: {error}: `{line}`")));
    }
    wrong.extend(draft.and_then(|last| finish(last, &mut cases).err()));
    if wrong.is_empty() { Ok(cases) } else { Err(wrong) }
}

/// Reads a line of a case.
fn read(draft: &mut Draft, line: &str) -> Result<(), String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    if word != ">" && word != ">>" && !draft.bytes.is_empty() {
        return Err("what must become of a case stands before its bytes".to_owned());
    }
    match word {
        ">" | ">>" => {
            draft.bytes.extend(unescape(rest)?);
            if word == ">" {
                draft.bytes.extend(b"\r\n");
            }
        }
        "sees" => draft.sees.push(unescape(rest)?),
        "lacks" => draft.lacks.push(rest.to_owned()),
        "pass" | "refuse" if draft.outcome.is_some() => {
            return Err("a case has one outcome".to_owned());
        }
        "pass" | "refuse" => draft.outcome = Some(outcome(line)?),
        "answers" => match (&mut draft.outcome, rest.parse()) {
            (Some((Outcome::Pass(requests), _)), Ok(count)) => *requests = count,
            _ => return Err("`answers` has a number and comes after `pass`".to_owned()),
        },
        _ => return Err("no line begins so".to_owned()),
    }
    Ok(())
}

/// `pass`, `refuse 400`, `refuse cut`, and what may follow.
fn outcome(line: &str) -> Result<(Outcome, bool), String> {
    let (words, framing) = match line.strip_suffix(" framing") {
        Some(words) => (words, true),
        None => (line, false),
    };
    let words: Vec<&str> = words.split(' ').collect();
    let (how, after) = match words.as_slice() {
        ["pass"] => return Ok((Outcome::Pass(1), framing)),
        ["refuse", how] => (how, 0),
        ["refuse", how, "after", after] => {
            (how, after.parse().map_err(|_| format!("`{after}` is no number of requests"))?)
        }
        _ => {
            return Err(
                "expected `pass`, `refuse 400`, `refuse 400 after 1` or `refuse cut`".to_owned()
            );
        }
    };
    if *how == "cut" {
        return Ok((Outcome::Cut { after }, framing));
    }
    match how.parse() {
        Ok(status @ 400..600) => Ok((Outcome::Refuse { status, after }, framing)),
        _ => Err(format!("`{how}` is neither a status of 400 to 599 nor `cut`")),
    }
}

fn finish(draft: Draft, cases: &mut Vec<Case>) -> Result<(), String> {
    let Draft { line, name, outcome, sees, lacks, bytes } = draft;
    let Some((outcome, framing)) = outcome else {
        return Err(format!("{line}: `{name}` does not say what must become of it"));
    };
    if bytes.is_empty() {
        return Err(format!("{line}: `{name}` sends nothing"));
    }
    if outcome.passing() == 0 && !(sees.is_empty() && lacks.is_empty()) {
        return Err(format!(
            "{line}: `{name}` reaches nobody, so that nobody sees or lacks anything"
        ));
    }
    cases.push(Case { line, name, outcome, framing, sees, lacks, bytes });
    Ok(())
}
