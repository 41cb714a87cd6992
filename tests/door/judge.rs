//! What became of a case, against what must become of it.

use super::cases::{Case, Outcome};
use super::upstream::Got;
use super::visitor::Heard;

/// Everything that is not as the table says.
pub(crate) fn judge(case: &Case, heard: &Heard, got: &Got) -> Vec<String> {
    let mut wrong = got.doubts.clone();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let passing = case.outcome.passing();
    let reached = got.whole.len();
    must(reached == passing, format!("{reached} requests reached the upstream, not {passing}"));
    let answered = heard.passed() == passing
        && heard.answers.iter().take(passing).all(|answer| answer.upstream);
    must(reached != passing || answered, format!("not answered {passing} times by the upstream"));
    must(heard.closed, "the connection stays open".to_owned());
    let after: Vec<u16> = heard.answers.iter().skip(passing).map(|answer| answer.status).collect();
    match case.outcome {
        Outcome::Pass(_) => {
            must(after.is_empty(), format!("then {after:?} is answered"));
            must(got.parts == 0, "a part of another request reached the upstream".to_owned());
        }
        Outcome::Refuse { status, .. } => {
            must(after == [status], format!("answered with {after:?}, not {status}"));
            must(got.parts == 0, "a part of it reached the upstream".to_owned());
        }
        Outcome::Cut { .. } => {
            must(after.len() <= 1, format!("answered more than once: {after:?}"));
            must(got.parts <= 1, format!("{} parts reached the upstream", got.parts));
        }
    }
    for text in &case.sees {
        if !got.whole.iter().any(|request| request.shows(text)) {
            let lines: Vec<_> = got.whole.iter().map(shown).collect();
            must(false, format!("the upstream sees no `{}` in {lines:?}", text.escape_ascii()));
        }
    }
    for name in &case.lacks {
        let has = got.whole.iter().any(|request| request.has(name));
        must(!has, format!("the upstream sees `{name}`"));
    }
    wrong
}

/// A request, for whoever looks for what is wrong with it.
fn shown(request: &super::request::Request) -> String {
    let mut parts = vec![request.line.escape_ascii().to_string()];
    let lines = request.fields.iter();
    parts.extend(
        lines.map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii())),
    );
    parts.push(request.body.escape_ascii().to_string());
    let mut text = parts.join(" | ");
    // A whole target of 16 KiB tells nobody more.
    text.truncate(600);
    text
}

/// Whether another proxy refused: fewer requests reached the upstream than the case offers, in any
/// form. A malformed one has reached it. What the visitor is told does not count: a proxy may have
/// passed everything before it complains of the rest.
pub(crate) fn refused(case: &Case, got: &Got) -> bool {
    let offered = case.outcome.answers();
    got.whole.len() + got.malformed < offered
}
