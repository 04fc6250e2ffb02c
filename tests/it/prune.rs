//! Of batches that were finished long ago, numbers, names and texts go; guards and opt-outs go on to work.

use std::fs;

use serde_json::json;

use crate::support::{
    CHANNEL, Ended, Program, Receiver, SandboxProcess, Scratch, contacts, event, number,
};

const ROWS: u32 = 20;

/// A complete batch of `contacts.csv`, of which nothing goes in one step.
fn complete(sandbox: &SandboxProcess) -> Scratch {
    let scratch = Scratch::new().in_steps_of(7);
    scratch.contacts(ROWS);
    scratch.send(sandbox).run().expect(0);
    scratch
}

/// Whatever is finished.
fn prune(scratch: &Scratch) -> Program {
    scratch.outreach(&["prune", "--older-than", "0", "--yes"])
}

/// `send` of the same people, as another batch.
fn again(scratch: &Scratch, sandbox: &SandboxProcess, batch: &str, more: &[&str]) -> Ended {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
        .with(&["--channel", CHANNEL, "--base-url", sandbox.base_url()])
        .with(more)
        .run()
}

/// Which of these stand in the checkpoint's files.
fn found(scratch: &Scratch, forms: &[Vec<u8>]) -> Vec<String> {
    let files = ["outreach.db", "outreach.db-wal"];
    let bytes: Vec<u8> = files
        .iter()
        .flat_map(|file| fs::read(scratch.path(file)).unwrap_or_default())
        .collect();
    let holds = |form: &&Vec<u8>| bytes.windows(form.len()).any(|window| window == &form[..]);
    let shown = |form: &Vec<u8>| String::from_utf8_lossy(form).into_owned();
    forms.iter().filter(holds).map(shown).collect()
}

/// A person as text and as the checkpoint stores numbers, with name, text, contact and message.
fn traces(sandbox: &SandboxProcess, n: u32) -> Vec<Vec<u8>> {
    let digits = number(n).to_string();
    let people = sandbox.people();
    let person = people
        .iter()
        .find(|person| person["number"].as_str() == Some(&digits))
        .unwrap();
    let contact = person["contact_id"].as_str().unwrap();
    let mut traces = vec![
        digits.into_bytes(),
        number(n).to_be_bytes()[2..].to_vec(),
        format!("Name{n}\"").into_bytes(),
        format!("Hello Name{n}").into_bytes(),
        contact.as_bytes().to_vec(),
    ];
    if let Ok(id) = contact.parse::<i64>() {
        traces.push(id.to_be_bytes().to_vec());
    }
    traces
}

#[test]
fn nothing_that_names_a_person_is_left_and_counts_and_requests_stay() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    let (counts, requests) = (
        scratch.checkpoint().counts(),
        scratch.checkpoint().attempts(2),
    );
    let everybody = || (0..ROWS).flat_map(|n| traces(&sandbox, n));
    let forms: Vec<Vec<u8>> = everybody().chain([b"Hello {{".to_vec()]).collect();
    assert!(
        found(&scratch, &forms).len() >= 4 * ROWS as usize,
        "the search finds them"
    );
    let told = prune(&scratch).run().expect(0);
    assert!(told.out.contains("list: pruned (20 rows"), "{}", told.out);
    assert!(told.out.contains("20 rows and 20 people"), "{}", told.out);
    assert_eq!(found(&scratch, &forms), Vec::<String>::new());
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_sound();
    assert_eq!(checkpoint.counts(), counts);
    let left = checkpoint.attempts(2);
    assert_eq!(left.len(), requests.len());
    assert_eq!(left[0].started_at, requests[0].started_at);
    assert_eq!(left[0].outcome, requests[0].outcome);
}

#[test]
fn the_guards_know_whom_pruned_batches_messaged() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    prune(&scratch).run().expect(0);
    // The same command, the same message under another name, and another message too soon.
    scratch.send(&sandbox).run().expect(0);
    let same = ["--message", "Hello {{ first_name }}"];
    again(&scratch, &sandbox, "same", &same).expect(0);
    let soon = ["--message", "News", "--not-within", "30d"];
    again(&scratch, &sandbox, "soon", &soon).expect(0);
    let accepted = sandbox.accepted();
    assert!(accepted.values().all(|count| *count == 1), "{accepted:?}");
    // Another message later reaches all of them: they are known by their numbers again.
    again(&scratch, &sandbox, "news", &["--message", "News"]).expect(0);
    let accepted = sandbox.accepted();
    assert!(accepted.values().all(|count| *count == 2), "{accepted:?}");
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_stop_from_a_contact_of_whom_only_a_hash_is_left_is_understood() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    prune(&scratch).run().expect(0);
    let people = sandbox.people();
    let contact = |n: u32| {
        let digits = number(n).to_string();
        let mut all = people.iter();
        let person = all.find(|person| person["number"].as_str() == Some(&digits));
        person.unwrap()["contact_id"].as_str().unwrap().to_owned()
    };
    let said = json!({ "id": "9001", "content": { "type": "text", "payload": "STOP" } });
    let at = "2026-05-02T12:00:00Z";
    let receiver = Receiver::start(&scratch);
    receiver.take(&event("message_received", &contact(3), None, at, &said));
    let mut nowhere = event("message_received", &contact(4), Some(number(4)), at, &said);
    nowhere["data"].as_object_mut().unwrap().remove("channel");
    receiver.take(&nowhere);
    receiver.take(&event(
        "message_received",
        &contact(5),
        Some(number(5)),
        at,
        &said,
    ));
    receiver.end();
    again(&scratch, &sandbox, "news", &["--message", "News"]).expect(0);
    let accepted = sandbox.accepted();
    let twice: Vec<u32> = (0..ROWS).filter(|n| accepted[&number(*n)] == 2).collect();
    let others: Vec<u32> = (0..ROWS).filter(|n| !(3..=5).contains(n)).collect();
    assert_eq!(twice, others);
}

/// It may be a STOP: a person reads it, and what that person says holds once a list brings the number again.
#[test]
fn a_doubtful_reply_of_somebody_of_whom_only_a_hash_is_left_is_listed_for_a_person() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    let phone = format!("+{}", number(7));
    scratch
        .outreach(&["forget", &phone, "--yes"])
        .run()
        .expect(0);
    prune(&scratch).run().expect(0);
    let people = sandbox.people();
    let says = |n: u32, what: &str| {
        let digits = number(n).to_string();
        let mut all = people.iter();
        let person = all.find(|person| person["number"].as_str() == Some(&digits));
        let contact = person.unwrap()["contact_id"].as_str().unwrap();
        let said =
            json!({ "id": format!("900{n}"), "content": { "type": "text", "payload": what } });
        event(
            "message_received",
            contact,
            None,
            "2026-05-02T12:00:00Z",
            &said,
        )
    };
    let receiver = Receiver::start(&scratch);
    receiver.take(&says(3, "When does it stop?"));
    receiver.take(&says(4, "Thank you"));
    receiver.take(&says(7, "How can I stop this?"));
    receiver.end();
    let replies = ["suppress", "replies"];
    let list = scratch.outreach(&replies).run().expect(0).out;
    assert!(list.contains("When does it stop?"), "{list}");
    assert!(
        !list.contains("Thank you") && !list.contains("How can"),
        "{list}"
    );
    // Until it is read its person gets nothing, and it is not pruned.
    again(&scratch, &sandbox, "held", &["--message", "Held"]).expect(0);
    prune(&scratch).run().expect(0);
    assert_eq!(scratch.outreach(&replies).run().expect(0).out, list);
    let opt_out = scratch.outreach(&replies).with(&["--opt-out", "1"]);
    opt_out.run().expect(0);
    again(&scratch, &sandbox, "news", &["--message", "News"]).expect(0);
    let accepted = sandbox.accepted();
    let all: Vec<u32> = (0..ROWS).filter(|n| accepted[&number(*n)] == 3).collect();
    let others: Vec<u32> = (0..ROWS).filter(|n| ![3, 7].contains(n)).collect();
    assert_eq!(all, others);
    assert_eq!(accepted[&number(3)], 1);
}

#[test]
fn who_is_erased_or_suppressed_stays_so() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    let phone = |n: u32| format!("+{}", number(n));
    scratch
        .outreach(&["forget", &phone(1), "--yes"])
        .run()
        .expect(0);
    scratch
        .outreach(&["suppress", "add", &phone(2)])
        .run()
        .expect(0);
    prune(&scratch).run().expect(0);
    let listed = scratch.outreach(&["suppress", "list"]).run().expect(0).out;
    assert!(listed.contains(&phone(2)), "{listed}");
    // Whom pruning left a hash of can be listed and erased as ever.
    scratch
        .outreach(&["suppress", "add", &phone(3)])
        .run()
        .expect(0);
    let listed = scratch.outreach(&["suppress", "list"]).run().expect(0).out;
    assert!(listed.contains(&phone(3)), "{listed}");
    scratch
        .outreach(&["forget", &phone(4), "--yes"])
        .run()
        .expect(0);
    again(&scratch, &sandbox, "news", &["--message", "News"]).expect(0);
    let accepted = sandbox.accepted();
    let twice: Vec<u32> = (0..ROWS).filter(|n| accepted[&number(*n)] == 2).collect();
    let others: Vec<u32> = (0..ROWS).filter(|n| !(1..=4).contains(n)).collect();
    assert_eq!(twice, others);
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_kill_in_the_middle_leaves_what_the_next_prune_completes() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    let forms: Vec<Vec<u8>> = (0..ROWS).flat_map(|n| traces(&sandbox, n)).collect();
    prune(&scratch).crash_at("prune").run().expect_crash();
    scratch.checkpoint().expect_sound();
    let results = fs::read(scratch.path("list.results.csv")).unwrap();
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(fs::read(scratch.path("list.results.csv")).unwrap(), results);
    prune(&scratch).run().expect(0);
    assert_eq!(found(&scratch, &forms), Vec::<String>::new());
    let nothing = prune(&scratch).run().expect(0).out;
    assert!(nothing.contains("0 rows and 0 people"), "{nothing}");
    scratch.checkpoint().expect_sound();
    assert!(sandbox.accepted().values().all(|count| *count == 1));
}

#[test]
fn a_batch_of_which_something_is_open_stays() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(ROWS);
    let send = scratch.send(&sandbox).crash_at("after-request:5");
    send.run().expect_crash();
    let queued = prune(&scratch).run().expect(0).out;
    assert!(queued.contains("list: stays"), "{queued}");
    scratch.send(&sandbox).run().expect(3);
    let unknown = prune(&scratch).run().expect(0).out;
    assert!(
        unknown.contains("unknown") && unknown.contains("stays"),
        "{unknown}"
    );
    assert!(!found(&scratch, &traces(&sandbox, 1)).is_empty());
    scratch
        .outreach(&["resolve", "list", "--assume-sent", "--all"])
        .run()
        .expect(0);
    prune(&scratch).run().expect(0);
    assert_eq!(found(&scratch, &traces(&sandbox, 1)), Vec::<String>::new());
}

/// How many rows of the table are so.
fn stored(scratch: &Scratch, what: &str) -> u32 {
    let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let sql = format!("SELECT count(*) FROM {what}");
    file.query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn what_events_say_goes_once_it_is_as_old_and_not_before() {
    let scratch = Scratch::new().in_steps_of(2);
    let receiver = Receiver::start(&scratch);
    let now = jiff::Timestamp::now().to_string();
    for n in 0..5 {
        // What cannot be read, and what waits for a message that nobody knows.
        receiver.take(&json!({ "event": "postback", "timestamp": now, "data": [n] }));
        let messages = json!({ "messages": [{ "id": format!("60{n}") }] });
        let contact = format!("70{n}");
        receiver.take(&event(
            "messages_delivered",
            &contact,
            None,
            &now,
            &messages,
        ));
    }
    receiver.end();
    let kept = || stored(&scratch, "event WHERE coalesce(body, news) IS NOT NULL");
    assert_eq!(kept(), 10);
    let prune = |age: &str| {
        let prune = ["prune", "--older-than", age, "--yes"];
        scratch.outreach(&prune).run().expect(0);
    };
    prune("1d");
    assert_eq!(kept(), 10);
    prune("0");
    assert_eq!(kept(), 0);
    assert_eq!(stored(&scratch, "event"), 10, "copies are known");
}

#[test]
fn what_was_said_of_the_requests_of_a_batch_goes_also_where_another_needs_the_person() {
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let stopped = SandboxProcess::with_faults(&["401:from=1"]);
    again(&scratch, &stopped, "news", &["--message", "News"]).expect(5);
    let said = "attempt a JOIN batch b ON b.id = a.recipient >> 32 WHERE b.name = 'list' AND a.text IS NOT NULL";
    assert_eq!(stored(&scratch, said), 3);
    let told = prune(&scratch).run().expect(0).out;
    assert!(told.contains("3 rows and 0 people"), "{told}");
    assert_eq!(stored(&scratch, said), 0);
    let reasons = "recipient r JOIN batch b ON b.id = r.id >> 32 WHERE b.name = 'list' AND r.reason IS NOT NULL";
    assert_eq!(stored(&scratch, reasons), 0);
}

#[test]
fn a_batch_that_gets_rows_after_it_was_pruned_is_pruned_again() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    prune(&scratch).run().expect(0);
    scratch.write("contacts.csv", &contacts(ROWS..ROWS + 3));
    scratch.send(&sandbox).with(&["--add"]).run().expect(0);
    let traces = traces(&sandbox, ROWS + 1);
    assert!(!found(&scratch, &traces).is_empty());
    prune(&scratch).run().expect(0);
    assert_eq!(found(&scratch, &traces), Vec::<String>::new());
}

#[test]
fn whom_another_batch_needs_keeps_the_number_until_that_one_is_pruned_too() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    let stopped = SandboxProcess::with_faults(&["401:from=1"]);
    again(&scratch, &stopped, "news", &["--message", "News"]).expect(5);
    let told = prune(&scratch).run().expect(0).out;
    assert!(told.contains("20 rows and 0 people"), "{told}");
    let name = format!("Hello Name{}", 7).into_bytes();
    assert_eq!(found(&scratch, &[name]), Vec::<String>::new());
    scratch
        .outreach(&["resume", "news", "--yes", "--base-url", sandbox.base_url()])
        .run()
        .expect(0);
    assert!(sandbox.accepted().values().all(|count| *count == 2));
    let told = prune(&scratch).run().expect(0).out;
    assert!(told.contains("20 rows and 20 people"), "{told}");
    assert_eq!(found(&scratch, &traces(&sandbox, 7)), Vec::<String>::new());
}

#[test]
fn a_list_that_turns_out_unusable_leaves_no_number_of_a_pruned_person() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    prune(&scratch).run().expect(0);
    let mut list = scratch.read("contacts.csv");
    list += &"12,Nobody\n".repeat(3 * ROWS as usize);
    scratch.write("contacts.csv", &list);
    again(&scratch, &sandbox, "news", &["--message", "News"]).expect(7);
    prune(&scratch).run().expect(0);
    assert_eq!(found(&scratch, &traces(&sandbox, 1)), Vec::<String>::new());
    scratch.checkpoint().expect_sound();
}

#[test]
fn the_results_of_a_pruned_batch_are_not_written_over_a_file() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    let results = fs::read(scratch.path("list.results.csv")).unwrap();
    prune(&scratch).run().expect(0);
    for to in [&["-o", "list.results.csv", "--force"][..], &[]] {
        let export = scratch.outreach(&["export", "list"]).with(to);
        export.run().expect(2).says("was pruned on");
    }
    assert_eq!(fs::read(scratch.path("list.results.csv")).unwrap(), results);
    let export = scratch.outreach(&["export", "list", "-o", "new.csv"]);
    export.run().expect(0).says("was pruned on");
    let new = scratch.read("new.csv");
    assert_eq!(new.lines().count(), 1 + ROWS as usize);
    assert!(new.contains(",sent,") && !new.contains("420777"), "{new}");
}

#[test]
fn nothing_goes_by_accident() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    let prune = |args: &[&str]| scratch.outreach(&["prune"]).with(args).run();
    prune(&["--older-than", "0"]).expect(2).says("--yes");
    let dry = prune(&["--older-than", "0", "--dry-run"]).expect(0);
    assert!(
        dry.out.contains("list: would be pruned (20 rows"),
        "{}",
        dry.out
    );
    let young = prune(&["--older-than", "180d", "--yes"]).expect(0);
    assert!(young.out.contains("0 rows and 0 people"), "{}", young.out);
    prune(&["--yes"]).expect(2).says("--older-than");
    assert_eq!(scratch.checkpoint().rows()[0].number, Some(number(0)));
}

#[test]
fn serve_prunes_once_a_day_where_that_is_set() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = complete(&sandbox);
    let serve = ["serve", "--insecure-no-signature", "--prune-after", "0"];
    let receiver = Receiver::of(scratch.outreach(&serve));
    crate::support::wait_until("it pruned", || receiver.said().contains("Pruned 20 rows"));
    receiver.end();
    assert_eq!(found(&scratch, &traces(&sandbox, 1)), Vec::<String>::new());
}
