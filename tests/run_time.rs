//! What happens in the visitor's browser: tags withheld, called, released, withdrawn, in Chromium.
//!
//! Sites call tags, wait for their answers, insert them by script and replace their queues; the script that
//! the gateway puts first in each page has to bear all that. The trackers' hosts are the counting stub, and
//! what they serve are fakes with the vendors' contract (`tests/browser/fakes/`): no vendor's code is here.
//!
//! Most tests visit the page straight at the site first, or after agreement: what is asked for there is what
//! has to be missing, or to come in the same order, so that no check can pass by finding nothing.
//!
//! The pages are in `tests/run_time/`, with a file of tests for each theme.

#[path = "browser/mod.rs"]
#[allow(dead_code, reason = "each test in a browser uses a part of it")]
mod browser;
#[path = "run_time/calls.rs"]
mod calls;
#[path = "run_time/consent_mode.rs"]
mod consent_mode;
#[path = "run_time/elsewhere.rs"]
mod elsewhere;
#[path = "run_time/frames.rs"]
mod frames;
#[path = "run_time/identifiers.rs"]
mod identifiers;
#[path = "run_time/interface.rs"]
mod interface;
#[path = "run_time/release.rs"]
mod release;
#[path = "run_time/served.rs"]
mod served;
#[path = "run_time/transports.rs"]
mod transports;
