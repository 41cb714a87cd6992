//! Two processes, as two threads of one.

use super::*;
use crate::clock::Clock;
use crate::store::folder::Folder;
use crate::store::{StoreThread, keys};

struct Running {
    phases: Phases,
    store: Arc<Store>,
    stop: watch::Sender<Phase>,
    address: std::net::SocketAddr,
    threads: (StoreThread, JoinHandle<()>),
}

/// A gateway that does nothing but wait for its successor.
fn running(data: &Path) -> Running {
    running_with(data, PATIENCE)
}

fn running_with(data: &Path, patience: Duration) -> Running {
    let folder = Folder::open(data).unwrap();
    let keys = keys::open(&folder).unwrap();
    let clock = Clock::standing_at(crate::time::Time(1_500));
    let (store, thread) = Store::open(folder, &keys, Vec::new(), Arc::default(), clock).unwrap();
    let visitors = vec![TcpListener::bind("127.0.0.1:0").unwrap()];
    let address = visitors[0].local_addr().unwrap();
    let (phases, heard) = watch::channel(Phase::Serving);
    let listeners = Listeners { visitors, admin: Vec::new() };
    let store = Arc::new(store);
    let stop = phases.clone();
    let estate = Estate { listeners, store: Arc::clone(&store), phases, patience };
    let waiting = wait(data, estate).unwrap();
    Running { phases: heard, store, stop, address, threads: (thread, waiting) }
}

impl Running {
    /// Waits until it has ended, and says what its threads were told last.
    fn ended(self) -> Phase {
        self.threads.1.join().unwrap();
        drop(self.store);
        self.threads.0.join();
        *self.phases.borrow()
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(TURN);
    }
}

#[test]
fn sockets_and_record_go_to_the_next_with_whoever_waits_on_them() {
    let data = tempfile::tempdir().unwrap();
    let old = running(data.path());
    let successor = Successor::of(data.path()).unwrap().expect("one runs");
    let given = successor.listeners().unwrap();
    assert_eq!((given.visitors.len(), given.admin.len()), (1, 0));
    let waits = std::net::TcpStream::connect(old.address).unwrap();
    assert!(Folder::open(data.path()).is_err(), "the record is still the other's");
    successor.record().unwrap();
    assert_eq!(*old.phases.borrow(), Phase::Paused);
    let _folder = Folder::open(data.path()).expect("it was let go of");
    successor.serving();
    let address = old.address;
    assert_eq!(old.ended(), Phase::Stopping);
    let (_, from) = given.visitors[0].accept().unwrap();
    assert_eq!((from, address), (waits.local_addr().unwrap(), address));
}

#[test]
fn if_the_next_dies_on_the_way_everything_is_taken_back() {
    let data = tempfile::tempdir().unwrap();
    let old = running(data.path());
    let successor = Successor::of(data.path()).unwrap().expect("one runs");
    successor.listeners().unwrap();
    successor.record().unwrap();
    drop(successor);
    // The next attempt is heard once the first was cleared away.
    let successor = Successor::of(data.path()).unwrap().expect("it still runs");
    successor.listeners().unwrap();
    assert_eq!(*old.phases.borrow(), Phase::Serving);
    assert!(Folder::open(data.path()).is_err(), "the record was taken back");
    successor.record().unwrap();
    successor.serving();
    old.ended();
}

#[test]
fn where_nobody_runs_there_is_nobody_to_take_over_from() {
    let data = tempfile::tempdir().unwrap();
    assert!(Successor::of(data.path()).unwrap().is_none());
    // A gateway that was killed leaves its socket behind.
    drop(UnixListener::bind(data.path().join(SOCKET)).unwrap());
    assert!(Successor::of(data.path()).unwrap().is_none());
    // No socket can be bound at a path so long (unix(7)).
    assert!(Successor::of(&data.path().join("x".repeat(200))).unwrap().is_none());
}

#[test]
fn who_speaks_otherwise_is_given_nothing() {
    let data = tempfile::tempdir().unwrap();
    let old = running(data.path());
    let stranger = UnixStream::connect(data.path().join(SOCKET)).unwrap();
    say(&stranger, "listeners 2").unwrap();
    assert!(receive(&stranger).is_err());
    assert_eq!(*old.phases.borrow(), Phase::Serving);
    let successor = Successor::of(data.path()).unwrap().expect("it still runs");
    successor.listeners().unwrap();
    successor.record().unwrap();
    successor.serving();
    old.ended();
}

#[test]
fn while_the_next_has_the_record_and_does_not_serve_no_agreement_counts_and_there_is_one_record() {
    let data = tempfile::tempdir().unwrap();
    let old = running_with(data.path(), Duration::from_millis(100));
    let successor = Successor::of(data.path()).unwrap().expect("one runs");
    successor.listeners().unwrap();
    successor.record().unwrap();
    let folder = Folder::open(data.path()).unwrap();
    until("it serves again", || *old.phases.borrow() == Phase::Serving);
    assert_eq!(old.store.superseded().record(), Record::Unreadable);
    // It dies after all, and the record is read again.
    drop((folder, successor));
    until("the record is back", || old.store.superseded().record() == Record::Readable);
    assert!(Folder::open(data.path()).is_err());

    // Or it serves after all, and the other ends.
    let successor = Successor::of(data.path()).unwrap().expect("it still runs");
    successor.listeners().unwrap();
    successor.record().unwrap();
    let _folder = Folder::open(data.path()).unwrap();
    until("it serves again", || *old.phases.borrow() == Phase::Serving);
    successor.serving();
    assert_eq!(old.ended(), Phase::Stopping);
}

#[test]
fn who_is_told_to_stop_does_not_wait_for_who_says_nothing() {
    let data = tempfile::tempdir().unwrap();
    let old = running(data.path());
    let _silent = UnixStream::connect(data.path().join(SOCKET)).unwrap();
    let since = Instant::now();
    old.stop.send_replace(Phase::Stopping);
    assert_eq!(old.ended(), Phase::Stopping);
    assert!(since.elapsed() < PATIENCE / 3);
}
