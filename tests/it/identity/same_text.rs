//! What a person sees is what counts.

use super::{interrupted, most, send};

#[test]
fn an_interrupted_batch_goes_on_whatever_white_space_its_message_has_now() {
    for again in [
        "Hello  there ",
        "Hello there\n",
        "\tHello\r\nthere",
        "Hello\u{a0}there",
        "Hel\u{200b}lo there\u{feff}",
        "\u{200e}Hello \u{200b} there\u{2800}",
    ] {
        let (scratch, sandbox) = interrupted(6, 4, "Hello there");
        send(&scratch, &sandbox, again).run().expect(0);
        assert_eq!(sandbox.accepted().len(), 6, "{again:?}");
        assert_eq!(most(&sandbox), 1, "{again:?}");
        let batches = scratch.checkpoint().reader.batches().expect("the batches");
        assert_eq!(batches.len(), 1, "{again:?}");
    }
}

#[test]
fn an_accent_that_is_typed_apart_makes_no_other_message() {
    let (scratch, sandbox) = interrupted(6, 4, "Dobrý den, Jiří");
    let apart = "Dobry\u{301} den, Jir\u{30c}i\u{301}";
    send(&scratch, &sandbox, apart).run().expect(0);
    assert_eq!((sandbox.accepted().len(), most(&sandbox)), (6, 1));
}

#[test]
fn the_same_text_under_another_name_reaches_nobody_twice() {
    let (scratch, sandbox) = interrupted(6, 4, "Hello there");
    send(&scratch, &sandbox, " Hello  there\n")
        .with(&["--batch", "again"])
        .run()
        .expect(0);
    assert_eq!((sandbox.accepted().len(), most(&sandbox)), (6, 1));
}
