//! What the visitor sees of the gateway: the banner, the settings, the small pages.
//!
//! Everything here is wording and markup. It is given plain words and borrowed strings ([`view`])
//! and returns HTML: so it can be read, tested and photographed without a server.
//!
//! No script or style stands inside our markup, and everything works with scripts off: a page's
//! own policy (CSP) never has to be loosened for us, and no visitor has to run code to refuse.
//!
//! The wording is in [`texts`]; what is inserted into the site's pages in [`layer`] and [`control`], what stands for
//! its frames in [`held`]; whole pages of ours in [`pages`], those of the policy's versions in [`mod@policy`], the
//! declaration in [`mod@cookies`]; scripts in [`assets`]; the looks, which are the site's to choose, in
//! [`theme`]. Which answer is given to whom is decided elsewhere: nothing here knows about cookies, headers or
//! time.

pub mod assets;
mod cards;
pub mod colour;
pub mod control;
pub mod cookies;
pub mod detail;
pub mod held;
mod hiding;
pub mod layer;
mod notice;
pub mod pages;
pub mod picture;
pub mod policy;
pub mod rights;
mod splice;
pub mod style;
pub mod texts;
pub mod theme;
pub mod translated;
pub mod view;
mod wording;

pub use control::Control;
pub use hiding::Hiding;
pub use layer::{Carrier, Layer};
pub use notice::Notice;
pub use style::Style;
pub use texts::Texts;
pub use theme::Theme;
