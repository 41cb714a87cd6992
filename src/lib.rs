//! Kelisim.
pub mod banner;
pub mod clock;
pub mod face;
pub mod gate;
pub mod html;
pub mod observe;
pub mod policy;
pub mod rules;
pub mod snapshot;
pub mod store;
pub mod superseded;
pub mod time;
