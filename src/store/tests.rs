//! The record while it is opened, written, let go of and taken back.

use super::*;
use crate::policy::{Choice, Choices, Mark, Purpose, Signal, TermsDigest, TextDigest, VisitorId};
use crate::time::{Day, Time};

fn entry(visitor: Option<u128>, supersedes: Option<u128>) -> Entry {
    let mark = Mark {
        at: Time(1_000),
        until: Time(2_000),
        policy: Day(0),
        terms: TermsDigest([3; 16]),
        shown: TextDigest([4; 16]),
        signal: Signal::Silent,
    };
    let mut choices = Choices::default();
    choices.set(Purpose::Analytics, Choice::Declined(mark));
    Entry {
        record: uuid::Uuid::new_v4(),
        at: Time(1_000),
        policy: Day(0),
        choices,
        shown: TextDigest([4; 16]),
        locale: "kk".to_owned(),
        way: Way::Banner,
        signal: Signal::Silent,
        visitor: visitor.map(VisitorId),
        supersedes: supersedes.map(|id| (VisitorId(id), Time(2_000))),
    }
}

fn open(data: &std::path::Path) -> (Store, StoreThread) {
    let clock = Clock::standing_at(Time(1_500));
    let folder = Folder::open(data).unwrap();
    let keys = keys::open(&folder).unwrap();
    Store::open(folder, &keys, Vec::new(), Arc::default(), clock).unwrap()
}

#[tokio::test]
async fn a_recorded_choice_is_there_after_a_restart_and_its_chain_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("consent.db");
    let (store, thread) = open(folder.path());
    store.record(entry(None, None)).await.unwrap();
    store.record(entry(Some(7), Some(6))).await.unwrap();
    drop(store);
    thread.join();

    let (store, thread) = open(folder.path());
    assert!(store.superseded().contains(VisitorId(6)));
    assert!(!store.superseded().contains(VisitorId(7)));
    assert_eq!(store.superseded().record(), Record::Readable);
    store.record(entry(Some(8), None)).await.unwrap();
    drop(store);
    thread.join();

    let sqlite = rusqlite::Connection::open(path).unwrap();
    let count = |table: &str| -> i64 {
        sqlite.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("event"), count("choice"), count("personal")), (3, 3, 2));
    let links: i64 =
        sqlite.query_row("SELECT count(DISTINCT link) FROM event", [], |row| row.get(0)).unwrap();
    assert_eq!(links, 3);
}

#[tokio::test]
async fn a_withdrawal_that_met_a_locked_disk_is_written_when_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("consent.db");
    let (store, thread) = open(folder.path());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = store.record(entry(Some(7), Some(7))).await;
    assert!(matches!(refused, Err(StoreError::Unwritable(_))), "{refused:?}");
    assert_eq!(store.unwritten(), 1);
    other.execute_batch("COMMIT").unwrap();
    store.record(entry(None, None)).await.unwrap();
    assert_eq!(store.unwritten(), 0);
    drop(store);
    thread.join();
    let (store, thread) = open(folder.path());
    assert!(store.superseded().contains(VisitorId(7)));
    drop(store);
    thread.join();
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_leaves_no_agreement_standing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("consent.db");
    std::fs::write(&path, "this is not a database, and long enough to be told from one").unwrap();
    let (store, thread) = open(folder.path());
    assert_eq!(store.superseded().record(), Record::Unreadable);
    assert!(matches!(store.record(entry(Some(7), Some(6))).await, Err(StoreError::Unwritable(_))));
    // What was withdrawn is withdrawn all the same.
    assert!(store.superseded().contains(VisitorId(6)));

    assert_eq!(store.unwritten(), 1);

    // A file that appears from nowhere knows of no withdrawal, so none is made.
    std::fs::remove_file(&path).unwrap();
    assert!(store.record(entry(None, None)).await.is_err());
    assert_eq!(store.superseded().record(), Record::Unreadable);
    assert!(!path.exists());
    drop(store);
    thread.join();
}

#[tokio::test]
async fn what_was_let_go_of_is_free_for_others_and_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let (store, thread) = open(folder.path());
    store.record(entry(None, None)).await.unwrap();
    store.release().unwrap();
    let (other, other_thread) = open(folder.path());
    other.record(entry(Some(7), Some(6))).await.unwrap();
    let refused = store.record(entry(Some(8), None)).await;
    assert_eq!(refused, Err(StoreError::TakenOver));
    assert_eq!(store.record(entry(Some(5), Some(5))).await, Err(StoreError::TakenOver));
    assert!(!folder.path().join("withdrawals.unwritten").exists(), "the mark is the other's");
    assert!(store.archive(Vec::new()).is_err());
    assert!(store.resume().is_err(), "the other has it");
    drop(other);
    other_thread.join();
    store.resume().unwrap();
    store.record(entry(Some(9), None)).await.unwrap();
    assert!(store.superseded().contains(VisitorId(6)), "what the other wrote is known");
    assert_eq!(store.unwritten(), 0);
    drop(store);
    thread.join();
}
