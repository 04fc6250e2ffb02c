//! A list whose letters may be others.

use crate::support::Scratch;

const LIST: &[&str] = &["send", "list.csv", "--sandbox", "--yes", "--message"];

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    // `Muñoz` in Spain, `Muńoz` in Poland: the same bytes.
    std::fs::write(
        scratch.path("list.csv"),
        b"first_name,phone,city\nMu\xf1oz,+420777123456,Brno\n",
    )
    .unwrap();
    scratch
}

#[test]
fn letters_in_doubt_that_a_message_uses_are_refused_off_a_terminal() {
    for message in [
        "Hello {{ first_name }}",
        "{% if row.first_name %}Hi {{ row.first_name }}{% endif %}",
    ] {
        let scratch = scratch();
        let refused = scratch
            .outreach(&[LIST, &[message]].concat())
            .run()
            .expect(2);
        refused.says("--encoding").says("Muñoz").says("Muńoz");
        assert!(!scratch.path("outreach.sandbox.db").exists());
        let told = [LIST, &[message, "--encoding", "windows-1252"]].concat();
        scratch.outreach(&told).run().expect(0);
    }
}

#[test]
fn letters_in_doubt_that_no_message_uses_are_told_and_sent() {
    let scratch = scratch();
    let sent = scratch
        .outreach(&[LIST, &["Hello {{ city }}"]].concat())
        .run()
        .expect(0);
    sent.says("it is not certain which letters are meant");
}
