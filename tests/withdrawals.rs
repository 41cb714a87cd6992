//! A withdrawal that was answered holds, whatever happens to the disk or the process.
//!
//! The cookie with which a visitor agreed is kept by each test and sent again at the end: what
//! was taken back must not be granted by it.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod choices;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;
use std::path::Path;

use harness::choices::{AGREE, DECLINE, analytics, choose, cookie, get, text};
use harness::program::Program;
use harness::site::Site;

/// Another process that holds the record for itself.
fn locked(data: &Path) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(data.join("consent.db")).expect("the record opens");
    other.execute_batch("BEGIN EXCLUSIVE").expect("nobody writes just now");
    other
}

#[test]
fn a_withdrawal_that_met_a_locked_record_survives_the_kill_that_follows() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    let lock = locked(data.path());
    assert_eq!(choose(&gateway, DECLINE, &agreed).status(), 200);
    assert_eq!(analytics(&gateway, &agreed), "withdrawn");
    assert_eq!(get(gateway.admin, "/readyz", "").status(), 503);
    gateway.kill();
    drop(lock);
    let gateway = Program::run(site.address, data.path()).start();
    assert_ne!(analytics(&gateway, &agreed), "permit");
    // The mark has done its work: new agreements count, and outlive a restart.
    let again = cookie(&choose(&gateway, AGREE, ""));
    drop(gateway);
    let gateway = Program::run(site.address, data.path()).start();
    assert_eq!(analytics(&gateway, &again), "permit");
}

#[test]
fn a_withdrawal_that_met_a_locked_record_is_written_when_the_lock_goes() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    let untouched = cookie(&choose(&gateway, AGREE, ""));
    let lock = locked(data.path());
    choose(&gateway, DECLINE, &agreed);
    // Memory knows more than the file: others' agreements go on.
    assert_eq!(analytics(&gateway, &untouched), "permit");
    drop(lock);
    harness::program::until("the withdrawal is written", || {
        get(gateway.admin, "/readyz", "").status() == 200
    });
    gateway.kill();
    let gateway = Program::run(site.address, data.path()).start();
    assert_eq!(analytics(&gateway, &agreed), "withdrawn");
    assert_eq!(analytics(&gateway, &untouched), "permit");
}

#[test]
fn an_emptied_record_grants_nothing_to_the_cookies_of_the_old_one() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let withdrawn = cookie(&choose(&gateway, AGREE, ""));
    choose(&gateway, DECLINE, &withdrawn);
    drop(gateway);
    for name in ["consent.db", "consent.db-wal", "consent.db-shm"] {
        fs::write(data.path().join(name), "").unwrap();
    }
    let gateway = Program::run(site.address, data.path()).start();
    assert_ne!(analytics(&gateway, &withdrawn), "permit");
}

#[test]
fn a_second_gateway_on_the_same_folder_does_not_start() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let second = Program::run(site.address, data.path()).end();
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("another gateway uses this folder"), "{}", second.stderr);
    assert_eq!(text(&get(gateway.admin, "/readyz", "")), "ready\n");
}

#[test]
fn a_withdrawal_ends_the_copies_that_came_by_the_other_scheme() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let plain = cookie(&choose(&gateway, AGREE, ""));
    // The same sealed value under the name that it has over TLS, beside another agreement.
    let other = cookie(&choose(&gateway, AGREE, ""));
    let secure = other.replacen("consent=", "__Host-consent=", 1);
    choose(&gateway, DECLINE, &format!("{plain}; {secure}"));
    assert_eq!(analytics(&gateway, &plain), "withdrawn");
    assert_eq!(analytics(&gateway, &other), "withdrawn");
}
