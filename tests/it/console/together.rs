//! Several people, and several processes: a pause that is asked for elsewhere, and a second person who starts.

use super::users::{PASSWORD, add};
use crate::support::{
    CHANNEL, ConsoleProcess, SandboxProcess, Scratch, Visitor, contacts, number, wait_until,
};

#[test]
fn a_person_on_the_page_pauses_what_a_terminal_sends() {
    let scratch = Scratch::new();
    add(&scratch, "eva", "operator");
    scratch.contacts(400);
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let eva = console.user("eva", PASSWORD);
    let send = scratch
        .send(&sandbox)
        .with(&["--rate", "2/s", "--burst", "1"])
        .start();
    wait_until("some were sent", || sandbox.stats().accepted > 3);
    let page = eva.page("/batches/list");
    assert!(
        page.contains("/batches/list/pause") && page.contains("It is sent by process"),
        "{page}"
    );
    eva.send("/batches/list/pause", &[]).location();
    send.wait()
        .expect(4)
        .says("list is paused: eva paused it on the console")
        .says("resume list");
    let accepted = sandbox.stats().accepted;
    let page = eva.page("/batches/list");
    assert!(
        page.contains("Paused: eva paused it on the console") && page.contains("Go on"),
        "{page}"
    );
    let counts = scratch.checkpoint().counts();
    assert_eq!(
        (counts.sending, counts.unknown, counts.sent),
        (0, 0, accepted)
    );
    assert_eq!(
        eva.send("/batches/list/pause", &[]).status,
        409,
        "it is not being sent"
    );
    // The same command again, as cron runs it, does not go on; nor does a worker.
    scratch
        .send(&sandbox)
        .run()
        .expect(4)
        .says("eva paused it on the console");
    // Quiet, it is one line.
    let quiet = scratch.send(&sandbox).with(&["--quiet"]).run().expect(4);
    let quiet = quiet.says("eva paused it on the console");
    assert_eq!(quiet.said.lines().count(), 1, "{}", quiet.said);
    let worker = ["worker", "--once", "--base-url", sandbox.base_url()];
    scratch.outreach(&worker).run().expect(0);
    assert_eq!(sandbox.stats().accepted, accepted);
    scratch.resume(&sandbox).run().expect(0);
    assert_eq!(sandbox.stats().accepted, 400);
    let health = eva.page("/health");
    assert!(
        health.contains("eva</td><td data-label=\"What\">pause"),
        "{health}"
    );
}

#[test]
fn a_run_that_waits_for_its_quota_is_paused_at_once() {
    let scratch = Scratch::new();
    scratch.contacts(20);
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let visitor = console.visitor();
    let send = scratch
        .send(&sandbox)
        .with(&["--rate", "2/h", "--burst", "1"])
        .start();
    wait_until("one was sent", || sandbox.stats().accepted == 1);
    visitor.wait_for("/batches/list", "/batches/list/pause");
    visitor.send("/batches/list/pause", &[]).location();
    send.wait().expect(4).says("paused it on the console");
    assert_eq!(sandbox.stats().accepted, 1);
}

#[test]
fn a_second_person_starts_what_one_prepared_and_a_change_asks_again() {
    let scratch = Scratch::new();
    for (name, role) in [("ada", "admin"), ("eva", "operator"), ("jan", "operator")] {
        add(&scratch, name, role);
    }
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let user = |name| console.user(name, PASSWORD);
    let (ada, eva, jan) = (user("ada"), user("eva"), user("jan"));
    assert_eq!(eva.send("/approval", &[("required", "yes")]).status, 403);
    ada.send("/approval", &[("required", "yes")]).location();
    let lifted = format!("+{}", number(4));
    let suppress = |how| {
        scratch
            .outreach(&["suppress", how, &lifted])
            .run()
            .expect(0)
    };
    suppress("add");
    let list = eva.drop_list("contacts.csv", contacts(0..5).as_bytes());
    let batch = eva.prepare(&list, "Hello {{ first_name }}", &[("name", "list")]);
    assert!(eva.page(&batch).contains("Another person starts it"));
    let start = |who: &crate::support::Visitor, people| {
        who.send(&format!("{batch}/start"), &[("people", people)])
    };
    let refused = start(&eva, "4");
    assert_eq!(refused.status, 409);
    assert!(
        refused.text().contains("eva prepared this batch"),
        "{}",
        refused.text()
    );
    // Whatever sends it asks: no command goes round the second person.
    scratch
        .resume(&sandbox)
        .run()
        .expect(4)
        .says("a second person must approve it");
    // Quiet, it is one line.
    let quiet = scratch.resume(&sandbox).with(&["--quiet"]).run().expect(4);
    let quiet = quiet.says("a second person must approve it");
    assert_eq!(quiet.said.lines().count(), 1, "{}", quiet.said);
    let worker = ["worker", "--once", "--base-url", sandbox.base_url()];
    scratch.outreach(&worker).run();
    assert_eq!(sandbox.stats().accepted, 0);
    start(&jan, "4").location();
    jan.wait_for(&batch, "complete");
    assert_eq!(sandbox.stats().accepted, 4);
    let page = eva.page(&batch);
    for line in [
        "Approved by</dt><dd>jan",
        "Prepared by</dt><dd>eva",
        "jan</td><td data-label=\"What\">approve",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    let send = |file: &str, how: &str| {
        scratch.write(file, &contacts(if how == "--add" { 5..8 } else { 0..5 }));
        let send = scratch.outreach(&["send", file, how, "--batch", "list", "--yes"]);
        let send = send.with(&["--message", "Hello {{ first_name }}", "--channel", CHANNEL]);
        send.with(&["--base-url", sandbox.base_url()]).run()
    };
    // The same list for the same people is what was approved.
    send("contacts.csv", "--update").expect(0);
    assert!(eva.page(&batch).contains("Approved by</dt><dd>jan"));
    // Where its rows are judged anew, and somebody is queued who was not, it is not.
    suppress("remove");
    let again = send("contacts.csv", "--update").expect(4);
    again.says("a second person must approve it");
    assert_eq!(sandbox.stats().accepted, 4);
    start(&jan, "1").location();
    jan.wait_for(&batch, "complete");
    assert_eq!(sandbox.stats().accepted, 5);
    // Rows join it: what was approved is not what it is now.
    send("more.csv", "--add").expect(4).says("a second person");
    assert_eq!(sandbox.stats().accepted, 5);
    start(&eva, "3").location();
    eva.wait_for(&batch, "complete");
    assert_eq!(sandbox.stats().accepted, 8);
    ada.send("/approval", &[("required", "no")]).location();
    let health = ada.page("/health");
    for line in ["require-approval: yes", "require-approval: no"] {
        assert!(health.contains(line), "{line}: {health}");
    }
}

#[test]
fn nobody_starts_another_list_or_message_than_the_page_has_shown() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let jan = console.visitor();
    let list = jan.drop_list("contacts.csv", contacts(0..5).as_bytes());
    let batch = jan.prepare(&list, "Hello {{ first_name }}", &[("name", "list")]);
    let (token, shown) = (jan.token(), jan.shown(&batch));
    // As many others take their place, while the page is open.
    scratch.write("other.csv", &contacts(10..15));
    let update = ["send", "other.csv", "--update", "--batch", "list", "--yes"];
    let update = scratch.outreach(&update).with(&["--channel", CHANNEL]);
    let update = update.with(&["--message", "Hello {{ first_name }}"]);
    let closed = SandboxProcess::with_faults(&["401:from=1"]);
    let update = update.with(&["--base-url", closed.base_url()]);
    update.run().expect(5);
    assert_eq!(sandbox.stats().sends, 0);
    let start = |shown: &str| {
        let form = [("token", &*token), ("people", "5"), ("shown", shown)];
        jan.post(&format!("{batch}/start"), &form)
    };
    for old in [&*shown, ""] {
        let answer = start(old);
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains("have changed since"));
    }
    assert_eq!(sandbox.stats().sends, 0);
    start(&jan.shown(&batch)).location();
    jan.wait_for(&batch, "complete");
    assert!(sandbox.accepted().contains_key(&number(10)));
}

#[test]
fn who_prepared_or_changed_what_nobody_has_approved_since_cannot_start_it() {
    let scratch = Scratch::new();
    for (name, role) in [("ada", "admin"), ("eva", "operator"), ("jan", "operator")] {
        add(&scratch, name, role);
    }
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let user = |name| console.user(name, PASSWORD);
    let (ada, eva, jan) = (user("ada"), user("eva"), user("jan"));
    ada.send("/approval", &[("required", "yes")]).location();
    let rows =
        "phone,first_name\n+420777000001,Ivo\n+420777000002,Ota\n+420777000003,Ida\n12,Ela\n";
    let list = eva.drop_list("contacts.csv", rows.as_bytes());
    let batch = eva.prepare(&list, "Hello {{ first_name }}", &[("name", "list")]);
    let is_refused = |who: &crate::support::Visitor, people: &str, why: &str| {
        assert!(who.page(&batch).contains("Another person starts it"));
        let refused = who.send(&format!("{batch}/start"), &[("people", people)]);
        assert_eq!(refused.status, 409);
        assert!(refused.text().contains(why), "{}", refused.text());
    };
    let typed = [("number.0.5", "+420777000004")];
    jan.send(&format!("{batch}/mend"), &typed).location();
    is_refused(&eva, "4", "eva prepared this batch");
    is_refused(&jan, "4", "jan changed this batch");
    // Nor does a change from a terminal make anybody's work that of another person.
    scratch.write("more.csv", "phone,first_name\n+420777000005,Jan\n");
    let add = ["send", "more.csv", "--add", "--batch", "list", "--yes"];
    let add = scratch.outreach(&add);
    let add = add.with(&["--message", "Hello {{ first_name }}", "--channel", CHANNEL]);
    let add = add.with(&["--base-url", sandbox.base_url()]);
    add.run().expect(4).says("a second person must approve it");
    is_refused(&eva, "5", "eva prepared this batch");
    is_refused(&jan, "5", "jan changed this batch");
    assert_eq!(sandbox.stats().accepted, 0);
    let start = [("people", "5")];
    ada.send(&format!("{batch}/start"), &start).location();
    let page = ada.wait_for(&batch, "complete");
    for line in [
        "Prepared by</dt><dd>eva",
        "Changed by</dt><dd>jan, ",
        "Approved by</dt><dd>ada",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    assert_eq!(sandbox.stats().accepted, 5);
}

/// Another channel is another bill, and may reach other people.
#[test]
fn another_channel_asks_again_for_the_second_person() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    let sql = |sql: &str| {
        let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
        file.execute_batch(sql).unwrap();
    };
    let send = || scratch.send(&sandbox).run();
    scratch
        .outreach(&["suppress", "add", "+420777999999"])
        .run();
    sql("INSERT INTO node (key, value) VALUES ('require-approval', 1)");
    send().expect(4).says("a second person must approve it");
    let approve = "UPDATE batch SET approval = json_object('prepared_by', 'eva', 'digest', hex(digest), 'by', 'jan')";
    sql(approve);
    let other = ["--fallback", "7001200300400500602"];
    let resume = scratch.resume(&sandbox).with(&other).run().expect(4);
    resume.says("a second person must approve it");
    assert_eq!(sandbox.stats().accepted, 0);
    sql(approve);
    // The channels that it has by now are what was approved.
    scratch.resume(&sandbox).with(&other).run().expect(0);
    assert_eq!(sandbox.stats().accepted, 3);
}

/// A decision is about the rows that were seen.
#[test]
fn who_decides_about_unknown_rows_decides_about_those_that_the_page_showed() {
    let scratch = Scratch::new();
    add(&scratch, "eva", "operator");
    let sandbox =
        SandboxProcess::with_faults(&["close-after-accept:at=2", "close-after-accept:at=5"]);
    let list = |name: &str, from: u32| {
        let rows: Vec<String> = (from..from + 3)
            .map(|at| format!("+{},Name", number(at)))
            .collect();
        scratch.write(name, &format!("phone,first_name\n{}\n", rows.join("\n")));
    };
    list("contacts.csv", 10);
    scratch.send(&sandbox).run().expect(3);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let visitor = console.user("eva", PASSWORD);
    let batch = "/batches/list";
    let old = visitor.shown_by(batch, &format!("{batch}/resolve"));
    list("contacts.csv", 20);
    scratch.send(&sandbox).with(&["--add"]).run().expect(3);
    let token = visitor.token();
    for decision in ["again", "sent"] {
        let form = [("token", &*token), ("decision", decision), ("shown", &old)];
        let answer = visitor.post(&format!("{batch}/resolve"), &form);
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains("other rows are unknown now"));
    }
    let said = visitor.send(&format!("{batch}/resolve"), &[("decision", "sent")]);
    assert_eq!(said.status, 303, "{}", said.text());
}

#[test]
fn a_page_makes_a_batch_of_the_message_that_it_shows_and_the_batch_shows_it_again() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let (eva, oto) = (console.visitor(), console.visitor());
    let list = eva.drop_list("list.csv", b"phone,first_name\n+420777000001,Eva\n");
    let message = |visitor: &Visitor, text: &str| {
        let fields = [("message", text)];
        visitor.send(&format!("{list}/message"), &fields).location();
        visitor.wait_for(&format!("{list}/message"), "Make it a batch");
    };
    message(&eva, "AAA {{ first_name }}");
    let (page, prepare) = (format!("{list}/message"), format!("{list}/prepare"));
    let seen = eva.shown_by(&page, &prepare);
    message(&oto, "CCC {{ first_name }}");
    let token = eva.token();
    let form = [("token", &*token), ("shown", &*seen), ("name", "spring")];
    let answer = eva.post(&prepare, &form);
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert!(
        answer
            .text()
            .contains("was changed since this page was opened")
    );
    let batch = eva.send(&prepare, &[("name", "spring")]).location();
    let page = eva.page(&batch);
    assert!(page.contains("CCC Eva"), "{page}");
}
