//! What plays the scenarios: both ends of a conversation, with the gateway between them.
//!
//! The site and the visitors are raw TCP, so that a scenario says every byte and sees every byte.
//! The gateway is the library itself, started in this process on a clock that the scenario sets.
//!
//! Nothing here sleeps, and every wait has a deadline ([`PATIENCE`]): a conversation that does not
//! go on is a failure with the line at which it stopped.
//!
//! The words of the language are in `tests/scenarios/README.md`; [`script`] reads them, [`play`]
//! plays them.

use std::time::Duration;

mod browser;
mod chain;
mod expect;
mod gateway;
mod jar;
pub(crate) mod message;
mod packing;
mod play;
mod record;
mod script;
pub(crate) mod site;
mod text;
mod visitor;

pub(crate) use play::run;

/// How long anything may take that the scenario waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
