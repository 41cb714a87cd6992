//! The declaration of cookies: a page of ours, and a piece of markup for a page of the site's.
//!
//! Lists of names and sentences, no table: they read the same in a narrow column, in a page whose styles
//! nobody here knows, and aloud.
//!
//! What is declared, and what was met, is put together by `subject`.

use maud::{Markup, html};

use super::pages::page;
use super::policy::top;
use super::style::Style;
use super::texts::{Texts, fill};
use super::view::{Declaration, DeclaredCookie, Language, Met};

/// The page, `/.consent/cookies`.
pub fn declaration(
    texts: &Texts,
    style: &Style,
    view: &Declaration<'_>,
    languages: &[Language<'_>],
) -> String {
    let body = html! {
        (top(texts, "/.consent/cookies", languages))
        main {
            h1 { (texts.cookies.title) }
            (lists(texts, view))
            p { a href=(format!("/.consent/policy?lang={}", texts.code)) { (texts.policy.title) } }
        }
    };
    page(texts, style, &texts.cookies.title, "cookies", &body)
}

/// The same without a page around it, to be put into one.
pub fn fragment(texts: &Texts, view: &Declaration<'_>) -> String {
    html! { div.kelisim-cookies lang=(texts.code) dir=(texts.dir.name()) { (lists(texts, view)) } }
        .into_string()
}

fn lists(texts: &Texts, view: &Declaration<'_>) -> Markup {
    let words = &texts.cookies;
    html! {
        p.lead { (fill(&words.lead, &[("operator", view.operator)])) }
        p { (words.terms) }
        @for purpose in &view.purposes {
            section {
                h2 { (purpose.title) " " span.clause { (purpose.section) } }
                @for provider in &purpose.providers {
                    h3 {
                        (provider.name)
                        @if let Some(country) = provider.country { " (" (country) ")" }
                    }
                    dl {
                        @for cookie in &provider.cookies { (entry(texts, cookie)) }
                        @if !provider.keys.is_empty() {
                            dt { (words.storage) }
                            dd {
                                span translate="no" { (provider.keys.join(", ")) } ". "
                                (words.storage_keep)
                            }
                        }
                    }
                }
            }
        }
        @if !view.undeclared.is_empty() {
            section {
                h2 { (words.undeclared_title) }
                p { (words.undeclared) }
                dl {
                    @for (name, days) in &view.undeclared {
                        dt translate="no" { (name) }
                        dd { (met(texts, *days)) }
                    }
                }
            }
        }
        @if !view.withheld.is_empty() {
            section {
                h2 { (words.withheld_title) }
                p { (words.withheld) }
                dl {
                    @for vendor in &view.withheld {
                        dt { (vendor.name) }
                        dd translate="no" { (vendor.cookies.join(", ")) }
                    }
                }
            }
        }
    }
}

fn entry(texts: &Texts, cookie: &DeclaredCookie<'_>) -> Markup {
    let met = cookie.met.map(|days| met(texts, days));
    let sentences = [cookie.role, cookie.keep.as_deref(), met.as_deref()];
    let sentences: Vec<_> = sentences.into_iter().flatten().collect();
    html! {
        dt translate="no" { (cookie.name) }
        dd { (sentences.join(" ")) }
    }
}

fn met(texts: &Texts, Met { first, last }: Met) -> String {
    let words = &texts.cookies;
    if first == last {
        return fill(&words.met_on, &[("date", &texts.date(first))]);
    }
    fill(&words.met, &[("first", &texts.date(first)), ("last", &texts.date(last))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::banner::style::tests::style;
    use crate::banner::texts::tests::texts;
    use crate::banner::view::{Date, DeclaredPurpose, Provider, WithheldVendor};

    #[test]
    fn a_fragment_is_the_same_lists_without_a_page_and_names_are_only_text() {
        let day = |day| Date { year: 2026, month: 11, day };
        for code in ["kk", "ru", "en"] {
            let texts = texts(code);
            let days = Met { first: day(1), last: day(30) };
            let view = Declaration {
                operator: "SENDBOX",
                purposes: vec![DeclaredPurpose {
                    title: "Quality",
                    section: "4.3",
                    providers: vec![Provider {
                        name: "Yandex.Metrica",
                        country: Some("Russia"),
                        cookies: vec![DeclaredCookie {
                            name: "_ym_*".to_owned(),
                            role: Some(&texts.cookies.roles.visitor),
                            keep: Some(texts.lasting(crate::time::Lasting::Days(365))),
                            met: Some(days),
                        }],
                        keys: vec!["zz".to_owned()],
                    }],
                }],
                withheld: vec![WithheldVendor { name: "Ads", cookies: vec!["_gcl_*".to_owned()] }],
                undeclared: vec![("<b>".to_owned(), Met { first: day(2), last: day(2) })],
            };
            let page = declaration(&texts, &style(), &view, &[]);
            let piece = fragment(&texts, &view);
            assert!(page.starts_with("<!DOCTYPE html>") && !piece.contains("<html"), "{piece}");
            for text in [&page, &piece] {
                for part in [
                    "_ym_*",
                    "365",
                    &texts.cookies.roles.visitor,
                    &texts.date(day(30)),
                    "zz",
                    "&lt;b&gt;",
                    "_gcl_*",
                ] {
                    assert!(text.contains(part), "{code}: {part}\n{text}");
                }
            }
            // The same markup, and nothing that would run or be styled.
            let inner = piece.split_once('>').expect("a div").1.trim_end_matches("</div>");
            assert!(page.contains(inner) && !piece.contains("<script") && !piece.contains("style"));
        }
    }
}
