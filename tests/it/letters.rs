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

#[test]
fn lines_in_utf_8_among_lines_of_east_asia_are_refused_and_named() {
    let scratch = Scratch::new();
    let mut list = b"name,phone\n".to_vec();
    // \u{738b}\u{5c0f}\u{660e} and the like in GBK; then a name in UTF-8.
    for row in 0..20 {
        list.extend(b"\xcd\xf5\xd0\xa1\xc3\xf7\xcf\xc8\xc9\xfa");
        list.extend(format!(",+86138001380{row:02}\n").bytes());
    }
    list.extend("José,+420777123456\n".bytes());
    std::fs::write(scratch.path("list.csv"), list).unwrap();
    let refused = scratch
        .outreach(&[LIST, &["Hello {{ name }}"]].concat())
        .run()
        .expect(7);
    refused
        .says("is in two encodings: line 22 in UTF-8")
        .says("perhaps in GBK");
    // A person may know better.
    scratch
        .outreach(&[LIST, &["Hello {{ name }}", "--encoding", "gbk"]].concat())
        .run()
        .expect(0);
}
