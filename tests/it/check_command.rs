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

#[test]
fn a_list_with_too_few_valid_rows_is_reported_whole_and_refused_then() {
    let scratch = Scratch::new();
    scratch.write("list.csv", "name,phone\nEva,+420602333444\nJan,x\nIva,y\n");
    let check = [
        "check",
        "list.csv",
        "--rejects",
        "r.csv",
        "--html",
        "r.html",
    ];
    let ended = scratch.outreach(&check).run().expect(7);
    assert!(ended.out.contains("3 rows") && ended.out.contains("row 3: x"));
    ended
        .says("only 1 of 3 rows is valid")
        .says("--min-valid 33 sends to the others");
    assert_eq!(scratch.read("r.csv").lines().count(), 3);
    assert!(
        scratch
            .read("r.html")
            .contains("Nothing of this list is sent")
    );
    let json = scratch.outreach(&["check", "list.csv", "--json"]).run();
    assert!(json.expect(7).out.contains("\"refusal\": \"only 1 of 3"));
    let told = ["check", "list.csv", "--min-valid", "33"];
    scratch.outreach(&told).run().expect(0);
}

#[test]
fn rejects_that_say_the_same_need_no_force_and_mended_ones_are_kept() {
    let scratch = Scratch::new();
    scratch.write("list.csv", "name,phone\nEva,+420602333444\nJan,x\n");
    let check = ["check", "list.csv", "--rejects", "r.csv"];
    scratch.outreach(&check).run().expect(0);
    // There is no checkpoint that could know the file.
    scratch.outreach(&check).run().expect(0);
    let mended = scratch.read("r.csv").replace(",x,", ",+420602333445,");
    scratch.write("r.csv", &mended);
    let ended = scratch.outreach(&check).run().expect(2);
    ended.says("overwrite it with --force");
    assert_eq!(scratch.read("r.csv"), mended);
}

#[test]
fn every_row_of_a_kind_is_shown_where_that_is_asked_for() {
    let scratch = Scratch::new();
    let bad = (0..9).map(|n| format!("x{n}"));
    let good = (0..9).map(|n| format!("+42060233344{n}"));
    let rows: Vec<String> = bad.chain(good).collect();
    scratch.write("list.csv", &format!("phone\n{}\n", rows.join("\n")));
    let some = scratch.outreach(&["check", "list.csv"]).run().expect(0);
    let more = "and 4 more, which `check` shows with --all";
    assert!(some.out.contains(more), "{}", some.out);
    assert!(!some.out.contains("row 10: x8"));
    let all = ["check", "list.csv", "--all"];
    let all = scratch.outreach(&all).run().expect(0);
    assert!(all.out.contains("row 10: x8") && !all.out.contains("more"));
    let written = ["check", "list.csv", "--rejects", "r.csv"];
    let written = scratch.outreach(&written).run().expect(0);
    assert!(
        written.out.contains("and 4 more, all in r.csv"),
        "{}",
        written.out
    );
}

/// Texts that are odd, and may be sent or not.
const ODD: [&str; 44] = [
    "Hi {{{first_name}}}",
    "Hi {{ {first_name} }}",
    "Hi {{{{first_name}}}}",
    "Hi {{ First Name }}",
    "Hi {{ first-name }}",
    "Hi {{ $first_name }}",
    "Hi {{ FIRST_NAME }}",
    "Hi {{ frist_name }}",
    "Hi {{ first_name }",
    "Hi { first_name }}",
    "Hi {{ first_name",
    "Hi first_name }}",
    "Hi {{ }}",
    "Hi {{}}",
    "Hi {% first_name %}",
    "Hi {% if first_name %}",
    "Hi {# first_name",
    "Hi {{ first_name | uper }}",
    "Hi {{ first_name | upper }}",
    "Hi {{ first_name | default }}",
    "Hi {{ first_name.x }}",
    "Hi {{ first_name() }}",
    "Hi {{ row }}",
    "Hi {{ row['First Name'] }}",
    "Hi {{ row.nobody }}",
    "Hi {{ first_name + 1 }}",
    "Hi {{ 1/0 }}",
    "Hi {{ range }}",
    "Hi {{ loop }}",
    "Hi {{ debug() }}",
    "Hi {{ \"{first_name}\" }}",
    "Hi {first_name}",
    "Hi [First Name]",
    "Hi #FirstName#",
    "Hi @FirstName",
    "Hi *|FNAME|*",
    "Hi %s",
    "Hi {heart} you",
    "Hi {% raw %}{{ first_name }}{% endraw %}",
    "Hi \u{24d0} {{ \u{24d0} }}",
    "{{ '' }}",
    " \u{200b} ",
    "Hi {% include 'x' %}",
    "Hi {% set x = first_name %}{{ x }}",
];

#[test]
fn check_and_send_say_the_same_of_a_message() {
    let scratch = Scratch::new();
    scratch.write("list.csv", "First Name,phone\nJana,+420777123002\n");
    let mut both = [0, 0];
    for (number, message) in ODD.iter().enumerate() {
        let (batch, db) = (format!("b{number}"), format!("{number}.db"));
        let check = ["check", "list.csv", "--message", message];
        let send = [
            "send",
            "list.csv",
            "--message",
            message,
            "--sandbox",
            "--yes",
        ];
        let check = scratch.outreach(&check).run();
        let send = scratch
            .outreach(&send)
            .with(&["--batch", &batch, "--db", &db])
            .run();
        assert_eq!(
            check.code, send.code,
            "{message}: {} / {}",
            check.said, send.said
        );
        let reason = |said: &str| {
            let line = said.lines().find(|line| line.contains("error:"));
            line.map(str::to_owned)
        };
        assert_eq!(reason(&check.said), reason(&send.said), "{message}");
        both[usize::from(check.code != Some(0))] += 1;
    }
    assert!(both[0] >= 7 && both[1] >= 25, "{both:?}");
}

#[test]
fn a_command_that_sends_shows_of_a_cell_to_mend_some_digits_only() {
    let scratch = Scratch::new();
    let list = "name,phone\nJana,+420777123002\nPetr,+420 0777123470\nEva,777123009 Karel\nIvo,tel 777123010\n";
    scratch.write("list.csv", list);
    let ended = scratch
        .outreach(&[
            "send",
            "list.csv",
            "--message",
            "Hi",
            "--sandbox",
            "--yes",
            "--region",
            "CZ",
        ])
        .with(&["--min-valid", "10%"])
        .run()
        .expect(0);
    let told = format!("{}{}", ended.said, ended.out);
    assert!(told.contains("+420 *******470"), "{told}");
    for digits in ["777123470", "777123009", "777123010"] {
        assert!(!told.contains(digits), "{told}");
    }
    let rejects = scratch.read("list.rejects.csv");
    assert!(
        rejects.contains("+420 0777123470") && rejects.contains("777123009 Karel"),
        "{rejects}"
    );
    // Who reads a list to mend it sees the cells.
    let check = scratch
        .outreach(&["check", "list.csv", "--region", "CZ"])
        .run();
    assert!(check.out.contains("+420 0777123470"), "{}", check.out);
}
