//! What a newcomer types first, and second.

use crate::support::Scratch;

const SEND: [&str; 5] = [
    "send",
    "contacts.csv",
    "--sandbox",
    "--message",
    "Hello {{ first_name | default(\"there\") }}, your order is ready.",
];

/// A folder with the repository's own example list.
fn cloned() -> Scratch {
    let scratch = Scratch::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/contacts.csv");
    let text = std::fs::read_to_string(fixture).unwrap();
    scratch.write("contacts.csv", &text);
    scratch
}

fn rehearse(scratch: &Scratch) -> crate::support::Ended {
    scratch.outreach(&SEND).without_env("AMIO_TOKEN").run()
}

/// The checkpoints and results files of the folder.
fn made(scratch: &Scratch, ending: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(scratch.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    names
}

#[test]
fn the_first_command_needs_no_token_no_channel_and_no_answer() {
    let scratch = cloned();
    let ended = rehearse(&scratch);
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    let ended = ended.says("nobody is messaged").says("sent");
    let results = made(&scratch, ".results.csv");
    assert_eq!(results.len(), 1, "{results:?}");
    let rows = |name: &str| {
        let text = scratch.read(name);
        csv::Reader::from_reader(text.as_bytes()).records().count()
    };
    assert_eq!(
        rows(&results[0]),
        rows("contacts.csv"),
        "rows in = rows out"
    );
    assert!(!scratch.path("outreach.db").exists(), "{ended:?}");
}

#[test]
fn the_same_command_again_sends_nothing_and_says_so() {
    let scratch = cloned();
    let first = rehearse(&scratch);
    let results = made(&scratch, ".results.csv");
    let before = scratch.read(&results[0]);
    let second = rehearse(&scratch);
    assert_eq!(first.code, second.code);
    assert_eq!(scratch.read(&results[0]), before, "nothing has changed");
    assert_eq!(made(&scratch, ".results.csv"), results);
}

#[test]
fn an_edited_file_is_another_batch_that_messages_only_whom_the_first_did_not() {
    let scratch = Scratch::new();
    scratch.contacts(10);
    rehearse(&scratch);
    scratch.contacts(15);
    rehearse(&scratch);
    let results = made(&scratch, ".results.csv");
    assert_eq!(results.len(), 2, "{results:?}");
    let count = |word: &str| -> usize {
        let of_file = |name: &String| {
            let text = scratch.read(name);
            let mut rows = csv::Reader::from_reader(text.as_bytes());
            let headers = rows.headers().unwrap().clone();
            let column = headers.iter().position(|it| it == "outreach_status");
            let statuses = rows
                .records()
                .map(|row| row.unwrap()[column.unwrap()].to_owned());
            statuses.filter(|status| status == word).count()
        };
        results.iter().map(of_file).sum()
    };
    let asked_again = count("no_messenger");
    assert_eq!(count("sent") + count("suppressed") + asked_again, 25);
    assert!(count("suppressed") > 0);
}

#[test]
fn a_rehearsal_has_no_quota_unless_asked_for() {
    let scratch = Scratch::new();
    scratch.contacts(30);
    let with_quota = scratch
        .outreach(&SEND)
        .with(&["--sandbox-quota", "10", "--for", "2s"])
        .run();
    let with_quota = with_quota.expect(4).says("10");
    // The window of that quota is an hour; the next rehearsal does not wait for it, nor for the morning.
    let resumed = scratch
        .outreach(&[
            "resume",
            "--sandbox",
            "--window",
            "03:00-03:01",
            "--timezone",
            "Etc/GMT+12",
        ])
        .run();
    assert!(
        matches!(resumed.code, Some(0 | 3)),
        "{with_quota:?} {resumed:?}"
    );
}

#[test]
fn a_quota_of_the_sandbox_needs_the_sandbox() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let ended = scratch
        .outreach(&[
            "send",
            "contacts.csv",
            "--message",
            "Hello",
            "--sandbox-quota",
            "5",
        ])
        .run();
    ended.expect(2).says("--sandbox");
}

#[test]
fn a_rehearsal_refuses_contact_ids_of_nobody_it_messaged_as_the_sandbox_server_does() {
    // One of another system, and one such as a sandbox gives out.
    for id in ["7001200300400500777", "4611686018427387905"] {
        let scratch = Scratch::new();
        let list = format!("phone,first_name,contact_id\n+420777000001,Eva,{id}\n");
        scratch.write("contacts.csv", &list);
        let ended = scratch
            .outreach(&SEND)
            .with(&["--column", "contact_id=contact_id"])
            .run();
        let results = made(&scratch, ".results.csv");
        let rows = scratch.read(&results[0]);
        // The id is refused, and the number is tried in its place.
        let again = scratch.outreach(&["status", "--db", "sandbox.db", "--row", "2"]);
        let batch = results[0].trim_end_matches(".sandbox.results.csv");
        let story = again.with(&[batch]).run().expect(0);
        assert!(
            story.out.contains("Contact not found."),
            "{id}: {} {rows} {ended:?}",
            story.out
        );
    }
}
