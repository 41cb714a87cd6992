//! How many files and sockets the process may have open, and how many connections that makes.
//!
//! A visitor's connection takes one, and another to the site while it is served; most rest most of the
//! time, so a third of all is kept for the site. The record, the logs and the listeners have to have
//! theirs whatever visitors do: a gateway that has none left can neither record a refusal nor say so.
//!
//! The limit is raised as far as the system lets a process raise it by itself.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// What the record, the logs and the operator's address need.
const RESERVE: usize = 64;

/// What a thread needs: listeners, and what it waits with.
const OF_THREAD: usize = 8;

/// How many descriptors there may be, after the limit was raised.
pub(super) fn raise() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let holds = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(error) => {
            warn!(%error, "the limit of open files could not be raised");
            current
        }
    };
    // None is no limit.
    holds.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// How many connections of visitors that makes.
pub(super) fn connections(descriptors: usize, threads: usize) -> usize {
    let taken = RESERVE.saturating_add(OF_THREAD.saturating_mul(threads));
    (descriptors.saturating_sub(taken) / 3 * 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_descriptors_is_not_for_visitors() {
        assert_eq!(connections(1024, 2), 628);
        assert_eq!(connections(128, 1), 36);
        assert_eq!(connections(64, 1), 1);
        assert!(connections(usize::MAX, 1024) > 1_000_000);
    }

    #[test]
    fn the_limit_is_as_high_as_it_can_be() {
        let limit = raise();
        assert!(limit > 64);
        assert_eq!(raise(), limit);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }
}
