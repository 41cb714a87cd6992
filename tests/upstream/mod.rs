//! What the tests of the way to the site share: sites that speak TLS and HTTP/2, and a gateway in
//! this process that is told how to reach them.

pub(crate) mod authority;
pub(crate) mod gateway;
pub(crate) mod site;

use std::time::Duration;

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
