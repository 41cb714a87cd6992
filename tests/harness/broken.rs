//! Rules that are broken, each in one way.
//!
//! They are the shipped ones with one change, so that nothing else is wrong with them.

use std::fs;
use std::path::{Path, PathBuf};

use super::program::{Ended, Program};

/// A copy of the shipped rules, to be broken.
pub(crate) struct Rules(tempfile::TempDir);

impl Rules {
    /// A copy.
    pub(crate) fn copy() -> Rules {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in kelisim::config::rule_files(Path::new("rules")).unwrap() {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Rules(folder)
    }

    /// A copy with the vendors of `tests/explained/`, and without comments in `site.toml`: what is printed
    /// of these does not change when the shipped rules do.
    pub(crate) fn known() -> Rules {
        let rules = Rules::copy();
        fs::remove_dir_all(rules.path("vendors")).unwrap();
        fs::create_dir(rules.path("vendors")).unwrap();
        for entry in fs::read_dir("tests/explained/vendors").unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            fs::copy(&path, rules.path("vendors").join(name)).unwrap();
        }
        let site = fs::read_to_string(rules.path("site.toml")).unwrap();
        let lines = site.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        fs::write(rules.path("site.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
        rules
    }

    /// Their folder.
    pub(crate) fn folder(&self) -> &str {
        self.0.path().to_str().expect("a temporary folder's name is text")
    }

    /// The place of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts `new` in the first place of `old`, and returns the line of that place.
    pub(crate) fn change(&self, name: &str, old: &str, new: &str) -> usize {
        let text = fs::read_to_string(self.path(name)).unwrap();
        let at = text.find(old).unwrap_or_else(|| panic!("{name} no longer says `{old}`"));
        fs::write(self.path(name), text.replacen(old, new, 1)).unwrap();
        text[..at].matches('\n').count() + 1
    }

    /// What `kelisim check` says of them.
    pub(crate) fn check(&self) -> Ended {
        Program::new().arg("check").arg("--rules").arg(self.folder()).end()
    }
}

/// A file, what is changed in it, how many lines above the change its entry begins, and what the
/// problem has to say.
pub(crate) type Break = (&'static str, &'static str, &'static str, usize, &'static [&'static str]);

/// The shipped policy.
pub(crate) const POLICY: &str = "policy/2025-10-01.toml";
/// A vendor's file.
pub(crate) const METRICA: &str = "vendors/yandex-metrica.toml";
/// That of a vendor without a stub.
pub(crate) const LIVEINTERNET: &str = "vendors/liveinternet.toml";
/// The site's own file.
pub(crate) const OWN: &str = "vendors/own.toml";

/// Ways to break them.
pub(crate) const BREAKS: &[Break] = &[
    (OWN, "name = \"send-box.com\"", "name = \"\"", 0, &["`name` is empty", "say whose"]),
    (
        METRICA,
        "recipient = \"yandex-metrica\"",
        "recipient = \"\"",
        0,
        &["`recipient` is empty", "as the policy does"],
    ),
    (METRICA, "names = { kk", "names = { kz", 0, &["`names.kz`", "there are en, kk, ru"]),
    (
        METRICA,
        "ru = \"Яндекс.Метрика\" }",
        "ru = \"\" }",
        0,
        &["`names.ru` is empty", "leave it out"],
    ),
    (OWN, "name = \"send-box.com\"", "name = \"send-box.com", 0, &["string"]),
    ("site.toml", "control = ", "controll = ", 0, &["`controll`", "did you mean `control`?"]),
    (
        "site.toml",
        "\"button\"\n\n# Lets",
        "\"buton\"\n\n# Lets",
        0,
        &["`buton`", "did you mean `button`?"],
    ),
    (
        "site.toml",
        "# suspended = [\"analytics\"]",
        "suspended = [\"analitics\"]",
        0,
        &["`analitics`", "did you mean `analytics`?"],
    ),
    (
        "site.toml",
        "# share = \"send-box.com\"",
        "share = \"sendbox.kz\"",
        0,
        &["sendbox.kz", "`hosts`"],
    ),
    (
        "site.toml",
        "# mode = \"observe\"",
        "mode = \"observed\"",
        0,
        &["`observed`", "did you mean `observe`?"],
    ),
    (
        "site.toml",
        "# mode = \"observe\"",
        "mod = \"observe\"",
        0,
        &["`mod`", "did you mean `mode`?"],
    ),
    (
        "site.toml",
        "# mode = \"observe\"",
        "unlisted = { scripts = \"block\" }",
        0,
        &["unknown variant `block`", "`withhold`"],
    ),
    (
        "site.toml",
        "# [unlisted]\n# scripts = \"withhold\"\n# cookies = \"withhold\"\n# except",
        "[unlisted]\nexcept",
        0,
        &["whose scripts pass all the same", "`scripts = \"withhold\"`"],
    ),
    (
        "site.toml",
        "# [[exempt]]\n# path = \"/shop\"\n# until = \"2026-12-24\"",
        "[[exempt]]\npath = \"/shop\"\nuntil = \"2026-12-24\"",
        0,
        &["missing field `reason`"],
    ),
    (
        "site.toml",
        "# [[exempt]]\n# path = \"/shop\"\n# until = \"2026-12-24\"\n# reason",
        "[[exempt]]\npath = \"/shop\"\nreason",
        0,
        &["missing field `until`"],
    ),
    (
        "site.toml",
        "# [[exempt]]\n# path = \"/shop\"\n# until = \"2026-12-24\"\n# reason",
        "[[exempt]]\npath = \"/\"\nuntil = \"2026-12-24\"\nreason",
        0,
        &["`/` is the whole site", "mode = \"observe\""],
    ),
    (
        "site.toml",
        "# [[exempt]]\n# path = \"/shop\"\n# until = \"2026-12-24\"\n# reason",
        "[[exempt]]\npath = \"/shop/*\"\nuntil = \"2026-12-24\"\nreason",
        0,
        &["`/shop/*`", "no plain path"],
    ),
    (
        "site.toml",
        "# [[site-banner]]\n# action = \"hide\"\n# selector = \"#cookie-bar\"",
        "[[site-banner]]\naction = \"hide\"",
        0,
        &["needs a `selector`"],
    ),
    (
        "site.toml",
        "# [[site-banner]]\n# action = \"hide\"\n# selector = \"#cookie-bar\"",
        "[[site-banner]]\naction = \"hide\"\nselector = \"div}\"",
        0,
        &["`div}`", "`#cookie-bar`"],
    ),
    (
        METRICA,
        "purpose = \"analytics\"",
        "purpose = \"analitics\"",
        0,
        &["unknown purpose `analitics`", "did you mean `analytics`?"],
    ),
    (
        METRICA,
        "recipient = \"yandex-metrica\"",
        "recipient = \"yandex-metrika\"",
        0,
        &["`yandex-metrika`", "did you mean `yandex-metrica`?"],
    ),
    (
        METRICA,
        "host = \"mc.yandex.*\"",
        "host = \"https://mc.yandex.*\"",
        1,
        &["`https://mc.yandex.*`", "write `mc.yandex.ru`"],
    ),
    (
        METRICA,
        "host = \"mc.webvisor.com\"",
        "hosts = \"mc.webvisor.com\"",
        1,
        &["`hosts`", "did you mean `host`?"],
    ),
    (METRICA, "(?:org|com)", "(?:org|com", 1, &["no regular expression", "unclosed group"]),
    (
        METRICA,
        "\"https://mc.yandex.kz/watch/101234567/1?wmode=7\"",
        "\"mc.yandex.kz/watch\"",
        8,
        &["`mc.yandex.kz/watch`", "`https://`"],
    ),
    (OWN, "is = [\"sb_session\"]", "is = [\"sb_sesion\"]", 2, &["`sb_sesion`", "under `is`"]),
    (
        OWN,
        "is_not = [\"sb_session_ab\", \"session\"]",
        "is_not = [\"sb_session\"]",
        3,
        &["`sb_session`", "under `is_not`"],
    ),
    (OWN, "is = [\"sb_lang\"]\n", "", 2, &["missing field `is`"]),
    (OWN, "is_not = [\"lang\"]", "is_not = []", 3, &["`is_not` is empty", "example"]),
    (OWN, "name = \"sb_lang\"", "name = \"sb lang\"", 1, &["`sb lang`", "`_ga`"]),
    (
        OWN,
        "[[cookie]]\nname = \"sb_lang\"\nis = [\"sb_lang\"]\nis_not = [\"lang\"]\nrole = \"preference\"",
        "[[storage]]\nname = \"sb_lang\"\nis = [\"sb_lang\"]\nis_not = [\"lang\"]",
        17,
        &["`operator` has `[[storage]]`", "leave it out"],
    ),
    (METRICA, "name = \"_ym*\"", "name = \"_ym *\"", 1, &["`_ym *` is no key", "`_ym_uid`"]),
    (METRICA, "is = [\"zz\"]", "is = [\"zzz\"]", 2, &["`zzz`", "under `is`"]),
    (
        METRICA,
        "recipient = \"yandex-metrica\"",
        "action = \"holdd\"\nrecipient = \"yandex-metrica\"",
        0,
        &["`holdd`", "did you mean `hold`?"],
    ),
    (
        METRICA,
        "host = \"mc.webvisor.com\"",
        "action = \"report\"\nhost = \"mc.webvisor.com\"",
        0,
        &["unknown variant `report`", "`report-only`"],
    ),
    (
        METRICA,
        "name = \"metrika_enabled\"",
        "action = \"stub\"\nname = \"metrika_enabled\"",
        1,
        &["a cookie has no stub", "take `action = \"hold\"`"],
    ),
    (METRICA, "name = \"zz\"", "action = \"hold\"\nname = \"zz\"", 0, &["unknown field `action`"]),
    (
        LIVEINTERNET,
        "recipient = \"liveinternet\"",
        "action = \"stub\"\nrecipient = \"liveinternet\"",
        0,
        &["`action = \"stub\"` needs a `[stub]`", "or take `hold`"],
    ),
    (
        LIVEINTERNET,
        "host = \"counter.yadro.ru\"",
        "action = \"stub\"\nhost = \"counter.yadro.ru\"",
        1,
        &["`action = \"stub\"` needs a `[stub]`", "or take `hold`"],
    ),
    (
        "site.toml",
        "[operator]\nbin",
        "[[path]]\nvendor = \"liveinternet\"\npath = \"/li/*\"\naction = \"stub\"\nis = [\"/li/a\"]\n\
         is_not = [\"/l\"]\n\n[operator]\nbin",
        0,
        &["`action = \"stub\"` needs a `[stub]`", "or take `hold`"],
    ),
    (
        OWN,
        "recipient = \"operator\"",
        "action = \"strip\"\nrecipient = \"operator\"",
        0,
        &["what is the site's own never is", "leave it out"],
    ),
    (
        OWN,
        "name = \"sb_lang\"",
        "action = \"report-only\"\nname = \"sb_lang\"",
        1,
        &["what is the site's own never is", "leave it out"],
    ),
    (
        POLICY,
        "basis = \"legitimate-interest\"",
        "basis = \"legitimate-intrest\"",
        0,
        &["unknown basis `legitimate-intrest`", "did you mean `legitimate-interest`?"],
    ),
    (
        POLICY,
        "[\"phone\", \"cookie\", \"access-time\"]",
        "[\"phone\", \"cooky\", \"access-time\"]",
        0,
        &["unknown category `cooky`", "did you mean `cookie`?"],
    ),
    (
        POLICY,
        "recipients = [\"state-bodies\"]",
        "recipients = [\"state-bodys\"]",
        6,
        &["unknown recipient `state-bodys`", "did you mean `state-bodies`?"],
    ),
    (POLICY, "keep_days = 30", "keep_days = \"30\"", 0, &["invalid type", "30"]),
    (
        POLICY,
        "announced = \"2025-09-24\"",
        "announced = \"24.09.2025\"",
        0,
        &["24.09.2025", "2026-11-22"],
    ),
    (
        POLICY,
        "announced = \"2025-09-24\"",
        "announced = \"2025-09-25\"",
        0,
        &["2025-09-25", "7 days", "2025-10-02"],
    ),
    (POLICY, "id = \"scoring\"", "id = \"contract\"", 1, &["purpose `contract` stands here twice"]),
    (
        POLICY,
        "en = \"Running the site and supporting its users\"\n",
        "",
        12,
        &["`operation`", "lacks language `en`"],
    ),
    ("texts/ru.toml", "agree = \"Согласиться\"\n", "", 10, &["missing field `agree`"]),
    ("texts/ru.toml", "free = ", "fre = ", 0, &["`fre`", "did you mean `free`?"]),
    ("texts/en.toml", "{recipients} will", "{recipient} will", 0, &["banner.who", "`{recipient}`"]),
];
