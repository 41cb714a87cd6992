//! The policy's versions as the operator meets them: `kelisim check`.
//!
//! What visitors meet stands in `tests/scenarios/`: `policy_announced.txt`, `cookie_declaration.txt`.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;

use harness::broken::{POLICY, Rules};

/// The shipped policy as a version of another day.
fn version(rules: &Rules, announced: &str, in_force: &str, more: &str) -> String {
    let text = fs::read_to_string(rules.path(POLICY)).unwrap();
    let text = text
        .replace("announced = \"2025-09-24\"", &format!("announced = \"{announced}\"{more}"))
        .replace("in_force = \"2025-10-01\"", &format!("in_force = \"{in_force}\""));
    let name = format!("policy/{in_force}.toml");
    fs::write(rules.path(&name), text).unwrap();
    name
}

#[test]
fn a_version_with_six_days_of_notice_is_refused_and_one_with_seven_is_not() {
    let rules = Rules::copy();
    version(&rules, "2026-11-24", "2026-12-01", "");
    let seven = rules.check();
    assert_eq!(seven.code, Some(0), "{}", seven.stderr);

    let name = version(&rules, "2026-11-25", "2026-12-01", "");
    let line = rules.change(&name, "announced = \"2026-11-25\"", "announced = \"2026-11-25\"");
    let six = rules.check();
    assert_eq!(six.code, Some(1));
    let problem = format!(
        "{name}:{line}: announced 2026-11-25, in force 2026-12-01: visitors are told 7 days ahead \
         (policy 2.3); the earliest day in force would be 2026-12-02"
    );
    assert!(six.stderr.contains(&problem), "{}", six.stderr);
}

#[test]
fn a_summary_is_there_in_every_language_or_not_at_all() {
    let rules = Rules::copy();
    let summary = "\nsummary = { kk = \"а\", ru = \"б\", en = \"c\" }";
    let name = version(&rules, "2026-11-20", "2026-12-01", summary);
    assert_eq!(rules.check().code, Some(0));
    let line = rules.change(&name, "kk = \"а\", ", "");
    let refused = rules.check();
    assert_eq!(refused.code, Some(1));
    let problem = format!("{name}:{line}: summary lacks language `kk`");
    assert!(refused.stderr.contains(&problem), "{}", refused.stderr);
}
