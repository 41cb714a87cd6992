//! The `kelisim` program as a process, and a visitor's connection to it.
//!
//! It is told nothing by the environment that a test did not put there. What it writes to stderr is
//! kept line by line: bound addresses are read from there, as an operator reads them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use super::PATIENCE;
use super::message::Message;

/// The program with its arguments and variables, not started yet.
pub(crate) struct Program(Command);

/// How a process ended.
pub(crate) struct Ended {
    /// Its exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    /// All that it said.
    pub(crate) stderr: String,
}

impl Program {
    /// The program without arguments, in the folder of the package.
    pub(crate) fn new() -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kelisim"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KELISIM_") {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_LOG").current_dir(env!("CARGO_MANIFEST_DIR"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Program(command)
    }

    /// `kelisim run` in front of `site`, on free ports.
    pub(crate) fn run(site: SocketAddr, data: &Path) -> Program {
        let mut program = Program::new();
        let upstream = format!("http://{site}");
        program.0.args(["run", "--upstream", &upstream]);
        // An argument may say otherwise.
        program.0.env("KELISIM_THREADS", "1");
        program.0.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data"]).arg(data);
        program
    }

    /// With one argument more.
    pub(crate) fn arg(mut self, arg: &str) -> Program {
        self.0.arg(arg);
        self
    }

    /// With a variable of the environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Program {
        self.0.env(name, value);
        self
    }

    /// With no more than so many files and sockets open at once.
    pub(crate) fn descriptors(self, limit: u32) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &limit.to_string()]);
        command.arg(self.0.get_program()).args(self.0.get_args());
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Program(command)
    }

    fn spawn(mut self) -> (Child, Receiver<String>) {
        let mut child = self.0.spawn().expect("the program can be started");
        let stderr = child.stderr.take().expect("it is piped");
        let (lines, receiver) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        (child, receiver)
    }

    /// Starts a gateway and waits until it listens.
    pub(crate) fn start(self) -> Gateway {
        let (child, lines) = self.spawn();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut gateway =
            Gateway { plain: nowhere, admin: nowhere, child, lines, said: Vec::new() };
        // The operator's address is told last.
        let line = gateway.wait_for_line("listening on admin http://");
        gateway.admin = address(&line, "listening on admin http://");
        let line = gateway.said.iter().find(|line| line.contains("listening on http://"));
        let line = line.unwrap_or_else(|| panic!("no plain address in {:?}", gateway.said));
        gateway.plain = address(line, "listening on http://");
        gateway
    }

    /// Runs it to its end and returns what it prints, for commands that print.
    pub(crate) fn print(mut self) -> (Option<i32>, String, String) {
        let output = self.0.stdout(Stdio::piped()).output().expect("the program can be started");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Runs it until it ends by itself.
    pub(crate) fn end(self) -> Ended {
        let (child, lines) = self.spawn();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Gateway { plain: nowhere, admin: nowhere, child, lines, said: Vec::new() }.wait()
    }
}

fn address(line: &str, after: &str) -> SocketAddr {
    let at = line.find(after).expect("the line was looked for") + after.len();
    let end = |c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'));
    let rest = &line[at..];
    rest[..rest.find(end).unwrap_or(rest.len())].parse().expect("an address")
}

/// A gateway that runs; it is killed when the test is done with it.
pub(crate) struct Gateway {
    /// Its address for visitors.
    pub(crate) plain: SocketAddr,
    /// Its address for the operator.
    pub(crate) admin: SocketAddr,
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Gateway {
    /// Waits for a line on stderr.
    pub(crate) fn wait_for_line(&mut self, part: &str) -> String {
        let since = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(since.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("it never said `{part}`:\n{}", self.said.join("\n"))
                }
            }
        }
    }

    /// Its address for visitors over TLS.
    pub(crate) fn tls(&self) -> SocketAddr {
        let line = self.said.iter().find(|line| line.contains("listening on https://"));
        address(line.expect("it listens for TLS"), "listening on https://")
    }

    /// How long it has been at work, over all its threads, in hundredths of a second.
    pub(crate) fn worked(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("it runs");
        // Behind the name in parentheses; proc(5): utime and stime are the fields 14 and 15.
        let fields = stat.rsplit(')').next().expect("it has a name").split_ascii_whitespace();
        fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }

    /// How many lines so far hold these words.
    pub(crate) fn lines_with(&self, part: &str) -> usize {
        self.said.iter().filter(|line| line.contains(part)).count()
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has held so far, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.memory_of("VmHWM:")
    }

    /// The memory that it holds, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.memory_of("VmRSS:")
    }

    fn memory_of(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs, on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it is told");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib * 1024
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", name, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal could not be sent");
    }

    /// Kills it, as a loss of power would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started");
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> Ended {
        let since = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(since.elapsed())) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end:\n{}", self.said.join("\n"))
                }
            }
        }
        let status = self.child.wait().expect("it was started");
        Ended { code: status.code(), stderr: self.said.join("\n") }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request under way.
pub(crate) struct Visitor {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// Sends a request.
pub(crate) fn send(to: SocketAddr, request: &str) -> Visitor {
    let mut stream = TcpStream::connect(to).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(request.as_bytes()).expect("the gateway reads");
    Visitor { stream, bytes: Vec::new() }
}

/// Sends a request and waits for the whole answer.
pub(crate) fn ask(to: SocketAddr, request: &str) -> Message {
    send(to, request).read_to_the_end()
}

impl Visitor {
    /// Says more.
    pub(crate) fn say(&mut self, more: &str) {
        self.stream.write_all(more.as_bytes()).expect("the gateway reads");
    }

    /// The same connection, of whose answers so far nobody asks any more.
    pub(crate) fn forgets(self) -> Visitor {
        Visitor { bytes: Vec::new(), ..self }
    }

    /// Waits until the answer holds these words.
    pub(crate) fn read_until(&mut self, part: &str) {
        while !String::from_utf8_lossy(&self.bytes).contains(part) {
            assert!(self.read(), "`{part}` never came");
        }
    }

    /// Waits for the whole answer.
    pub(crate) fn read_to_the_end(mut self) -> Message {
        loop {
            match Message::read(&self.bytes, false, false) {
                Some((message, _)) if message.whole => return message,
                _ if !self.read() => break,
                _ => {}
            }
        }
        let answer = Message::read(&self.bytes, true, false);
        answer.unwrap_or_else(|| panic!("the gateway closed the connection")).0
    }

    fn read(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer).expect("more comes in time");
        self.bytes.extend(&buffer[..read]);
        read > 0
    }
}

/// Waits until something holds.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
