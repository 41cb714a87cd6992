//! From one process to the next, with nobody turned away.
//!
//! A new program takes over from the one that runs: it is given the listening sockets, on which
//! connections wait meanwhile, and then the record of consent, of which there is one writer at any
//! time. What can fail, its settings, rules and certificates, it has read before.
//!
//! The old process goes on until the new one serves. If that never comes about, it takes the record
//! back and accepts again: nothing was lost but time.
//!
//! The two speak over a socket in the data folder, which is the operator's own: `listeners 1` is
//! answered with the sockets, `ready` with `released`, and `serving` is the end of the old process.
//! What it takes to be started is in [`crate::app`], how sockets are passed in `passing.rs`.

mod passing;

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, info, warn};

use self::passing::{line, receive, say, send};
use crate::policy::Record;
use crate::server::{GRACE, Phase, Phases};
use crate::store::Store;

/// The socket's name in the data folder.
const SOCKET: &str = "handover.sock";

/// What the new process begins with; the number is that of the protocol.
const LISTENERS: &str = "listeners 1";
const READY: &str = "ready";
const RELEASED: &str = "released";
const SERVING: &str = "serving";

/// How long one waits for the other.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often who waits looks whether it is to stop.
const TURN: Duration = Duration::from_millis(100);

/// How long a record that cannot be taken back waits for the next attempt.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a process could not take over.
#[derive(Debug)]
pub struct HandoverError {
    socket: PathBuf,
    cause: io::Error,
}

impl fmt::Display for HandoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the gateway that runs did not hand over: {}; it goes on as it was",
            self.socket.display(),
            self.cause
        )
    }
}

impl std::error::Error for HandoverError {}

/// The listening sockets of a gateway.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Of visitors, plain and TLS.
    pub visitors: Vec<TcpListener>,
    /// Of health and metrics.
    pub admin: Vec<TcpListener>,
}

/// A process that is about to take over.
#[derive(Debug)]
pub struct Successor {
    socket: PathBuf,
    stream: UnixStream,
}

impl Successor {
    /// Turns to the gateway that runs on a data folder; there may be none.
    pub fn of(data: &Path) -> Result<Option<Successor>, HandoverError> {
        let socket = data.join(SOCKET);
        match UnixStream::connect(&socket) {
            Ok(stream) => {
                let successor = Successor { socket, stream };
                let patient = successor.stream.set_read_timeout(Some(PATIENCE));
                patient.map_err(|error| successor.failed(error))?;
                Ok(Some(successor))
            }
            // None has run there, or it was killed, or the path is too long for anybody to wait at.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::InvalidInput
                ) =>
            {
                Ok(None)
            }
            Err(cause) => Err(HandoverError { socket, cause }),
        }
    }

    /// Asks for the listening sockets.
    pub fn listeners(&self) -> Result<Listeners, HandoverError> {
        say(&self.stream, LISTENERS)
            .and_then(|()| receive(&self.stream))
            .map_err(|error| self.failed(error))
    }

    /// Asks for the record, and waits until it was let go of.
    pub fn record(&self) -> Result<(), HandoverError> {
        say(&self.stream, READY)
            .and_then(|()| expect(&self.stream, RELEASED, || Err(ErrorKind::TimedOut.into())))
            .map_err(|error| self.failed(error))
    }

    /// Lets the other end: from now on this process serves. To be said before it does.
    pub fn serving(self) {
        // It goes on as long as it can be reached, so nobody else serves.
        if let Err(error) = say(&self.stream, SERVING) {
            warn!(%error, "the gateway that ran has ended before it was told to");
        }
    }

    fn failed(&self, cause: io::Error) -> HandoverError {
        HandoverError { socket: self.socket.clone(), cause }
    }
}

/// What a gateway hands over.
#[derive(Debug)]
pub struct Estate {
    /// Its sockets.
    pub listeners: Listeners,
    /// Its record.
    pub store: Arc<Store>,
    /// What its threads are told.
    pub phases: watch::Sender<Phase>,
    /// How long the next process may take for each step: [`PATIENCE`].
    pub patience: Duration,
}

/// Waits on a thread of its own for somebody to take over, until the gateway stops.
pub fn wait(data: &Path, estate: Estate) -> io::Result<JoinHandle<()>> {
    let path = data.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        // Whoever bound it before has handed over or was killed: the folder's lock is ours.
        _ => {}
    }
    let socket = UnixListener::bind(&path)?;
    socket.set_nonblocking(true)?;
    std::thread::Builder::new().name("handover".to_owned()).spawn(move || {
        let phases = estate.phases.subscribe();
        match serve(socket, &estate, phases) {
            Ok(true) => info!("handed over"),
            Ok(false) => {
                let _ = std::fs::remove_file(&path);
            }
            Err(error) => error!(%error, "no other process can take over"),
        }
    })
}

/// Whether another process has taken over before this one stopped.
fn serve(socket: UnixListener, estate: &Estate, mut phases: Phases) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let socket = {
        let _inside = runtime.enter();
        tokio::net::UnixListener::from_std(socket)?
    };
    loop {
        let accepted = runtime.block_on(async {
            tokio::select! {
                _ = phases.wait_for(|phase| *phase == Phase::Stopping) => None,
                accepted = socket.accept() => Some(accepted),
            }
        });
        let Some(accepted) = accepted else { return Ok(false) };
        let stream = accepted?.0.into_std()?;
        match hand_over(&stream, estate) {
            Ok(()) => return Ok(true),
            Err(error) => {
                warn!(%error, "another process asked for the sockets and did not take over");
            }
        }
    }
}

fn hand_over(stream: &UnixStream, estate: &Estate) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(TURN))?;
    stream.set_write_timeout(Some(estate.patience))?;
    let stops = || *estate.phases.borrow() == Phase::Stopping;
    let in_time = |since: Instant| move || patient(since, estate.patience, stops());
    expect(stream, LISTENERS, in_time(Instant::now()))?;
    send(stream, &estate.listeners)?;
    expect(stream, READY, in_time(Instant::now()))?;
    // Connections wait in their sockets from here on, until one of the two accepts them.
    estate.phases.send_if_modified(|phase| to(phase, Phase::Serving, Phase::Paused));
    let taken = release(stream, estate);
    if taken.is_ok() || stops() {
        estate.phases.send_replace(Phase::Stopping);
        return Ok(());
    }
    // Whoever had the record has ended.
    while let Err(error) = estate.store.resume() {
        error!(%error, "the record cannot be taken back; it is tried again each second");
        estate.phases.send_if_modified(|phase| to(phase, Phase::Paused, Phase::Serving));
        estate.store.superseded().set_record(Record::Unreadable);
        std::thread::sleep(AGAIN);
        if stops() {
            break;
        }
    }
    estate.phases.send_if_modified(|phase| to(phase, Phase::Paused, Phase::Serving));
    taken
}

/// Lets go of the record, and waits until the other process serves. Only its end gives the record back:
/// two that both took it for their own would not hear of each other's withdrawals. If it takes too long
/// the site is served again meanwhile, and no agreement counts.
fn release(stream: &UnixStream, estate: &Estate) -> io::Result<()> {
    // Whoever was about to ask, or to choose, has done so by then.
    std::thread::sleep(2 * GRACE);
    estate.store.release().map_err(io::Error::other)?;
    say(stream, RELEASED)?;
    let since = Instant::now();
    expect(stream, SERVING, || {
        let phase = *estate.phases.borrow();
        if phase == Phase::Stopping {
            return Err(ErrorKind::Interrupted.into());
        }
        if phase == Phase::Paused && since.elapsed() > estate.patience {
            error!(
                "the process that has the record does not serve; this one does, and no agreement counts"
            );
            estate.store.superseded().set_record(Record::Unreadable);
            estate.phases.send_if_modified(|phase| to(phase, Phase::Paused, Phase::Serving));
        }
        Ok(())
    })
}

/// Whether to go on waiting for the other.
fn patient(since: Instant, patience: Duration, stops: bool) -> io::Result<()> {
    match since.elapsed() > patience {
        _ if stops => Err(ErrorKind::Interrupted.into()),
        true => Err(ErrorKind::TimedOut.into()),
        false => Ok(()),
    }
}

fn to(phase: &mut Phase, from: Phase, to: Phase) -> bool {
    let changes = *phase == from;
    if changes {
        *phase = to;
    }
    changes
}

fn expect(
    stream: &UnixStream,
    wanted: &str,
    waits: impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let said = line(stream, waits)?;
    if said == wanted {
        return Ok(());
    }
    let text = format!("it said `{said}` where `{wanted}` was due");
    Err(io::Error::new(ErrorKind::InvalidData, text))
}

#[cfg(test)]
mod tests;
