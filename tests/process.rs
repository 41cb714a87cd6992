//! The program as an operator meets it: started, stopped, killed, configured, checked.
//!
//! What a visitor meets is in the scenarios. Here the binary runs as a process of its own: exit
//! codes, signals, files, flags and the operator's address can be seen in no other way.
//!
//! Ports are free ones, folders temporary, and every wait has a deadline.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod choices;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use harness::PATIENCE;
use harness::broken::{BREAKS, METRICA, OWN, POLICY, Rules};
use harness::choices::{AGREE, DECLINE, analytics, choose, cookie, get, text};
use harness::message::chunk;
use harness::program::{Ended, Program, ask, send, until};
use harness::site::Site;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

#[test]
fn sigterm_finishes_the_answer_under_way_and_exits_with_zero() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    assert_ne!(gateway.plain.port(), 0);

    let mut visitor =
        send(gateway.plain, "GET / HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html\r\n\r\n");
    let mut received = site.next().expect("the site is asked");
    received
        .write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    received.write(&chunk(b"<!doctype html><html><body><p>first</p>")).unwrap();
    visitor.read_until("<p>first</p>");

    gateway.signal("TERM");
    gateway.wait_for_line("stopping");
    let since = Instant::now();
    while TcpStream::connect(gateway.plain).is_ok() {
        assert!(since.elapsed() < PATIENCE, "it still accepts connections");
        std::thread::yield_now();
    }
    received.write(&chunk(b"<p>second</p></body></html>")).unwrap();
    received.write(b"0\r\n\r\n").unwrap();
    let page = visitor.read_to_the_end();
    assert!(page.whole, "{page}");
    assert!(text(&page).contains("<p>second</p>"), "{page}");
    let Ended { code, stderr } = gateway.wait();
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn sigterm_does_not_wait_for_connections_on_which_nothing_is_asked() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    // One that rests after an answer, and one that browsers open ahead of need.
    let mut resting =
        send(gateway.plain, "GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\n\r\n");
    resting.read_until("analytics");
    let mut operator = send(gateway.admin, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    operator.read_until("ok");
    let _ahead = TcpStream::connect(gateway.plain).unwrap();

    let since = Instant::now();
    gateway.signal("TERM");
    let Ended { code, stderr } = gateway.wait();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(since.elapsed() < PATIENCE / 2, "it took {:?}", since.elapsed());
}

#[test]
fn a_choice_that_was_answered_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut records = Vec::new();
    for round in 0..5 {
        let mut gateway = Program::run(site.address, data.path()).start();
        let form = if round % 2 == 0 { AGREE } else { DECLINE };
        let receipt = choose(&gateway, form, "");
        gateway.kill();
        let receipt: serde_json::Value = serde_json::from_slice(&receipt.body).unwrap();
        records.push(receipt["record"].as_str().expect("a record").to_owned());

        let store = rusqlite::Connection::open(data.path().join("consent.db")).unwrap();
        let mut query = store.prepare("SELECT record FROM event ORDER BY seq").unwrap();
        let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(rows.collect::<Result<Vec<_>, _>>().unwrap(), records, "round {round}");
    }
}

#[test]
fn a_withdrawal_that_was_answered_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    for round in 0..3 {
        let mut gateway = Program::run(site.address, data.path()).start();
        let agreed = cookie(&choose(&gateway, AGREE, ""));
        assert_eq!(analytics(&gateway, &agreed), "permit", "round {round}");
        choose(&gateway, DECLINE, &agreed);
        gateway.kill();
        let gateway = Program::run(site.address, data.path()).start();
        assert_eq!(analytics(&gateway, &agreed), "withdrawn", "round {round}");
    }
}

#[test]
fn flags_win_over_variables_which_win_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (by_file, by_variable, by_flag) = (Site::start(), Site::start(), Site::start());
    let file = folder.path().join("kelisim.toml");
    let settings = format!(
        "upstream = \"http://{}\"\ndata = \"{}\"\nlisten = [\"127.0.0.1:0\"]\n\
         admin = \"127.0.0.1:0\"\nthreads = 1\n",
        by_file.address,
        folder.path().join("file").display(),
    );
    fs::write(&file, settings).unwrap();
    let address = |site: &Site| format!("http://{}", site.address);
    let data = |name: &str| folder.path().join(name).display().to_string();

    let from_file = || Program::new().arg("run").arg("--config").arg(file.to_str().unwrap());
    let from_variables = || {
        from_file()
            .variable("KELISIM_UPSTREAM", &address(&by_variable))
            .variable("KELISIM_DATA", &data("variable"))
    };
    let from_flags = || {
        from_variables().arg("--upstream").arg(&address(&by_flag)).arg("--data").arg(&data("flag"))
    };
    for (program, site, name) in [
        (from_file(), &by_file, "file"),
        (from_variables(), &by_variable, "variable"),
        (from_flags(), &by_flag, "flag"),
    ] {
        let gateway = program.start();
        let _visitor = send(gateway.plain, "GET / HTTP/1.1\r\nHost: send-box.com\r\n\r\n");
        assert!(site.next().is_some(), "{name}");
        assert!(folder.path().join(name).join("seal.key").exists(), "{name}");
    }
    // The file can be named by a variable, and a list of addresses too.
    let gateway = Program::new()
        .arg("run")
        .variable("KELISIM_CONFIG", file.to_str().unwrap())
        .variable("KELISIM_LISTEN", "127.0.0.1:0,127.0.0.1:0")
        .start();
    assert_eq!(gateway.lines_with("listening on http://"), 2);
}

#[test]
fn a_setting_that_is_unknown_or_unfit_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let file = folder.path().join("kelisim.toml");
    fs::write(&file, "upstream = \"http://127.0.0.1:1\"\nlissten = [\"127.0.0.1:0\"]\n").unwrap();
    let file = file.display().to_string();
    let data = folder.path().join("data").display().to_string();
    let with = |upstream: &str, more: &[&str]| {
        let mut program = Program::new().arg("run").arg("--upstream").arg(upstream);
        for arg in ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", &data] {
            program = program.arg(arg);
        }
        more.iter().fold(program, |program, arg| program.arg(arg))
    };
    let site = "http://127.0.0.1:1";
    let none = folder.path().join("none").display().to_string();
    let _held = TcpListener::bind(&taken);
    for (program, named) in [
        (with(site, &["--config", &file]), vec!["kelisim.toml:2", "lissten"]),
        (with("send-box.com", &[]), vec!["--upstream send-box.com", "http://HOST:PORT"]),
        (with("ftp://send-box.com", &[]), vec!["ftp://send-box.com", "http://"]),
        (with("http://send-box.com/shop", &[]), vec!["http://send-box.com/shop"]),
        (with(site, &["--threads", "0"]), vec!["--threads 0"]),
        (with(site, &["--threads", "many"]), vec!["--threads", "many"]),
        (with(site, &["--lissten", "127.0.0.1:0"]), vec!["--lissten"]),
        (with(site, &["--listen", "here"]), vec!["--listen", "here"]),
        (with(site, &["--config", &none]), vec!["none"]),
        (with(site, &["--rules", &none]), vec!["none"]),
        (with(site, &["--listen", &taken]), vec![&taken]),
        (with(site, &["--listen-tls", "127.0.0.1:0", "--certs", &none]), vec!["none"]),
        (Program::new().arg("run"), vec!["--upstream"]),
        (
            Program::new().arg("run").variable("KELISIM_UPSTREAM", "send-box.com"),
            vec!["`KELISIM_UPSTREAM send-box.com`: ", "http://HOST:PORT"],
        ),
        (with(site, &[]).variable("KELISIM_THREADS", "many"), vec!["many"]),
    ] {
        let Ended { code, stderr } = program.end();
        assert!(code.is_some_and(|code| code != 0), "{named:?}: {code:?}\n{stderr}");
        for name in named {
            assert!(stderr.contains(name), "`{name}` is not named in\n{stderr}");
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

#[test]
fn the_demonstration_listens_for_its_operator_where_it_is_told() {
    // Free a moment ago.
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut demo = Program::new();
    for arg in ["demo", "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--admin"] {
        demo = demo.arg(arg);
    }
    let mut demo = demo.arg(&admin).start();
    assert_eq!(demo.admin.to_string(), admin);
    demo.signal("TERM");
    assert_eq!(demo.wait().code, Some(0));
}

#[test]
fn a_record_that_cannot_be_read_refuses_what_was_agreed_and_keeps_the_site_up() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    gateway.signal("TERM");
    assert_eq!(gateway.wait().code, Some(0));
    for ending in ["-wal", "-shm"] {
        // Gone already where the gateway closed the file.
        let _ = fs::remove_file(data.path().join(format!("consent.db{ending}")));
    }
    let store = data.path().join("consent.db");
    let good = fs::read(&store).unwrap();
    fs::write(&store, "this is no database\n".repeat(500)).unwrap();

    let gateway = Program::run(site.address, data.path()).start();
    assert_eq!(get(gateway.admin, "/healthz", "").status(), 200);
    assert_eq!(get(gateway.admin, "/readyz", "").status(), 503);
    assert!(text(&get(gateway.admin, "/metrics", "")).contains("kelisim_record_readable 0\n"));
    assert_eq!(analytics(&gateway, &agreed), "unverified");
    assert_eq!(analytics(&gateway, ""), "not-asked");

    let visitor = send(
        gateway.plain,
        &format!("GET / HTTP/1.1\r\nHost: send-box.com\r\nCookie: {agreed}; _ga=1; a=2\r\n\r\n"),
    );
    let mut received = site.next().expect("the site is served");
    assert_eq!(received.request.values("cookie").collect::<Vec<_>>(), [b"a=2"]);
    received.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    assert_eq!(visitor.read_to_the_end().status(), 200);

    // Nobody could prove this agreement, so it is not taken; a refusal needs no proof.
    let answer = choose(&gateway, AGREE, "");
    assert_eq!(answer.status(), 503, "{answer}");
    assert!(answer.values("set-cookie").next().is_none(), "{answer}");
    let declined = choose(&gateway, DECLINE, "");
    assert_eq!(declined.status(), 200, "{declined}");
    assert_eq!(analytics(&gateway, &cookie(&declined)), "declined");
    let withdrawn = choose(&gateway, DECLINE, &agreed);
    assert_eq!(withdrawn.status(), 200, "{withdrawn}");
    assert_eq!(analytics(&gateway, &cookie(&withdrawn)), "withdrawn");
    assert_eq!(fs::read_to_string(&store).unwrap(), "this is no database\n".repeat(500));

    // Once the file is mended the next choice opens it, without a restart; what was withdrawn
    // meanwhile stays so, and is written now.
    fs::write(&store, good).unwrap();
    assert_eq!(choose(&gateway, AGREE, "").status(), 200);
    assert_eq!(get(gateway.admin, "/readyz", "").status(), 200);
    assert_eq!(analytics(&gateway, &agreed), "withdrawn");
    drop(gateway);
    let gateway = Program::run(site.address, data.path()).start();
    assert_eq!(analytics(&gateway, &agreed), "withdrawn");
}

#[test]
fn a_record_that_is_gone_leaves_no_agreement_that_somebody_may_have_withdrawn() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let withdrawn = cookie(&choose(&gateway, AGREE, ""));
    choose(&gateway, DECLINE, &withdrawn);
    drop(gateway);
    for entry in fs::read_dir(data.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("consent.db") {
            fs::remove_file(path).unwrap();
        }
    }
    let gateway = Program::run(site.address, data.path()).start();
    assert_ne!(analytics(&gateway, &withdrawn), "permit");
    // It goes on with a new record.
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    assert_eq!(analytics(&gateway, &agreed), "permit");
    assert_eq!(get(gateway.admin, "/readyz", "").status(), 200);
}

#[test]
fn the_key_file_is_made_once_and_for_its_owner_alone() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let key = data.path().join("seal.key");
    let gateway = Program::run(site.address, data.path()).start();
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    drop(gateway);
    let first = fs::read(&key).unwrap();
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);

    let gateway = Program::run(site.address, data.path()).start();
    assert_eq!(analytics(&gateway, &agreed), "permit");
    drop(gateway);
    assert_eq!(fs::read(&key).unwrap(), first);

    // A file that holds no key is an error, and is not written over.
    fs::write(&key, "1 zz\n").unwrap();
    let Ended { code, stderr } = Program::run(site.address, data.path()).end();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("seal.key:1:"), "{stderr}");
    assert_eq!(fs::read_to_string(&key).unwrap(), "1 zz\n");
}

#[test]
fn nothing_personal_reaches_the_gateways_own_messages() {
    let data = tempfile::tempdir().unwrap();
    let mut site = Site::start();
    site.go_down();
    let mut gateway = Program::run(site.address, data.path()).variable("RUST_LOG", "debug").start();
    let answer = ask(
        gateway.plain,
        "GET /cabinet/aigerim?phone=77011234567 HTTP/1.1\r\nHost: send-box.com\r\n\
         User-Agent: Aigerims-Browser\r\nCookie: sb_session=f00d\r\n\r\n",
    );
    assert_eq!(answer.status(), 502);
    gateway.signal("TERM");
    let Ended { code, stderr } = gateway.wait();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("502"), "{stderr}");
    for personal in ["aigerim", "Aigerim", "7701", "f00d"] {
        assert!(!stderr.contains(personal), "{stderr}");
    }
}

#[test]
fn the_shipped_rules_have_no_problem() {
    let Ended { code, stderr } = Rules::copy().check();
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn each_way_to_break_a_rule_file_is_named_with_its_place_and_its_fix() {
    let mut wrong = Vec::new();
    for (name, old, new, above, said) in BREAKS {
        let rules = Rules::copy();
        let line = rules.change(name, old, new);
        let Ended { code, stderr } = rules.check();
        if code != Some(1) {
            wrong.push(format!("`{new}` in {name}: exit {code:?}\n{stderr}"));
            continue;
        }
        // A problem of an entry may stand at the line where the entry begins.
        let places: Vec<String> = (line - above..=line)
            .map(|line| format!("{}:{line}: ", rules.path(name).display()))
            .collect();
        let about = |problem: &&str| places.iter().any(|place| problem.starts_with(place));
        let found = stderr
            .lines()
            .filter(about)
            .any(|problem| said.iter().all(|word| problem.contains(word)));
        if !found {
            wrong.push(format!("`{new}` at {name}:{line} should say {said:?}:\n{stderr}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), BREAKS.len(), wrong.join("\n"));
}

#[test]
fn files_that_are_missing_misnamed_or_strange_are_named() {
    let said = |rules: &Rules, parts: &[&str]| {
        let Ended { code, stderr } = rules.check();
        assert_eq!(code, Some(1), "{stderr}");
        let one = stderr.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(one, "no line says {parts:?}:\n{stderr}");
    };
    let rules = Rules::copy();
    fs::rename(rules.path(POLICY), rules.path("policy/2025-10-02.toml")).unwrap();
    said(&rules, &["policy/2025-10-02.toml:15: ", "rename it `2025-10-01.toml`"]);

    let rules = Rules::copy();
    fs::rename(rules.path("texts/en.toml"), rules.path("texts/de.toml")).unwrap();
    said(&rules, &["texts/en.toml", "is missing"]);
    said(&rules, &["texts/de.toml", "`code` is `en`"]);

    let rules = Rules::copy();
    fs::remove_file(rules.path("site.toml")).unwrap();
    said(&rules, &["site.toml", "is missing"]);

    let rules = Rules::copy();
    fs::remove_file(rules.path(POLICY)).unwrap();
    said(&rules, &["policy", "no policy version"]);

    let rules = Rules::copy();
    fs::create_dir(rules.path("vendor")).unwrap();
    fs::write(rules.path("vendor/x.toml"), "").unwrap();
    said(&rules, &["vendor/x.toml", "is not a rule file"]);

    // A purpose that is left out.
    let rules = Rules::copy();
    let policy = fs::read_to_string(rules.path(POLICY)).unwrap();
    let at = policy.rfind("[[purpose]]").unwrap();
    fs::write(rules.path(POLICY), &policy[..at]).unwrap();
    said(&rules, &[POLICY, "lacks `security`", "all seven purposes"]);

    let rules = Rules::copy();
    let copy = rules.path("policy/2026-01-01.toml");
    fs::copy(rules.path(POLICY), &copy).unwrap();
    said(&rules, &["policy/2026-01-01.toml:15: ", "rename it"]);
}

#[test]
fn several_problems_in_several_files_are_reported_at_once() {
    let rules = Rules::copy();
    let expected = [
        ("site.toml", rules.change("site.toml", "control = ", "controll = ")),
        (METRICA, rules.change(METRICA, "purpose = \"analytics\"", "purpose = \"analitics\"")),
        (OWN, rules.change(OWN, "is = [\"sb_csrf\"]", "is = [\"sb_crsf\"]") - 2),
        (OWN, rules.change(OWN, "is = [\"PHPSESSID\"]", "is = [\"PHPSESSD\"]") - 2),
        (POLICY, rules.change(POLICY, "basis = \"legitimate-interest\"", "basis = \"x\"")),
        (POLICY, rules.change(POLICY, "basis = \"consent\"", "basis = \"consnt\"")),
        ("texts/kk.toml", rules.change("texts/kk.toml", "frame = ", "fraim = ")),
    ];
    let Ended { code, stderr } = rules.check();
    assert_eq!(code, Some(1), "{stderr}");
    for (name, line) in expected {
        let place = format!("{}:{line}: ", rules.path(name).display());
        assert!(stderr.contains(&place), "{place} is missing in\n{stderr}");
    }
    // And a gateway with such rules does not start.
    let data = tempfile::tempdir().unwrap();
    let ended = Program::run("127.0.0.1:1".parse().unwrap(), data.path())
        .arg("--rules")
        .arg(rules.folder())
        .end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("did you mean `analytics`?"), "{}", ended.stderr);
}

#[test]
fn threads_stay_on_the_cores_that_the_process_may_use() {
    let (site, data) = (Site::start(), tempfile::tempdir().unwrap());
    let allowed = sched_getaffinity(None).unwrap();
    for core in (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)) {
        // What a thread starts may use the cores that the thread may use.
        let start = || {
            let mut only = CpuSet::new();
            only.set(core);
            sched_setaffinity(None, &only).unwrap();
            Program::run(site.address, data.path()).variable("KELISIM_THREADS", "3").start()
        };
        let gateway = std::thread::scope(|scope| scope.spawn(start).join().unwrap());
        // A thread that has just begun has neither its name nor its core.
        until("three threads serve on that core", || {
            let threads = fs::read_dir(format!("/proc/{}/task", gateway.id())).unwrap();
            let status = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status"));
            let all: Vec<String> = threads.flatten().flat_map(status).collect();
            let only = format!("Cpus_allowed_list:\t{core}\n");
            let serve = all.iter().filter(|status| status.starts_with("Name:\tserve-"));
            serve.count() == 3 && all.iter().all(|status| status.contains(&only))
        });
    }
}
