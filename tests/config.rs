//! The settings: each is listed, read, written, and used.
//!
//! [`SETTINGS`] has a row for each setting that there is, with a value that is not its default. A
//! setting that is added without a row fails here, and so does one that changes nothing or that no
//! code reads. That none is passed over on reload is shown in `tests/reload_settings.rs`, and what the
//! bounds among them do is felt in `tests/bounds.rs`.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod settings;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use harness::program::{Ended, Program};
use harness::settings::{GROUP, SETTINGS, file, names};
use kelisim::config::Settings;
use kelisim::settings::Table;

fn parsed(text: &str) -> Settings {
    Settings::parse("kelisim.toml", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What a gateway starts with.
fn started_with(text: &str) -> String {
    format!("{:?}", parsed(text).config().unwrap_or_else(|error| panic!("{error}\n{text}")))
}

#[test]
fn every_setting_has_its_row_and_changes_what_a_gateway_starts_with() {
    assert!(file("group.NAME.size", "1").ends_with("\n[group.NAME]\nsize = 1\n"));
    assert!(file("route[].path", "1").ends_with("\n[[route]]\nupstream = \"NAME\"\npath = 1\n"));
    let there_are: BTreeSet<_> = names("", Settings::entries()).into_iter().collect();
    let rows: BTreeSet<_> = SETTINGS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there_are, rows, "each setting has one row in `SETTINGS`");
    assert_eq!(rows.len(), SETTINGS.len(), "and no more than one");

    let plain = started_with(&file("certs", "\"certs\""));
    let site = "upstream = \"http://127.0.0.1:1\"\n";
    let group = started_with(&format!("{site}{GROUP}"));
    let route = started_with(&format!("{site}{GROUP}[[route]]\nupstream = \"NAME\"\n"));
    let mut seen = BTreeSet::from([plain, group, route]);
    for (name, value) in SETTINGS {
        let text = file(name, value);
        assert_ne!(parsed(&text), parsed(&file("certs", "\"certs\"")), "{name} is not read");
        assert!(seen.insert(started_with(&text)), "{name} changes nothing");
    }
}

/// The code of the program that is not about settings: without white space, comments and tests.
fn code(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if !["settings", "config"].contains(&name.as_str()) {
                all.push_str(&code(&path));
            }
        } else if path.extension().is_some_and(|is| is == "rs")
            && !["tests.rs", "bounds.rs"].contains(&name.as_str())
        {
            let text = fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = shipped.lines().filter(|line| !line.trim_start().starts_with("//"));
            all.extend(lines.flat_map(str::chars).filter(|c| !c.is_whitespace()));
            all.push('\n');
        }
    }
    all
}

/// Whether a field is read somewhere: `timeouts.head`, and not as a part of a longer name.
fn reads(code: &str, field: &str) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(field).any(|(at, _)| {
        !code[..at].ends_with(of_name) && !code[at + field.len()..].starts_with(of_name)
    })
}

/// How a setting is read in code.
fn field(name: &str) -> String {
    let name = name
        .replace("upstreams.NAME", "upstream")
        .replace(".NAME", "")
        .replace("[]", "")
        .replace('-', "_");
    let mut parts: Vec<_> = name.rsplit('.').take(2).collect();
    parts.reverse();
    match parts[..] {
        [name] => format!("config.{name}"),
        _ => parts.join("."),
    }
}

#[test]
fn every_setting_is_read_by_what_it_is_for() {
    // In groups and lists a setting is read as `group.size` and `route.path`.
    assert_eq!(field("group.NAME.max-size"), "group.max_size");
    assert_eq!(field("route[].path"), "route.path");
    assert_eq!(field("upstreams.NAME.queue"), "upstream.queue");
    assert_eq!(field("listen-tls"), "config.listen_tls");
    assert!(reads("f(&config.listen_tls)", "config.listen_tls"));
    assert!(!reads("f(&config.listen_tls)", "config.listen"));
    assert!(!reads("reconfig.listen", "config.listen"));

    let code = code(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"));
    let used = |name: &str| reads(&code, &field(name));
    let unused: Vec<_> = SETTINGS.iter().filter(|(name, _)| !used(name)).collect();
    assert!(unused.is_empty(), "nothing in src reads {unused:?}");
    assert!(used("bounds"), "nothing in src reads the bounds");
}

#[test]
fn the_default_file_is_complete_and_gives_the_defaults() {
    let (code, text, stderr) = Program::new().arg("config").arg("--default").print();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(parsed(&text), Settings::default());
    for name in names("", Settings::entries()) {
        let last = name.rsplit('.').next().expect("a name");
        let line = |line: &str| line.trim_start_matches('#').starts_with(&format!("{last} = "));
        assert!(text.lines().any(line), "`{name}` is missing in\n{text}");
    }
    // Neither file, variable nor flag changes it.
    let program = Program::new().arg("config").arg("--default").arg("--threads").arg("3");
    assert_eq!(program.variable("KELISIM_UPSTREAM", "http://a:1").print().1, text);
    // What is commented out are settings, too: with their marks taken away they can be read.
    let marked = |line: &&str| line.strip_prefix('#').is_some_and(|rest| !rest.starts_with(' '));
    let bare = |line| if marked(&line) { &line[1..] } else { line };
    let bare: Vec<_> = text.lines().map(bare).collect();
    assert_eq!(parsed(&bare.join("\n")), Settings::example());
}

/// What `kelisim config` prints.
fn in_effect(program: Program) -> Settings {
    let (code, text, stderr) = program.print();
    assert_eq!(code, Some(0), "{stderr}");
    parsed(&text)
}

#[test]
fn flags_win_over_variables_which_win_over_the_file_which_wins_over_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kelisim.toml");
    fs::write(
        &path,
        "upstream = \"http://file:1\"\nthreads = 5\ntrust = [\"10.0.0.0/8\", \"fd00::/8\"]\n\
         listen-tls = [\"127.0.0.1:4\"]\n[timeouts]\nhead = \"3s\"\n",
    )
    .unwrap();
    let by_default = || Program::new().arg("config").variable("KELISIM_UPSTREAM", "http://any:1");
    let by_file = || Program::new().arg("config").arg("--config").arg(path.to_str().unwrap());
    let by_variable = || {
        by_file()
            .variable("KELISIM_THREADS", "6")
            .variable("KELISIM_TRUST", "10.1.0.0/16,10.2.0.0/16")
    };
    let by_flag = || {
        let more =
            ["--threads", "7", "--trust", "10.3.0.0/16,10.4.0.0/16", "--trust", "10.5.0.0/16"];
        more.iter().fold(by_variable(), |program, arg| program.arg(arg))
    };
    for (program, threads, trust) in [
        (by_default(), None, &[][..]),
        (by_file(), Some(5), &["10.0.0.0/8", "fd00::/8"]),
        (by_variable(), Some(6), &["10.1.0.0/16", "10.2.0.0/16"]),
        (by_flag(), Some(7), &["10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16"]),
    ] {
        let settings = in_effect(program);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let given = settings.threads.map(kelisim::settings::Count::get);
        assert_eq!(given, Some(threads.unwrap_or(cores)));
        let given: Vec<_> = settings.trust.iter().map(ToString::to_string).collect();
        assert_eq!(given, trust);
    }
    let settings = in_effect(by_flag());
    assert_eq!(
        settings.timeouts.head.to_string(),
        "3s",
        "what nobody gives stays as the file says"
    );
    assert_eq!(settings.timeouts.idle.to_string(), "1m 15s", "and what the file leaves open");
    // The default of one may follow from another; an empty variable empties a list.
    assert_eq!(settings.listen, Some(Vec::new()), "TLS alone is listened on");
    let settings = in_effect(by_file().variable("KELISIM_LISTEN_TLS", ""));
    assert_eq!(settings.listen, Some(vec!["127.0.0.1:8080".parse().unwrap()]));
}

#[test]
fn what_is_shown_as_in_effect_starts_the_same_gateway() {
    let program = || Program::new().arg("config").arg("--upstream").arg("http://a:1");
    let (_, text, _) = program().arg("--listen").arg("[::1]:1,127.0.0.1:2").print();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shown.toml");
    fs::write(&path, &text).unwrap();
    let again = Program::new().arg("config").variable("KELISIM_CONFIG", path.to_str().unwrap());
    assert_eq!(again.print().1, text);
}

#[test]
fn what_is_unknown_or_unfit_in_the_file_is_named_with_its_line_and_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kelisim.toml");
    for (text, said) in [
        ("\nlissten = []", "kelisim.toml:2: unknown field `lissten`; did you mean `listen`?"),
        ("[timeouts]\nheed = \"1s\"", "kelisim.toml:2: unknown field `heed`; did you mean `head`?"),
        // The nearest is looked for in the same table.
        (
            "[timeouts]\nstreems = 1",
            "kelisim.toml:2: unknown field `streems`, expected one of `head`",
        ),
        (
            "[limits]\n\nstream_window = \"64KiB\"",
            "kelisim.toml:3: unknown field `stream_window`; did",
        ),
        ("[limit]\nstreams = 1", "kelisim.toml:1: unknown field `limit`; did you mean `limits`?"),
        (
            "[timeouts]\nhead = 10",
            "kelisim.toml:2: invalid type: integer `10`, expected a time with",
        ),
        (
            "[timeouts]\nhead = \"10\"",
            "kelisim.toml:2: invalid value: string \"10\", expected a time",
        ),
        ("[timeouts]\nhead = \"ten seconds\"", "such as \"10s\""),
        ("[timeouts]\nhead = \"0s\"", "from \"1ms\" to \"24h\""),
        ("[limits]\nstream-window = \"64KB\"", "a size from \"16KiB\" to \"16MiB\""),
        ("[limits]\nstream-window = 65536", "such as \"64KiB\""),
        (
            "[limits]\nstreams = 0",
            "kelisim.toml:2: invalid value: integer `0`, expected a whole number",
        ),
        ("upstream = \"a:1\"", "kelisim.toml:1: `a:1`: not an address; write `http://HOST"),
        ("threads = 2000", "expected a whole number from 1 to 1024"),
        ("admin = \"localhost\"", "kelisim.toml:1: `\"localhost\"`: invalid socket address"),
        ("trust = [\"10.0.0.0/64\"]", "kelisim.toml:1: `10.0.0.0/64` is no network"),
        ("trust = [\"cloudfare\"]", "did you mean `cloudflare`?"),
        ("[[body]]\npath = \"upload\"", "`[[body]]` path `upload`: write it from its `/` on"),
        ("[[body]]\nbytes = \"1GB\"", "a size from \"0B\" to \"1024TiB\""),
        ("listen = [\n  \"127.0.0.1:1\",\n  \"here\",\n]", "kelisim.toml:3: `\"here\"`: "),
        ("threads = 1\nthreads = 2", "kelisim.toml:2: "),
        ("threads =", "kelisim.toml:1: "),
        ("listen = []", "name an address"),
        (
            "[upstreams.a]\nserves = []",
            "kelisim.toml:2: unknown field `serves`; did you mean `serv",
        ),
        ("[upstreams.a]\nservers = [\"a:1\"]", "`a:1`: not an address; write `http://HOST"),
        ("[upstreams.a]\nbalance = \"random\"", "kelisim.toml:2: `random`: write `round-robin` or"),
        ("[upstreams.a.tls]\ncert = \"a\"", "kelisim.toml:2: unknown field `cert`"),
        ("[upstreams.a]\npending = 1", "`upstreams.a`: no servers; give `servers = ["),
        (
            "[[route]]\nhost = \"a.kz:80\"",
            "kelisim.toml:2: `a.kz:80`: write a host without its port",
        ),
        ("[[route]]\nupstream = \"b\"", "a route goes to `b`; there is no `[upstreams.b]`"),
        ("", "--upstream http://HOST:PORT"),
    ] {
        let site = if text.is_empty() { "" } else { "http://127.0.0.1:1" };
        fs::write(&path, text).unwrap();
        for command in ["run", "config"] {
            let mut program = Program::new().arg(command).arg("--config");
            program = program.arg(path.to_str().unwrap());
            if !site.is_empty() {
                program = program.arg("--upstream").arg(site);
            }
            let Ended { code, stderr } = program.end();
            assert_eq!(code, Some(2), "{text}: {stderr}");
            assert!(stderr.contains(said), "{text}\nshould be refused with\n{said}\nnot\n{stderr}");
        }
    }
}

#[test]
fn the_example_in_the_docs_starts_a_gateway() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operate.md");
    let page = fs::read_to_string(page).unwrap();
    let examples: Vec<_> = page.split("```toml\n").skip(1).collect();
    assert!(!examples.is_empty(), "the page has an example");
    for example in examples {
        let example = example.split("```").next().expect("a part");
        let settings = parsed(example);
        assert_eq!(parsed(&settings.to_toml().unwrap()), settings);
        settings.config().unwrap_or_else(|error| panic!("{error}\n{example}"));
    }
}

#[test]
fn what_is_unfit_in_a_flag_or_a_variable_is_named_as_it_was_given() {
    let program = || Program::new().arg("config").arg("--upstream").arg("http://127.0.0.1:1");
    for (program, said) in [
        (
            program().arg("--threads").arg("0"),
            "`--threads 0`: invalid value: integer `0`, expected",
        ),
        (
            program().arg("--threads").arg("x"),
            "`--threads x`: invalid type: string \"x\", expected",
        ),
        (program().variable("KELISIM_THREADS", "2000"), "`KELISIM_THREADS 2000`: "),
        (program().variable("KELISIM_TRUST", "10.0.0.0/64"), "`KELISIM_TRUST 10.0.0.0/64`: "),
        (program().arg("--listen").arg("127.0.0.1:1,here"), "`--listen 127.0.0.1:1,here`: "),
        (program().arg("--treads").arg("1"), "'--threads'"),
    ] {
        let Ended { code, stderr } = program.end();
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(said), "{said}\nis not said in\n{stderr}");
    }
}
