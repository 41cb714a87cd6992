//! The shipped rules load, and broken ones say what is wrong with them.

use std::path::Path;

#[test]
fn the_shipped_rules_pass_their_own_examples() {
    let files = kelisim::config::rule_files(Path::new("rules")).unwrap();
    if let Err(problems) = kelisim::rules::load("rules", &files) {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    }
}
