//! Other channels for people whom the first does not reach, with real processes. The judge is the sandbox's account:
//! nobody holds two messages of a batch.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use outreach::internals::domain::delivery::State;
use outreach::internals::sandbox::Settings;

use crate::support::{CHANNEL, Program, Random, Running, SandboxProcess, Scratch, wait_until};

const SMS: &str = Settings::MOBILE_CHANNEL;
const VIBER: &str = Settings::VIBER_CHANNEL;
const SECRET: &str = "a-secret-of-the-channel";

fn with_sms(scratch: &Scratch, sandbox: &SandboxProcess) -> Program {
    scratch.send(sandbox).with(&["--fallback", SMS])
}

/// The values of one column of the results, with the phone.
fn results(scratch: &Scratch, column: &str) -> Vec<(String, String)> {
    let path = scratch.path("list.results.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let place = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (phone, wanted) = (place("outreach_phone"), place(column));
    reader
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[phone].to_owned(), row[wanted].to_owned()))
        .collect()
}

#[test]
fn whom_messenger_does_not_know_gets_an_sms_of_its_own_text_and_the_story_shows_both_tries() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "40%"]);
    scratch.contacts(60);
    let message = format!("{SMS}=Short for {{{{ first_name }}}}");
    let ended = with_sms(&scratch, &sandbox)
        .with(&["--message-for", &message])
        .run()
        .expect(0);
    assert!(
        ended.said.contains(&format!("through channel {SMS}")),
        "{}",
        ended.said
    );
    let stats = sandbox.stats();
    assert_eq!((stats.reached, stats.reached_twice), (60, 0));
    let channels = results(&scratch, "outreach_channel");
    let by_sms = channels.iter().filter(|(_, channel)| channel == SMS);
    let by_sms: Vec<&String> = by_sms.map(|(phone, _)| phone).collect();
    assert!((10..40).contains(&by_sms.len()), "{}", by_sms.len());
    let checkpoint = scratch.checkpoint();
    assert_eq!(checkpoint.counts().sent, 60);
    checkpoint.expect_sound();
    let rows = checkpoint.rows();
    let row = rows
        .iter()
        .find(|row| by_sms[0] == &format!("+{}", row.number.unwrap()));
    let row = row.unwrap();
    assert_eq!((row.state, row.attempts), (State::Sent, 2));
    let story = scratch
        .outreach(&["status", "list", "--row", &row.at.to_string()])
        .run()
        .expect(0);
    assert!(
        story.out.contains(CHANNEL) && story.out.contains(SMS),
        "{}",
        story.out
    );
}

#[test]
fn a_channel_without_a_message_for_a_row_is_passed_over_and_costs_the_row_nothing_else() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    scratch.write(
        "contacts.csv",
        "phone,first_name,city\n+420777000001,Jana,Brno\n+420777000002,Petr,\n",
    );
    let message = format!("{SMS}=From {{{{ city }}}}");
    with_sms(&scratch, &sandbox)
        .with(&["--message-for", &message])
        .run()
        .expect(0)
        .says("1 row has no message for another channel");
    let rows = scratch.checkpoint().rows();
    assert_eq!(rows[0].state, State::Sent);
    assert_eq!(rows[1].state, State::NoMessenger);
}

#[test]
fn more_people_than_may_cost_money_are_asked_about_and_off_a_terminal_nothing_is_written() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    scratch.contacts(12);
    let ended = with_sms(&scratch, &sandbox)
        .with(&["--fallback-at-most", "11"])
        .run()
        .expect(2);
    assert!(
        ended.said.contains("--fallback-at-most 12"),
        "{}",
        ended.said
    );
    assert_eq!(sandbox.stats().requests, 0);
    let status = scratch.outreach(&["status"]).run();
    assert!(!status.out.contains("list"), "{}", status.out);
    with_sms(&scratch, &sandbox)
        .with(&["--fallback-at-most", "12"])
        .run()
        .expect(0);
    assert_eq!(sandbox.stats().reached, 12);
}

#[test]
fn a_refusal_that_nobody_knows_holds_the_person_until_somebody_is_reached() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[
        "--no-messenger",
        "30%",
        "--no-messenger-text",
        "Nothing here",
    ]);
    scratch.contacts(40);
    let ended = with_sms(&scratch, &sandbox).concurrency(1).run();
    let checkpoint = scratch.checkpoint();
    let counts = checkpoint.counts();
    // Those behind the last whom Messenger reached wait for a person.
    assert_eq!(counts.sent + counts.queued, 40);
    let expected = if counts.queued == 0 { 0 } else { 5 };
    assert_eq!(ended.code, Some(expected), "{}", ended.said);
    let by_sms = results(&scratch, "outreach_channel");
    assert!(by_sms.iter().filter(|(_, channel)| channel == SMS).count() > 3);
    scratch
        .resume(&sandbox)
        .with(&["--refusal", "no_messenger=HTTP 422: Nothing here"])
        .run()
        .expect(0);
    let stats = sandbox.stats();
    assert_eq!((stats.reached, stats.reached_twice), (40, 0));
}

#[test]
fn nobody_goes_on_while_an_unbroken_run_of_unknown_refusals_lasts() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[
        "--no-messenger",
        "100%",
        "--no-messenger-text",
        "Nothing here",
    ]);
    scratch.contacts(40);
    with_sms(&scratch, &sandbox).concurrency(1).run().expect(5);
    assert_eq!(sandbox.stats().accepted, 0, "nobody was reached by SMS");
    assert_eq!(scratch.checkpoint().counts().queued, 40);
}

#[test]
fn a_refused_channel_stops_the_batch_only_where_people_may_not_go_on() {
    let refused = "--fault=refuse=(#10) Access to the Customer Matching API is currently available in limited release:channel=";
    for on_channel in [false, true] {
        let scratch = Scratch::new();
        let fault = format!("{refused}{CHANNEL}");
        let sandbox = SandboxProcess::start(&[&fault]);
        scratch.contacts(20);
        let mut send = with_sms(&scratch, &sandbox);
        if on_channel {
            send = send.with(&["--fallback-on", "channel"]);
        }
        send.run().expect(if on_channel { 0 } else { 5 });
        let counts = scratch.checkpoint().counts();
        let reached = if on_channel { 20 } else { 0 };
        assert_eq!((counts.sent, counts.queued), (reached, 20 - reached));
        assert_eq!(sandbox.stats().reached, reached);
    }
}

#[test]
fn who_is_known_to_have_no_messenger_begins_on_the_next_channel() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "50%"]);
    scratch.contacts(30);
    scratch.send(&sandbox).run().expect(0);
    let known = scratch.checkpoint().counts().no_messenger;
    assert!(known > 5);
    let before = sandbox.stats().sends;
    let ended = scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "second"])
        .with(&[
            "--message",
            "Hello again",
            "--message-again",
            "--fallback",
            SMS,
        ])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(0);
    let told = format!("About {known} of them go on to channel {SMS}");
    assert!(ended.said.contains(&told), "{}", ended.said);
    assert_eq!(sandbox.stats().sends - before, 30, "nobody was tried twice");
    assert_eq!(scratch.checkpoint().counts_of("second").sent, 30);
}

#[test]
fn the_channels_of_a_batch_and_their_messages_stay_as_it_was_begun() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    scratch.contacts(3);
    let message = |text: &str| format!("{SMS}={text}");
    let send = |text: &str| {
        with_sms(&scratch, &sandbox)
            .with(&["--message-for", &message(text)])
            .run()
    };
    send("Short").expect(0);
    send("Other").expect(2).says("was begun with --fallback");
    send("Short").expect(0);
    scratch.send(&sandbox).run().expect(0);
    let same = scratch.send(&sandbox).with(&["--fallback", CHANNEL]).run();
    same.expect(2).says("named twice");
}

#[test]
fn what_a_batch_is_for_is_kept_with_it() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(2);
    let send = |purpose: &str| scratch.send(&sandbox).with(&["--purpose", purpose]).run();
    send("Appointments in May")
        .expect(0)
        .says("For: Appointments in May");
    send("Appointments in May").expect(0);
    scratch.send(&sandbox).run().expect(0);
    let batch = scratch.checkpoint().batch("list");
    assert_eq!(batch.purpose.as_deref(), Some("Appointments in May"));
    send("Appointments in June").expect(0);
    let connection = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let sql = "SELECT detail FROM decision WHERE what = 'purpose' ORDER BY id";
    let mut select = connection.prepare(sql).unwrap();
    let said = select.query_map([], |row| row.get(0)).unwrap();
    let said: Vec<String> = said.collect::<Result<_, _>>().unwrap();
    assert_eq!(said, ["Appointments in May", "Appointments in June"]);
}

#[test]
fn a_run_of_refusals_that_stopped_the_batch_counts_in_the_share_when_it_goes_on() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    scratch.contacts(30);
    with_sms(&scratch, &sandbox).concurrency(1).run().expect(5);
    assert!(sandbox.stats().reached < 30);
    scratch.resume(&sandbox).concurrency(1).run().expect(0);
    let stats = sandbox.stats();
    assert_eq!((stats.reached, stats.reached_twice), (30, 0));
}

#[test]
fn the_messages_for_other_channels_are_never_sent_as_metadata() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "50%"]);
    scratch.contacts(20);
    let message = format!("{SMS}=Short");
    with_sms(&scratch, &sandbox)
        .with(&["--message-for", &message, "--metadata", "campaign=spring"])
        .run()
        .expect(0);
    // Half of the numbers have no Messenger.
    for number in [
        "+420777999991",
        "+420777999992",
        "+420777999993",
        "+420777999994",
    ] {
        scratch
            .outreach(&["test", "--batch", "list", "--to", number, "--yes"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .run();
    }
    let messages = sandbox.messages();
    assert!(messages.len() > 20, "{}", messages.len());
    for message in messages {
        let metadata = message["metadata"].as_object().unwrap();
        assert!(
            !metadata.contains_key("outreach_other_channels"),
            "{metadata:?}"
        );
        assert_eq!(metadata["campaign"], "spring");
        let short = message["content"]["payload"] == "Short";
        assert_eq!(short, message["channel_id"] == SMS);
    }
}

fn serve(scratch: &Scratch, port: u16) -> Running {
    let address = format!("127.0.0.1:{port}");
    scratch
        .outreach(&["serve", "--listen", &address])
        .env("OUTREACH_WEBHOOK_SECRET", SECRET)
        .start()
}

#[test]
fn a_number_without_whatsapp_is_told_later_and_a_worker_goes_on_by_sms() {
    let scratch = Scratch::new();
    scratch.contacts(2);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let url = format!("http://127.0.0.1:{port}/webhooks/amio/{{channel_id}}");
    let (whatsapp, sms) = ("7009:whatsapp", format!("{SMS}:mobile"));
    let sandbox = SandboxProcess::start(
        &[
            &["--channel", whatsapp, "--channel", &sms][..],
            // Undeliverable, which is mostly no WhatsApp; and outside of the 24 hours.
            &["--fault", "fail-later=131026:at=1"],
            &["--fault", "fail-later=131047:at=2"],
            &["--webhook-url", &url, "--webhook-secret", SECRET],
            &["--webhook=stop:0%", "--webhook-minute=60ms"],
        ]
        .concat(),
    );
    let mut receiver = serve(&scratch, port);
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "list"])
        .with(&["--message", "Hello", "--channel", "7009", "--fallback", SMS])
        .with(&["--base-url", sandbox.base_url()])
        .concurrency(1)
        .run()
        .expect(0);
    wait_until("both failures are heard", || {
        let counts = scratch.checkpoint().counts();
        (counts.queued, counts.error) == (1, 1)
    });
    let worker = scratch.outreach(&["worker", "--once", "--base-url", sandbox.base_url()]);
    worker.run().expect(3).says("through channel");
    receiver.kill();
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.error, counts.queued), (1, 1, 0));
    let by_sms: Vec<_> = sandbox.messages();
    let by_sms = by_sms.iter().filter(|it| it["channel_id"] == SMS).count();
    assert_eq!(by_sms, 1);
}

/// A batch of three channels: Messenger, then Viber, which finds out later, then SMS. Its events come doubled and in any
/// order.
struct Three {
    scratch: Scratch,
    sandbox: SandboxProcess,
    port: u16,
}

impl Three {
    const PEOPLE: u32 = 600;

    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.contacts(Self::PEOPLE);
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/webhooks/amio/{{channel_id}}");
        let sandbox = SandboxProcess::start(&[
            "--no-messenger",
            "33%",
            "--no-viber=50%",
            "--latency=3ms",
            "--webhook-url",
            &url,
            "--webhook-secret",
            SECRET,
            "--webhook=stop:0%",
            "--webhook=failed:0%",
            // Else nothing tells of a message whose answer was lost.
            "--webhook=delivered:100%",
            "--webhook=opt-in:100%",
            "--webhook=duplicates:30%",
            "--webhook=reordered:40%",
            "--webhook-spread=300ms",
            "--webhook-minute=60ms",
        ]);
        Self {
            scratch,
            sandbox,
            port,
        }
    }

    fn send(&self) -> Program {
        self.scratch
            .send(&self.sandbox)
            .with(&["--fallback", VIBER, "--fallback", SMS])
            .with(&["--fallback-at-most", "600", "--timeout", "2s"])
            .with(&["--rate", "300/s", "--undecided-in-a-row", "100"])
            .concurrency(6)
    }

    fn serve(&self) -> Running {
        serve(&self.scratch, self.port)
    }

    /// Kills sender and receiver again and again; returns the last receiver.
    fn rage(&self) -> Running {
        let mut random = Random::new(7);
        let (mut receiver, mut kills) = (self.serve(), 0);
        while kills < 8 {
            let mut sender = self.send().start();
            std::thread::sleep(Duration::from_millis(random.between(150, 500)));
            if !sender.kill() {
                break;
            }
            kills += 1;
            if kills % 3 == 0 {
                receiver.kill();
                receiver = self.serve();
            }
        }
        assert!(kills >= 3, "{kills} kills");
        receiver
    }

    /// Sends until nobody is queued: who goes on by an event is sent to by the next run.
    fn settle(&self) {
        for _ in 0..8 {
            let ended = self.send().run();
            assert!(matches!(ended.code, Some(0 | 3 | 4)), "{}", ended.said);
            wait_until("all events are taken", || {
                self.sandbox.stats().webhooks.pending == 0
            });
            if self.scratch.checkpoint().counts().queued == 0 {
                return;
            }
        }
        panic!("people are still queued");
    }

    /// The numbers that hold a message, by the sandbox's account.
    fn reached(&self) -> BTreeSet<u64> {
        let people = self.sandbox.people();
        let holds = |person: &&serde_json::Value| {
            let mut messages = person["messages"].as_array().unwrap().iter();
            messages.any(|message| message["failed"].is_null())
        };
        let number = |person: &serde_json::Value| person["number"].as_str().unwrap().parse();
        let reached = people.iter().filter(holds).map(number);
        reached.collect::<Result<_, _>>().unwrap()
    }
}

#[test]
fn everybody_holds_exactly_one_message_whatever_dies_and_whatever_comes_when() {
    let three = Three::new();
    let receiver = three.rage();
    three.settle();
    let checkpoint = three.scratch.checkpoint();
    checkpoint.expect_sound();
    let stats = three.sandbox.stats();
    assert_eq!(stats.reached_twice, 0);
    // Who was under way when a process died, and whose request never came, has nothing.
    let reached = three.reached();
    assert_eq!(reached.len() as u64, stats.reached);
    let mut again = vec![
        "resolve".to_owned(),
        "list".to_owned(),
        "--resend".to_owned(),
    ];
    for row in checkpoint.rows() {
        if reached.contains(&row.number.unwrap()) {
            assert!(row.state.counts_as_messaged(), "{row:?}");
        } else {
            assert_eq!(row.state, State::Unknown, "{row:?}");
            again.extend(["--row".to_owned(), row.at.to_string()]);
        }
    }
    if again.len() > 3 {
        let again: Vec<&str> = again.iter().map(String::as_str).collect();
        three.scratch.outreach(&again).run().expect(0);
        three.settle();
    }
    // Whom a channel refuses at the second request goes on: of the first it was decided.
    let rows = three.scratch.checkpoint().rows();
    let stats = three.sandbox.stats();
    // An event that nobody took in any of its tries is lost, and with it what it would have proven.
    assert_eq!(
        stats.webhooks.given_up, 0,
        "the receiver was away for too long"
    );
    assert!(rows.iter().all(|row| row.state == State::Sent), "{rows:?}");
    let everybody = u64::from(Three::PEOPLE);
    assert_eq!((stats.reached, stats.reached_twice), (everybody, 0));
    receiver.signal("TERM");
    receiver.wait().expect(0);
}

#[test]
fn the_settings_file_names_other_channels_and_a_message_that_is_given_replaces_theirs() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    scratch.contacts(2);
    let settings = format!(
        "message = \"Hello\"\nfallback = [\"{SMS}\"]\nmessage-for = [\"{SMS}=Call us\"]\nchannel = \"{CHANNEL}\"\n"
    );
    scratch.write("outreach.toml", &settings);
    let send = |batch: &str, more: &[&str]| {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
            .with(&["--base-url", sandbox.base_url()])
            .with(more)
            .run()
            .expect(0);
        let last = sandbox.messages().pop().unwrap();
        last["content"]["payload"].as_str().unwrap().to_owned()
    };
    assert_eq!(send("one", &[]), "Call us");
    let other = ["--message", "Another", "--message-again"];
    assert_eq!(send("two", &other), "Another");
    let checked = scratch.outreach(&["check", "contacts.csv"]).run().expect(0);
    let told = format!("About 2 of them go on to channel {SMS}");
    assert!(checked.out.contains(&told), "{}", checked.out);
    let segments = format!(
        "as SMS on channel {SMS}, if everybody goes on to it: 2 segments for 2 messages, 1 each"
    );
    assert!(checked.out.contains(&segments), "{}", checked.out);
    // Before the first message through a channel it is not known that it sends SMS.
    let long = format!("{}={}", SMS, "č".repeat(71));
    let check = scratch.outreach(&["check", "contacts.csv", "--message-for", &long]);
    let told = check.with(&["--db", "new.db"]).run().expect(0).out;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "its type is not known; if it sends SMS, and everybody goes on to it: 4 segments for 2 messages, 2 each",
        "2 messages are in UCS-2",
        "The characters behind that: č (write c) in 2. Written so, all take 2 segments",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_batch_that_is_resumed_gets_a_channel_more_and_asks_before_it_costs_much() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    scratch.contacts(3);
    scratch
        .send(&sandbox)
        .with(&["--limit", "1"])
        .run()
        .expect(4);
    let resume = |more: &[&str]| scratch.resume(&sandbox).with(more).run();
    resume(&["--fallback", SMS, "--fallback-at-most", "2"])
        .expect(2)
        .says("--fallback-at-most 3");
    resume(&["--fallback", SMS, "--message-for", &format!("{SMS}=Hi")]).expect(2);
    resume(&["--fallback", SMS]).expect(0);
    assert_eq!(scratch.checkpoint().batch("list").channels().count(), 2);
    // Who ended before stays as it was.
    let by_sms = sandbox.messages();
    assert!(by_sms.iter().all(|it| it["channel_id"] == SMS) && by_sms.len() == 2);
}
