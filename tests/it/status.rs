//! `outreach status`: how far a batch is, and the whole story of one row.

use serde_json::Value;

use crate::fixture::{every_state, text};
use crate::support::{Program, Receiver, SandboxProcess, Scratch, binary, event, wait_until};

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_batch_is_told_with_what_to_do_next() {
    let place = every_state();
    let output = place.outreach(&["status", "spring"]);
    // Somebody is queued: run it again to continue.
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    insta::assert_snapshot!("status", text(&output.stdout));
}

#[test]
fn the_counts_add_up_to_the_rows() {
    let place = every_state();
    let status = json(&place.outreach(&["status", "spring", "--json"]));
    let words = [
        "sent",
        "no_messenger",
        "error",
        "unknown",
        "invalid",
        "duplicate",
        "suppressed",
        "queued",
        "sending",
    ];
    let sum: u64 = words
        .iter()
        .map(|state| status[state].as_u64().unwrap())
        .sum();
    assert_eq!(status["rows"], 11);
    assert_eq!(sum, 11);
    assert_eq!(status["requests"], 6);
    for key in [
        "batch",
        "throttled",
        "started_at",
        "finished_at",
        "exit_reason",
        "delivered",
    ] {
        assert!(status.get(key).is_some(), "{key}");
    }
}

#[test]
fn all_batches_are_listed() {
    let place = every_state();
    let output = place.outreach(&["status"]);
    let shown = text(&output.stdout);
    assert!(
        shown.lines().nth(1).unwrap().starts_with("spring"),
        "{shown}"
    );
    let list = json(&place.outreach(&["status", "--json"]));
    assert_eq!(list[0]["batch"], "spring");
    assert_eq!(list[0]["unknown"], 2);
}

#[test]
fn one_row_tells_its_whole_story_without_its_number() {
    let place = every_state();
    let output = place.outreach(&["status", "spring", "--row", "5"]);
    let story = text(&output.stdout);
    assert!(
        story.contains("unknown") && story.contains("HTTP 502: bad gateway"),
        "{story}"
    );
    assert!(!story.contains("HTTP 502: HTTP 502"), "{story}");
    assert!(!story.contains("777123005"), "{story}");
    let story = json(&place.outreach(&["status", "spring", "--row", "2", "--json"]));
    assert_eq!(story[0]["message_id"], "9007199254740993");
    assert_eq!(story[0]["attempts"][0]["outcome"], "sent");
}

#[test]
fn a_row_that_is_not_there_is_a_matter_of_usage() {
    let place = every_state();
    let output = place.outreach(&["status", "spring", "--row", "99"]);
    assert_eq!(output.status.code(), Some(2));
}

/// One text for one cause, whatever the command.
#[test]
fn without_any_checkpoint_all_commands_say_the_same() {
    let scratch = Scratch::new();
    let phone = "+420777123456";
    for args in [
        &["status"][..],
        &["export", "spring"],
        &["resolve", "spring"],
        &["contacts", "list"],
        &["suppress", "list"],
        &["suppress", "remove", phone],
        &["forget", phone, "--yes"],
        &["resume", "--yes"],
    ] {
        let told = scratch.outreach(args).run().expect(8).said;
        assert!(told.contains("there is no checkpoint "), "{args:?}: {told}");
        let text = "/outreach/outreach.db: nothing was sent yet";
        assert!(told.contains(text), "{args:?}: {told}");
    }
    scratch
        .outreach(&["resume", "--yes", "--sandbox"])
        .run()
        .expect(8)
        .says("there is no checkpoint sandbox.db: nothing");
}

#[test]
fn where_rehearsals_alone_are_there_they_are_read() {
    let place = every_state();
    std::fs::rename(place.db(), place.path("sandbox.db")).unwrap();
    for args in [&["contacts", "list"], &["suppress", "list"]] {
        let output = place.outreach(args);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert!(!place.db().exists());
}

#[test]
fn without_a_checkpoint_it_says_so() {
    let place = every_state();
    let output = place.outreach(&["status", "--db", "other.db"]);
    assert_eq!(output.status.code(), Some(8));
    assert!(text(&output.stderr).contains("other.db"));
}

/// What watching prints is for people: a program that asks for JSON would stumble over it.
#[test]
fn watching_prints_no_json() {
    let place = every_state();
    let output = place.outreach(&["status", "spring", "--watch", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn watching_ends_when_nothing_is_left_to_send() {
    let place = every_state();
    {
        let store = outreach::internals::store::Store::open(&place.db()).unwrap();
        let batch = place.batch();
        let mut copy = outreach::internals::store::NewBatch {
            digest: [1; 32],
            headers: batch.headers,
            files: batch.files,
            sandbox: true,
            ..crate::support::new_batch("done", &batch.channel, batch.created_at)
        };
        copy.headers.truncate(1);
        let id = store.create_batch(copy).unwrap();
        store
            .loader(id, &batch.channel, batch.created_at)
            .finish()
            .unwrap();
    }
    let output = place.outreach(&["status", "done", "--watch"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(told.starts_with("done: 0 of 0 sent"), "{told}");
    assert!(told.contains("nobody was messaged"), "{told}");
}

/// `status list --json`, and the exit code.
fn standing(scratch: &Scratch) -> (Value, Option<i32>) {
    let ended = scratch.outreach(&["status", "list", "--json"]).run();
    (serde_json::from_str(&ended.out).unwrap(), ended.code)
}

#[test]
fn a_batch_that_runs_is_told_from_one_that_was_stopped_and_one_whose_process_died() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "100ms"]),
    );
    scratch.contacts(60);
    let mut running = scratch.send(&sandbox).concurrency(2).start();
    wait_until("it sends", || sandbox.stats().accepted > 2);
    let (json, code) = standing(&scratch);
    assert_eq!((json["state"].as_str(), code), (Some("running"), Some(9)));
    assert_eq!(json["holder"]["pid"], running.pid().to_string());
    assert_eq!(json["continued_by"], Value::Null);
    let machine = json["holder"]["machine"].as_str().unwrap();
    let told = scratch.outreach(&["status", "list"]).run().expect(9).out;
    let works = format!("Process {} on {machine} works on it since ", running.pid());
    assert!(told.starts_with("Batch list: being sent\n"), "{told}");
    assert!(told.contains(&works), "{told}");

    assert!(running.kill());
    let (json, code) = standing(&scratch);
    assert_eq!(
        (json["state"].as_str(), code),
        (Some("interrupted"), Some(4))
    );
    assert_eq!(json["holder"], Value::Null);
    let resume = format!("outreach resume list --base-url {}", sandbox.base_url());
    assert_eq!(json["continued_by"], resume);
    let told = scratch.outreach(&["status", "--last"]).run().expect(4).out;
    assert!(
        told.contains("interrupted: the process that sent it is gone"),
        "{told}"
    );

    for (signal, name) in [("INT", "Ctrl-C"), ("TERM", "SIGTERM")] {
        let before = sandbox.stats().accepted;
        let running = scratch.send(&sandbox).concurrency(1).start();
        wait_until("it sends", || sandbox.stats().accepted > before);
        running.signal(signal);
        running.wait().expect(4);
        let (json, code) = standing(&scratch);
        assert_eq!((json["state"].as_str(), code), (Some("paused"), Some(4)));
        assert_eq!(json["state_why"], name);
        let told = scratch.outreach(&["status", "list"]).run().expect(4).out;
        assert!(
            told.starts_with(&format!("Batch list: paused: {name}\n")),
            "{told}"
        );
    }

    scratch
        .send(&sandbox)
        .concurrency(1)
        .with(&["--for", "1s"])
        .run()
        .expect(4);
    let why = standing(&scratch).0["state_why"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        why.starts_with("until ") && why.ends_with(" UTC was reached"),
        "{why}"
    );
    scratch.send(&sandbox).concurrency(30).run().expect(3);
    let (json, code) = standing(&scratch);
    assert_eq!((json["state"].as_str(), code), (Some("complete"), Some(3)));
}

#[test]
fn a_batch_that_waits_says_for_what_and_until_when() {
    let quota = ["--quota", "3", "--window", "1h"];
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&quota));
    scratch.contacts(10);
    let running = scratch.send(&sandbox).start();
    wait_until("it waits", || {
        let ended = scratch.outreach(&["status", "list", "--json"]).run();
        ended.out.contains("\"waiting\"")
    });
    let (json, _) = standing(&scratch);
    assert_eq!(json["state_why"], "for the quota");
    assert!(json["state_until"].is_string());
    let told = scratch.outreach(&["status", "list"]).run().expect(9).out;
    assert!(
        told.starts_with("Batch list: waiting for the quota until "),
        "{told}"
    );
    running.signal("INT");
    running.wait().expect(4);
    let told = scratch.outreach(&["status", "list"]).run().expect(4).out;
    assert!(
        told.contains("paused: Ctrl-C") && told.contains("The quota opens "),
        "{told}"
    );
    assert!(told.contains(" (in "), "{told}");
    let table = scratch.outreach(&["status"]).run().expect(0).out;
    assert!(
        table.lines().nth(1).unwrap().starts_with("list   paused"),
        "{table}"
    );
}

#[test]
fn what_is_advised_is_what_is_left_to_do() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let send = [
        "send",
        "contacts.csv",
        "--sandbox",
        "--batch",
        "list",
        "--message",
        "Hi",
    ];
    scratch.outreach(&send).run();
    let told = || scratch.outreach(&["status", "list"]).run().out;
    assert!(
        told().contains("Results: list.sandbox.results.csv"),
        "{}",
        told()
    );
    assert!(!told().contains("outreach export"), "{}", told());
    scratch.write("list.sandbox.results.csv", "edited");
    assert!(told().contains("outreach export list"), "{}", told());
}

#[test]
fn a_message_that_failed_since_the_last_run_is_told_in_the_first_line() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let message = sandbox.messages().pop().unwrap();
    let failed = serde_json::json!({ "message": { "id": message["id"] }, "error": { "code": 1 } });
    let now = jiff::Timestamp::now().to_string();
    let receiver = Receiver::start(&scratch);
    receiver.take(&event("message_failed", "4711", None, &now, &failed));
    receiver.end();
    let status = scratch.outreach(&["status", "list"]).run().expect(3);
    let first = status.out.lines().next().unwrap();
    assert!(first.contains("complete, but"), "{first}");
}

/// A printed command as it is typed, with the program under test.
fn typed(command: &str) -> String {
    let program = binary();
    command.replacen("outreach", &program.to_string_lossy(), 1)
}

#[test]
fn a_printed_command_asks_the_api_that_the_batch_went_to() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).with(&["--limit", "1"]).run();
    let api = format!("--base-url {}", sandbox.base_url());
    let printed = standing(&scratch).0["continued_by"].clone();
    let printed = printed.as_str().expect("a command");
    assert_eq!(printed, format!("outreach resume list {api}"));
    let told = scratch.outreach(&["status", "list"]).run().expect(4).out;
    assert!(told.contains(printed), "{told}");
    // Where that API is asked anyway, it is not said.
    let elsewhere = scratch
        .outreach(&["status", "list", "--json"])
        .env("OUTREACH_BASE_URL", sandbox.base_url())
        .run();
    let json: Value = serde_json::from_str(&elsewhere.out).unwrap();
    assert_eq!(json["continued_by"], "outreach resume list");
    let cancelled = scratch.outreach(&["cancel", "list", "--yes"]).run();
    let undo = format!("`outreach resume list --undo-cancel {api}`");
    let cancelled = cancelled.expect(0).says(&undo);
    assert!(cancelled.said.contains("takes it up again"));

    let undo = format!("{} --yes", typed(undo.trim_matches('`')));
    Program::shell(scratch.folder(), &undo).run().expect(0);
    assert_eq!(sandbox.stats().accepted, 3);
}
