//! `outreach check`: what would be sent, with what the checkpoint knows; no network, nothing written.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::fixture::{Place, every_state, phone, text};
use crate::support::{Random, Scratch};

const LIST: &str =
    "First Name,phone\nJana,+420777123002\nPetr,+420777123020\nEva,12\n,+420777123021\n";

/// The files in the folder, without SQLite's own companions of the checkpoint.
fn files(place: &Place) -> BTreeSet<String> {
    let names = fs::read_dir(place.path(".")).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("outreach.db-"))
        .collect()
}

#[test]
fn a_list_is_reported_with_samples_and_nothing_is_written() {
    let place = every_state();
    fs::write(place.path("list.csv"), LIST).unwrap();
    let before = files(&place);
    let output = place.outreach(&["check", "list.csv", "--message", "Hello {{ first_name }}"]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(report.contains("row 2: Hello Jana"), "{report}");
    assert!(report.contains("4 rows"), "{report}");
    assert_eq!(files(&place), before);
}

#[test]
fn the_suppression_list_of_the_checkpoint_counts() {
    let place = every_state();
    fs::write(place.path("list.csv"), LIST).unwrap();
    let number = phone(20).e164();
    assert!(
        place
            .outreach(&["suppress", "add", &number, "--reason", "asked"])
            .status
            .success()
    );
    let output = place.outreach(&["check", "list.csv", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["suppressed"], 1, "{report}");
    assert_eq!(report["queued"], 2);
    assert_eq!(report["invalid"], 1);
}

#[test]
fn rejects_and_page_are_written_where_asked() {
    let place = every_state();
    fs::write(place.path("list.csv"), LIST).unwrap();
    let args = [
        "check",
        "list.csv",
        "--rejects",
        "r.csv",
        "--html",
        "r.html",
    ];
    assert!(place.outreach(&args).status.success());
    let rejects = fs::read_to_string(place.path("r.csv")).unwrap();
    assert!(
        rejects.starts_with("First Name,phone,outreach_row"),
        "{rejects}"
    );
    assert_eq!(rejects.lines().count(), 2);
    assert!(
        fs::read_to_string(place.path("r.html"))
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );
}

#[test]
fn what_send_would_refuse_has_the_same_exit_code_here() {
    let place = every_state();
    fs::write(place.path("list.csv"), LIST).unwrap();
    let typo = place.outreach(&["check", "list.csv", "--message", "Hello {{ frist_name }}"]);
    assert_eq!(typo.status.code(), Some(2));
    assert!(
        text(&typo.stderr).contains("first_name"),
        "{}",
        text(&typo.stderr)
    );
    fs::write(place.path("bad.csv"), "phone\n1\n2\n").unwrap();
    assert_eq!(place.outreach(&["check", "bad.csv"]).status.code(), Some(7));
    assert_eq!(
        place.outreach(&["check", "missing.csv"]).status.code(),
        Some(7)
    );
}

#[test]
fn where_no_row_has_a_message_the_first_reason_is_told() {
    let place = every_state();
    fs::write(place.path("list.csv"), LIST).unwrap();
    let loops = "{% if first_name != '1' %}{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}{% endif %}";
    for (template, reason) in [
        (loops, "far more work than a message needs"),
        (
            "{{ first_name + 1 }}",
            "row 2: the template in message cannot be filled in",
        ),
    ] {
        let output = place.outreach(&["check", "list.csv", "--message", template]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(7), "{told}");
        assert!(told.contains(reason), "{told}");
    }
}

/// Anything may be named as a list by mistake.
#[test]
fn a_file_that_is_no_text_is_refused_as_such() {
    let scratch = Scratch::new();
    let mut random = Random::new(7);
    let mut bytes: Vec<u8> = (0..3000).map(|_| random.next().to_le_bytes()[0]).collect();
    bytes[0] = b'x';
    std::fs::write(scratch.path("list.csv"), bytes).unwrap();
    let ended = scratch.outreach(&["check", "list.csv"]).run().expect(7);
    ended.says("no text but a program's own format");
}

#[test]
fn a_header_that_is_a_whole_story_is_cut_where_headers_are_listed() {
    let scratch = Scratch::new();
    scratch.write("list.csv", &format!("{}\nEva\n", "z".repeat(900)));
    let ended = scratch.outreach(&["check", "list.csv"]).run().expect(7);
    assert!(ended.said.len() < 300, "{}", ended.said);
}
