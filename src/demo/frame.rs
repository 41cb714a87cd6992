//! What every page of the demonstration site has around it: head, header, footer, tags.
//!
//! One frame, so that the analytics tags stand on every page and on each in the same places: a page
//! without them would let a gateway look good.
//!
//! `<html lang>` is always the language of the page's own text: banners are chosen by it.
//!
//! The tags themselves are in [`super::tags`], the pages' bodies in [`super::pages`].

use super::{
    address::{Address, Page},
    tags,
    words::Language,
};
use maud::{DOCTYPE, Markup, html};

/// Whether the visitor has signed in; the header offers the one or the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// Nobody yet.
    None,
    /// Somebody, by a name they typed.
    Open,
}

/// A whole page: `title` for the tab, `content` for `<main>`.
pub(super) fn page(address: Address, session: Session, title: &str, content: &Markup) -> Markup {
    let words = address.language.words();
    html! {
        (DOCTYPE)
        html lang=(address.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · send-box" }
                (tags::head())
                meta name="description" content=(words.hero.text);
                link rel="icon" type="image/svg+xml" href="/assets/logo.svg";
                link rel="stylesheet" href="/assets/site.css";
                script src="/assets/site.js" defer {}
            }
            body {
                (tags::body())
                (header(address, session))
                main { (content) }
                footer { div.wide { p { (words.made_up) } } }
            }
        }
    }
}

fn header(address: Address, session: Session) -> Markup {
    let words = address.language.words();
    let account = match session {
        Session::None => (Page::SignIn, words.sign_in),
        Session::Open => (Page::Cabinet, words.cabinet),
    };
    let links = [(Page::Home, words.home), (Page::Prices, words.prices), account];
    html! {
        header.top {
            div.wide {
                a.brand href=(address.to(Page::Home).path()) {
                    img src="/assets/logo.svg" alt="" width="36" height="36";
                    "send-box"
                }
                nav.pages {
                    @for (page, name) in links {
                        a href=(address.to(page).path())
                            aria-current=[(page == address.page).then_some("page")] { (name) }
                    }
                }
                nav.languages aria-label=(words.languages) {
                    @for language in Language::ALL {
                        a href=(Address { language, ..address }.path()) lang=(language.tag())
                            hreflang=(language.tag()) title=(language.name())
                            aria-current=[(language == address.language).then_some("true")] {
                            (language.tag())
                        }
                    }
                }
            }
        }
    }
}
