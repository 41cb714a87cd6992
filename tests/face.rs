//! What visitors see, as far as no browser is needed to see it: the theme and what it may not do, the
//! languages, and what a consent states by the Law.
//!
//! How it looks in a browser is `tests/looks.rs`, what it weighs `tests/weights.rs`.

use std::path::Path;

use data_encoding::BASE64;
use kelisim::banner::pages;
use kelisim::banner::view::{Date, Language, Settings};
use kelisim::face;
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::rules::{self, RuleFile, RuleSet};
use kelisim::snapshot::Snapshot;

fn shipped() -> Vec<RuleFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    kelisim::config::rule_files(&folder).expect("the shipped rules")
}

/// The shipped rules with more in `site.toml`, and more files.
fn with(more: &str, files: &[(&str, &[u8])]) -> Vec<RuleFile> {
    let mut all = shipped();
    let site = all.iter_mut().find(|(name, _)| name == "site.toml").expect("it is shipped");
    site.1.push_str(more);
    all.extend(files.iter().map(|(name, bytes)| ((*name).to_owned(), BASE64.encode(bytes))));
    all
}

fn snapshot(rules: RuleSet) -> Snapshot {
    Snapshot::new(rules, Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]))
}

/// The problems of a theme, without where they stand; each stands on the line that says so.
fn problems(more: &str, files: &[(&str, &[u8])]) -> Vec<String> {
    let before = shipped()
        .iter()
        .find(|(name, _)| name == "site.toml")
        .map(|(_, text)| text.lines().count());
    let told = rules::load("rules", &with(more, files)).expect_err("it is refused");
    told.into_iter()
        .map(|problem| {
            if problem.path.ends_with("site.toml") {
                let line = problem.line.checked_sub(before.unwrap_or_default() + 1);
                let line = line.and_then(|line| more.lines().nth(line)).unwrap_or("(no line)");
                format!("{line}: {}", problem.text)
            } else {
                format!("{}: {}", problem.path, problem.text)
            }
        })
        .collect()
}

#[test]
fn colours_that_cannot_be_read_are_refused_with_one_that_can() {
    let theme =
        "[banner.light]\nquiet = \"#9aa\"\nbutton = \"#ffd84d\"\n[banner.dark]\npaper = \"#333\"\n";
    assert_eq!(
        problems(theme, &[]),
        [
            "quiet = \"#9aa\": `[banner.light]`: quiet #99aaaa upon ground #f3f6f8 has a contrast of 2.2:1 and needs 4.5:1 (WCAG 2.2); `quiet = \"#687373\"` would do",
            "button = \"#ffd84d\": `[banner.light]`: button #ffd84d upon ground #f3f6f8 has a contrast of 1.3:1 and needs 3:1 (WCAG 2.2); `button = \"#a58c32\"` would do",
            "button = \"#ffd84d\": `[banner.light]`: button-ink #ffffff upon button #ffd84d has a contrast of 1.4:1 and needs 4.5:1 (WCAG 2.2); `button-ink = \"#606060\"` would do",
        ]
    );
}

#[test]
fn each_slip_in_a_theme_is_named_where_it_stands() {
    let png: &[u8] = b"\x89PNG\r\n\x1a\n";
    let none: &[(&str, &[u8])] = &[];
    for (more, files, told) in [
        (
            "[banner]\nposition = \"middle\"\n",
            none,
            "position = \"middle\": unknown variant `middle`, expected one of `bottom`, `left`, `right`",
        ),
        (
            "[banner]\nradius = 99\n",
            none,
            "radius = 99: `radius = 99` is too round; say 0 to 24 pixels",
        ),
        (
            "[banner.light]\nink = \"black\"\n",
            none,
            "ink = \"black\": `ink = \"black\"` is no colour; write it as `#12425f`",
        ),
        (
            "[banner]\nscheme = \"light\"\n[banner.dark]\nink = \"#ffffff\"\n",
            none,
            "[banner.dark]: `[banner.dark]` is shown to nobody under this `scheme`; remove one of the two",
        ),
        (
            "[banner]\ncolour = \"#fff\"\n",
            none,
            "colour = \"#fff\": unknown field `colour`, expected one of `position`, `scheme`, `radius`, `logo`, `light`, `dark`",
        ),
        (
            "[banner]\nlogo = \"logo.png\"\n",
            &[("logo.pgn", png), ("loge.png", png)][..],
            "logo = \"logo.png\": logo `logo.png` is no picture in this folder; did you mean `loge.png`?",
        ),
        (
            "[banner]\nlogo = \"logo.svg\"\n",
            &[("logo.svg", png)][..],
            "logo = \"logo.svg\": logo `logo.svg` does not begin as a file that ends in .svg does; save it anew",
        ),
        (
            "",
            &[("old.png", png)][..],
            "rules/old.png: is shown nowhere; name it by `logo` in `[banner]` of `site.toml`, or remove it",
        ),
    ] {
        let problems = problems(more, files);
        assert!(problems.iter().any(|problem| problem == told), "{more}: {problems:#?}");
    }
}

#[test]
fn the_logo_is_served_by_us_and_its_address_changes_with_it() {
    let path = |svg: &[u8]| {
        let files = with("[banner]\nlogo = \"logo.svg\"\n", &[("logo.svg", svg)]);
        let snapshot = snapshot(rules::load("rules", &files).expect("it loads"));
        let logo = snapshot.style.logo.as_ref().expect("there is one");
        assert_eq!(snapshot.style.logo_at(&logo.path).expect("it is served").bytes, svg);
        let face = snapshot.faces().find_map(|face| face.layer.as_ref()).expect("a banner");
        assert!(
            face.shown(&snapshot.style).contains(&format!("src=\"\u{1}origin\u{1}{}\"", logo.path))
        );
        logo.path.clone()
    };
    assert_ne!(path(b"<svg/>"), path(b"<svg />"));
}

/// The settings as a stranger gets them.
fn settings(snapshot: &Snapshot, language: &str) -> String {
    let rules = &snapshot.rules;
    let policy = rules.policies.all().last().expect("there is a policy");
    let texts = rules.texts(language);
    let (cards, withheld) =
        (face::cards(rules, policy, texts), face::withheld(rules, policy, language));
    let view = Settings {
        operator: face::operator(&rules.site.operator, language),
        in_force: Date { year: 2025, month: 10, day: 1 },
        purposes: &cards,
        withheld: &withheld,
        languages: &[Language { code: language, name: &texts.name }],
        token: "",
        shown: "",
        return_to: "/",
        code: None,
        notice: None,
        record: None,
        outcome: None,
        document: None,
        announced: &[],
        forget: "",
    };
    pages::settings(texts, &snapshot.style, &view)
}

/// English, as a language that nobody has spoken here: what its file says for others included.
fn another_language(files: &[RuleFile]) -> String {
    let text = |name: &str| files.iter().find(|(other, _)| other == name).map(|(_, text)| &**text);
    let english = text("texts/en.toml").expect("it is shipped");
    let file = english.replacen("code = \"en\"", "code = \"eo\"\ndir = \"rtl\"", 1);
    let policy: toml::Table =
        text("policy/2025-10-01.toml").and_then(|text| text.parse().ok()).expect("it is TOML");
    let listed = |list: &str| policy[list].as_array().expect("a list").clone();
    let id = |entry: &toml::Value| entry["id"].as_str().expect("an id").to_owned();
    let recipients = listed("recipient")
        .iter()
        .map(|to| format!("{} = \"ricevanto\"\n", id(to)))
        .collect::<Vec<_>>()
        .concat();
    let purpose = |purpose: &toml::Value| {
        let id = id(purpose);
        format!(
            "[translated.policy.2025-10-01.purposes.{id}]\ntitle = \"celo {id}\"\ntext = \"teksto\"\n"
        )
    };
    let purposes: Vec<_> = listed("purpose").iter().map(purpose).collect();
    let more = format!(
        "[translated.operator]\nname = \"SENDBOX\"\naddress = \"Almaty\"\n\
         [translated.policy.2025-10-01.recipients]\n{recipients}{}",
        purposes.concat()
    );
    format!("{file}\n{more}")
}

#[test]
fn another_language_is_one_file() {
    let mut files = shipped();
    let file = another_language(&files);
    for (name, text) in &mut files {
        if name == "site.toml" {
            *text = text.replacen("\"en\"]", "\"en\", \"eo\"]", 1);
        }
    }
    // Listed alone it is missing, and what others say lacks it.
    assert!(rules::load("rules", &files).is_err());
    files.push(("texts/eo.toml".to_owned(), file.clone()));
    let snapshot = snapshot(rules::load("rules", &files).expect("they load"));
    let page = settings(&snapshot, "eo");
    assert!(page.contains("<html lang=\"eo\" dir=\"rtl\">"), "{page}");
    for part in ["SENDBOX", "Ricevanto", "celo analytics", "celo security"] {
        assert!(page.contains(part), "{part}");
    }
    // What the files themselves say counts, and nothing is translated that nobody says.
    assert!(settings(&snapshot, "en").contains("SENDBOX LLP"));
    for (right, wrong, told) in [
        (
            "purposes.analytics]",
            "purposes.analitics]",
            "translates `analitics`, which is no purpose; did you mean `analytics`?",
        ),
        ("yandex-metrica = ", "yandex = ", "recipient `yandex-metrica` lacks language `eo`"),
        (
            "yandex-metrica = ",
            "other = \"x\"\nyandex-metrica = ",
            "translates `other`, which is no recipient of the policy of `2025-10-01`",
        ),
        (
            "policy.2025-10-01.",
            "policy.2025-10-02.",
            "translates the policy of `2025-10-02`, but there is no `policy/2025-10-02.toml`",
        ),
        (
            "title = \"celo security\"",
            "title = \"\"",
            "`translated.policy.2025-10-01.purposes.security.title` is empty",
        ),
        ("no_cookies = ", "no_cookie = ", "unknown field `no_cookie`; did you mean `no_cookies`?"),
    ] {
        files.last_mut().expect("it was added").1 = file.replace(right, wrong);
        let problems = rules::load("rules", &files).expect_err("it is refused");
        assert!(
            problems.iter().any(|problem| problem.text.contains(told)),
            "{wrong}: {problems:#?}"
        );
    }
}

/// Everything that stands under a label in the part of a page.
fn under<'a>(part: &'a str, label: &str) -> &'a str {
    let label = format!("<dt>{label}</dt>");
    let at = part.find(&label).unwrap_or_else(|| panic!("no {label} in {part}")) + label.len();
    part[at..].split("</dd>").next().unwrap_or_default().trim_start().trim_start_matches("<dd>")
}

#[test]
fn the_settings_state_all_that_the_law_wants_in_a_consent() {
    let snapshot = snapshot(rules::load("rules", &shipped()).expect("they load"));
    for (language, operator, data, countries, no) in [
        (
            "kk",
            "«SENDBOX» ЖШС",
            ["IP мекен-жайы", "cookie файлдарының деректері"],
            "Иә: АҚШ және Ресей",
            "Жоқ",
        ),
        ("ru", "ТОО «SENDBOX»", ["IP-адрес", "данные файлов cookie"], "Да: США и Россия", "Нет"),
        ("en", "SENDBOX LLP", ["IP address", "cookie data"], "Yes: USA and Russia", "No"),
    ] {
        let page = settings(&snapshot, language);
        let texts = snapshot.rules.texts(language);
        // 1) the operator's name and BIN.
        let of_operator = page.split("id=\"operator\"").nth(1).expect("a section");
        assert!(of_operator.contains(operator), "{language}");
        assert_eq!(under(of_operator, &texts.settings.bin), "250740032757", "{language}");
        assert!(!under(of_operator, &texts.settings.address).is_empty(), "{language}");
        let asked =
            page.split("id=\"analytics\"").nth(1).and_then(|rest| rest.split("</details>").next());
        let asked = asked.expect("what is asked has a card");
        // 2) the subject. 3) the term.
        assert_eq!(under(asked, &texts.detail.subject), texts.detail.subject_text, "{language}");
        assert_eq!(under(asked, &texts.detail.consent_term), texts.detail.consent_term_text);
        assert!(under(asked, &texts.settings.keep).contains("365"), "{language}");
        // 4) whether third parties receive data, and who. 5) whether they go abroad.
        let recipients = under(asked, &texts.settings.recipients);
        assert!(
            recipients.contains("Google Analytics") && recipients.contains(&texts.countries["RU"])
        );
        assert_eq!(under(asked, &texts.detail.abroad), countries);
        // 6) whether they are made public. 7) the list of data.
        assert_eq!(under(asked, &texts.detail.public), no);
        for name in data {
            let listed = under(asked, &texts.settings.data).to_lowercase();
            assert!(listed.contains(&name.to_lowercase()), "{language}: {name}");
        }
        // Not by the Law, but by us: the basis, the clause, and whose code it is.
        assert!(!under(asked, &texts.settings.basis).is_empty() && asked.contains("4.3"));
        let vendors = under(asked, &texts.detail.vendors);
        assert!(vendors.contains("Google Tag Manager") && !vendors.contains("TikTok"), "{vendors}");
        let withheld = page.split("id=\"withheld\"").nth(1).expect("a card");
        assert!(withheld.contains("TikTok"), "{language}");
    }
}
