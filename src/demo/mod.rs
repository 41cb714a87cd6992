//! The demonstration: a made-up site with real-looking tags, for `kelisim demo` and browser tests.
//!
//! A consent gateway can only be seen at work in front of a site that would otherwise track its
//! visitors. This one is modelled on send-box.com: three languages, a session, the public install
//! snippets of Yandex.Metrica, Google Analytics and Tag Manager, analytics cookies from the server.
//!
//! The site knows nothing of the gateway: it is an ordinary upstream behind an ordinary port, and
//! with the gateway away it tracks. It keeps no state and no clock, so equal requests are answered
//! equally.
//!
//! [`site`] serves and routes, `pages` draws inside `frame`, `tags` are the snippets, `words` the
//! wording, `assets` the files beside the pages.

mod address;
mod assets;
mod frame;
mod pages;
mod reply;
mod run;
pub mod site;
mod tags;
mod visitor;
mod words;

pub use run::{rule_files, rule_files_with, start_site};
