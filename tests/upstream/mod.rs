//! What the tests of the way to the site share: sites that speak TLS and HTTP/2, and a gateway in
//! this process that is told how to reach them.

pub(crate) mod authority;
pub(crate) mod gateway;
pub(crate) mod secured;
pub(crate) mod site;

use std::time::Duration;

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let all = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, all).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"));
}
