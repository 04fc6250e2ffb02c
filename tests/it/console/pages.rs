//! What the page of a batch shows while it is sent, once a guard stopped it, and where it is large.

use crate::support::{CHANNEL, ConsoleProcess, SandboxProcess, Scratch, contacts, wait_until};

#[test]
fn while_a_batch_is_sent_its_page_draws_the_quota_of_its_token() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--quota", "1000"]);
    let arguments = ["--channel", CHANNEL, "--rate", "2/s", "--burst", "1"];
    let console = ConsoleProcess::of(&scratch, &sandbox, &arguments);
    let visitor = console.visitor();
    let list = visitor.drop_list("contacts.csv", contacts(0..200).as_bytes());
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "list")]);
    assert!(!visitor.page(&batch).contains("requests left"));
    visitor
        .send(&format!("{batch}/start"), &[("people", "200")])
        .location();
    wait_until("some were sent", || sandbox.stats().accepted > 3);
    let page = visitor.wait_for(&batch, "of 1,000 requests left, until");
    for text in ["Quota of the token", "<polyline", "The same as numbers"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    visitor.watch(&format!("{batch}/live"), "event: quota");
    // A page that shows another state than the batch has is told so at once.
    visitor.watch(&format!("{batch}/live?state=paused-still"), "event: state");
    visitor.send(&format!("{batch}/pause"), &[]).location();
    wait_until("it is paused", || {
        let page = visitor.page(&batch);
        page.contains("Go on") && !page.contains("requests left")
    });
}

#[test]
fn a_batch_that_a_guard_stopped_says_why_and_what_mends_it() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", "4711"]);
    let visitor = console.visitor();
    let list = visitor.drop_list("contacts.csv", contacts(0..3).as_bytes());
    let batch = visitor.prepare(&list, "Hello", &[("name", "list")]);
    visitor
        .send(&format!("{batch}/start"), &[("people", "3")])
        .location();
    let page = visitor.wait_for(&batch, "Stopped before harm");
    for text in [
        "channel",
        "people who were not messaged are queued",
        "under Health",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[test]
fn a_large_batch_is_counted_beside_its_page() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let list = contacts(0..20_000) + "+42077,Iva\n";
    let list = visitor.drop_list("contacts.csv", list.as_bytes());
    let read = || visitor.page(&list).contains("would be messaged");
    wait_until("the list is read", read);
    let written = [("message", "Hello")];
    visitor
        .send(&format!("{list}/message"), &written)
        .location();
    let message = format!("{list}/message");
    wait_until("all messages are made", || {
        visitor.page(&message).contains("Make it a batch")
    });
    let prepare = format!("{list}/prepare");
    visitor.send(&prepare, &[("name", "large")]);
    let batch = "/rehearsals/large";
    wait_until("it is a batch", || visitor.get(batch).status == 200);
    let page = visitor.wait_for(batch, "Numbers to mend");
    assert!(page.contains("<strong>20,000</strong> people"), "{page}");
    assert!(!page.contains("being counted"), "{page}");
    assert!(
        visitor
            .page(&format!("{batch}/report"))
            .contains("not sent yet")
    );
}

#[test]
fn a_batch_whose_list_was_read_again_says_so_where_it_can_go_on() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let prepare = |rows: &str, name: &str| {
        let list = visitor.drop_list("list.csv", format!("phone\n{rows}").as_bytes());
        visitor.prepare(&list, "Hello", &[("name", name)])
    };
    let older = prepare("+420777000001\n+420777000002\n", "older");
    let newer = prepare("+420777000002\n+420777000003\n", "newer");
    let told = "was read again since with other rows, as batch newer";
    assert!(visitor.page(&older).contains(told));
    assert!(!visitor.page(&newer).contains("was read again"));
}
