//! The pages of a visitor's rights: what is held about them, and what became of it.
//!
//! Each works with scripts off, in each language, and says what holds also while the record cannot be
//! read. Nothing here is shown to a script of the site's pages: who asks is looked at by `subject`.
//!
//! The purposes are told as the settings tell them ([`super::pages`]).
//!
//! What they are told is in [`super::view::rights`]; the wording in `[rights]` of each language's file.

use maud::{Markup, html};

use super::assets;
use super::cards::purpose_card;
use super::pages::{back_arrow, letter, page};
use super::splice::query;
use super::style::Style;
use super::texts::{Texts, fill};
use super::view::State;
use super::view::rights::{Forgotten, Log, Me, Named, Outcome, Recorded, Row, Said};

/// Where a visitor sees what is held about them.
pub const ME: &str = "/.consent/me";
/// The same for programs, as a file.
pub const ME_JSON: &str = "/.consent/me.json";
/// Where they have themselves forgotten.
pub const FORGET: &str = "/.consent/forget";
/// Where receipts are, each under its record's id.
pub const RECEIPT: &str = "/.consent/receipt/";
/// How the name of a receipt's file begins, before its record's id.
pub const RECEIPT_FILE: &str = "receipt-";

/// `/.consent/me`.
pub fn me(texts: &Texts, style: &Style, view: &Me<'_>) -> String {
    let words = &texts.rights;
    let body = html! {
        header.top {
            a.back href=(settings(texts, view.named.number())) {
                (back_arrow(texts)) (texts.settings.title)
            }
            nav aria-label=(texts.settings.languages) {
                @for language in view.languages {
                    @let current = language.code == texts.code;
                    a href=(here(ME, language.code, view.named.number())) lang=(language.code)
                        hreflang=(language.code) aria-current=[current.then_some("true")] {
                        (language.name)
                    }
                }
            }
        }
        main {
            h1 { (words.title) }
            p.lead { (fill(&words.lead, &[("operator", view.operator.name)])) }
            section.held aria-labelledby="held" {
                h2 #held { (words.held) }
                (held(texts, view))
                h3 { (words.logs) }
                p { (words.logs_text) }
                (logs(texts, view.logs))
                p.small { a href=(here(ME_JSON, &texts.code, view.named.number())) { (words.json) } }
            }
            section.forget aria-labelledby="forget" {
                h2 #forget { (words.forget) }
                (forget_form(texts, view.token, view.named.number()))
            }
            section aria-labelledby="letter" {
                h2 #letter { (words.letter) }
                p { (words.letter_text) }
                p {
                    a href=(letter(view.operator.email, view.code, &texts.settings.subject)) {
                        (view.operator.email)
                    }
                }
            }
            section.purposes aria-labelledby="purposes" {
                h2 #purposes { (words.processing) }
                p { (words.methods) }
                @for purpose in view.purposes { (purpose_card(texts, purpose, true)) }
                p.small { (texts.settings.never) }
            }
        }
    };
    page(texts, style, &words.title, "settings", &body)
}

/// One of these pages in a language, with the record that was named.
fn here(path: &str, language: &str, record: Option<&str>) -> String {
    let record = record.map(|record| format!("&record={}", query(record)));
    format!("{path}?lang={}{}", query(language), record.unwrap_or_default())
}

/// The settings page in this language.
fn settings(texts: &Texts, record: Option<&str>) -> String {
    here("/.consent/", &texts.code, record)
}

fn held(texts: &Texts, view: &Me<'_>) -> Markup {
    let words = &texts.rights;
    html! {
        @match (view.code, view.said.is_empty()) {
            (None, true) => p { (words.nothing) },
            (None, false) if view.said.iter().any(|said| said.state == State::Withdrawn) => {
                p { (words.withdrawn) }
            }
            (None, false) => p { (words.anonymous) },
            (Some(code), _) => p { (super::pages::code_line(texts, code)) },
        }
        @if view.named == Named::Unknown {
            p.notice.warning role="status" { (words.record_unknown) }
        }
        @if !view.said.is_empty() {
            h3 { (words.cookie) }
            p { (words.cookie_text) }
            ul { @for said in &view.said { li { (said_line(texts, said)) } } }
        }
        @match &view.record {
            Recorded::Nobody => {}
            Recorded::Unreadable => {
                h3 { (words.record) }
                p.notice.warning role="status" { (words.record_unreadable) }
            }
            Recorded::Rows(rows, _) if rows.is_empty() => {
                h3 { (words.record) }
                p { (words.record_none) }
            }
            Recorded::Rows(rows, count) => {
                h3 { (words.record) }
                p { (words.record_text) }
                @if *count > rows.len() {
                    @let (shown, all) = (rows.len().to_string(), count.to_string());
                    p { (fill(&words.record_more, &[("shown", &shown), ("count", &all)])) }
                }
                ul { @for row in rows { li { (row_line(texts, row)) } } }
            }
        }
        (by_receipt(texts))
    }
}

/// Where the number of a record is asked for, which opens what was withdrawn.
fn by_receipt(texts: &Texts) -> Markup {
    let words = &texts.rights;
    html! {
        form.receipt method="get" action=(ME) autocomplete="off" {
            input type="hidden" name="lang" value=(texts.code);
            label for="record-number" { (words.by_receipt) }
            input #record-number type="text" name="record" required maxlength="64" spellcheck="false";
            button { (words.by_receipt_show) }
        }
    }
}

fn said_line(texts: &Texts, said: &Said<'_>) -> String {
    let (at, until) = (texts.date(said.mark.at), texts.date(said.mark.until));
    let mark = fill(&texts.states.mark, &[("at", &at), ("until", &until)]);
    format!("{} ({}): {} {mark}", said.title, said.section, texts.state(said.state))
}

fn row_line(texts: &Texts, row: &Row<'_>) -> Markup {
    let words = &texts.rights;
    let date = row.day.map(|day| texts.date(day)).unwrap_or_default();
    let moment = fill(&words.moment, &[("date", &date), ("time", row.time)]);
    html! {
        (moment) " — " (words.way(row.way)) "; " (words.attestation(row.attestation)) ". "
        @for (title, state) in &row.choices { (title) ": " (texts.state(*state)) " " }
        a href=(format!("{RECEIPT}{}", row.record)) { (words.receipt) }
    }
}

fn logs(texts: &Texts, logs: &[Log<'_>]) -> Markup {
    let words = &texts.rights;
    let line = |log: &Log<'_>| {
        let keep = match log.keep_days {
            Some(days) => fill(&words.log_days, &[("days", &days.to_string())]),
            None => texts.settings.keep_until_met.clone(),
        };
        fill(words.log(log.kind), &[("section", log.section), ("keep", &keep)])
    };
    html! { ul { @for log in logs { li { (line(log)) } } } }
}

/// What the settings page offers of all this.
///
/// Told a `record`, it leads on with it.
pub(super) fn offered(texts: &Texts, token: &str, record: Option<&str>) -> Markup {
    let words = &texts.rights;
    html! {
        section.rights aria-labelledby="rights" {
            h2 #rights { (words.title) }
            p { a href=(here(ME, &texts.code, record)) { (words.link) } }
            (forget_form(texts, token, record))
        }
    }
}

fn forget_form(texts: &Texts, token: &str, record: Option<&str>) -> Markup {
    let words = &texts.rights;
    html! {
        form.withdraw method="post" action=(FORGET) autocomplete="off" {
            input type="hidden" name="token" value=(token);
            input type="hidden" name="lang" value=(texts.code);
            @if let Some(record) = record { input type="hidden" name="record" value=(record); }
            button aria-describedby="forget-note" { (words.forget) }
            p.small #forget-note { (words.forget_note) }
        }
    }
}

/// The link to a receipt.
pub(super) fn receipt_link(texts: &Texts, record: &str) -> Markup {
    html! { a href=(format!("{RECEIPT}{record}")) { (texts.rights.receipt) } }
}

/// What followed from a withdrawal, or from being forgotten.
pub(super) fn outcome(texts: &Texts, outcome: &Outcome<'_>) -> Markup {
    let words = &texts.rights;
    let purposes = outcome.stopped.iter().map(|(title, section)| format!("{title} ({section})"));
    let purposes: Vec<_> = purposes.collect();
    let recipients = outcome.recipients.iter().map(|to| format!("{} ({})", to.name, to.country));
    let recipients: Vec<_> = recipients.collect();
    let list = |items: &[String]| texts.list(items.iter().map(String::as_str));
    html! {
        div.outcome {
            @if !purposes.is_empty() {
                p { (fill(&words.stopped, &[("purposes", &list(&purposes))])) }
            }
            @if !recipients.is_empty() {
                p { (fill(&words.no_longer, &[("recipients", &list(&recipients))])) }
            }
            @match outcome.forgotten {
                None => p { (words.proof_stays) },
                Some(0) => p { (words.destroyed_none) },
                Some(rows) => p { (fill(&words.destroyed, &[("count", &rows.to_string())])) },
            }
            p { (words.browser) }
            @if !outcome.logs.is_empty() {
                p { (words.rests) }
                (logs(texts, outcome.logs))
            }
            @if !recipients.is_empty() {
                p { (fill(&words.out_of_reach, &[("recipients", &list(&recipients))])) }
            }
        }
    }
}

/// What a visitor reads who was forgotten.
pub fn forgotten(texts: &Texts, style: &Style, view: &Forgotten<'_>) -> String {
    let words = &texts.rights;
    // Where nothing was found, nothing is claimed.
    let title = match view.outcome.forgotten {
        Some(0) => &words.forgotten_none,
        _ => &words.forgotten,
    };
    let body = html! {
        main {
            h1 { (title) }
            (outcome(texts, &view.outcome))
            p.links {
                a.button href="/" { (texts.settings.back) }
                a.button href=(settings(texts, None)) { (texts.settings.title) }
            }
        }
        @if !view.forget.is_empty() {
            script src=(assets::forget_js().path) data-keys=(view.forget) data-changed {}
        }
    };
    page(texts, style, title, "settings", &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::banner::style::tests::style;
    use crate::banner::texts::tests::texts;
    use crate::banner::view::rights::LogKind;
    use crate::banner::view::tests::{OPERATOR, purposes};
    use crate::banner::view::{Date, Language, Mark, State};

    const DAY: Date = Date { year: 2026, month: 11, day: 22 };

    fn shown(code: &str, record: Recorded<'_>, known: bool) -> String {
        let texts = texts(code);
        let purposes = purposes(&texts);
        let mark = Mark { at: DAY, until: Date { year: 2027, ..DAY } };
        let said = Said { title: "Title", section: "4.3", state: State::Permitted, mark };
        let log = |kind, section, keep_days| Log { kind, section, keep_days, by_consent: false };
        let view = Me {
            operator: OPERATOR,
            purposes: &purposes,
            languages: &[Language { code: "kk", name: "Қазақша" }],
            token: "tok",
            code: known.then_some("K7Q2-9FDM"),
            named: Named::Nothing,
            said: if known { vec![said] } else { Vec::new() },
            record,
            logs: &[
                log(LogKind::Operation, "4.2", Some(30)),
                log(LogKind::Security, "4.7", Some(30)),
            ],
        };
        me(&texts, &style(), &view)
    }

    fn rows() -> Recorded<'static> {
        let row = Row {
            record: "f0e1",
            day: Some(DAY),
            time: "10:00",
            choices: vec![("Title", State::Permitted)],
            way: "banner",
            attestation: Some("attested"),
        };
        Recorded::Rows(vec![row], 2)
    }

    #[test]
    fn a_visitors_page_says_what_is_held_why_and_how_to_write() {
        for code in ["kk", "ru", "en"] {
            let page = shown(code, rows(), true);
            let words = texts(code).rights;
            for part in [
                "K7Q2-9FDM",
                "/.consent/receipt/f0e1",
                "mailto:box@send-box.com?subject=%D0%96",
                "body=K7Q2-9FDM",
                "action=\"/.consent/forget\"",
                "4.7",
                "30",
                &words.methods,
                &words.attestations.attested,
                "10:00",
            ] {
                assert!(page.contains(part), "{code}: {part}\n{page}");
            }
            assert_eq!(page.matches("<details class=\"card\"").count(), 7, "{code}");
            assert!(!page.contains('{'), "{code}: {page}");
        }
    }

    #[test]
    fn a_stranger_is_told_that_there_is_no_choice_and_a_broken_record_is_no_empty_one() {
        let words = texts("en").rights;
        let page = shown("en", Recorded::Nobody, false);
        assert!(page.contains(&words.nothing) && !page.contains(&words.record), "{page}");
        let page = shown("en", Recorded::Unreadable, true);
        assert!(page.contains(&words.record_unreadable), "{page}");
        assert!(!page.contains(&words.record_none), "{page}");
        let page = shown("en", Recorded::Rows(Vec::new(), 0), true);
        assert!(page.contains(&words.record_none), "{page}");
    }

    #[test]
    fn who_is_forgotten_reads_what_was_destroyed_what_stays_and_whom_to_ask() {
        for code in ["kk", "ru", "en"] {
            let texts = texts(code);
            let purposes = purposes(&texts);
            let log = Log {
                kind: LogKind::Security,
                section: "4.7",
                keep_days: Some(30),
                by_consent: false,
            };
            let told = |forgotten| {
                let outcome = Outcome {
                    stopped: vec![("Title", "4.3")],
                    recipients: purposes[2].recipients.clone(),
                    forgotten,
                    logs: &[log],
                };
                super::forgotten(
                    &texts,
                    &style(),
                    &Forgotten { outcome, operator: OPERATOR, forget: "_ym*" },
                )
            };
            let page = told(Some(41));
            for part in ["41", "Google Analytics", "4.3", "4.7", "30", r#"data-keys="_ym*""#] {
                assert!(page.contains(part), "{code}: {part}\n{page}");
            }
            assert!(page.matches("Google Analytics").count() >= 2, "they hold what they had");
            assert!(!page.contains('{'), "{code}: {page}");
            assert!(told(Some(0)).contains(&texts.rights.destroyed_none), "{code}");
        }
    }
}
