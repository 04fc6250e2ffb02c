//! What the project is tested with, and built from.

use std::io::Write as _;
use std::process::Command;

/// The README's test command.
const ALL: &str = include_str!("../all");

/// The suites that `cargo test` leaves out, each with what it needs.
fn beyond_cargo() -> Vec<(&'static str, &'static str)> {
    let lines = ALL
        .lines()
        .filter_map(|line| line.strip_prefix("# suite: "));
    lines
        .map(|line| line.split_once(": ").expect("name: needs"))
        .collect()
}

#[test]
fn cargo_test_says_which_suites_it_leaves_out() {
    let told: Vec<_> = beyond_cargo().into_iter().map(|(name, _)| name).collect();
    let steps = ALL.lines().filter_map(|line| line.strip_prefix("step \""));
    let run: Vec<_> = steps
        .filter_map(|step| step.split_once(": "))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        told, run,
        "each suite is told once, in the order in which tests/all runs it"
    );
    assert!(!told.is_empty());
    if std::env::var_os("OUTREACH_TESTS_ALL").is_none() {
        for (name, needs) in beyond_cargo() {
            if name == "cluster" && has_postgres() {
                continue;
            }
            // Not by a macro of the standard library: the test runner would keep it to itself.
            writeln!(
                std::io::stderr(),
                "left out: {name}, which needs {needs}; tests/all runs it"
            )
            .unwrap();
        }
    }
}

/// Whether the tests of a cluster find what they need.
#[cfg(unix)]
fn has_postgres() -> bool {
    crate::support::programs().is_some()
}

#[cfg(not(unix))]
fn has_postgres() -> bool {
    false
}

/// With two providers in the program, rustls would refuse to choose, at the first connection.
#[test]
fn one_crypto_provider_is_in_the_program() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{lib}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let crates = String::from_utf8(tree.stdout).unwrap();
    let mut found: Vec<&str> = crates
        .lines()
        .map(|line| line.trim().trim_end_matches(" (*)"))
        .filter(|name| {
            [
                "aws_lc_rs",
                "ring",
                "openssl",
                "rustls_openssl",
                "graviola",
                "boring",
            ]
            .contains(name)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, ["ring"], "{}", String::from_utf8_lossy(&tree.stderr));
}
