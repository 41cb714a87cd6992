//! The demonstration as a child process: `kelisim demo`, as a person starts it; and beside it a gateway
//! with rules of a test's own, in front of the same site.
//!
//! The very binary is run, so that the tests see what its user sees.
//!
//! Every address is the one it printed: all ports are chosen by the system, and tests run side by
//! side. The process is ended when the value is dropped, failed tests included.
//!
//! Who visits it is in [`super::visitor`].

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use kelisim::clock::Clock;
use tempfile::TempDir;

/// How long it may take to start, and to end.
const DEADLINE: Duration = Duration::from_secs(15);

/// The rules for Metrica.
pub(crate) const METRICA: &str = "vendors/yandex-metrica.toml";

/// The running demonstration; addresses come without the last slash.
pub(crate) struct Demo {
    _process: Process,
    /// Through the gateway, over TLS.
    pub(crate) https: String,
    /// Through the gateway, in the clear.
    pub(crate) http: String,
    /// Straight at the site.
    pub(crate) site: String,
}

impl Demo {
    pub(crate) fn start() -> Self {
        Demo::start_with(&[])
    }

    /// With more arguments.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let arguments = ["demo", "--listen-tls", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
        let arguments = [&arguments[..], more].concat();
        let (process, addresses) =
            Process::start(&arguments, ["open https:", "open http:", "site http:"]);
        let [https, http, site] = addresses;
        Self { _process: process, https, http, site }
    }
}

/// A gateway in front of the demonstration's site, by the shipped rules with changes.
pub(crate) struct Ruled {
    // Before its folder, in which it writes to the end.
    _process: Process,
    _folder: TempDir,
    /// Through the gateway, in the clear.
    pub(crate) http: String,
}

impl Ruled {
    /// With this action for all rules of a vendor's file.
    pub(crate) fn start(demo: &Demo, vendor: &str, action: &str) -> Self {
        let said = format!("action = \"{action}\"\nrecipient = ");
        Ruled::by(demo, |files| {
            let file = files.iter_mut().find(|(name, _)| name == vendor).expect("it is shipped");
            file.1 = file.1.replacen("recipient = ", &said, 1);
        })
    }

    /// With a version of the policy to tell of, which is in force in eight days.
    pub(crate) fn announcing(demo: &Demo) -> Self {
        let today = Clock::System.now().day();
        Ruled::by(demo, |files| {
            let policy = files.iter().find(|(name, _)| name.starts_with("policy/"));
            let (_, text) = policy.expect("a policy is shipped");
            let in_force = today.plus_days(8);
            let text = text
                .replace("announced = \"2025-09-24\"", &format!("announced = \"{today}\""))
                .replace("in_force = \"2025-10-01\"", &format!("in_force = \"{in_force}\""))
                .replace("keep_days = 365", "keep_days = 180");
            files.push((format!("policy/{in_force}.toml"), text));
        })
    }

    /// With rule files that are changed so.
    pub(crate) fn by(demo: &Demo, change: impl FnOnce(&mut Vec<(String, String)>)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let mut files = kelisim::config::rule_files(&shipped).expect("the shipped rules");
        change(&mut files);
        for (name, text) in files {
            let path = folder.path().join("rules").join(&name);
            fs::create_dir_all(path.parent().expect("it lies in a folder"))
                .expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        let within = |name: &str| folder.path().join(name).display().to_string();
        let (rules, data) = (within("rules"), within("data"));
        let arguments = ["run", "--upstream", &demo.site, "--rules", &rules, "--data", &data];
        let free = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let arguments = [&arguments[..], &free].concat();
        let (process, [http]) = Process::start(&arguments, ["listening on http:"]);
        Self { _process: process, _folder: folder, http }
    }
}

/// A running `kelisim`.
struct Process(Child);

impl Process {
    /// Starts it, and waits for the address behind the last of each of these words.
    fn start<const N: usize>(arguments: &[&str], wanted: [&str; N]) -> (Process, [String; N]) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kelisim"))
            .args(arguments)
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
        let process = Process(process);
        let mut addresses = wanted.map(|_| String::new());
        let end = Instant::now() + DEADLINE;
        while addresses.iter().any(String::is_empty) {
            let left = end.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).expect("`kelisim` prints its addresses");
            for (start, address) in wanted.iter().zip(&mut addresses) {
                let Some(at) = line.find(start) else { continue };
                let scheme = start.rfind(' ').expect("the last word is a scheme") + 1;
                let url = line[at + scheme..].split_whitespace().next();
                let url = url.expect("an address begins with the scheme");
                url.trim_end_matches('/').clone_into(address);
            }
        }
        (process, addresses)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It is asked first, so that it can clear its temporary data away.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let end = Instant::now() + DEADLINE;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
