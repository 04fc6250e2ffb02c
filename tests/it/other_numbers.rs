//! A row with several numbers of one person: what is known of any of them counts for the person.

use outreach::internals::domain::delivery::State;
use serde_json::json;

use crate::opt_outs::{contact_of, stop};
use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event, number};

/// The number that a person was messaged on before, and the other one.
fn phone(person: u32) -> u64 {
    number(person)
}

fn mobile(person: u32) -> u64 {
    number(100 + person)
}

/// A list of these people with both numbers, the mobile first; without it where `only_phone` says so.
fn people(only_phone: bool, people: std::ops::Range<u32>) -> String {
    let row = |n| {
        let mobile = if only_phone {
            String::new()
        } else {
            format!("+{}", mobile(n))
        };
        format!("Person{n},{mobile},+{}\n", phone(n))
    };
    let rows: String = people.map(row).collect();
    format!("first_name,mobile,phone\n{rows}")
}

/// The same with both numbers, each in the column of the other one.
fn swapped(people: std::ops::Range<u32>) -> String {
    let row = |n| format!("Person{n},+{},+{}\n", phone(n), mobile(n));
    let rows: String = people.map(row).collect();
    format!("first_name,mobile,phone\n{rows}")
}

struct Scene {
    scratch: Scratch,
    sandbox: SandboxProcess,
}

impl Scene {
    fn new() -> Self {
        Self {
            scratch: Scratch::new(),
            sandbox: SandboxProcess::start(&[]),
        }
    }

    /// Sends the list under that name; returns what was said.
    fn send(&self, batch: &str, list: &str, text: &str, more: &[&str]) -> String {
        let file = format!("{batch}.csv");
        self.scratch.write(&file, list);
        let ended = self
            .scratch
            .outreach(&["send", &file, "--yes", "--batch", batch])
            .with(&["--message", text, "--channel", CHANNEL])
            .with(&["--base-url", self.sandbox.base_url()])
            .with(more)
            .run();
        ended.out + &ended.said
    }

    fn run(&self, arguments: &[&str]) {
        self.scratch.outreach(arguments).run().expect(0);
    }

    /// How often each of these numbers was messaged.
    fn times(&self, numbers: &[u64]) -> Vec<u64> {
        let accepted = self.sandbox.accepted();
        let times = |number| accepted.get(number).copied().unwrap_or(0);
        numbers.iter().map(times).collect()
    }

    /// State, code and reason of each row.
    fn rows(&self, batch: &str) -> Vec<(State, String)> {
        let rows = self.scratch.checkpoint().rows_of(batch).into_iter();
        rows.map(|row| (row.state, row.reason_code.unwrap_or_default()))
            .collect()
    }

    /// Whether a file of the checkpoint holds the text.
    fn holds(&self, text: &str) -> bool {
        ["outreach.db", "outreach.db-wal"].iter().any(|name| {
            let bytes = std::fs::read(self.scratch.path(name)).unwrap_or_default();
            let mut parts = bytes.windows(text.len());
            parts.any(|part| part == text.as_bytes())
        })
    }
}

#[test]
fn who_must_not_be_messaged_on_one_number_is_not_messaged_on_another() {
    let scene = Scene::new();
    scene.send("a", &people(true, 0..5), "Hello", &[]);
    let receiver = Receiver::start(&scene.scratch);
    receiver.take(&stop(&contact_of(&scene.sandbox, phone(0))));
    let [one, two] = [1, 2].map(|person| format!("+{}", phone(person)));
    scene.run(&["suppress", "add", &one]);
    scene.run(&["forget", &two, "--yes"]);
    let asks =
        json!({ "id": "9002", "content": { "type": "text", "payload": "When do you stop?" } });
    let contact = contact_of(&scene.sandbox, phone(3));
    let noon = "2026-05-02T12:00:00Z";
    receiver.take(&event("message_received", &contact, None, noon, &asks));
    let said = scene.send("b", &people(false, 0..6), "Next", &[]);
    let numbers: Vec<u64> = (0..6).flat_map(|n| [mobile(n), phone(n)]).collect();
    // Whoever said nothing is messaged on the mobile.
    assert_eq!(
        scene.times(&numbers),
        [0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0],
        "{said}"
    );
    let codes: Vec<String> = scene.rows("b").into_iter().map(|(_, code)| code).collect();
    assert_eq!(
        codes[..4],
        [
            "suppression_list",
            "suppression_list",
            "forgotten",
            "unread_reply"
        ]
    );
    assert!(said.contains("another number of their row"), "{said}");
    assert!(!said.contains(&phone(1).to_string()), "{said}");
    let results = scene.scratch.read("b.results.csv");
    assert!(
        results.contains("another number of the row (+420******001)"),
        "{results}"
    );
}

/// A column that is named for the messages says nothing of the others: they are the same people's.
#[test]
fn numbers_in_a_column_that_no_message_goes_to_count_too() {
    let scene = Scene::new();
    scene.send("a", &people(true, 0..4), "Hello", &[]);
    let [zero, one] = [0, 1].map(|person| format!("+{}", phone(person)));
    scene.run(&["suppress", "add", &zero]);
    scene.run(&["forget", &one, "--yes"]);
    let list = people(false, 0..6);
    let by_mobile = ["--column", "phone=mobile"];
    let said = scene.send("b", &list, "Hello", &by_mobile);
    let mobiles: Vec<u64> = (0..6).map(mobile).collect();
    assert_eq!(scene.times(&mobiles), [0, 0, 0, 0, 1, 1], "{said}");
    // As in a database.
    let list = list.replace("mobile,phone", "phone,phone2");
    let said = scene.send("c", &list, "Hello", &[]);
    assert_eq!(scene.times(&mobiles), [0, 0, 0, 0, 1, 1], "{said}");
    // The doctor's number is none of the patient's.
    scene.run(&["suppress", "add", &format!("+{}", number(300))]);
    let row = |n: u32| format!("Person{n},+{},Doctor,+{}\n", number(200 + n), number(300));
    let rows: String = (0..3).map(row).collect();
    let list = format!("patient,patient phone,doctor,phone\n{rows}");
    let said = scene.send("d", &list, "Hello", &["--column", "phone=patient phone"]);
    let patients: Vec<u64> = (0..3).map(|n| number(200 + n)).collect();
    assert_eq!(scene.times(&patients), [1, 1, 1], "{said}");
}

#[test]
fn who_asks_on_another_number_once_the_list_was_read_is_not_messaged_any_more() {
    let scene = Scene::new();
    scene.send("a", &people(true, 0..5), "Hello", &[]);
    let receiver = Receiver::start(&scene.scratch);
    let rest = people(false, 0..5).replace("first_name,mobile,phone\n", "");
    let list = people(false, 5..7) + &rest;
    scene.send("b", &list, "Next", &["--limit", "2"]);
    receiver.take(&stop(&contact_of(&scene.sandbox, phone(0))));
    let [one, two, six] = [1, 2, 6].map(|person| format!("+{}", phone(person)));
    scene.run(&["suppress", "add", &one, &six]);
    scene.run(&["forget", &two, "--yes"]);
    let asks =
        json!({ "id": "9002", "content": { "type": "text", "payload": "When do you stop?" } });
    let contact = contact_of(&scene.sandbox, phone(3));
    receiver.take(&event(
        "message_received",
        &contact,
        None,
        "2026-05-02T12:00:00Z",
        &asks,
    ));
    let base_url = ["--base-url", scene.sandbox.base_url()];
    let resume = scene.scratch.outreach(&["resume", "b", "--yes"]);
    resume.with(&base_url).run().expect(0);
    let mobiles: Vec<u64> = (0..7).map(mobile).collect();
    assert_eq!(scene.times(&mobiles), [0, 0, 0, 0, 1, 1, 1]);
    let codes: Vec<String> = scene.rows("b").into_iter().map(|(_, code)| code).collect();
    assert_eq!(
        codes[2..6],
        [
            "suppression_list",
            "suppression_list",
            "erased",
            "unread_reply"
        ]
    );
    let results = scene.scratch.read("b.results.csv");
    let said = "another number of the row (+420******001): on the suppression list";
    assert!(results.contains(said), "{results}");
    // Nor is whoever had the message since, in a batch that was made of the list.
    let audience = [
        "send",
        "--audience-from",
        "checkpoint",
        "--batch-status",
        "b=sent",
        "--yes",
    ];
    let audience = scene.scratch.outreach(&audience).with(&base_url);
    let audience = audience.with(&["--message", "Once more", "--channel", CHANNEL]);
    audience.run().expect(0);
    assert_eq!(scene.times(&mobiles), [0, 0, 0, 0, 2, 2, 1]);
    scene.scratch.checkpoint().expect_sound();
}

#[test]
fn a_message_to_one_number_of_a_person_is_not_repeated_to_another() {
    let scene = Scene::new();
    let numbers: Vec<u64> = (0..4).flat_map(|n| [mobile(n), phone(n)]).collect();
    let once_each = [0, 1, 0, 1, 0, 1, 0, 1];
    scene.send("a", &people(true, 0..4), "Hello", &[]);
    assert_eq!(scene.times(&numbers), once_each);
    // The same batch with the mobile filled in, and another one.
    scene.send("a", &people(false, 0..4), "Hello", &["--update"]);
    assert_eq!(scene.times(&numbers), once_each);
    scene.send("b", &people(false, 0..4), "Hello", &[]);
    assert_eq!(scene.times(&numbers), once_each);
    assert!(
        scene
            .rows("b")
            .iter()
            .all(|(_, code)| code == "repeat_guard")
    );
    // Another message goes to the mobile.
    scene.send(
        "c",
        &people(false, 0..4),
        "Good evening",
        &["--message-again"],
    );
    assert_eq!(scene.times(&numbers), [1; 8]);
}

/// Whether the message arrived is not known: nobody asks again before the claim.
#[test]
fn a_message_that_may_have_gone_to_one_number_keeps_the_other_one_back() {
    let scene = Scene {
        scratch: Scratch::new(),
        sandbox: SandboxProcess::start(&["--fault=close-after-accept:at=1"]),
    };
    scene.send("a", &people(true, 0..1), "Hello", &["--no-canary"]);
    scene.send("b", &people(false, 0..1), "Hello", &[]);
    assert_eq!(scene.times(&[mobile(0), phone(0)]), [0, 1]);
    assert_eq!(
        scene.rows("b"),
        [(State::Suppressed, "repeat_guard".to_owned())]
    );
}

/// Both rows were queued before either was sent, each with another number of the person in front.
#[test]
fn a_message_that_went_to_one_number_meanwhile_is_not_sent_to_the_other_one() {
    let scene = Scene::new();
    let list = people(false, 0..4);
    scene.send("a", &list, "Hello", &["--limit", "1"]);
    scene.send("b", &swapped(0..4), "Hello", &[]);
    let numbers: Vec<u64> = (0..4).flat_map(|n| [mobile(n), phone(n)]).collect();
    let once_each = [1, 0, 0, 1, 0, 1, 0, 1];
    assert_eq!(scene.times(&numbers), once_each);
    scene.run(&[
        "resume",
        "a",
        "--yes",
        "--base-url",
        scene.sandbox.base_url(),
    ]);
    assert_eq!(scene.times(&numbers), once_each);
    assert_eq!(
        scene.rows("a")[3],
        (State::Suppressed, "repeat_guard".to_owned())
    );
    // Nor by a batch of those who were left out.
    let base_url = ["--base-url", scene.sandbox.base_url()];
    let audience = [
        "send",
        "--audience-from",
        "checkpoint",
        "--batch-status",
        "a=suppressed",
    ];
    let audience = scene.scratch.outreach(&audience).with(&base_url);
    let audience = audience.with(&["--message", "Hello", "--channel", CHANNEL, "--yes"]);
    audience.run().expect(0);
    assert_eq!(scene.times(&numbers), once_each);
    scene.scratch.checkpoint().expect_sound();
}

#[test]
fn whom_another_batch_messaged_on_another_number_is_asked_about_and_left_out() {
    let scene = Scene::new();
    scene.send("a", &people(false, 0..4), "Hello", &["--limit", "2"]);
    let numbers: Vec<u64> = (0..4).flat_map(|n| [mobile(n), phone(n)]).collect();
    let said = scene.send("b", &swapped(0..4), "Good evening", &[]);
    assert!(
        said.contains("2 people of this list got another message"),
        "{said}"
    );
    assert_eq!(scene.times(&numbers), [1, 0, 1, 0, 0, 0, 0, 0]);
    scene.send("b", &swapped(0..4), "Good evening", &["--skip-messaged"]);
    let one_each = [1, 0, 1, 0, 0, 1, 0, 1];
    assert_eq!(scene.times(&numbers), one_each);
    // Whichever batch goes on.
    scene.run(&[
        "resume",
        "a",
        "--yes",
        "--base-url",
        scene.sandbox.base_url(),
    ]);
    assert_eq!(scene.times(&numbers), one_each);
}

#[test]
fn a_person_is_once_in_a_list_whichever_number_a_row_begins_with() {
    let scene = Scene::new();
    let both = |name: &str, first: u64, second: u64| format!("{name},+{first},+{second}\n");
    let list = [
        "first_name,mobile,phone\n".to_owned(),
        both("A", mobile(0), phone(0)),
        both("A", phone(0), mobile(0)),
        both("B", mobile(1), phone(1)),
        format!("B,,+{}\n", phone(1)),
        format!("C,,+{}\n", phone(2)),
        both("C", mobile(2), phone(2)),
        // A family with one number at home.
        both("D", mobile(3), phone(3)),
        both("E", mobile(4), phone(3)),
    ];
    scene.send("a", &list.concat(), "Hello", &["--prefer", "first"]);
    let numbers: Vec<u64> = (0..5).flat_map(|n| [mobile(n), phone(n)]).collect();
    assert_eq!(scene.times(&numbers), [1, 0, 1, 0, 0, 1, 1, 0, 1, 0]);
    let results = scene.scratch.read("a.results.csv");
    assert_eq!(
        results.matches("same person as row").count(),
        3,
        "{results}"
    );
    // A later row of the list with the number of a row that was left out.
    let more = format!(
        "first_name,mobile,phone\nB,,+{}\nF,,+{}\n",
        phone(1),
        phone(5)
    );
    scene.send("a", &more, "Hello", &["--add"]);
    assert_eq!(scene.times(&[mobile(1), phone(1), phone(5)]), [1, 0, 1]);
}

#[test]
fn a_no_beside_one_number_of_a_person_holds_the_others_and_so_does_a_list_of_stops() {
    let scene = Scene::new();
    let listed = format!("phone\n+{}\n", phone(2));
    scene.scratch.write("stops.csv", &listed);
    scene.run(&["suppress", "import", "stops.csv"]);
    let list = format!(
        "first_name,mobile,phone,consent\nA,+{},+{},yes\nA,,+{},no\nB,+{},+{},yes\nC,+{},+{},yes\n",
        mobile(0),
        phone(0),
        phone(0),
        mobile(1),
        phone(1),
        mobile(2),
        phone(2),
    );
    scene.send("a", &list, "Hello", &[]);
    let numbers: Vec<u64> = (0..3).flat_map(|n| [mobile(n), phone(n)]).collect();
    assert_eq!(scene.times(&numbers), [0, 0, 1, 0, 0, 0]);
    // Two numbers in one cell.
    let cells = format!(
        "first_name;phone\nA;+{}, +{}\nD;+{}\n",
        mobile(2),
        phone(2),
        phone(5)
    );
    scene.send("b", &cells, "Good evening", &[]);
    assert_eq!(scene.times(&[mobile(2), phone(2), phone(5)]), [0, 0, 1]);
    // Each number is a recipient of its own where that is asked for.
    scene.send("c", &people(false, 2..3), "Once more", &["--all-numbers"]);
    assert_eq!(scene.times(&[mobile(2), phone(2)]), [1, 0]);
}

/// Its rows are sent to the number that the batch before messaged, and have all its columns.
#[test]
fn an_erased_person_is_erased_in_a_follow_up_whichever_number_it_was() {
    let scene = Scene::new();
    scene.send("a", &people(false, 0..2), "Hello", &[]);
    let follow = ["send", "--after", "opt_in", "--of", "a", "--yes"];
    let follow = scene
        .scratch
        .outreach(&follow)
        .with(&["--channel", CHANNEL]);
    let follow = follow.with(&["--base-url", scene.sandbox.base_url()]);
    follow.with(&["--message", "Thank you"]).run().expect(0);
    let number = format!("+{}", phone(0));
    let told = scene.scratch.outreach(&["forget", &number, "--yes"]).run();
    let told = told.expect(0);
    assert!(
        told.out.contains("Erased: 2 rows (1 still queued)"),
        "{}",
        told.out
    );
    assert!(!scene.holds("Person0") && !scene.holds(&number[1..]));
    assert!(scene.holds("Person1"), "the search would find it");
    scene.scratch.checkpoint().expect_sound();
}

/// Colleagues with the number of their firm, and who only notes it.
#[test]
fn a_number_that_several_people_share_goes_from_their_rows_and_they_stay() {
    let scene = Scene::new();
    let firm = phone(9);
    let national = firm.to_string()[3..].to_owned();
    let list = format!(
        "first_name,mobile,phone,note\nAnna,+{},+{firm},\nBob,+{},{national},\nCyril,+{},+{},asks at {national}\nFirm,,+{firm},\n",
        mobile(0),
        mobile(1),
        mobile(2),
        phone(2),
    );
    scene.send("a", &list, "Hello", &["--limit", "1", "--region", "CZ"]);
    let number = format!("+{firm}");
    let told = scene.scratch.outreach(&["forget", &number, "--yes"]).run();
    let told = told.expect(0);
    assert!(
        told.out.contains("Erased: 1 row (2 still queued)"),
        "{}",
        told.out
    );
    assert!(told.out.contains("3 rows of others"), "{}", told.out);
    assert!(!scene.holds(&national));
    for name in ["Anna", "Bob", "Cyril"] {
        assert!(scene.holds(name), "{name}");
    }
    scene.run(&[
        "resume",
        "a",
        "--yes",
        "--base-url",
        scene.sandbox.base_url(),
    ]);
    // As after a STOP by it, who shares the number is not messaged; who noted it is.
    let mobiles: Vec<u64> = (0..3).map(mobile).chain([firm]).collect();
    assert_eq!(scene.times(&mobiles), [1, 0, 1, 0]);
    let codes = [
        (State::Sent, String::new()),
        (State::Suppressed, "forgotten".to_owned()),
        (State::Sent, String::new()),
        (State::Suppressed, "erased".to_owned()),
    ];
    assert_eq!(scene.rows("a"), codes);
    let results = scene.scratch.read("a.results.csv");
    assert!(
        results.contains(&format!("Anna,+{},,", mobile(0))),
        "{results}"
    );
    scene.scratch.checkpoint().expect_sound();
}

/// A number of eight digits without its country code is a date, too.
#[test]
fn the_digits_of_an_erased_number_are_not_looked_for_in_dates() {
    let scene = Scene::new();
    let list = "first_name,phone,due\nAnna,+4520261127,2026-11-29\nBo,+4520261128,20261129\nCy,+4520261129,2026-11-28\n";
    scene.send("a", list, "Hello", &["--limit", "1"]);
    let forget = ["forget", "+4520261129", "--yes"];
    let told = scene.scratch.outreach(&forget).run().expect(0);
    assert!(
        told.out.contains("Erased: 1 row (1 still queued)"),
        "{}",
        told.out
    );
    scene.run(&[
        "resume",
        "a",
        "--yes",
        "--base-url",
        scene.sandbox.base_url(),
    ]);
    let numbers = [4_520_261_127, 4_520_261_128, 4_520_261_129];
    assert_eq!(scene.times(&numbers), [1, 1, 0]);
    assert!(scene.holds("2026-11-29") && scene.holds("20261129"));
    scene.scratch.checkpoint().expect_sound();
}

#[test]
fn an_erased_person_is_erased_in_rows_that_are_sent_to_on_another_number() {
    let scene = Scene {
        scratch: Scratch::new().in_steps_of(2),
        sandbox: SandboxProcess::start(&[]),
    };
    let mut list = people(false, 0..6);
    // As people write numbers.
    let spaced = format!(
        "+420 {} {}",
        &phone(4).to_string()[3..6],
        &phone(4).to_string()[6..]
    );
    list = list.replace(&format!("+{}", phone(4)), &spaced);
    scene.send("a", &list, "Hello {{ first_name }}", &["--limit", "2"]);
    let [sent, queued] = [0, 4].map(|person| format!("+{}", phone(person)));
    for phone in [&sent, &queued] {
        let told = scene
            .scratch
            .outreach(&["forget", phone, "--yes"])
            .run()
            .expect(0);
        assert!(told.out.contains("Erased: 1 row ("), "{}", told.out);
    }
    for gone in [
        &sent[1..],
        &queued[1..],
        spaced.as_str(),
        "Person0",
        "Person4",
    ] {
        assert!(!scene.holds(gone), "{gone}");
    }
    assert!(scene.holds("Person3"), "the search would find it");
    let resume = scene.scratch.outreach(&["resume", "a", "--yes"]);
    resume
        .with(&["--base-url", scene.sandbox.base_url()])
        .run()
        .expect(0);
    let mobiles: Vec<u64> = (0..6).map(mobile).collect();
    assert_eq!(scene.times(&mobiles), [1, 1, 1, 1, 0, 1]);
    assert_eq!(scene.rows("a")[4], (State::Suppressed, "erased".to_owned()));
    // An audience of the batch has nothing left of who was erased.
    let audience = [
        "send",
        "--audience-from",
        "checkpoint",
        "--batch-status",
        "a=sent",
        "--yes",
    ];
    let audience = scene
        .scratch
        .outreach(&audience)
        .with(&["--message", "Next"]);
    let audience = audience.with(&["--base-url", scene.sandbox.base_url()]);
    audience.with(&["--channel", CHANNEL]).run().expect(0);
    assert_eq!(scene.times(&mobiles), [1, 2, 2, 2, 0, 2]);
    scene.scratch.checkpoint().expect_sound();
    // A message that was sent is not sent again, nor is an erased row.
    scene.send(
        "a",
        &people(false, 0..6),
        "Hello {{ first_name }}",
        &["--update"],
    );
    assert_eq!(scene.times(&mobiles), [1, 2, 2, 2, 0, 2]);
    scene.scratch.checkpoint().expect_sound();
}
