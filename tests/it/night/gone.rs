//! A batch whose list is not in the inbox any more: a newer one may refuse people.

use super::Nights;
use crate::support::{Ended, SandboxProcess};

/// The people of a list.
const PEOPLE: u64 = 20;

/// A list of which the last so many refuse.
fn list(refusing: u64) -> String {
    let row = |n: u64| {
        let consent = if n < PEOPLE - refusing { "yes" } else { "no" };
        format!("Eva,+42077733{n:04},{consent}\n")
    };
    let rows: String = (0..PEOPLE).map(row).collect();
    format!("first_name,phone,consent\n{rows}")
}

fn worker(nights: &Nights) -> Ended {
    let worker = nights.scratch.outreach(&["worker", "--once"]);
    worker
        .with(&["--base-url", nights.sandbox.base_url()])
        .run()
}

/// A night that ends while people of `a.csv` wait. Returns how many were sent to.
fn begun() -> (Nights, u64) {
    let nights = Nights::new(SandboxProcess::start(&[]), &[]);
    nights.put_file("a.csv", &list(0));
    let night = nights.night(&["--rate", "4/s", "--burst", "1", "--for", "3s"]);
    night.run().expect(4);
    let sent = nights.sandbox.stats().accepted;
    assert!(sent > 0 && sent < PEOPLE - 5, "{sent}");
    (nights, sent)
}

fn batch(nights: &Nights) -> String {
    let batches = nights.scratch.outreach(&["status"]).run().out;
    let mut words = batches.split_whitespace();
    let batch = words.find(|word| word.starts_with("a-20")).unwrap();
    batch.to_owned()
}

#[test]
fn a_list_that_the_night_refuses_leaves_its_batch_to_a_person_and_mended_to_the_next_night() {
    let (nights, sent) = begun();
    nights.put_file("a.csv", &(list(5) + "\"unclosed,Q,yes\n"));
    let wait = format!(
        "it is not in inbox any more, and {} people wait in its batch",
        PEOPLE - sent
    );
    let told = |night: &Ended| {
        for line in [
            &*wait,
            " && outreach resume a-20",
            " && outreach cancel a-20",
        ] {
            assert!(night.out.contains(line), "{line}: {}", night.out);
        }
    };
    told(&nights.night(&[]).run().expect(7));
    nights.are("refused", &["a.csv"]);
    // It is told every night, and no worker goes on with it.
    for _ in 0..2 {
        let ended = worker(&nights).expect(4).says("is left to a person");
        assert!(
            ended.said.contains("outreach resume a-20"),
            "{}",
            ended.said
        );
        let empty = nights.night(&[]).run().expect(4);
        let subject =
            "outreach: no list in inbox; people wait whose list is not in inbox any more: a.csv";
        assert_eq!(empty.out.lines().next(), Some(subject));
        told(&empty);
    }
    assert_eq!(nights.sandbox.stats().accepted, sent);
    // Mended, in another format of the same name.
    std::fs::remove_file(nights.scratch.path("refused/a.csv")).unwrap();
    nights.put_file("a.txt", &list(5));
    nights.night(&[]).run().expect(0);
    worker(&nights).expect(0);
    assert_eq!(nights.sandbox.accepted().len() as u64, PEOPLE - 5);
    assert_eq!(nights.sandbox.stats().repeated, 0);
    nights.are("sent", &["a.txt"]);
    // It was done with: the next list of the first one's name is another one.
    nights.put_file("a.csv", &list(4));
    nights.night(&["--repeat-guard", "0"]).run().expect(0);
    assert_eq!(nights.sandbox.stats().accepted, 2 * PEOPLE - 9);
}

#[test]
fn a_list_that_is_renamed_or_taken_out_of_the_inbox_leaves_its_batch_to_who_names_it() {
    let (nights, sent) = begun();
    std::fs::remove_file(nights.scratch.path("inbox/a.csv")).unwrap();
    // Renamed, it is another list, and edited.
    nights.put_file("b.csv", &list(5));
    worker(&nights).expect(4).says("is left to a person");
    assert_eq!(nights.sandbox.stats().accepted, sent);
    std::fs::remove_file(nights.scratch.path("inbox/b.csv")).unwrap();
    nights.night(&[]).run().expect(4);
    worker(&nights).expect(4).says("is left to a person");
    assert_eq!(nights.sandbox.stats().accepted, sent);
    let url = ["--base-url", nights.sandbox.base_url()];
    let resume = ["resume", &*batch(&nights), "--yes"];
    let resume = nights.scratch.outreach(&resume).with(&url).run().expect(0);
    resume.says("is not there any more");
    assert_eq!(nights.sandbox.stats().accepted, PEOPLE);
    // Nobody waits: there is nothing to tell.
    worker(&nights).expect(0);
    nights.night(&[]).run().expect(0);
}

#[test]
fn a_worker_goes_on_once_a_list_lies_in_the_inbox_again_as_it_was_read() {
    let (nights, sent) = begun();
    let (inbox, beside) = (
        nights.scratch.path("inbox/a.csv"),
        nights.scratch.path("a.csv"),
    );
    std::fs::rename(&inbox, &beside).unwrap();
    nights.night(&[]).run().expect(4);
    worker(&nights).expect(4);
    assert_eq!(nights.sandbox.stats().accepted, sent);
    std::fs::rename(&beside, &inbox).unwrap();
    worker(&nights).expect(0);
    assert_eq!(nights.sandbox.stats().accepted, PEOPLE);
    nights.night(&[]).run().expect(0);
    nights.are("sent", &["a.csv"]);
}
