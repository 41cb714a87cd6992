//! The box that stands for a frame which is withheld.
//!
//! It is a page of ours in the frame's own place and size, so nothing of the site's page moves, and it works with
//! scripts off. It says whose content would be there, and what they would receive.
//!
//! To show it once is a person's own step to that address, in that frame: nothing is agreed to, and nothing recorded.
//! To show it always is to be asked, by the banner or in the settings. Whom the policy does not name is shown by
//! neither.
//!
//! Which frames get one is the gate's to say ([`crate::gate::document`]), what holds for the visitor `subject`'s.

use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::splice::query;
use super::style::Style;
use super::texts::{Texts, fill};
use super::view::Recipient;

/// A frame that is withheld.
#[derive(Debug)]
pub struct Held<'a> {
    /// The host that it would load.
    pub host: &'a str,
    /// How it comes to be shown.
    pub way: Way<'a>,
    /// The page of the site that it stands in, a path.
    pub return_to: &'a str,
}

/// How a frame comes to be shown.
#[derive(Debug)]
pub enum Way<'a> {
    /// Not at all: the policy does not name the recipient.
    None,
    /// By a step there, or an agreement.
    Ask {
        /// The purpose that releases it.
        purpose: &'a str,
        /// What is sent.
        data: Vec<&'a str>,
        /// To whom.
        recipient: Recipient<'a>,
        /// The address, if the page lets it be shown once.
        once: Option<&'a str>,
    },
}

/// The page in the frame.
pub fn page(texts: &Texts, style: &Style, held: &Held<'_>) -> String {
    html! {
        (DOCTYPE)
        html lang=(texts.code) dir=(texts.dir.name()) {
            head {
                meta charset="utf-8";
                meta name="robots" content="noindex, nofollow";
                meta name="color-scheme" content=(style.color_scheme);
                title { (texts.page.held_title) }
                link rel="stylesheet" href=(style.held.path);
            }
            body { main data-nosnippet { h1 { (texts.page.held_title) } (content(texts, held)) } }
        }
    }
    .into_string()
}

fn content(texts: &Texts, held: &Held<'_>) -> Markup {
    let words = &texts.page;
    let back = query(held.return_to);
    let settings = format!("/.consent/?lang={}&return={back}", texts.code);
    match &held.way {
        Way::None => html! { p { (fill(&words.held_undeclared, &[("host", held.host)])) } },
        Way::Ask { purpose, data, recipient, once } => {
            let data = texts.list(data.iter().copied());
            let told =
                [("recipient", recipient.name), ("country", recipient.country), ("data", &data)];
            html! {
                p { (fill(&words.held, &told)) }
                p.ways {
                    @if let Some(address) = once { a href=(address) { (words.held_once) } }
                    a href=(settings) target="_top" data-purpose=(purpose) { (words.held_always) }
                }
                script src=(assets::held_js().path) defer {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Held, Way, page};
    use crate::banner::style::tests::style;
    use crate::banner::texts::tests::{FILES, texts};
    use crate::banner::view::Recipient;

    fn asked(once: Option<&str>) -> Held<'_> {
        let recipient = Recipient { name: "Yandex.Metrica", country: "Russia", abroad: true };
        let way = Way::Ask { purpose: "analytics", data: vec!["cookie data"], recipient, once };
        Held { host: "mc.yandex.ru", way, return_to: "/prices?a=1" }
    }

    #[test]
    fn a_box_says_who_it_would_be_and_what_they_receive_and_leads_there_by_plain_links() {
        for (code, _) in FILES {
            let page =
                page(&texts(code), &style(), &asked(Some("https://mc.yandex.ru/frame?a=1&b=2")));
            for part in [
                "Yandex.Metrica (Russia)",
                "cookie data",
                r#"<a href="https://mc.yandex.ru/frame?a=1&amp;b=2">"#,
                &format!(
                    r#"<a href="/.consent/?lang={code}&amp;return=/prices%3Fa%3D1" target="_top" data-purpose="analytics">"#
                ),
            ] {
                assert!(page.contains(part), "{code}: {part}\n{page}");
            }
        }
    }

    #[test]
    fn where_the_page_would_stop_it_a_box_only_asks() {
        let page = page(&texts("en"), &style(), &asked(None));
        assert!(page.contains("data-purpose") && !page.contains("https://mc.yandex.ru"), "{page}");
    }

    #[test]
    fn whom_the_policy_does_not_name_is_named_and_not_led_to() {
        let held = Held { host: "www.facebook.com", way: Way::None, return_to: "/" };
        let page = page(&texts("ru"), &style(), &held);
        assert!(page.contains("www.facebook.com") && !page.contains("<a "), "{page}");
    }
}
