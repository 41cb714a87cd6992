//! What a visitor is owed, kept across processes: proof of each choice, and to be forgotten.
//!
//! The gateway is the program itself; receipts are checked by the command that anybody can run, and the
//! record by reading its file.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod chain;
    pub(crate) mod choices;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;
use std::path::Path;

use harness::chain;
use harness::choices::{AGREE, DECLINE, analytics, choose, cookie, get, text};
use harness::message::Message;
use harness::program::{Gateway, Program, ask};
use harness::site::Site;
use rusqlite::Connection;
use serde_json::Value;

fn json(message: &Message) -> Value {
    serde_json::from_slice(&message.body).expect("it is JSON")
}

fn forget(gateway: &Gateway, cookie: &str) -> Message {
    let request = format!(
        "POST /.consent/forget HTTP/1.1\r\nHost: send-box.com\r\nAccept: application/json\r\n\
         Cookie: {cookie}\r\nContent-Length: 0\r\n\r\n"
    );
    ask(gateway.plain, &request)
}

/// What is held of the visitor with this cookie.
fn me(gateway: &Gateway, cookie: &str) -> Value {
    json(&get(gateway.plain, "/.consent/me.json", cookie))
}

fn record(data: &Path) -> Connection {
    Connection::open(data.join("consent.db")).expect("the record opens")
}

/// `kelisim receipt verify`: its exit code, and all that it says.
fn verify(receipt: &[u8], keys: Option<&[u8]>) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receipt.json");
    fs::write(&file, receipt).unwrap();
    let mut program = Program::new().arg("receipt").arg("verify").arg(file.to_str().unwrap());
    if let Some(keys) = keys {
        let path = folder.path().join("consent-key");
        fs::write(&path, keys).unwrap();
        program = program.arg("--key").arg(path.to_str().unwrap());
    }
    let (code, out, err) = program.print();
    (code, out + &err)
}

#[test]
fn each_choice_has_a_receipt_that_anybody_can_check() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let schema = fs::read_to_string("rules/.schema/receipt.json").expect("it is shipped");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let judge = jsonschema::draft7::new(&schema).expect("it is a schema");
    let keys = get(gateway.plain, "/.well-known/consent-key", "").body;

    let agreed = choose(&gateway, AGREE, "");
    let withdrawn = choose(&gateway, DECLINE, &cookie(&agreed));
    let declined = choose(&gateway, DECLINE, "");
    for (answer, status, known) in [
        (&agreed, "dpv:ConsentGiven", true),
        (&withdrawn, "dpv:ConsentWithdrawn", true),
        (&declined, "dpv:ConsentRefused", false),
    ] {
        let (body, id) = (json(answer), json(answer)["record"].as_str().unwrap().to_owned());
        let handed = serde_json::to_vec(&body["receipt"]).unwrap();
        let again = get(gateway.plain, &format!("/.consent/receipt/{id}"), "").body;
        for receipt in [&handed, &again] {
            let value: Value = serde_json::from_slice(receipt).unwrap();
            let errors: Vec<_> = judge.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}\n{value:#}");
            let record = &value["dct:source"];
            assert_eq!(record["dct:identifier"], id);
            assert_eq!(record["dpv:hasDataSubject"].is_object(), known, "{status}");
            let process = &record["dpv:hasProcess"][0];
            assert_eq!(process["dpv:hasConsentStatus"]["@type"], status);
            let (code, said) = verify(receipt, Some(&keys));
            assert_eq!(code, Some(0), "{said}");
            assert!(
                said.contains("which is one of the keys given") && said.contains(&id),
                "{said}"
            );
        }
        let one = |receipt: &[u8]| serde_json::from_slice::<Value>(receipt).unwrap();
        let (one, two) = (one(&handed), one(&again));
        assert_eq!(one["dct:source"], two["dct:source"], "the record has one content");
        assert_ne!(one["dct:identifier"], two["dct:identifier"], "each receipt is its own");
    }
    // A slip is refused by the schema, too.
    let mut other = json(&agreed)["receipt"].clone();
    other["dct:source"]["dpv:hasDataController"]["dct:identifier"] = "BIN".into();
    assert!(!judge.is_valid(&other));

    let receipt = serde_json::to_vec(&json(&agreed)["receipt"]).unwrap();
    let (code, said) = verify(&receipt, None);
    assert!(code == Some(0) && said.contains("whose key that is, is not known"), "{said}");
    let flipped = String::from_utf8(receipt.clone()).unwrap().replacen("SENDBOX", "SENDBOY", 1);
    let (code, said) = verify(flipped.as_bytes(), Some(&keys));
    assert_eq!(code, Some(1));
    assert!(said.contains("receipt.json: the signature does not hold"), "{said}");
    let theirs = tempfile::tempdir().unwrap();
    let other = Program::run(site.address, theirs.path()).start();
    let theirs = get(other.plain, "/.well-known/consent-key", "").body;
    let (code, said) = verify(&receipt, Some(&theirs));
    assert!(code == Some(1) && said.contains("is none of those that were given"), "{said}");
}

#[test]
fn a_receipt_can_be_given_when_the_policy_and_the_operator_are_others() {
    let (data, rules) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let site = Site::start();
    copy(Path::new("rules"), rules.path());
    let run = || {
        let program = Program::run(site.address, data.path());
        program.variable("KELISIM_RULES", rules.path().to_str().unwrap()).start()
    };
    let gateway = run();
    let id = json(&choose(&gateway, AGREE, ""))["record"].as_str().unwrap().to_owned();
    let path = format!("/.consent/receipt/{id}");
    let then = json(&get(gateway.plain, &path, ""));
    drop(gateway);
    let change = |file: &str, old: &str, new: &str| {
        let file = rules.path().join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "{old}");
        fs::write(&file, text.replace(old, new)).unwrap();
    };
    change("site.toml", "250740032757", "990000000000");
    change("policy/2025-10-01.toml", "keep_days = 365", "keep_days = 90");
    let gateway = run();
    let now = json(&get(gateway.plain, &path, ""));
    assert_eq!(now["dct:source"], then["dct:source"]);
    let storage = &now["dct:source"]["dpv:hasProcess"][0]["dpv:hasStorageCondition"];
    assert_eq!(storage["dpv:hasDuration"], "P365D");
    let (code, said) = verify(
        &get(gateway.plain, &path, "").body,
        Some(&get(gateway.plain, "/.well-known/consent-key", "").body),
    );
    assert_eq!(code, Some(0), "the key is the same after a restart: {said}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let there = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &there),
            false => drop(fs::copy(entry.path(), there).unwrap()),
        }
    }
}

#[test]
fn who_was_forgotten_stays_forgotten_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    let other = cookie(&choose(&gateway, AGREE, ""));
    let id = me(&gateway, &agreed)["id"].as_str().unwrap().replace('-', "");
    let answer = forget(&gateway, &agreed);
    assert_eq!((answer.status(), json(&answer)["forgotten"].as_u64()), (200, Some(1)));
    gateway.kill();
    for name in ["consent.db", "consent.db-wal"] {
        let file = fs::read(data.path().join(name)).unwrap_or_default();
        assert!(memchr::memmem::find(&file, id.as_bytes()).is_none(), "{name} still knows them");
    }
    let gateway = Program::run(site.address, data.path()).start();
    assert_eq!(analytics(&gateway, &agreed), "withdrawn");
    assert_eq!(me(&gateway, &agreed)["record"]["count"], 0);
    assert_eq!(analytics(&gateway, &other), "permit");
    assert_eq!(me(&gateway, &other)["record"]["count"], 1);
    drop(gateway);
    assert_eq!(chain::verify(&record(data.path())), Ok(3));
}

#[test]
fn where_the_disk_fails_nobody_is_told_that_they_are_forgotten_and_they_have_withdrawn() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    let agreed = cookie(&choose(&gateway, AGREE, ""));
    let lock = record(data.path());
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // The page says what it cannot say, and the rest.
    assert_eq!(me(&gateway, &agreed)["cookie"][0]["state"], "agreed");
    let answer = forget(&gateway, &agreed);
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.values("set-cookie").count(), 0);
    assert!(text(&answer).contains("nothing could be destroyed"), "{}", text(&answer));
    assert_eq!(analytics(&gateway, &agreed), "withdrawn");
    let page = text(&get(gateway.plain, "/.consent/me?lang=en", &agreed));
    assert!(page.contains("The records could not be read just now"), "{page}");
    assert!(me(&gateway, &agreed)["record"].is_null());
    gateway.kill();
    drop(lock);
    let gateway = Program::run(site.address, data.path()).start();
    assert_ne!(analytics(&gateway, &agreed), "permit");
    drop(gateway);
    chain::verify(&record(data.path())).unwrap();
}

/// The Law, art. 8(4): what a consent says, in each language, by the digests of its row alone.
#[test]
fn each_row_resolves_to_all_that_the_law_wants_in_a_consent() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let languages = [
        (
            "kk",
            "«SENDBOX» ЖШС",
            "Алматы",
            ["IP мекен-жайы", "cookie"],
            ["Ресей", "АҚШ"],
            "таратылмайды",
        ),
        (
            "ru",
            "ТОО «SENDBOX»",
            "Алматы",
            ["IP-адрес", "cookie"],
            ["Россия", "США"],
            "не распространяются",
        ),
        (
            "en",
            "SENDBOX LLP",
            "Almaty",
            ["IP address", "cookie"],
            ["Russia", "USA"],
            "not published",
        ),
    ];
    for (language, ..) in languages {
        choose(&gateway, &format!("{AGREE}&lang={language}"), "");
    }
    drop(gateway);
    let record = record(data.path());
    let archived = |digest: &str, kind: &str| -> String {
        let query = "SELECT content FROM archive WHERE digest = ?1 AND kind = ?2";
        record.query_row(query, [digest, kind], |row| row.get(0)).expect("it is archived")
    };
    for (language, name, place, data, countries, public) in languages {
        let row = "SELECT statement, shown, terms, choice.until, visitor FROM event
                   JOIN choice USING (seq) JOIN personal USING (seq) WHERE locale = ?1";
        let columns = |row: &rusqlite::Row<'_>| {
            (0..5).map(|index| row.get::<_, String>(index)).collect::<Result<Vec<_>, _>>()
        };
        let row = record.query_row(row, [language], columns).expect("a row with an id");
        let [statement, shown, terms, until, visitor] = &row[..] else { panic!("{row:?}") };
        // The subject and the term.
        assert!(visitor.len() == 32 && until.ends_with('Z'), "{row:?}");
        let stated: Value = serde_json::from_str(&archived(statement, "statement")).unwrap();
        // The operator: name and number.
        assert_eq!(
            (&stated["operator"]["name"], &stated["operator"]["bin"]),
            (&name.into(), &"250740032757".into())
        );
        assert!(stated["operator"]["address"].as_str().unwrap().contains(place), "{language}");
        let purposes = stated["purposes"].as_array().unwrap();
        let purpose = purposes.iter().find(|purpose| purpose["terms"] == terms.as_str());
        let purpose = purpose.expect("the statement's terms are those of the choice").to_string();
        // The list of data, third parties, transfers abroad, whether data are made public.
        for word in data.iter().chain(&countries) {
            assert!(purpose.contains(word), "{language}: {word} in {purpose}");
        }
        assert!(purpose.contains("\"country\":\"RU\"") && purpose.contains("\"country\":\"US\""));
        assert!(stated["publication"].as_str().unwrap().contains(public), "{language}");
        assert!(stated["term"].as_str().unwrap().contains("12"), "{language}");
        // What stood there in sentences, and the terms that the digest is of.
        assert!(archived(shown, "shown").contains("cc-main"));
        assert!(
            archived(terms, "terms")
                .contains("recipients google-analytics (US) yandex-metrica (RU)")
        );
    }
}
