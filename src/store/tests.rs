//! The record while it is opened, written, let go of and taken back.

#[path = "../../tests/harness/chain.rs"]
mod chain;

use super::*;
use crate::gate::attestation::Attestation;
use crate::policy::{
    Choice, Choices, Mark, Purpose, Record, Signal, TermsDigest, TextDigest, VisitorId,
};
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
        attestation: Attestation::Attested,
        statement: TextDigest([5; 16]),
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

/// A record of schema version 1, with one agreement and one id that was withdrawn.
fn of_version_1(data: &std::path::Path) {
    use sha2::{Digest, Sha256};
    let folder = Folder::open(data).unwrap();
    let keys = keys::open(&folder).unwrap();
    let record = rusqlite::Connection::open(folder.record()).unwrap();
    record
        .execute_batch(
            "CREATE TABLE event (seq INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE, at TEXT NOT NULL,
                policy TEXT NOT NULL, shown TEXT NOT NULL, locale TEXT NOT NULL, way TEXT NOT NULL,
                signal TEXT NOT NULL, commitment BLOB NOT NULL, link BLOB NOT NULL);
             CREATE TABLE choice (seq INTEGER NOT NULL REFERENCES event (seq), purpose TEXT NOT NULL,
                state TEXT NOT NULL, terms TEXT NOT NULL, until TEXT NOT NULL, PRIMARY KEY (seq, purpose));
             CREATE TABLE personal (seq INTEGER PRIMARY KEY REFERENCES event (seq), visitor TEXT NOT NULL,
                salt BLOB NOT NULL);
             CREATE INDEX personal_visitor ON personal (visitor);
             CREATE TABLE superseded (visitor TEXT PRIMARY KEY, until BIGINT NOT NULL);
             CREATE TABLE sealed_with (fingerprint TEXT PRIMARY KEY);
             CREATE TABLE archive (digest TEXT PRIMARY KEY, kind TEXT NOT NULL, content TEXT NOT NULL);
             PRAGMA user_version = 1;",
        )
        .unwrap();
    let (visitor, salt) = (7_u128, [9_u8; 16]);
    let commitment =
        Sha256::new().chain_update(salt).chain_update(visitor.to_be_bytes()).finalize();
    let public = "entry v1\nr1\n2026-01-01T00:00:00Z\n2025-10-01\n\
                  analytics agreed 03 2027-01-01T00:00:00Z\n04\nkk\nbanner\nSilent\n";
    let link = Sha256::new().chain_update(public).chain_update(commitment).finalize();
    record
        .execute(
            "INSERT INTO event VALUES (1, 'r1', '2026-01-01T00:00:00Z', '2025-10-01', '04', 'kk', 'banner',
                'silent', ?1, ?2)",
            [commitment.to_vec(), link.to_vec()],
        )
        .unwrap();
    let row = "INSERT INTO choice VALUES (1, 'analytics', 'agreed', '03', '2027-01-01T00:00:00Z')";
    record.execute(row, []).unwrap();
    record
        .execute(
            "INSERT INTO personal VALUES (1, ?1, ?2)",
            rusqlite::params![format!("{visitor:032x}"), salt],
        )
        .unwrap();
    record
        .execute("INSERT INTO superseded VALUES (?1, 2000)", [format!("{:032x}", 6_u128)])
        .unwrap();
    record.execute("INSERT INTO sealed_with VALUES (?1)", [keys.fingerprints.last()]).unwrap();
}

#[tokio::test]
async fn a_record_of_version_1_goes_on_and_its_old_links_hold() {
    let folder = tempfile::tempdir().unwrap();
    of_version_1(folder.path());
    let (store, thread) = open(folder.path());
    assert!(store.superseded().contains(VisitorId(6)), "who withdrew has withdrawn");
    store.record(entry(Some(8), Some(8))).await.unwrap();
    let rows = store.rows(vec![VisitorId(7)]).await.unwrap();
    assert_eq!((rows.count, rows.rows[0].attestation.as_deref()), (1, None));
    let rows = store.rows(vec![VisitorId(8)]).await.unwrap();
    assert_eq!(rows.rows[0].attestation.as_deref(), Some("attested"));
    drop(store);
    thread.join();

    let record = rusqlite::Connection::open(folder.path().join("consent.db")).unwrap();
    assert_eq!(chain::verify(&record), Ok(2));
    let version: i64 = record.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
    record.execute("UPDATE event SET attestation = 'unknown' WHERE seq = 2", []).unwrap();
    assert!(chain::verify(&record).is_err(), "the chain holds what is attested");
    record.execute("UPDATE event SET attestation = 'attested' WHERE seq = 2", []).unwrap();
    record.execute("UPDATE event SET at = '2026-01-01T00:00:01Z' WHERE seq = 1", []).unwrap();
    assert!(chain::verify(&record).is_err(), "an old link holds what it held");
    drop(record);

    // Again: it is of today's version now.
    let (store, thread) = open(folder.path());
    assert!(store.superseded().contains(VisitorId(6)) && store.superseded().contains(VisitorId(8)));
    drop(store);
    thread.join();
}

#[tokio::test]
async fn who_is_forgotten_stands_nowhere_in_the_file_and_the_chain_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (store, thread) = open(folder.path());
    // An id that would be found among other bytes, as text and as a number.
    let (id, other) = (0x1234_5678_9abc_def0_1122_3344_5566_7788, 0x7777);
    store.record(entry(Some(id), None)).await.unwrap();
    store.record(entry(Some(other), None)).await.unwrap();
    store.record(entry(Some(id), None)).await.unwrap();
    let (hex, bytes) = (format!("{id:032x}"), id.to_be_bytes());
    let found = || {
        let names = ["consent.db", "consent.db-wal"];
        let files = names.map(|name| std::fs::read(folder.path().join(name)).unwrap_or_default());
        files.iter().any(|file| {
            memchr::memmem::find(file, hex.as_bytes()).is_some()
                || memchr::memmem::find(file, &bytes).is_some()
        })
    };
    assert!(found());
    let forgetting =
        Forgetting { withdrawals: vec![entry(Some(id), Some(id))], ids: vec![VisitorId(id)] };
    assert_eq!(store.forget(forgetting.clone()).await, Ok(2));
    assert!(!found(), "policy 3.11");
    assert!(store.superseded().contains(VisitorId(id)));
    assert_eq!(store.rows(vec![VisitorId(id)]).await.unwrap(), Rows::default());
    assert_eq!(store.rows(vec![VisitorId(other)]).await.unwrap().count, 1);
    // Whoever asks twice is forgotten once.
    assert_eq!(store.forget(forgetting).await, Ok(0));
    drop(store);
    thread.join();
    assert!(!found());

    let (store, thread) = open(folder.path());
    assert!(store.superseded().contains(VisitorId(id)), "the cookie that is kept grants nothing");
    drop(store);
    thread.join();
    let record = rusqlite::Connection::open(folder.path().join("consent.db")).unwrap();
    assert_eq!(chain::verify(&record), Ok(4));
}

#[tokio::test]
async fn who_cannot_be_forgotten_has_withdrawn_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("consent.db");
    let (store, thread) = open(folder.path());
    store.record(entry(Some(7), None)).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let forgetting =
        Forgetting { withdrawals: vec![entry(Some(7), Some(7))], ids: vec![VisitorId(7)] };
    let failed = store.forget(forgetting.clone()).await;
    assert!(matches!(failed, Err(StoreError::Unwritable(_))), "{failed:?}");
    assert!(store.superseded().contains(VisitorId(7)));
    assert_eq!(store.unwritten(), 1);
    other.execute_batch("COMMIT").unwrap();

    // Somebody reads an older state: what was deleted stays in the log ahead, so nothing is claimed.
    other.execute_batch("BEGIN; SELECT count(*) FROM event").unwrap();
    let failed = store.forget(forgetting.clone()).await;
    assert!(matches!(failed, Err(StoreError::Unwritable(_))), "{failed:?}");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(store.forget(forgetting).await, Ok(0));
    assert_eq!(store.unwritten(), 0);
    drop(store);
    thread.join();
    assert_eq!(chain::verify(&other), Ok(2));
}
