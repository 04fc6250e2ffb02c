//! SMS: the segments of a list before it is sent, what makes them more, and the limit that a batch keeps.

use outreach::internals::sandbox::Settings;
use serde_json::Value;

use crate::support::{CHANNEL, Program, SandboxProcess, Scratch, contacts};

const MOBILE: &str = Settings::MOBILE_CHANNEL;

/// `send contacts.csv` as the batch `list`, with this message, to the sandbox's SMS channel.
fn send(scratch: &Scratch, sandbox: &SandboxProcess, message: &str) -> Program {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "list"])
        .with(&["--message", message])
        .with(&["--base-url", sandbox.base_url(), "--channel", MOBILE])
}

/// A list of which the row with a long name needs more segments.
fn list(scratch: &Scratch) {
    let long = "x".repeat(170);
    let rows = format!("{}+420777000009,{long}\n", contacts(0..3));
    scratch.write("contacts.csv", &rows);
}

#[test]
fn check_counts_the_segments_of_the_whole_list_and_says_what_makes_them_more() {
    let scratch = Scratch::new();
    list(&scratch);
    let message =
        "Dobrý den {{ first_name }}, Vaše objednávka čeká na vyzvednutí do pátku 12. 6. Děkujeme.";
    let report = scratch
        .outreach(&["check", "contacts.csv", "--sms", "--message", message])
        .run()
        .expect(0);
    for told in [
        "10 segments for 4 messages, 2 to 4 each",
        "4 messages are in UCS-2, of which a segment holds 70 characters in place of 160",
        "č (write c) in 4",
        "Written so, all take 5 segments",
    ] {
        assert!(report.out.contains(told), "no `{told}` in {}", report.out);
    }
    let json = scratch
        .outreach(&[
            "check",
            "contacts.csv",
            "--sms",
            "--json",
            "--message",
            message,
        ])
        .run()
        .expect(0);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["sms"]["segments"], 10, "{json}");
    assert_eq!(json["sms"]["plain_segments"], 5);
    assert_eq!(json["sms"]["characters"][0]["messages"], 4);
    let other = scratch
        .outreach(&["check", "contacts.csv", "--message", message])
        .run()
        .expect(0);
    assert!(!other.out.contains("segments"), "{}", other.out);
}

#[test]
fn a_channel_that_is_known_to_send_sms_is_counted_without_a_flag() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    list(&scratch);
    let message = "Hello {{ first_name }}";
    let first = send(&scratch, &sandbox, message).run().expect(0);
    assert!(!first.said.contains("segments"), "{}", first.said);
    assert_eq!(sandbox.stats().accepted, 4);
    let check = ["check", "contacts.csv", "--message", "Bye {{ first_name }}"];
    let on = |channel| scratch.outreach(&check).with(&["--channel", channel]).run();
    let known = on(MOBILE).expect(0);
    let told = "5 segments for 4 messages, 1 to 2 each";
    assert!(known.out.contains(told), "{}", known.out);
    // A channel that is known to be another one has no segments.
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--message", "Good day"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(0);
    let other = on(CHANNEL).expect(0);
    assert!(!other.out.contains("segments"), "{}", other.out);
    let limited = scratch
        .outreach(&check)
        .with(&["--channel", CHANNEL, "--max-segments", "1"])
        .run()
        .expect(0);
    let told = "--max-segments is not used: the channel is of type facebook_messenger";
    assert!(limited.out.contains(told), "{}", limited.out);
}

#[test]
fn a_message_that_needs_more_segments_is_refused_and_the_batch_keeps_the_limit() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    list(&scratch);
    let message = "Hello {{ first_name }}";
    let send = || send(&scratch, &sandbox, message);
    send()
        .with(&["--max-segments", "1"])
        .run()
        .expect(0)
        .says("3 segments for 3 messages, 1 each")
        .says("the message needs more SMS segments than --max-segments allows");
    assert_eq!(sandbox.stats().accepted, 3);
    let results = scratch.read("list.results.csv");
    let refused = results
        .lines()
        .find(|line| line.contains("420777000009"))
        .unwrap();
    assert!(
        refused.contains(",invalid,") && refused.contains(",segments,"),
        "{refused}"
    );
    let why = "the message needs 2 segments of SMS where --max-segments allows 1: 176 characters";
    assert!(refused.contains(why), "{refused}");
    // One that is not given changes nothing; another one only with a list that replaces the batch's.
    send().run().expect(0);
    send()
        .with(&["--max-segments", "2"])
        .run()
        .expect(2)
        .says("was begun with --max-segments 1");
    assert_eq!(sandbox.stats().sends, 3);
    let list = scratch.read("contacts.csv");
    scratch.write(
        "contacts.csv",
        &format!("{list}+420777000010,{}\n", "y".repeat(180)),
    );
    send().with(&["--update"]).run().expect(0);
    assert_eq!(
        sandbox.stats().sends,
        3,
        "the limit holds for the edited list too"
    );
    send()
        .with(&["--update", "--max-segments", "2"])
        .run()
        .expect(0);
    assert_eq!(sandbox.stats().accepted, 5, "judged anew");
    assert!(sandbox.accepted().values().all(|count| *count == 1));
}

#[test]
fn a_list_whose_every_message_is_too_long_is_refused_by_that_reason() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let message = format!("{} {{{{ first_name }}}}", "a".repeat(170));
    scratch
        .outreach(&["send", "contacts.csv", "--sandbox", "--max-segments", "1"])
        .with(&["--message", &message])
        .run()
        .expect(7)
        .says("makes a message that can be sent")
        .says("the message needs 2 segments");
}

#[test]
fn sms_are_rehearsed_on_a_channel_of_their_kind() {
    let scratch = Scratch::new();
    scratch.contacts(30);
    scratch
        .outreach(&["send", "contacts.csv", "--sandbox", "--sms"])
        .with(&["--message", "Hello {{ first_name }}"])
        .run()
        .expect(0)
        .says("30 segments for 30 messages, 1 each");
    let status = scratch
        .outreach(&["status", "--db", "sandbox.db", "--json"])
        .run()
        .expect(0);
    assert!(
        status.out.contains("\"sent\": 30"),
        "an SMS is refused by nobody: {}",
        status.out
    );
}
