//! The schemas of rule files, which editors read: they know what the loader knows.
//!
//! They are shipped in `rules/.schema/`, where the `#:schema` line of each file names them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use kelisim::config::rule_files;
use kelisim::rules::{self, FileKind, RuleFile};
use serde_json::Value;

static SHIPPED: LazyLock<Vec<RuleFile>> =
    LazyLock::new(|| rule_files(Path::new("rules")).expect("the shipped rules"));

fn kind_of(name: &str) -> FileKind {
    match name.split_once('/') {
        None if name == "csp.toml" => FileKind::Csp,
        None => FileKind::Site,
        Some(("vendors", _)) => FileKind::Vendor,
        Some(("policy", _)) => FileKind::Policy,
        Some(("texts", _)) => FileKind::Texts,
        Some(("lists", _)) => FileKind::List,
        Some(_) => panic!("{name} is no rule file"),
    }
}

fn schema(kind: FileKind) -> Value {
    serde_json::from_str(&kind.schema()).expect("a schema is JSON")
}

fn validator(kind: FileKind) -> Validator {
    jsonschema::draft7::new(&schema(kind)).expect("it is a schema")
}

fn value(text: &str) -> Value {
    toml::from_str(text).expect("it is TOML")
}

#[test]
fn the_shipped_files_keep_to_their_schemas_and_name_them() {
    for (name, text) in SHIPPED.iter() {
        let kind = kind_of(name);
        let file = value(text);
        let errors: Vec<_> =
            validator(kind).iter_errors(&file).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let named = text.lines().next().and_then(|line| line.strip_prefix("#:schema "));
        let place = Path::new("rules").join(name).parent().expect("a folder").to_owned();
        let named = place.join(named.unwrap_or_else(|| panic!("{name} names no schema")));
        let there = named.canonicalize().expect("the schema is there");
        assert!(there.ends_with(format!("rules/.schema/{}.json", kind.name())), "{name}");
    }
}

#[test]
fn the_shipped_schemas_are_those_that_the_program_prints() {
    for kind in FileKind::ALL {
        let path = PathBuf::from(format!("rules/.schema/{}.json", kind.name()));
        if std::env::var_os("KELISIM_BLESS").is_some() {
            std::fs::create_dir_all("rules/.schema").expect("a folder");
            std::fs::write(&path, kind.schema()).expect("it can be written");
        }
        let shipped = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            shipped == kind.schema(),
            "{} is an older schema; write it anew with KELISIM_BLESS=1",
            path.display()
        );
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_kelisim"))
            .args(["schema", kind.name()])
            .output()
            .expect("the program starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), kind.schema());
    }
}

#[test]
fn the_shipped_schema_of_a_receipt_is_the_one_that_the_program_prints() {
    let path = PathBuf::from("rules/.schema/receipt.json");
    let schema = kelisim::subject::receipt::schema();
    if std::env::var_os("KELISIM_BLESS").is_some() {
        std::fs::write(&path, &schema).expect("it can be written");
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == schema, "an older schema; write it anew with KELISIM_BLESS=1");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kelisim"))
        .args(["schema", "receipt"])
        .output()
        .expect("the program starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), schema);
}

#[test]
fn what_is_imported_keeps_to_its_schema_and_a_slip_in_it_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy("rules/site.toml", folder.path().join("site.toml")).expect("it can be copied");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kelisim"))
        .args([
            "import",
            "tests/imported/our-trackers.txt",
            "tests/imported/Our_Cookies.csv",
            "--rules",
        ])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    let judge = validator(FileKind::List);
    for name in ["our-trackers", "our-cookies-analytics"] {
        let file = folder.path().join(format!("lists/{name}.toml"));
        let text = std::fs::read_to_string(file).expect("it was written");
        let errors: Vec<_> =
            judge.iter_errors(&value(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        for (right, wrong) in
            [("report-only", "report"), ("licence", "license"), ("\"analytics\"", "\"x\"")]
        {
            assert!(!judge.is_valid(&value(&text.replace(right, wrong))), "{name}: {wrong}");
        }
    }
}

/// What is wrong with the shipped rules when one file is another.
fn problems(name: &str, file: &Value) -> Vec<String> {
    let text = toml::to_string(file).expect("it was TOML");
    let mut files = SHIPPED.clone();
    let at = files.iter().position(|(other, _)| other == name).expect("it is shipped");
    files[at].1 = text;
    match rules::load("rules", &files) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| problem.text.clone()).collect(),
    }
}

/// Where tables stand in a file; of the entries of a list the first stands for all.
fn tables(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(table) => {
            found.push(at.to_owned());
            for (key, value) in table {
                tables(
                    value,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(list) => {
            if let Some(first) = list.first() {
                tables(first, &format!("{at}/0"), found);
            }
        }
        _ => {}
    }
}

/// Whether the loader does not know a key, or misses one.
fn is_about_a_key(problem: &str) -> bool {
    problem.starts_with("unknown field") || problem.starts_with("missing field")
}

#[test]
fn each_key_that_the_loader_refuses_or_misses_the_schema_does_too_and_no_other() {
    let (mut refused, mut passed) = (0, 0);
    for (name, kind) in [
        ("site.toml", FileKind::Site),
        ("vendors/google-tag-manager.toml", FileKind::Vendor),
        ("policy/2025-10-01.toml", FileKind::Policy),
        ("texts/en.toml", FileKind::Texts),
    ] {
        let judge = validator(kind);
        let (_, text) = SHIPPED.iter().find(|(other, _)| other == name).expect("it is shipped");
        let whole = value(text);
        let mut places = Vec::new();
        tables(&whole, "", &mut places);
        for place in places {
            let table = whole.pointer(&place).and_then(Value::as_object).expect("a table");
            let mut others = vec![{
                let mut more = table.clone();
                more.insert("zzzz".to_owned(), Value::from("x"));
                more
            }];
            for key in table.keys() {
                let mut less = table.clone();
                less.remove(key);
                others.push(less);
            }
            for other in others {
                let mut file = whole.clone();
                *file.pointer_mut(&place).expect("a table") = Value::Object(other.clone());
                let problems = problems(name, &file);
                let by_loader = problems.iter().any(|problem| is_about_a_key(problem));
                let by_schema = !judge.is_valid(&file);
                assert_eq!(by_loader, by_schema, "{name}{place} as {other:?}: {problems:?}");
                refused += usize::from(by_schema);
                passed += usize::from(!by_schema);
            }
        }
    }
    assert!(refused > 100 && passed > 10, "{refused} refused, {passed} passed");
}

#[test]
fn names_from_a_closed_list_are_refused_by_the_schema_too() {
    for (kind, name, old, new) in [
        (FileKind::Site, "site.toml", "control = \"button\"", "control = \"buton\""),
        (FileKind::Vendor, "vendors/own.toml", "purpose = \"operation\"", "purpose = \"x\""),
        (FileKind::Policy, "policy/2025-10-01.toml", "basis = \"consent\"", "basis = \"x\""),
        (FileKind::Policy, "policy/2025-10-01.toml", "\"2025-09-24\"", "\"24.09.2025\""),
        (FileKind::Policy, "policy/2025-10-01.toml", "keep_days = 30", "keep_days = \"30\""),
        (FileKind::Texts, "texts/ru.toml", "title = \"", "title = [] # \""),
    ] {
        let (_, text) = SHIPPED.iter().find(|(other, _)| other == name).expect("it is shipped");
        assert!(text.contains(old), "{name} no longer says `{old}`");
        let file = value(&text.replacen(old, new, 1));
        assert!(!validator(kind).is_valid(&file), "{name}: {new}");
        assert!(!problems(name, &file).is_empty(), "{name}: {new}");
    }
}
