//! Imports: the same file twice, several in any order, and files that contradict each other. What is known is never
//! made weaker, and what a file tells beyond that is learned.

use std::collections::BTreeMap;
use std::fs;

use outreach::internals::domain::delivery::State;
use outreach::internals::sandbox::Settings;
use serde_json::{Value, json};

use crate::support::{
    CHANNEL, Ended, Receiver, Row, SandboxProcess, Scratch, contacts, event, number,
};

const ROWS: u32 = 12;

/// Two results files of one batch: of the middle of it (`older.csv`), and of its end, with deliveries and readings
/// (`newer.csv`). The checkpoint is gone.
fn two_files(sandbox: &SandboxProcess) -> Scratch {
    let scratch = Scratch::new().in_steps_of(5);
    scratch.contacts(ROWS);
    let send = scratch.send(sandbox).concurrency(1);
    send.crash_at("after-request:5").run().expect_crash();
    export(&scratch, "older.csv");
    let decide = ["resolve", "list", "--assume-sent", "--all"];
    scratch.outreach(&decide).run().expect(0);
    scratch.send(sandbox).run().expect(0);
    let receiver = Receiver::start(&scratch);
    for person in sandbox.people() {
        receiver.take(&delivered(&person, "2036-01-01T00:00:00Z"));
    }
    receiver.end();
    export(&scratch, "newer.csv");
    lose(&scratch);
    scratch
}

/// A delivery of the first message to a person.
fn delivered(person: &Value, at: &str) -> Value {
    let message = &person["messages"][0]["id"];
    let contact = person["contact_id"].as_str().unwrap();
    let phone = person["number"].as_str().unwrap().parse().unwrap();
    let fields = json!({ "messages": [{ "id": message }] });
    event("messages_delivered", contact, Some(phone), at, &fields)
}

fn export(scratch: &Scratch, to: &str) {
    let export = ["export", "list", "-o", to, "--force"];
    scratch.outreach(&export).run().expect(0);
}

fn lose(scratch: &Scratch) {
    for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
        let _ = fs::remove_file(scratch.path(name));
    }
}

fn import(scratch: &Scratch, files: &[&str]) -> Ended {
    let import = scratch.outreach(&["history", "import", "--no-suppressions"]);
    import.with(files).run()
}

/// What the results say, without what only tells how it was learned.
fn told(scratch: &Scratch) -> Vec<String> {
    export(scratch, "told.csv");
    let text = scratch.read("told.csv");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn two_results_files_of_a_batch_end_alike_in_either_order_and_however_often() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = two_files(&sandbox);
    let mut ends = Vec::new();
    for order in [
        &["newer.csv"][..],
        &["older.csv", "newer.csv"],
        &["newer.csv", "older.csv"],
        &["newer.csv", "newer.csv"],
        &["older.csv", "newer.csv", "older.csv", "newer.csv"],
    ] {
        import(&scratch, order).expect(0);
        ends.push((order, told(&scratch)));
        scratch.checkpoint().expect_sound();
        let counts = scratch.checkpoint().counts();
        assert_eq!(counts.sent, u64::from(ROWS), "{order:?}");
        lose(&scratch);
    }
    let (_, first) = ends[0].clone();
    let deliveries = first.iter().filter(|row| row.matches("Z,").count() >= 2);
    // That of whom a person decided is not known by its id.
    assert_eq!(deliveries.count(), ROWS as usize - 1, "{first:?}");
    assert!(first.iter().filter(|row| row.contains(",sent,")).count() == ROWS as usize);
    for (order, end) in ends {
        assert_eq!(end, first, "{order:?}");
    }
}

/// The same, one command for each file, and the contact of whoever was unknown in the first: what it says is heard.
#[test]
fn a_stop_of_a_contact_that_only_the_second_file_tells_is_heard() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = two_files(&sandbox);
    // A file of the time before the answer: sent, by an event that named no contact.
    let newer = scratch.read("newer.csv");
    let people = sandbox.people();
    let contact = |n: u32| {
        let digits = number(n).to_string();
        let mut all = people.iter();
        let person = all.find(|person| person["number"] == digits.as_str());
        person.unwrap()["contact_id"].as_str().unwrap().to_owned()
    };
    scratch.write("without.csv", &newer.replace(&contact(3), ""));
    import(&scratch, &["without.csv"]).expect(0);
    import(&scratch, &["newer.csv"]).expect(0);
    let stop = json!({ "id": "9001", "content": { "type": "text", "payload": "STOP" } });
    let receiver = Receiver::start(&scratch);
    let now = jiff::Timestamp::now().to_string();
    receiver.take(&event("message_received", &contact(3), None, &now, &stop));
    receiver.end();
    let news = scratch.outreach(&["send", "contacts.csv", "--yes", "--batch", "news"]);
    let news = news.with(&["--message", "News", "--channel", CHANNEL, "--message-again"]);
    let news = news.with(&["--base-url", sandbox.base_url()]);
    news.run().expect(0);
    let accepted = sandbox.accepted();
    let once: Vec<u32> = (0..ROWS).filter(|n| accepted[&number(*n)] == 1).collect();
    assert_eq!(once, [3]);
}

fn states(scratch: &Scratch) -> Vec<State> {
    let rows = scratch.checkpoint().rows();
    rows.iter().map(|row: &Row| row.state).collect()
}

/// Lists of another program: two with the same people, at other times; one of them twice, under another name too.
#[test]
fn lists_with_other_times_for_the_same_people_count_all_and_the_latest_decides() {
    let sandbox = SandboxProcess::start(&[]);
    let day = |ago: i64| {
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * ago);
        at.strftime("%Y-%m-%d").to_string()
    };
    let list = |rows: &[(u32, i64)]| {
        let row = |(n, ago): &(u32, i64)| format!("+{},{}\n", number(*n), day(*ago));
        let rows: String = rows.iter().map(row).collect();
        format!("phone,sent_at\n{rows}")
    };
    for order in [["long.csv", "late.csv"], ["late.csv", "long.csv"]] {
        let scratch = Scratch::new();
        scratch.contacts(5);
        scratch.write("long.csv", &list(&[(0, 90), (1, 3), (2, 90)]));
        scratch.write("late.csv", &list(&[(0, 5), (1, 80), (3, 70)]));
        import(&scratch, &order).expect(0);
        // A file that was there under another name is another file: it changes nobody's time.
        fs::copy(scratch.path("long.csv"), scratch.path("copy.csv")).unwrap();
        let again = import(&scratch, &["late.csv", "copy.csv", "late.csv"]).expect(0);
        assert_eq!(
            again.said.matches("imported before").count(),
            2,
            "{}",
            again.said
        );
        let before = sandbox.accepted();
        let send = scratch.send(&sandbox).with(&["--not-within", "30d"]);
        send.run().expect(0);
        let after = sandbox.accepted();
        let count = |of: &std::collections::BTreeMap<u64, u64>, n: u32| {
            of.get(&number(n)).copied().unwrap_or(0)
        };
        let reached: Vec<u32> = (0..5)
            .filter(|n| count(&after, *n) > count(&before, *n))
            .collect();
        assert_eq!(reached, [2, 3, 4], "{order:?}");
        scratch.checkpoint().expect_sound();
    }
}

/// The list that opted people out: whoever was on it keeps the first entry, whichever file comes again.
#[test]
fn suppression_lists_are_joined_and_the_first_entry_of_a_person_stays() {
    let scratch = Scratch::new().in_steps_of(2);
    scratch.write("a.csv", &contacts(0..5));
    scratch.write("b.csv", &contacts(3..8));
    let import = |files: &[&str], reason: &str| {
        let import = scratch.outreach(&["suppress", "import", "--reason", reason]);
        import.with(files).run().expect(0)
    };
    import(&["a.csv"], "left").says("5 numbers: 5 are new");
    import(&["a.csv"], "other").says("5 numbers: 0 are new");
    // Both at once: a number of both counts once.
    import(&["a.csv", "b.csv", "b.csv"], "moved").says("8 numbers: 3 are new");
    let list = scratch.outreach(&["suppress", "list", "--json"]).run();
    let list: Value = serde_json::from_str(&list.expect(0).out).unwrap();
    let reasons: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, [["left"; 5].as_slice(), &["moved"; 3]].concat());
    // Whoever was taken off the list is put there anew, with the reason of now.
    let phone = format!("+{}", number(0));
    let remove = ["suppress", "remove", phone.as_str()];
    scratch.outreach(&remove).run().expect(0);
    import(&["a.csv"], "again").says("5 numbers: 1 is new");
}

/// A file with one that cannot be used beside it puts nobody on the list.
#[test]
fn of_several_suppression_lists_one_that_is_none_stops_all() {
    let scratch = Scratch::new();
    scratch.write("a.csv", &contacts(0..5));
    scratch.write("bad.csv", "name,city\nAnna,Brno\nBob,Praha\n");
    for order in [["a.csv", "bad.csv"], ["bad.csv", "a.csv"]] {
        let import = scratch.outreach(&["suppress", "import"]).with(&order);
        import.run().expect(7).says("bad.csv");
        let list = scratch.outreach(&["suppress", "list"]).run();
        assert!(!list.out.contains("+420"), "{order:?}: {}", list.out);
    }
}

/// Of results files of two batches with the same people, one unknown and one sent, either order leaves both as told.
#[test]
fn files_of_two_batches_leave_each_row_to_its_own_batch() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = two_files(&sandbox);
    let older = scratch.read("older.csv");
    scratch.write("other.csv", &older.replace(",list,", ",other,"));
    for order in [["newer.csv", "other.csv"], ["other.csv", "newer.csv"]] {
        import(&scratch, &order).expect(0);
        assert!(states(&scratch).iter().all(|state| *state == State::Sent));
        let counts = scratch.checkpoint().counts_of("other");
        assert_eq!(counts.unknown, 1, "{order:?}: {counts:?}");
        assert_eq!(counts.rows(), u64::from(ROWS));
        lose(&scratch);
    }
}

const SMS: &str = Settings::MOBILE_CHANNEL;
const VIBER: &str = Settings::VIBER_CHANNEL;

/// What failed goes on to another channel, unless it arrived after all: also where only a file tells of the request.
#[test]
fn a_message_that_a_file_tells_of_and_that_arrived_is_not_sent_over_another_channel() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let send = |sandbox: &SandboxProcess| {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", "list"])
            .with(&["--message", "Hello", "--channel", VIBER, "--fallback", SMS])
            .with(&["--base-url", sandbox.base_url()])
            .run()
    };
    send(&SandboxProcess::with_faults(&["401:from=1"])).expect(5);
    scratch.outreach(&["status"]).run();
    let older = fs::read(scratch.path("outreach.db")).unwrap();
    let sandbox = SandboxProcess::start(&[]);
    send(&sandbox).expect(0);
    export(&scratch, "told.csv");
    lose(&scratch);
    fs::write(scratch.path("outreach.db"), older).unwrap();
    let adopt = ["checkpoint", "adopt", "--no-suppressions"];
    scratch.outreach(&adopt).run().expect(0);
    import(&scratch, &["told.csv"]).expect(0);
    let receiver = Receiver::start(&scratch);
    let people = sandbox.people();
    let on_viber = |mut event: Value| {
        event["data"]["channel"] = json!({ "id": VIBER, "type": "viber_business_messages" });
        event
    };
    for (person, arrived) in people.iter().zip([false, true, true]) {
        let now = jiff::Timestamp::now().to_string();
        let mut failed = delivered(person, &now);
        failed["event"] = json!("message_failed");
        failed["data"]["message"] = failed["data"]["messages"][0].take();
        failed["data"]["error"] = json!({ "code": 3, "message": "no Viber" });
        receiver.take(&on_viber(failed));
        if arrived {
            receiver.take(&on_viber(delivered(person, &now)));
        }
    }
    receiver.end();
    let later = SandboxProcess::start(&[]);
    let resume = scratch.resume(&later).run();
    resume.expect(0);
    let accepted = later.accepted();
    let failed: u64 = people[0]["number"].as_str().unwrap().parse().unwrap();
    assert_eq!(accepted, [(failed, 1)].into(), "{people:?}");
    scratch.checkpoint().expect_sound();
}

/// The command that the batch was begun with goes on with it, other channels and their messages included.
#[test]
fn a_lost_batch_with_another_channel_goes_on_by_the_same_command() {
    let scratch = Scratch::new();
    scratch.contacts(ROWS);
    let message = format!("{SMS}=Short for {{{{ first_name }}}}");
    let send = |sandbox: &SandboxProcess| {
        let send = scratch.send(sandbox).with(&["--fallback", SMS]);
        send.with(&["--message-for", &message]).concurrency(1).run()
    };
    let stopped = SandboxProcess::start(&["--no-messenger", "50%", "--fault", "401:from=9"]);
    send(&stopped).expect(5);
    let messaged = stopped.accepted();
    assert!((4..u64::from(ROWS)).contains(&(messaged.len() as u64)));
    let told = export_backwards(&scratch, "told.csv");
    let through = sent_through(&told);
    assert_eq!(through.values().sum::<usize>(), messaged.len());
    assert_eq!(through.len(), 2, "{told}");
    lose(&scratch);
    import(&scratch, &["told.csv"]).expect(0);
    // Which channel a message went through is known as before, and told again, also of a batch that lacks its list.
    assert_eq!(scratch.checkpoint().batch("list").channel, CHANNEL);
    let again = export_backwards(&scratch, "again.csv");
    assert_eq!(sent_through(&again), through);
    let status = scratch.outreach(&["status", "list"]).run().out;
    for (channel, sent) in &through {
        let line = format!("{sent} through channel {channel}");
        assert!(status.contains(&line), "{line}: {status}");
    }
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    send(&sandbox).expect(0);
    let later = sandbox.accepted();
    assert!(later.keys().all(|number| !messaged.contains_key(number)));
    assert_eq!(messaged.len() + later.len(), ROWS as usize);
    let texts = sandbox.messages();
    let short = |it: &Value| {
        it["content"]["payload"]
            .as_str()
            .unwrap()
            .starts_with("Short for")
    };
    assert!(texts.iter().all(short), "{texts:?}");
    let mut all = through;
    *all.entry(SMS.to_owned()).or_default() += later.len();
    assert_eq!(sent_through(&export_backwards(&scratch, "end.csv")), all);
    let status = scratch.outreach(&["status", "list"]).run().out;
    let line = format!("{} through channel {SMS}", all[SMS]);
    assert!(status.contains(&line), "{line}: {status}");
    scratch.checkpoint().expect_sound();
}

/// The results, those of the other channel first: who comes first in a file may have been reached through any channel.
fn export_backwards(scratch: &Scratch, to: &str) -> String {
    export(scratch, to);
    let text = scratch.read(to);
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    let channel = |row: &&str| usize::from(!row.contains(SMS));
    rows.sort_by_key(channel);
    let text = format!("{header}\n{}\n", rows.join("\n"));
    scratch.write(to, &text);
    text
}

/// How many rows were sent to, by channel, as results tell.
fn sent_through(results: &str) -> BTreeMap<String, usize> {
    let mut reader = csv::Reader::from_reader(results.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|it| it == name).unwrap();
    let (status, channel) = (column("outreach_status"), column("outreach_channel"));
    let mut sent = BTreeMap::new();
    for row in reader.records().map(Result::unwrap) {
        if &row[status] == "sent" {
            *sent.entry(row[channel].to_owned()).or_default() += 1;
        }
    }
    sent
}

/// Whom another checkpoint's batch of the same name messaged is not messaged by the one here: nobody is left out for that,
/// and under another name it counts for the guards.
#[test]
fn a_file_of_another_batch_of_the_same_name_is_refused() {
    let sandbox = SandboxProcess::start(&[]);
    let there = Scratch::new();
    there.contacts(3);
    there.send(&sandbox).run().expect(0);
    let results = there.read("list.results.csv");
    let refuses = SandboxProcess::with_faults(&["401:from=1"]);
    let hello = "Hello {{ first_name }}";
    for (channel, message, differs) in [
        (CHANNEL, "Another text", "another message"),
        (SMS, hello, "another channel"),
    ] {
        let here = Scratch::new();
        here.contacts(5);
        let send = here.outreach(&["send", "contacts.csv", "--yes", "--batch", "list"]);
        let send = send.with(&["--message", message, "--channel", channel]);
        let send = send.with(&["--base-url", refuses.base_url()]);
        send.run().expect(5);
        here.write("told.csv", &results);
        import(&here, &["told.csv"]).expect(7).says(differs);
        assert_eq!(here.checkpoint().counts().queued, 5, "{differs}");
        here.write("told.csv", &results.replace(",list,", ",theirs,"));
        import(&here, &["told.csv"]).expect(0);
        assert_eq!(here.checkpoint().counts().queued, 5, "{differs}");
        assert_eq!(here.checkpoint().counts_of("theirs").sent, 3);
    }
    // Two such files for a checkpoint that has neither.
    let here = Scratch::new();
    here.write("one.csv", &results);
    let other = there.outreach(&["send", "contacts.csv", "--yes", "--batch", "other"]);
    let other = other.with(&["--message", "Another text", "--channel", CHANNEL]);
    other
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
    let other = there.read("other.results.csv").replace(",other,", ",list,");
    here.write("two.csv", &other);
    import(&here, &["one.csv", "two.csv"])
        .expect(7)
        .says("two.csv: its batch list has another message");
}

/// Who joined after the copy was made joins again, under the name of their own file, and is messaged by nobody.
#[test]
fn whom_a_list_added_since_joins_with_the_name_of_that_list() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    scratch.outreach(&["status"]).run();
    let older = fs::read(scratch.path("outreach.db")).unwrap();
    scratch.write("more.csv", &contacts(3..5));
    let add = || {
        let add = scratch.outreach(&["send", "more.csv", "--yes", "--batch", "list", "--add"]);
        let add = add.with(&["--message", "Hello {{ first_name }}", "--channel", CHANNEL]);
        add.with(&["--base-url", sandbox.base_url()]).run()
    };
    add().expect(0);
    export(&scratch, "told.csv");
    lose(&scratch);
    fs::write(scratch.path("outreach.db"), older).unwrap();
    let adopt = ["checkpoint", "adopt", "--no-suppressions"];
    scratch.outreach(&adopt).run().expect(0);
    for new in ["2 rows added", "0 rows added"] {
        import(&scratch, &["told.csv"]).expect(0).says(new);
        export(&scratch, "again.csv");
        let rows = scratch.read("again.csv");
        for (file, count) in [(",contacts.csv,", 3), (",more.csv,", 2)] {
            assert_eq!(rows.matches(file).count(), count, "{file}: {rows}");
        }
    }
    add().expect(0);
    assert!(sandbox.accepted().values().all(|count| *count == 1));
    scratch.checkpoint().expect_sound();
}

/// Of an erased person results show no number: the batch has one row for each row of its list all the same.
#[test]
fn a_restored_batch_with_an_erased_person_has_the_rows_of_its_list() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(4);
    let phone = format!("+{}", number(1));
    let forget = ["forget", phone.as_str(), "--yes"];
    scratch
        .outreach(&["suppress", "add", &phone])
        .run()
        .expect(0);
    scratch.outreach(&forget).run().expect(0);
    scratch.outreach(&["backup", "copy.db"]).run().expect(0);
    scratch.send(&sandbox).run().expect(0);
    export(&scratch, "told.csv");
    lose(&scratch);
    fs::copy(scratch.path("copy.db"), scratch.path("outreach.db")).unwrap();
    let adopt = ["checkpoint", "adopt", "--no-suppressions"];
    scratch.outreach(&adopt).run().expect(0);
    import(&scratch, &["told.csv"]).expect(0);
    scratch.send(&sandbox).run().expect(0);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.rows(), counts.sent, counts.suppressed), (4, 3, 1));
    assert!(!sandbox.accepted().contains_key(&number(1)));
    scratch.checkpoint().expect_sound();
}
