//! One thread's share of a test.
//!
//! By a timetable a thread sends whatever is due and waits for nobody: each request is a task, on a
//! connection that rests or, if none does, on a new one. A wait is counted from when the request was
//! due, so a timer that wakes late would be counted too: close to a moment the thread does not sleep.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep_until;

use super::asked::Asked;
use super::connection::{Answer, Dialer, Line};
use super::drive::Progress;
use super::scenario::{Kind, Pace, Protocol, Scenario};
use super::socket::Talk;
use super::tally::Tally;

/// How many requests of a timetable one thread has under way; what is due then is not sent.
const UNDER_WAY_MAX: usize = 50_000;

/// How many requests go on one HTTP/2 connection at once.
const STREAMS_MAX: usize = 64;

/// Closer to a moment than this nobody sleeps: a timer would wake too late.
const CLOSE: Duration = Duration::from_millis(2);

/// How long a visitor who was turned away waits before the next attempt.
const PAUSE: Duration = Duration::from_millis(50);

/// Which thread of how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) thread: u32,
    pub(super) of: u32,
}

/// A thread that asks and counts.
pub(super) struct Worker {
    scenario: Scenario,
    dialer: Dialer,
    asked: Arc<Vec<Asked>>,
    progress: Arc<Progress>,
    share: Share,
    /// From when on requests come, are counted, and no longer come.
    begin: Instant,
    counted: Instant,
    end: Instant,
    tallies: Vec<RefCell<Tally>>,
    /// Connections that rest, or have room, for each kind.
    resting: Vec<RefCell<Vec<Resting>>>,
    under_way: Cell<usize>,
}

/// A connection that one more request can go on.
struct Resting {
    line: Line,
    /// How many requests it has carried.
    carried: u32,
    /// How many are on it.
    live: Rc<Cell<usize>>,
}

impl Worker {
    pub(super) fn new(
        scenario: Scenario,
        dialer: Dialer,
        asked: Arc<Vec<Asked>>,
        progress: Arc<Progress>,
        share: Share,
        begin: Instant,
    ) -> Worker {
        let counted = begin + scenario.warm_up;
        let kinds = scenario.kinds.iter();
        Worker {
            tallies: kinds.clone().map(|_| RefCell::new(Tally::new())).collect(),
            resting: kinds.map(|_| RefCell::default()).collect(),
            end: counted + scenario.lasts,
            scenario,
            dialer,
            asked,
            progress,
            share,
            begin,
            counted,
            under_way: Cell::new(0),
        }
    }

    /// Asks until the end, and gives back what was counted for each kind.
    pub(super) async fn work(self) -> Vec<Tally> {
        let worker = Rc::new(self);
        let mut tasks = JoinSet::new();
        match worker.scenario.pace {
            Pace::Open(rate) => worker.by_timetable(rate, &mut tasks).await,
            Pace::Closed(connections) => {
                let Share { thread, of } = worker.share;
                for place in (thread..connections).step_by(of as usize) {
                    let kind = worker.scenario.kind_at(u64::from(place));
                    let visitor = Rc::clone(&worker);
                    tasks.spawn_local(visitor.one_by_one(kind, u64::from(place)));
                }
            }
        }
        // What has not come by then has failed, and says so itself.
        while tasks.join_next().await.is_some() {}
        let taken = |tally: &RefCell<Tally>| tally.replace(Tally::new());
        worker.tallies.iter().map(taken).collect()
    }

    /// Sends what is due, when it is due.
    async fn by_timetable(self: &Rc<Self>, rate: u32, tasks: &mut JoinSet<()>) {
        let Share { thread, of } = self.share;
        for turn in (thread..u32::MAX).step_by(of as usize) {
            let due = self.begin + Duration::from_secs_f64(f64::from(turn) / f64::from(rate));
            let turn = u64::from(turn);
            if due >= self.end {
                return;
            }
            self.wait_until(due).await;
            while tasks.try_join_next().is_some() {}
            let kind = self.scenario.kind_at(turn);
            if self.under_way.get() < UNDER_WAY_MAX {
                self.under_way.set(self.under_way.get() + 1);
                tasks.spawn_local(Rc::clone(self).once(kind, turn, due));
            } else if due >= self.counted {
                self.tallies[kind].borrow_mut().not_sent += 1;
            }
        }
    }

    async fn wait_until(&self, due: Instant) {
        if let Some(early) = due.checked_sub(CLOSE).filter(|early| *early > Instant::now()) {
            sleep_until(early.into()).await;
        }
        while Instant::now() < due {
            yield_now().await;
        }
    }

    /// One request of a timetable.
    async fn once(self: Rc<Self>, kind: usize, turn: u64, due: Instant) {
        let came = self.on_some_connection(kind, turn).await;
        self.under_way.set(self.under_way.get() - 1);
        self.count(kind, due, came);
    }

    async fn on_some_connection(&self, kind: usize, turn: u64) -> Result<Answer, String> {
        let Kind { protocol, leave_after, bytes_per_second, .. } = self.scenario.kinds[kind];
        let rested = self.take(kind, leave_after);
        let Resting { mut line, carried, live } = if let Some(rested) = rested {
            rested
        } else {
            let line = self.connect(kind, protocol).await?;
            let live = Rc::new(Cell::new(1));
            if let Some(line) = line.shared() {
                let resting = Resting { line, carried: 1, live: Rc::clone(&live) };
                self.resting[kind].borrow_mut().push(resting);
            }
            Resting { line, carried: 1, live }
        };
        let came = line.ask(self.asked[kind].request(turn), bytes_per_second).await;
        live.set(live.get() - 1);
        let goes_on = leave_after.is_none_or(|most| carried < most);
        if came.is_ok() && goes_on && line.shared().is_none() {
            self.resting[kind].borrow_mut().push(Resting { line, carried, live });
        }
        came
    }

    /// A connection that one more request can go on, which is counted on it.
    fn take(&self, kind: usize, leave_after: Option<u32>) -> Option<Resting> {
        let mut resting = self.resting[kind].borrow_mut();
        let full = |carried: u32| leave_after.is_some_and(|most| carried >= most);
        resting.retain(|one| one.line.is_open() && !full(one.carried));
        // The one that rested last is the likeliest to be open still.
        let at = resting.iter().rposition(|one| one.live.get() < STREAMS_MAX)?;
        let one = &mut resting[at];
        one.carried += 1;
        one.live.set(one.live.get() + 1);
        match one.line.shared() {
            Some(line) => Some(Resting { line, carried: one.carried, live: Rc::clone(&one.live) }),
            None => Some(resting.swap_remove(at)),
        }
    }

    async fn connect(&self, kind: usize, protocol: Protocol) -> Result<Line, String> {
        let line = self.dialer.connect(protocol).await?;
        if Instant::now() >= self.counted {
            self.tallies[kind].borrow_mut().connections += 1;
        }
        Ok(line)
    }

    /// A visitor who asks for one thing after the other.
    async fn one_by_one(self: Rc<Self>, kind: usize, place: u64) {
        sleep_until(self.begin.into()).await;
        if self.scenario.kinds[kind].messages.is_some() {
            return self.talk(kind, place).await;
        }
        let Kind { protocol, leave_after, bytes_per_second, .. } = self.scenario.kinds[kind];
        let mut turn = place;
        let mut line: Option<(Line, u32)> = None;
        while Instant::now() < self.end {
            let due = Instant::now();
            let open = line.take().filter(|(line, carried)| {
                line.is_open() && leave_after.is_none_or(|most| *carried < most)
            });
            let opened = match open {
                Some(open) => Ok(open),
                None => self.connect(kind, protocol).await.map(|line| (line, 0)),
            };
            let came = match opened {
                Ok((mut open, carried)) => {
                    let came = open.ask(self.asked[kind].request(turn), bytes_per_second).await;
                    line = came.is_ok().then_some((open, carried + 1));
                    came
                }
                Err(cause) => Err(cause),
            };
            let failed = came.is_err();
            self.count(kind, due, came);
            turn += 1;
            if failed {
                // Who is turned away at once would otherwise do nothing but that.
                sleep_until((Instant::now() + PAUSE).into()).await;
            }
        }
    }

    /// A visitor who opens a WebSocket and talks.
    async fn talk(&self, kind: usize, place: u64) {
        let Kind { protocol, messages, .. } = self.scenario.kinds[kind];
        let Some(messages) = messages else { return };
        while Instant::now() < self.end {
            let opened = async {
                let mut line = self.connect(kind, protocol).await?;
                Talk::open(&mut line, self.asked[kind].request(place), messages).await
            };
            let mut talk = match opened.await {
                Ok(talk) => talk,
                Err(cause) => {
                    self.count(kind, Instant::now(), Err(cause));
                    sleep_until((Instant::now() + PAUSE).into()).await;
                    continue;
                }
            };
            loop {
                if talk.due() >= self.end {
                    return;
                }
                match talk.say().await {
                    Ok((due, answer)) => self.count(kind, due, Ok(answer)),
                    Err(cause) => {
                        self.count(kind, Instant::now(), Err(cause));
                        break;
                    }
                }
            }
        }
    }

    fn count(&self, kind: usize, due: Instant, came: Result<Answer, String>) {
        self.progress.count(came.is_ok());
        if due < self.counted {
            return;
        }
        let mut tally = self.tallies[kind].borrow_mut();
        match came {
            Ok(answer) => tally.answered(due, answer),
            Err(cause) => tally.failed(cause),
        }
    }
}
