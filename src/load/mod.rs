//! Load tests: many visitors at once, and how long each of them waits.
//!
//! Visitors of a consent gateway differ by what they chose, and what they cost differs with it. So a
//! [`Scenario`] says who comes, in which shares, with which consent, and consents are really given
//! before the test begins.
//!
//! Requests come by a timetable (*open*) or one after the other on so many connections (*closed*). By a
//! timetable a wait is counted from when the request was due: a gateway that stands still for a second
//! is charged with all who would have come in it, not with the one who did (coordinated omission).
//!
//! Which hosts may be tested is [`Target`]'s to say, [`run`] does it, a [`Report`] tells it.

mod asked;
mod connection;
mod consent;
mod drive;
mod plot;
mod report;
mod scenario;
mod socket;
mod tally;
mod target;
mod worker;

pub use drive::{Progress, Test, run};
pub use report::Report;
pub use scenario::{Pace, Scenario};
pub use target::{Target, TargetError};
