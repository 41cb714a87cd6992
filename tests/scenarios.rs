//! The scenarios of `tests/scenarios/`: both sides of a conversation, in plain text.
//!
//! Each file is a test of its own and needs no knowledge of Rust to be read or written; the words
//! are explained in the README there.
//!
//! The list below is checked against the folder, so that no file is forgotten. The harness itself
//! is tested too: a scenario that cannot fail would be worth nothing.

mod harness;

use std::collections::BTreeSet;
use std::path::Path;

fn play(name: &str) {
    let file = format!("tests/scenarios/{name}.txt");
    let source = std::fs::read_to_string(&file).expect("the scenario's file");
    if let Err(failure) = harness::run(&file, &source) {
        panic!("\n{failure}\n");
    }
}

macro_rules! scenarios {
    ($($name:ident)+) => {
        const LISTED: &[&str] = &[$(stringify!($name)),+];
        $(#[test] fn $name() { play(stringify!($name)); })+
    };
}

scenarios! {
    actions
    agree
    agreed_again
    assets
    attestation_unknown
    banner_by_script
    broken_off
    caching
    compressed
    contradiction
    cookie_declaration
    csp_enforce
    csp_learn
    csp_left_alone
    csp_observed
    csp_of_the_site
    csp_worker
    decline
    encodings
    exempt
    expired
    expired_everywhere
    expired_with_documents_only
    first_party
    first_party_by_content
    first_visit
    foreign_base
    forged
    forgotten
    forgotten_after_withdrawal
    form
    form_lay_open
    form_token
    frames_and_fragments
    frames_in_boxes
    global_privacy_control
    head
    hop_by_hop
    in_pieces
    languages
    link_header
    masked_paths
    my_data
    never_extended
    no_cookies_kept
    no_identifier
    nothing_to_do
    observe
    odd_requests
    over_h2
    over_tls
    packed_here
    policy_announced
    policy_announced_twice
    own_cookie
    promised_by_the_page
    purpose_logs
    receipts
    request_cookies
    response_cookies
    resting_connection
    returning
    same_refusal
    selected
    settings
    shared_by_subdomains
    site_banner
    site_down
    site_policy
    suspended
    terms_changed
    two_purposes
    unattested
    undeclared
    unlisted
    unpacks_to_too_much
    unreadable
    withdrawn
    withdrawn_by_an_older_copy
    wording_changed
}

#[test]
fn every_file_of_the_folder_is_listed_and_every_listed_file_is_there() {
    let entries = std::fs::read_dir(Path::new("tests/scenarios")).expect("the folder");
    let there: BTreeSet<String> = entries
        .filter_map(|entry| entry.expect("readable").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".txt").map(ToOwned::to_owned))
        .collect();
    let listed: BTreeSet<String> = LISTED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(listed, there);
}

/// What a scenario fails with.
fn failure(source: &str) -> String {
    harness::run("x.txt", source).expect_err("it should have failed")
}

#[test]
fn an_unknown_word_is_an_error_with_its_file_and_line() {
    for (source, expected) in [
        ("at 2026-11-22T10:00:00Z\nAigerim sings\n", "x.txt:2: unknown words: `Aigerim sings`"),
        ("the site sleeps\n", "x.txt:1: unknown words: `the site sleeps`"),
        ("Aigerim gets\n    statuss 200\n", "x.txt:2: unknown words: `statuss 200`"),
        ("Aigerim holds\n    consent forever\n", "x.txt:2: unknown words"),
        ("at noon\n", "x.txt:1: `noon` is not a moment"),
        ("    GET / HTTP/1.1\n", "x.txt:1: this line is indented"),
        ("the gateway stops\n    now\n", "x.txt:2: `the gateway stops` takes no indented lines"),
        ("let a be <<b>\n", "x.txt:1: `<<` without `>>`"),
        ("let a be <<b>>\n", "x.txt:1: `<<b>>` was not kept"),
        (
            "rules site.toml, as site.toml but\n    zzz => y\n",
            "x.txt:2: `zzz` stands in site.toml 0 times",
        ),
    ] {
        let failure = failure(source);
        assert!(failure.starts_with(expected), "{failure}");
    }
}

#[test]
fn what_is_not_as_expected_fails_at_its_line_and_shows_what_came() {
    let visit = "Aigerim opens /\nthe site receives\n    GET / HTTP/1.1\nthe site answers\n    \
                 HTTP/1.1 200 OK\n    X: 1\n    X: 2\n\n    text\n";
    for (expectation, expected) in [
        ("status 404", "x.txt:11: expected status 404\n  what came:\n    HTTP/1.1 200 OK"),
        ("X: 1", "x.txt:11: expected `X: 1`"),
        ("no X", "x.txt:11: expected no `X`"),
        ("X contains 3", "x.txt:11: expected `X` with `3`"),
        ("X lacks 2", "x.txt:11: expected `X` without `2`"),
        ("body is tex", "x.txt:11: expected the body"),
        ("body contains texts", "x.txt:11: expected a body with `texts`"),
        ("body lacks ex", "x.txt:11: expected a body without `ex`"),
        ("breaks off", "x.txt:11: expected an answer that breaks off"),
    ] {
        let failure = failure(&format!("{visit}Aigerim gets\n    {expectation}\n"));
        assert!(failure.starts_with(expected), "{failure}");
    }
    for (rest, expected) in [
        ("", "x.txt:4: nobody looked at what Aigerim got"),
        (
            "Aigerim gets\n    status 200\nAigerim holds\n    consent\n",
            "x.txt:13: Aigerim holds no",
        ),
        (
            "Aigerim gets\n    status 200\nthe 4.2 log of 2026-11-22 is empty\n",
            "x.txt:12: expected 0 lines",
        ),
        ("Aigerim gets\n    status 200\nthe record says\n    x\n", "x.txt:13: expected `x`"),
        (
            "Aigerim gets\n    status 200\nBolat gets\n    status 200\n",
            "x.txt:12: Bolat has asked nothing",
        ),
    ] {
        let failure = failure(&format!("{visit}{rest}"));
        assert!(failure.starts_with(expected), "{failure}");
    }
    let failure = failure("Aigerim opens /\nthe site receives\n    GET /other HTTP/1.1\n");
    assert!(failure.starts_with("x.txt:3: expected `GET /other HTTP/1.1`"), "{failure}");
}
