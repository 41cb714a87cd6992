//! The addresses of the demonstration site's pages.
//!
//! Kazakh pages stand at the root, the others under their language, as on many Kazakh sites; so
//! one folder of a path says in which language its page is.
//!
//! An address reads back what it wrote: [`parse`] of [`Address::path`] is the address.
//!
//! Files and the debugging page have no language and are no addresses; see [`super::site`].

use super::words::Language;

/// A page, whatever its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Home,
    Prices,
    SignIn,
    Cabinet,
    SignOut,
}

impl Page {
    const ALL: [Self; 5] = [Self::Home, Self::Prices, Self::SignIn, Self::Cabinet, Self::SignOut];

    /// The path after the language's prefix.
    fn path(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Prices => "/prices",
            Self::SignIn => "/sign-in",
            Self::Cabinet => "/cabinet",
            Self::SignOut => "/sign-out",
        }
    }
}

/// A page in a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) language: Language,
    pub(super) page: Page,
}

impl Address {
    /// The path from the root, with the language in it.
    pub(super) fn path(self) -> String {
        [self.language.prefix(), self.page.path()].concat()
    }

    /// Another page in the same language.
    pub(super) fn to(self, page: Page) -> Self {
        Self { page, ..self }
    }
}

/// The language that a path stands under, and what follows it.
pub(super) fn language(path: &str) -> (Language, &str) {
    [Language::Russian, Language::English]
        .into_iter()
        .find_map(|language| {
            let rest = path.strip_prefix(language.prefix())?;
            rest.starts_with('/').then_some((language, rest))
        })
        .unwrap_or((Language::Kazakh, path))
}

/// The page at `path`, if there is one.
pub(super) fn parse(path: &str) -> Option<Address> {
    let (language, rest) = language(path);
    let page = Page::ALL.into_iter().find(|page| page.path() == rest)?;
    Some(Address { language, page })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_reads_back_as_itself() {
        for language in Language::ALL {
            for page in Page::ALL {
                let address = Address { language, page };
                assert_eq!(parse(&address.path()), Some(address));
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_language_is_none() {
        assert_eq!(parse("/russia"), None);
        assert_eq!(parse("/ru"), None);
        assert_eq!(parse("/kk/"), None);
    }
}
