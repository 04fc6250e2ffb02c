//! What the checkpoint knows of the people of a list is told, each kind apart.

use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event, number};
use serde_json::{Value, json};

fn phone(n: u32) -> String {
    format!("+{}", number(n))
}

#[test]
fn who_must_not_be_sent_is_counted_by_why_and_it_is_told_where_to_look() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let receiver = Receiver::start(&scratch);
    let people = sandbox.people();
    let person = people
        .iter()
        .find(|it| it["number"] == number(1).to_string().as_str());
    let contact = person.unwrap()["contact_id"].as_str().unwrap();
    let said = json!({ "id": "9001", "content": { "type": "text", "payload": "STOP" } });
    receiver.take(&event(
        "message_received",
        contact,
        None,
        "2026-05-02T12:00:00Z",
        &said,
    ));
    receiver.end();
    let add = ["suppress", "add", &phone(2), "--reason", "asked by phone"];
    scratch.outreach(&add).run().expect(0);
    scratch.contacts(4);
    let check = [
        "check",
        "contacts.csv",
        "--message",
        "Hello {{ first_name }}",
    ];
    let check = || scratch.outreach(&check).with(&["--channel", CHANNEL]);
    let report: Value = serde_json::from_str(&check().with(&["--json"]).run().out).unwrap();
    let groups = report["suppressions"].as_array().unwrap();
    let counts: Vec<(&str, u64)> = groups
        .iter()
        .map(|it| (it["code"].as_str().unwrap(), it["count"].as_u64().unwrap()))
        .collect();
    for code in ["opted_out", "repeat_guard", "suppression_list"] {
        assert!(counts.contains(&(code, 1)), "{counts:?}");
    }
    let text = check().run().out;
    for told in [
        "opted out: `outreach suppress list`",
        "by hand or from a file",
        "(asked by phone)",
        "got the same message before: `outreach contacts show NUMBER`",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn contacts_show_knows_every_number_of_any_list_with_its_rows() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=2"]));
    let numbers = [phone(0), phone(1), phone(2), phone(1)];
    scratch.write("contacts.csv", &format!("phone\n{}\n", numbers.join("\n")));
    scratch
        .outreach(&["suppress", "add", &phone(2)])
        .run()
        .expect(0);
    let send = [
        "send",
        "contacts.csv",
        "--yes",
        "--batch",
        "list",
        "--message",
        "Hello",
    ];
    let send = scratch
        .outreach(&send)
        .concurrency(1)
        .with(&["--channel", CHANNEL]);
    send.with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(5);
    let show = |n: u32| scratch.outreach(&["contacts", "show", &phone(n)]);
    let rows = |n: u32| {
        let shown: Value = serde_json::from_str(&show(n).with(&["--json"]).run().out).unwrap();
        let rows = shown["rows"].as_array().unwrap().clone();
        let row = |it: &Value| {
            (
                it["row"].as_u64().unwrap(),
                it["status"].as_str().unwrap().to_owned(),
            )
        };
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let row = |row: u64, status: &str| (row, status.to_owned());
    assert_eq!(rows(0), [row(2, "sent")]);
    assert_eq!(rows(1), [row(3, "queued"), row(5, "duplicate")]);
    assert_eq!(rows(2), [row(4, "suppressed")]);
    assert!(rows(9).is_empty());
    let shown = show(1).run().expect(0).out;
    assert!(shown.contains("list, row 3: queued"), "{shown}");
    scratch
        .outreach(&["cancel", "list", "--yes"])
        .run()
        .expect(0);
    assert_eq!(rows(1)[0], row(3, "cancelled"));
}

/// `check` of the list `contacts.csv` for programs.
fn check_json(scratch: &Scratch, flags: &[&str]) -> Value {
    let check = scratch.outreach(&["check", "contacts.csv", "--json", "--channel", CHANNEL]);
    serde_json::from_str(&check.with(flags).run().expect(0).out).unwrap()
}

#[test]
fn check_counts_what_is_known_of_the_people_by_when_and_by_which_batches_and_writes_nothing() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "30%"]);
    scratch.contacts(40);
    assert!(check_json(&scratch, &[]).get("known").is_none());
    assert!(
        !scratch.path("outreach.db").exists(),
        "no checkpoint is made"
    );
    let first = scratch.send(&sandbox).concurrency(1);
    first.crash_at("after-request:3").run().expect_crash();
    scratch.send(&sandbox).run().expect(3);
    let receiver = Receiver::start(&scratch);
    let contact = |n: u32| {
        let people = sandbox.people();
        let wanted = number(n).to_string();
        let person = people.iter().find(|it| it["number"] == wanted.as_str());
        person.unwrap()["contact_id"].as_str().unwrap().to_owned()
    };
    let reached: Vec<u32> = (10..40)
        .filter(|n| sandbox.accepted().contains_key(&number(*n)))
        .collect();
    let opt_in = json!({ "opt_in": { "type": "phone_number" } });
    receiver.take(&event(
        "opt_in",
        &contact(reached[0]),
        Some(number(reached[0])),
        "2026-05-02T12:00:00Z",
        &opt_in,
    ));
    let said = json!({ "id": "9001", "content": { "type": "text", "payload": "STOP" } });
    receiver.take(&event(
        "message_received",
        &contact(reached[1]),
        None,
        "2026-05-02T12:00:00Z",
        &said,
    ));
    receiver.end();
    let counts = scratch.checkpoint().counts();
    assert!(counts.sent > 10 && counts.no_messenger > 4 && counts.unknown == 1);
    // Twice in a list is one person.
    let (list, again, new) = (scratch.read("contacts.csv"), phone(reached[0]), phone(900));
    scratch.write("contacts.csv", &format!("{list}{again},Again\n{new},New\n"));
    let before = std::fs::read(scratch.path("outreach.db")).unwrap();
    let known = check_json(&scratch, &[])["known"].clone();
    let people = |what: &str| known[what]["people"].as_u64().unwrap();
    assert_eq!(
        [
            "messaged",
            "unknown",
            "no_messenger",
            "opted_in",
            "opted_out"
        ]
        .map(people),
        [counts.sent, 1, counts.no_messenger, 1, 1]
    );
    let batch = &known["messaged"]["batches"][0];
    assert_eq!(
        (&batch["batch"], &batch["people"]),
        (&"list".into(), &counts.sent.into())
    );
    assert_eq!(batch["last"], known["messaged"]["last"]);
    assert_eq!(
        std::fs::read(scratch.path("outreach.db")).unwrap(),
        before,
        "check only reads"
    );
    let send = [
        "send",
        "contacts.csv",
        "--yes",
        "--batch",
        "second",
        "--message",
        "Other",
    ];
    let send = scratch
        .outreach(&send)
        .with(&["--channel", CHANNEL, "--until", "00:00"]);
    let told = send
        .with(&["--base-url", sandbox.base_url(), "--message-again"])
        .run();
    let line = format!("{:>6}  messaged before", counts.sent);
    assert!(told.said.contains(&line), "{line}: {}", told.said);
    assert!(
        told.said.contains(&format!("list ({})", counts.sent)),
        "{}",
        told.said
    );
}

#[test]
fn whom_facebook_lets_a_page_write_to_is_told_before_a_list_is_sent() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let people = sandbox.people();
    let contact = people[0]["contact_id"].as_str().unwrap();
    let receiver = Receiver::start(&scratch);
    let now = jiff::Timestamp::now().to_string();
    let said = json!({ "id": "9001", "content": { "type": "text", "payload": "Thanks" } });
    receiver.take(&event("message_received", contact, None, &now, &said));
    receiver.end();
    scratch.contacts(4);
    let window = &check_json(&scratch, &[])["known"]["reply_window"];
    assert_eq!(*window, json!({ "contacts": 3, "acted": 1 }));
    let told = |channel: &str| {
        let send = scratch.outreach(&["send", "contacts.csv", "--yes", "--message", "News"]);
        let send = send.with(&["--batch", "second", "--message-again", "--until", "00:00"]);
        let send = send.with(&["--base-url", sandbox.base_url(), "--channel", channel]);
        send.run().said
    };
    let line = "3 people who would be sent to are contacts on this channel; 1 has acted within the last 24 hours";
    let said = told(CHANNEL);
    assert!(said.contains(line), "{said}");
}

#[test]
fn who_writes_from_a_contact_that_is_not_known_is_known_by_the_number() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let receiver = Receiver::start(&scratch);
    let now = jiff::Timestamp::now().to_string();
    let said = json!({ "id": "9001", "content": { "type": "text", "payload": "Thanks" } });
    let whose = Some(crate::support::number(1));
    receiver.take(&event("message_received", "4999", whose, &now, &said));
    receiver.end();
    let window = &check_json(&scratch, &[])["known"]["reply_window"];
    assert_eq!(window["acted"], 1, "{window}");
}

/// The reason codes of a batch's rows, counted.
fn reasons(scratch: &Scratch, batch: &str, code: &str) -> u64 {
    let rows = scratch.checkpoint().rows_of(batch);
    let found = rows
        .iter()
        .filter(|row| row.reason_code.as_deref() == Some(code));
    found.count() as u64
}

#[test]
fn who_was_answered_no_messenger_lately_is_skipped_when_the_list_is_read_and_when_their_turn_comes()
{
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--no-messenger", "30%"]),
    );
    scratch.contacts(40);
    let send = |batch: &str, message: &str, flags: &[&str]| {
        let send = [
            "send",
            "contacts.csv",
            "--yes",
            "--batch",
            batch,
            "--message",
            message,
        ];
        scratch
            .outreach(&send)
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .with(flags)
            .run()
    };
    // Read before anything was known: its rows are judged again when their turn comes, by what the batch keeps.
    let within = ["--skip-no-messenger-within", "90d"];
    send("early", "One", &[&within[..], &["--limit", "1"]].concat()).expect(4);
    send("list", "Two", &["--message-again"]).expect(0);
    let unreached = scratch.checkpoint().counts().no_messenger;
    assert!(unreached > 4);
    let before = sandbox.stats().requests;
    let resume = ["resume", "early", "--yes", "--base-url", sandbox.base_url()];
    let ended = scratch.outreach(&resume).run().expect(0);
    ended.says("People without Messenger in the last 90.0 days are skipped");
    let tried = u64::from(unreached_first(&scratch));
    assert_eq!(
        reasons(&scratch, "early", "no_messenger_within") + tried,
        unreached
    );
    assert_eq!(
        sandbox.stats().requests - before,
        40 - 1 - (unreached - tried)
    );

    // When the list is read they are counted, and the forecast is for the others.
    let report = check_json(&scratch, &[&within[..], &["--message", "Three"]].concat());
    let group = report["suppressions"].as_array().unwrap().iter();
    let mut group = group.filter(|it| it["code"] == "no_messenger_within");
    assert_eq!(group.next().unwrap()["count"], unreached);
    assert_eq!(report["queued"], 40 - unreached);
    send("later", "Three", &within)
        .expect(0)
        .says(&format!("{} to send", 40 - unreached));
    assert_eq!(reasons(&scratch, "later", "no_messenger_within"), unreached);

    // An answer of another channel says nothing, and one that is older does not count.
    let other = [
        "--channel",
        "7009",
        "--message",
        "Three",
        "--skip-no-messenger-within",
        "90d",
    ];
    let check = scratch
        .outreach(&["check", "contacts.csv", "--json"])
        .with(&other);
    let report: Value = serde_json::from_str(&check.run().expect(0).out).unwrap();
    assert_eq!(report["queued"], 40);
    let database = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let old = "UPDATE attempt SET started_at = started_at - 91 * 86400000, finished_at = finished_at - 91 * 86400000";
    database.execute(old, []).unwrap();
    drop(database);
    assert_eq!(
        check_json(&scratch, &[&within[..], &["--message", "Four"]].concat())["queued"],
        40
    );
}

/// Of the first pilot's one person: whether nobody was found for the number.
fn unreached_first(scratch: &Scratch) -> bool {
    let rows = scratch.checkpoint().rows_of("early");
    rows.iter().any(|row| row.state.word() == "no_messenger")
}

#[test]
fn who_is_queued_again_by_a_person_is_tried_again_whatever_the_number_was_answered() {
    let (scratch, sandbox) = (
        Scratch::new().in_steps_of(2),
        SandboxProcess::start(&["--no-messenger", "100%"]),
    );
    scratch.contacts(5);
    let send = || {
        scratch
            .send(&sandbox)
            .with(&["--skip-no-messenger-within", "90d"])
    };
    send().run().expect(0);
    let before = sandbox.stats().requests;
    let retry = ["retry", "list", "--status", "no_messenger", "--yes"];
    scratch.outreach(&retry).run().expect(0);
    send().run().expect(0);
    assert_eq!(sandbox.stats().requests, before + 5);
}

#[test]
fn who_wants_no_message_any_more_is_not_queued_again_by_retry() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--no-messenger", "100%"]),
    );
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let phone = format!("+{}", number(1));
    let suppress = ["suppress", "add", phone.as_str()];
    scratch.outreach(&suppress).run().expect(0);
    let retry = ["retry", "list", "--status", "no_messenger", "--yes"];
    scratch.outreach(&retry).run().expect(0);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.queued, counts.no_messenger), (2, 1));
    assert_eq!(scratch.decisions(), ["retry"]);
}

#[test]
fn with_another_channel_whom_the_first_did_not_find_lately_begins_there_at_the_cost_of_one_request()
{
    let sms = outreach::internals::sandbox::Settings::MOBILE_CHANNEL;
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--no-messenger", "30%"]),
    );
    scratch.contacts(40);
    scratch.send(&sandbox).run().expect(0);
    let unreached = scratch.checkpoint().counts().no_messenger;
    let before = sandbox.stats().requests;
    let send = |batch: &str| {
        let send = [
            "send",
            "contacts.csv",
            "--yes",
            "--batch",
            batch,
            "--message",
            batch,
        ];
        let send = scratch
            .outreach(&send)
            .with(&["--fallback", sms, "--channel", CHANNEL]);
        send.with(&[
            "--base-url",
            sandbox.base_url(),
            "--skip-no-messenger-within",
            "90d",
        ])
    };
    send("second")
        .run()
        .expect(0)
        .says("begin on the next channel");
    assert_eq!(sandbox.stats().requests - before, 40);
    assert_eq!(reasons(&scratch, "second", "no_messenger_within"), 0);
    // What is older does not count: they are tried on the first channel again.
    let database = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let old = "UPDATE attempt SET started_at = started_at - 91 * 86400000, finished_at = finished_at - 91 * 86400000";
    database.execute(old, []).unwrap();
    drop(database);
    let before = sandbox.stats().requests;
    send("third").run().expect(0);
    assert_eq!(sandbox.stats().requests - before, 40 + unreached);
}

#[test]
fn what_is_kept_with_a_batch_holds_without_the_flag_and_a_flag_changes_it_in_the_audit() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let second = |flags: &[&str]| {
        let send = [
            "send",
            "contacts.csv",
            "--yes",
            "--batch",
            "second",
            "--message",
            "Two",
        ];
        scratch
            .outreach(&send)
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .with(flags)
            .run()
    };
    second(&["--limit", "1"]).expect(4);
    let audit = || {
        let database = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
        let sql = "SELECT detail FROM decision WHERE what = 'history'";
        let mut select = database.prepare(sql).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<Vec<String>, _>>().unwrap()
    };
    assert!(audit().is_empty());
    let resume = |flags: &[&str]| {
        let resume = [
            "resume",
            "second",
            "--yes",
            "--base-url",
            sandbox.base_url(),
        ];
        scratch.outreach(&resume).with(flags).run()
    };
    resume(&["--not-within", "30d", "--until", "00:00"]);
    assert_eq!(
        audit(),
        ["repeat-guard 12h, not-within 720h, skip-no-messenger-within off"]
    );
    resume(&[]).expect(0);
    assert_eq!(reasons(&scratch, "second", "not_within"), 2);
    assert_eq!(audit().len(), 1);
}

/// A zone in which it is about noon.
fn noon() -> String {
    let hour = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .hour();
    // The sign is that of POSIX: west is positive.
    format!("Etc/GMT{:+}", i32::from(hour) - 12)
}

/// A batch of three people that has its hours, which are over for today.
struct AtNight {
    scratch: Scratch,
    sandbox: SandboxProcess,
}

impl AtNight {
    fn begun(sandbox: SandboxProcess, more: &[&str]) -> Self {
        let night = Self {
            scratch: Scratch::new(),
            sandbox,
        };
        night.scratch.contacts(3);
        night.run("send", more);
        night
    }

    fn run(&self, command: &str, flags: &[&str]) -> crate::support::Ended {
        let list: &[&str] = match command {
            "send" => &["contacts.csv", "--message", "Hello", "--batch", "list"],
            _ => &["list"],
        };
        let api = [
            "--base-url",
            self.sandbox.base_url(),
            "--channel",
            CHANNEL,
            "--yes",
        ];
        let program = self.scratch.outreach(&[command]).with(list).with(&api);
        program.concurrency(1).with(flags).run()
    }

    fn decisions(&self) -> Vec<String> {
        let database = rusqlite::Connection::open(self.scratch.path("outreach.db")).unwrap();
        let sql = "SELECT detail FROM decision WHERE what = 'sending'";
        let mut select = database.prepare(sql).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

#[test]
fn sending_hours_stay_with_the_batch_until_a_flag_changes_them() {
    let zone = noon();
    let hours = [
        "--window",
        "00:00-01:00",
        "--timezone",
        &zone,
        "--for",
        "1m",
    ];
    let night = AtNight::begun(SandboxProcess::start(&[]), &hours);
    // The deadline is that of each run. The hours are the batch's, whatever a settings file says.
    night
        .run("resume", &["--for", "1m"])
        .expect(4)
        .says("window");
    night.scratch.write(
        "outreach.toml",
        "window = \"00:00-24:00\"\ntimezone = \"UTC\"\n",
    );
    for command in ["send", "resume"] {
        let ended = night.run(command, &["--for", "1m"]).expect(4);
        ended
            .says("kept with the batch: window 00:00-01:00")
            .says(&zone);
    }
    assert_eq!(night.sandbox.stats().requests, 0);
    assert!(night.decisions().is_empty(), "{:?}", night.decisions());
    night.run("resume", &["--window", "00:00-24:00"]).expect(0);
    assert_eq!(night.sandbox.stats().accepted, 3);
    let kept = format!("window 00:00-00:00, window-by timezone, timezone {zone}, undecided hold");
    assert_eq!(night.decisions(), [kept]);
}

#[test]
fn what_is_done_about_a_lost_answer_stays_with_the_batch() {
    let faults = SandboxProcess::with_faults(&["503:at=2"]);
    let retried = AtNight::begun(faults, &["--limit", "1", "--undecided", "retry"]);
    retried.run("resume", &[]).expect(0);
    assert!(retried.decisions().is_empty());
    let faults = SandboxProcess::with_faults(&["503:at=2"]);
    let held = AtNight::begun(faults, &["--limit", "1", "--undecided", "retry"]);
    held.run("resume", &["--undecided", "hold"]).expect(3);
    assert_eq!(held.decisions().len(), 1);
}

#[test]
fn who_goes_on_with_a_batch_sees_what_is_known_of_the_people_who_are_left() {
    let zone = noon();
    let hours = [
        "--window",
        "00:00-01:00",
        "--timezone",
        &zone,
        "--for",
        "1m",
    ];
    let night = AtNight::begun(SandboxProcess::start(&[]), &hours);
    // They are known by another batch now.
    let api = [
        "--base-url",
        night.sandbox.base_url(),
        "--channel",
        CHANNEL,
        "--yes",
    ];
    let other = [
        "send",
        "contacts.csv",
        "--message",
        "Two",
        "--batch",
        "other",
    ];
    night.scratch.outreach(&other).with(&api).run().expect(0);
    let table = |ended: &crate::support::Ended| {
        let at = ended.said.find("Known of them").expect("no table");
        let lines: Vec<&str> = ended.said[at..].lines().skip(2).take(1).collect();
        lines.concat()
    };
    for command in ["send", "resume"] {
        let ended = night.run(command, &["--for", "1m"]).expect(4);
        let told = table(&ended);
        assert!(told.contains("3  messaged before"), "{told}");
        assert!(told.ends_with("other (3)"), "{told}");
    }
}
