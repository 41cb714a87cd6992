//! What an attack costs the gateway, and whether others are served meanwhile.
//!
//! The gateway is a process of its own, so that its memory and its time are its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::program::{Gateway, ask};

/// What an attack may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceiling {
    /// By how much the peak of its resident memory may grow.
    pub(crate) memory_kib: u64,
    /// How much time of a processor it may take, of an unoptimized build.
    pub(crate) cpu: Duration,
    /// How long a visitor may wait meanwhile.
    pub(crate) wait: Duration,
}

/// Runs an attack, prints what it cost, and holds it to its ceiling.
pub(crate) fn under(name: &str, ceiling: Ceiling, gateway: &Gateway, attack: impl FnOnce()) {
    let (memory, cpu) = (peak_kib(gateway.id()), cpu(gateway.id()));
    let stop = Arc::new(AtomicBool::new(false));
    let visitor = {
        let (stop, at) = (Arc::clone(&stop), gateway.plain);
        std::thread::spawn(move || visit(at, &stop))
    };
    let since = Instant::now();
    attack();
    let took = since.elapsed();
    stop.store(true, Ordering::Relaxed);
    let (visits, wait) = visitor.join().expect("others are served");
    let memory = peak_kib(gateway.id()).saturating_sub(memory);
    let cpu = self::cpu(gateway.id()).saturating_sub(cpu);
    println!(
        "{name}: {took:.1?}, {cpu:?} CPU, {memory} KiB more, {visits} visits, the longest {wait:.1?}"
    );
    assert!(memory <= ceiling.memory_kib, "{name}: {memory} KiB of {ceiling:?}");
    assert!(cpu <= ceiling.cpu, "{name}: {cpu:?} of {ceiling:?}");
    assert!(visits > 0 && wait <= ceiling.wait, "{name}: {visits} visits, {wait:?} of {ceiling:?}");
}

/// Asks again and again, and says how often and how long it took at most.
fn visit(at: SocketAddr, stop: &AtomicBool) -> (u32, Duration) {
    let (mut visits, mut longest) = (0, Duration::ZERO);
    loop {
        let since = Instant::now();
        let answer =
            ask(at, "GET /small HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n");
        assert!(answer.start.starts_with("HTTP/1.1 200 "), "{}", answer.start);
        longest = longest.max(since.elapsed());
        visits += 1;
        if stop.load(Ordering::Relaxed) {
            return (visits, longest);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says");
    peak.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}

/// The time of processors it took, in the kernel's ticks of a hundredth of a second.
fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_, behind_name) = stat.rsplit_once(')').expect("Linux says");
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}
