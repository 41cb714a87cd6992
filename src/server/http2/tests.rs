//! The guard between a visitor and a reader that stands for hyper, and the watch over streams.
//!
//! What whole attacks cost is shown by `tests/http2_abuse.rs`, against the whole gateway. Here it is
//! shown that cuts change nothing, how a connection ends, and the deadlines, with time set.

use std::future::pending;
use std::time::Duration;

use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::rt::Executor;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::*;
use crate::observe::Counters;

const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
/// A request on stream 1, whose fields nobody reads here.
const REQUEST: &[u8] = &[0, 0, 1, 1, 5, 0, 0, 0, 1, b'x'];

struct Meeting {
    visitor: DuplexStream,
    guard: Guard<DuplexStream>,
    streams: Streams,
    counters: Arc<Counters>,
}

fn meet() -> Meeting {
    let (visitor, io) = duplex(64 * 1024);
    let counters = Arc::new(Counters::default());
    let bounds = Arc::new(Bounds::default());
    let streams = Streams::new(bounds.timeouts.write.get(), 100, Arc::clone(&counters));
    let guard = Guard::new(
        io,
        streams.clone(),
        Room::new(Window::default()),
        bounds,
        Arc::clone(&counters),
    );
    Meeting { visitor, guard, streams, counters }
}

fn cut(counters: &Arc<Counters>) -> Vec<&'static str> {
    let sums = Counters::cuts(std::slice::from_ref(counters));
    sums.filter(|(_, sum)| *sum > 0).map(|(name, _)| name).collect()
}

impl Meeting {
    async fn says(mut self, frames: &[&[u8]]) -> Self {
        for bytes in [&[&PREFACE[..], SETTINGS], frames].concat() {
            self.visitor.write_all(bytes).await.expect("it is taken");
        }
        self
    }

    /// Reads until the guard ends the connection: after how long, what passed, what the visitor is told.
    async fn ends(mut self) -> (Duration, usize, Vec<u8>) {
        let began = Instant::now();
        let mut passed = Vec::new();
        let read = async {
            let error = self.guard.read_to_end(&mut passed).await.expect_err("it ends it");
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
            began.elapsed()
        };
        let mut told = Vec::new();
        let (took, ()) = tokio::join!(read, async {
            self.visitor.read_to_end(&mut told).await.expect("nothing breaks");
            self.visitor.shutdown().await.expect("nothing breaks");
        });
        (took, passed.len(), told)
    }
}

fn go_away(last: u8, code: u8) -> Vec<u8> {
    vec![0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, code]
}

#[tokio::test]
async fn what_passes_is_the_same_however_it_comes() {
    let all = [&PREFACE[..], SETTINGS, REQUEST, &[0, 0, 8, 6, 0, 0, 0, 0, 0], &[7; 8]].concat();
    for cut_at in 0..=all.len() {
        let Meeting { mut visitor, mut guard, counters, .. } = meet();
        let mut passed = Vec::new();
        let (read, ()) = tokio::join!(guard.read_to_end(&mut passed), async {
            let (one, two) = all.split_at(cut_at);
            visitor.write_all(one).await.expect("it is taken");
            tokio::task::yield_now().await;
            visitor.write_all(two).await.expect("it is taken");
            visitor.shutdown().await.expect("it is taken");
        });
        assert_eq!(read.expect("nothing breaks"), all.len());
        assert!(passed == all && cut(&counters).is_empty(), "cut at {cut_at}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_visitor_is_told_why_the_connection_ends() {
    let ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], &[7; 8]].concat();
    let large = [&[0, 0, 6, 4, 0, 0, 0, 0, 0][..], &[0, 4, 0xff, 0, 0, 0]].concat();
    for (frames, code, reason) in [
        (ping.repeat(101), 0xb, "pings"),
        (SETTINGS.repeat(20), 0xb, "settings"),
        ([0, 0, 3, 4, 0, 0, 0, 0, 0, 1, 2, 3].to_vec(), 0x6, "frame_size"),
        (large, 0x3, "window_size"),
    ] {
        let meeting = meet().says(&[REQUEST, &frames]).await;
        let counters = Arc::clone(&meeting.counters);
        let (took, _, told) = meeting.ends().await;
        assert_eq!(told, go_away(1, code), "{reason}");
        assert_eq!(cut(&counters), [reason]);
        assert_eq!(took, Duration::ZERO, "the visitor closes at once");
    }
    let Meeting { mut visitor, guard, streams, counters } = meet();
    visitor.write_all(&[&PREFACE[..], REQUEST].concat()).await.expect("it is taken");
    let (_, passed, told) = Meeting { visitor, guard, streams, counters }.ends().await;
    assert_eq!(told, go_away(0, 0x1), "settings come first");
    assert!(passed < PREFACE_BYTES + REQUEST.len());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_in_the_middle_of_a_frame() {
    let mut meeting = meet().says(&[&[0, 0, 3, 4, 0, 0, 0, 0, 0, 1, 2, 3]]).await;
    // The first half of an answer has gone out.
    meeting.guard.write_all(&[0, 0, 4, 0, 0, 0, 0, 0, 1, b'h', b'a']).await.expect("it is taken");
    let (_, _, told) = meeting.ends().await;
    assert_eq!(told.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn too_many_resets_of_ours_end_the_connection() {
    let mut meeting = meet().says(&[REQUEST]).await;
    let reset = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    meeting.guard.write_all(&reset.repeat(100)).await.expect("it is taken");
    meeting.guard.write_all(&reset).await.expect("it is taken");
    let counters = Arc::clone(&meeting.counters);
    let (_, _, told) = meeting.ends().await;
    assert!(told.ends_with(&go_away(0, 0xb)), "nothing of it was read");
    assert_eq!(cut(&counters), ["made_resets"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_is_asked_ends() {
    let (took, _, told) = meet().says(&[]).await.ends().await;
    assert_eq!((took.as_secs(), told), (10, go_away(0, 0)), "the first request does not come");

    let meeting = meet().says(&[REQUEST]).await;
    let counters = Arc::clone(&meeting.counters);
    let (took, _, told) = meeting.ends().await;
    assert_eq!((took.as_secs(), told), (75, go_away(1, 0)), "the next request does not come");
    assert!(cut(&counters).is_empty(), "it is nobody's fault");
}

#[tokio::test(start_paused = true)]
async fn fields_have_ten_seconds_to_end() {
    // More frames have to come, or the rest of this one.
    let mut unfinished = REQUEST.to_vec();
    unfinished[4] = 1;
    let half = [0, 0, 9, 1, 5, 0, 0, 0, 1, b'x'];
    let local = LocalSet::new();
    for fields in [&unfinished[..], &half] {
        let meeting = meet().says(&[REQUEST, fields]).await;
        let counters = Arc::clone(&meeting.counters);
        // That others go on is no excuse.
        let streams = meeting.streams.clone();
        let (took, _, told) = local
            .run_until(async move {
                streams.execute(pending());
                meeting.ends().await
            })
            .await;
        assert_eq!((took.as_secs(), told), (10, go_away(1, 0xb)));
        assert_eq!(cut(&counters), ["slow_head"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_does_not_rest_while_a_stream_is_open() {
    let local = LocalSet::new();
    let work = async {
        let meeting = meet().says(&[REQUEST]).await;
        meeting.streams.execute(tokio::time::sleep(Duration::from_mins(10)));
        // What wakes the connection when a stream ends is the library, which is not here.
        let (took, _, told) = tokio::select! {
            ended = meeting.ends() => ended,
            () = tokio::time::sleep(Duration::from_mins(9)) => return,
        };
        panic!("it ended after {took:?}: {told:?}");
    };
    local.run_until(work).await;
}

#[tokio::test(start_paused = true)]
async fn a_visitor_has_a_minute_to_take_the_next_piece() {
    let local = LocalSet::new();
    let Meeting { streams, counters, .. } = meet();
    let work = async {
        let whole = 3 * streams::PIECE_BYTES_MAX;
        let mut body = streams.watched(Body::own(vec![7; whole].into()));
        assert_eq!(body.size_hint().exact(), Some(whole as u64));
        streams.execute(async move {
            for left in [2, 1] {
                let frame = body.frame().await.expect("a piece").expect("nothing breaks");
                assert_eq!(frame.data_ref().map(bytes::Bytes::len), Some(streams::PIECE_BYTES_MAX));
                let left = (left * streams::PIECE_BYTES_MAX) as u64;
                assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(left), false));
                tokio::time::sleep(Duration::from_secs(59)).await;
            }
            // The window stays shut: hyper asks for no more.
            pending::<()>().await;
        });
        let began = Instant::now();
        while streams.are_open() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        began.elapsed()
    };
    let took = local.run_until(work).await;
    assert_eq!(took.as_secs(), 59 + 60, "the second piece was asked for in time");
    assert_eq!(cut(&counters), ["stalled_stream"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_window_stays_shut_is_reset_and_the_others_go_on() {
    let local = LocalSet::new();
    let Meeting { visitor, guard, streams, counters } = meet();
    let long = 1 << 20;
    let executor = streams.clone();
    let answer = move |_: Request<Incoming>| {
        let body = streams.watched(Body::own(vec![7; long].into()));
        async { Ok::<_, Infallible>(Response::new(body)) }
    };
    let work = async {
        let connection =
            http2::Builder::new(executor).serve_connection(TokioIo::new(guard), service_fn(answer));
        tokio::task::spawn_local(connection);
        // What one stream holds is not to keep the other from its window of the connection.
        let mut client = h2::client::Builder::new();
        client.initial_connection_window_size(1 << 20);
        let client = client.handshake::<_, bytes::Bytes>(visitor).await;
        let (mut client, connection) = client.expect("HTTP/2");
        tokio::task::spawn_local(connection);
        let mut ask = || {
            let request = Request::get("http://send-box.com/").body(()).expect("a request");
            client.send_request(request, true).expect("it is taken").0
        };
        let (ignored, read) = (ask(), ask());
        let mut ignored = ignored.await.expect("an answer").into_body();
        let mut read = read.await.expect("an answer").into_body();
        let mut length = 0;
        let reading = async {
            while let Some(some) = read.data().await {
                let some = some.expect("nothing breaks").len();
                read.flow_control().release_capacity(some).expect("it was taken");
                length += some;
                // For longer than who takes nothing is waited for.
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        };
        let began = Instant::now();
        let resting = async {
            let error = loop {
                // What came before the window was shut is looked at and not taken.
                match ignored.data().await.expect("an end") {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
            began.elapsed()
        };
        let (took, ()) = tokio::join!(resting, reading);
        assert_eq!(took.as_secs(), 60);
        assert_eq!(length, long);
        assert!(began.elapsed() > 2 * took);
    };
    local.run_until(work).await;
    assert_eq!(cut(&counters), ["stalled_stream"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_wait_for_the_site() {
    let local = LocalSet::new();
    let Meeting { streams, counters, .. } = meet();
    let work = async {
        streams.execute(tokio::time::sleep(Duration::from_hours(1)));
        tokio::time::sleep(Duration::from_mins(59)).await;
        assert!(streams.are_open());
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert!(!streams.are_open());
    };
    local.run_until(work).await;
    assert!(cut(&counters).is_empty());
}

#[test]
fn room_for_fields_comes_back() {
    let Meeting { streams, .. } = meet();
    let held = streams.hold(1 << 20).expect("there is room");
    assert!(streams.hold(1).is_none());
    drop(held);
    assert!(streams.hold(1).is_some());
}
