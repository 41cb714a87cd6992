//! The demonstration as a child process: `kelisim demo`, as a person starts it.
//!
//! The very binary is run, so that the tests see what its user sees.
//!
//! Every address is the one it printed: all ports are chosen by the system, and tests run side by
//! side. The process is ended when the value is dropped, failed tests included.
//!
//! Who visits it is in [`super::visitor`].

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// How long it may take to start, and to end.
const DEADLINE: Duration = Duration::from_secs(15);

/// The running demonstration; addresses come without the last slash.
pub(crate) struct Demo {
    process: Child,
    /// Through the gateway, over TLS.
    pub(crate) https: String,
    /// Through the gateway, in the clear.
    pub(crate) http: String,
    /// Straight at the site.
    pub(crate) site: String,
}

impl Demo {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kelisim"))
            .args(["demo", "--listen-tls", "127.0.0.1:0", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built the binary");
        let output = BufReader::new(process.stderr.take().expect("the output is piped"));
        let (sender, lines) = mpsc::channel();
        // Read to the end, lest the pipe fill up and stop the gateway; a failing test shows it.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                eprintln!("kelisim: {line}");
                let _ = sender.send(line);
            }
        });
        let mut demo =
            Self { process, https: String::new(), http: String::new(), site: String::new() };
        let end = Instant::now() + DEADLINE;
        while [&demo.https, &demo.http, &demo.site].into_iter().any(String::is_empty) {
            let left = end.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).expect("`kelisim demo` prints its three addresses");
            let addresses = [
                ("open https:", &mut demo.https),
                ("open http:", &mut demo.http),
                ("site http:", &mut demo.site),
            ];
            for (start, address) in addresses {
                let Some(at) = line.find(start) else { continue };
                let url =
                    line[at..].split_whitespace().nth(1).expect("an address follows the word");
                url.trim_end_matches('/').clone_into(address);
            }
        }
        demo
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It is asked first, so that it can clear its temporary data away.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let end = Instant::now() + DEADLINE;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
